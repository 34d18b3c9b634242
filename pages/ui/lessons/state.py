"""Which lesson this tab is in, at which step, and how it is shown.

Session keys begin with `lessons_`: `lessons_open` (the id, "" for the list), `lessons_view` (what a class's link said
of it), `lessons_step` (the step on the page), `lessons_played` (what is being played, or was last), `lessons_trying`
(whether what was tried at the end is shown), `lessons_led` (for what the panel was led to its place last),
`lessons_address` (what this tab wrote into the address last), `lessons_watched` (the arrival whose step this tab has
seen played or answered).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

import streamlit as st

from memory.errors import BadInput
from memory.lessons.lesson import Control, Lesson, Step
from memory.lessons.link import NAMES, Shown, from_query, to_query
from memory.lessons.loading import lesson as lesson_named
from memory.lessons.playing import Playing
from memory.lessons.progress import Progress
from memory.lessons.stage import Stage
from memory.preferences import Preferences
from memory.services import Models
from pages.ui import connections
from pages.ui.chat_state import DEMO_DELAY


@dataclass(frozen=True)
class View:
    """How a lesson is shown: with another memory to begin with ("": its own), without some controls, for a room."""

    memory: str = ""
    hidden: frozenset[Control] = frozenset()
    presenter: bool = False


@dataclass(frozen=True)
class Opened:
    """The lesson on the page, how far it is, and the step that is looked at, counted from 1."""

    stage: Stage
    progress: Progress
    number: int
    view: View

    @property
    def lesson(self) -> Lesson:
        return self.stage.lesson

    @property
    def own_memory(self) -> str:
        """The spec of the memory that the lesson was written for, where a link put another one in its place."""
        own = lesson_named(self.lesson.lesson).memory
        return "" if own == self.lesson.memory else own

    @property
    def step(self) -> Step:
        return self.stage.step(self.number)

    @property
    def played(self) -> bool:
        """Whether what this step plays was played."""
        return self.number in self.progress.scenes

    @property
    def compares(self) -> bool:
        """Whether the step compares memories, or speaks of what was compared before."""
        return any(one.compare for one in self.step.play) or any(one.compared for one in self.step.claims)

    @property
    def last(self) -> bool:
        return self.number == len(self.lesson.steps)

    @property
    def newest(self) -> bool:
        """Whether nothing was played after this step: the lesson stands as it shows it."""
        return self.number >= max(self.progress.played, default=0)

    @property
    def missing(self) -> list[int]:
        """The steps before this one that are not played yet."""
        return [
            number
            for number in range(1, self.number)
            if self.stage.step(number).play and number not in self.progress.scenes
        ]

    @property
    def open_question(self) -> bool:
        """Whether a prediction is asked for and neither made nor left out yet."""
        return bool(self.step.predict) and not self.played and self.number not in self.progress.answers

    @property
    def marked(self) -> list[str]:
        """The words that are marked in conversation and panel."""
        return list(self.step.look.words) if self.step.look and self.over else []

    @property
    def over(self) -> bool:
        """Whether what came of the step is shown."""
        return self.played or (not self.step.play and not self.open_question)

    @property
    def arrival(self) -> str:
        """Name the way on which the step came to the page; another one leads the focus anew."""
        return f"{self.lesson.lesson}.{st.session_state.get('lessons_turned', 0)}"

    def key(self, name: str) -> str:
        """Name a control of this step; a fresh start has new ones."""
        return f"lessons_{self.lesson.lesson}_{self.progress.run}_{self.number}_{name}"

    def shows(self, control: Control) -> bool:
        """Whether a control is there; a room is shown the panel and the checks alone."""
        return control not in self.view.hidden and (not self.view.presenter or control in ("panel", "claims"))


def opened(user: str) -> Opened | None:
    """Return the lesson that this tab is in; raises BadInput where there is none of that name (any more)."""
    state = st.session_state
    name, view = state.get("lessons_open", ""), state.get("lessons_view", View())
    if not name:
        return None
    lesson = lesson_named(name)
    if view.memory and view.memory != lesson.memory:
        lesson = lesson.model_copy(update={"memory": view.memory})
    store = connections.store()
    preferences = Preferences.load(store, user)
    session_models = connections.models(preferences, DEMO_DELAY)

    def models() -> Models:
        return session_models

    stage = Stage(store, user, lesson, models, connections.retrieval())
    progress = stage.progress
    number = int(state.setdefault("lessons_step", progress.step))
    state.lessons_step = number = max(1, min(number, len(lesson.steps)))
    return Opened(stage, progress, number, view)


def open_lesson(name: str, step: int | None = None, view: View | None = None) -> None:
    """Go to a lesson, where it was left or at a step; "" goes to the list."""
    state = st.session_state
    for key in ("lessons_step", "lessons_played", "lessons_trying", "lessons_led", "lessons_person_of"):
        state.pop(key, None)
    state.lessons_open, state.lessons_view = name, view or View()
    state.lessons_turned = state.get("lessons_turned", 0) + 1
    if step:
        state.lessons_step = step


def follow_link() -> None:
    """Take over what the address says, where it was not written here; raises BadInput, and then shows the list."""
    state, said = st.session_state, {name: st.query_params[name] for name in NAMES if name in st.query_params}
    if not said or said == state.get("lessons_address"):
        return
    state.lessons_address = said
    try:
        shown = from_query(said)
    except BadInput:
        open_lesson("")
        raise
    if shown:
        open_lesson(shown.lesson, shown.step, View(shown.memory, frozenset(shown.hidden), shown.presenter))


def write_address(at: Opened | None) -> None:
    """Have the address name what is shown, so that a reload finds it."""
    view = at.view if at else View()
    hidden = tuple(view.hidden)
    row = to_query(Shown(at.lesson.lesson, at.number, view.memory, hidden, view.presenter)) if at else {}
    st.session_state.lessons_address = row
    if {name: st.query_params[name] for name in NAMES if name in st.query_params} != row:
        st.query_params.from_dict(row)


def address(query: Mapping[str, str]) -> str:
    """Return the address of this page with these parameters."""
    return f"{(st.context.url or '').partition('?')[0]}?{urlencode(query, safe=':,')}"


def turn_to(at: Opened, number: int, by_number: bool = False) -> None:
    """Go to a step, as far as there is one; `by_number` by the numbers of the steps, which show it already."""
    state = st.session_state
    if 1 <= number <= len(at.lesson.steps) and number != at.number:
        state.lessons_step = number
        state.pop("lessons_trying", None)
        state.lessons_turned = state.get("lessons_turned", 0) + (not by_number)
        at.stage.go_to(number)


def playing() -> Playing | None:
    """Return what this tab has had played last, on its way or over."""
    return cast(Playing | None, st.session_state.get("lessons_played"))
