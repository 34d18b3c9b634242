"""Notes and states as a store keeps them: any note comes back as it was, and takes little room."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.base import Note, State
from memory.stores.note_rows import head_of, note_of, row_of, state_of

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 40), st.sampled_from(["", "Sam", "Acme Ltd of Oslo", "0-2"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=5,
)
NOTES = st.builds(
    Note,
    st.sampled_from(["summary", "0.triple-ab", "a.b_c-d"]),
    st.integers(1, 30),
    st.sampled_from(["", "Sam works at Acme Ltd of Oslo.", "Sam", "我 Sam 🙂 Acme Ltd of Oslo"]),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.integers(0, 9),
    st.dictionaries(st.sampled_from(["subject", "turns", "more"]), VALUES),
    st.sampled_from([None, 0, 3]),
)


@given(NOTES)
def test_any_note_is_read_as_it_was_written(note: Note) -> None:
    read = note_of(row_of(note))
    assert (read, list(read.data)) == (note, list(note.data))


@given(st.lists(NOTES, max_size=4), st.sampled_from([{}, {"0": 9}]), st.integers(0, 9))
def test_a_state_is_read_as_it_was_written_without_the_notes_that_are_gone(
    notes: list[Note], parts: dict[str, int], edits: int
) -> None:
    state = State(3, {note.id: note for note in notes}, parts, edits)
    head = head_of(state)
    assert state_of(head, b"[" + b",".join(map(row_of, state.notes.values())) + b"]") == state
    assert json.loads(head).get("reach", 3) == state.reach
    assert state_of(head, b"[]").notes == {}


@pytest.mark.parametrize(
    ("data", "written"),
    [
        ({"subject": "Sam", "turns": [4, 5]}, {"subject": "Sam", "turns": [4, 5]}),
        ({"turns": list(range(70)), "subject": "Sam"}, {"@turns": "0-69", "subject": "Sam"}),
        ({"turns": [0, 1, 2, 7, 9, 10]}, {"@turns": "0-2,7,9-10"}),
        ({"turns": [3, 2, 1], "more": {"a": 1}}, {"turns": [3, 2, 1], "more": {"a": 1}}),
    ],
)
def test_many_turns_that_a_note_came_from_are_written_as_runs(data: dict[str, Any], written: dict[str, Any]) -> None:
    note = Note("triple-ab", 1, "Sam works at Acme.", (0, 5), 5, data)
    assert json.loads(row_of(note))["data"] == written
