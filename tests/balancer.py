"""nginx before several processes of the app, with the configuration that compose.yaml ships.

with balancer(folder, [8501, 8502, 8503]) as url: ...
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from tests.ports import free_port

COMPOSE = Path(__file__).resolve().parents[1] / "compose.yaml"


def configuration(ports: Sequence[int], listen: int) -> str:
    """Return the shipped configuration for processes on the loopback."""
    shipped: str = yaml.safe_load(COMPOSE.read_text())["configs"]["balancer"]["content"]
    servers = "\n".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=5s;" for port in ports)
    changes = {
        "$$": "$",
        "listen 8080;": f"listen 127.0.0.1:{listen};\nadd_header X-Served-By $upstream_addr always;",
        "resolver 127.0.0.11 valid=5s;": "",
        "server app:8501 resolve max_fails=1 fail_timeout=5s;": servers,
        "worker_processes auto;": "worker_processes 1;",
    }
    for shipped_words, ours in changes.items():
        assert shipped_words in shipped, f"compose.yaml no longer says {shipped_words}"
        shipped = shipped.replace(shipped_words, ours)
    return shipped


@contextmanager
def balancer(folder: Path, ports: Sequence[int]) -> Iterator[str]:
    """Start it; yields its address."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("no nginx on this machine")
    port = free_port()
    for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (folder / name).mkdir()
    temporary = "".join(
        f"{name}_temp_path {folder}/{kind};"
        for name, kind in (("client_body", "body"), *((kind, kind) for kind in ("proxy", "fastcgi", "uwsgi", "scgi")))
    )
    file = folder / "nginx.conf"
    file.write_text(configuration(ports, port).replace("access_log off;", f"access_log off; {temporary}"))
    settings = f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;"
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(file), "-g", settings], start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, f"nginx ended: {(folder / 'error.log').read_text()}"
            try:
                if httpx.get(f"{url}/healthz", timeout=2).is_success:
                    break
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, "the balancer leads nowhere"
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)
