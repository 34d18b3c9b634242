"""How notes and states are stored: each version of a note once, as a row under its name; a state names its notes.

    >>> note = Note("triple-ab", 1, "Sam works at Acme.", (3, 9), 9, {"object": "Acme", "turns": [3, 4, 5, 8]})
    >>> row_of(note)
    b'{"id":"triple-ab","version":1,"text":"Sam works at Acme.",…,"data":{"object":"Acme","@turns":"3-5,8"}}'
    >>> head_of(State(9, {note.id: note}))
    b'{"covered":9,"notes":["triple-ab:1"]}'

Of a note's data many turns that it came from are runs. The rest of a row is the note as it is: a turn reads thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter

from memory.base import Note, Notes, State
from memory.store import NOTE, to_json

_TURNS, _RUNS = "turns", "@turns"
_FEW = 2
"""So many turns take no less room as runs."""


@dataclass(frozen=True, slots=True)
class _Head:
    covered: int = 0
    notes: tuple[str, ...] = ()
    parts: Mapping[str, int] = field(default_factory=dict)
    edits: int = 0
    reach: int | None = None


_NOTES: TypeAdapter[list[Note]] = TypeAdapter(list[Note])
_HEAD: TypeAdapter[_Head] = TypeAdapter(_Head)


def row_of(note: Note) -> bytes:
    """Write a note as its row."""
    if _many(note.data.get(_TURNS)):
        note = replace(
            note,
            data={
                _RUNS if name == _TURNS else name: _runs(value) if name == _TURNS else value
                for name, value in note.data.items()
            },
        )
    return to_json(NOTE, note)


def note_of(row: bytes) -> Note:
    """Read a note from its row."""
    return _whole(NOTE.validate_json(row))


def notes_of(rows: bytes) -> Iterable[Note]:
    """Read notes from a JSON array of rows."""
    return map(_whole, _NOTES.validate_json(rows))


def head_of(state: State) -> bytes:
    """Write a state by reference: its notes are stored beside it."""
    reach = None if state.reach == state.covered else state.reach
    notes = tuple(note.ref for note in state.notes.values())
    return to_json(_HEAD, _Head(state.covered, notes, state.parts, state.edits, reach))


def state_of(head: bytes, rows: bytes) -> State:
    """Read a state from its head and the rows of those of its notes that are there."""
    known = _HEAD.validate_json(head)
    return State(known.covered, Notes({note.id: note for note in notes_of(rows)}), known.parts, known.edits)


def _whole(note: Note) -> Note:
    if _RUNS not in note.data:
        return note
    return replace(
        note,
        data={
            _TURNS if name == _RUNS else name: _turns(value) if name == _RUNS else value
            for name, value in note.data.items()
        },
    )


def _many(turns: Any) -> bool:
    """Whether this is a list of more than a few whole numbers that only grow."""
    return (
        isinstance(turns, list)
        and len(turns) > _FEW
        and all(type(one) is int and one >= 0 for one in turns)
        and all(one < other for one, other in pairwise(turns))
    )


def _runs(turns: Sequence[int]) -> str:
    """Write numbers that only grow as runs.

    >>> _runs([0, 1, 2, 9])
    '0-2,9'
    """
    runs: list[list[int]] = []
    for turn in turns:
        if runs and runs[-1][1] == turn - 1:
            runs[-1][1] = turn
        else:
            runs.append([turn, turn])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _turns(runs: str) -> list[int]:
    found: list[int] = []
    for run in runs.split(","):
        first, _, last = run.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
