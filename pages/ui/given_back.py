"""A message that was not taken goes back into the box, and stays there until a browser has surely drawn it.

give_back(disabled=answering)        # before the box is drawn; what is to go back stands in `chat_restore`

What a run draws is thrown away where the next one begins before it was sent: with an answer of another tab that ends
just then, the words would be gone from the box and from everywhere else.
"""

from __future__ import annotations

import time

import streamlit as st

_DRAWN_AFTER = 1.5
"""Seconds after which a browser has drawn what it was sent. Later the words in an open box may be others by now."""


def give_back(disabled: bool) -> None:
    """Put the words into the box; again in the runs that follow at once, and while nobody can type in it."""
    state = st.session_state
    if "chat_restore" in state:
        state.chat_given_back = (anew(state.pop("chat_restore")), None)
    elif "chat_given_back" not in state:
        return
    text, opened = state.chat_given_back
    now = time.monotonic()
    if opened is not None and now - opened > _DRAWN_AFTER:
        del state.chat_given_back
        return
    state.chat_message = text
    state.chat_given_back = (text, None if disabled else opened or now)


def anew(text: str, page: str = "chat") -> str:
    """Return words as a box takes them: with a blank behind those that it was given last, which it takes for old."""
    key = f"{page}_given_last"
    st.session_state[key] = f"{text} " if st.session_state.get(key) == text else text
    return str(st.session_state[key])


def plain(text: str, page: str = "chat") -> str:
    """Return words that were sent without the blank that `anew` put behind them."""
    return text.removesuffix(" ") if st.session_state.get(f"{page}_given_last") == text else text


def taken() -> None:
    """Forget what was given back: something is sent."""
    st.session_state.pop("chat_given_back", None)
