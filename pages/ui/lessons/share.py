"""For a class: the presenter view, a link that opens the lesson as it is chosen here, and sheets to print.

class_popover(at)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from memory.catalog import load
from memory.errors import BadInput
from memory.lessons.lesson import Control
from memory.lessons.link import CONTROLS, Shown, to_query
from memory.lessons.sheet import played_on, sheet
from memory.lessons.stage import Stage
from memory.lessons.trial import rehearsed
from pages.ui.lessons.state import Opened, View, address
from pages.ui.security import inert
from pages.ui.words import literal

_NAMED: dict[Control, str] = {
    "panel": "the panel",
    "settings": "the setting to try",
    "source": "the memory's source",
    "claims": "the checks",
    "overview": "the other steps and lessons",
}


def class_popover(at: Opened) -> None:
    """Draw the button behind which a teacher finds all of it."""
    with st.popover(
        "For a class", icon=":material/groups:", type="tertiary", key="lessons_class", on_change="rerun"
    ) as more:
        if not more.open:
            return
        st.markdown("**Show it in a room**")
        if st.button(
            "Presenter view",
            icon=":material/present_to_all:",
            key="lessons_present",
            help="Large text and nothing to set; arrow keys or a clicker lead through the steps",
        ):
            st.session_state.lessons_view = View(at.view.memory, at.view.hidden, True)
            st.rerun()
        st.markdown("**A link for the class**")
        _link(at)
        st.markdown("**Sheets to print**")
        _sheets(at)


def _link(at: Opened) -> None:
    """Let be chosen what the link restores and hides, and show it to be copied."""
    hidden: Sequence[Control] = st.pills(
        "Hide",
        CONTROLS,
        default=[name for name in CONTROLS if name in at.view.hidden],
        format_func=_NAMED.__getitem__,
        selection_mode="multi",
        key="lessons_link_hidden",
    )
    here = st.checkbox(f"Open at step {at.number}", value=True, key=f"lessons_link_step_{at.number}")
    room = st.checkbox("Open in the presenter view", key="lessons_link_presenter")
    memory = st.text_input(
        "Memory to begin with",
        at.view.memory or at.lesson.memory,
        key=f"lessons_link_memory_{at.lesson.lesson}",
        help="As the command line writes it: a name and settings, such as window:k=3",
    ).strip()
    try:
        own = at.stage.lesson.memory if not at.view.memory else ""
        if memory and memory != own:
            load().memory(memory)
        shown = Shown(at.lesson.lesson, at.number if here else 1, "" if memory == own else memory, tuple(hidden), room)
        st.code(address(to_query(shown)), language=None, wrap_lines=True)
        st.caption(
            "It holds no word of a conversation and no key. Everybody who opens it has a conversation of their own."
        )
    except BadInput as error:
        st.markdown(f":red[:material/error:] {inert(str(error))}")


def _sheets(at: Opened) -> None:
    with st.container(horizontal=True, gap="small"):
        for label, answers in (("Questions", False), ("Questions and answers", True)):
            st.download_button(
                label,
                partial(_sheet, at.stage, answers),
                f"lesson-{at.lesson.lesson}{'-answers' if answers else ''}.html",
                "text/html",
                icon=":material/print:",
                key=f"lessons_sheet_{answers}",
                on_click="ignore",
            )
    st.caption(
        f"A page of HTML each, to open and print. What {literal(at.lesson.title)} measures stands in the answers: as "
        "you have played it, or else as the demo model plays it now, which takes some seconds."
    )


def _sheet(stage: Stage, answers: bool) -> str:
    played = played_on(stage)
    if answers and len(played) < sum(bool(step.play) for step in stage.lesson.steps):
        played = rehearsed(stage.lesson)
    return sheet(stage.lesson, answers, played)
