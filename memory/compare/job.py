"""Runs an experiment in the background: other processes work, and what each finishes is kept at once.

    >>> job = start(experiments, made.id)
    >>> job.share, job.seconds_left, job.label
    (0.42, 11.5, 'Alex and Sam · ConversationBufferWindowMemory:k=3')
    >>> job.stop(); job.join(5); job.status
    'stopped'
    >>> job = start(experiments, made.id)               # goes on with what has no result yet

A browser runs one experiment at a time. Who runs one says so in the store every second or two, so that whoever looks
after a crash sees that nobody does.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeVar

from memory.compare.experiment import Experiment
from memory.compare.keeping import Experiments
from memory.compare.results import RunResult
from memory.compare.runs import Task
from memory.compare.schedule import Place, Schedule
from memory.compare.work import ENDED, News, Workers, cores, processes
from memory.errors import BadInput, ExperimentGone, InspectorError, StoreUnavailable
from memory.services import Models
from memory.stores.experiments import experiment_gone
from memory.tokens import BUILT_IN

T = TypeVar("T")
Keys = Callable[[str], str | None]
"""Gives a visitor's own key for a model's provider, None where it is in the environment or there is none."""

BEAT, HELD = 1.5, 8.0
"""Seconds between two words that an experiment is being run, and for how long such a word holds."""
AWAY = 300.0
"""Seconds that a store may be away before its experiment is given up; what was kept until then stays."""
PACE = 10.0
"""Over how many of the last seconds the pace is taken."""
_TICK = 0.1
MOST_PROCESSES = 2 * cores()
"""Processes of all jobs together."""
_TRIES = 2
"""How often a run is begun whose process is ended from outside."""


@dataclass(frozen=True, slots=True)
class _Pace:
    at: float
    steps: int


class Job:
    """An experiment on its way; `done` of `total` steps are turns and questions of all runs.

    `label` says what is being run, or what is waited for. `status` is "running" until everything is kept; `error` is
    the sentence of a job that "failed". Runs that failed are results, and fail no job.
    """

    def __init__(self, experiments: Experiments, experiment: Experiment, keys: Keys, holder: str) -> None:
        self.experiments, self.id = experiments, experiment.id
        self.status: Literal["running", "stopped", "failed", "done"] = "running"
        self.error, self.label = "", "Starting"
        self._experiment, self._holder = experiment, holder
        self._models = [_models(experiment, place, keys) for place in range(len(experiment.columns))]
        self._embedding_key = keys(experiment.embedding) if ":" in experiment.embedding else None
        self._schedule = Schedule(experiment.conversations, len(experiment.columns))
        self.total, self.done = self._schedule.total, 0
        self._pace: deque[_Pace] = deque()
        self._worked = 0
        self._tries: dict[Place, int] = {}
        self._stop = threading.Event()
        self._beaten = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"compare-{self.id}", daemon=True)

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1."""
        return self.done / self.total if self.total else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Estimate by the pace of the last seconds; None where there is none yet."""
        pace = list(self._pace)
        if len(pace) < 2 or pace[-1].at - pace[0].at < 1 or pace[-1].steps == pace[0].steps:
            return None
        steps = (pace[-1].steps - pace[0].steps) / (pace[-1].at - pace[0].at)
        return (self.total - self.done) / steps

    @property
    def stopping(self) -> bool:
        """Whether it has been told to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End it within a second or two; runs that are finished are kept, and `start` goes on with the others."""
        self._stop.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, at most so many seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        status: Literal["stopped", "failed", "done"] = "failed"
        try:
            self._kept(self._begin)
            count = processes(self._schedule.left, self._schedule.runs)
            with self._slots(count) as slots, Workers(slots, "memory.compare.runs:Runner") as workers:
                while self._schedule.unfinished and not self._stop.is_set():
                    self._hand_out(workers)
                    for news in workers.news(_TICK):
                        self._hear(news)
                    self._beat()
            status = "stopped" if self._schedule.unfinished else "done"
        except _Stopping:
            status = "stopped"
        except ExperimentGone as error:
            status, self.error = "stopped", str(error)
        except InspectorError as error:
            self.error = str(error)
        except Exception as error:
            self.error = f"The comparison ended by a mistake of this program ({type(error).__name__}): start it again."
            raise
        finally:
            self._end(status)

    @contextmanager
    def _slots(self, count: int) -> Iterator[int]:
        """Take as many processes as are free among all jobs, at least one; waits for that."""
        global _taken
        while True:
            with _lock:
                if (free := MOST_PROCESSES - _taken) > 0:
                    count = min(count, free)
                    _taken += count
                    break
            self.label = "Waiting for the experiments of others"
            self._beat()
            if self._stop.wait(_TICK):
                raise _Stopping
        try:
            yield count
        finally:
            with _lock:
                _taken -= count

    def _begin(self) -> None:
        for place in self.experiments.finished(self.id):
            self._schedule.finish(place)
        self.done = self._schedule.done

    def _hand_out(self, workers: Workers) -> None:
        """Give every worker something to do; one that has a recording gets what is left of it first."""
        for worker in workers.free():
            held = [other.held for other in workers.all if other is not worker]
            place = self._schedule.next(worker.held, held)
            if place is None:
                continue
            number, column = place
            data = None if worker.held == number else self._kept(partial(self.experiments.packed, self.id, number))
            worker.held = number
            one = self._experiment
            models, embedded = self._models[column], self._embedding_key
            task = Task(
                number, column, one.columns[column], models, one.embedding, embedded, one.budget, one.answer, data
            )
            worker.give(task)

    def _hear(self, news: News) -> None:
        task = news.task
        place = (task.number, task.place) if isinstance(task, Task) else None
        if news.kind == "step" and place:
            self._schedule.step(place, news.value)
            self._count(news.value)
            self.label = f"{self._experiment.conversations[place[0]].title} · {self._experiment.columns[place[1]].spec}"
        elif news.kind == "told" and place:
            self._finish(place, news.value)
        elif news.kind in ("gone", "failed") and place:
            self._tries[place] = self._tries.get(place, 0) + 1
            if self._tries[place] < _TRIES:
                self._schedule.again(place)
            else:
                self._finish(place, RunResult(failed=f"The process that replayed it {ENDED}: choose fewer turns."))
        self.done = self._schedule.done

    def _finish(self, place: Place, result: RunResult) -> None:
        self._kept(lambda: self.experiments.put_result(self.id, *place, result))
        self._schedule.finish(place)
        self._count(0)

    def _count(self, steps: int) -> None:
        self._worked += steps
        self._pace.append(_Pace(time.monotonic(), self._worked))
        while self._pace[-1].at - self._pace[0].at > PACE:
            self._pace.popleft()

    def _beat(self) -> None:
        """Say that it goes on; stop where it is gone or, after a pause of this process, another's."""
        if time.monotonic() - self._beaten < BEAT:
            return
        self._beaten = time.monotonic()
        with suppress(StoreUnavailable):
            store, user = self.experiments.store, self.experiments.user
            if store.claim(user, self._holder, HELD) != self._holder or store.experiment(user, self.id) is None:
                self.stop()

    def _kept(self, work: Callable[[], T]) -> T:
        """Read or write in the store, again and again where it is away for a moment."""
        deadline, before = time.monotonic() + AWAY, self.label
        while True:
            try:
                done = work()
                self.label = before
                return done
            except StoreUnavailable as error:
                if time.monotonic() > deadline:
                    raise
                self.label = f"Waiting for the store. {error}"
            if self._stop.wait(0.5):
                raise _Stopping

    def _end(self, status: Literal["stopped", "failed", "done"]) -> None:
        def note() -> None:
            kept, held = self.experiments.get(self.id), self.experiments.store.claimed(self.experiments.user)
            if kept and held in ("", self._holder):
                self.experiments.put(replace(kept, status=status, error=self.error))

        # Where the store is away now, the missing beat says that nobody runs it.
        with suppress(InspectorError):
            note()
            self.experiments.store.claim(self.experiments.user, self._holder, 0)
        with _lock:
            # Since the claim was given back the next one may have begun.
            if _jobs.get(self.experiments.user) is self:
                del _jobs[self.experiments.user]
        self.status = status


