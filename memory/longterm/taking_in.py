"""Takes turns of a conversation into what is remembered of its user: once each, however many processes try.

    >>> take_in(by_model(manager, store, ("facts",), services), store, ("facts",), transcript, 9, services)
    9

Which turns of a thread are in is an item beside the facts, written with them in one step if nothing has changed since
they were read: the loser of a race reads again, and finds that there is nothing left to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langgraph.store.base import PutOp

from memory.base import Services, Turn
from memory.common.extract import said
from memory.longterm.base_store import UserStore
from memory.longterm.facts import Fact, Source, from_row, key_of, to_value
from memory.longterm.manager import APART, Change, MemoryManager, Remembered
from memory.longterm.rows import Row, field_of
from memory.longterm.shelf import Shelf
from memory.transcript import thread_of

COVERED = "covered"
"""The last label of the namespace in which it stands how many turns of each thread are in."""
LAST = 16
"""Of how many of the last turns the ids are kept, to see whether the thread is still the one that was taken in."""
RACES = 8
SHOWN = 20
"""How many of the known facts the model is offered to change, the most alike first."""


def covered(store: UserStore, namespace: tuple[str, ...], transcript: Sequence[Turn]) -> int:
    """Say how many turns of a thread are in."""
    item = store.get((*namespace, COVERED), thread_of(transcript))
    return _in(item.value, transcript) if item else 0


Changes = Callable[[Mapping[str, Fact], Sequence[Turn]], Sequence[Change]]
"""Says what the last of some turns changes in the facts that are known by key."""


def take_in(
    changes: Changes,
    store: UserStore,
    namespace: tuple[str, ...],
    transcript: Sequence[Turn],
    end: int,
    services: Services,
    before: int = 0,
    since: int = 0,
) -> int:
    """Take in the turns before `end` that are not in yet; returns how many are in then.

    The model sees each with so many turns `before` it. None before `since` is taken in, where none of them is yet.

    Raises ModelFailed and StoreUnavailable; then none of them is in.
    """
    thread = thread_of(transcript)
    for _ in range(RACES):
        seen, rows = store.snapshot()
        done = next((row for row in rows if row.namespace == (*namespace, COVERED) and row.key == thread), None)
        begun = int(done.value.get("since", 0)) if done else since
        length = max(begun, _in(done.value, transcript)) if done else since
        if services.estimates:
            length = end - 1  # whoever asks for a price says from where on it is to be taken in
        facts, changed = _facts(rows, namespace), dict[str, Fact | None]()
        for turn in transcript[length:end]:
            source = Source(thread, turn.id, turn.index)
            shown = transcript[max(0, turn.index - before) : turn.index + 1]
            for change in changes(facts, shown):
                made = _applied(change, facts, namespace, source, turn.at or services.now)
                changed |= made
                facts = {key: fact for key, fact in {**facts, **made}.items() if fact}
        if services.estimates or end <= length:
            return max(end, length)
        # Only its content is searched by likeness.
        kept = {row.key: row.ttl for row in rows if row.namespace == namespace}
        puts = [
            PutOp(namespace, key, to_value(fact) if fact else None, index=["content"], ttl=kept.get(key))
            for key, fact in changed.items()
        ]
        last = [[turn.index, turn.id] for turn in transcript[max(0, end - LAST) : end]]
        value = {"turns": end, "last": last, "since": begun}
        puts.append(PutOp((*namespace, COVERED), thread, value, index=False))
        if store.commit(puts, seen):
            return end
    return covered(store, namespace, transcript)


def _in(value: Mapping[str, Any], transcript: Sequence[Turn]) -> int:
    """Say how many turns are in of what is the thread now: it may have been cleared, or its last answer replaced."""
    last = [(int(index), str(id)) for index, id in value.get("last", ())]
    here = [(index, transcript[index].id == id) for index, id in last if index < len(transcript)]
    if not any(same for _, same in here):
        return 0
    return next((index for index, same in here if not same), int(value.get("turns", 0)))


def copy_covered(shelf: Shelf, user: str, thread: str, to: str, length: int) -> None:
    """Note that the first `length` turns of a thread are in where a fork of it has them too: none is taken in twice."""
    rows: dict[str, Row | None] = {}
    for row in shelf.news(user, 0, "-").rows.values():
        if row.namespace[-1] == COVERED and row.key == thread:
            turns = min(length, int(row.value.get("turns", 0)))
            last = [one for one in row.value.get("last", ()) if one[0] < turns]
            value = {**row.value, "turns": turns, "last": last}
            rows[field_of(row.namespace, to)] = replace(row, key=to, value=value)
    shelf.put(user, rows, time.time())


def facts_of(store: UserStore, namespace: tuple[str, ...]) -> dict[str, Fact]:
    """Return all facts of a namespace by key, the last changed first."""
    return _facts(store.snapshot()[1], namespace)


def _facts(rows: Sequence[Row], namespace: tuple[str, ...]) -> dict[str, Fact]:
    found = (from_row(row) for row in rows if row.namespace == namespace)
    return {fact.key: fact for fact in found if fact}


def by_model(manager: MemoryManager, store: UserStore, namespace: tuple[str, ...], services: Services) -> Changes:
    """Have the memory's model say what changes; the facts that are most like the turns are searched for first."""

    def changes(facts: Mapping[str, Fact], turns: Sequence[Turn]) -> Sequence[Change]:
        words = "\n".join(filter(None, (said(turn, services, reserved=4_000) for turn in turns)))
        if not words:
            return ()
        shown = [Remembered(fact.key, fact.kind, fact.content) for fact in facts.values()]
        if len(shown) > SHOWN:
            near = {item.key: place for place, item in enumerate(store.search(namespace, query=words, limit=SHOWN))}
            shown = sorted(shown, key=lambda one: near.get(one.key, len(near)))[:SHOWN]
        return manager.changes(services, words, shown)

    return changes


def _applied(
    change: Change, known: dict[str, Fact], namespace: tuple[str, ...], source: Source, at: float
) -> dict[str, Fact | None]:
    """Make of a change what is to be written."""
    if change.action == "delete" and change.key:
        return {change.key: None}
    content = {name: value for name, value in change.content.items() if name not in APART}
    weights = {name: value for name, value in change.content.items() if name in APART}
    fact = known.get(change.key or "")
    if fact is not None:
        return {fact.key: replace(fact.replaced(content, source, at), **weights)}
    key = key_of(change.kind, content, source)
    return {key: known.get(key) or Fact(key, namespace, change.kind, content, (source,), at, **weights)}
