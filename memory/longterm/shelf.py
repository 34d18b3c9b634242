"""Where items are kept: the truth, which a process follows by asking what has changed since it last did.

    >>> shelf = RedisShelf(connection)
    >>> shelf.put("alex", {field: row}, now)
    >>> news = shelf.news("alex", seen=0, epoch="")
    >>> news.seen, len(news.rows)
    (1, 1)

In Redis three keys of a user hold them: `items` (hash: field → when it was made, and the row), `item_changes` (sorted
set: field → the number of its last change) and `item_head` (hash: that number, and an epoch that changes whenever
something is removed, so that nothing of what is removed need be remembered).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from redis import Redis

from memory.knowledge.shelf import Documents, InMemoryDocuments, RedisDocuments
from memory.longterm.rows import Row, from_bytes, to_bytes
from memory.store import check_user
from memory.stores.redis_calls import RedisCalls, index_of

KEYS = ("items", "item_changes", "item_head")


@dataclass(frozen=True, slots=True)
class News:
    """What has changed: `rows` by field, all there are where it is `whole`. `seen` and `epoch` are asked with next."""

    seen: int
    epoch: str
    rows: Mapping[str, Row] = field(default_factory=dict)
    whole: bool = False


class Shelf(Protocol):
    """The items of all users; nobody reaches another's by any argument but `user`. May raise StoreUnavailable."""

    def news(self, user: str, seen: int, epoch: str) -> News:
        """Return what has changed since `seen`, in one round trip."""

    def put(self, user: str, rows: Mapping[str, Row | None], now: float, seen: int | None = None) -> bool:
        """Put and remove (None) items at once; each keeps the time that it was first made.

        Where `seen` is given, only if nothing has changed since: False where something has.
        """

    def erase(self, user: str) -> int:
        """Remove all items of a user; returns how many there were."""

    @property
    def documents(self) -> Documents:
        """The documents of all users, which stand beside the items."""


class RedisShelf(RedisCalls):
    """Items in Redis; they expire `expire_days` after the last change."""

    @cached_property
    def documents(self) -> RedisDocuments:
        return RedisDocuments(self._connection, self._expire_days)

    def news(self, user: str, seen: int, epoch: str) -> News:
        now_seen, now_epoch, whole, *pairs = self._run("items_since", _keys(user), [seen, epoch])
        rows = {}
        for name, kept in zip(pairs[::2], pairs[1::2], strict=True):
            if kept is not None:
                created, _, written = kept.partition(b" ")
                label = name.decode()
                rows[label] = from_bytes(label, float(created), written)
        return News(int(now_seen), now_epoch.decode(), rows, bool(whole))

    def put(self, user: str, rows: Mapping[str, Row | None], now: float, seen: int | None = None) -> bool:
        args: list[Any] = [self._ttl, "any" if seen is None else seen, repr(now), uuid.uuid4().hex[:12]]
        args += [part for name, row in rows.items() for part in (name, to_bytes(row) if row else "")]
        return bool(self._run("put_items", _keys(user), args)) if rows else True

    def erase(self, user: str) -> int:
        def remove(client: Redis) -> int:
            pipe = client.pipeline(transaction=True)
            pipe.hlen(_keys(user)[0])
            pipe.unlink(*_keys(user))
            return int(pipe.execute()[0])

        return self._call(remove)


class InMemoryShelf:
    """Items that end with the process."""

    def __init__(self) -> None:
        self.documents = InMemoryDocuments()
        self._users: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def news(self, user: str, seen: int, epoch: str) -> News:
        check_user(user)
        with self._lock:
            held = self._users.get(user) or _Held()
            whole = epoch != held.epoch
            rows = {name: row for name, row in held.rows.items() if whole or held.changes[name] > seen}
            return News(held.seen, held.epoch, rows, whole)

    def put(self, user: str, rows: Mapping[str, Row | None], now: float, seen: int | None = None) -> bool:
        check_user(user)
        # Read back, so that what is kept is what JSON makes of it, as in Redis.
        kept = {name: row and from_bytes(name, row.created, to_bytes(row)) for name, row in rows.items()}
        with self._lock:
            held = self._users.setdefault(user, _Held())
            if seen not in (None, held.seen):
                return False
            held.put(kept, now)
            return True

    def erase(self, user: str) -> int:
        check_user(user)
        with self._lock:
            return len(self._users.pop(user, _Held()).rows)


def packed(shelf: Shelf, user: str) -> dict[str, str]:
    """Return all items of a user as JSON, for whoever keeps them elsewhere."""
    return {name: to_bytes(row).decode() for name, row in shelf.news(user, 0, "-").rows.items()}


def unpack(shelf: Shelf, user: str, kept: Mapping[str, str], now: float) -> None:
    """Put items of a user on a shelf that has none of theirs."""
    if kept and not shelf.news(user, 0, "-").rows:
        shelf.put(user, {name: from_bytes(name, now, written.encode()) for name, written in kept.items()}, now)


@dataclass(slots=True)
class _Held:
    seen: int = 0
    epoch: str = ""
    rows: dict[str, Row] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)

    def put(self, rows: Mapping[str, Row | None], now: float) -> None:
        self.seen += 1
        self.epoch = self.epoch or uuid.uuid4().hex[:12]
        for name, row in rows.items():
            before = self.rows.get(name)
            if row is None:
                if self.rows.pop(name, None):
                    self.changes.pop(name)
                    self.epoch = uuid.uuid4().hex[:12]
                continue
            created = before.created if before else now
            self.rows[name] = Row(
                row.namespace, row.key, row.value, created, row.updated, row.index, row.ttl, row.expires
            )
            self.changes[name] = self.seen


def _keys(user: str) -> list[str]:
    return [index_of(user, name) for name in KEYS]
