"""What a memory holds between two messages, and the notes that may differ between two turns.

python -m pytest tests/memory/test_held.py
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from memory import threads
from memory.catalog import load
from memory.conversation import Conversation
from memory.inspection.changes import notes_changed
from memory.inspection.held import FEW, OUTSIDE, UNKNOWN, after, notes_between, now
from memory.inspection.inspect import Inspection, inspect
from memory.stores.inmemory import InMemoryStore

USER = "u1"
SAID = ("My name is Alex.", "I live in Lyon.", "I like tea.", "I have a dog.", "What is my name?")


def talk(spec: str, said: tuple[str, ...] = SAID) -> tuple[Inspection, ...]:
    """Hold a conversation; returns its turns as they are inspected."""
    store, memory = InMemoryStore(), load().memory(spec)
    thread = threads.new(store, USER, memory)
    for query in said:
        "".join(Conversation(store, USER, thread.id, memory).reply(query))
    found = [inspect(store, USER, thread.id, index, len(said)) for index in range(len(said))]
    return tuple(one for one in found if one)


@pytest.mark.parametrize("spec", ["summary", "summary_buffer:max_token_limit=60", "entity", "kg", "time_weighted"])
def test_what_was_held_after_a_turn_is_what_the_next_one_began_with(spec):
    turns = talk(spec)
    for seen, following in pairwise(turns):
        held = after(seen)
        assert held.state.notes == following.state.notes
        assert held.coming
        assert held.trace.read_length == following.trace.turn
    assert after(turns[-1]).state == turns[0].store.state_at(USER, turns[0].thread, turns[0].trace.memory_key, 5)


def test_a_memory_that_does_not_search_says_what_the_next_message_would_be_sent_with():
    first, *_ = talk("window:k=2")
    held = after(first)
    assert [item.turns for item in held.trace.items] == [(0, 1)]
    assert [(block.turns, block.state) for block in held.view.blocks] == [((0, 1), "sent")]


def test_of_a_memory_that_searches_it_is_not_known():
    *_, last = talk("vector")
    held = after(last)
    assert held.trace.items == ()
    assert [left.why for left in held.trace.left_out] == [UNKNOWN]
    assert held.view.forms == ()


def test_what_is_kept_outside_is_shown_as_it_is_now_and_not_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("MEMORY_KEY_VALUE_FILE", str(tmp_path / "facts.sqlite"))
    first, *_, last = talk("key_value", ("/remember city = Oslo", "/remember city = Rome", "Where?"))
    assert [left.why for left in after(first).trace.left_out] == [OUTSIDE]
    assert [note.text for note in after(last).view.notes] == ["city: Rome"]


def test_after_a_switch_the_new_memory_is_shown_with_what_it_holds():
    *_, last = talk("window:k=2")
    summary = load().memory("summary")
    new = Conversation(last.store, USER, last.thread, summary)
    new.catch_up()
    held = now(last, summary.name, new.key, summary.settings.model_dump(mode="json"))
    assert held.trace.memory == "ConversationSummaryMemory"
    assert held.state.notes["summary"].turns == (0, 5)
    assert [item.ref for item in held.trace.items] == ["summary:5"]


@pytest.mark.parametrize("spec", ["summary", "entity", "kg", "time_weighted", "window"])
def test_the_notes_read_of_two_turns_differ_as_the_whole_states_do(spec):
    turns = talk(spec)
    for early in range(5):
        for late in range(early + 1, 5):
            old, new = turns[early], turns[late]
            assert notes_changed(*notes_between(old, new)) == notes_changed(old.state.notes, new.state.notes)


def test_two_neighbouring_turns_of_a_large_state_are_compared_without_reading_it_twice(monkeypatch):
    *_, old, new = talk("summary")
    assert len(new.state.notes) <= FEW
    monkeypatch.setattr(old.store, "state_at", None)
    before, after_ = notes_between(old, new)
    assert (before["summary"].ref, after_["summary"].ref) == ("summary:3", "summary:4")


def test_what_is_remembered_across_conversations_is_shown_as_it_was_after_a_turn_and_as_it_is_now() -> None:
    said = ("I work at Acme.", "I live in Oslo.", "I moved to Lisbon.", "I like tea.")

    def texts(spec: str, index: int) -> list[str]:
        return [note.text for note in after(talk(spec, said)[index]).view.notes]

    for spec in ("collection", "collection:k=1", "combined:memories=window+collection"):
        assert texts(spec, 0) == ["The user works at Acme."]
        assert {*texts(spec, 1)} == {"The user works at Acme.", "The user lives in Oslo."}
        assert {*texts(spec, 3)} == {"The user works at Acme.", "The user moved to Lisbon.", "The user likes tea."}
    assert texts("profile", 1) == ["The user lives in Oslo. The user works at Acme."]
    assert texts("profile", 2) == ["The user lives in Lisbon. The user works at Acme."]


def test_looking_at_what_is_remembered_of_somebody_shows_nothing_of_another() -> None:
    (other,) = talk("collection", ("I work at Acme.",))
    memory = load().memory("collection")
    thread = threads.new(other.store, "u2", memory)
    "".join(Conversation(other.store, "u2", thread.id, memory).reply("I like tea."))
    seen = inspect(other.store, "u2", thread.id, 0, 1)
    assert seen
    assert [note.text for note in after(seen).view.notes] == ["The user likes tea."]
