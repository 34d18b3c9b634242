"""What the panel says that a turn left in what is remembered of its user.

python -m pytest tests/memory/test_formed.py
"""

from __future__ import annotations

import pytest

from memory import reflection
from memory.conversation import Conversation
from memory.inspection.formed import formed
from memory.inspection.inspect import inspect
from memory.longterm.editing import say_again
from memory.longterm.facts import Source
from memory.longterm.feedback import give
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store
from tests.memory.fakes import conversation, say, turns_of


def talk_of(store: Store, spec: str, *said: str, user: str = "", thread: str = "t1") -> Conversation:
    made = conversation(store, spec, user=user, thread=thread)
    talk = Conversation(store, made.user, thread, made.memory, Models(), retrieval=Retrieval(embedding("hashing")))
    say(talk, *said)
    return talk


def left(talk: Conversation, turn: int) -> list[tuple[str, str, str]]:
    """Return what a turn left, counted from 1: kind and version, what it said before, what it says."""
    seen = inspect(talk.store, talk.user, talk.thread, turn - 1, len(turns_of(talk)), talk.retrieval)
    assert seen
    found = [(one.ref.split(":"), one.before, one.after) for one in formed(seen)]
    return [(f"{ref[0]} v{ref[-1]}", before, after) for ref, before, after in found]


def test_a_new_fact_and_a_changed_one_are_told_of_the_turn_that_made_them(memory_store: Store) -> None:
    talk = talk_of(memory_store, "collection", "I work at Acme.", "I work at Globex now.", "Where do I work?")
    assert left(talk, 1) == [("fact v1", "", "The user works at Acme.")]
    assert left(talk, 2) == [("fact v2", "The user works at Acme.", "The user works at Globex now.")]
    assert left(talk, 3) == []


def test_what_was_made_to_hold_again_is_told_once(memory_store: Store) -> None:
    talk = talk_of(memory_store, "collection", "I work at Acme.", "I work at Globex now.")
    items = talk.services().items
    (fact,) = talk.memory.facts(talk.services()).values()
    say_again(items, fact, 0)
    assert left(talk, 1) == [("fact v1", "", "The user works at Acme.")]


def test_another_conversation_of_the_same_user_left_it_and_not_this_one(memory_store: Store) -> None:
    talk = talk_of(memory_store, "collection", "I like tea.")
    other = talk_of(memory_store, "collection", "What do I like?", user=talk.user, thread="t2")
    assert left(other, 1) == []


def test_a_reflection_is_told_of_each_turn_that_it_took_in(memory_store: Store) -> None:
    talk = talk_of(memory_store, "collection:formation=background", "I use vim.", "I drink tea.")
    assert left(talk, 1) == []
    reflection.reflect(talk)
    assert [after for _, _, after in left(talk, 1)] == ["The user uses vim."]
    assert [after for _, _, after in left(talk, 2)] == ["The user drinks tea."]


def test_instructions_are_told_of_the_turn_that_got_the_thumb_and_the_thumb_is_not(memory_store: Store) -> None:
    talk = talk_of(memory_store, "procedural", "Explain recursion.")
    (turn,) = turns_of(talk)
    give(talk.services().items, Source(talk.thread, turn.id, 0), False, "Keep it short.", 5.0)
    talk.catch_up(kind="reflect")
    ((name, before, after),) = left(talk, 1)
    assert (name, before, after) == ("instructions v1", "", "Keep it short.")


@pytest.mark.parametrize("spec", ["combined:memories=window(k=1)+collection", "window:k=1"])
def test_parts_of_a_combined_memory_count_and_a_memory_of_one_conversation_has_none(
    memory_store: Store, spec: str
) -> None:
    talk = talk_of(memory_store, spec, "I like tea.")
    assert [after for _, _, after in left(talk, 1)] == (["The user likes tea."] if "combined" in spec else [])
