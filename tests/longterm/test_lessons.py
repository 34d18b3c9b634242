"""The examples of the lessons on long-term memory, played by the demo model without a key: each statement holds.

python -m pytest tests/longterm/test_lessons.py
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from memory import forgetting, reflection
from memory.conversation import Conversation
from memory.forgetting.places import every_text
from memory.forgetting.remembered import remembered
from memory.longterm.editing import say_again
from memory.longterm.facts import Fact, Source
from memory.longterm.feedback import give
from memory.prompt import message_of
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store
from memory.trace import Trace
from tests.memory.fakes import ENCODING, FakeChat, FakeModels, conversation, say, traces_of, turns_of


@pytest.fixture
def store(memory_store: Store) -> Store:
    """One store is enough here: what is said and not where it is kept."""
    return memory_store


FAMILY_TREES = (
    "Since you know family trees, picture one in which everybody has two children at most: the root is the ancestor, "
    "and each node leads to a left child and a right child."
)


def talk_of(store: Store, spec: str, user: str = "", thread: str = "t1", **more: Any) -> Conversation:
    talk = conversation(store, spec, user=user, thread=thread, retrieval=Retrieval(embedding("hashing")))
    return Conversation(talk.store, talk.user, thread, talk.memory, Models(), retrieval=talk.retrieval, **more)


def facts(talk: Conversation, kind: str = "Memory") -> list[Fact]:
    found = [fact for fact in remembered(talk.store, talk.user).values() if fact.kind == kind]
    return sorted(found, key=lambda fact: fact.at)


def told(talk: Conversation, kind: str = "Memory") -> set[str]:
    return {fact.text for fact in facts(talk, kind)}


def sent(talk: Conversation) -> str:
    """Return what was sent of the memory's own in the last turn."""
    return "\n".join(talk.store.texts(talk.user, talk.thread, traces_of(talk)[-1].texts.values()).values())


def answer(talk: Conversation, question: str) -> str:
    say(talk, question)
    return turns_of(talk)[-1].ai


# --- 13: facts about you ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        ("I prefer dark mode.", "I use vim.", "I write Python."),
        ("I prefer dark mode. I use vim as my editor and I code in Python.",),
        ("I prefer dark mode, use vim and write my code in Python.",),
        ("My preferred mode is dark mode.", "My editor is vim.", "My programming language is Python."),
    ],
)
def test_dark_mode_vim_and_python_go_into_one_profile(store: Store, said: tuple[str, ...]) -> None:
    talk = talk_of(store, "profile")
    say(talk, *said)
    (profile,) = facts(talk, "UserProfile")
    filled = {name: value for name, value in profile.content.items() if value}
    assert filled == {"preferred_mode": "dark mode", "editor": "vim", "programming_language": "Python"}
    other = talk_of(store, "profile", talk.user, "t2")
    assert answer(other, "What is my editor?") == "Your editor is vim."
    assert answer(other, "Which editor do I use?") == "Your editor is vim."
    assert answer(other, "Which programming language do I use?") == "Your programming language is Python."
    assert answer(other, "Do I prefer light or dark mode?") == "Your preferred mode is dark mode."


def test_a_profile_is_updated_and_the_newer_statement_wins(store: Store) -> None:
    talk = talk_of(store, "profile")
    say(talk, "I prefer dark mode.", "I prefer light mode now.")
    (profile,) = facts(talk, "UserProfile")
    assert profile.content["preferred_mode"] == "light mode"
    assert [version.content["preferred_mode"] for version in profile.history] == ["dark mode"]


@pytest.mark.parametrize(
    "said",
    [
        ("I work at Acme in the ML team. I focus on NLP.",),
        ("I work at Acme in the ML team, focusing on NLP.",),
        ("I work at Acme on the ML team with a focus on NLP.",),
        ("I work at Acme.", "I work in the ML team.", "I focus on NLP."),
    ],
)
def test_acme_ml_team_and_nlp_are_three_facts(store: Store, said: tuple[str, ...]) -> None:
    talk = talk_of(store, "collection")
    say(talk, *said)
    team = "on" if "on the ML" in said[0] else "in"
    assert told(talk) == {
        "The user works at Acme.",
        f"The user works {team} the ML team.",
        "The user focuses on NLP.",
    }
    other = talk_of(store, "collection", talk.user, "t2")
    assert answer(other, "Where do I work?") == "You work at Acme."
    assert answer(other, "Which team am I in?") == f"You work {team} the ML team."
    assert answer(other, "What do I focus on?") == "You focus on NLP."


