"""Brings a package into a store: all of it under new ids, or nothing.

>>> str(bring_in(store, user, read(data)))
'3 conversations, 120 turns imported'
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from memory.common.words import plural
from memory.exchange.bounds import ID
from memory.exchange.package import Package
from memory.exchange.remembered import placed
from memory.longterm.taking_in import COVERED
from memory.store import Store, Thread
from memory.threads import all_or_none, fill_unfinished


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an import brought in: threads, and by their fields the items that are remembered across them.

    `settings` says whether the file's settings were taken over.
    """

    threads: tuple[str, ...]
    turns: int
    settings: bool = False
    notices: tuple[str, ...] = ()
    remembered: tuple[str, ...] = ()

    def __str__(self) -> str:
        also = f", {plural(len(self.remembered), 'remembered item')}" if self.remembered else ""
        return f"{plural(len(self.threads), 'conversation')}, {plural(self.turns, 'turn')}{also} imported"


def bring_in(
    store: Store,
    user: str,
    package: Package,
    settings: bool | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Receipt:
    """Store a package under new thread ids; where the store fails on the way, what was stored is deleted again.

    `settings` says whether the package's replace the user's; None: only where the user has none yet. `progress` is told
    from 0 to 1 after each conversation; what it raises ends the import.
    """
    names: dict[str, str] = {}
    threads: list[Thread] = []
    for content in package.threads:
        id = uuid.uuid4().hex[:16]
        names.setdefault(content.thread.id, id)
        threads.append(replace(content.thread, id=id, experiment=""))
    for place, thread in enumerate(threads):
        parent = names.get(thread.parent or "")
        if parent is None and thread.parent and ID.fullmatch(thread.parent) and store.thread(user, thread.parent):
            parent = thread.parent
        if parent != thread.parent:
            threads[place] = replace(thread, parent=parent, forked_at=thread.forked_at if parent else None)
    taken = package.preferences is not None and (settings is True or (settings is None and not store.settings(user)))
    turns, done = sum(len(content.turns) for content in package.threads), 0
    with all_or_none(store, user) as begun:
        for thread, content in zip(threads, package.threads, strict=True):
            begun.append(thread.id)
            notes, texts = dict(content.notes or {}), dict(content.texts or {})
            fill_unfinished(store, user, thread, content.turns, content.traces, content.events, notes, texts)
            store.put_pictures(user, thread.id, content.pictures or {})
            done += len(content.turns)
            progress(done / max(1, turns))
        for thread in threads:
            store.put_thread(user, thread)
        if taken and package.preferences:
            package.preferences.save(store, user)
        remembered, notices = _remembered(store, user, package, names)
    return Receipt(tuple(thread.id for thread in threads), turns, taken, (*package.notices, *notices), remembered)


def _remembered(
    store: Store, user: str, package: Package, names: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Store what is remembered and not here yet; return the fields of the facts, and a sentence on those left out."""
    rows = placed(package.remembered, names)
    known = store.shelf.news(user, 0, "-").rows if rows else {}
    fresh = {field: row for field, row in rows.items() if field not in known}
    store.shelf.put(user, fresh, time.time())
    facts = tuple(field for field, row in fresh.items() if row.namespace[-1] != COVERED)
    if not (stays := len(rows) - len(fresh)):
        return facts, ()
    return facts, (f"Remembered here already, and left as it is: {plural(stays, 'item')}.",)
