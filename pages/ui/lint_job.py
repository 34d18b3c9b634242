"""A check of the rules on its way: a thread of its own works, the page looks how far it is.

    >>> job = start(Subject(store, user, thread, length, memory, models, embedding, budget))
    >>> job.share, job.label, job.reports
    (0.42, 'restarts after each turn', ())

One runs at a time in this process, since it keeps a core busy; it gives way to whoever answers a message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from memory.base import Memory
from memory.errors import InspectorError
from memory.lint import Report, lint_classic, lint_ours, scratch_server, twin
from memory.retrieval.embeddings import Embedding
from memory.services import Models
from memory.store import Store

MOST = 400
"""Turns that are checked; of a longer conversation the last ones are."""
BREATH = 0.002
"""Seconds between two turns in which others have the interpreter for themselves."""

_one = threading.Lock()


@dataclass(frozen=True)
class Subject:
    """What is checked: the turns of a thread, and the memory that reads its next message."""

    store: Store
    user: str
    thread: str
    length: int
    memory: Memory
    models: Models
    embedding: Embedding
    budget: int | None

    @property
    def first(self) -> int:
        """The first turn that is checked."""
        return max(0, self.length - MOST)

    @property
    def name(self) -> tuple[str, int, str]:
        """What tells one check from another."""
        settings = self.memory.settings.model_dump_json()
        return self.thread, self.length, f"{self.memory.name} {settings} {self.budget} {self.embedding.name}"


@dataclass
class Job:
    """How far a check is; `ours` and `theirs` are there when it is `done` without an `error`."""

    subject: Subject
    share: float = 0.0
    label: str = "waits for another check"
    ours: Report | None = None
    theirs: tuple[Report, ...] = ()
    error: str = ""
    done: bool = False
    stopped: bool = False
    begun: float = field(default_factory=time.time)

    def stop(self) -> None:
        """End it at the next turn; what it has found is thrown away."""
        self.stopped = True

    def _tell(self, begin: float, end: float) -> Callable[[float, str], None]:
        def tell(share: float, label: str) -> None:
            if self.stopped:
                raise _Stopped
            self.share, self.label = begin + share * (end - begin), label
            time.sleep(BREATH)

        return tell

    def run(self) -> None:
        """Check ours, then LangChain's own class of the same name where there is one."""
        subject = self.subject
        try:
            with _one, scratch_server() as server:
                turns = subject.store.turns(subject.user, subject.thread, subject.first, subject.length)
                other = twin(subject.memory)
                self.ours = lint_ours(
                    subject.memory,
                    turns,
                    server,
                    subject.models,
                    subject.embedding,
                    subject.budget,
                    self._tell(0.0, 0.5 if other else 1.0),
                )
                if other:
                    self.theirs = lint_classic(
                        other, turns, server, subject.models, subject.embedding, self._tell(0.5, 1.0)
                    )
        except _Stopped:
            pass
        except InspectorError as error:
            self.error = str(error)
        except Exception as error:
            # A plug-in's own mistake, wherever it shows.
            self.error = f"The check itself failed ({type(error).__name__}: {error}). Try it again."
        finally:
            self.done = True


class _Stopped(Exception):
    """Whoever asked no longer wants to know."""


def start(subject: Subject) -> Job:
    """Begin a check and return at once."""
    job = Job(subject)
    threading.Thread(target=job.run, name="memory-lint", daemon=True).start()
    return job
