"""What this process knows of a user's documents: their texts, their words and their vectors, ready to be searched.

    >>> known = Known(shelf, vectors, embedding, "alex")
    >>> known.follow()                                # one round trip, and the texts of what is new
    >>> [hit.passage.where for hit in known.search("When do the gates open?", 3)]
    ['page 2', 'page 7', 'page 1']

All of it can be made again from what is kept at any time. A document never changes: a process asks which there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memory.knowledge.document import Content, Document, Passage
from memory.knowledge.shelf import Documents
from memory.retrieval.embeddings import Embedding
from memory.retrieval.fusion import Scores
from memory.retrieval.lexical import LexicalIndex
from memory.retrieval.units import Unit
from memory.retrieval.vectors import Vectors

MEANING, PIECES = 0.6, 0.3
"""The share of the vectors in the fused score: where they know meaning, and where they compare pieces of words."""

Embed = Callable[[Sequence[str]], Any]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its rank from 1 and its scores, from 0 to 1: `dense` is None where it has no vector.

    `dense` is the cosine of its vector with the query's. `lexical` is how much of the query's words stand in it, the
    rare ones counting more (BM25, as a share of what a passage with each of them would get). `fused` is their mean.
    """

    passage: Passage
    rank: int
    fused: float
    lexical: float
    dense: float | None


@dataclass(slots=True)
class Loaded:
    """A document as it is held here, with the vectors of its passages."""

    document: Document
    content: Content
    matrix: Any = None  # a row for each passage, noughts where it has no vector
    there: Any = None  # which passages have one

    @property
    def bare(self) -> list[int]:
        """The places of the passages without a vector."""
        count = len(self.content.cuts)
        return list(range(count)) if self.there is None else np.flatnonzero(~self.there).tolist()


@dataclass(slots=True)
class Known:
    """The documents of one user; `lock` is held by whoever asks."""

    shelf: Documents
    vectors: Vectors
    embedding: Embedding | None
    user: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    loaded: dict[str, Loaded] = field(default_factory=dict)
    _index: LexicalIndex = field(default_factory=LexicalIndex)
    _indexed: list[str] = field(default_factory=list)

    @property
    def passages(self) -> int:
        """How many passages are held here."""
        return sum(len(one.content.cuts) for one in self.loaded.values())

    def follow(self) -> list[Document]:
        """Take up what has come and gone; returns the records, the oldest first. Raises StoreUnavailable."""
        listed = self.shelf.listed(self.user)
        new = [document for document in listed if document.cut not in self.loaded]
        contents = self.shelf.contents(self.user, [document.id for document in new])
        made = {one.cut: Loaded(one, contents[one.id]) for one in new if one.id in contents}
        held = {**self.loaded, **made}
        # A dict of its own, as others may count what is held meanwhile.
        self.loaded = {document.cut: held[document.cut] for document in listed if document.cut in held}
        return listed

    def load_vectors(self) -> None:
        """Fetch the vectors that are kept and not here; raises StoreUnavailable."""
        if self.embedding is None:
            return
        for one in self.loaded.values():
            if not one.bare:
                continue
            kept = self.vectors.get(self.user, one.document.place)
            found = [(place, kept[id]) for place in one.bare if (id := one.content.vector_id(place)) in kept]
            if found:
                self.take(one, [place for place, _ in found], np.stack([row for _, row in found]))

    def take(self, one: Loaded, places: Sequence[int], rows: Any) -> None:
        """Hold the vectors of some passages of a document."""
        if one.matrix is None:
            count = len(one.content.cuts)
            one.matrix, one.there = np.zeros((count, rows.shape[1]), dtype=np.float32), np.zeros(count, dtype=bool)
        one.matrix[places], one.there[places] = rows, True

    def search(self, query: str, limit: int, embed: Embed | None) -> list[Hit]:
        """Rank all passages by a query, the best `limit` of them; without `embed` by words alone."""
        order = list(self.loaded.values())
        if not order or limit < 1:
            return []
        index = self._words(order)
        lexical = index.matched(query)
        dense, there = self._cosines(order, query, embed)
        share = MEANING if self.embedding is not None and self.embedding.real else PIECES
        fused = np.where(there, share * dense + (1.0 - share) * lexical, lexical)
        best = np.argsort(-fused, kind="stable")[:limit].tolist()
        starts = np.cumsum([0, *(len(one.content.cuts) for one in order)])
        hits = []
        for rank, place in enumerate(best, 1):
            at = int(np.searchsorted(starts, place, side="right")) - 1
            one = order[at]
            passage = one.content.passage(one.document, place - int(starts[at]))
            cosine = round(float(dense[place]), 6) if there[place] else None
            hits.append(Hit(passage, rank, round(float(fused[place]), 6), round(float(lexical[place]), 6), cosine))
        return hits

    def _cosines(self, order: Sequence[Loaded], query: str, embed: Embed | None) -> tuple[Scores, Any]:
        """Return of every passage the likeness of its vector, and whether it has one."""
        counts = [len(one.content.cuts) for one in order]
        dense, there = np.zeros(sum(counts)), np.zeros(sum(counts), dtype=bool)
        if embed is None or not query.strip() or all(one.there is None for one in order):
            return dense, there
        vector, at = embed([query])[0], 0
        for one, count in zip(order, counts, strict=True):
            if one.there is not None and one.matrix.shape[1] == len(vector):
                dense[at : at + count] = np.clip(one.matrix @ vector, 0.0, 1.0)
                there[at : at + count] = one.there
            at += count
        return dense, there

    def _words(self, order: Sequence[Loaded]) -> LexicalIndex:
        """Return the index of the words; what is new is added to it, and where something went it is made anew."""
        names = [one.document.cut for one in order]
        if self._indexed != names[: len(self._indexed)]:
            self._index, self._indexed = LexicalIndex(), []
        for number, one in enumerate(order[len(self._indexed) :], len(self._indexed)):
            for place, span in enumerate(one.content.cuts):
                self._index.add(Unit(place, None, "", one.content.read.text[slice(*span)], 0.0, number))
            self._indexed.append(one.document.cut)
        return self._index
