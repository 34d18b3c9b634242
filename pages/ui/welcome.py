"""The empty page: what this is, a sample that shows forgetting within a minute, and the memories in their families."""

from __future__ import annotations

import streamlit as st

from memory import catalog
from pages.ui import chat_state
from pages.ui.answering import send
from pages.ui.chat_state import Chat, open_thread
from pages.ui.security import inert

SAMPLE_MEMORY = ("ConversationBufferWindowMemory", {"k": 2})
SAMPLE_TITLE = "A short sample"
SAMPLE = (
    "Hello! My name is Noor and I am allergic to hazelnuts.",
    "I have three days in Lisbon in May.",
    "My hotel is near the river.",
    "What is my name?",
)


def welcome(chat: Chat) -> None:
    """Draw the first contact; the sample begins at a click."""
    st.title("See what a chatbot remembers")
    real = chat.preferences.model != "demo"
    st.markdown(
        "Talk, and the panel beside the chat (on a phone: behind » at the top) shows what the memory holds, the exact "
        "prompt the model was sent, what was left out and why, and what it cost. "
        + (
            f"The model that answers is **{inert(chat.preferences.model)}**."
            if real
            else "The built-in demo model knows nothing but its prompt, so you see at once what a memory "
            "keeps; to talk to a real one, enter its name and key under **Settings**."
        )
    )
    with st.container(horizontal=True):
        if st.button(
            "Play a short sample",
            icon=":material/play_arrow:",
            help="Four messages with a window of two turns: watch the first one fall out",
        ):
            open_thread(None)
            st.session_state.chat_memory, st.session_state.chat_settings = SAMPLE_MEMORY
            st.session_state.chat_sample = list(SAMPLE)
            st.rerun()
        if st.button(
            "Learn it step by step",
            icon=":material/school:",
            help="Short lessons, each beside a real conversation: read, predict, watch",
        ):
            st.switch_page("pages/lessons.py")
        for text in ("My name is Alex. I moved to Oslo in May.", "What do you know about me?"):
            if st.button(text, type="tertiary", icon=":material/chat:"):
                send(chat, text, text)
                st.rerun()
    st.header("The memories")
    st.caption(
        "Choose one below, now or in mid-conversation; every turn stays stored, a memory only chooses what is sent."
    )
    known = catalog.load()
    for family in dict.fromkeys(cls.family for cls in known.memories.values()):
        members = [cls for cls in known.memories.values() if cls.family == family]
        lines = [
            f"**{inert(cls.label)}** keeps {inert(cls.keeps)} · forgets {inert(cls.forgets)} · costs {inert(cls.costs)}"
            for cls in members
        ]
        st.caption("  \n".join([f"**{family.upper()}**", *lines]))
    for broken in known.broken:
        st.markdown(f":red[:material/extension_off:] Not loaded: {inert(broken.file)}: {inert(broken.error)}")


def play_sample(chat: Chat) -> bool:
    """Send the sample's next message; False when there is none."""
    rest: list[str] = st.session_state.get("chat_sample") or []
    if not rest:
        return False
    st.session_state.chat_sample = rest[1:]
    if len(rest) == 1:
        st.session_state.chat_sample_done = True
    if send(chat, rest[0], SAMPLE_TITLE) is None:
        # It is in the box now; what would follow it rests on its answer.
        st.session_state.chat_sample = []
        st.session_state.pop("chat_sample_done", None)
    return True


def after_sample(chat: Chat) -> None:
    """Explain what was just seen, and offer the same question with another memory."""
    if not st.session_state.get("chat_sample_done") or not chat.thread or chat.thread.title != SAMPLE_TITLE:
        return
    with st.container(border=True, key="chat_sample_notice"):
        if chat.memory.short == "window":
            st.markdown(
                "**That is forgetting.** Turn 1 is stored, but a window of two turns no longer sends it: see "
                "*Left out* in the panel (on a phone: behind » at the top). The model can only answer from its prompt."
            )
            if st.button("Switch to Buffer and ask again", icon=":material/memory:"):
                chat.use(chat_state.make("ConversationBufferMemory", {}))
                st.session_state.chat_sample = [SAMPLE[-1]]
                st.rerun()
        else:
            st.markdown(
                "**Nothing was lost.** Every turn was still stored; this memory sends turn 1 again, and pays for "
                "it: see *Cost*."
            )
            if st.button("Close", type="tertiary"):
                st.session_state.pop("chat_sample_done")
                st.rerun()
