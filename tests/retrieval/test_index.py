"""The index of a thread: it grows with it, forgets with it, looks back, and is nobody else's."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.base import Turn
from memory.errors import StoreUnavailable
from memory.retrieval.embeddings import Embedding, embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.ranking import Ranking
from memory.retrieval.vectors import InMemoryVectors
from memory.store import Store
from memory.trace import Call
from memory.transcript import Transcript
from tests.memory.fakes import ANY_TURNS, ENCODING, conversation, plain, say, turns_of

SAID = [
    ("I work as a beekeeper near Uppsala.", "That sounds lovely."),
    ("My sister plays the cello.", "Since when?"),
    ("For ten years, in an orchestra.", "Impressive."),
    ("The weather is dreadful.", "It will pass."),
]
TURNS = [plain(index, human, ai) for index, (human, ai) in enumerate(SAID)]


def of(turns: Sequence[Turn], user: str = "ana", thread: str = "t1", epoch: str = "") -> Transcript:
    return Transcript(len(turns), lambda first, end: list(turns[first:end]), of=(user, thread, epoch))


def rank(retrieval: Retrieval, turns: Any, query: str, search: Any = None, calls: list[Call] | None = None) -> Ranking:
    return retrieval.rank(turns, query, ENCODING, search, (calls if calls is not None else []).append)


def best(retrieval: Retrieval, turns: Any, query: str, search: Any = None) -> int:
    found: int = rank(retrieval, turns, query, search)[0].turn
    return found


@pytest.mark.parametrize("search", ["lexical", "dense", "hybrid"])
def test_the_turn_that_speaks_of_it_comes_first(search: str) -> None:
    retrieval = Retrieval(embedding("hashing"))
    assert best(retrieval, of(TURNS), "Where is the beekeeper from?", search) == 0
    assert best(retrieval, of(TURNS), "who plays the cello", search) == 1
    assert rank(retrieval, of(TURNS), "cello", search).search == search


def test_without_an_embedding_that_knows_meaning_words_are_compared() -> None:
    assert rank(Retrieval(), of(TURNS), "cello").search == "lexical"
    assert rank(Retrieval(), of(TURNS), "cello", "dense").search == "lexical"
    assert rank(Retrieval(embedding("hashing")), of(TURNS), "cello").search == "lexical"
    assert rank(Retrieval(embedding("hashing")), of(TURNS), "cello", "hybrid").search == "hybrid"


def test_what_a_score_is_made_of_has_four_digits() -> None:
    hits = rank(Retrieval(embedding("hashing")), of(TURNS), "cello", "hybrid")
    assert all(value == round(value, 4) for hit in hits for value in hit.parts.values())
    assert any(hit.parts["dense"] for hit in hits)


@settings(max_examples=30)
@given(turns=ANY_TURNS, cut=st.integers(0, 14), query=st.sampled_from(["My name is Alex.", "word", "我", "?"]))
def test_an_index_that_grew_or_looks_back_ranks_as_one_that_is_new(turns: list[Turn], cut: int, query: str) -> None:
    retrieval = Retrieval(embedding("hashing"))
    cut = min(cut, len(turns))
    for part in (turns[:cut], turns, turns[:cut], turns[: cut // 2], turns):
        for search in ("lexical", "hybrid"):
            kept = rank(retrieval, of(part), query, search)
            new = rank(Retrieval(embedding("hashing")), part, query, search)
            assert [(hit.turn, hit.message) for hit in kept] == [(hit.turn, hit.message) for hit in new]
            assert [hit.score for hit in kept] == pytest.approx([hit.score for hit in new], abs=1e-6)


def test_a_turn_that_is_replaced_is_found_by_no_process_any_more(store: Store) -> None:
    here, there = Retrieval(embedding("hashing")), Retrieval(embedding("hashing"))
    talk = conversation(store, "vector:search=dense", ["Fine.", "The code is HERON.", "Never mind."], retrieval=here)
    say(talk, "Hello.")
    reply = say(talk, "Tell me the code.")
    for retrieval in (here, there):
        other = replace(talk, retrieval=retrieval)
        ranking = rank(retrieval, other.transcript(other.opened()), "HERON code", "hybrid")
        assert ranking[0].turn == 1
    assert reply.turn
    list(talk.reply("Tell me the code.", replaces=reply.turn.id))
    for retrieval in (here, there):
        other = replace(talk, retrieval=retrieval)
        ranking = rank(retrieval, other.transcript(other.opened()), "HERON", "lexical")
        assert not any("HERON" in unit.text for unit in ranking.units)
        assert all(hit.score == 0 for hit in ranking)
    assert len(turns_of(talk)) == 2


def test_two_threads_at_once_see_no_turn_that_is_not_theirs() -> None:
    retrieval, wrong = Retrieval(embedding("hashing")), list[int]()
    turns = [plain(index, f"Message {index} of the cello.", "Yes.") for index in range(60)]

    def look(lengths: Sequence[int]) -> None:
        for length in lengths:
            ranking = rank(retrieval, of(turns[:length]), "cello", "hybrid")
            wrong.extend(hit.turn for hit in ranking if hit.turn >= length)

    workers = [threading.Thread(target=look, args=(range(start, 60, 3),)) for start in (1, 2, 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []


def test_nobody_finds_what_another_said_in_a_thread_of_the_same_name() -> None:
    retrieval = Retrieval(embedding("hashing"))
    retrieval.take_in(of(TURNS, "ana"), ENCODING, "dense", lambda call: None)
    theirs = rank(retrieval, of([plain(0, "Hello.", "Hi.")], "bob"), "beekeeper", "dense")
    assert [unit.text for unit in theirs.units] == ["Human: Hello.\nAI: Hi."]
    assert rank(retrieval, of([], "bob"), "beekeeper", "dense").units == ()


class Counting(InMemoryVectors):
    """Counts the batches that are kept; is away where it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.away = False

    def get(self, user: str, thread: str, ids: Sequence[str] | None = None) -> dict[str, Any]:
        if self.away:
            raise StoreUnavailable("Chroma is away.")
        return super().get(user, thread, ids)

    def put(self, user: str, thread: str, ids: Sequence[str], vectors: Any) -> None:
        self.batches.append(len(ids))
        super().put(user, thread, ids, vectors)


