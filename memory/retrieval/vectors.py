"""Where vectors are kept: rows of an id and a vector, each of one user's thread, and never a text.

    >>> vectors = open_vectors("all-MiniLM-L6-v2", 384)      # Chroma: in the data folder, or at CHROMA_URL
    >>> vectors.put("alex", "t1", ["turn-7"], rows)
    >>> vectors.get("alex", "t1")["turn-7"].shape
    (384,)
    >>> vectors.get("kim", "t1")                             # another user, who has nothing
    {}

Vectors are an index: they can be made again from the turns, and whoever reads them drops the rows whose turn is gone.
They are ranked in the process, exactly: an owner filter over a large collection takes Chroma 100 ms and more.
In Chroma a row is its vector, its id "alex/t1/turn-7" and its owner: the user and the thread. Texts are not there, and
Chroma is never asked to make a vector: it would download a model for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from memory.errors import BadInput
from memory.retrieval.chroma import Chroma
from memory.server.data_folder import data_folder
from memory.store import check_thread, check_user

PREFIX = "memory-inspector."
PAGE = 1_000  # rows of an answer, 8 MB as JSON
BATCH = 250  # rows of a request to change some

Vector = Any
"""A row of float32."""


class Vectors(Protocol):
    """The vectors of all users by one embedding; nobody reaches another's by any argument but `user`.

    Every method may raise StoreUnavailable, and may be called again with the same arguments.
    """

    def put(self, user: str, thread: str, ids: Sequence[str], vectors: Any) -> None:
        """Keep a vector for each id, in place of one that is there; on disk on return."""

    def get(self, user: str, thread: str, ids: Sequence[str] | None = None) -> dict[str, Vector]:
        """Return the vectors of a thread by id: all, or those of some ids that are there."""

    def ids(self, user: str) -> dict[str, set[str]]:
        """Return the ids of a user's rows by thread, of every embedding there ever was."""

    def delete(self, user: str, thread: str | None = None, ids: Sequence[str] | None = None) -> int:
        """Delete some rows of a thread, a thread's or all of a user's, of every embedding there ever was.

        Returns how many rows there were.
        """

    def erase(self, user: str) -> int:
        """Delete all rows of a user for good; returns how many there were."""

    def compact(self) -> bool:
        """Write the files anew, without what was deleted; False where they are not this process's to write."""

    def close(self) -> None:
        """Give the place back; the object is not used again."""


class InMemoryVectors:
    """Vectors that end with the process."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], dict[str, Vector]] = {}
        self._lock = threading.Lock()

    def put(self, user: str, thread: str, ids: Sequence[str], vectors: Any) -> None:
        """Keep a vector for each id."""
        owner, rows = _check_owner(user, thread), _check_rows(ids, vectors)
        with self._lock:
            self._rows.setdefault(owner, {}).update(zip(ids, rows.copy(), strict=True))

    def get(self, user: str, thread: str, ids: Sequence[str] | None = None) -> dict[str, Vector]:
        """Return the vectors of a thread by id."""
        owner = _check_owner(user, thread)
        with self._lock:
            rows = self._rows.get(owner, {})
            return dict(rows) if ids is None else {id: rows[id] for id in ids if id in rows}

    def ids(self, user: str) -> dict[str, set[str]]:
        """Return the ids of a user's rows by thread."""
        check_user(user)
        with self._lock:
            return {thread: set(rows) for (whose, thread), rows in self._rows.items() if whose == user and rows}

    def delete(self, user: str, thread: str | None = None, ids: Sequence[str] | None = None) -> int:
        """Delete some rows of a thread, a thread's or all of a user's."""
        _check_deletion(user, thread, ids)
        with self._lock:
            if thread is not None and ids is not None:
                rows = self._rows.get((user, thread), {})
                return sum(rows.pop(id, None) is not None for id in set(ids))
            gone = [owner for owner in self._rows if owner[0] == user and thread in (None, owner[1])]
            return sum(len(self._rows.pop(owner)) for owner in gone)

    def erase(self, user: str) -> int:
        """Delete all rows of a user."""
        return self.delete(user)

    def compact(self) -> bool:
        """There are no files."""
        return True

    def close(self) -> None:
        """Forget everything."""
        self._rows.clear()


