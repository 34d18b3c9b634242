"""Deleting what was said, its vectors included, also while Chroma is away.

python -m pytest tests/memory/test_forgetting.py
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from memory import forgetting, threads
from memory.catalog import load
from memory.conversation import Conversation
from memory.errors import StoreUnavailable
from memory.forgetting import owed
from memory.retrieval.embeddings import Embedding, embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.opening import open_search, open_words
from memory.retrieval.vectors import InMemoryVectors
from memory.store import Thread
from memory.stores.inmemory import InMemoryStore

USER = "u1"
SAID = ("I live in Lyon.", "I have a dog.")


class Meaning(Embedding):
    """Hashing that says it knows meaning, so that it is searched with; counts what it is given."""

    name, label, dimensions, real = "meaning", "meaning", 384, True
    texts = 0

    def _vectors(self, texts: Sequence[str]) -> Any:
        self.texts += len(texts)
        return embedding("hashing").embed(texts)


class Away(InMemoryVectors):
    """Vectors whose server comes and goes."""

    away = False

    def delete(self, user: str, thread: str | None = None, ids: Sequence[str] | None = None) -> int:
        if self.away:
            raise StoreUnavailable("Chroma is away.")
        return super().delete(user, thread, ids)


@pytest.fixture(autouse=True)
def _nothing_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "_looked_at", set())
    monkeypatch.setattr(owed, "_asked", {})


@pytest.fixture
def vectors() -> Away:
    return Away()


@pytest.fixture
def retrieval(vectors: Away) -> Retrieval:
    return Retrieval(Meaning(), vectors)


def talk(store: InMemoryStore, retrieval: Retrieval, spec: str = "vector") -> Thread:
    thread = threads.new(store, USER, load().memory(spec))
    go_on(store, retrieval, thread.id, *SAID, spec=spec)
    return thread


def go_on(store: InMemoryStore, retrieval: Retrieval, thread: str, *said: str, spec: str = "vector") -> Conversation:
    conversation = Conversation(store, USER, thread, load().memory(spec), retrieval=retrieval)
    for query in said:
        "".join(conversation.reply(query))
    return conversation


def test_a_deleted_thread_takes_its_vectors_along(vectors, retrieval):
    store = InMemoryStore()
    thread, other = talk(store, retrieval), talk(store, retrieval)
    assert len(vectors.get(USER, thread.id)) == 2
    assert forgetting.delete(store, retrieval, USER, thread.id).there("vectors") == 2
    assert vectors.ids(USER) == {other.id: set(vectors.get(USER, other.id))}


def test_a_cleared_thread_has_a_receipt_that_names_its_vectors(vectors, retrieval):
    store = InMemoryStore()
    thread = talk(store, retrieval)
    gone = forgetting.clear(store, retrieval, USER, thread.id)
    assert (gone.there("turns"), gone.there("vectors"), gone.left, gone.owed) == (2, 2, 0, ())
    assert not vectors.ids(USER)


def test_everything_of_a_user_goes_and_nothing_of_another(vectors, retrieval):
    store = InMemoryStore()
    talk(store, retrieval)
    vectors.put("u2", "theirs", ["t"], [[1.0, 0.0]])
    gone = forgetting.erase(store, retrieval, USER)
    assert (gone.there("threads"), gone.there("vectors"), gone.left) == (1, 2, 0)
    assert vectors.ids("u2") == {"theirs": {"t"}}


@pytest.mark.parametrize("spec", ["vector", "time_weighted", "attention"])
def test_a_deletion_that_is_undone_makes_the_vectors_again(vectors, retrieval, spec):
    store = InMemoryStore()
    thread = talk(store, retrieval, spec)
    forgetting.delete(store, retrieval, USER, thread.id)
    assert store.restore_thread(USER, thread.id)
    conversation = go_on(store, retrieval, thread.id, spec=spec)
    assert conversation.estimate().calls == 1
    conversation.catch_up()
    assert len(vectors.get(USER, thread.id)) == 2
    assert conversation.estimate().calls == 0


def test_a_fork_gets_vectors_of_its_own(vectors, retrieval):
    store = InMemoryStore()
    thread = talk(store, retrieval)
    copied = threads.fork(store, USER, thread.id, 1, retrieval=retrieval)
    assert set(vectors.get(USER, copied.id)) == {store.turns(USER, thread.id, 0, 1)[0].id}
    made = threads.fork(store, USER, thread.id, 1)
    go_on(store, retrieval, made.id, "I like tea.")
    assert len(vectors.get(USER, made.id)) == 2


def test_a_chroma_that_is_away_blocks_no_deletion_and_is_asked_again(vectors, retrieval):
    store = InMemoryStore()
    thread = talk(store, retrieval)
    vectors.away = True
    gone = forgetting.clear(store, retrieval, USER, thread.id)
    assert ([row.place for row in gone.owed], gone.left) == (["vectors"], 0)
    assert "Chroma is away." in gone.owed[0].said
    assert store.open(USER, thread.id, "").length == 0
    assert forgetting.settle(store, retrieval, USER) == 0
    assert forgetting.unsettled(store, USER)
    vectors.away = False
    assert forgetting.settle(store, retrieval, USER) == 2
    assert not forgetting.unsettled(store, USER)
    assert not vectors.ids(USER)


def test_what_another_process_owed_is_found_by_looking(vectors, retrieval):
    store = InMemoryStore()
    deleted, cleared, kept = (talk(store, retrieval) for _ in range(3))
    store.delete_thread(USER, deleted.id)
    store.clear(USER, cleared.id)
    go_on(store, Retrieval(Meaning(), InMemoryVectors()), cleared.id, "I am new.")
    assert forgetting.settle(store, retrieval, USER) == 4
    assert set(vectors.ids(USER)) == {kept.id}
    assert forgetting.settle(store, retrieval, USER) == 0


def test_a_vector_of_a_message_goes_with_its_turn_and_not_before(vectors, retrieval):
    store = InMemoryStore()
    thread = talk(store, retrieval)
    turn = store.turns(USER, thread.id, 0, 1)[0].id
    vectors.put(USER, thread.id, [f"{turn}.0", f"{turn}.1", "gone.0"], [[1.0], [1.0], [1.0]])
    assert forgetting.settle(store, retrieval, USER) == 1
    assert vectors.ids(USER)[thread.id] >= {f"{turn}.0", f"{turn}.1"}


def test_the_place_of_the_vectors_is_opened_by_a_search_and_by_nothing_before(tmp_path, monkeypatch):
    monkeypatch.setenv("MEMORY_INSPECTOR_HOME", str(tmp_path))
    words = open_words("")
    assert words.retrieval.forget(USER) == 0
    assert not (tmp_path / "chroma").exists()
    search = open_search("hashing", "")
    try:
        store = InMemoryStore()
        thread = talk(store, search.retrieval, "vector:search=dense")
        assert {name: len(ids) for name, ids in search.retrieval.kept(USER).items()} == {thread.id: 2}
        assert words.retrieval.forget(USER, thread.id) == 2
        assert search.retrieval.kept(USER) == {}
    finally:
        search.close()
        words.close()


@pytest.mark.parametrize("spec", ["vector", "time_weighted", "attention", "combined"])
def test_an_estimate_embeds_nothing(retrieval, spec):
    store = InMemoryStore()
    thread = talk(store, retrieval, "buffer")
    model = retrieval._embedding
    conversation = go_on(store, retrieval, thread.id, spec=spec)
    estimate = conversation.estimate()
    assert estimate.calls
    assert estimate.cost == 0
    assert model.texts == 0
    conversation.catch_up()
    assert model.texts > 0
