"""What a lesson ends in: one setting to try, and the way into the open instrument with everything in place.

draw_try(at, tried)
draw_go_on(at, user, live)
"""

from __future__ import annotations

import streamlit as st

from memory.catalog import load
from memory.errors import InspectorError
from memory.lessons.live import Live
from pages.ui.chat_state import open_thread
from pages.ui.controls import kind_of, label_of, with_value
from pages.ui.lessons.compared import open_in_compare
from pages.ui.lessons.state import Opened
from pages.ui.security import inert
from pages.ui.words import escaped, plural

_OPENS = {
    "chat": ("Go on in the chat", ":material/forum:", "pages/chat.py"),
    "compare": ("Go on in Compare", ":material/query_stats:", "pages/compare.py"),
    "longterm": ("Look at your own long-term memory", ":material/bookmark:", "pages/longterm.py"),
    "documents": ("Put your own documents in", ":material/description:", "pages/documents.py"),
}


def draw_try(at: Opened, busy: bool) -> None:
    """Draw the control that answers the last message again with another value of one setting."""
    what_if, state = at.lesson.what_if, st.session_state
    if what_if is None or not at.shows("settings") or at.progress.now.spots == ():
        return
    # Under another name the browser begins with nothing chosen.
    key = f"lessons_{at.lesson.lesson}_{at.progress.run}_what_if_{state.get('lessons_tries', 0)}"
    with st.container(border=True, gap="small", key="lessons_what_if"):
        # It stays in use while an answer comes, so that the keyboard keeps its place; the value chosen last counts.
        chosen = st.segmented_control(
            f"**{escaped(what_if.ask)}**",
            what_if.values,
            format_func=lambda value: escaped(_said(at, value)),
            key=key,
            wrap=True,
        )
        if chosen is not None and not busy and state.get(f"{key}_done") != chosen:
            state[f"{key}_done"], state.lessons_trying = chosen, True
            try:
                state.lessons_played = at.stage.try_with(chosen)
            except InspectorError as error:
                st.markdown(f":red[:material/error:] {inert(str(error))}")
            else:
                st.rerun()
        tried = at.progress.tried
        if not tried or not state.get("lessons_trying"):
            st.caption("The last message is answered again, in a copy of this conversation.")
            return
        st.caption(
            f"The conversation and the panel now show the last message answered with {escaped(_said(at, tried[0]))}, "
            "in a copy. The lesson's own conversation is as it was."
        )
        if st.button("Back to the lesson's own", icon=":material/undo:", key=f"{key}_back", disabled=busy):
            state.lessons_trying = False
            state.lessons_tries = state.get("lessons_tries", 0) + 1
            st.rerun()


def _said(at: Opened, value: int | float | str) -> str:
    """Write a value with what it is of."""
    assert at.lesson.what_if
    name = at.lesson.what_if.setting
    cls = next((cls for cls in load().memories.values() if name in cls.Settings.model_fields), None)
    label = label_of(name, kind_of(cls.Settings.model_fields[name])) if cls else name
    text = f"{value:,}" if isinstance(value, int | float) else value
    return with_value(label, value, text)


def draw_go_on(at: Opened, user: str, live: Live, busy: bool) -> None:
    """Draw the way out of the lesson, with what it has come to."""
    st.markdown("**Try it yourself**")
    label, icon, page = _OPENS[at.lesson.opens]
    spot = live.spot()
    if at.lesson.opens == "chat":
        told = (
            f"The conversation comes into your chat as one of yours, {plural(spot.length, 'turn')} with its memory and "
            "settings. Ask what you like."
            if spot
            else "An empty chat with this memory."
        )
    elif at.lesson.opens == "compare":
        told = "The same memories over the same scenario; change them, add others, or take a conversation of yours."
    else:
        told = "What is remembered in a lesson stays in the lesson; there you see what is yours."
    if st.button(label, icon=icon, key=at.key("go_on"), disabled=busy):
        try:
            if at.lesson.opens == "chat":
                _into_chat(at, spot is not None)
            elif at.lesson.opens == "compare":
                open_in_compare(user, live)
        except InspectorError as error:
            st.markdown(f":red[:material/error:] {inert(str(error))}")
            return
        st.switch_page(page)
    st.caption(told)


def _into_chat(at: Opened, said: bool) -> None:
    state = st.session_state
    if said:
        with st.spinner("Copying the conversation"):
            open_thread(at.stage.go_on_in_chat())
        return
    memory = load().memory(at.lesson.memory)
    open_thread(None)
    state.chat_memory, state.chat_settings = memory.name, memory.settings.model_dump(mode="json")
