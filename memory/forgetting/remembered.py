"""What is remembered across conversations, as forgetting reaches it: facts that rest on a turn, and copies of them.

    >>> rows, said = take_out_facts(store, retrieval, user, resting_on(store, user, thread, turn))
    >>> [(row.place, row.there, row.left) for row in rows]
    [('facts remembered of it', 2, 0), ('copies of them in prompts', 5, 0)]

A fact goes back to what it said before that turn, or goes altogether where the turn was its first word. Copies stand
wherever it was sent, in any conversation: what a prompt held and no turn does is kept beside the traces.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from langgraph.store.base import PutOp

from memory.base import Item, Turn
from memory.errors import BadInput, ThreadGone
from memory.forgetting.maintained import entries_of, every_entry, resting_entries, take_out_entries
from memory.forgetting.receipt import Row
from memory.longterm.facts import REFS, WRITTEN_ANEW, Fact, Source, from_row, to_value
from memory.longterm.feedback import NAMESPACE as FEEDBACK
from memory.longterm.feedback import unused
from memory.longterm.rows import Row as Kept
from memory.longterm.taking_in import copy_covered
from memory.reply import RACES
from memory.retrieval.index import Retrieval
from memory.store import Store
from memory.stores.removal import Removal
from memory.trace import Trace

FACTS = "facts remembered of it"
PASSAGE_GONE = "a passage of a document that was deleted"
_COPY = re.compile(rf"^(?:\d+\.)?(?:fact|passage|{'|'.join(REFS.values())}):([0-9a-z]+):\d+$")

Changes = Mapping[str, tuple[Fact, Fact | None]]
"""Facts as they are and as they are to be, by key; None goes."""


def remembered(store: Store, user: str) -> dict[str, Fact]:
    """Return all facts of a user by key; raises StoreUnavailable."""
    # In no epoch that there is: all of them.
    rows = store.shelf.news(user, 0, "-").rows.values()
    return {fact.key: fact for fact in map(from_row, rows) if fact}


def told(fact: Fact) -> str:
    """Write all that a fact says and said."""
    return "\n".join(dict.fromkeys(text for text in (fact.text, *_earlier(fact)) if text))


def resting_on(store: Store, user: str, thread: str, turn: Turn | None = None) -> Changes:
    """Return the facts that a turn or any later one of its thread made, or any of a thread, and what is left of each.

    What a later turn made goes as well, and is made again of the turns that remain: the model saw what was known then.
    What a user said of an answer goes with that answer alone.
    """

    def later(source: Source) -> bool:
        return source.thread == thread and (turn is None or source.index >= turn.index)

    def same(source: Source) -> bool:
        return source.thread == thread and (turn is None or source.turn == turn.id)

    found = {}
    for key, fact in remembered(store, user).items():
        left = fact.without(same if fact.namespace == FEEDBACK else later)
        if left != fact:
            found[key] = (fact, left)
    return found


def remembered_as(store: Store, user: str, key: str) -> Changes:
    """Return the fact of a key, which goes altogether; nothing where there is none."""
    fact = remembered(store, user).get(key)
    return {key: (fact, None)} if fact else {}


def set_back(store: Store, user: str, thread: str, index: int) -> None:
    """Have the turns of a thread from `index` on taken in again."""
    copy_covered(store.shelf, user, thread, thread, index)


def take_out_facts(store: Store, retrieval: Retrieval, user: str, changes: Changes) -> tuple[list[Row], list[str]]:
    """Change or remove facts, and the copies of them in prompts; returns rows of the receipt and what they said."""
    if not changes:
        return [], []
    items = retrieval.items(store.shelf, user, lambda call: None)
    for _ in range(RACES):
        seen, rows = items.snapshot()
        there = {row.key: row for row in rows}
        puts = [
            # How long it is kept, and what of it is embedded, stay as they are.
            PutOp(fact.namespace, key, to_value(left) if left else None, _embedded(there[key]), there[key].ttl)
            for key, (fact, left) in changes.items()
            if key in there
        ]
        puts += _taken_in_again(changes, rows)
        if items.commit(puts, seen):
            break
    else:
        raise BadInput("Nothing was forgotten, as others kept writing here: try again in a moment.")
    now = remembered(store, user)
    still = sum(now.get(key) == fact for key, (fact, left) in changes.items() if left != fact)
    rows_made = [Row(FACTS, len(changes), still)]
    keys = [key for own, (fact, _) in changes.items() for key in (own, *fact.merged)]
    rows_made += take_out_copies(store, user, keys)
    said = [text for fact, _ in changes.values() for text in told(fact).splitlines()]
    logged, undone = take_out_entries(store, retrieval, user, entries_of(every_entry(store, user), keys))
    return [*rows_made, *logged], said + undone


def _embedded(row: Kept) -> Literal[False] | list[str] | None:
    return None if row.index is None else list(row.index) or False


def take_out_remembered(
    store: Store, retrieval: Retrieval, user: str, thread: str, turn: Turn | None = None
) -> tuple[list[Row], list[str]]:
    """Change or remove what rests on a turn or on a thread, and what the log of the maintenance still has of it."""
    rows, said = take_out_facts(store, retrieval, user, resting_on(store, user, thread, turn))
    more, undone = take_out_entries(store, retrieval, user, resting_entries(every_entry(store, user), thread, turn))
    return [*rows, *more], said + undone


def take_out_copies(store: Store, user: str, keys: Iterable[str]) -> list[Row]:
    """Remove the texts under which facts, or passages of documents, were sent in any conversation, by their keys."""
    wanted = set(keys)
    counts = [_copies(store, user, thread.id, wanted) for thread in store.threads(user)]
    gone = sum(count for count, _ in counts)
    return [Row("copies of them in prompts", gone, sum(left for _, left in counts))] if gone else []


def _taken_in_again(changes: Changes, rows: Iterable[Kept]) -> list[PutOp]:
    """Return the writes by which feedback counts as new that stood in versions of instructions which are gone."""
    gone = [left for fact, left in changes.values() if fact.kind in WRITTEN_ANEW]
    if not gone:
        return []
    since = min(left.at if left else 0.0 for left in gone)
    facts = [fact for fact in map(from_row, rows) if fact and fact.namespace == FEEDBACK and fact.key not in changes]
    later = [fact for fact in facts if fact.at > since]
    return [PutOp(fact.namespace, fact.key, to_value(unused(fact)), index=False) for fact in later]


def _earlier(fact: Fact) -> Iterator[str]:
    for version in fact.history:
        yield Fact(fact.key, fact.namespace, fact.kind, version.content).text


def _copies(store: Store, user: str, thread: str, keys: Iterable[str]) -> tuple[int, int]:
    """Remove the texts under which facts were sent in a thread; return how many there were and are left."""
    keys = set(keys)
    for _ in range(RACES):
        try:
            heads = store.heads(user, thread)
            told, events = store.traces(user, thread, 0, heads.length), store.events(user, thread)
        except ThreadGone:
            return 0, 0
        traces = [*told, *events]
        hashes = {
            hash
            for trace in traces
            for name, hash in trace.texts.items()
            if (copy := _COPY.match(name)) and copy[1] in keys
        }
        kept = store.texts(user, thread, hashes)
        if not kept:
            return 0, 0
        # An edit of no note, as it has no text: screens say that something was forgotten here.
        item = Item("facts:1", "memory", "forgotten", 0)
        event = Trace("edit", heads.length, uuid.uuid4().hex[:16], time.time(), heads.thread.memory, items=(item,))
        later = {index: plain for index, trace in enumerate(told) if (plain := _unnamed(trace, keys)) != trace}
        plain_events = [_unnamed(trace, keys) for trace in events]
        changed = tuple(plain_events) if plain_events != events else ()
        if store.forget(user, thread, Removal(heads, event, texts=tuple(kept), traces=later, events=changed)):
            return len(kept), len(store.texts(user, thread, kept))
    raise BadInput("Nothing was forgotten, as others kept writing here: try again in a moment.")


def _unnamed(trace: Trace, keys: Iterable[str]) -> Trace:
    """Return a trace that names no file of these documents: why a passage was sent says which file it is of."""

    def plain(item: Item) -> Item:
        copy = _COPY.match(item.ref)
        named = copy is not None and copy[1] in keys and "passage:" in item.ref
        return replace(item, why=PASSAGE_GONE) if named else item

    items = tuple(map(plain, trace.items))
    return trace if items == tuple(trace.items) else replace(trace, items=items)