def test_a_profile_is_sent_in_sentences_that_answer_what_one_asks(store: Store) -> None:
    talk = talk_of(store, "profile")
    say(talk, "I live in Oslo.", "I'm 30 years old.", "I like chess.", "I like jazz.", "I want to learn Rust.")
    say(talk, "I work as a nurse.")
    assert answer(talk, "Where do I live?") == "You live in Oslo."
    assert answer(talk, "How old am I?") == "You are 30 years old."
    assert answer(talk, "What do I like?") == "You like chess and jazz."
    assert answer(talk, "What do I want?") == "You want to learn Rust."
    assert answer(talk, "What is my job?") == "Your occupation is nurse."


def test_a_contradiction_updates_a_fact_and_the_choice_can_be_turned_round(store: Store) -> None:
    talk = talk_of(store, "collection")
    say(talk, "I work at Acme.", "I work at Globex now.")
    (fact,) = facts(talk)
    assert (fact.text, [version.content["content"] for version in fact.history]) == (
        "The user works at Globex now.",
        ["The user works at Acme."],
    )
    say_again(talk.services().items, fact, 0)
    assert told(talk) == {"The user works at Acme."}


# --- 14: what worked --------------------------------------------------------------------------------------------------


def test_the_explanation_of_binary_trees_that_worked_becomes_an_episode_and_an_example(store: Store) -> None:
    talk = talk_of(store, "episodic")
    scripted = FakeChat(answer=[FAMILY_TREES, "I am glad to hear it."])
    talk = replace(talk, models=FakeModels(talker=scripted, writer=Models().open_memory()))
    say(talk, "What is a binary tree? I work with family trees, if that helps.")
    assert facts(talk, "Episode") == []
    assert traces_of(talk)[0].errors == ()
    say(talk, "Yes, that makes sense now! The family tree made it click.")
    (episode,) = facts(talk, "Episode")
    assert episode.content == {
        "observation": "What is a binary tree? I work with family trees, if that helps.",
        "thoughts": FAMILY_TREES,
        "action": FAMILY_TREES,
        "result": "Yes, that makes sense now! The family tree made it click.",
    }
    later = talk_of(store, "episodic", talk.user, "t2")
    say(later, "What is a linked list?")
    assert "family tree" in sent(later)


@pytest.mark.parametrize("said", ["That does not help me.", "Now explain linked lists.", "I still don't get it."])
def test_what_did_not_work_is_no_episode(store: Store, said: str) -> None:
    talk = talk_of(store, "episodic")
    talk = replace(talk, models=FakeModels(talker=FakeChat(), writer=Models().open_memory()))
    say(talk, "What is a binary tree?", said)
    assert facts(talk, "Episode") == []


# --- 15: how it behaves -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["prompt_memory", "metaprompt", "gradient"])
def test_show_me_a_practical_example_instead_changes_the_instructions(store: Store, optimizer: str) -> None:
    talk = talk_of(store, f"procedural:optimizer={optimizer}")
    say(talk, "Explain recursion.", "Explain sorting.")
    for index, words in enumerate(("Answer briefly.", "Show me a practical example instead")):
        turn = turns_of(talk)[index]
        give(talk.services().items, Source(talk.thread, turn.id, index), False, words, 100.0 + index)
        talk.catch_up(kind="reflect")
    (now,) = facts(talk, "Instructions")
    assert now.content["instructions"].splitlines() == ["Answer briefly.", "Show a practical example."]
    assert [version.content["instructions"] for version in now.history] == ["Answer briefly."]
    assert "Show me a practical example instead" in now.content["because"]
    say(talk, "Explain trees.")
    assert "Show a practical example." in sent(talk)


