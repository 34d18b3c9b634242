"""The menu of conversations: new, temporary, import, search, rename, delete with undo, export."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from memory import exchange, forgetting, threads
from memory.store import UNTITLED, Thread
from pages.ui import connections, importing
from pages.ui.chat_state import Chat, close_menu, open_thread
from pages.ui.note_actions import EDIT, FORGET, open_dialog
from pages.ui.receipt import keep_receipt, receipt_dialog
from pages.ui.search_box import search_box
from pages.ui.security import inert, inert_label
from pages.ui.words import plural

LISTED = 50
IMPORT = "chat_importing"


def threads_menu(chat: Chat, busy: bool) -> None:
    """Draw the menu under the thread's title."""
    title = chat.thread.title if chat.thread else UNTITLED
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
        # Under another name it is closed: open, it would cover the conversation that one goes to.
        name = f"chat_menu_{st.session_state.get('chat_opened', 0)}"
        with st.popover(inert_label(title), icon=":material/forum:", type="tertiary", key=name):
            with st.container(horizontal=True):
                if st.button("New chat", icon=":material/add:"):
                    open_thread(None)
                    st.rerun()
                if st.button(
                    "Temporary chat",
                    icon=":material/hourglass_empty:",
                    help="Never stored: it is gone when you leave or reload",
                ):
                    open_thread(None, temporary=True)
                    st.rerun()
                if st.button("Import…", icon=":material/upload:", help="Go on with a conversation from a file"):
                    close_menu()
                    open_dialog(IMPORT, True)
            every = connections.store().threads(chat.user)
            known = [thread for thread in every if not thread.experiment]
            if not known or not search_box(chat.user, known):
                if chat.thread:
                    _this(chat, busy)
                _others(chat, known)
        if chat.temporary:
            st.badge("Temporary: deleted when you leave", icon=":material/hourglass_empty:", color="gray")
        elif chat.thread and chat.thread.parent:
            st.badge(f"Fork at turn {(chat.thread.forked_at or 0) + 1}", icon=":material/fork_right:", color="gray")


def _this(chat: Chat, busy: bool) -> None:
    assert chat.thread
    thread = chat.thread
    key, state = f"chat_title_{thread.id}", st.session_state
    if key not in state or state.get(f"{key}_drawn") != thread.title:
        # Another tab has named it since: what stands in this one's box was not typed now.
        state[key] = state[f"{key}_drawn"] = thread.title
    name = st.text_input("Title", max_chars=80, key=key)
    if name.strip() and name != thread.title:
        chat.change(thread, title=name.strip())
        st.rerun()
    with st.container(horizontal=True):
        st.download_button(
            "Export",
            lambda: exchange.export_thread(chat.store, chat.user, thread.id),
            f"conversation-{thread.id}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        if st.button(
            "Clear",
            icon=":material/ink_eraser:",
            disabled=busy,
            help="Remove what was said in it and keep its memory and settings",
        ):
            st.session_state.chat_clear = thread.id
        if not chat.temporary and st.button("Delete", icon=":material/delete:", disabled=busy):
            gone = forgetting.delete(chat.store, chat.retrieval(), chat.user, thread.id)
            open_thread(None)
            why = next((row.said for row in gone.owed), "")
            st.session_state.chat_deleted = (thread.id, thread.title, why)
            st.session_state.pop("chat_thread")
            st.rerun()
        if chat.temporary and st.button("Keep it", icon=":material/save:", disabled=busy):
            kept = threads.keep(chat.store, connections.store(), chat.user, thread.id)
            open_thread(kept.id)
            st.session_state.chat_came_back = True
            st.rerun()

    if st.session_state.get("chat_clear") == thread.id:
        _clear(chat, thread)


def _clear(chat: Chat, thread: Thread) -> None:
    """Ask, since this cannot be undone; then clear, look whether anything is left, and keep the receipt."""
    st.markdown(
        "Remove every turn of this conversation, and what memories made of it, for good? An export keeps a copy."
    )
    with st.container(horizontal=True):
        if st.button("Clear it", icon=":material/ink_eraser:"):
            with st.spinner("Removing it, and looking through every file"):
                keep_receipt(forgetting.clear(chat.store, chat.retrieval(), chat.user, thread.id))
            open_thread(thread.id, chat.temporary)
            st.session_state.pop("chat_clear")
            st.rerun()
        if st.button("Keep it as it is", type="tertiary"):
            st.session_state.pop("chat_clear")
            st.rerun()


def _others(chat: Chat, known: Sequence[Thread]) -> None:
    here = chat.thread.id if chat.thread else None
    others = [thread for thread in known if thread.id != here]
    if others:
        st.caption(f"{plural(len(others), 'other conversation')}")
    for thread in others[:LISTED]:
        if st.button(
            inert_label(thread.title), key=f"chat_open_{thread.id}", type="tertiary", icon=":material/chat_bubble:"
        ):
            open_thread(thread.id)
            st.rerun()
    if len(others) > LISTED:
        st.caption(f"The {LISTED} last used are shown; the search finds the others.")


def _close_import() -> None:
    st.session_state.pop(IMPORT, None)


@st.dialog("Import a conversation", width="medium", icon=":material/upload:", on_dismiss=_close_import)
def _import_dialog(chat: Chat) -> None:
    receipt = importing.import_box(connections.store(), chat.user, in_chat=True)
    importing.refused()
    if receipt:
        _close_import()
        if receipt.threads:
            open_thread(receipt.threads[0])
            st.session_state.chat_came_back = True
        st.rerun()


def undo_notice(chat: Chat) -> None:
    """Show the receipt of what was forgotten, and offer to undo the deletion that has just been made."""
    if IMPORT in st.session_state:
        _import_dialog(chat)
    elif not any(name in st.session_state for name in (FORGET, EDIT)):
        receipt_dialog()
    if not (deleted := st.session_state.get("chat_deleted")):
        return
    id, title, owed = deleted
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="chat_undo_notice"):
        told = f" Its vectors, which hold no text, are {inert(owed)}" if owed else ""
        st.markdown(f"Deleted “{inert(title)}”. It can be restored for ten minutes.{told}")
        if st.button("Undo", icon=":material/undo:"):
            st.session_state.pop("chat_deleted")
            if connections.store().restore_thread(chat.user, id):
                open_thread(id)
                st.session_state.chat_came_back = True
            else:
                st.session_state.chat_notice = "It was deleted more than ten minutes ago and is gone."
            st.rerun()
        if st.button("Remove it for good", icon=":material/ink_eraser:", type="tertiary"):
            with st.spinner("Removing it, and looking through every file"):
                store, retrieval = connections.store(), connections.retrieval()
                keep_receipt(forgetting.forget_thread(store, retrieval, chat.user, id))
            st.session_state.pop("chat_deleted")
            st.rerun()
        if st.button("Close", type="tertiary"):
            st.session_state.pop("chat_deleted")
            st.rerun()
