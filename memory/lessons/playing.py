"""A step that is being played: a thread of its own does its actions one after the other, whoever looks on.

    >>> for job in stage.play(2): print("".join(job.follow()))
    Nice to meet you, Alex.
    >>> playing(owner, "window").done
    True

So a click, a reload or a closed tab in the middle of a step loses nothing: it is played to its end, and whoever opens
the lesson meanwhile follows it. One that ended with its process goes on with the action that it was at.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

from memory.errors import BadInput, InspectorError
from memory.lessons.work import Work
from memory.worker import Job


class Playing:
    """A step on its way; `job` is the answer on its way or the last one, `share` and `label` say how far another is.

    When it is `done` without an `error` the step is played, also where its last message is paused. `notices` are
    sentences on what went wrong and was survived.
    """

    def __init__(self, key: tuple[str, str], step: int, run: Callable[[Playing], None]) -> None:
        self.step = step
        self.job: Job | None = None
        self.share = 0.0
        self.label = ""
        self.error: InspectorError | None = None
        self.notices: list[str] = []
        self._key, self._run = key, run
        self._jobs: list[Job] = []
        self._stopped = self._ended = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._play, name=f"lesson-{key[1]}-{step}", daemon=True)

    @property
    def done(self) -> bool:
        return self._ended

    def __iter__(self) -> Iterator[Job]:
        """Yield each answer as it begins, from the first on, until the step is played; raises what went wrong."""
        seen = 0
        while True:
            with self._news:
                self._news.wait_for(partial(self._beyond, seen), timeout=1.0)
                jobs, ended = self._jobs[seen:], self._ended
            seen += len(jobs)
            yield from jobs
            if ended and not jobs:
                break
        if self.error:
            raise self.error

    def _beyond(self, seen: int) -> bool:
        return self._ended or len(self._jobs) > seen

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is played; raises what went wrong."""
        self._thread.join(timeout)
        if self.error:
            raise self.error

    def wait(self, timeout: float) -> None:
        """Wait at most so many seconds for the next thing to happen, at least for a moment."""
        with self._news:
            if not self._ended:
                self._news.wait(timeout)

    def stop(self) -> None:
        """End it, and the answer on its way with it; what was stored stays."""
        self._stopped = True
        for job in self._jobs[-1:]:
            job.stop()
        self._thread.join()

    def watched(self, work: Work) -> Work:
        """Return the work with this one told of all that happens in it."""
        return Work(
            work.store,
            work.retrieval,
            work.lesson,
            work.models,
            work.desk,
            work.progress,
            work.users,
            self._began,
            self._tell,
            self._notice,
        )

    def check(self) -> None:
        """End the step where it was stopped."""
        if self._stopped:
            raise _Stopped

    def _play(self) -> None:
        try:
            self._run(self)
        except _Stopped:
            pass
        except InspectorError as error:
            self.error = error
        except Exception as error:
            said = f"This step could not be played ({type(error).__name__}: {error})."
            self.error = BadInput(f"{said} Try again, or begin the lesson afresh.")
            raise
        finally:
            with _lock:
                if _playing.get(self._key) is self:
                    _playing.pop(self._key)
            with self._news:
                self._ended = True
                self._news.notify_all()

    def _began(self, job: Job) -> None:
        with self._news:
            self.job, self.label, self.share = job, "", 0.0
            if job not in self._jobs:
                self._jobs.append(job)
            self._news.notify_all()
        self.check()

    def _tell(self, share: float, label: str) -> None:
        self.check()
        with self._news:
            self.share, self.label = min(1.0, max(0.0, share)), label
            self._news.notify_all()

    def _notice(self, said: str) -> None:
        if said and said not in self.notices:
            self.notices.append(said)


class _Stopped(Exception):
    """Whoever asked no longer wants it."""


def begin(owner: str, lesson: str, step: int, run: Callable[[Playing], None]) -> Playing:
    """Begin to play, or return what is being played of this lesson already."""
    key = (owner, lesson)
    with _lock:
        if known := _playing.get(key):
            return known
        made = _playing[key] = Playing(key, step, run)
    made._thread.start()
    return made


def playing(owner: str, lesson: str) -> Playing | None:
    """Return what is being played of a lesson in this process."""
    with _lock:
        return _playing.get((owner, lesson))


def stop_all(owner: str) -> None:
    """End what is being played of an owner's lessons in this process, as before everything of theirs is removed."""
    with _lock:
        found = [playing for (own, _), playing in _playing.items() if own == owner]
    for playing in found:
        playing.stop()


_playing: dict[tuple[str, str], Playing] = {}
_lock = threading.Lock()
