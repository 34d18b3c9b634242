"""The log of maintenance, as forgetting reaches it: what an entry would put back goes with what is forgotten.

    >>> rows, said = take_out_entries(store, retrieval, user, resting_entries(every_entry(store, user), thread, turn))
    >>> [(row.place, row.there, row.left) for row in rows]
    [('log of the maintenance', 2, 0)]

An entry goes altogether: what it did stays done, and cannot be undone any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from langgraph.store.base import PutOp

from memory.base import Turn
from memory.errors import BadInput
from memory.forgetting.receipt import Row
from memory.longterm.facts import Fact, Source
from memory.longterm.maintenance import NAMESPACE
from memory.longterm.maintenance_log import Entry, entries
from memory.reply import RACES
from memory.retrieval.index import Retrieval
from memory.store import Store

LOG = "log of the maintenance"


def every_entry(store: Store, user: str) -> dict[str, tuple[Entry, str]]:
    """Return the log by the ids of its entries, each with all that it says; raises StoreUnavailable."""
    found = entries(store.shelf.news(user, 0, "-").rows.values())
    return {entry.id: (entry, "\n".join(dict.fromkeys(_said(entry)))) for entry in found}


def entries_of(every: Mapping[str, tuple[Entry, str]], keys: Iterable[str]) -> list[str]:
    """Return the ids of the entries of a log that changed any of these items."""
    wanted = set(keys)
    return [id for id, (entry, _) in every.items() if entry.keys & wanted]


def resting_entries(every: Mapping[str, tuple[Entry, str]], thread: str, turn: Turn | None = None) -> list[str]:
    """Return the ids of the entries that hold what a turn or a later one of its thread said, or any of a thread."""

    def rests(source: Source) -> bool:
        return source.thread == thread and (turn is None or source.index >= turn.index)

    return [
        id
        for id, (entry, _) in every.items()
        if any(rests(source) for fact in entry.facts() for source in _sources(fact))
    ]


def take_out_entries(
    store: Store, retrieval: Retrieval, user: str, ids: Collection[str]
) -> tuple[list[Row], list[str]]:
    """Remove entries of the log; returns rows of the receipt and what they said."""
    known = {id: text for id, (_, text) in every_entry(store, user).items() if id in set(ids)}
    if not known:
        return [], []
    items = retrieval.items(store.shelf, user, lambda call: None)
    for _ in range(RACES):
        seen, rows = items.snapshot()
        there: Mapping[str, None] = {row.key: None for row in rows if row.namespace == NAMESPACE and row.key in known}
        if items.commit([PutOp(NAMESPACE, key, None) for key in there], seen):
            break
    else:
        raise BadInput("Nothing was forgotten, as others kept writing here: try again in a moment.")
    left = sum(id in known for id in every_entry(store, user))
    return [Row(LOG, len(known), left)], [line for text in known.values() for line in text.splitlines()]


def _said(entry: Entry) -> Iterable[str]:
    for fact in entry.facts():
        yield fact.text
        for version in fact.history:
            yield Fact(fact.key, fact.namespace, fact.kind, version.content).text


def _sources(fact: Fact) -> Iterable[Source]:
    yield from fact.sources
    for version in fact.history:
        yield from version.sources
