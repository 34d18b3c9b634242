"""What is remembered across conversations is forgotten with the turn that it came from, wherever it was sent.

python -m pytest tests/longterm/test_forgetting.py
"""

from __future__ import annotations

from memory import forgetting
from memory.conversation import Conversation
from memory.forgetting.places import every_text
from memory.forgetting.remembered import remembered
from memory.longterm.editing import keep_for
from memory.longterm.facts import Fact, Source
from memory.longterm.known import PLACE
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.services import Models
from memory.store import Store
from tests.memory.fakes import conversation, say

VECTORS = InMemoryVectors()


def talk_of(store: Store, user: str = "", thread: str = "t1", spec: str = "collection") -> Conversation:
    talk = conversation(store, spec, user=user, thread=thread)
    retrieval = Retrieval(embedding("hashing"), VECTORS)
    return Conversation(store, talk.user, thread, talk.memory, Models(), retrieval=retrieval)


def test_a_forgotten_turn_takes_its_facts_and_their_copies_in_every_conversation(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "My sister Ulla lives in Zanzibar.", "I like tea.")
    other = talk_of(store, talk.user, "t2")
    say(other, "Where does my sister live?")
    assert "Zanzibar" in str(store.everything(talk.user, "t2"))
    plan = forgetting.plan_turn(store, talk.user, "t1", 0)
    assert plan.there["facts remembered of it"] == 2  # what was made later is made again
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, "t1", 0, [place.id for place in plan.places])
    assert receipt.there("facts remembered of it") == 2
    assert receipt.left == 0
    talk.catch_up()
    assert [fact.text for fact in remembered(store, talk.user).values()] == ["The user likes tea."]
    assert "Zanzibar" not in str(store.everything(talk.user, "t2"))
    assert "Zanzibar" not in str(store.everything(talk.user, "t1"))
    assert not [place for place in every_text(store, talk.user) if "Zanzibar" in place.text]
    assert len(VECTORS.get(talk.user, PLACE)) == 1


def test_a_fact_that_was_changed_by_a_forgotten_turn_says_again_what_it_said_before(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "I moved to Oslo.", "I moved to Lisbon.")
    (fact,) = remembered(store, talk.user).values()
    assert (fact.text, [version.content["content"] for version in fact.history]) == (
        "The user moved to Lisbon.",
        ["The user moved to Oslo."],
    )
    forgetting.forget_turn(store, talk.retrieval, talk.user, "t1", 1)
    (fact,) = remembered(store, talk.user).values()
    assert (fact.text, fact.history) == ("The user moved to Oslo.", ())


def test_a_fact_whose_past_rests_on_a_forgotten_turn_is_made_again_of_the_rest(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "I moved to Oslo.", "I moved to Lisbon.")
    forgetting.forget_turn(store, talk.retrieval, talk.user, "t1", 0)
    assert remembered(store, talk.user) == {}
    talk.catch_up()
    (fact,) = remembered(store, talk.user).values()
    assert (fact.text, fact.history) == ("The user moved to Lisbon.", ())


def test_a_cleared_conversation_takes_along_what_was_remembered_of_it_alone(store: Store) -> None:
    talk = talk_of(store)
    other = talk_of(store, talk.user, "t2")
    say(talk, "My sister Ulla lives in Rome.")
    say(other, "I like tea.")
    receipt = forgetting.clear(store, talk.retrieval, talk.user, "t1")
    assert receipt.there("facts remembered of it") == 1
    assert [fact.text for fact in remembered(store, talk.user).values()] == ["The user likes tea."]
    say(talk, "My sister Ulla lives in Rome.")
    assert len(remembered(store, talk.user)) == 2


def test_everything_of_a_user_is_erased_with_what_is_remembered(store: Store) -> None:
    talk, stays = talk_of(store), talk_of(store)
    say(talk, "I like tea.")
    say(stays, "I like coffee.")
    receipt = forgetting.erase(store, talk.retrieval, talk.user)
    assert receipt.there("remembered") > 0
    assert receipt.left == 0
    assert remembered(store, talk.user) == {}
    assert VECTORS.get(talk.user, PLACE) == {}
    assert len(remembered(store, stays.user)) == 1


def test_another_place_can_be_taken_along_by_its_name(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "My phone number is 5551234.", "Really, my phone number is 5551234!")
    plan = forgetting.plan_turn(store, talk.user, "t1", 1)
    names = [place.id for place in plan.places]
    forgetting.forget_turn(store, talk.retrieval, talk.user, "t1", 1, names)
    assert not [place for place in every_text(store, talk.user) if "5551234" in place.text]


def test_a_fact_knows_what_it_said_before_and_can_say_it_again() -> None:
    first, second = Source("t", "a", 0), Source("t", "b", 1)
    fact = Fact("k", ("facts",), "Memory", {"content": "Oslo"}, (first,), 1.0)
    moved = fact.replaced({"content": "Lisbon"}, second, 2.0)
    back = moved.restored(0, 3.0)
    assert (back.text, back.sources) == ("Oslo", (first,))
    assert [version.content["content"] for version in back.history] == ["Oslo", "Lisbon"]
    assert moved.without(lambda source: source == second) == fact
    assert fact.without(lambda source: source == first) is None


def test_of_a_profile_only_the_fields_of_the_forgotten_turn_go(store: Store) -> None:
    talk = talk_of(store, spec="profile")
    say(talk, "My name is Alex.", "My editor is vim.", "My name is Sam.")
    (fact,) = remembered(store, talk.user).values()
    assert dict(fact.fields()) == {"name": "Sam", "editor": "vim"}
    forgetting.forget_turn(store, talk.retrieval, talk.user, "t1", 1)
    talk.catch_up()
    (fact,) = remembered(store, talk.user).values()
    assert dict(fact.fields()) == {"name": "Sam"}
    assert not [place for place in every_text(store, talk.user) if "vim" in place.text]
    forgetting.forget_turn(store, talk.retrieval, talk.user, "t1", 2)
    (fact,) = remembered(store, talk.user).values()
    assert dict(fact.fields()) == {"name": "Alex"}
    forgetting.forget_turn(store, talk.retrieval, talk.user, "t1", 0)
    assert remembered(store, talk.user) == {}


def test_what_is_left_of_a_fact_that_goes_by_itself_still_goes_by_itself(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "I moved to Oslo.", "I moved to Lisbon.")
    (fact,) = remembered(store, talk.user).values()
    keep_for(talk.services().items, fact, 30)
    forgetting.forget_turn(store, talk.retrieval, talk.user, "t1", 1)
    (row,) = (row for row in talk.services().items.snapshot()[1] if row.namespace == ("facts",))
    assert row.value["content"] == {"content": "The user moved to Oslo."}
    assert row.ttl == 30 * 24 * 60
    assert row.expires


def test_that_facts_speak_of_the_user_makes_none_repeat_another(store: Store) -> None:
    talk = talk_of(store, spec="collection:formation=active")
    say(talk, "Remember I prefer tea.", "Remember that my phone number is 555 0199.")
    (number,) = (fact for fact in remembered(store, talk.user).values() if "0199" in fact.text)
    plan = forgetting.plan_item(store, talk.user, number.key)
    assert plan.places
    assert all("0199" in place.text for place in plan.places)
