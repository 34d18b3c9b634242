"""Notices by itself that Redis went away or came back, or that the comparison went on in another tab."""

from __future__ import annotations

import streamlit as st

from memory.compare.live import Live, Seen
from memory.errors import InspectorError
from pages.ui import connections, watch

Mark = tuple[tuple[str, int, str, watch.Waiting], ...]


def mark(seen: Seen) -> Mark:
    """Say what the page shows of each column: how long it is, and which messages wait for an answer."""
    return tuple(
        (one.thread.id, one.length, one.epoch, watch.drawn(one.pending)) if one else ("", 0, "", ())
        for one in seen.opened
    )


@st.fragment(run_every=watch.EVERY)
def watch_columns(live: Live | None, shown: Mark) -> None:
    """Draw the page again when what it shows no longer holds; `live` is None while the store is away."""
    if live is None:
        if connections.connection().ping() == "ready":
            st.session_state.pop("compare_live_away", None)
            st.rerun(scope="app")
        return
    try:
        if connections.connection().ping() == "away" or mark(live.read(0)) != shown:
            st.rerun(scope="app")
    except InspectorError:
        st.rerun(scope="app")


def watch_page(live: Live | None, seen: Seen | None) -> None:
    """Watch what was drawn."""
    watch_columns(live, mark(seen) if seen else ())
