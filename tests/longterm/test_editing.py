"""What a person changes by hand: kept as typed, each version beside the one before, deletions taken back.

python -m pytest tests/longterm/test_editing.py
"""

from __future__ import annotations

from typing import Any

import pytest

from memory import forgetting
from memory.conversation import Conversation
from memory.errors import BadInput
from memory.forgetting.remembered import remembered
from memory.longterm.base_store import UserStore
from memory.longterm.editing import add, delete, edit, keep_for, kinds, put_back, say_again, still_told
from memory.longterm.facts import Fact, from_row
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store
from tests.memory.fakes import conversation, say

TYPED = "  I  live in\n*Oslo* <b>today</b>  "


def talk_of(store: Store, spec: str = "collection") -> Conversation:
    talk = conversation(store, spec)
    return Conversation(store, talk.user, talk.thread, talk.memory, Models(), retrieval=Retrieval(embedding("hashing")))


def items_of(talk: Conversation) -> UserStore:
    return talk.services().items


def facts(talk: Conversation) -> list[Fact]:
    return list(remembered(talk.store, talk.user).values())


def test_words_are_kept_as_they_were_typed_and_found_by_their_meaning(store: Store) -> None:
    talk = talk_of(store)
    items = items_of(talk)
    made = add(items, "Memory", {"content": TYPED}, ("acme", "support"), importance=9, confidence=0.5)
    assert made.namespace == ("acme", "support", "facts")
    (found,) = facts(talk)
    assert (found.content, found.importance, found.confidence, found.sources) == ({"content": TYPED}, 9, 0.5, ())
    assert items.search(("acme",), query="Where in Oslo do I live?")[0].score is not None


def test_what_is_kept_for_some_days_keeps_them_when_it_changes_and_can_stay_after_all(store: Store) -> None:
    talk = talk_of(store)
    items = items_of(talk)
    made = add(items, "Memory", {"content": "The user works at Acme."}, days=7)

    def ttl() -> float | None:
        return items.snapshot()[1][0].ttl

    assert ttl() == 7 * 24 * 60
    made = edit(items, made, {"content": "The user works at Zork."})
    assert ttl() == 7 * 24 * 60
    say(talk, "I work at Globex.")
    assert [fact.text for fact in facts(talk) if fact.history] == ["The user works at Globex."]
    assert {row.ttl for row in items.snapshot()[1] if row.key == made.key} == {7 * 24 * 60}
    keep_for(items, made, None)
    assert {row.ttl for row in items.snapshot()[1]} == {None}
    with pytest.raises(BadInput, match="may be from 1 to"):
        keep_for(items, made, 0)


def test_an_edit_is_a_version_of_a_person_and_the_older_one_can_hold_again(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "I moved to Oslo.")
    items = items_of(talk)
    (formed,) = facts(talk)
    edited = edit(items, formed, {"content": "The user moved to Lisbon."}, importance=8)
    (now,) = facts(talk)
    assert now == edited
    assert (now.text, now.sources, now.importance) == ("The user moved to Lisbon.", (), 8)
    assert (now.history[0].content, now.history[0].sources) == (formed.content, formed.sources)
    turned = say_again(items, now, 0)
    assert (turned.text, turned.sources, len(turned.history)) == (formed.text, formed.sources, 2)
    assert facts(talk) == [turned]
    with pytest.raises(BadInput, match="kept no longer"):
        say_again(items, turned, 7)


def test_weights_alone_make_no_version(store: Store) -> None:
    items = items_of(talk_of(store))
    fact = add(items, "Memory", {"content": "I like tea."})
    assert edit(items, fact, {"content": "I like tea."}, confidence=0.2).history == ()


def test_an_edit_of_what_has_changed_since_it_was_seen_is_refused(store: Store) -> None:
    talk = talk_of(store)
    items = items_of(talk)
    seen = add(items, "Memory", {"content": "I like tea."})
    edit(items, seen, {"content": "I like coffee."})
    for change in (lambda: edit(items, seen, {"content": "I like juice."}), lambda: say_again(items, seen, 0)):
        with pytest.raises(BadInput, match="has changed since you looked"):
            change()
    assert facts(talk)[0].text == "I like coffee."


def test_a_deleted_item_comes_back_as_it_was(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "I moved to Oslo.", "I moved to Lisbon.")
    items = items_of(talk)
    (before,) = facts(talk)
    gone = delete(items, before.namespace, before.key)
    assert facts(talk) == []
    with pytest.raises(BadInput, match="there no longer"):
        delete(items, before.namespace, before.key)
    with pytest.raises(BadInput, match="there no longer"):
        edit(items, before, {"content": "x"})
    put_back(items, gone)
    assert facts(talk) == [before]
    assert items.search(("facts",), query="Lisbon")[0].score is not None
    with pytest.raises(BadInput, match="stands in its place"):
        put_back(items, gone)