class _Stopping(Exception):
    """It was stopped while it waited."""


def start(experiments: Experiments, id: str, keys: Keys = lambda _: None) -> Job:
    """Run what has no result yet, in the background; returns the job that does it already where there is one.

    `keys` is asked at once, for each model. Raises ExperimentGone, and BadInput where the browser runs another one.
    """
    with _starting:
        if (known := running(experiments.user, id)) and not known.stopping:
            return known
        if known:
            known.join(HELD)
        experiment = experiments.get(id)
        if experiment is None:
            raise experiment_gone()
        if experiment.kind != "replay":
            raise BadInput("A live comparison is not replayed: send a message to its columns instead.")
        store, holder = experiments.store, f"{id}:{uuid.uuid4().hex[:8]}"
        held = store.claim(experiments.user, holder, HELD)
        if held != holder:
            raise BadInput(_busy(experiments, id, held.partition(":")[0]))
        try:
            job = Job(experiments, experiment, keys, holder)
            experiments.put(replace(experiment, status="running", error=""))
        except Exception:
            with suppress(StoreUnavailable):
                store.claim(experiments.user, holder, 0)
            raise
        with _lock:
            _jobs[experiments.user] = job
        job._thread.start()
        return job


def running(user: str, id: str) -> Job | None:
    """Return the job of an experiment that is run in this process."""
    with _lock:
        job = _jobs.get(user)
    return job if job and job.id == id else None


def stop_all(timeout: float = 3.0) -> None:
    """Stop every job, as when the server is told to stop; what is finished is kept."""
    with _lock:
        jobs = list(_jobs.values())
    for job in jobs:
        job.stop()
    deadline = time.monotonic() + timeout
    for job in jobs:
        job.join(max(0.0, deadline - time.monotonic()))


def _models(experiment: Experiment, place: int, keys: Keys) -> Models:
    usual = Models(experiment.model, experiment.memory_model, experiment.price_as)
    models = experiment.columns[place].models(usual)
    return replace(models, key=keys(models.memory_name if models.chat in BUILT_IN else models.chat))


def _busy(experiments: Experiments, id: str, other: str) -> str:
    if other == id:
        return "This experiment is already being run: wait a moment until it is done, then reload the page."
    known = experiments.get(other)
    named = f"“{known.title}”" if known else "Another experiment"
    return f"{named} is being run, and a browser runs one at a time: wait until it is done, or stop it first."


_jobs: dict[str, Job] = {}
_lock = threading.Lock()
_starting = threading.Lock()
_taken = 0
