"""The search through all conversations, in their menu: what was found, and the way to each turn.

    search_box(chat, known)          # a box; below it, once something is typed, "12 turns in 3 conversations" and those

What was found is kept until another thing is looked for, a message is sent or something is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from memory.store import Store, Thread
from memory.thread_search import LONGEST, MOST_HITS, Found, FoundThread, Hit, Pieces, search
from pages.ui import connections, found_turn
from pages.ui.chat_state import open_thread
from pages.ui.words import literal, plural

SHOWN = 20
"""How many conversations are listed, those used last."""
FIRST = 3
"""How many turns of each are listed at first."""
AT_ONCE = 0.4
"""Seconds that a search may take before its progress is shown."""
HELP = (
    "Finds titles and messages, whatever their case and accents. Several words: conversations that hold all of them. "
    'In quotes: "just so", whole words side by side.'
)


def search_box(user: str, known: Sequence[Thread]) -> bool:
    """Draw the box and what was found among these conversations; says whether anything is looked for."""
    state = st.session_state
    text = st.text_input(
        "Find words in all conversations", key="chat_search", icon=":material/search:", max_chars=LONGEST, help=HELP
    ).strip()
    if not text:
        state.pop("chat_found", None)
        return False
    if state.get("chat_found", ("",))[0] != text:
        state.chat_found = (text, _search(connections.store(), user, text, known))
    found: Found = state.chat_found[1]
    if not found.conversations:
        looked = f"{plural(len(known), 'conversation')} with {plural(found.searched, 'turn')}"
        st.markdown(f"Nothing found in {looked}. A part of a word is found where the word begins with it.")
        return True
    st.markdown(f"**{found}**")
    for one in found.conversations[:SHOWN]:
        _conversation(one, user)
    if len(found.conversations) > SHOWN:
        rest = plural(len(found.conversations) - SHOWN, "more conversation")
        st.caption(f"{rest} used longer ago: add a word to find fewer.")
    return True


def forget_search() -> None:
    """Clear the box and what was found; before the box is drawn."""
    st.session_state.pop("chat_found", None)
    st.session_state.pop("chat_search", None)


def _search(store: Store, user: str, text: str, known: Sequence[Thread]) -> Found:
    place, began = st.empty(), time.monotonic()

    def told(share: float) -> None:
        if time.monotonic() - began > AT_ONCE:
            place.progress(share, "Looking through the conversations")

    found = search(store, user, text, known, told)
    place.empty()
    return found


def _conversation(one: FoundThread, user: str) -> None:
    thread = one.thread
    with st.container(gap=None, key=f"chat_found_{thread.id}"):
        st.button(
            _written(one.title),
            icon=":material/chat_bubble:",
            type="tertiary",
            wrap=True,
            key=f"chat_found_open_{thread.id}",
            on_click=open_thread,
            args=(thread.id,),
        )
        if not one.turns:
            st.caption("In its title alone.")
            return
        apart = ", which hold the words between them" if one.apart else ""
        st.caption(f"{plural(one.turns, 'turn')}{apart} · last used {_day(thread.updated)}")
        every = f"chat_found_all_{thread.id}"
        hits = one.hits if st.session_state.get(every) else one.hits[:FIRST]
        for hit in hits:
            _hit(hit, user, thread.id)
        if len(hits) < len(one.hits):
            label = f"Show the {min(one.turns, MOST_HITS):,} newest of them"
            st.button(
                label,
                icon=":material/expand_more:",
                type="tertiary",
                key=f"{every}_button",
                on_click=partial(_all, every),
            )
        elif one.turns > len(one.hits):
            st.caption(f"{one.turns - len(one.hits):,} earlier turns hold them as well: add a word to find fewer.")


def _all(key: str) -> None:
    st.session_state[key] = True


def _open(user: str, thread: str, turn: int) -> None:
    found_turn.open_at(thread, turn, connections.store().open(user, thread, "", 0).length)


def _hit(hit: Hit, user: str, thread: str) -> None:
    """Draw a turn that was found: a button that leads there, and the sentence with its words marked."""
    said = literal(hit.name) if hit.name else {"human": "You", "ai": "AI", "tool": "Tool"}[hit.role]
    when = f", {_day(hit.at)}" if hit.at > 0 else ""
    st.button(
        f"**Turn {hit.turn + 1:,}**{when}",
        icon=":material/arrow_forward:",
        type="tertiary",
        key=f"chat_found_{thread}_{hit.turn}",
        on_click=_open,
        args=(user, thread, hit.turn),
    )
    st.markdown(f"{said}: {_written(hit.pieces)}")


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%-d %b %Y}"


def _written(pieces: Pieces) -> str:
    """Write a text as it is typed, inert, with its words marked."""
    return "".join(f":yellow-background[{_plain(text)}]" if is_word else _plain(text) for text, is_word in pieces)


def _plain(text: str) -> str:
    """Make a piece of a text inert; its spaces stay, and a colon at its end begins nothing with what follows."""
    body = literal(text)
    if body.endswith(":") and not body.endswith("\\:"):
        body = f"{body[:-1]}\\:"
    before = " " if text[:1].isspace() else ""
    after = " " if body and text[-1:].isspace() else ""
    return f"{before}{body}{after}"
