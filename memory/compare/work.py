"""Other processes that work through tasks, so that this one answers meanwhile and has its memory back afterwards.

    >>> with Workers(2, "memory.compare.runs:Runner") as workers:
    ...     for worker in workers.free():
    ...         worker.give(tasks.pop())
    ...     for news in workers.news(0.2):
    ...         print(news.kind, news.value)               # "step", "told", "done", "failed" or "gone"

A worker is a Python of its own that is started by its name: of the program that starts it, it takes over no module
(under Streamlit the main one is a page), no thread and no connection. It lets others go first on a busy machine, and
ends by itself as soon as the process that started it is gone, however that came.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

from memory.catalog import load
from memory.errors import InspectorError

WORTH = 4_000
"""From how many turns and questions, times memories, on a process is worth its start of one to two seconds."""
PATIENCE = 1.0
"""Seconds that a worker which is to stop has for it before it is ended."""
ENDED = "was ended from outside, perhaps for want of memory"

_BEGIN = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from memory.compare.worker import serve; serve(int(sys.argv[2]), sys.argv[3])"
)


@dataclass(frozen=True, slots=True)
class News:
    """What a worker says: how many steps more it did, what a task told, that it is done, or why it failed.

    A worker that is "gone" was ended from outside; its task is lost.
    """

    worker: Worker
    kind: Literal["step", "told", "done", "failed", "gone"]
    value: Any = None
    task: Any = None


class Worker:
    """A process, and the task it has."""

    def __init__(self, target: str) -> None:
        self.task: Any = None
        self.held: Any = None
        """What its user knows it to hold from earlier tasks."""
        self._user = ""
        ours, theirs = multiprocessing.Pipe()
        paths = list(dict.fromkeys([str(Path(__file__).parents[2]), *sys.path]))
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _BEGIN, json.dumps(paths), str(theirs.fileno()), target],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # a plug-in's prints are not this program's output
                start_new_session=True,  # a Ctrl+C of the terminal's is not for it: it stops when it is told to
            )
        self.connection: Connection[Any, Any] = ours

    def give(self, task: Any) -> None:
        """Send it a task; that it is gone is told by its next news."""
        self.task = task
        with suppress(OSError):
            self.connection.send(task)

    def hear(self) -> News | None:
        """Take what it said; None where that is for the workers themselves."""
        try:
            kind, value = self.connection.recv()
        except (EOFError, OSError):
            return News(self, "gone", task=self.task)
        if kind == "user":
            self._user = value
            return None
        task = self.task
        if kind in ("done", "failed"):
            self.task = None
        return News(self, kind, value, task)

    def let_go(self) -> None:
        """Tell it to stop; it has done so when it has ended."""
        self.connection.close()

    def end(self, patience: float) -> None:
        """Wait for its end, then end it; what memories keep for the run it was in goes as well."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, patience))
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()
        if self.process.returncode and self._user:
            with suppress(InspectorError):
                load().erase(self._user)


class Workers:
    """Some workers of one kind: `target` is `module:name` of what is called, once to be made and then for each task.

    It is called with a task and a `Parent` (`worker.py`). When they are left, however that comes, no process stays.
    """

    def __init__(self, count: int, target: str) -> None:
        self._target, self._count = target, count
        self.all: list[Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def free(self) -> Iterator[Worker]:
        """Yield those without a task, and new ones while there are fewer than wanted."""
        yield from [worker for worker in self.all if worker.task is None]
        while len(self.all) < self._count:
            self.all.append(Worker(self._target))
            yield self.all[-1]
            if self.all[-1].task is None:
                return  # there is nothing for it to do, nor for another

    @property
    def busy(self) -> bool:
        return any(worker.task is not None for worker in self.all)

    def news(self, timeout: float) -> Iterator[News]:
        """Yield what they say within so many seconds; one that is gone is no longer among them."""
        ready = set(wait([worker.connection for worker in self.all], timeout))
        for worker in [worker for worker in self.all if worker.connection in ready]:
            news = worker.hear()
            if news and news.kind == "gone":
                self.all.remove(worker)
                worker.let_go()
                worker.end(PATIENCE)
            if news:
                yield news

    def stop(self, patience: float = PATIENCE + 0.5) -> None:
        """Have all stop and end those that do not."""
        for worker in self.all:
            worker.let_go()
        deadline = time.monotonic() + patience
        for worker in self.all:
            worker.end(deadline - time.monotonic())
        self.all.clear()


def cores() -> int:
    """How many processes work at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes(steps: int, tasks: int) -> int:
    """Say how many processes are worth their start for so many steps in so many tasks: one for each core at most."""
    return max(1, min(cores(), tasks, steps // WORTH))