class ChromaVectors:
    """The vectors of one embedding in a collection of its own; safe for many threads."""

    def __init__(self, chroma: Chroma, name: str, dimensions: int) -> None:
        self.collection = collection_name(name, dimensions)
        self._dimensions = dimensions
        self._chroma = chroma
        chroma.enter()

    def put(self, user: str, thread: str, ids: Sequence[str], vectors: Any) -> None:
        """Keep a vector for each id, in place of one that is there; on disk on return."""
        prefix, rows = _prefix(*_check_owner(user, thread)), _check_rows(ids, vectors, self._dimensions)
        owner = {"user": user, "thread": f"{user}/{thread}"}

        def put(client: Any) -> None:
            collection = self._collection(client)
            for begin in range(0, len(ids), BATCH):
                batch = [prefix + id for id in ids[begin : begin + BATCH]]
                collection.upsert(ids=batch, embeddings=rows[begin : begin + BATCH], metadatas=[owner] * len(batch))

        if len(ids):
            self._chroma.call(put)

    def get(self, user: str, thread: str, ids: Sequence[str] | None = None) -> dict[str, Vector]:
        """Return the vectors of a thread by id."""
        prefix, where = _prefix(*_check_owner(user, thread)), _owned(user, thread)
        named = None if ids is None else [prefix + id for id in dict.fromkeys(ids)]

        def get(client: Any) -> dict[str, Vector]:
            collection = self._collection(client)
            found: dict[str, Vector] = {}
            offset = 0
            while named is None or offset < len(named):
                wanted = {} if named is None else {"ids": named[offset : offset + PAGE]}
                page = {"limit": PAGE, "offset": offset} if named is None else {}
                answer = collection.get(where=where, include=["embeddings"], **wanted, **page)
                rows = np.asarray(answer["embeddings"], dtype=np.float32)
                for id, row in zip(answer["ids"], rows, strict=True):
                    # The filter has seen to it; nobody's rows depend on the filter alone.
                    if id.startswith(prefix):
                        found[id[len(prefix) :]] = row
                offset += PAGE
                if named is None and len(answer["ids"]) < PAGE:
                    break
            return found

        return self._chroma.call(get)

    def ids(self, user: str) -> dict[str, set[str]]:
        """Return the ids of a user's rows by thread, of every embedding there ever was."""
        where = _owned(user, None)

        def ids(client: Any) -> dict[str, set[str]]:
            found: dict[str, set[str]] = {}
            for collection in client.list_collections():
                offset = 0
                while collection.name.startswith(PREFIX):
                    page = collection.get(where=where, include=[], limit=PAGE, offset=offset)["ids"]
                    for row in page:
                        owner, thread, id = row.split("/", 2)
                        if owner == user:
                            found.setdefault(thread, set()).add(id)
                    offset += len(page)
                    if len(page) < PAGE:
                        break
            return found

        return self._chroma.call(ids)

    def delete(self, user: str, thread: str | None = None, ids: Sequence[str] | None = None) -> int:
        """Delete some rows of a thread, a thread's or all of a user's, of every embedding there ever was."""
        _check_deletion(user, thread, ids)
        where = _owned(user, thread)
        begins = f"{user}/" if thread is None else _prefix(user, thread)
        named = None if ids is None else [begins + id for id in dict.fromkeys(ids)]

        def delete(client: Any) -> int:
            count = 0
            for collection in client.list_collections():
                if not collection.name.startswith(PREFIX):
                    continue
                if named is None:
                    rows = collection.get(where=where, include=[])["ids"]
                else:
                    pages = (named[begin : begin + PAGE] for begin in range(0, len(named), PAGE))
                    rows = [row for page in pages for row in collection.get(ids=page, include=[])["ids"]]
                rows = [row for row in rows if row.startswith(begins)]
                # The owner stands in each id: no filter besides, with which Chroma takes twelve times as long.
                for begin in range(0, len(rows), PAGE):
                    collection.delete(ids=rows[begin : begin + PAGE])
                count += len(rows)
            return count

        return 0 if ids is not None and not len(ids) else self._chroma.call(delete)

    def erase(self, user: str) -> int:
        """Delete all rows of a user.

        Chroma no longer returns them, but their bytes stay in its files until `compact`.
        """
        return self.delete(user)

    def compact(self) -> bool:
        """Write the files anew, without what was deleted; False where they are a server's own."""
        return self._chroma.compact()

    @property
    def opened(self) -> bool:
        """Whether Chroma has been opened, or cannot be: then nobody who asks waits."""
        return self._chroma.opened

    def ping(self) -> str:
        """Say in plain words where they are; raises StoreUnavailable where that cannot be reached."""
        self._chroma.call(lambda client: client.heartbeat())
        return self._chroma.place

    def warm(self) -> None:
        """Begin to open Chroma, so that the first who asks need not wait for it."""
        self._chroma.warm()

    def close(self) -> None:
        """Stop using the place; the last one in this process frees the folder for another process."""
        self._chroma.leave()

    def _collection(self, client: Any) -> Any:
        # Asked for each time, at a millisecond or two: a server that was emptied has it under another number. All at
        # Chroma's defaults: in the space "cosine" vectors come back changed in the last digit, and with a graph of 4
        # neighbours, which would be made faster and is never asked, Chroma 1.5.9 crashed after deletions.
        return client.get_or_create_collection(self.collection, embedding_function=None)


