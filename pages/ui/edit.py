"""The dialog in which a note is edited: its text, or the parts that a triple is made of.

with st.sidebar:
    edit_dialog(chat)
"""

from __future__ import annotations

import streamlit as st

from memory.base import Note
from memory.catalog import load
from memory.conversation import Conversation
from memory.edits.events import LONGEST
from memory.edits.note import edit
from memory.errors import BadInput, InspectorError
from pages.ui.chat_state import Chat
from pages.ui.note_actions import EDIT, FORGET, Target, open_dialog
from pages.ui.security import inert
from pages.ui.words import label_of


def edit_dialog(chat: Chat) -> None:
    """Draw the dialog while a note is to be edited."""
    target: Target | None = st.session_state.get(EDIT)
    if target is None or not chat.thread or target.thread != chat.thread.id:
        _close()
    else:
        _dialog(chat, target)


def _close() -> None:
    st.session_state.pop(EDIT, None)


@st.dialog("Edit a note", width="medium", icon=":material/edit_note:", on_dismiss=_close)
def _dialog(chat: Chat, target: Target) -> None:
    try:
        if target.fact:
            _fact(chat, target)
            return
        talk = chat.conversation(target.thread, load().make(target.memory, target.settings))
        note = talk.opened().state.notes.get(target.note)
        if note is None or not note.text or talk.key != target.key:
            raise BadInput("The memory holds this note no longer: look at what it holds now.")
        _form(target, talk, note)
    except InspectorError as error:
        st.markdown(f":red[:material/error:] {inert(str(error))}")


def _form(target: Target, talk: Conversation, note: Note) -> None:
    parts = {name: value for name, value in note.data.items() if isinstance(value, str)}
    in_parts = bool(parts) and bool(talk.memory.worded(note.id, parts))
    st.caption(
        f"Version {note.version} of {inert(label_of(target.memory))}'s note. What you write is sent from the next "
        "message on, and stays when the memory is rebuilt. Earlier versions stay as they were; edit it back to undo."
    )
    with st.form("edit_form", border=False):
        if in_parts:
            new = {name: st.text_input(name.capitalize(), value, max_chars=300) for name, value in parts.items()}
            text = ""
        else:
            new, text = {}, st.text_area("Note", note.text, max_chars=LONGEST, height="content")
        saved, forget = _buttons()
    if forget:
        open_dialog(FORGET, target)
    if saved:
        edit(talk, note.id, text, new or None, note.version)
        _done()


def _fact(chat: Chat, target: Target) -> None:
    cls = load().memories.get(target.memory)
    kept = cls.kept(chat.user).get(target.fact) if cls else None
    if cls is None or kept is None:
        raise BadInput("It is kept no longer: look at what the memory holds now.")
    with st.form("edit_form", border=False):
        text = st.text_input("Fact, as name: value", kept.text)
        saved, forget = _buttons()
    if forget:
        open_dialog(FORGET, target)
    if saved:
        cls.reword(chat.user, target.fact, text)
        _done()


def _buttons() -> tuple[bool, bool]:
    with st.container(horizontal=True):
        saved = st.form_submit_button("Save", icon=":material/check:")
        forget = st.form_submit_button("Forget it instead…", icon=":material/ink_eraser:", type="tertiary")
    return saved, forget


def _done() -> None:
    # What was written is what one wants to see.
    st.session_state["panel_moment"] = "after"
    st.toast("Saved: the next message is answered with it.", icon=":material/edit_note:")
    _close()
    st.rerun()