# --- 16: now or later -------------------------------------------------------------------------------------------------


def purposes(trace: Trace | None) -> list[str]:
    return [call.purpose for call in trace.calls] if trace else []


def test_remember_i_prefer_dark_mode_calls_a_tool_in_the_turn_and_its_delay_is_known(store: Store) -> None:
    talk = talk_of(store, "collection:formation=active")
    say(talk, "Remember I prefer dark mode")
    (turn,), (trace,) = turns_of(talk), traces_of(talk)
    calls = [(call["name"], call["args"]["content"]) for message in turn.messages for call in message.tool_calls]
    assert calls == [("manage_memory", "The user prefers dark mode.")]
    assert [message.content for message in turn.messages if message.role == "tool"] == ["Saved."]
    assert turn.ai == "Saved: you prefer dark mode."
    later = next(call for call in trace.calls if call.purpose == "reply after tools")
    assert later.input_tokens > 0
    assert later.seconds > 0
    assert later.cost
    assert told(talk) == {"The user prefers dark mode."}
    asked = talk_of(store, "collection:formation=active,k=0", talk.user, "t2")
    assert answer(asked, "Which mode do I prefer?") == "You prefer dark mode."
    names = [call["name"] for message in turns_of(asked)[0].messages for call in message.tool_calls]
    assert names == ["search_memory"]


def test_the_same_is_noted_by_a_reflection_when_the_chat_rests(store: Store) -> None:
    talk = talk_of(store, "collection:formation=background")
    say(talk, "Remember I prefer dark mode")
    assert not {"memories", "reply after tools"} & {*purposes(traces_of(talk)[0])}
    assert told(talk) == set()
    assert "memories" in purposes(reflection.reflect(talk))
    assert told(talk) == {"The user prefers dark mode."}


# --- 17: whose memory is it -------------------------------------------------------------------------------------------


def test_facts_of_one_organisation_are_got_searched_and_filtered_and_nothing_leaks_sideways(store: Store) -> None:
    spec = "collection:namespace={org}/{user}/{app}"
    acme = talk_of(store, spec, labels={"org": "acme", "app": "support"})
    say(acme, "I work in the ML team.")
    globex = talk_of(store, spec, acme.user, "t2", labels={"org": "globex", "app": "support"})
    say(globex, "I work in the sales team.")
    items = acme.services().items
    (fact,) = (one for one in facts(acme) if one.namespace[0] == "acme")
    got = items.get(("acme", "support", "facts"), fact.key)
    assert got
    assert got.value["content"]["content"] == "The user works in the ML team."
    assert [item.key for item in items.search(("acme",), query="Which team?", filter={"kind": "Memory"})] == [fact.key]
    assert items.search(("acme",), filter={"importance": {"$gt": 9}}) == []
    assert "sales" not in answer(acme, "Which team do I work in?")
    stranger = talk_of(store, spec, labels={"org": "acme", "app": "support"})
    assert stranger.services().items.search(()) == []


# --- 18: forgetting ---------------------------------------------------------------------------------------------------


def test_a_phone_number_said_by_mistake_is_gone_from_everywhere_and_the_summary_is_rebuilt(store: Store) -> None:
    talk = talk_of(store, "combined:memories=summary+collection+window(k=1)")
    say(talk, "I live in Tamsk.", "My phone number is 555 0199.", "I like tea.", "I play chess.")
    where = {place.what for place in every_text(store, talk.user) if "555 0199" in place.text}
    assert len(where) >= 3
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    assert receipt.left == 0
    say(talk, "What do I like?")
    assert not [place for place in every_text(store, talk.user) if "0199" in place.text]
    notes = talk.opened().state.notes
    assert "Tamsk" in " ".join(note.text for note in notes.values())
    assert {"The user lives in Tamsk.", "The user likes tea.", "The user plays chess."} <= told(talk)
    assert message_of("human", "555 0199", ENCODING).content not in sent(talk)
