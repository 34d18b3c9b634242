"""Where documents are kept: the record of each, and its text with the places where it is cut.

    >>> shelf = RedisDocuments(connection)
    >>> shelf.put("alex", document, content)
    >>> [one.name for one in shelf.listed("alex")]
    ['gates.md']

They stand beside the items of a user and not among them: a process holds the items of whom it serves whole, which for
facts is little, and each change of one is followed by all. A text of 20 MB is one value that never changes, read when
somebody searches it. In Redis two hashes of a user hold them, `documents` (id → record) and `documents-text` (id →
text), under the same tag as all that is the user's, so that what erases the user reaches them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, Protocol

from redis import Redis

from memory.knowledge.document import CONTENT, DOCUMENT, Content, Document
from memory.store import check_user
from memory.stores.redis_calls import RedisCalls, index_of


class Documents(Protocol):
    """The documents of all users; nobody reaches another's by any argument but `user`. May raise StoreUnavailable."""

    def listed(self, user: str) -> list[Document]:
        """Return the records, the oldest first."""

    def contents(self, user: str, ids: Iterable[str]) -> dict[str, Content]:
        """Return the texts of documents by id, those that are there."""

    def put(self, user: str, document: Document, content: Content) -> None:
        """Keep a document, in place of one of the same id; all of it or nothing."""

    def delete(self, user: str, id: str) -> bool:
        """Remove a document with its text; False where there is none."""

    def erase(self, user: str) -> int:
        """Remove all documents of a user; returns how many there were."""


class RedisDocuments(RedisCalls):
    """Documents in Redis; they expire `expire_days` after the last one came or went."""

    def listed(self, user: str) -> list[Document]:
        rows: Any = self._call(lambda client: client.hvals(_keys(user)[0]))
        return _in_order(map(DOCUMENT.validate_json, rows))

    def contents(self, user: str, ids: Iterable[str]) -> dict[str, Content]:
        found = {}
        # One by one: together they may be more than one answer should hold.
        for id in ids:
            row: Any = self._call(lambda client, id=id: client.hget(_keys(user)[1], id))  # type: ignore[misc]
            if row is not None:
                found[id] = CONTENT.validate_json(row)
        return found

    def put(self, user: str, document: Document, content: Content) -> None:
        record, text = DOCUMENT.dump_json(document), CONTENT.dump_json(content)

        def write(client: Redis) -> None:
            pipe = client.pipeline(transaction=True)
            for key, value in zip(_keys(user), (record, text), strict=True):
                pipe.hset(key, document.id, value)
                pipe.pexpire(key, self._ttl)
            pipe.execute()

        self._call(write)

    def delete(self, user: str, id: str) -> bool:
        def remove(client: Redis) -> bool:
            pipe = client.pipeline(transaction=True)
            for key in _keys(user):
                pipe.hdel(key, id)
            return bool(sum(pipe.execute()))

        return self._call(remove)

    def erase(self, user: str) -> int:
        def remove(client: Redis) -> int:
            pipe = client.pipeline(transaction=True)
            pipe.hlen(_keys(user)[0])
            pipe.unlink(*_keys(user))
            return int(pipe.execute()[0])

        return self._call(remove)


class InMemoryDocuments:
    """Documents that end with the process."""

    def __init__(self) -> None:
        self._users: dict[str, dict[str, tuple[Document, bytes]]] = {}
        self._lock = threading.Lock()

    def listed(self, user: str) -> list[Document]:
        check_user(user)
        with self._lock:
            return _in_order(document for document, _ in self._users.get(user, {}).values())

    def contents(self, user: str, ids: Iterable[str]) -> dict[str, Content]:
        check_user(user)
        with self._lock:
            kept = self._users.get(user, {})
            return {id: CONTENT.validate_json(kept[id][1]) for id in ids if id in kept}

    def put(self, user: str, document: Document, content: Content) -> None:
        check_user(user)
        with self._lock:
            # As JSON, so that what is kept is what Redis would keep.
            self._users.setdefault(user, {})[document.id] = (document, CONTENT.dump_json(content))

    def delete(self, user: str, id: str) -> bool:
        check_user(user)
        with self._lock:
            return self._users.get(user, {}).pop(id, None) is not None

    def erase(self, user: str) -> int:
        check_user(user)
        with self._lock:
            return len(self._users.pop(user, {}))


def _in_order(documents: Iterable[Document]) -> list[Document]:
    return sorted(documents, key=lambda document: (document.added, document.id))


def _keys(user: str) -> list[str]:
    return [index_of(user, name) for name in ("documents", "documents-text")]
