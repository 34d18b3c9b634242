"""Threads as a user handles them: new, forked, exported and imported.

    >>> thread = new(store, user, memory)
    >>> copy = fork(store, user, thread.id, length=3, title="Alex, another way")

A fork takes turns, traces, notes and states along, so that its memory costs nothing to rebuild; one of a column of a
live comparison is a conversation like any other.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from memory.base import Memory, Note, Turn, rewind
from memory.edits.events import copied
from memory.errors import InspectorError, ThreadGone
from memory.longterm.taking_in import copy_covered
from memory.pictures import album
from memory.retrieval.index import Retrieval
from memory.store import UNTITLED, Store, Thread, edits_of
from memory.trace import Trace


def new(store: Store, user: str, memory: Memory, title: str = UNTITLED) -> Thread:
    """Create an empty thread."""
    thread = Thread(
        uuid.uuid4().hex[:16], title, time.time(), time.time(), memory.name, memory.settings.model_dump(mode="json")
    )
    store.put_thread(user, thread)
    return thread


def fork(
    store: Store, user: str, thread: str, length: int, title: str | None = None, retrieval: Retrieval | None = None
) -> Thread:
    """Copy the first `length` turns of a thread into a new one, with everything its memories know of them.

    Vectors that are away are not copied: they are made again by the next turn.
    """
    source = store.thread(user, thread)
    if source is None:
        raise ThreadGone("This conversation has been deleted. Restore it from the menu, or start a new one.")
    notes, texts = store.everything(user, thread)
    copy = replace(
        source,
        id=uuid.uuid4().hex[:16],
        title=title or f"{source.title} (fork)",
        created=time.time(),
        updated=time.time(),
        parent=thread,
        forked_at=length,
        experiment="",
    )
    turns, traces = store.turns(user, thread, 0, length), store.traces(user, thread, 0, length)
    taken = copied(store.events(user, thread), texts, notes, length)
    # What was sent later stays behind: nothing in the copy would name it, so that no forgetting there could find it.
    named = {hash for trace in (*traces, *taken.events) for hash in trace.texts.values()}
    kept = {hash: text for hash, text in taken.texts.items() if hash in named}
    fill(store, user, copy, turns, traces, taken.events, taken.notes, kept)
    with suppress(InspectorError):
        album.copy(store, user, thread, store, copy.id, turns)
    copy_covered(store.shelf, user, thread, copy.id, length)
    if retrieval:
        with suppress(InspectorError):
            retrieval.copy(user, thread, copy.id, turns)
    return copy


UNFINISHED = "Not finished: "
"""Begins a thread's title until everything of it is stored."""


def fill(
    store: Store,
    user: str,
    thread: Thread,
    turns: Sequence[Turn],
    traces: Sequence[Trace],
    events: Sequence[Trace],
    notes: dict[str, Note],
    texts: dict[str, str],
) -> None:
    """Create a thread with its whole content; where the store fails on the way, what was stored is deleted again."""
    with all_or_none(store, user) as begun:
        begun.append(thread.id)
        fill_unfinished(store, user, thread, turns, traces, events, notes, texts)
        store.put_thread(user, thread)


@contextmanager
def all_or_none(store: Store, user: str) -> Iterator[list[str]]:
    """Delete the threads whose ids are in the list that it gives, where what is done with them fails."""
    begun: list[str] = []
    try:
        yield begun
    except BaseException:
        for id in begun:
            try:
                store.delete_thread(user, id)
            except InspectorError:
                pass  # the store is away: the title says what this is
        raise


def fill_unfinished(
    store: Store,
    user: str,
    thread: Thread,
    turns: Sequence[Turn],
    traces: Sequence[Trace],
    events: Sequence[Trace],
    notes: dict[str, Note],
    texts: dict[str, str],
) -> None:
    """Store a thread's content under a title that says it is not whole; its memories' states follow from their notes.

    Whoever calls it gives the thread its own title when all is done.
    """
    store.put_thread(user, replace(thread, title=UNFINISHED + thread.title))
    store.extend(user, thread.id, turns, traces, events)
    store.put_notes(user, thread.id, notes, texts)
    keys, made = {ref.rpartition("/")[0] for ref in notes}, edits_of(events)
    for key in keys:
        history = [note for ref, note in notes.items() if ref.rpartition("/")[0] == key]
        revision = store.open(user, thread.id, key, 0).revision
        state = replace(rewind(history, len(turns)), edits=made.get(key, 0))
        store.put_state(user, thread.id, key, revision, state)


def title_of(query: str) -> str:
    """Make a thread's title of its first message: its first words, at most 40 characters."""
    words = " ".join(query.split())
    return words if len(words) <= 40 else words[:39].rsplit(" ", 1)[0] + "…"


def keep(source: Store, target: Store, user: str, thread: str) -> Thread:
    """Move a thread from one store to another, as when a temporary one is to be kept."""
    found = source.thread(user, thread)
    if found is None:
        raise ThreadGone("This conversation has been deleted. Restore it from the menu, or start a new one.")
    length = source.open(user, thread, "", 0).length
    notes, texts = source.everything(user, thread)
    turns, traces = source.turns(user, thread, 0, length), source.traces(user, thread, 0, length)
    if target.restore_thread(user, thread):
        target.clear(user, thread)  # what an earlier try has left that failed
    fill(target, user, found, turns, traces, source.events(user, thread), notes, texts)
    album.copy(source, user, thread, target, thread, turns)
    source.delete_thread(user, thread)
    return found
