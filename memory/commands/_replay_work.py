"""The replay of one conversation, and of many in parallel processes, which hand over their JSON as files.

>>> work = Work(("window:k=3",), Models(), "hashing")
>>> with side_by_side(work, recordings, folder, progress) as results:
...     for recording, result in zip(recordings, results): report.add(recording, result)

Each process takes the next conversation that nobody has; what it needs is made in it anew from the names in `Work`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from memory.compare.work import ENDED, Workers
from memory.compare.work import processes as enough
from memory.errors import InspectorError

if TYPE_CHECKING:
    from memory.commands._replay_json import ReplayWriter
    from memory.commands._table import Progress
    from memory.compare.worker import Parent
    from memory.evidence import Evidence
    from memory.formats import Recording
    from memory.replay import Totals
    from memory.services import Models


@dataclass(frozen=True, slots=True)
class Work:
    """What is done with each conversation, as the command names it."""

    specs: tuple[str, ...]
    models: Models
    embeddings: str | None = None
    turns: tuple[int, int] | None = None
    ask: bool = True
    answer: bool = False
    prompts: bool = False

    def steps(self, recording: Recording) -> int:
        """Count the turns and questions of all memories."""
        end = self.turns[1] if self.turns else None
        return (len(recording.turns[:end]) + self.ask * len(recording.questions)) * len(self.specs)


@dataclass(slots=True)
class Result:
    """What a conversation came to: totals and evidence of each memory in their order."""

    answered: int = 0
    runs: list[tuple[Totals, Evidence]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def replay(
    work: Work,
    recording: Recording,
    writer: ReplayWriter | None,
    step: Callable[[str], None],
    user: Callable[[str], None] = lambda _: None,
) -> Result:
    """Run all memories over a conversation; `step` is called after each turn and question.

    `user` is told for whom a memory keeps things meanwhile.
    """
    from memory.catalog import load
    from memory.replay import Replay
    from memory.retrieval.embeddings import embedding

    one = Replay(recording, work.models, embedding(work.embeddings), work.turns, prompts=work.prompts)
    result = Result(len(one.lacking))
    if writer:
        writer.conversation(recording)
    for spec in work.specs:
        label = f"{recording.id} {spec}"
        memory = load().memory(spec)
        with one.run(memory) as run:
            user(run.user)
            if writer:
                writer.run(memory)
            for turn in run.turns():
                if writer:
                    writer.turn(turn)
                step(label)
            if writer:
                writer.totals(run.totals)
            for question in run.questions(work.answer) if work.ask else ():
                if writer:
                    writer.question(question)
                step(label)
            if writer:
                writer.evidence(run.evidence)
            result.runs.append((run.totals, run.evidence))
            result.errors += [f"{label}: {error}" for error in run.errors]
    return result


def processes(work: Work, recordings: Sequence[Recording]) -> int:
    """Say how many processes are worth their start: one for each core at most, 1 for none beside this one."""
    return enough(sum(map(work.steps, recordings)), len(recordings))


@contextmanager
def side_by_side(
    work: Work, recordings: Sequence[Recording], count: int, folder: Path | None, progress: Progress
) -> Iterator[Iterator[Result]]:
    """Replay in `count` processes; their JSON is in `folder`, for each conversation a file by its number from 0.

    Raises what a conversation raised as BadInput or InspectorError. At the end, however it comes, no process is left.
    """
    with Workers(count, "memory.commands._replay_work:Replaying") as workers:
        yield _results(work, recordings, folder, progress, workers)


def _results(
    work: Work, recordings: Sequence[Recording], folder: Path | None, progress: Progress, workers: Workers
) -> Iterator[Result]:
    tasks = iter(enumerate(recordings))
    finished: dict[int, Result | InspectorError] = {}
    done = 0
    for number in range(len(recordings)):
        while number not in finished:
            # The next conversation goes to whoever is free.
            for worker, (next_one, recording) in zip(workers.free(), tasks, strict=False):
                worker.give((next_one, work, recording, folder and folder / str(next_one)))
            for news in workers.news(0.1):
                if news.kind == "step":
                    done += news.value
                elif news.kind == "gone":
                    raise InspectorError(
                        f"A process that replayed conversations {ENDED}: replay them one by one with --conversation"
                    )
                elif news.kind in ("told", "failed"):
                    finished[news.task[0]] = news.value
            progress.to(done, f"{len(finished):,} of {len(recordings):,} conversations")
        result = finished[number]
        if isinstance(result, InspectorError):
            raise result
        yield result


class Replaying:
    """Replays conversations in a process of its own."""

    def __call__(self, task: tuple[int, Work, Recording, Path | None], parent: Parent) -> None:
        from memory.commands._replay_json import ReplayWriter

        _, work, recording, file = task
        with (
            nullcontext() if file is None else file.open("w", encoding="utf-8") as text,
            nullcontext() if text is None else ReplayWriter(text, several=False) as writer,
        ):
            result = replay(work, recording, writer, lambda _: parent.step(), parent.user)
        # Only now, when the file is whole: it is read as soon as this is told.
        parent.tell(result)
