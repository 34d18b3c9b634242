"""The inside of a worker: takes tasks from the process that started it, and says what comes of them.

    $ python -c "…; serve(5, 'memory.compare.runs:Runner')"         # started by `work.py` alone

Whatever is called is made once and called with each task and a `Parent`. When the parent is gone or wants it to stop,
the next step ends the task; one that takes no step in time is ended with the process.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from memory.compare.work import PATIENCE
from memory.errors import BadInput, InspectorError

_TELL_EVERY = 0.1
"""Seconds between two words about the steps."""
_NICE = 10


class Stopped(BaseException):
    """The task is not wanted any more; no memory's own handling of errors is to catch it."""


class Parent:
    """The process that started this one, as a task speaks to it."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection, self._stopped = connection, threading.Event()
        self._tasks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._steps, self._told, self._user = 0, 0.0, ""
        threading.Thread(target=self._listen, daemon=True).start()

    def step(self) -> None:
        """Count one step; raises Stopped where there are to be no more."""
        if self._stopped.is_set():
            raise Stopped
        self._steps += 1
        if time.monotonic() - self._told > _TELL_EVERY:
            self._tell_steps()

    def tell(self, value: Any) -> None:
        """Say what came of a part of the task."""
        self._tell_steps()
        self._send("told", value)

    def user(self, name: str) -> None:
        """Say for whom memories keep things now, so that these go even if this process is killed; empty for nobody."""
        self._user = name
        self._send("user", name)

    def serve(self, target: str) -> None:
        """Do one task after the other."""
        module, _, name = target.partition(":")
        work = getattr(importlib.import_module(module), name)()
        while (data := self._tasks.get()) is not None:
            self._steps = 0
            try:
                work(pickle.loads(data), self)
            except InspectorError as error:
                # Those with fields of their own do not survive the way to another process.
                self._send("failed", (BadInput if isinstance(error, BadInput) else InspectorError)(str(error)))
            else:
                self._tell_steps()
                self._send("done", None)

    def _tell_steps(self) -> None:
        if self._steps:
            self._send("step", self._steps)
        self._steps, self._told = 0, time.monotonic()

    def _send(self, kind: str, value: Any) -> None:
        try:
            self._connection.send((kind, value))
        except OSError:
            raise Stopped from None

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                self._tasks.put(self._connection.recv_bytes())
        self._stopped.set()
        self._tasks.put(None)
        time.sleep(PATIENCE)  # the main thread may end by itself meanwhile, and this one with it
        if self._user:
            from memory.catalog import load

            with suppress(Exception):
                load().erase(self._user)
        os._exit(0)


def serve(number: int, target: str) -> None:
    """Work for the parent at the other end of an open file, by its number, until it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    with suppress(Stopped):
        Parent(Connection(number)).serve(target)
