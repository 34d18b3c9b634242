"""LangGraph's BaseStore on our own stores: items in Redis, which is the truth, their vectors in Chroma.

    >>> store = UserStores(RedisShelf(connection), open_vectors(model.name, model.dimensions), model).of("alex")
    >>> store.put(("facts",), "f1", {"content": "Alex lives in Oslo."})
    >>> store.search(("facts",), query="Where does Alex live?", limit=1)[0].key
    'f1'

A store is one user's: every namespace stands under that user's keys, and none reaches another's. Items are written
first and embedded then; where the vectors' place is away, the item is kept and embedded when somebody searches next.
In a batch all reads see what was there before it, and its puts are one write, of which the last of an item counts.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    validate_op_namespace,
)

from memory.errors import BadInput, ModelFailed, StoreUnavailable
from memory.longterm.known import Known, changed_ids
from memory.longterm.matching import holds, namespaces, under
from memory.longterm.rows import Row, field_of
from memory.longterm.shelf import Shelf
from memory.retrieval.embeddings import Embedding
from memory.retrieval.priced import embedded
from memory.retrieval.vectors import Vectors
from memory.store import check_user
from memory.trace import Call

USERS = 64
"""Of how many users this process remembers items; those asked for longest ago are read again."""


class UserStore(BaseStore):
    """The items of one user across conversations.

    `called` is told of every embedding, with its tokens and cost. `ttl` may hold `default_ttl` in minutes and
    `refresh_on_read`.
    """

    supports_ttl = True

    def __init__(
        self,
        known: Known,
        ttl: TTLConfig | None = None,
        called: Callable[[Call], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._known, self._clock = known, clock
        self._called = called or (lambda call: None)
        self.ttl_config = ttl

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do all of it; raises BadInput, StoreUnavailable, and InvalidNamespaceError for a label that is none."""
        ops = list(ops)
        for op in ops:
            validate_op_namespace(op)
        puts = {field_of(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)}
        with self._known.lock:
            self._known.follow()
            results = [self._read(op) for op in ops]
            refreshed = self._refreshed(ops, results)
            if puts or refreshed:
                self._write(puts, refreshed)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do the same without holding up the event loop."""
        return await asyncio.to_thread(self.batch, list(ops))

    def snapshot(self) -> tuple[int, tuple[Row, ...]]:
        """Return all items, the last changed first, with a number that `commit` takes to see that they still hold."""
        with self._known.lock:
            self._known.follow()
            return self._known.seen, tuple(row for row in self._known.newest() if row.alive(self._clock()))

    def commit(self, puts: Iterable[PutOp], seen: int) -> bool:
        """Make several changes at once if nothing has changed since `snapshot`; False where something has."""
        rows = {field_of(op.namespace, op.key): op for op in puts}
        for op in rows.values():
            validate_op_namespace(op)
        with self._known.lock:
            return self._write(rows, {}, seen)

    def _read(self, op: Op) -> Result:
        now = self._clock()
        if isinstance(op, GetOp):
            row = self._known.rows.get(field_of(op.namespace, op.key))
            return _item(row) if row and row.alive(now) else None
        if isinstance(op, SearchOp):
            return self._search(op, now)
        if isinstance(op, ListNamespacesOp):
            return namespaces({row.namespace for row in self._known.rows.values() if row.alive(now)}, op)
        if isinstance(op, PutOp):
            return None
        raise BadInput(f"A store knows no operation {type(op).__name__}.")

    def _search(self, op: SearchOp, now: float) -> list[SearchItem]:
        found: list[SearchItem] = []
        skip = op.offset
        for row, score in self._ranked(op.query):
            if not (row.alive(now) and under(row.namespace, op.namespace_prefix)):
                continue
            if op.filter and not all(holds(row.value.get(name), wanted) for name, wanted in op.filter.items()):
                continue
            if skip > 0:
                skip -= 1
                continue
            if len(found) >= op.limit:
                break
            found.append(SearchItem(row.namespace, row.key, dict(row.value), row.created_at, row.updated_at, score))
        return found

    def _ranked(self, query: str | None) -> Iterable[tuple[Row, float | None]]:
        if not query or self._known.embedding is None:
            return ((row, None) for row in self._known.newest())
        try:
            self._known.embed(self._vectors)
        except (StoreUnavailable, ModelFailed):
            pass  # what is known is ranked, the rest comes after it without a score
        return self._known.ranked(self._vectors([query])[0])

    def _write(self, puts: dict[str, PutOp], refreshed: dict[str, Row], seen: int | None = None) -> bool:
        now = self._clock()
        ended = [field for field, row in self._known.rows.items() if not row.alive(now)]
        rows = {**dict.fromkeys(ended), **refreshed, **_rows(puts, now)}
        left = changed_ids(self._known, rows)
        if not self._known.put(rows, now, seen):
            return False
        try:
            self._known.drop(left)
            self._known.embed(self._vectors)
        except (StoreUnavailable, ModelFailed):
            pass  # the items are kept; whoever searches next has them embedded
        return True

    def _refreshed(self, ops: Sequence[Op], results: Sequence[Result]) -> dict[str, Row]:
        """Return the items that were read and live longer for it."""
        now, rows = self._clock(), {}
        for op, result in zip(ops, results, strict=True):
            if isinstance(op, GetOp | SearchOp) and op.refresh_ttl and result:
                for item in [result] if isinstance(result, Item) else result:
                    row = self._known.rows[field_of(item.namespace, item.key)]  # type: ignore[union-attr]
                    # Not at every read: a store that is read all the time would be written all the time.
                    if row.ttl is not None and row.expires is not None and row.expires - now < row.ttl * 60 * 0.98:
                        rows[field_of(row.namespace, row.key)] = replace(row, expires=now + row.ttl * 60)
        return rows

    def _vectors(self, texts: Sequence[str]) -> Any:
        model = self._known.embedding
        assert model
        return embedded(model, texts, self._called)


class UserStores:
    """The stores of all users over the same places; `fields` are the paths of a value that are embedded ("$": all)."""

    def __init__(
        self, shelf: Shelf, vectors: Vectors, embedding: Embedding | None = None, fields: Sequence[str] = ("$",)
    ) -> None:
        self._shelf, self._vectors, self._embedding, self._fields = shelf, vectors, embedding, fields
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(
        self,
        user: str,
        ttl: TTLConfig | None = None,
        called: Callable[[Call], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> UserStore:
        """Return a user's store; raises BadInput for what is no user's name."""
        check_user(user)
        with self._lock:
            known = self._known.get(user)
            if known is None:
                known = self._known[user] = Known(self._shelf, self._vectors, self._embedding, user, self._fields)
            self._known.move_to_end(user)
            while len(self._known) > USERS:
                self._known.popitem(last=False)
        return UserStore(known, ttl, called, clock)


def _rows(puts: Mapping[str, PutOp], now: float) -> dict[str, Row | None]:
    """Return the rows of one write, each a little later than the one before: their order is kept."""
    return {field: _row(op, now + place * 1e-6) for place, (field, op) in enumerate(puts.items())}


def _row(op: PutOp, now: float) -> Row | None:
    """Return the row that a put makes; None where it removes."""
    if op.value is None:
        return None
    index = None if op.index is None else () if op.index is False else tuple(op.index)
    expires = None if op.ttl is None else now + op.ttl * 60
    return Row(op.namespace, op.key, op.value, now, now, index, op.ttl, expires)


def _item(row: Row) -> Item:
    return Item(
        value=dict(row.value),
        key=row.key,
        namespace=row.namespace,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
