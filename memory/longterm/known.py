"""What this process knows of a user's items and their vectors: followed from the shelf, never believed unasked.

    >>> known = Known(shelf, vectors, embedding, "alex", ("$",))
    >>> known.follow()                     # one round trip
    >>> [(row.key, score) for row, score in known.ranked("where do I live?")][:1]
    [('f1', 0.71)]

A vector's id is the hash of the item's name and of the text that it was made of: one that is stale has no id that
anybody asks for, and one that is missing is seen to be. All can be made again at any time.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from langgraph.store.base.embed import get_text_at_path

from memory.longterm.rows import Row, field_of
from memory.longterm.shelf import Shelf
from memory.retrieval.embeddings import Embedding
from memory.retrieval.vectors import Vectors

PLACE = "long-term"
"""The name under which the vectors of items are kept, where those of turns have their thread's."""


class Known:
    """The items of one user; `lock` is held by whoever reads or changes it."""

    def __init__(
        self, shelf: Shelf, vectors: Vectors, embedding: Embedding | None, user: str, fields: Sequence[str]
    ) -> None:
        self.lock = threading.RLock()
        self._shelf, self._vectors, self.embedding, self._user = shelf, vectors, embedding, user
        self._fields = tuple(fields)
        self.rows: dict[str, Row] = {}
        self.seen, self._epoch = 0, ""
        self._ids: dict[str, tuple[str, ...]] = {}
        """By field the ids of its vectors."""
        self._bare: set[str] = set()
        """The fields of which nobody has looked yet whether they have vectors."""
        self._made: dict[str, Any] = {}
        """By id the vectors."""
        self._loaded = False
        self._order: list[Row] | None = None
        self._matrix: tuple[Any, Any, Any] | None = None

    def follow(self) -> None:
        """Take up what has changed; raises StoreUnavailable."""
        news = self._shelf.news(self._user, self.seen, self._epoch)
        if news.whole:
            self.rows, self._ids, self._bare = {}, {}, set()
        for field, row in news.rows.items():
            self.rows[field] = row
            self._ids.pop(field, None)
        self._bare.update(news.rows)
        if news.whole or news.rows:
            self._order = self._matrix = None
        self.seen, self._epoch = news.seen, news.epoch

    def texts(self, row: Row) -> list[str]:
        """Return what of an item is embedded: the texts at its paths."""
        paths = self._fields if row.index is None else row.index
        return [text for path in paths for text in get_text_at_path(dict(row.value), path) if text]

    def ids(self, field: str, row: Row) -> tuple[str, ...]:
        """Return the ids of an item's vectors."""
        return tuple(_id(field, text) for text in self.texts(row))

    def embed(self, called: Callable[[Sequence[str]], Any]) -> None:
        """Have vectors for all items, made by `called` where there are none; raises what it and their place raise."""
        if self.embedding is None:
            return
        if not (old := self._loaded):
            self._made = self._vectors.get(self._user, PLACE)
            self._loaded = True
            self._drop_stale()
        if not self._bare:
            return
        named = {
            field: {_id(field, text): text for text in self.texts(self.rows[field])}
            for field in self._bare & self.rows.keys()
        }
        lacking = {id: text for texts in named.values() for id, text in texts.items() if id not in self._made}
        if lacking and old:
            # Another process may have made them since.
            self._made |= self._vectors.get(self._user, PLACE, list(lacking))
            lacking = {id: text for id, text in lacking.items() if id not in self._made}
        if lacking:
            made = called(list(lacking.values()))
            self._made |= zip(lacking, made, strict=True)
            self._vectors.put(self._user, PLACE, list(lacking), made)
        self._ids |= {field: tuple(texts) for field, texts in named.items()}
        self._bare.clear()
        self._matrix = None

    def drop(self, ids: Sequence[str]) -> None:
        """Delete vectors that nobody asks for any more; raises StoreUnavailable."""
        for id in ids:
            self._made.pop(id, None)
        self._matrix = None
        if ids:
            self._vectors.delete(self._user, PLACE, list(ids))

    def put(self, rows: Mapping[str, Row | None], now: float, seen: int | None) -> bool:
        """Change items on the shelf and follow it; False where something has changed since `seen`."""
        done = self._shelf.put(self._user, rows, now, seen)
        self.follow()
        return done

    def _drop_stale(self) -> None:
        """Delete the vectors of items that went while their place was away."""
        wanted = {id for field, row in self.rows.items() for id in self.ids(field, row)}
        self.drop([id for id in self._made if id not in wanted])

    def ranked(self, vector: Any) -> Iterator[tuple[Row, float | None]]:
        """Yield all items, the most alike first, each by the best of its vectors; then those without, newest first."""
        order = self.newest()
        if self._matrix is None:
            self._matrix = self._stacked(order)
        matrix, owners, starts = self._matrix
        best = np.full(len(order), -np.inf, dtype=np.float32)
        if len(matrix):
            best[owners] = np.maximum.reduceat(matrix @ vector, starts)
        for place in _descending(best):
            yield order[place], (float(best[place]) if np.isfinite(best[place]) else None)

    def newest(self) -> list[Row]:
        """Return all items, the last changed first; the list is not to be changed."""
        if self._order is None:
            self._order = sorted(self.rows.values(), key=lambda row: (-row.updated, row.namespace, row.key))
        return self._order

    def _stacked(self, order: list[Row]) -> tuple[Any, Any, Any]:
        """Put all vectors under each other, those of an item together; with the items' places and their beginnings."""
        found = [
            (self._made[id], place)
            for place, row in enumerate(order)
            for id in self._ids.get(field_of(row.namespace, row.key), ())
            if id in self._made
        ]
        matrix = np.stack([row for row, _ in found]) if found else np.zeros((0, 0), dtype=np.float32)
        owners, starts = np.unique(np.array([place for _, place in found], dtype=np.int64), return_index=True)
        return matrix, owners, starts


FIRST = 128
"""How many of the best are sorted first: who searches rarely asks for more."""


def _descending(best: Any) -> Iterator[int]:
    """Yield the places of values, the largest first, of equal ones the first; all are sorted only where all are asked.

    >>> list(_descending(np.array([0.1, 0.9, 0.9])))
    [1, 2, 0]
    """
    head = np.zeros(0, dtype=np.int64)
    if len(best) > 2 * FIRST:
        least = np.partition(best, len(best) - FIRST)[len(best) - FIRST]
        head = np.flatnonzero(best > least)
        yield from head[np.argsort(-best[head], kind="stable")].tolist()
    left = np.ones(len(best), dtype=bool)
    left[head] = False
    rest = np.flatnonzero(left)
    yield from rest[np.argsort(-best[rest], kind="stable")].tolist()


def _id(field: str, text: str) -> str:
    return hashlib.sha256(f"{field}\n{text}".encode("utf-8", "replace")).hexdigest()[:32]


def changed_ids(known: Known, rows: Mapping[str, Row | None]) -> list[str]:
    """Return the ids of vectors that a change of these items leaves behind."""
    left: list[str] = []
    for field, row in rows.items():
        before = known.rows.get(field)
        if before:
            now = set(known.ids(field, row)) if row else set()
            left += [id for id in known.ids(field, before) if id not in now]
    return left
