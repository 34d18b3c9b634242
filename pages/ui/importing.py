"""Bringing conversations in from a file, in Settings and in the chat's menu alike: the box, what came in, the way back.

if receipt := import_box(store, user):          # in a form of its own; says itself what was wrong
    open_thread(receipt.threads[0])
outcome()                                       # in every run: the last receipt, with its undo, until it is closed
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

from memory import exchange, forgetting, formats, rates
from memory.errors import InspectorError
from memory.exchange import Receipt
from memory.store import Store
from pages.ui import connections
from pages.ui.chat_state import open_thread
from pages.ui.security import inert
from pages.ui.words import plural

TYPES = ["json", "jsonl", "txt", "md"]
ABOUT = (
    "A file that was exported here or by ChatGPT (conversations.json), messages of OpenAI or LangChain, "
    "a recording of LoCoMo, LongMemEval or BEAM, or plain text whose lines begin with User: and AI:."
)
BROUGHT, REFUSED, UNDONE = "imported", "imported_refused", "imported_undone"
"""Under which names the session keeps what came in last, what was wrong with a file, and that it was undone."""
NOTICES = 10
"""How many sentences on what was left out are told; the others are counted."""


@dataclass(frozen=True, slots=True)
class Brought:
    """An import that can be undone: the conversation open before it, and the settings where they were replaced."""

    receipt: Receipt
    before: str | None
    settings: dict[str, Any] | None


def import_box(store: Store, user: str, in_chat: bool = False) -> Receipt | None:
    """Draw the box that takes a file, and bring in what is given to it; None where nothing came in.

    Settings come in only outside of the chat, where they are asked for.
    """
    # The server refuses what is over its own limit, whatever the box says.
    most = min(exchange.MAX_MEGABYTES, st.get_option("server.maxUploadSize"))
    label = "A file with one conversation or several" if in_chat else "Import conversations"
    with st.form("import_form_chat" if in_chat else "import_form", clear_on_submit=True, border=not in_chat):
        file = st.file_uploader(label, type=TYPES, max_upload_size=most, help=None if in_chat else ABOUT)
        if in_chat:
            st.caption(ABOUT)
        replaced = not in_chat and st.checkbox("Replace my settings with those of the file")
        wanted = st.form_submit_button("Import", icon=":material/upload:")
    if not wanted:
        return None
    if file is None:
        st.session_state[REFUSED] = "Choose a file first."
        return None
    return _bring(store, user, file.getvalue(), False if in_chat else replaced or None)


def _bring(store: Store, user: str, data: bytes, settings: bool | None) -> Receipt | None:
    state, kept = st.session_state, store.settings(user)
    place = st.empty()

    def told(share: float) -> None:
        # Drawing is also where a closed dialog or a new click ends the import; what was stored is then deleted again.
        place.progress(share, "Storing the conversations")

    try:
        rates.admit(store, user, "uploads")
        with st.spinner(f"Reading {max(1, len(data) // 1000):,} kB", show_time=True):
            receipt = formats.import_file(store, user, data, settings, told)
    except InspectorError as error:
        state[REFUSED] = str(error)
        return None
    state[BROUGHT] = Brought(receipt, state.get("chat_thread"), kept if receipt.settings else None)
    state.pop(REFUSED, None)
    return receipt


def refused() -> None:
    """Draw once what was wrong with the last file."""
    if said := st.session_state.pop(REFUSED, None):
        # A place in the file begins with how it is called there.
        place = said.endswith("nothing was imported.") and not said.startswith("The file")
        where = "In the file, at " if place else ""
        st.error(f"{where}{inert(said)}", icon=":material/error:")


def outcome(store: Store, user: str) -> None:
    """Draw what came in last, with the way back, until it is closed."""
    state = st.session_state
    if told := state.pop(UNDONE, None):
        st.info(told, icon=":material/undo:")
    brought: Brought | None = state.get(BROUGHT)
    if brought is None:
        return
    receipt = brought.receipt
    told = f"{receipt}. Your settings are those of the file." if receipt.settings else f"{receipt}."
    with st.container(border=True, key="import_receipt", gap="small"):
        st.markdown(" ".join([f":material/receipt_long: {told}", *map(inert, receipt.notices[:NOTICES])]))
        if len(receipt.notices) > NOTICES:
            st.caption(f"And {plural(len(receipt.notices) - NOTICES, 'more notice')} of this kind.")
        with st.container(horizontal=True):
            about = "Deletes what came in, with what was said there since; nothing else"
            if st.button("Undo the import", icon=":material/undo:", help=about):
                _undo(store, user, brought)
                st.rerun()
            if st.button("Close", type="tertiary", key="import_close"):
                state.pop(BROUGHT)
                st.rerun()


def _undo(store: Store, user: str, brought: Brought) -> None:
    state, retrieval, ids = st.session_state, connections.retrieval(), brought.receipt.threads
    try:
        for id in ids:
            forgetting.delete(store, retrieval, user, id)
        store.shelf.put(user, dict.fromkeys(brought.receipt.remembered), time.time())
        if brought.settings is not None:
            store.put_settings(user, brought.settings)
    except InspectorError as error:
        state[REFUSED] = str(error)
        return
    if state.get("chat_thread") in ids:
        open_thread(brought.before)
    state.pop("chat_found", None)
    state.pop(BROUGHT)
    facts = len(brought.receipt.remembered)
    also = f" and {plural(facts, 'remembered item')}" if facts else ""
    state[UNDONE] = f"{plural(len(ids), 'imported conversation')}{also} deleted again."
