"""The button at the panel's foot that has the rules checked; what it opens is loaded when it is asked for.

with st.sidebar:
    lint_button(chat, length)
"""

from __future__ import annotations

import streamlit as st

from pages.ui.chat_state import Chat


def lint_button(chat: Chat, length: int) -> None:
    """Draw the button, and the dialog while it is open."""
    if not chat.thread or not length:
        return
    if st.button(
        "Check the rules",
        icon=":material/fact_check:",
        key="lint_open",
        help="Runs the rules of every memory on this conversation: limits, restarts, failures, forgetting",
    ):
        st.session_state.lint_shown = True
    if st.session_state.get("lint_shown"):
        # The checks bring half of LangChain along, which no first page waits for.
        from pages.ui.lint_view import dialog

        dialog(chat, length)
