"""One memory over one recording, in a worker (`worker.py`): what it came to is told to the process that asked for it.

    >>> worker.give(Task(0, 2, Column("ConversationBufferWindowMemory", {"k": 3}), Models(), data=packed(recording)))
    >>> [news.value.tokens[-1] for news in workers.news(5) if news.kind == "told"]
    [412]

What several memories ask of the same recording is worked out once, as long as it is by the same worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from memory.compare.collect import LONGEST, run_of
from memory.compare.experiment import Column
from memory.compare.keeping import unpacked
from memory.compare.results import RunResult
from memory.compare.worker import Parent
from memory.errors import InspectorError
from memory.formats.recording import Recording, clipped
from memory.replay import Replay
from memory.retrieval.embeddings import embedding
from memory.services import Models


@dataclass(frozen=True, slots=True)
class Task:
    """A column, by its place, over the recording `number`.

    `data` is that recording, packed, or None for a worker that has it already. `embedding` is the app's own where it
    is empty; `embedding_key` is a visitor's key for its provider. `ask` asks the recording's questions, `answer` has
    the model answer them; `turns` are the first turn that is reported and the one after the last.
    """

    number: int
    place: int
    column: Column
    models: Models
    embedding: str = ""
    embedding_key: str | None = field(default=None, repr=False)
    budget: int | None = None
    answer: bool = False
    data: bytes | None = field(default=None, repr=False)
    ask: bool = True
    turns: tuple[int, int] | None = None


class Runner:
    """Does tasks, and keeps the last recording with what was worked out of it."""

    def __init__(self) -> None:
        self._recording: Recording | None = None
        self._replays: dict[tuple[str, str], Replay] = {}

    def __call__(self, task: Task, parent: Parent) -> None:
        if task.data is not None:
            self.hold(unpacked(task.data))
        parent.tell(self.run(task, parent.step, parent.user))

    def hold(self, recording: Recording) -> None:
        """Take a recording, which the next tasks are about."""
        self._replays.clear()
        self._recording = recording

    def run(self, task: Task, step: Callable[[], None], user: Callable[[str], None] = lambda _: None) -> RunResult:
        """Run a task over the recording; `user` is told for whom a memory keeps things meanwhile."""
        try:
            with self._replay(task).run(task.column.open()) as run:
                user(run.user)
                found = run_of(run, task.ask, task.answer, step)
            user("")
        except InspectorError as error:
            return RunResult(failed=clipped(str(error), LONGEST))
        except (Exception, SystemExit) as error:
            said = f"{task.column.memory} failed ({type(error).__name__}: {error}): mend it or choose another memory."
            return RunResult(failed=clipped(said, LONGEST))
        return found

    def _replay(self, task: Task) -> Replay:
        models = task.models
        key = models.chat, models.memory_name
        if key not in self._replays:
            assert self._recording
            searched = embedding(task.embedding or None, api_key=task.embedding_key)
            self._replays[key] = Replay(self._recording, models, searched, task.turns, task.budget, prompts=False)
        return self._replays[key]
