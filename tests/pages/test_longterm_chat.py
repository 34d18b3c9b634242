"""Long-term memory in the chat: who learns from thumbs, how calls and reflections are told.

python -m pytest tests/pages/test_longterm_chat.py
"""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from memory import reflection
from memory.base import Message, Turn
from memory.catalog import load
from memory.conversation import Conversation
from memory.inspection.changes import Moment, changes
from memory.longterm.facts import Fact, Source
from memory.longterm.feedback import KIND as FEEDBACK
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.strategies.combined import learner
from pages.ui.longterm_chat import written
from pages.ui.words import note_name
from tests.pages.panels import HOSTILE, USER, drawn, go_on, seen, show, talk


@pytest.mark.parametrize(
    ("spec", "learns"),
    [("procedural", True), ("combined:memories=window+procedural", True), ("collection", False), ("window", False)],
)
def test_thumbs_are_for_memories_that_learn_from_them_also_as_a_part(spec: str, learns: bool) -> None:
    assert (learner(load().memory(spec)) is not None) is learns


def calls_page() -> None:
    import streamlit as st

    from pages.ui.longterm_chat import draw_calls

    draw_calls(st.session_state["turn"], st.session_state.get("trace"))


def test_hostile_calls_and_answers_are_drawn_as_plain_text() -> None:
    call = {"name": HOSTILE, "args": {"content": HOSTILE}, "id": "1"}
    messages = (
        Message("human", "x"),
        Message("ai", "", tool_calls=(call, {"name": "search", "args": None, "id": "2"})),
        Message("tool", HOSTILE, tool_call_id="1"),
        Message("ai", "y"),
    )
    app = AppTest.from_function(calls_page, default_timeout=60)
    app.session_state["turn"] = Turn("t", messages)
    app.run()
    assert not app.exception
    assert [code.language for code in app.code] == ["json", "plaintext", "json"]
    assert "<img" not in drawn(app).replace("\\<img", "")
    assert "<img" not in app.expander[0].label.replace("\\<img", "")
    assert "It was not answered." in drawn(app)


def test_a_call_says_how_much_later_the_answer_came_and_what_it_cost() -> None:
    store, thread = talk(["Remember that I like tea."], "collection:formation=active")
    app = AppTest.from_function(calls_page, default_timeout=60)
    app.session_state["turn"] = store.turns(USER, thread, 0, 1)[0]
    app.session_state["trace"] = store.traces(USER, thread, 0, 1)[0]
    app.run()
    assert not app.exception
    said = app.expander[0].label.replace("\\", "")
    assert re.fullmatch(r"Called manage_memory: the answer came .+s later and cost \$0\.\d+ as gpt-5-mini more", said)


def test_what_a_reflection_left_is_counted_by_the_turns_that_it_rests_on() -> None:
    def fact(key: str, *indexes: int, kind: str = "Memory", thread: str = "t1") -> Fact:
        return Fact(key, ("facts",), kind, {"content": key}, tuple(Source(thread, f"a{i}", i) for i in indexes))

    changed = fact("a", 0).replaced({"content": "b"}, Source("t1", "a2", 2), 1.0)
    facts = [fact("new", 1), changed, fact("before", 0), fact("other", 1, thread="t2"), fact("said", 1, kind=FEEDBACK)]
    assert written(facts, "t1", (1, 3)) == (1, 1)
    assert written(facts, "t1", (5, 6)) == (0, 0)


def test_a_turn_without_calls_draws_nothing() -> None:
    app = AppTest.from_function(calls_page, default_timeout=60)
    app.session_state["turn"] = Turn("t", (Message("human", "x"), Message("ai", "y")))
    app.run()
    assert not app.expander


def test_a_reflection_is_told_in_words_in_cost_and_changes() -> None:
    spec = "collection:formation=background"
    store, thread = talk(["I work at Acme.", "I like tea."], spec)
    memory = load().memory(spec)
    reflection.reflect(Conversation(store, USER, thread, memory, Models(), retrieval=Retrieval(embedding("hashing"))))
    app = show(store, thread, "Cost")
    assert "**Reflected** after turn 2" in drawn(app)
    go_on(store, thread, ["I own a boat."], spec)
    old, new = seen(store, thread, 1), seen(store, thread, 2)
    found = changes(Moment(old.trace, {}), Moment(new.trace, {}), new.events)
    assert [change.kind for change in found if change.event] == ["reflect"]
    assert "Reflected after turn 2" in drawn(show(store, thread))


def test_what_is_remembered_has_a_name_and_not_a_hash() -> None:
    assert note_name("fact:42cbf8868c8f721a:3") == "Fact 42cb v3"
    assert note_name("fact:instructions:2") == "Instructions v2"
    assert note_name("instructions:instructions:2") == "Instructions v2"
    assert note_name("1.instructions:42cbf8868c8f721a:2") == "Instructions 42cb v2"
    assert note_name("profile:42cbf8868c8f721a:3") == note_name("0.profile-42cbf8868c8f721a-3") == "Profile v3"
    assert note_name("episode-42cbf8868c8f721a-1") == "Episode 42cb v1"
    assert note_name("fact:3") == "Fact 3"
