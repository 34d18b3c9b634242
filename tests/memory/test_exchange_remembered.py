"""What is remembered goes into the file of a user and comes back with its conversations; a wrong file says why.

python -m pytest tests/memory/test_exchange_remembered.py
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.conversation import Conversation
from memory.errors import BadInput
from memory.exchange import bring_in, export_user, read
from memory.exchange.remembered import Entry, checked, placed
from memory.forgetting.remembered import remembered
from memory.longterm.editing import add
from memory.longterm.facts import Fact
from memory.longterm.rows import LONGEST
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store
from memory.stores.inmemory import InMemoryStore
from tests.memory.fakes import conversation, say

FACT = {"kind": "Memory", "content": {"content": "The user lives in Oslo."}, "importance": 5, "confidence": 1.0}
COVERS = {"turns": 2, "last": [[1, "b2"]], "since": 0}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def sam() -> str:
    """Another user than whose file it is."""
    return f"sam-{uuid.uuid4().hex[:12]}"


def talked(store: Store, spec: str = "collection") -> Conversation:
    made = conversation(store, spec)
    talk = Conversation(store, made.user, made.thread, made.memory, Models(), retrieval=Retrieval(embedding("hashing")))
    for text in ("I work at Acme.", "I work at Globex."):
        say(talk, text)
    return talk


def facts(store: Store, user: str) -> list[Fact]:
    return sorted(remembered(store, user).values(), key=lambda fact: fact.key)


def entry(**other: Any) -> Entry:
    return Entry.model_validate({"namespace": ["facts"], "key": "f1", "value": FACT, "updated": 9.0, **other})


@pytest.mark.parametrize("spec", ["profile", "collection"])
def test_what_is_remembered_comes_in_with_its_versions_and_leads_to_the_turns_that_came_with_it(
    store: Store, sam: str, spec: str
) -> None:
    talk = talked(store, spec)
    receipt = bring_in(store, sam, read(export_user(store, talk.user)))
    mine, theirs = facts(store, talk.user), facts(store, sam)
    assert [(fact.key, fact.content, fact.at, fact.importance) for fact in theirs] == [
        (fact.key, fact.content, fact.at, fact.importance) for fact in mine
    ]
    assert any(fact.history for fact in mine)
    assert [[one.content for one in fact.history] for fact in theirs] == [
        [one.content for one in fact.history] for fact in mine
    ]
    (thread,) = receipt.threads
    assert {source.thread for fact in theirs for source in fact.sources} == {thread}
    assert len(receipt.remembered) == len(mine)
    assert f"{len(mine)} remembered item" in str(receipt)


def test_a_turn_that_was_taken_in_is_not_taken_in_again_where_it_comes_in(store: Store, sam: str) -> None:
    talk = talked(store)
    (thread,) = bring_in(store, sam, read(export_user(store, talk.user))).threads
    before = facts(store, sam)
    say(Conversation(store, sam, thread, talk.memory, Models()), "Good morning!")
    assert facts(store, sam) == before


def test_what_is_remembered_here_already_stays_as_it_is_and_is_told(store: Store, sam: str) -> None:
    talk = talked(store)
    before = facts(store, talk.user)
    receipt = bring_in(store, talk.user, read(export_user(store, talk.user)))
    assert facts(store, talk.user) == before
    assert receipt.remembered == ()
    assert "Remembered here already, and left as it is" in receipt.notices[-1]


def test_a_fact_whose_conversation_is_not_in_the_file_comes_in_as_one_without_a_source() -> None:
    value = {**FACT, "sources": [{"thread": "gone", "turn": "a1", "index": 0}]}
    (row,) = placed(checked([entry(value=value)]), {}).values()
    assert "sources" not in row.value


def test_what_is_over_stays_out_and_what_has_days_left_keeps_them(store: Store, sam: str) -> None:
    talk = talked(store)
    made = add(talk.services().items, "Memory", {"content": "The user is on holiday."}, days=7)
    bring_in(store, sam, read(export_user(store, talk.user)))
    (row,) = (row for row in store.shelf.news(sam, 0, "-").rows.values() if row.key == made.key)
    assert row.ttl == 7 * 24 * 60
    assert row.expires
    over = checked([entry(ttl=5.0, expires=time.time() - 1)])
    assert placed(over, {}) == {}


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"value": {"kind": "Memory"}}, "remembered[0].value"),
        ({"value": {**FACT, "importance": 11}}, "remembered[0].value.importance"),
        ({"value": {**FACT, "confidence": 2}}, "remembered[0].value.confidence"),
        ({"value": {**FACT, "at": -1}}, "remembered[0].value.at"),
        ({"value": {**FACT, "content": {"content": "x" * LONGEST}}}, "remembered[0]"),
        ({"updated": -1}, "remembered[0].updated"),
        ({"namespace": ["facts", "covered"], "value": {**COVERS, "turns": -1}}, "remembered[0].value"),
        ({"namespace": ["facts", "covered"], "value": {**COVERS, "last": [["x", 1]]}}, "remembered[0].value"),
        ({"namespace": []}, "remembered[0].namespace"),
        ({"namespace": ["a.b"]}, "remembered[0].namespace[0]"),
    ],
)
def test_an_item_that_is_wrong_is_refused_with_its_place_and_nothing_comes_in(
    wrong: dict[str, Any], place: str
) -> None:
    store = InMemoryStore()
    item = {"namespace": ["facts"], "key": "f1", "value": FACT, "updated": 9.0, **wrong}
    data = json.dumps({"format": "memory-inspector", "version": 1, "threads": [], "remembered": [item]}).encode()
    with pytest.raises(BadInput) as told:
        bring_in(store, "sam", read(data))
    assert str(told.value).startswith(f"{place}: ")
    assert str(told.value).endswith("nothing was imported.")
    assert store.shelf.news("sam", 0, "-").rows == {}


@given(st.dictionaries(st.sampled_from(["kind", "content", "sources", "history", "at", "importance"]), JSON))
def test_whatever_an_item_says_it_comes_in_or_is_refused_in_one_sentence(value: dict[str, Any]) -> None:
    rows, told = [], "remembered[0]"
    try:
        rows = list(placed(checked([entry(value={**FACT, **value})]), {}))
    except BadInput as error:
        told = str(error)
    assert len(rows) == 1 or (told.startswith("remembered[0]") and told.endswith("nothing was imported."))
