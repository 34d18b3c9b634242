"""What changed between two turns, and what differs in a text.

python -m pytest tests/memory/test_changes.py
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import thread_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.base import Item, LeftOut, Note, Span
from memory.inspection.changes import (
    MOST_WORDS,
    Change,
    Moment,
    changes,
    differences,
    listed,
    merged,
    minus,
    notes_changed,
    sent,
)
from memory.trace import Trace

TEXTS = st.text(st.sampled_from("ab \n.,茶ü"), max_size=60) | st.text(max_size=40)
SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda ends: (min(ends), max(ends))), max_size=8)


def trace(turn: int, sends: Span | None = None, gist: Span | None = None, **more: Any) -> Trace:
    items = (Item("turns", "history", "one of the last", 10, sends),) if sends else ()
    left = (LeftOut(gist, "merged into summary v1", "summary"),) if gist else ()
    return Trace("turn", turn, f"t{turn}", 1.0, "Window", items=items, left_out=left, **more)


def moment(of: Trace, instructions: str = "", **texts: str) -> Moment:
    return Moment(of, {id: Note(id, 1, text, (0, 1), 1) for id, text in texts.items()}, instructions)


def told(before: str, after: str) -> str:
    """Write a difference as one line."""
    marks: Mapping[str, str] = {"=": "{}", "-": "[-{}-]", "+": "[+{}+]"}
    return "".join(marks[how].format(text) for how, text in differences(before, after))


# --- texts ------------------------------------------------------------------------------------------------------------


@given(TEXTS, TEXTS)
def test_what_a_difference_removes_and_adds_leads_from_one_text_to_the_other(before, after):
    pieces = differences(before, after)
    assert "".join(text for how, text in pieces if how != "+") == before
    assert "".join(text for how, text in pieces if how != "-") == after
    assert all(text for _, text in pieces)
    assert differences(before, before) == ((("=", before),) if before else ())


@given(TEXTS, st.integers(1, 4))
def test_the_longest_texts_are_compared_as_truly(text, times):
    before, after = (text + "\na b") * (MOST_WORDS // 4), (text + "\na c") * (MOST_WORDS // 4 + times)
    pieces = differences(before, after)
    assert "".join(text for how, text in pieces if how != "+") == before
    assert "".join(text for how, text in pieces if how != "-") == after


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Alex likes tea.", "Alex likes green tea.", "Alex likes[+ green+] tea."),
        ("Alex likes tea.", "Alex likes tea. He lives in Oslo.", "Alex likes tea.[+ He lives in Oslo.+]"),
        ("He lives in Oslo now.", "He moved to Rome now.", "He [-lives in Oslo-][+moved to Rome+] now."),
        ("I like tea and milk.", "I like wine and beer.", "I like [-tea and milk-][+wine and beer+]."),
        ("", "New.", "[+New.+]"),
        ("Gone.", "", "[-Gone.-]"),
        ("我喜欢红茶。", "我喜欢绿茶。", "我喜欢[-红-][+绿+]茶。"),
    ],
)
def test_a_difference_reads_word_by_word(before, after, expected):
    assert told(before, after) == expected


def test_two_long_texts_that_have_nothing_in_common_are_compared_in_time():
    began = thread_time()
    differences(" ".join(f"a{n}" for n in range(20_000)), " ".join(f"b{n}" for n in range(20_000)))
    differences("a b " * 600, "b a " * 600)
    assert thread_time() - began < 5


# --- spans ------------------------------------------------------------------------------------------------------------


@given(SPANS, SPANS)
def test_spans_are_taken_from_each_other_as_their_turns_are(spans, others):
    turns, away = set(listed(spans)), set(listed(others))
    assert set(listed(merged(spans))) == turns
    assert listed(minus(merged(spans), merged(others))) == tuple(sorted(turns - away))


def test_a_prompt_of_very_many_turns_is_one_span():
    assert sent(trace(9999, (0, 9999))) == [(0, 9999)]
    assert sent(None) == []
    long = changes(moment(trace(9998, (0, 9998))), moment(trace(9999, (0, 9999))))
    assert long == [Change("came", "turns", turns=((9998, 9999),))]


# --- moments ----------------------------------------------------------------------------------------------------------


def test_turns_that_came_left_and_became_gist_are_told_apart():
    found = changes(moment(trace(5, (0, 5))), moment(trace(6, (4, 6), gist=(1, 4))))
    assert [(one.kind, one.turns) for one in found] == [
        ("came", ((5, 6),)),
        ("gist", ((1, 4),)),
        ("left", ((0, 1),)),
    ]


def test_notes_written_rewritten_and_dropped_are_told_with_both_texts():
    old = {
        "a": Note("a", 1, "one", (0, 1), 1),
        "b": Note("b", 1, "two", (0, 1), 2),
        "same": Note("same", 1, "x", (0, 1), 1),
    }
    new = {
        "a": Note("a", 2, "One", (0, 3), 3),
        "b": Note("b", 2, "", (0, 1), 4),
        "c": Note("c", 1, "three", (0, 5), 5),
        "same": Note("same", 2, "x", (0, 2), 5),
    }
    assert notes_changed(old, new) == [
        Change("note", "c:1", "", "three"),
        Change("note", "b:2", "two", ""),
        Change("note", "a:2", "one", "One"),
    ]
    assert notes_changed(new, {})[-1].after == ""


def test_another_memory_setting_model_or_instructions_are_told():
    old = moment(trace(1, settings={"k": 4}, model="openai:a"), "Be brief.", summary="gist")
    more = replace(trace(2, settings={"k": 6}, model="openai:b"))
    found = changes(old, moment(more, "Be kind.", summary="gist"))
    assert [(one.kind, one.what, one.before, one.after) for one in found] == [
        ("setting", "k", "4", "6"),
        ("model", "model", "openai:a", "openai:b"),
        ("instructions", "instructions", "Be brief.", "Be kind."),
    ]
    other = changes(old, moment(replace(more, memory="Summary", model="openai:a"), "Be brief.", summary="gist"))
    assert [(one.kind, one.before, one.after) for one in other] == [("memory", "Window", "Summary")]


def test_edits_and_forgettings_between_the_turns_are_told_and_no_others():
    events = [trace(turn) for turn in (2, 3, 4)]
    marked = [replace(events[0], kind="edit"), replace(events[1], kind="forget"), replace(events[2], kind="switch")]
    found = changes(moment(trace(1)), moment(trace(3)), marked)
    assert [(one.kind, one.event) for one in found] == [("edit", marked[0]), ("forget", marked[1])]
    assert changes(moment(trace(3)), moment(trace(5)), marked) == []
