"""The top of a lesson: its title, the numbers of its steps, and the row of what one can do at any time.

draw_head(at, busy)
"""

from __future__ import annotations

import streamlit as st

from memory.catalog import load
from memory.errors import InspectorError
from pages.ui.lessons import state
from pages.ui.lessons.glossary_view import glossary_button
from pages.ui.lessons.share import class_popover
from pages.ui.lessons.state import Opened
from pages.ui.lessons.talk import memory_said
from pages.ui.security import inert
from pages.ui.words import escaped


def draw_head(at: Opened, busy: bool) -> None:
    """Draw the title with the way through the steps."""
    look = {"horizontal": True, "vertical_alignment": "center", "gap": "small"}
    with st.container(**look, horizontal_alignment="distribute", key="lessons_head"):
        st.title(f"{at.lesson.number}. {escaped(at.lesson.title)}", width="content", anchor=False)
        if at.shows("overview") or at.view.presenter:
            _steps(at)
    if own := at.own_memory:
        st.caption(
            f":material/swap_horiz: The link begins this lesson with **{escaped(_said(at.lesson.memory))}** in place "
            f"of {escaped(_said(own))}. The text speaks of the latter: what it says need not hold here."
        )
    if at.view.presenter:
        _presenting(at)
        return
    with st.container(**look, key="lessons_tools"):
        if at.shows("overview") and st.button(
            "All lessons", icon=":material/arrow_back:", type="tertiary", key="lessons_all"
        ):
            state.open_lesson("")
            st.rerun()
        _fresh(at, busy)
        glossary_button()
        class_popover(at)


def _said(spec: str) -> str:
    memory = load().memory(spec)
    return memory_said(memory.name, memory.settings.model_dump(mode="json"))


def _steps(at: Opened) -> None:
    """Draw the numbers of the steps, with the way back and on."""
    # Turned to a step by another way it begins anew under another name; used itself it stays, and so does the focus.
    key = f"lessons_pages_{at.lesson.lesson}_{st.session_state.get('lessons_turned', 0)}"

    def turned() -> None:
        state.turn_to(at, int(st.session_state[key]), by_number=True)

    steps = len(at.lesson.steps)
    # Where fewer than five may be seen it leaves numbers out, of four as well.
    look = {"width": (54 if at.view.presenter else 38) * (max(steps, 5) + 2), "max_visible_pages": max(steps, 5)}
    st.pagination(steps, default=at.number, key=key, on_change=turned, **look)


def _fresh(at: Opened, busy: bool) -> None:
    """Offer to begin anew, which is asked once more, since it takes back what was said."""
    if not at.progress.run:
        return
    with st.popover(
        "Start anew", icon=":material/restart_alt:", type="tertiary", key=f"lessons_fresh_{at.progress.run}"
    ):
        st.markdown(
            "Begin this lesson anew? What was said in it, its memory and your predictions are removed, and nothing "
            "else. That you have finished it once stays known."
        )
        if st.button("Begin anew", icon=":material/restart_alt:", key="lessons_fresh_yes"):
            try:
                with st.spinner("Removing what was said in this lesson"):
                    at.stage.fresh()
            except InspectorError as error:
                st.markdown(f":red[:material/error:] {inert(str(error))}")
                return
            view = at.view
            state.open_lesson(at.lesson.lesson, 1, view)
            st.session_state.lessons_told = "Begun anew: the conversation of this lesson is empty again."
            st.rerun()


def _presenting(at: Opened) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="lessons_tools"):
        st.caption("Keys: → or Page Down goes on, ← or Page Up goes back.", width="content")
        if st.button(
            "End the presenter view", icon=":material/close_fullscreen:", type="tertiary", key="lessons_present_end"
        ):
            st.session_state.lessons_view = state.View(at.view.memory, at.view.hidden, False)
            st.rerun()