def test_vectors_are_made_in_one_batch_once_and_found_again_by_another_process() -> None:
    vectors, calls = Counting(), list[Call]()
    first = Retrieval(embedding("hashing"), vectors)
    for _ in range(2):
        first.take_in(of(TURNS), ENCODING, "dense", calls.append)
    longer = [*TURNS, plain(4, "A new one.", "Yes.")]
    second = Retrieval(embedding("hashing"), vectors)
    second.take_in(of(longer), ENCODING, "dense", calls.append)
    assert vectors.batches == [4, 1]
    assert [call.purpose for call in calls] == ["embedding", "embedding"]
    assert [call.cost for call in calls] == [0, 0]
    assert second.estimate(of(longer), ENCODING, "dense") is None
    assert second.estimate(of([*longer, plain(5, "Newer.", "Yes.")]), ENCODING, "dense")


def test_a_few_vectors_that_were_lost_are_made_again_by_the_search_where_that_costs_nothing() -> None:
    assert best(Retrieval(embedding("hashing")), of(TURNS), "who plays the cello", "dense") == 1


def test_a_search_by_words_asks_no_vectors_and_one_by_meaning_says_that_they_are_away() -> None:
    vectors = Counting()
    vectors.away = True
    retrieval = Retrieval(embedding("hashing"), vectors)
    assert best(retrieval, of(TURNS), "cello", "lexical") == 1
    with pytest.raises(StoreUnavailable):
        rank(retrieval, of(TURNS), "cello", "dense")
    vectors.away = False
    assert best(retrieval, of(TURNS), "cello", "dense") == 1


def test_what_is_forgotten_of_a_thread_is_gone_from_index_and_vectors() -> None:
    vectors = Counting()
    retrieval = Retrieval(embedding("hashing"), vectors)
    for thread in ("t1", "t2"):
        retrieval.take_in(of(TURNS, thread=thread), ENCODING, "dense", lambda call: None)
    assert retrieval.forget("ana", "t1") == 4
    assert (vectors.get("ana", "t1"), len(vectors.get("ana", "t2"))) == ({}, 4)
    assert retrieval.forget("ana") == 4
    assert retrieval.forget("ana") == 0


def test_the_least_used_thread_gives_way() -> None:
    fetched: list[str] = []

    def seen(thread: str) -> Transcript:
        def fetch(first: int, end: int) -> list[Turn]:
            fetched.append(thread)
            return TURNS[first:end]

        return Transcript(len(TURNS), fetch, of=("ana", thread, ""))

    retrieval = Retrieval(threads=2)
    for thread in ("a", "b", "a", "c", "a", "b"):
        rank(retrieval, seen(thread), "cello")
    assert fetched == ["a", "b", "c", "b"]


class Flat(Embedding):
    """Every text is the same to it."""

    name, label, dimensions, real = "flat", "flat", 3, True

    def _vectors(self, texts: Sequence[str]) -> Any:
        return [[1.0, 0.0, 0.0]] * len(texts)


def test_the_map_shows_every_vector_and_the_query_and_nothing_where_there_is_nothing_to_see() -> None:
    retrieval = Retrieval(embedding("hashing"))
    assert retrieval.space(of(TURNS), "cello", ENCODING) is None
    retrieval.take_in(of(TURNS), ENCODING, "dense", lambda call: None)
    space = retrieval.space(of(TURNS), "cello", ENCODING)
    assert space
    assert len(space.points) == len(space.units) == 4
    assert space.embedding == "hashing"
    assert retrieval.space(of(TURNS), " ", ENCODING) is None
    assert Retrieval().space(of(TURNS), "cello", ENCODING) is None
    flat = Retrieval(Flat())
    flat.take_in(of(TURNS), ENCODING, None, lambda call: None)
    flat_space = flat.space(of(TURNS), "cello", ENCODING)
    assert flat_space is None or all(abs(x) < 1e-6 and abs(y) < 1e-6 for x, y in flat_space.points)


class Paid(Embedding):
    """An embedding that costs something, and counts what it is asked."""

    name, label, dimensions, priced_as = "paid", "paid", 384, "openai:text-embedding-3-small"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def _vectors(self, texts: Sequence[str]) -> Any:
        self.asked += texts
        return embedding("hashing").embed(texts)


def test_vectors_that_another_process_has_made_are_found_and_not_paid_again() -> None:
    vectors, here, there = InMemoryVectors(), Paid(), Paid()
    ours, theirs = Retrieval(here, vectors), Retrieval(there, vectors)
    ours.take_in(of(TURNS[:2]), ENCODING, "dense", print)
    assert best(ours, of(TURNS[:2]), "cello", "dense") == 1
    theirs.take_in(of(TURNS), ENCODING, "dense", print)
    assert len(there.asked) == 2
    assert best(ours, of(TURNS), "dreadful weather", "dense") == 3
    ours.take_in(of(TURNS), ENCODING, "dense", print)
    assert here.asked[2:] == ["cello", "dreadful weather"]
