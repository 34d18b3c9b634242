"""The buttons that open the dialogs for forgetting and editing; the chat page draws those (see `forget.py`, `edit.py`).

A temporary chat has them too. While the panel looks at an earlier turn they speak of what the memory holds now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from memory.base import Note, Turn
from memory.inspection.inspect import Inspection
from memory.strategies.combined import parts_of
from memory.trace import Trace
from pages.ui.words import unseen

_FACT = re.compile(r"(?:(\d+)\.)?fact-(\d+)")
FORGET, EDIT = "forget_target", "edit_target"
"""Under which names the session keeps what a dialog is open for."""
WATCHED = "panel_watched"
"""Under which name the session keeps the thread, as a lesson's, in which the panel changes nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be forgotten or edited: a turn by its index, a note of a memory, or a fact that one keeps itself.

    `item` is the key of something that is remembered across conversations; then there need be no thread.
    """

    thread: str
    index: int | None = None
    memory: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    note: str = ""
    item: str = ""

    @property
    def fact(self) -> str:
        """The name of a fact that is kept outside of the store, empty where it is none."""
        kind, _, name = self.note.partition(":")
        return name if kind == "fact" else ""


def open_dialog(kind: str, target: object) -> None:
    """Have the page open a dialog in its next run; the other one closes."""
    for other in (FORGET, EDIT, "forget_plan", "receipt", "lint_shown"):
        st.session_state.pop(other, None)  # one dialog at a time
    st.session_state[kind] = target
    st.rerun()


def watched(thread: str) -> bool:
    """Whether a thread is only looked at."""
    return st.session_state.get(WATCHED) == thread


def turn_actions(thread: str, turn: Turn, key: str, compact: bool = False) -> None:
    """Draw the button that forgets a turn; one that is forgotten already has none."""
    if turn.status == "forgotten" or not thread or watched(thread):
        return
    label = unseen(f"Forget turn {turn.index + 1:,}") if compact else "Forget this turn…"
    told = f"Forget turn {turn.index + 1:,}: see first what is removed, and where else it stands"
    icon = ":material/ink_eraser:"
    if st.button(label, icon=icon, type="tertiary", key=f"{key}_forget_{turn.id}", help=told):
        open_dialog(FORGET, Target(thread, turn.index))


def note_actions(seen: Inspection, note: Note, key: str) -> None:
    """Draw the buttons that edit and forget a note, or a fact that is kept by its name."""
    trace, fact = seen.trace, _FACT.fullmatch(note.id)
    if (not note.since and not fact) or watched(seen.thread):
        return  # given beforehand, as a setting, or only looked at
    memory, name = trace.memory, note.id
    if fact and not note.since:
        memory, name = _keeper(trace, fact[1]), f"fact:{fact[2]}"
    target = Target(seen.thread, None, memory, dict(trace.settings), trace.memory_key, name)
    with st.container(horizontal=True, gap="small"):
        if st.button("Edit", icon=":material/edit_note:", type="tertiary", key=f"{key}_edit_{note.id}_{note.version}"):
            open_dialog(EDIT, target)
        if st.button(
            "Forget…", icon=":material/ink_eraser:", type="tertiary", key=f"{key}_forget_{note.id}_{note.version}"
        ):
            open_dialog(FORGET, target)


def _keeper(trace: Trace, part: str | None) -> str:
    """Name the memory that keeps a fact: a combined one's is kept by a part of it."""
    return trace.memory if part is None else parts_of(str(trace.settings.get("memories", "")))[int(part)].name
