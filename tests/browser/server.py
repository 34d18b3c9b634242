"""The app as a process: started, ended, killed and started again at the same address over the same data.

with running_app(MODEL="openai:echo") as server:
    server.restart(kill=True)
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 120  # seconds


class AppServer:
    """`streamlit run` of a script in a data folder of its own; the port and the folder stay the same over restarts."""

    def __init__(self, script: Path | str = ROOT / "app.py", env: dict[str, str] | None = None) -> None:
        self.script = Path(script)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Short: a Unix socket's name may have about 100 characters.
        self.home = Path(tempfile.mkdtemp(prefix="mi-"))
        self.env = {"MEMORY_INSPECTOR_HOME": str(self.home / "data"), **(env or {})}
        self.log_path = self.home / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.start_seconds = 0.0

    def start(self) -> AppServer:
        """Start the server and wait until it is healthy."""
        begin = time.perf_counter()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(self.script), "--server.port", str(self.port)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        while not self.healthy():
            if self.process.poll() is not None or time.perf_counter() - begin > START_TIMEOUT:
                raise RuntimeError(f"The app did not start:\n{self.log()}")
            time.sleep(0.05)
        self.start_seconds = time.perf_counter() - begin
        return self

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        """End the server as a person would, with Ctrl+C."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self, *, kill: bool = False) -> None:
        self._end(signal.SIGKILL if kill else signal.SIGINT)
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(15)
        self.process = None

    def close(self) -> None:
        """Stop, end what the server left running in its folder, and remove the folder."""
        self.stop()
        for process in _processes_in(self.home):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.home, ignore_errors=True)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""


def _processes_in(folder: Path) -> list[int]:
    """The processes whose command names the folder or that work in it: an embedded Redis outlives a killed app."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, place = (entry / "cmdline").read_bytes().decode(errors="replace"), os.readlink(entry / "cwd")
        except OSError:
            continue
        if int(entry.name) != os.getpid() and (f"{folder}/" in command or f"{place}/".startswith(f"{folder}/")):
            found.append(int(entry.name))
    return found


@contextmanager
def running_app(script: Path | str = ROOT / "app.py", **env: str) -> Iterator[AppServer]:
    """A server of one test's own, for what needs another environment or script."""
    server = AppServer(script, env)
    try:
        yield server.start()
    finally:
        server.close()
