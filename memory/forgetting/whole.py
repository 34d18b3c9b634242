"""Forgets a whole conversation, or everything of a user.

    >>> clear(store, retrieval, user, thread).there("turns")
    4

The store comes first: where it is away, nothing is deleted. A deletion that can be undone for ten minutes leaves the
turns where they are until then; `forget_thread` does not wait.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from memory.catalog import load
from memory.errors import BadInput, ThreadGone
from memory.forgetting.documents import take_out_document
from memory.forgetting.owed import look_again, with_vectors
from memory.forgetting.places import every_text, outside
from memory.forgetting.receipt import Receipt, Row
from memory.forgetting.remembered import take_out_remembered
from memory.forgetting.said import probes, said_in
from memory.forgetting.written_anew import written_anew
from memory.lessons import sandbox
from memory.retrieval.index import Retrieval
from memory.store import UNDO_SECONDS, UNTITLED, Store
from memory.threads import title_of

BLOCK = 500
"""Turns that are read at a time."""


def delete(store: Store, retrieval: Retrieval, user: str, thread: str) -> Receipt:
    """Delete a thread, its vectors at once and for good; the thread itself can be restored for ten minutes."""
    store.delete_thread(user, thread)
    until = f"it can be restored for {UNDO_SECONDS // 60} minutes; then the store itself removes it"
    return Receipt(
        "a conversation", (Row("conversation", 1, None, until), with_vectors(store, retrieval, user, thread))
    )


def clear(store: Store, retrieval: Retrieval, user: str, thread: str) -> Receipt:
    """Remove everything that was said in a thread and made of it; its memory stays, and a name of its own."""
    said = _said(store, user, thread)
    found, first = store.thread(user, thread), store.turns(user, thread, 0, 1)
    rows, more = take_out_remembered(store, retrieval, user, thread)
    said += more
    there = store.clear(user, thread)
    if found and first and found.title == title_of(first[0].human):
        with suppress(ThreadGone):
            store.put_thread(user, replace(found, title=UNTITLED), create=False)
    vectors = with_vectors(store, retrieval, user, thread)
    notes, texts = store.everything(user, thread)
    left = {"turns": store.open(user, thread, "", 0).length, "notes": len(notes), "texts": len(texts)}
    left["events"] = len(store.events(user, thread))
    left["pictures"] = len(store.picture_ids(user, thread))
    return _receipt(store, retrieval, user, "a conversation's turns", there, left, [*rows, vectors], said)


def forget_thread(store: Store, retrieval: Retrieval, user: str, thread: str) -> Receipt:
    """Remove a thread for good, whether it was deleted before or not."""
    said = _said(store, user, thread)
    rows, more = take_out_remembered(store, retrieval, user, thread)
    said += more
    there = {"conversation": int(_known(store, user, thread)), **store.purge(user, thread)}
    vectors = with_vectors(store, retrieval, user, thread)
    left = {"conversation": int(_known(store, user, thread)), "turns": int(_is_there(store, user, thread))}
    left["pictures"] = len(store.picture_ids(user, thread))
    return _receipt(store, retrieval, user, "a conversation", there, left, [*rows, vectors], said)


def forget_document(store: Store, retrieval: Retrieval, user: str, id: str) -> Receipt:
    """Forget a document, and look afterwards whether its words are in any file; raises BadInput where there is none."""
    rows, said = take_out_document(store, retrieval, user, id)
    if not rows:
        raise BadInput("This document is kept no longer: choose one of those that are listed.")
    look_again(user)
    wanted = probes(said, [place.text for place in every_text(store, user)])
    return Receipt("a document", (*rows, *written_anew(store, retrieval, user, wanted)))


def erase(store: Store, retrieval: Retrieval, user: str) -> Receipt:
    """Remove everything of a user, what memories keep of him outside of the store, and what was said in his lessons."""
    of_lessons = sandbox.identities(store, user)
    known = [thread.id for deleted in (False, True) for thread in store.threads(user, deleted)]
    said = [text for thread in known for text in _said(store, user, thread)]
    said += [place.text for place in every_text(store, user) if "/turn:" not in place.id]
    # Last that by which they are known: one that was interrupted finds them again.
    played = sandbox.remove(store, retrieval, [*of_lessons, sandbox.desk(user)])
    there = {**store.erase(user), **{f"kept by {label}": count for label, count in load().erase(user).items()}}
    vectors = with_vectors(store, retrieval, user, None)
    left = {"threads": sum(len(store.threads(user, deleted)) for deleted in (False, True))}
    left["turns"] = sum(_is_there(store, user, thread) for thread in known)
    left["pictures"] = sum(len(store.picture_ids(user, thread)) for thread in known)
    left["settings"] = len(store.settings(user))
    left["documents"] = len(store.shelf.documents.listed(user))
    left["experiments"] = sum(len(store.experiments(user, deleted)) for deleted in (False, True))
    rows = [vectors, Row("kept by memories elsewhere", 0, len(outside(user)))]
    if of_lessons:
        still = sum(len(store.threads(one)) for one in (*of_lessons, *sandbox.identities(store, user)))
        rows.append(Row("conversations of lessons", played, still))
    return _receipt(store, retrieval, user, "everything", there, left, rows, said)


def _receipt(
    store: Store,
    retrieval: Retrieval,
    user: str,
    what: str,
    there: dict[str, int],
    left: dict[str, int],
    rows: list[Row],
    said: list[str],
) -> Receipt:
    look_again(user)
    counted = [Row(name, there.get(name, 0), left.get(name, 0)) for name in {**there, **left}]
    wanted = probes(said, [place.text for place in every_text(store, user)])
    return Receipt(what, (*counted, *rows, *written_anew(store, retrieval, user, wanted)))


def _said(store: Store, user: str, thread: str) -> list[str]:
    """Return what was said in a thread and written of it, to look for it afterwards."""
    said: list[str] = []
    try:
        found = store.thread(user, thread)
        for start in range(0, 10**9, BLOCK):
            turns = store.turns(user, thread, start, start + BLOCK)
            said += [text for turn in turns for text in said_in(turn)]
            if len(turns) < BLOCK:
                break
        said += [note.text for note in store.everything(user, thread)[0].values()]
        said += [found.title] if found else []
    except ThreadGone:
        pass  # a temporary one that was deleted
    return said


def _known(store: Store, user: str, thread: str) -> bool:
    return any(one.id == thread for deleted in (False, True) for one in store.threads(user, deleted))


def _is_there(store: Store, user: str, thread: str) -> bool:
    try:
        return bool(store.thread(user, thread) or store.turns(user, thread, 0, 1))
    except ThreadGone:
        return False
