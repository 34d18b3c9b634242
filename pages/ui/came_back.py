"""A page whose process is gone is drawn anew by another one, and says so: what only that visit knew is lost.

came_back.look()      # at the beginning of each run, before anything is drawn
came_back.told()      # where the page says such things

A browser that loses its connection connects again by itself, to whichever process is there, and brings along what stood
in the page's boxes and switches. A visit that begins with such values was another one before, whose process is gone or
kept it no longer: Streamlit's does for two minutes, which a laptop sleeps longer.
"""

from __future__ import annotations

import time

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

SHOWN = 30.0
"""Seconds for which it is said, however often the page is drawn meanwhile."""


def look() -> None:
    """Note at the first run of a visit whether its page was drawn by another process."""
    state = st.session_state
    if "came_back_at" not in state:
        state.came_back_at = time.monotonic() if _brought() else None


def told() -> None:
    """Say it for a while."""
    at = st.session_state.get("came_back_at")
    if at is not None and time.monotonic() - at < SHOWN:
        st.info(
            "The server's process that had drawn this page is gone, or heard nothing of this tab for minutes. The page "
            "was drawn anew from what is stored: the chat shows the conversation used last. What was only typed or "
            "chosen elsewhere may be gone.",
            icon=":material/sync:",
        )


def _brought() -> bool:
    """Whether the browser had the page already; Streamlit has no public way to ask."""
    context = get_script_run_ctx()
    return bool(context and context.session_state._state._new_widget_state.states)
