"""The yardstick of `benchmarks/load.py`: a chat in plain Streamlit, as its tutorial has it, that remembers nothing.

It has no panel, no store, no menu and no settings; an echo comes word by word, 20 ms apart, as the demo model's do.

    streamlit run benchmarks/plain_chat.py
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import streamlit as st

SHOWN = 25
"""Turns that are drawn, as many as the app draws."""


def answer(said: str) -> Iterator[str]:
    """Answer word by word."""
    for word in f"Noted: you said that {said}".split():
        time.sleep(0.02)
        yield f"{word} "


turns: list[tuple[str, str]] = st.session_state.setdefault("turns", [])
for human, model in turns[-SHOWN:]:
    st.chat_message("user").markdown(human)
    st.chat_message("assistant").markdown(model)
if said := st.chat_input("Message"):
    st.chat_message("user").markdown(said)
    with st.chat_message("assistant"):
        turns.append((said, str(st.write_stream(answer(said)))))
        st.markdown(f"Turn {len(turns):,} ·")
