"""What is embedded is told once for each text, however many parts of a memory search by it.

python -m pytest tests/retrieval/test_priced.py
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memory import threads
from memory.catalog import load
from memory.conversation import Conversation
from memory.retrieval.embeddings import Embedding, embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.priced import Once, embedded
from memory.services import Models
from memory.stores.inmemory import InMemoryStore
from memory.trace import Call
from tests.memory.fakes import traces_of


class Paid(Embedding):
    """The hashing embedding at a price, which counts what it is sent."""

    name, label, priced_as = "openai:text-embedding-3-small", "paid", "openai:text-embedding-3-small"
    dimensions = embedding("hashing").dimensions

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def _vectors(self, texts: Sequence[str]) -> Any:
        self.sent += texts
        return embedding("hashing").embed(texts)


def test_a_question_that_several_parts_search_by_is_embedded_and_paid_for_once() -> None:
    paid, store = Paid(), InMemoryStore()
    retrieval, memory = Retrieval(paid), load().memory("combined:memories=vector+collection+episodic+knowledge+window")
    library = retrieval.library(store.shelf, "alex", lambda call: None)
    library.add("inn.txt", b"The inn at Odrin has nine rooms. Breakfast is at eight.", 500, 50)
    thread = threads.new(store, "alex", memory)
    talk = Conversation(store, "alex", thread.id, memory, Models(), retrieval=retrieval)
    for said in ("I work at Acme.", "I like tea."):
        "".join(talk.reply(said))
    question = "How many rooms does the inn have?"
    assert "nine rooms" in "".join(talk.reply(question))
    assert paid.sent.count(question) == 1
    calls = [call for call in traces_of(talk)[-1].calls if call.purpose == "embedding"]
    alone = list[Call]()
    embedded(Paid(), [question], alone.append)
    assert [call.input_tokens for call in calls].count(alone[0].input_tokens) == 1
    assert all(call.cost for call in calls)


def test_a_record_of_one_turn_names_each_text_once_and_another_record_begins_anew() -> None:
    paid, calls = Paid(), list[Call]()
    once = Once(calls.append)
    for texts in (["a b", "c"], ["c"], ["c", "d"]):
        assert len(embedded(paid, texts, once)) == len(texts)
    assert [call.input_tokens for call in calls] == [3, 1]
    embedded(paid, ["c"], Once(calls.append))
    assert len(calls) == 3
