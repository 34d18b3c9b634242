"""A real Chroma server for the tests, on files of its own and gone at the end.

with chroma_server(tmp_path) as server:
    open_vectors("test", 8, server.url)
    server.freeze()                     # and .thaw(), .kill(), .start()
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.ports import free_port


class ChromaServer:
    """`chroma run` on a free port of the loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, folder: Path | None = None) -> None:
        """Start it, again on the same port after `kill`; wait until it answers."""
        # The program beside this Python: a shell's PATH need not know it.
        program = Path(sys.executable).parent / "chroma"
        where = ["--path", str(folder or self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        with open(self.folder / "chroma.log", "ab") as log:
            self._process = subprocess.Popen(
                [program, "run", *where], cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while True:
            assert self._process.poll() is None, f"the server ended: {(self.folder / 'chroma.log').read_text()}"
            try:
                if httpx.get(f"{self.url}/api/v2/heartbeat", timeout=1).is_success:
                    return
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process, "the server was not started"
        os.kill(self._process.pid, number)


@contextmanager
def chroma_server(folder: Path) -> Iterator[ChromaServer]:
    """Start a server in `folder` and end it, whatever it was made to do."""
    server = ChromaServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
