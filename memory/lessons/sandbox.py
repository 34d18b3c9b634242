"""Identities of a lesson's own: what is said in it stands under them, apart from what the learner says elsewhere.

    >>> identity(owner, "people", "alice")
    'lesson-5d0c7b...'
    >>> remove(store, retrieval, identities(store, owner))

They are made of the owner's id, which is a secret of one browser, so that nobody else can name them. What they hold
expires as everybody's does, goes with a fresh start of the lesson, and with everything of the owner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from memory.catalog import load
from memory.forgetting.owed import with_vectors
from memory.longterm.rows import name_of
from memory.preferences import Preferences
from memory.retrieval.index import Retrieval
from memory.store import Store, check_user

DESK = ("lessons",)
"""The namespace in which it stands how far the owner is in each lesson, under an identity of its own."""
BENCH = ""
"""Stands for the person of a lesson under whom what it measured by checks and comparisons is kept."""


def identity(owner: str, lesson: str, person: str) -> str:
    """Name a person of a lesson in the store; always the same one for the same owner."""
    check_user(owner)
    return f"lesson-{hashlib.sha256(f'{owner}/{lesson}/{person}'.encode()).hexdigest()[:40]}"


def desk(owner: str) -> str:
    """Name the identity under which it is kept how far the owner is in all lessons."""
    return identity(owner, "", "")


def settle_in(store: Store, user: str) -> None:
    """Make an identity ready: nothing but the lesson changes what is remembered of it."""
    Preferences().but(maintenance="off").save(store, user)


def identities(store: Store, owner: str) -> list[str]:
    """Return the identities of all lessons that an owner has begun; may raise StoreUnavailable."""
    found: list[str] = []
    for row_name, row in store.shelf.news(desk(owner), 0, "-").rows.items():
        namespace, lesson = name_of(row_name)
        if namespace == DESK:
            people = [str(person) for person in row.value.get("people", ())]
            found += [identity(owner, lesson, person) for person in (*people, BENCH)]
    return found


def remove(store: Store, retrieval: Retrieval, users: Iterable[str]) -> int:
    """Remove everything of some identities; returns how many conversations they had. May raise StoreUnavailable."""
    threads = 0
    for user in dict.fromkeys(users):
        threads += store.erase(user).get("threads", 0)
        load().erase(user)
        with_vectors(store, retrieval, user, None)
    return threads
