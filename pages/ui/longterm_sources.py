"""Since when something is remembered, and the turns that it came from: each leads to its conversation.

draw_sources(view, fact.sources, "card")
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from memory.longterm.facts import Source
from pages.ui import found_turn
from pages.ui.longterm_store import View
from pages.ui.words import literal

LEADS = 4
"""To how many of the turns that an item came from it leads."""


def when(at: float) -> str:
    """Write a time."""
    return f"{datetime.fromtimestamp(at, UTC):%-d %B %Y, %H:%M} UTC"


def draw_sources(view: View, sources: Sequence[Source], key: str) -> None:
    """Draw a button for each turn that it came from, which opens the conversation there."""
    if not sources:
        st.caption("Written by hand.", width="content")
    for number, source in enumerate(sources[-LEADS:]):
        title = view.titles.get(source.thread)
        if title is None:
            st.caption(f"From turn {source.index + 1:,} of a conversation that is deleted.", width="content")
            continue
        label = f"Turn {source.index + 1:,} of “{literal(title)}”"
        if st.button(label, icon=":material/forum:", type="tertiary", key=f"longterm_go_{key}_{number}"):
            _go(view, source)


def _go(view: View, source: Source) -> None:
    length = view.store.open(view.user, source.thread, "", 0).length
    turns = view.store.turns(view.user, source.thread, source.index, source.index + 1)
    if not turns or turns[0].id != source.turn:
        st.session_state.longterm_notice = (
            f"Turn {source.index + 1:,} of that conversation is another one now: it was answered anew or cleared."
        )
        st.rerun()
    found_turn.open_at(source.thread, source.index, length)
    st.session_state.chat_temporary = view.temporary
    st.switch_page("pages/chat.py")
