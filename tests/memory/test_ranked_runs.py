"""Near misses as they are stored: any of them comes back as it was, and fifty take little room."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from memory.base import LeftOut
from memory.store import TRACE, to_json
from memory.stores.ranked_runs import packed
from memory.trace import Trace

WORDS = st.sampled_from(
    ["rank {} of top 4", "Vector: rank {} of top 10", "outside the last k=3 turns", "# {} #", "1{}1"]
)
SCORES = st.one_of(st.none(), st.floats(0, 1).map(lambda value: round(value, 3)))


@st.composite
def left_out(draw: st.DrawFn) -> LeftOut:
    rank = draw(st.one_of(st.none(), st.one_of(st.integers(1, 30), st.integers(995, 2005))))
    first = draw(st.integers(0, 100))
    end = first + draw(st.sampled_from([1, 1, 1, 5]))
    parts = draw(st.sampled_from([{}, {"words": 0.5}, {"words": 0.25, "meaning": 0.125}]))
    kind, message = draw(st.sampled_from(["rule", "rule", "summary"])), draw(st.sampled_from([None, None, 2]))
    return LeftOut(
        (first, end), draw(WORDS).format(f"{rank:,}" if rank else rank), kind, rank, draw(SCORES), message, parts
    )


@given(st.lists(left_out(), max_size=8), st.integers(0, 6))
def test_what_was_left_out_is_read_as_it_was_written(some: list[LeftOut], more: int) -> None:
    run = [LeftOut((40 - place, 41 - place), f"rank {5 + place} of top 4", rank=5 + place) for place in range(more)]
    trace = Trace("turn", 0, "t", 1.0, left_out=(*some, *run, *some))
    assert TRACE.validate_json(to_json(TRACE, trace)) == trace


def test_fifty_near_misses_of_one_rule_are_one_table() -> None:
    near = [
        LeftOut((place, place + 1), f"rank {5 + place} of top 4", rank=5 + place, score=0.123, parts={"words": 0.5})
        for place in range(50)
    ]
    (table,) = packed(near)
    assert (table["why"], table["rank"], len(table["rows"])) == ("rank # of top 4", 5, 50)
    assert table["rows"][3] == [3, 0.123, 0.5]
    assert len(json.dumps(table, separators=(",", ":"))) < 50 * 17


def test_spans_that_take_turns_are_one_table_with_each_reason_once() -> None:
    whys = (("outside the last k=2 turns", "rule"), ("told of in the notes that are sent", "summary"))
    spans = [LeftOut((place, place + 1), *whys[place % 2]) for place in range(50)]
    (table,) = packed(spans)
    assert table == {"whys": [list(why) for why in whys], "rows": [[0, 1, 0], *([n + 1, n % 2] for n in range(1, 50))]}
    assert packed(spans[:1]) == [{"turns": [0, 1], "why": "outside the last k=2 turns"}]


def test_traces_from_before_there_were_tables_are_read() -> None:
    row = b'{"kind":"turn","turn":0,"turn_id":"t","at":1,"left_out":[{"turns":[3,4],"why":"rank 5 of top 4","rank":5}]}'
    assert TRACE.validate_json(row).left_out == (LeftOut((3, 4), "rank 5 of top 4", rank=5),)


@pytest.mark.parametrize(
    "table",
    [
        {"rows": []},
        {"why": "x", "rank": "5", "rows": []},
        {"why": "x", "rank": 5, "rows": [[1]]},
        {"why": "x", "rank": 5, "rows": [["1", 0.5]]},
        {"why": "x", "rank": 5, "rows": [[1, 0.5, 0.5]]},
        {"why": "x", "rank": 5, "rows": [[1, "much"]]},
        {"why": "x", "rank": 5, "rows": [[1, 0.5]], "kind": "whim"},
        {"why": "x", "rank": 5, "rows": 7},
        {"whys": [["x", "rule"]], "rows": 7},
        {"whys": [["x", "rule"]], "rows": [[1, 2]]},
        {"whys": [["x", "rule"]], "rows": [[1, 2, 1]]},
        {"whys": [["x", "whim"]], "rows": [[1, 2, 0]]},
        {"whys": ["x"], "rows": [[1, 2, 0]]},
    ],
)
def test_what_is_no_table_is_refused(table: dict[str, object]) -> None:
    trace = {"kind": "turn", "turn": 0, "turn_id": "t", "at": 1, "left_out": [table]}
    with pytest.raises(ValidationError):
        TRACE.validate_json(json.dumps(trace))
