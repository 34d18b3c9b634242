"""Vectors that are to be deleted and could not be: noted in the store, and deleted when their place is there again.

    >>> with_vectors(store, retrieval, user, thread).owed
    True
    >>> settle(store, retrieval, user)          # later, or in another process
    2

Vectors hold no text, and their place can be away, or another process's. What is owed is named by ids that hold no
words. `settle` also removes those whose thread went by itself, as threads do that nobody uses.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence

from memory.base import Turn
from memory.errors import InspectorError
from memory.forgetting.receipt import Row
from memory.longterm.known import PLACE
from memory.retrieval.index import Retrieval
from memory.retrieval.units import units_of
from memory.store import Store

VECTORS = "vectors"
ALL, COMPACT = "*", "files"
"""Stand for every thread of a user, and for files to be written anew, among what is owed."""
ASKED_EVERY = 5.0
"""Seconds after which the store is asked again whether another process owes something."""


def vector_ids(turn: Turn) -> list[str]:
    """Return the ids under which a turn's vectors are kept: of the whole turn, or of each of its messages."""
    ids = [turn.id if unit.message is None else f"{turn.id}.{unit.message}" for unit in units_of(turn, 0)]
    return list(dict.fromkeys([turn.id, *ids]))


def with_vectors(
    store: Store, retrieval: Retrieval, user: str, thread: str | None, ids: Sequence[str] | None = None
) -> Row:
    """Delete a thread's vectors, some of them or all of a user's, and look again; what cannot be done now is owed."""
    try:
        count = retrieval.forget(user, thread, ids)
        return Row(VECTORS, count, retrieval.forget(user, thread, ids) if count else 0)
    except InspectorError as error:
        debts = [thread or ALL] if ids is None else [f"{thread}/{id}" for id in ids]
        store.owe(user, debts)
        with _lock:
            _asked.pop(user, None)
        return Row(
            VECTORS, 0, None, f"deleted later, where there are any, as they cannot be reached now: {error}", True
        )


def settle(store: Store, retrieval: Retrieval, user: str) -> int:
    """Delete the vectors that are owed, and once in this process those of this user's turns that are gone.

    Returns how many that were; what cannot be deleted now stays owed. It may take seconds.
    """
    gone, debts = 0, store.owed(user)
    try:
        for debt in debts:
            if debt == COMPACT:
                continue
            thread, _, id = debt.partition("/")
            gone += retrieval.forget(user, None if thread == ALL else thread, [id] if id else None)
        if debts:
            retrieval.compact()
            store.paid(user, debts)
    except (InspectorError, sqlite3.Error):
        pass  # it stays noted
    with _lock:
        first = user not in _looked_at
        _looked_at.add(user)
    if first and retrieval.search(None) != "lexical":
        try:
            gone += _tidy(store, retrieval, user)
        except InspectorError:
            with _lock:
                _looked_at.discard(user)
    return gone


def unsettled(store: Store, user: str) -> bool:
    """Whether `settle` has something to do; what other processes owe is seen within seconds."""
    with _lock:
        if user not in _looked_at:
            return True
        asked, owes = _asked.get(user, (0.0, False))
    if time.monotonic() - asked < ASKED_EVERY:
        return owes
    try:
        owes = bool(store.owed(user))
    except InspectorError:
        return False
    with _lock:
        _asked[user] = (time.monotonic(), owes)
    return owes


def look_again(user: str) -> None:
    """Have the next `settle` look for vectors whose turn is gone: an answer on its way may have kept some since."""
    with _lock:
        _looked_at.discard(user)


def _tidy(store: Store, retrieval: Retrieval, user: str) -> int:
    """Delete the vectors of threads and turns that are gone, as after a deletion in a process that ended."""
    # Read before the store: a turn is stored first, and then its vectors.
    rows = retrieval.kept(user)
    here = {thread.id for thread in store.threads(user)}
    documents = {document.place for document in store.shelf.documents.listed(user)}
    gone = 0
    for thread, ids in rows.items():
        if thread == PLACE or thread in documents:
            continue  # whoever searches the user's facts or documents sees to their vectors
        if thread not in here:
            gone += retrieval.forget(user, thread)
            continue
        length = store.open(user, thread, "", 0).length
        turns = {turn.id for turn in store.turns(user, thread, 0, length) if turn.messages}
        gone += retrieval.forget(user, thread, [id for id in ids if not {id, _turn_of(id)} & turns])
    return gone


def _turn_of(id: str) -> str:
    """Return the id of the turn that a vector is of; those of single messages end in their place."""
    turn, _, place = id.rpartition(".")
    return turn if turn and place.isdecimal() else id


_lock = threading.Lock()
_looked_at: set[str] = set()
_asked: dict[str, tuple[float, bool]] = {}