def test_what_was_forgotten_since_does_not_come_back_with_a_deleted_item(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "I moved to Oslo.", "I moved to Lisbon.")
    (before,) = facts(talk)
    gone = delete(items_of(talk), before.namespace, before.key)
    assert still_told(store, talk.user, gone) == gone
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    row = still_told(store, talk.user, gone)
    assert row
    left = from_row(row)
    assert left
    assert (left.text, left.history) == ("The user moved to Oslo.", ())
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    assert still_told(store, talk.user, gone) is None


@pytest.mark.parametrize(
    ("kind", "content", "told"),
    [
        ("Memory", {"content": " \n "}, "'content' is empty"),
        ("Memory", {"content": "x" * 2_001}, "has 2,001 characters and may have 2,000"),
        ("UserProfile", {"age": 200}, "'age' does not fit"),
        ("UserProfile", {"name": "", "likes": []}, "would say nothing"),
        ("UserProfile", {"likes": ["x"] * 21}, "too many lines"),
        ("Episode", {"observation": "a", "action": "b"}, "'result' is empty"),
        ("Nothing", {"content": "x"}, "Nothing of the kind"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(kind: str, content: dict[str, Any], told: str) -> None:
    from memory.stores.inmemory import InMemoryStore

    talk = talk_of(InMemoryStore())
    with pytest.raises(BadInput, match=told):
        add(items_of(talk), kind, content)
    assert facts(talk) == []


def test_weights_and_labels_out_of_their_bounds_are_refused(memory_store: Store) -> None:
    items = items_of(talk_of(memory_store))
    for more in ({"importance": 0}, {"confidence": 1.5}, {"labels": ["a.b"]}, {"labels": ["x"] * 9}):
        with pytest.raises(BadInput):
            add(items, "Memory", {"content": "x"}, **more)  # type: ignore[arg-type]


def test_there_is_one_profile_and_one_set_of_instructions(memory_store: Store) -> None:
    talk = talk_of(memory_store)
    items = items_of(talk)
    profile = add(items, "UserProfile", {"name": "Alex"})
    add(items, "UserProfile", {"name": "Alex"}, ("acme",))
    add(items, "Instructions", {"instructions": "Be brief."})
    for kind, content in (("UserProfile", {"name": "Sam"}), ("Instructions", {"instructions": "Be long."})):
        with pytest.raises(BadInput, match="edit that one"):
            add(items, kind, content)
    assert edit(items, profile, {"name": "", "likes": ["tea"]}).content == {"likes": ["tea"]}


def test_instructions_by_hand_are_sent_and_their_cause_is_no_feedback(memory_store: Store) -> None:
    talk = talk_of(memory_store, "procedural")
    items = items_of(talk)
    add(items, "Instructions", {"instructions": "Show an example."})
    (fact,) = facts(talk)
    recall = talk.memory.read(talk.opened().state, talk.transcript(talk.opened()), "x", talk.services(), 500)
    assert recall.items[0].text == "Show an example."
    assert edit(items, fact, {"instructions": "Be brief."}).content == {"instructions": "Be brief."}


def test_what_can_be_added_is_what_the_memories_keep() -> None:
    assert {"Memory", "UserProfile", "Episode", "Instructions"} <= set(kinds())


def test_an_item_is_forgotten_for_good_with_its_versions_and_the_turns_that_are_chosen(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "My sister Ulla lives in Zanzibar.", "I like tea.")
    items = items_of(talk)
    fact = next(fact for fact in facts(talk) if "Zanzibar" in fact.text)
    edit(items, fact, {"content": "Ulla moved to Rome."})
    plan = forgetting.plan_item(store, talk.user, fact.key)
    assert plan.places[0].id == f"{talk.thread}/turn:0"
    assert f"item:{fact.key}" not in [place.id for place in plan.places]
    receipt = forgetting.forget_item(store, talk.retrieval, talk.user, fact.key, [plan.places[0].id])
    assert receipt.left == 0
    # What later turns made is made again of the turns that remain.
    talk.catch_up()
    assert [one.text for one in facts(talk)] == ["The user likes tea."]
    assert "Zanzibar" not in str(store.everything(talk.user, talk.thread))
    with pytest.raises(BadInput, match="remembered no longer"):
        forgetting.plan_item(store, talk.user, fact.key)
