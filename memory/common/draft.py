"""A state in the making: it takes in the notes of many turns and becomes a state once, so that each costs the same.

    >>> draft = Draft(state)
    >>> for index in range(draft.covered, len(transcript)):
    ...     draft.note(f"seen-{index}", "…", (index, index + 1), since=index + 1)
    ...     draft.covered = index + 1
    >>> state = draft.state()

What a memory makes of its notes to find them by (an index of their names) goes along from state to state by `taken` and
`kept`. It is in no store: after a restart, and whenever two want it at once, it is made anew of the notes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from memory.base import MOST_MADE, Note, Notes, Span, State, following

T = TypeVar("T")


class Draft:
    """A copy of a state that may be changed; `covered` is how many turns are in it."""

    def __init__(self, state: State) -> None:
        self.covered = state.covered
        self.notes = Notes(state.notes)
        self._state = state
        self._made = list(state.made)

    def note(self, id: str, text: str, turns: Span, since: int, data: Mapping[str, Any] | None = None) -> Note:
        """Make this text the note's next version."""
        note = self.notes[id] = following(self.notes, id, text, turns, since, data)
        self._made.append(note)
        return note

    def state(self) -> State:
        """Return the state that it has become; it is not changed any more."""
        return replace(self._state, covered=self.covered, notes=self.notes, made=tuple(self._made[-MOST_MADE:]))


def taken(notes: Mapping[str, Note], kind: Callable[[Mapping[str, Note]], T]) -> T:
    """Take the index of some notes, so that nobody else has it meanwhile; `kind`, its class, makes it anew of them."""
    index: Any = notes.__dict__.pop("index", None) if isinstance(notes, Notes) else None
    found: T = index if type(index) is kind else kind(notes)
    return found


def kept(notes: Mapping[str, Note], index: object) -> None:
    """Keep an index with the notes that it was made of."""
    if isinstance(notes, Notes):
        notes.index = index
