"""Runs every memory of a comparison over every conversation, in this process or, where that is worth it, in several.

>>> results = run_all(Work(experiment, recordings, names, Models()), progress)
>>> results[0, 2].tokens[-1]
412
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory.compare.experiment import Experiment
from memory.compare.keeping import packed
from memory.compare.results import Results, RunResult
from memory.compare.runs import Runner, Task
from memory.compare.schedule import Place, Schedule
from memory.compare.work import ENDED, Workers, processes
from memory.formats import Recording
from memory.services import Models

if TYPE_CHECKING:
    from memory.commands._table import Progress


@dataclass(frozen=True, slots=True)
class Work:
    """What is run, and what the experiment does not say: the columns' names here, the turns, whether to ask."""

    experiment: Experiment
    recordings: Sequence[Recording]
    names: Sequence[str]
    models: Models
    turns: tuple[int, int] | None = None
    ask: bool = True

    def task(self, place: Place, data: bytes | None = None) -> Task:
        """Make the task of a recording and a column; `data` is the recording for a worker that does not have it."""
        one = self.experiment
        return Task(
            *place,
            one.columns[place[1]],
            self.models,
            one.embedding,
            budget=one.budget,
            answer=one.answer,
            data=data,
            ask=self.ask,
            turns=self.turns,
        )


def run_all(work: Work, progress: Progress) -> Results:
    """Run every column over every recording; one that fails is a result that says why."""
    schedule = schedule_of(work)
    count = processes(schedule.total, schedule.runs)
    return _here(work, schedule, progress) if count == 1 else _beside(work, schedule, progress, count)


def schedule_of(work: Work) -> Schedule:
    """Lay out the runs; its steps are what a bar shows."""
    return Schedule(work.experiment.conversations, len(work.experiment.columns))


def _here(work: Work, schedule: Schedule, progress: Progress) -> Results:
    runner, results = Runner(), Results()
    for number, recording in enumerate(work.recordings):
        runner.hold(recording)
        for column, name in enumerate(work.names):
            place = number, column

            def step(place: Place = place, label: str = f"{recording.id} {name}") -> None:
                schedule.step(place, 1)
                progress.to(schedule.done, label)

            assert schedule.next(number, []) == place
            results[place] = runner.run(work.task(place), step)
            schedule.finish(place)
    return results


def _beside(work: Work, schedule: Schedule, progress: Progress, count: int) -> Results:
    results = Results()
    runs = schedule.runs
    with Workers(count, "memory.compare.runs:Runner") as workers:
        while schedule.unfinished:
            for worker in workers.free():
                place = schedule.next(worker.held, [other.held for other in workers.all if other is not worker])
                if place is not None:
                    data = None if worker.held == place[0] else packed(work.recordings[place[0]])
                    worker.held = place[0]
                    worker.give(work.task(place, data))
            for news in workers.news(0.1):
                if not isinstance(news.task, Task):
                    continue
                place = news.task.number, news.task.place
                if news.kind == "step":
                    schedule.step(place, news.value)
                elif news.kind in ("told", "gone", "failed"):
                    lost = RunResult(failed=f"The process that replayed it {ENDED}: compare fewer at a time.")
                    results[place] = news.value if news.kind == "told" else lost
                    schedule.finish(place)
            progress.to(schedule.done, f"{len(results):,} of {runs:,} runs")
    return dict(sorted(results.items()))
