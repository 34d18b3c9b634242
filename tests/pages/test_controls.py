"""A setting's control, and the words of the panel for what a memory brings.

python -m pytest tests/pages/test_controls.py
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from memory.base import Item, Note
from memory.catalog import load
from memory.money.totals import Totals, additions
from memory.trace import Call, Trace
from pages.ui.controls import AUTOMATIC, Kind, kind_of, shown
from pages.ui.words import note_name, place, segment

MEMORIES = load().memories
SCRIPT = """
import streamlit as st
from memory.catalog import load
from pages.ui import controls
cls = load().memories[st.session_state["memory"]]
said = {}
for name, field in cls.Settings.model_fields.items():
    value, kind = getattr(cls().settings, name), controls.kind_of(field)
    if name not in st.session_state:
        st.session_state[name] = controls.shown(value, kind)
    said[name] = controls.draw(name, kind, value, name, field.description, False, st.session_state["roomy"])
st.session_state["said"] = said
"""


def kind(memory: str, setting: str) -> Kind:
    return kind_of(load().find(memory).Settings.model_fields[setting])


@pytest.mark.parametrize("roomy", [False, True])
@pytest.mark.parametrize("name", sorted(MEMORIES))
def test_every_setting_of_every_memory_is_shown_as_it_is(name, roomy):
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.session_state["memory"], app.session_state["roomy"] = name, roomy
    app.run()
    assert not app.exception, app.exception[0].message
    assert app.session_state["said"] == MEMORIES[name]().settings.model_dump()


def test_a_setting_says_its_type_its_bounds_and_what_it_can_be():
    assert kind("window", "k") == Kind(int, False, (), 0, 1000)
    assert kind("vector", "max_token_limit") == Kind(int, True, (), 20, 1_000_000)
    assert kind("vector", "score_threshold") == Kind(float, True, (), 0, 1)
    assert kind("vector", "search") == Kind(str, True, ("hybrid", "dense", "lexical"))
    assert kind("attention", "temperature").low == 0.001
    assert kind("simple", "memories").type is dict
    assert kind("combined", "memories") == Kind(str)


def test_nothing_chosen_is_automatic_and_comes_back_as_nothing():
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.session_state["memory"], app.session_state["roomy"] = "VectorStoreRetrieverMemory", True
    app.run()
    assert shown(None, kind("vector", "search")) == AUTOMATIC
    app.selectbox[0].set_value("dense").run()
    assert app.session_state["said"]["search"] == "dense"
    app.selectbox[0].set_value(AUTOMATIC).run()
    assert app.session_state["said"]["search"] is None


def test_a_note_is_named_by_what_it_says_and_never_by_a_hash():
    sam = Note("0.entity-ab12ab12ab12ab12", 2, "Sam lives in Rome.", (0, 1), 1, {"name": "Sam"})
    said = {"subject": "Sam", "predicate": "works at", "object": "Acme"}
    triple = Note("triple-ab12ab12ab12ab12", 1, "Sam works at Acme.", (0, 1), 1, said)
    notes = {note.id: note for note in (sam, triple)}
    assert note_name("summary:3") == "Summary v3"
    assert note_name("0.summary:3") == "Summary v3"
    assert note_name(sam.ref, notes) == "Note on Sam v2"
    assert note_name(triple.ref, notes) == "Triple: Sam works at Acme"
    assert note_name(sam.ref) == "Entity v2"
    assert note_name("recalled-7:2") == "Recalls of turn 8"
    assert note_name("fact-0123456789abcdef:1") == "Fact v1"


def test_a_message_is_named_by_its_place_in_its_turn():
    assert (place(11), place(11, 1)) == ("turn 12", "turn 12, message 2")


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([("summary:1", False)], "summary"),
        ([("turns:3-3", True)], "quoted turns"),
        ([("facts:1", False)], "facts"),
        ([("0.triple-ab:1", False), ("turns:3-3", True)], "triples and quoted turns"),
        ([("summary:1", False), ("facts:1", False), ("turns:3-3", True)], "memory"),
    ],
)
def test_what_a_memory_brings_is_called_what_it_is(items, words):
    found = tuple(Item(ref, "memory", "", 1, quoted=quoted) for ref, quoted in items)
    assert segment("memory", [Trace("turn", 0, "t", 1.0, items=found)]) == words


def test_reused_answers_are_counted_apart_with_what_they_saved():
    made = Call("summary", "m", 10, 2, cost=Decimal("0.001"))
    known = Call("summary", "m", 0, 0, cost=Decimal(0), reused=True, saved=Decimal("0.001"))
    own = Totals.of(additions([made, known, known])).own
    assert (own.calls, own.cost, own.reused, own.saved) == (1, Decimal("0.001"), 2, Decimal("0.002"))
