"""A line between a client and a server that can be made slow or be cut, without the server's knowing.

with line_to(server.port) as line:
    connect(f"redis://127.0.0.1:{line.port}/0")
    line.slow(0.3)                      # seconds that each answer is held up
    line.cut()                          # whoever connects is hung up on, until `line.mend()`
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Line:
    """Hands bytes on, both ways, from a free port of the loopback to a server's."""

    def __init__(self, port: int) -> None:
        self._delay = 0.0
        self._to = port
        self._cut = False
        self._ended = threading.Event()
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._receive, daemon=True).start()

    def slow(self, seconds: float) -> None:
        """Hold every answer up for so long."""
        self._delay = seconds

    def cut(self) -> None:
        """Hang up on everybody, and on whoever comes."""
        self._cut = True
        self._hang_up()

    def to(self, port: int) -> None:
        """Lead whoever comes to another server, and hang up on who is there."""
        self._to = port
        self._hang_up()

    def mend(self) -> None:
        """Let who comes from now on through, without delay."""
        self._cut, self._delay = False, 0.0

    def close(self) -> None:
        self._ended.set()
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._hang_up()

    def _hang_up(self) -> None:
        with self._lock:
            ends, self._open = self._open, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> None:
        while not self._ended.is_set():
            try:
                here, _ = self._door.accept()
            except OSError:
                return
            try:
                if self._cut:
                    raise ConnectionError
                there = socket.create_connection(("127.0.0.1", self._to), timeout=5)
            except OSError:
                here.close()
                continue
            there.settimeout(None)
            with self._lock:
                self._open += [here, there]
            for one, other, answers in ((here, there, False), (there, here, True)):
                threading.Thread(target=self._hand_on, args=(one, other, answers), daemon=True).start()

    def _hand_on(self, one: socket.socket, other: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if answers and self._delay:
                    self._ended.wait(self._delay)
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        one.close()


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """Open a line to a server's port and close it at the end."""
    line = Line(port)
    try:
        yield line
    finally:
        line.close()
