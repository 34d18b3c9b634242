"""The store of items across conversations does what LangGraph's stores do, over every shelf.

python -m pytest tests/longterm/test_base_store.py
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.store.base import GetOp, InvalidNamespaceError, Item, ListNamespacesOp, MatchCondition, PutOp, SearchOp
from langgraph.store.memory import InMemoryStore

from memory.errors import BadInput, ModelFailed, StoreUnavailable
from memory.longterm.base_store import UserStore, UserStores
from memory.longterm.known import PLACE
from memory.longterm.shelf import InMemoryShelf, RedisShelf, Shelf
from memory.retrieval.embeddings import Embedding, embedding
from memory.retrieval.vectors import InMemoryVectors
from memory.trace import Call
from tests.conftest import STORES

USERS = iter(f"user-{number}" for number in range(100_000))


@pytest.fixture(params=STORES)
def shelf(request: pytest.FixtureRequest) -> Shelf:
    """Each shelf in turn."""
    if request.param == "in memory":
        return InMemoryShelf()
    return RedisShelf(request.getfixturevalue({"embedded": "embedded", "redis-server": "tcp"}[request.param]))


@pytest.fixture
def stores(shelf: Shelf) -> UserStores:
    return UserStores(shelf, InMemoryVectors(), embedding("hashing"))


@pytest.fixture
def alex(stores: UserStores) -> UserStore:
    return stores.of(next(USERS))


def keys(found: list[Any]) -> list[str]:
    return [item.key for item in found]


# --- one item ---------------------------------------------------------------------------------------------------------


def test_an_item_is_put_read_changed_and_removed(alex: UserStore) -> None:
    alex.put(("facts",), "f1", {"content": "Alex lives in Oslo."})
    first = alex.get(("facts",), "f1")
    assert isinstance(first, Item)
    assert (first.namespace, first.key, first.value) == (("facts",), "f1", {"content": "Alex lives in Oslo."})
    alex.put(("facts",), "f1", {"content": "Alex lives in Lisbon."})
    second = alex.get(("facts",), "f1")
    assert second
    assert second.value == {"content": "Alex lives in Lisbon."}
    assert second.created_at == first.created_at
    assert second.updated_at > first.updated_at
    alex.delete(("facts",), "f1")
    assert alex.get(("facts",), "f1") is None
    assert alex.search(()) == []
    alex.delete(("facts",), "f1")


def test_what_another_process_changes_is_seen_at_the_next_read(shelf: Shelf) -> None:
    user, vectors = next(USERS), InMemoryVectors()
    here, there = (UserStores(shelf, vectors, embedding("hashing")).of(user) for _ in range(2))
    here.put(("a",), "1", {"text": "the cat is called Tom"})
    assert keys(there.search((), query="cat")) == ["1"]
    there.put(("a",), "2", {"text": "the dog is called Rex"})
    there.put(("a",), "1", {"text": "the bird is called Kim"})
    assert keys(here.search((), query="dog", limit=1)) == ["2"]
    assert here.search((), query="bird", limit=1)[0].value == {"text": "the bird is called Kim"}
    there.delete(("a",), "2")
    assert keys(here.search(())) == ["1"]
    here.put(("a",), "2", {"text": "again"})
    assert sorted(keys(there.search(()))) == ["1", "2"]


def test_nobody_reaches_the_items_of_another(stores: UserStores) -> None:
    alex, kim = stores.of(next(USERS)), stores.of(next(USERS))
    alex.put(("facts",), "f1", {"text": "a secret of Alex"})
    assert kim.get(("facts",), "f1") is None
    assert kim.search((), query="secret") == []
    assert kim.list_namespaces() == []
    kim.delete(("facts",), "f1")
    assert alex.get(("facts",), "f1")
    with pytest.raises(BadInput):
        stores.of("alex:other}")


@pytest.mark.parametrize("namespace", [(), ("",), ("a.b",), ("langgraph", "x")])
def test_a_namespace_that_is_none_is_refused(alex: UserStore, namespace: tuple[str, ...]) -> None:
    with pytest.raises(InvalidNamespaceError):
        alex.put(namespace, "k", {"a": 1})


@pytest.mark.parametrize("value", [{"a": {1, 2}}, {"a": float("nan")}, {"a": "x" * 1_000_001}])
def test_what_json_cannot_hold_or_is_too_long_is_refused_and_nothing_is_kept(alex: UserStore, value: Any) -> None:
    with pytest.raises(BadInput):
        alex.batch([PutOp(("a",), "good", {"a": 1}), PutOp(("a",), "bad", value)])
    assert alex.search(()) == []


# --- a batch ----------------------------------------------------------------------------------------------------------


def test_a_batch_answers_in_its_order_and_reads_what_was_there_before_it(alex: UserStore) -> None:
    alex.put(("a",), "k", {"n": 1})
    got, none, found, listed, again = alex.batch(
        [
            GetOp(("a",), "k"),
            PutOp(("a",), "k", {"n": 2}),
            SearchOp(("a",)),
            ListNamespacesOp(),
            GetOp(("a",), "k"),
        ]
    )
    assert isinstance(got, Item)
    assert isinstance(again, Item)
    assert (got.value, none, again.value) == ({"n": 1}, None, {"n": 1})
    assert [item.value for item in found] == [{"n": 1}]  # type: ignore[union-attr]
    assert listed == [("a",)]
    after = alex.get(("a",), "k")
    assert after
    assert after.value == {"n": 2}


def test_of_several_puts_of_an_item_the_last_one_counts(alex: UserStore) -> None:
    alex.batch([PutOp(("a",), "k", {"n": 1}), PutOp(("a",), "k", None), PutOp(("a",), "k", {"n": 3})])
    found = alex.get(("a",), "k")
    assert found
    assert found.value == {"n": 3}
    alex.batch([PutOp(("a",), "k", {"n": 4}), PutOp(("a",), "k", None)])
    assert alex.get(("a",), "k") is None


def test_the_asynchronous_face_does_not_hold_up_the_loop(alex: UserStore) -> None:
    async def work() -> list[str]:
        await asyncio.gather(*(alex.aput(("a",), f"k{n}", {"n": n}) for n in range(20)))
        return keys(await alex.asearch(("a",), limit=50))

    assert sorted(asyncio.run(work())) == sorted(f"k{n}" for n in range(20))


def test_changes_that_rest_on_an_older_look_are_refused_whole(alex: UserStore) -> None:
    alex.put(("a",), "k", {"n": 1})
    seen, rows = alex.snapshot()
    assert [row.value for row in rows] == [{"n": 1}]
    alex.put(("a",), "k", {"n": 2})
    assert not alex.commit([PutOp(("a",), "k", {"n": 3}), PutOp(("a",), "new", {"n": 3})], seen)
    assert [item.value for item in alex.search(())] == [{"n": 2}]
    assert alex.commit([PutOp(("a",), "k", {"n": 3})], alex.snapshot()[0])
    assert [item.value for item in alex.search(())] == [{"n": 3}]


# --- a search ---------------------------------------------------------------------------------------------------------


def test_a_namespace_is_matched_by_whole_labels(alex: UserStore) -> None:
    labels = [("a",), ("ab",), ("a", "b"), ("A",), ("a*",), ("a\n", "b"), ('a","b',)]
    for number, namespace in enumerate(labels):
        alex.put(namespace, "k", {"n": number})
    assert sorted(item.value["n"] for item in alex.search(("a",))) == [0, 2]
    assert sorted(item.value["n"] for item in alex.search(())) == list(range(len(labels)))
    for number, namespace in enumerate(labels):
        assert number in [item.value["n"] for item in alex.search(namespace)]
    assert [item.value["n"] for item in alex.search(("a", "b"))] == [2]


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({"kind": "fact"}, [1, 2]),
    ({"n": {"$gt": 1}}, [2, 3]),
    ({"n": {"$gte": 2, "$lt": 3}}, [2]),
    ({"n": {"$lte": 1}}, [1]),
    ({"n": {"$ne": 1}}, [2, 3]),
    ({"n": {"$eq": 3}}, [3]),
    ({"kind": "fact", "n": 2}, [2]),
    ({"where": {"city": "Oslo"}}, [1]),
    ({"where": {"floor": {"$gt": 3}}}, [2]),
    ({"tags": ["x", "y"]}, [1]),
    ({"name": {"$gt": "b"}}, [3]),
    ({"name": {"$gt": 1}}, []),
    ({"none": None}, [1, 2, 3]),
]


@pytest.mark.parametrize(("wanted", "expected"), FILTERS)
def test_a_filter_keeps_what_fits(alex: UserStore, wanted: dict[str, Any], expected: list[int]) -> None:
    alex.put(("a",), "1", {"n": 1, "kind": "fact", "where": {"city": "Oslo"}, "tags": ["x", "y"], "name": "a"})
    alex.put(("a",), "2", {"n": 2, "kind": "fact", "where": {"city": "Rome", "floor": 4}, "tags": ["x"], "name": "b"})
    alex.put(("a",), "3", {"n": 3, "kind": "episode", "name": "c"})
    assert sorted(item.value["n"] for item in alex.search(("a",), filter=wanted)) == expected


def test_an_operator_that_is_none_is_refused(alex: UserStore) -> None:
    alex.put(("a",), "1", {"n": 1})
    with pytest.raises(BadInput, match="knows no"):
        alex.search((), filter={"n": {"$like": 1}})


def test_the_most_alike_come_first_and_pages_follow_on(alex: UserStore) -> None:
    for number in range(12):
        alex.put(("a",), f"{number}", {"text": f"note {'about the red house ' * number}"})
    whole = alex.search((), query="red house", limit=100)
    assert len(whole) == 12
    assert all(one.score is not None for one in whole)
    scores = [one.score or 0.0 for one in whole]
    assert scores == sorted(scores, reverse=True)
    pages = [alex.search((), query="red house", limit=5, offset=offset) for offset in (0, 5, 10)]
    assert [keys(page) for page in pages] == [keys(whole)[:5], keys(whole)[5:10], keys(whole)[10:]]


def test_an_item_counts_by_the_best_of_its_texts(alex: UserStore) -> None:
    alex.put(("a",), "both", {"one": "a boat on the lake", "two": "taxes and forms"}, index=["one", "two"])
    alex.put(("a",), "other", {"one": "a tree", "two": "a stone"}, index=["one", "two"])
    assert keys(alex.search((), query="taxes and forms", limit=1)) == ["both"]
    assert keys(alex.search((), query="boat on the lake", limit=1)) == ["both"]
    assert len(alex.search((), query="boat")) == 2


def test_what_is_not_embedded_comes_last_and_without_a_score(alex: UserStore) -> None:
    alex.put(("a",), "hidden", {"text": "red house"}, index=False)
    alex.put(("a",), "part", {"text": "green", "more": "red house"}, index=["text"])
    alex.put(("a",), "seen", {"text": "red house"})
    found = alex.search((), query="red house")
    assert keys(found)[0] == "seen"
    assert [(one.key, one.score) for one in found][-1] == ("hidden", None)
    assert {one.key: one.score for one in found}["part"] is not None


def test_a_changed_item_is_found_by_its_new_words_alone(alex: UserStore) -> None:
    alex.put(("a",), "k", {"text": "the blue bicycle"})
    alex.put(("a",), "other", {"text": "something else"})
    alex.put(("a",), "k", {"text": "a yellow submarine"})
    best = alex.search((), query="yellow submarine", limit=1)[0]
    assert best.key == "k"
    assert (alex.search((), query="blue bicycle", limit=1)[0].score or 0.0) < (best.score or 0.0)


# --- namespaces -------------------------------------------------------------------------------------------------------


def test_namespaces_are_listed_by_prefix_suffix_and_depth(alex: UserStore) -> None:
    for namespace in [("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c"), ("z",)]:
        alex.put(namespace, "k", {"n": 1})
    assert alex.list_namespaces() == [("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c"), ("z",)]
    assert alex.list_namespaces(prefix=("a", "b")) == [("a", "b", "c"), ("a", "b", "d")]
    assert alex.list_namespaces(suffix=("c",)) == [("a", "b", "c"), ("a", "x", "c")]
    assert alex.list_namespaces(prefix=("a", "*", "c")) == [("a", "b", "c"), ("a", "x", "c")]
    assert alex.list_namespaces(prefix=("a",), max_depth=2) == [("a", "b"), ("a", "x")]
    assert alex.list_namespaces(limit=2, offset=1) == [("a", "b", "d"), ("a", "x", "c")]
    both = (MatchCondition("prefix", ("a",)), MatchCondition("suffix", ("d",)))
    assert alex.batch([ListNamespacesOp(both)]) == [[("a", "b", "d")]]


# --- a time to live ---------------------------------------------------------------------------------------------------


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_an_item_ends_with_its_time_and_lives_longer_for_being_read(stores: UserStores) -> None:
    clock = Clock()
    alex = stores.of(next(USERS), ttl={"default_ttl": 10, "refresh_on_read": True}, clock=clock)
    alex.put(("a",), "k", {"n": 1})
    alex.put(("a",), "stays", {"n": 2}, ttl=None)
    clock.now += 8 * 60
    assert alex.get(("a",), "k")
    clock.now += 8 * 60
    assert sorted(keys(alex.search(("a",), refresh_ttl=False))) == ["k", "stays"]
    clock.now += 3 * 60
    assert alex.get(("a",), "k") is None
    assert keys(alex.search(())) == ["stays"]
    alex.put(("b",), "new", {"n": 3})
    assert alex.list_namespaces() == [("a",), ("b",)]


def test_what_has_ended_is_removed_by_the_next_write(shelf: Shelf) -> None:
    clock, user, vectors = Clock(), next(USERS), InMemoryVectors()
    alex = UserStores(shelf, vectors, embedding("hashing")).of(user, clock=clock)
    alex.put(("a",), "k", {"text": "gone soon"}, ttl=1)
    clock.now += 61
    alex.put(("a",), "other", {"text": "here"})
    assert [row.key for row in shelf.news(user, -1, "").rows.values()] == ["other"]
    assert len(vectors.get(user, PLACE)) == 1


# --- the vectors' place -----------------------------------------------------------------------------------------------


class Away(InMemoryVectors):
    """Vectors whose place can be away."""

    away = False

    def put(self, *args: Any) -> None:
        self._check()
        super().put(*args)

    def get(self, *args: Any) -> Any:
        self._check()
        return super().get(*args)

    def delete(self, *args: Any) -> int:
        self._check()
        return super().delete(*args)

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailable("Chroma is away: start it, then try again.")


def test_without_the_vectors_place_items_are_kept_and_embedded_later() -> None:
    shelf, vectors, user = InMemoryShelf(), Away(), next(USERS)
    alex = UserStores(shelf, vectors, embedding("hashing")).of(user)
    alex.put(("a",), "before", {"text": "red house"})
    vectors.away = True
    alex.put(("a",), "k", {"text": "blue boat"})
    alex.delete(("a",), "before")
    fresh = UserStores(shelf, vectors, embedding("hashing")).of(user)
    assert keys(fresh.search((), query="boat")) == ["k"]
    vectors.away = False
    fresh.put(("a",), "other", {"text": "green tree"})
    found = fresh.search((), query="blue boat")
    assert (found[0].key, found[0].score is not None) == ("k", True)
    assert len(vectors.get(user, PLACE)) == 2


class Refusing(Embedding):
    """An embedding whose provider refuses."""

    name, label, dimensions = "refusing", "refusing", 4

    def _vectors(self, texts: Any) -> Any:
        raise ModelFailed("The provider refuses the key: correct it.", kind="refused")


def test_an_embedding_that_fails_loses_no_item() -> None:
    alex = UserStores(InMemoryShelf(), InMemoryVectors(), Refusing()).of(next(USERS))
    alex.put(("a",), "k", {"text": "blue boat"})
    assert alex.get(("a",), "k")
    with pytest.raises(ModelFailed):
        alex.search((), query="boat")


def test_every_embedding_is_told_with_its_tokens(stores: UserStores) -> None:
    calls: list[Call] = []
    alex = stores.of(next(USERS), called=calls.append)
    alex.put(("a",), "k", {"text": "blue boat"})
    alex.search((), query="boat")
    alex.put(("a",), "k", {"text": "blue boat"})
    assert [call.purpose for call in calls] == ["embedding", "embedding"]
    assert all(call.input_tokens > 0 for call in calls)


# --- against LangGraph's own ------------------------------------------------------------------------------------------

LABEL = st.text(st.characters(codec="utf-8", exclude_characters=".\0"), min_size=1, max_size=3).filter(
    lambda label: label != "langgraph"
)
NAMESPACE = st.lists(LABEL, min_size=1, max_size=3).map(tuple)
VALUE = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3) | st.text(max_size=3), max_size=3)
PUT = st.tuples(NAMESPACE, st.sampled_from(["k1", "k2"]), st.none() | VALUE)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(PUT, max_size=4), max_size=5),
    wanted=st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=1),
)
def test_it_holds_what_langgraphs_own_store_holds(
    stores: UserStores, batches: list[list[tuple[tuple[str, ...], str, Any]]], wanted: dict[str, int]
) -> None:
    ours, theirs = stores.of(next(USERS)), InMemoryStore()
    for batch in batches:
        for store in (ours, theirs):
            store.batch([PutOp(namespace, key, value) for namespace, key, value in batch])
    everything = [(one.namespace, one.key, one.value) for one in ours.search((), filter=wanted, limit=1_000)]
    expected = [(one.namespace, one.key, one.value) for one in theirs.search((), filter=wanted, limit=1_000)]
    assert sorted(everything, key=str) == sorted(expected, key=str)
    prefixes = {namespace[:depth] for batch in batches for namespace, _, _ in batch for depth in (1, 2)}
    for prefix in prefixes:
        mine, other = (
            sorted((one.namespace, one.key) for one in store.search(prefix, limit=1_000)) for store in (ours, theirs)
        )
        assert mine == other
