"""Real servers for the tests, each on files of its own and gone at the end.

with redis_server(tmp_path) as server:
    connect(server.url).call(lambda client: client.ping())
    server.freeze()                     # and .thaw(), .kill(), .start()

with embedded_server(tmp_path) as connection:
    connection.call(...)
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from memory.server.connect import Connection, connect
from memory.server.embedded import Embedded
from memory.server.server_binary import bundled_binary
from tests.ports import free_port


@contextmanager
def embedded_server(home: Path) -> Iterator[Connection]:
    """Connect to the embedded server of `home`; at the end no server of that folder lives, whoever started it."""
    connection = None
    try:
        connection = connect("", home)
        yield connection
    finally:
        if connection:
            connection.close()
        end(home)


def end(home: Path) -> None:
    """End the embedded server of `home`, cleanly if it lets us and by force if it is frozen."""
    server = Embedded(home)
    if not server.folder.exists():
        return
    pid = server.pid()
    if pid and server.probe() == "frozen":
        os.kill(pid, signal.SIGKILL)
    assert server.stop(), f"the embedded server {pid} does not end"


class RedisServer:
    """A server on a free port of the loopback, with every acknowledged write on disk."""

    def __init__(self, folder: Path, binary: str, **settings: str) -> None:
        self.folder, self.binary, self.settings = folder, binary, settings
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.words: list[str] = []
        """What it is started with where that is nothing of the settings."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process, "the server was not started"
        return self._process.pid

    def start(self, *, loaded: bool = True) -> None:
        """Start the server, again on the same port and files after `kill`; wait until it listens and has its data."""
        folder = str(self.folder)
        settings = {"dir": folder, "port": str(self.port), "bind": "127.0.0.1", "save": "", "appendonly": "yes"}
        settings |= {"appendfsync": "always", "loglevel": "warning", "logfile": "redis.log"}
        settings |= {name.replace("_", "-"): value for name, value in self.settings.items()}
        if "tls-port" in settings:
            settings |= {"tls-port": str(self.port), "port": "0"}
        words = self.words or [word for name, value in settings.items() for word in (f"--{name}", *value.split(" "))]
        self._process = subprocess.Popen([self.binary, *words], cwd=folder, start_new_session=True)
        deadline = time.monotonic() + 60
        while True:
            assert self._process.poll() is None, f"the server ended: {(self.folder / 'redis.log').read_text()}"
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                    if "tls-port" in settings:
                        return
                    line.sendall(b"PING\r\n")
                    if not (line.recv(64).startswith(b"-LOADING") and loaded):
                        return
            except OSError:
                pass
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)

    def client(self) -> redis.Redis:
        """Return a client of redis-py's own settings."""
        return redis.Redis.from_url(self.url)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


@contextmanager
def redis_server(folder: Path, **settings: str) -> Iterator[RedisServer]:
    """Start `redis-server` (else the bundled Valkey) in `folder`; settings as in redis.conf, `_` for `-`."""
    binary = shutil.which("redis-server") or bundled_binary()
    if binary is None:
        pytest.skip("no Redis server on this machine")
    server = RedisServer(folder, binary, **settings)
    server.start()
    try:
        yield server
    finally:
        server.kill()
