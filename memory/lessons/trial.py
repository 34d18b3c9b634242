"""A lesson played from its first step to its last with the demo model, and everything measured that it says.

    >>> for step in trial(lesson): print(step.number, [verdict.held for verdict in step.verdicts], step.troubles)
    1 [True, True] ()
    2 [True] ('steps[2].after: {facts:4} is not there when the step was played',)

It is played in a store of its own that ends with it. What a teacher's file says and what happens differ where a verdict
is not true or where there is a trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memory.errors import InspectorError
from memory.lessons.figures import FIGURES, measured
from memory.lessons.lesson import Claim, Lesson, Step
from memory.lessons.live import Live
from memory.lessons.sheet import Played, played_on
from memory.lessons.stage import Stage
from memory.lessons.verdict import Verdict
from memory.lessons.words import figures_in, texts_of
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.stores.inmemory import InMemoryStore

OWNER = "trial"


@dataclass(frozen=True, slots=True)
class Tried:
    """A step that was played: its claims with what came of each, and what else is wrong with it, in sentences."""

    number: int
    claims: tuple[Claim, ...]
    verdicts: tuple[Verdict, ...]
    troubles: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether all holds that the step says."""
        return not self.troubles and all(verdict.held for verdict in self.verdicts)


def trial(
    lesson: Lesson, make_models: Callable[[], Models] = Models, retrieval: Retrieval | None = None
) -> Iterator[Tried]:
    """Play a lesson step by step; one that cannot be played is the last."""
    stage = Stage(InMemoryStore(), OWNER, lesson, make_models, retrieval)
    try:
        for number in range(1, len(lesson.steps) + 1):
            try:
                yield try_step(stage, number)
            except InspectorError as error:
                yield Tried(number, (), (), (f"steps[{number}] cannot be played: {error}",))
                return
    finally:
        stage.fresh()


def rehearsed(lesson: Lesson) -> dict[int, Played]:
    """Play a lesson whole with the demo model and return its steps for a sheet; those after a failing one lack."""
    stage = Stage(InMemoryStore(), OWNER, lesson, Models)
    try:
        for number in range(1, len(lesson.steps) + 1):
            try_step(stage, number)
    except InspectorError:
        pass  # the sheet says of what is left that it was not measured
    played = played_on(stage)
    stage.fresh()
    return played


def try_step(stage: Stage, number: int) -> Tried:
    """Play a step and measure what it says; raises what playing raises."""
    step, notices = stage.step(number), list[str]()
    if step.play:
        playing = stage.play(number)
        playing.join()
        notices = playing.notices
    troubles = (*notices, *_troubles(number, step, stage.live(number)))
    return Tried(number, tuple(step.claims), stage.judged(number), troubles)


def _troubles(number: int, step: Step, live: Live) -> Iterator[str]:
    """Name the figures that a step asks for or tells and that nothing has measured."""
    if step.predict and step.predict.number:
        asked = step.predict.number
        if measured(asked.figure, live, asked.turn) is None:
            yield f"steps[{number}].predict.number: {asked.figure} is not known when the step was played"
    for place, text in texts_of(step):
        for name, turn in figures_in(text):
            if name in FIGURES and measured(name, live, turn) is None:
                where = ".".join(str(part + 1) if isinstance(part, int) else part for part in place)
                yield f"steps[{number}].{where}: {{{name}:{turn or 'now'}}} is not known when the step was played"
