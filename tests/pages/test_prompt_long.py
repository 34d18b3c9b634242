"""The prompt of a long conversation as the panel draws it: what is looked at, and the gaps between.

python -m pytest tests/pages/test_prompt_long.py
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest
from streamlit.testing.v1 import AppTest

from memory.inspection.laid_out import Look, lay_out
from memory.inspection.used import used
from memory.stores.inmemory import InMemoryStore
from pages.ui.xray import xray_data
from tests.pages.panels import drawn, go_on, imported, seen, show, xray


class Counting(InMemoryStore):
    """A store that counts the turns that are read."""

    read = 0

    def turns(self, user, thread, first, end):
        found = super().turns(user, thread, first, end)
        self.read += len(found)
        return found


@cache
def buffer(length):
    """Store a thread of so many turns, the last of which was sent all the others."""
    store = Counting()
    thread = imported(store, length - 1)
    go_on(store, thread, ["What is fact 7?"], "buffer")
    return store, thread


def test_the_panel_reads_as_many_turns_of_a_thread_of_2_000_as_of_one_of_200():
    counts = []
    for length in (200, 2_000):
        store, thread = buffer(length)
        store.read = 0
        show(store, thread, "Prompt")
        counts.append(store.read)
    assert counts[0] == counts[1] < 120


def test_who_goes_to_a_turn_of_a_long_prompt_sees_it_between_two_gaps_and_the_sum_stays():
    store, thread = buffer(600)
    trace = seen(store, thread).trace
    app = show(store, thread, "Prompt")
    assert "**599** sent · " in drawn(app)
    app.session_state["panel_prompt_open"] = {trace.turn_id: Look().at(299)}
    data = xray(app.run())
    assert [gap["turns"] for gap in data["gaps"]] == [[6, 294], [316, 566]]
    assert [gap["grow"] for gap in data["gaps"]] == ["before", "after"]
    assert sum(one["tokens"] for one in [*data["pieces"], *data["gaps"]]) == trace.prompt_tokens
    assert data["pieces"][data["gaps"][1]["at"] - 1]["source"] == "History: turn 315"
    store.read = 0
    app.run()
    # What was counted on the way there is not read again.
    assert store.read < 130


GO = """
import streamlit as st
from pages.ui.xray_gaps import go, look_of
for wish in st.session_state["wishes"]:
    go(st.session_state["seen"], wish)
st.session_state["look"] = look_of(st.session_state["seen"])
"""


@pytest.mark.parametrize(
    ("wishes", "look"),
    [
        (["last"], Look(134)),
        ([300], Look(34, (294, 315))),
        ([300, "before", "after"], Look(34, (194, 415))),
        ([10**9, "after"], Look(34, (393, 514))),
        ([-5], Look(34, (0, 16))),
        (["elsewhere", None, {}], Look()),
    ],
)
def test_what_a_browser_asks_to_see_of_a_long_prompt_is_kept_within_it(wishes, look):
    app = AppTest.from_string(GO, default_timeout=60)
    app.session_state["seen"], app.session_state["wishes"] = seen(*buffer(400)), wishes
    app.run()
    assert not app.exception
    assert app.session_state["look"] == look


def test_where_the_prefix_breaks_among_turns_that_are_not_drawn_is_said_above_them():
    found = seen(*buffer(600))
    trace = replace(found.trace, prefix=1_000, broken="turn:300")
    found = replace(found, trace=trace)
    laid = lay_out(found, Look())
    data = xray_data(found, laid, used(trace, laid.pieces, "", ""), Look())
    [gap] = data["gaps"]
    assert data["broken"] is None
    assert gap["broken"].startswith("prefix breaks") or gap["broken"].startswith("new from")
    assert f"{gap['cached']:,} tokens into these" in gap["broken"]
    assert sum(one["cached"] for one in [*data["pieces"], gap]) == 1_000


def test_the_whole_text_of_a_long_prompt_is_read_when_it_is_asked_for():
    store, thread = buffer(400)
    app = show(store, thread, "Prompt", panel_json=True)
    assert "299 turns of it are not read yet." in drawn(app)
    store.read = 0
    [read] = [button for button in app.button if button.label == "Read the whole prompt"]
    read.click().run()
    assert not app.exception
    assert store.read >= 399
    assert "it is what was sent" in drawn(app)
    assert json.loads(app.code[0].value)[-1] == {"role": "user", "content": "What is fact 7?"}
