"""The empty page: a conversation that plants a fact, talks on and asks for it, for a newcomer to play."""

from __future__ import annotations

import streamlit as st

from memory.compare.live import Live, Round

SAMPLE = (
    "Hello! My name is Noor and I am allergic to hazelnuts.",
    "I have three days in Lisbon in May.",
    "My hotel is near the river.",
    "I like museums and long walks.",
    "What am I allergic to?",
)


def welcome(live: Live, busy: bool) -> None:
    """Say what this is, and offer to play the sample."""
    st.markdown(
        "**One message, several memories.** Type once: every column below answers from what its own memory sends. "
        "Plant a fact, talk on, ask for it, and see at a glance which prompt still had it."
    )
    with st.container(horizontal=True):
        if st.button(
            "Play a short sample",
            icon=":material/play_arrow:",
            disabled=busy,
            key="compare_live_play",
            help="Five messages: a fact, three others, and the question",
        ):
            st.session_state.compare_live_sample = list(SAMPLE)
            st.rerun()
        for text in SAMPLE[:1]:
            if st.button(text, type="tertiary", icon=":material/chat:", disabled=busy, key="compare_live_first"):
                st.session_state.compare_live_submitted = text
                st.rerun()


def play() -> bool:
    """Send the sample's next message; False when there is none."""
    rest: list[str] = st.session_state.get("compare_live_sample") or []
    if not rest:
        return False
    st.session_state.compare_live_sample = rest[1:]
    st.session_state.compare_live_submitted = rest[0]
    return True


def after(live: Live, asked: Round, last: bool) -> None:
    """Explain what the sample has just shown."""
    if not last or asked.query != SAMPLE[-1] or st.session_state.get("compare_live_explained") == asked.id:
        return
    look = {"border": True, "horizontal": True, "vertical_alignment": "center", "wrap": False}
    with st.container(**look, key="compare_live_sample_notice"):
        st.markdown(
            "**That is the difference.** All columns were told the same, and all store it. Where the red badge stands, "
            "the memory did not send turn 1 again, so the model could not know. Change its settings and ask on.",
            width="stretch",
        )
        if st.button("Close", type="tertiary", key="compare_live_sample_close"):
            st.session_state.compare_live_explained = asked.id
            st.rerun()
