"""Recalled turns as they are stored: any item comes back as it was, and ranked ones take little room."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from memory.base import Item
from memory.store import TRACE, to_json
from memory.stores.ranked_items import packed
from memory.trace import Trace

WORDS = st.sampled_from(
    [
        "rank {}, score {}",
        "Vector: rank {}, score {}",
        "rank {}, score {}; shortened to the budget",
        "the last k=3 turns",
        "rank #, score $ rank {}, score {}",
        "rank {}, score {} rank 1, score 0.5",
    ]
)


@st.composite
def items(draw: st.DrawFn) -> Item:
    score = draw(st.one_of(st.none(), st.floats(0, 1).map(lambda value: round(value, 4))))
    shown = draw(st.sampled_from([f"{score or 0:.2f}", "0.99", "1"]))
    first = draw(st.integers(0, 3000))
    turns = draw(st.sampled_from([None, (first, first + 1), (first, first + 1), (first, first + 4)]))
    return Item(
        draw(
            st.sampled_from(
                [f"turns:{first}-{first}", f"message:{first}.1", "summary:3", "summary:1", "1.x-y:12", "no note"]
            )
        ),
        draw(st.sampled_from(["memory", "history"])),
        draw(WORDS).format(f"{draw(st.integers(0, 2000)):,}", shown),
        draw(st.integers(0, 999)),
        turns,
        None,
        score,
        draw(st.sampled_from([None, None, 40])),
        draw(st.booleans()),
        draw(st.sampled_from([{}, {"words": 0.5}, {"words": 0.25, "meaning": 0.125}])),
    )


@given(st.lists(items(), max_size=9))
def test_what_was_recalled_is_read_as_it_was_written(some: list[Item]) -> None:
    trace = Trace("turn", 0, "t", 1.0, items=(*some, *some))
    assert TRACE.validate_json(to_json(TRACE, trace)) == trace


def test_ranked_turns_are_one_table() -> None:
    ranked = [
        Item(
            f"turns:{n}-{n}", "memory", f"rank {n + 1}, score 0.51", 90, (n, n + 1), score=0.509, quoted=True,
            parts={"words": 0.5},
        )
        for n in range(20)
    ]  # fmt: skip
    (table,) = packed(ranked)
    assert table["rows"][3] == [3, 90, 0.509, 4, 0.5]
    assert len(json.dumps(table, separators=(",", ":"))) < 20 * 26


def test_notes_are_one_table_with_each_reason_once() -> None:
    whys = ("1 step from what your message mentions", "2 steps from what your message mentions")
    notes = [Item(f"triple-{hex(7 * n)[2:]:x<10}:{1 + n // 59}", "memory", whys[n % 2], 9) for n in range(60)]
    (table,) = packed(notes)
    assert table["whys"] == list(whys)
    assert (table["begin"], table["refs"][:21], table["refs"][-12:]) == (
        "triple-",
        "0xxxxxxxxx 7xxxxxxxxx",
        "19dxxxxxxx:2",
    )
    assert (table["tokens"][3], table["rows"][:4]) == (9, "0101")
    assert len(json.dumps(table, separators=(",", ":"))) < 60 * 17
    assert packed(notes[:1]) == [{"ref": notes[0].ref, "segment": "memory", "why": whys[0], "tokens": 9}]


NOTES = {"segment": "memory", "whys": ["a"], "begin": "summary", "refs": "0 1:2", "tokens": [9, 9], "rows": [0, 0]}


@pytest.mark.parametrize(
    "table",
    [
        {"rows": [[1, 2, 0.5, 1]]},
        {"why": "rank #, score $", "rows": 3},
        {"why": "rank #, score $", "segment": "memory", "rows": [[1, 2]]},
        {"why": "rank #, score $", "segment": "memory", "rows": [[1, 2, "x", 1]]},
        {"why": "rank #, score $", "segment": "nowhere", "rows": [[1, 2, 0.5, 1]]},
        {"segment": "memory", "whys": ["a"], "rows": [0]},
        {**NOTES, "whys": 3},
        {**NOTES, "begin": None},
        {**NOTES, "refs": 3},
        {**NOTES, "refs": "3"},
        {**NOTES, "tokens": [9]},
        {**NOTES, "tokens": [9, "x"]},
        {**NOTES, "rows": [0, 1]},
        {**NOTES, "rows": [0, "a"]},
        {**NOTES, "rows": "0a"},
        {**NOTES, "rows": "01"},
    ],
)
def test_what_is_no_table_is_refused(table: dict[str, object]) -> None:
    row = {"kind": "turn", "turn": 0, "turn_id": "t", "at": 1, "items": [table]}
    with pytest.raises(ValidationError):
        TRACE.validate_json(json.dumps(row))


def test_a_table_of_notes_is_read() -> None:
    row = {"kind": "turn", "turn": 0, "turn_id": "t", "at": 1, "items": [NOTES]}
    read = TRACE.validate_json(json.dumps(row)).items
    assert read == (Item("summary0:1", "memory", "a", 9), Item("summary1:2", "memory", "a", 9))
    many = tuple(Item(f"n:{n}", "memory", f"why {n}", n) for n in range(1, 13))
    assert packed(many)[0]["rows"] == list(range(12))
    assert TRACE.validate_json(to_json(TRACE, Trace("turn", 0, "t", 1.0, items=many))).items == many