def open_vectors(name: str, dimensions: int, url: str | None = None, home: Path | None = None) -> Vectors:
    """Return the vectors of an embedding by its name, in Chroma at `url` or CHROMA_URL ("" is none), else in `home`.

    Returns at once: Chroma is opened at the first use, and what fails there is raised there. Raises BadInput for a
    CHROMA_URL that is none.
    """
    url = (os.environ.get("CHROMA_URL", "") if url is None else url).strip()
    chroma = Chroma.server(url) if url else Chroma.embedded(home or data_folder())
    return ChromaVectors(chroma, name, dimensions)


def collection_name(name: str, dimensions: int) -> str:
    """Name the collection of an embedding, in the characters that Chroma allows.

    >>> collection_name("openai:text-embedding-3-small", 1536)
    'memory-inspector.openai_text-embedding-3-small-132948fc.1536'
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:200]
    if plain != name:
        plain += "-" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{PREFIX}{plain}.{dimensions}"


def _check_owner(user: str, thread: str) -> tuple[str, str]:
    """Return who owns a row; raises BadInput for a name that is none."""
    check_user(user)
    check_thread(thread)
    return user, thread


def _check_rows(ids: Sequence[str], vectors: Any, dimensions: int | None = None) -> Any:
    """Return the rows as float32; raises BadInput where they do not fit the ids or are no numbers."""
    rows = np.asarray(vectors, dtype=np.float32)
    if len(ids) == 0 and rows.size == 0:
        return rows.reshape(0, dimensions or 0)
    if rows.ndim != 2 or len(rows) != len(ids) or rows.shape[1] != (dimensions or rows.shape[1]):
        width = f" of {dimensions} numbers" if dimensions else ""
        raise BadInput(f"{len(ids)} vectors{width} were expected, not an array of the shape {rows.shape}.")
    if not np.isfinite(rows).all():
        raise BadInput("A vector holds what is not a number: it was not kept.")
    if not all(ids) or len(set(ids)) != len(ids):
        raise BadInput("A vector's id is empty or stands there twice: none was kept.")
    return rows


def _check_deletion(user: str, thread: str | None, ids: Sequence[str] | None) -> None:
    """Raise BadInput for a deletion that would reach too far."""
    check_user(user)
    if thread is not None:
        check_thread(thread)
    elif ids is not None:
        raise BadInput("Rows are deleted by their ids in one conversation: name it.")


def _prefix(user: str, thread: str) -> str:
    """Begin the id of a row; neither name can hold a slash, so nobody's rows begin like another's."""
    return f"{user}/{thread}/"


def _owned(user: str, thread: str | None) -> dict[str, str]:
    """Build the filter without which no row is read or deleted."""
    check_user(user)
    return {"user": user} if thread is None else {"thread": f"{user}/{thread}"}
