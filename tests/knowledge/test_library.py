"""Documents: kept, searched, deleted, each user's own.

python -m pytest tests/knowledge/test_library.py
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from memory import forgetting
from memory.errors import BadInput, ModelFailed
from memory.knowledge.library import Added, Library
from memory.retrieval.embeddings import Embedding, embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.store import Store
from tests.memory.fakes import conversation, new_user, say, trace_of

GATES = b"# Gates\n\nThe east gate opens at nine.\n\nThe west gate is closed on Mondays.\n"
SHIPS = b"# Ships\n\nThe ferry to Zanzibar leaves from pier seven.\n"
LONG = "\n\n".join(f"Paragraph {n} speaks of topic{n} and of nothing else at all." for n in range(60)).encode()


class Failing(Embedding):
    """An embedding that fails from its call number `after` on, until it is `well`."""

    name, label, dimensions = "failing", "an embedding that fails", 64

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after, self.well, self.model = after, False, embedding("hashing")
        self.dimensions = self.model.dimensions

    def _vectors(self, texts: Sequence[str]) -> Any:
        self.after -= 1
        if self.after < 0 and not self.well:
            raise ModelFailed("The embedding is tired: try again.", kind="server")
        return self.model.embed(texts)


def library(store: Store, user: str, model: Embedding | None = None, retrieval: Retrieval | None = None) -> Library:
    retrieval = retrieval or Retrieval(model or embedding("hashing"), InMemoryVectors())
    return retrieval.library(store.shelf, user, lambda call: None)


def add(into: Library, name: str, data: bytes, size: int = 100, overlap: int = 20) -> Added:
    return into.add(name, data, size, overlap)


def test_a_document_is_found_with_its_place_and_three_scores(store: Store) -> None:
    books = library(store, new_user())
    seen: list[tuple[float, str]] = []
    books.add("gates.md", GATES, 100, 20, lambda share, told: seen.append((share, told)))
    add(books, "ships.md", SHIPS)
    hit = books.search("When does the east gate open?", 3)[0]
    assert (hit.passage.document.name, hit.passage.where, hit.rank) == ("gates.md", "lines 1–5", 1)
    assert hit.lexical == pytest.approx(1.0, abs=0.1)
    assert hit.dense is not None
    assert 0 < hit.dense < 1
    assert min(hit.dense, hit.lexical) <= hit.fused <= max(hit.dense, hit.lexical)
    assert [share for share, _ in seen] == sorted(share for share, _ in seen)
    assert seen[-1][0] == 1.0
    low = books.search("What is the capital of France?", 3)
    assert low[0].fused < 0.2 < hit.fused


def test_the_same_file_twice_is_one_and_cut_otherwise_takes_its_own_place(store: Store) -> None:
    user, retrieval = new_user(), Retrieval(embedding("hashing"), vectors := InMemoryVectors())
    books = library(store, user, retrieval=retrieval)
    first = add(books, "long.txt", LONG)
    again = add(books, "another name.txt", LONG)
    assert (first.known, again.known, again.document.name) == (False, True, "long.txt")
    assert len(books.listed()) == 1
    place = first.document.place
    assert len(vectors.get(user, place)) == first.document.passages
    larger = add(books, "long.txt", LONG, 400, 0)
    assert [one.passages for one in books.listed()] == [larger.document.passages]
    assert larger.document.passages < first.document.passages
    assert len(vectors.get(user, place)) == larger.document.passages
    assert books.bare() == {}


def test_another_process_finds_what_this_one_added_and_loses_what_it_deletes(store: Store) -> None:
    user, vectors = new_user(), InMemoryVectors()
    one = Retrieval(embedding("hashing"), vectors)
    here, there = (library(store, user, retrieval=each) for each in (one, Retrieval(embedding("hashing"), vectors)))
    assert there.search("Zanzibar", 1) == []
    added = add(here, "ships.md", SHIPS)
    assert there.search("Where does the ferry leave?", 1) == here.search("Where does the ferry leave?", 1)
    forgetting.forget_document(store, one, user, added.document.id)
    assert there.search("Zanzibar", 1) == here.search("Zanzibar", 1) == []


def test_where_the_embedding_fails_the_document_is_found_by_its_words_and_embedding_goes_on(store: Store) -> None:
    model = Failing(after=1)
    user, retrieval = new_user(), Retrieval(model, InMemoryVectors())
    books = library(store, user, retrieval=retrieval)
    big = b"\n\n".join([LONG] * 3)
    added = add(books, "long.txt", big)
    assert "tired" in added.trouble
    assert 0 < books.bare()[added.document.id] < added.document.passages
    assert "topic7" in books.search("topic7", 1)[0].passage.text
    assert books.search("topic7", 1)[0].dense is None
    model.well = True
    assert books.embed(added.document.id) == ""
    assert books.bare() == {}
    assert all(hit.dense is not None for hit in books.search("topic7", 50))


def test_without_an_embedding_words_alone_are_compared(store: Store) -> None:
    books = Retrieval().library(store.shelf, new_user(), lambda call: None)
    add(books, "ships.md", SHIPS)
    hit = books.search("Zanzibar ferry", 1)[0]
    assert (hit.dense, hit.fused) == (None, hit.lexical)
    assert books.flat("Zanzibar", 10) is None


def test_nobody_finds_or_reaches_what_is_another_users(store: Store) -> None:
    alex, kim = new_user(), new_user()
    retrieval = Retrieval(embedding("hashing"), vectors := InMemoryVectors())
    mine = add(library(store, alex, retrieval=retrieval), "ships.md", SHIPS)
    hers = library(store, kim, retrieval=retrieval)
    assert hers.search("Zanzibar", 5) == []
    assert hers.listed() == []
    with pytest.raises(BadInput, match="kept no longer"):
        hers.passages(mine.document.id)
    with pytest.raises(BadInput, match="kept no longer"):
        forgetting.forget_document(store, retrieval, kim, mine.document.id)
    add(hers, "ships.md", SHIPS)
    forgetting.erase(store, retrieval, kim)
    assert hers.listed() == []
    assert len(vectors.get(alex, mine.document.place)) == 1
    assert library(store, alex, retrieval=retrieval).search("Zanzibar", 5)


def test_a_deletion_leaves_no_text_no_vector_and_no_copy_in_a_prompt(store: Store) -> None:
    user = new_user()
    retrieval = Retrieval(embedding("hashing"), vectors := InMemoryVectors())
    books = library(store, user, retrieval=retrieval)
    ships, gates = add(books, "ships.md", SHIPS), add(books, "gates.md", GATES)
    talk = conversation(store, "knowledge", lambda messages: "I see.", user=user, retrieval=retrieval)
    trace = trace_of(say(talk, "Where does the ferry go?"))
    assert any(item.ref == f"passage:{ships.document.id}:1" for item in trace.items)
    kept = store.texts(user, talk.thread, trace.texts.values())
    assert any("Zanzibar" in text for text in kept.values())
    receipt = forgetting.forget_document(store, retrieval, user, ships.document.id)
    assert receipt.left == 0
    assert receipt.there("passages of its text") == receipt.there("vectors") == 1
    assert receipt.there("copies of them in prompts") >= 1
    assert vectors.get(user, ships.document.place) == {}
    assert store.shelf.documents.contents(user, [ships.document.id]) == {}
    assert not any("Zanzibar" in text for text in store.texts(user, talk.thread, trace.texts.values()).values())
    assert [one.id for one in books.listed()] == [gates.document.id]
    assert "Zanzibar" not in receipt.json()


def test_forgetting_a_turn_offers_the_documents_that_repeat_it(store: Store) -> None:
    user, retrieval = new_user(), Retrieval(embedding("hashing"), InMemoryVectors())
    books = library(store, user, retrieval=retrieval)
    ships = add(books, "ships.md", SHIPS)
    talk = conversation(store, "window", lambda messages: "I see.", user=user, retrieval=retrieval)
    say(talk, "I will go to Zanzibar from pier seven.")
    plan = forgetting.plan_turn(store, user, talk.thread, 0)
    place = next(place for place in plan.places if place.id == f"document:{ships.document.id}")
    assert "ships.md" in place.what
    receipt = forgetting.forget_turn(store, retrieval, user, talk.thread, 0, [place.id])
    assert receipt.left == 0
    assert books.listed() == []


def test_all_of_a_user_goes_with_the_documents(store: Store) -> None:
    user = new_user()
    retrieval = Retrieval(embedding("hashing"), vectors := InMemoryVectors())
    add(library(store, user, retrieval=retrieval), "ships.md", SHIPS)
    receipt = forgetting.erase(store, retrieval, user)
    assert (receipt.there("documents"), receipt.left) == (1, 0)
    assert vectors.ids(user) == {}


def test_vectors_of_documents_are_not_taken_for_those_of_a_thread_that_is_gone(store: Store) -> None:
    user = new_user()
    retrieval = Retrieval(Real(), vectors := InMemoryVectors())
    added = add(library(store, user, retrieval=retrieval), "ships.md", SHIPS)
    forgetting.settle(store, retrieval, user)
    assert len(vectors.get(user, added.document.place)) == 1


class Real(Failing):
    """An embedding that never fails."""

    def __init__(self) -> None:
        super().__init__(after=10**9)


def test_there_is_room_for_so_much_and_no_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCUMENTS_MB", "0.001")
    books = library(store, new_user())
    add(books, "ships.md", SHIPS)
    with pytest.raises(BadInput, match=r"are left: delete one first\.$"):
        add(books, "other.txt", b"word " * 195)
    assert len(books.listed()) == 1


def test_a_file_that_cannot_be_read_leaves_nothing(store: Store) -> None:
    books = library(store, new_user())
    for name, data in (("a.pdf", b"%PDF-1.4 broken"), ("a.txt", b"PK\x03\x04" + bytes(100))):
        with pytest.raises(BadInput):
            add(books, name, data)
    assert books.listed() == []


def test_the_map_shows_passages_and_what_is_asked(store: Store) -> None:
    books = library(store, new_user())
    add(books, "long.txt", LONG)
    hits = books.search("topic33", 1)
    flat = books.flat("topic33", 10, [hit.passage for hit in hits])
    assert flat is not None
    assert flat.query is not None
    assert 10 <= len(flat.points) == len(flat.passages) <= 11
    assert hits[0].passage.ref in {passage.ref for passage in flat.passages}
