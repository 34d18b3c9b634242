"""How far an owner is in a lesson: the step, what was played of it and where, the answers, when it was finished.

    >>> desk = Desk(store, owner)
    >>> desk.all()["window"].played, desk.all()["window"].finished_at
    ((1, 2), None)

It is kept in the store, so that a reload, another tab and a restart find it; it goes with everything of the owner. A
lesson whose file was changed since begins anew.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from memory.compare.results import RESULT, RunResult
from memory.errors import StoreUnavailable, ThreadGone
from memory.forgetting.receipt import Receipt
from memory.lessons.lesson import Lesson
from memory.lessons.live import Reread, Spot
from memory.lessons.sandbox import BENCH, DESK, desk, identity
from memory.lessons.verdict import Verdict
from memory.lint.report import Report
from memory.longterm.rows import Row, field_of
from memory.store import Store

RACES = 8
BEGUN_ANEW = "This lesson was begun anew, or removed, in another tab: reload the page."


@dataclass(frozen=True, slots=True)
class Scene:
    """How things stood in a lesson: its conversations, that used last at the end, and where somebody spoke last.

    `lints` and `compared` name what was measured, `scenario` what was compared over. `at` is when a step ended so, in
    seconds since the epoch.
    """

    person: str = ""
    thread: str = ""
    spots: tuple[Spot, ...] = ()
    lints: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    scenario: str = ""
    receipts: tuple[Receipt, ...] = ()
    reread: Reread | None = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an owner is in a lesson; `run` is "" before it has begun.

    `step` is the one on the page, from 1. `scenes` are how things stood at the end of each step that was played, with
    the `verdicts` on its claims and the `figures` of its texts; `now` is how things stand, with `done` actions of the
    next step done. `answers` are predictions by step: the choice, from 1, or the number. `tried` is the value of the
    control at the end and the conversation that it was tried in.
    """

    lesson: str
    edition: str
    run: str = ""
    people: tuple[str, ...] = ()
    step: int = 1
    done: int = 0
    now: Scene = field(default_factory=Scene)
    scenes: Mapping[int, Scene] = field(default_factory=dict)
    verdicts: Mapping[int, tuple[Verdict, ...]] = field(default_factory=dict)
    figures: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    answers: Mapping[int, float] = field(default_factory=dict)
    begun_at: float = 0.0
    finished_at: float | None = None
    tried: tuple[int | float | str, Spot] | None = None

    @property
    def played(self) -> tuple[int, ...]:
        """The steps that were played to their end."""
        return tuple(sorted(self.scenes))


PROGRESS: TypeAdapter[Progress] = TypeAdapter(Progress)
REPORTS: TypeAdapter[tuple[Report, ...]] = TypeAdapter(tuple[Report, ...])


@dataclass(frozen=True)
class Desk:
    """What is kept of an owner's lessons; its methods may raise StoreUnavailable."""

    store: Store
    owner: str

    def all(self) -> dict[str, Progress]:
        """Return how far the owner is in each lesson that was begun once, by the lesson's name."""
        found = map(_read, self._rows().values())
        return {progress.lesson: progress for progress in found if progress}

    def of(self, lesson: Lesson) -> Progress:
        """Return how far the owner is in a lesson as it is written now."""
        row = self._rows().get(lesson.lesson)
        kept = _read(row) if row else None
        blank = Progress(lesson.lesson, edition(lesson))
        if kept is None or kept.edition == blank.edition:
            return kept or blank
        return replace(blank, people=kept.people, finished_at=kept.finished_at)

    def put(self, progress: Progress) -> None:
        """Keep it, whatever was kept before."""
        self._put(progress, None)

    def change(self, lesson: Lesson, run: str, change: Callable[[Progress], Progress]) -> Progress:
        """Change what is kept of a run of a lesson; raises ThreadGone where another one has begun meanwhile."""
        for _ in range(RACES):
            seen = self.store.shelf.news(desk(self.owner), 0, "-").seen
            kept = self.of(lesson)
            if kept.run != run:
                raise ThreadGone(BEGUN_ANEW)
            if self._put(changed := change(kept), seen):
                return changed
        raise StoreUnavailable("Others kept writing here: try again in a moment.")

    def _rows(self) -> dict[str, Row]:
        rows = self.store.shelf.news(desk(self.owner), 0, "-").rows.values()
        return {row.key: row for row in rows if row.namespace == DESK}

    def _put(self, progress: Progress, seen: int | None) -> bool:
        now = time.time()
        row = Row(DESK, progress.lesson, PROGRESS.dump_python(progress, mode="json"), now, now, ())
        return self.store.shelf.put(desk(self.owner), {field_of(DESK, progress.lesson): row}, now, seen)

    # --- what was measured

    def measured(self, progress: Progress, scene: Scene) -> tuple[dict[str, tuple[Report, ...]], dict[str, RunResult]]:
        """Return the reports and the results that a scene names, by memory."""
        if not (scene.lints or scene.compared):
            return {}, {}
        rows = self.store.shelf.news(self._bench(progress), 0, "-").rows
        found = {row.key: row.value for row in rows.values() if row.namespace == DESK}
        lints = {
            spec: REPORTS.validate_python(found[key]["reports"])
            for spec in scene.lints
            if (key := _lint(spec)) in found
        }
        results = {
            spec: RESULT.validate_python(found[key])
            for spec in scene.compared
            if (key := _compared(scene.scenario, spec)) in found
        }
        return lints, results

    def keep_reports(self, progress: Progress, spec: str, reports: tuple[Report, ...]) -> None:
        """Keep what a check of the rules has found."""
        self._keep(progress, _lint(spec), {"reports": REPORTS.dump_python(reports, mode="json")})

    def keep_result(self, progress: Progress, scenario: str, spec: str, result: RunResult) -> None:
        """Keep what a comparison has measured of one memory."""
        self._keep(progress, _compared(scenario, spec), RESULT.dump_python(result, mode="json"))

    def _keep(self, progress: Progress, key: str, value: dict[str, Any]) -> None:
        now = time.time()
        self.store.shelf.put(self._bench(progress), {field_of(DESK, key): Row(DESK, key, value, now, now, ())}, now)

    def _bench(self, progress: Progress) -> str:
        return identity(self.owner, progress.lesson, BENCH)


def edition(lesson: Lesson) -> str:
    """Name a lesson by its content."""
    return hashlib.sha256(lesson.model_dump_json().encode()).hexdigest()[:16]


def _read(row: Row) -> Progress | None:
    """Read what was kept; None for what another version of the program has written."""
    try:
        return PROGRESS.validate_python(dict(row.value))
    except ValidationError:
        return None


def _lint(spec: str) -> str:
    return f"lint {spec}"


def _compared(scenario: str, spec: str) -> str:
    return f"compare {scenario} {spec}"
