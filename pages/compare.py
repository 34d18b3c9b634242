"""Compare: one conversation through many memories, live side by side or replayed from a recording."""

from __future__ import annotations

import streamlit as st

from pages.ui.compare import live, live_state, replay

HALVES = ("Live", "Replay")

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
    st.title("Compare", width="content")
    bar = st.container(horizontal=True, vertical_alignment="center", width="content", gap="small")
if replay.linked():
    st.session_state.compare_half = "Live" if live_state.linked() else "Replay"
with bar:
    half = st.segmented_control(
        "Live or replayed",
        HALVES,
        default=None if "compare_half" in st.session_state else HALVES[replay.going()],
        required=True,
        key="compare_half",
        label_visibility="collapsed",
        persist_state="session",
    )
if half == "Replay":
    replay.draw()
else:
    live.draw(bar)
