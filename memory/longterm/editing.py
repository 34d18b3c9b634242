"""What a person does to the items of their store by hand: adds, edits, deletes, takes back, turns a choice round.

    >>> fact = add(store, "Memory", {"content": "I live in Oslo."})
    >>> fact = edit(store, fact, {"content": "I live in Lisbon."})       # rests on no turn: a person said so
    >>> [version.content["content"] for version in fact.history]
    ['I live in Oslo.']
    >>> say_again(store, fact, 0).content["content"]
    'I live in Oslo.'
    >>> put_back(store, delete(store, fact.namespace, fact.key))

Each is one write that holds only if nothing has changed since it was looked at. Words are kept as they were typed.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from langgraph.store.base import PutOp
from pydantic import BaseModel, ValidationError

from memory.catalog import load
from memory.errors import BadInput, StoreUnavailable
from memory.longterm.base_store import UserStore
from memory.longterm.facts import WRITTEN_ANEW, Fact, Source, from_row, to_value
from memory.longterm.feedback import KIND as FEEDBACK
from memory.longterm.manager import APART
from memory.longterm.memory import LongTermMemory
from memory.longterm.namespace import MOST_LABELS, checked_label
from memory.longterm.optimizer import Instructions
from memory.longterm.prompt_store import GENERAL, key_of
from memory.longterm.rows import Row
from memory.longterm.taking_in import RACES
from memory.store import Store

MOST_DAYS = 3_650
"""How long something may be kept that goes by itself."""
DAY = 24 * 60
"""Minutes, in which stores count how long an item lives."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be added by hand: its schema, the last label of its namespace, and whether there is one of it only."""

    name: str
    label: str
    schema: type[BaseModel]
    folder: str
    single: bool = False

    @property
    def fields(self) -> list[str]:
        """The fields that say something, in their order; those that weigh it are apart."""
        return [name for name in self.schema.model_fields if name not in APART]


@cache
def kinds() -> dict[str, Kind]:
    """Return what can be added by hand, by the name of its schema: what the memories of the catalogue keep."""
    found: dict[str, Kind] = {}
    for cls in load().memories.values():
        if issubclass(cls, LongTermMemory):
            memory = cls()
            for schema in memory.manager.schemas:
                name = schema.__name__
                found.setdefault(name, Kind(name, cls.label, schema, cls.folder, memory.manager.profile))
    found["Instructions"] = Kind("Instructions", "Instructions", Instructions, "instructions", True)
    return found


def add(
    store: UserStore,
    kind: str,
    content: Mapping[str, Any],
    labels: Sequence[str] = (),
    importance: int = 5,
    confidence: float = 1.0,
    days: int | None = None,
) -> Fact:
    """Keep something new under these labels; raises BadInput for what is no such thing, and StoreUnavailable.

    After so many `days` in which no conversation has used it, it goes by itself; None stays.
    """
    known = kinds().get(kind)
    if known is None:
        raise BadInput(f"Nothing of the kind {kind[:40]!r} is kept: choose one of {', '.join(kinds())}.")
    if kind in WRITTEN_ANEW and labels:
        raise BadInput("Instructions hold in every conversation: leave the labels empty.")
    namespace = (*_labels(labels), known.folder)
    fixed = kind in WRITTEN_ANEW
    key = key_of(GENERAL) if fixed else uuid.uuid4().hex[:16]
    said = _checked(kind, content)
    fact = Fact(key, namespace, kind, said, (), time.time(), *_weights(importance, confidence))
    ttl = _minutes(days)

    def change(rows: Mapping[tuple[tuple[str, ...], str], Row]) -> list[PutOp]:
        there = [found for (place, _), row in rows.items() if place == namespace and (found := from_row(row))]
        if known.single and any(one.kind == kind and (one.key == key or not fixed) for one in there):
            raise BadInput(f"There is one of the kind {known.label} in {'/'.join(namespace)} already: edit that one.")
        return [_put(fact, ttl)]

    _commit(store, change)
    return fact


def edit(
    store: UserStore,
    fact: Fact,
    content: Mapping[str, Any],
    importance: int | None = None,
    confidence: float | None = None,
) -> Fact:
    """Have a fact say something else, what it said before in its history; its weights change without a version.

    Raises BadInput for what is none of its kind, and where it has changed since it was looked at.
    """
    said = _checked(fact.kind, content, fact.content)
    weights = _weights(
        fact.importance if importance is None else importance, fact.confidence if confidence is None else confidence
    )

    def changed(now: Fact) -> Fact:
        made = now if said == dict(now.content) else now.replaced(said, None, time.time())
        return replace(made, importance=weights[0], confidence=weights[1])

    return _changed(store, fact, changed)


def keep_for(store: UserStore, fact: Fact, days: int | None) -> None:
    """Have a fact go by itself after so many days in which nothing has used it; None has it stay.

    Raises BadInput where there is no such fact any more.
    """
    ttl = _minutes(days)

    def change(rows: Mapping[tuple[tuple[str, ...], str], Row]) -> list[PutOp]:
        row = _there(rows, fact.namespace, fact.key)
        index: Any = None if row.index is None else list(row.index) or False
        return [PutOp(row.namespace, row.key, dict(row.value), index=index, ttl=ttl)]

    _commit(store, change)


def say_again(store: UserStore, fact: Fact, number: int) -> Fact:
    """Have a fact say again what its earlier version `number` (from 0) said: the choice is turned round."""
    return _changed(store, fact, lambda now: now.restored(number, time.time()))


def delete(store: UserStore, namespace: tuple[str, ...], key: str) -> Row:
    """Delete an item and return it as it was; raises BadInput where it is gone."""
    gone: list[Row] = []

    def change(rows: Mapping[tuple[tuple[str, ...], str], Row]) -> list[PutOp]:
        gone[:] = [_there(rows, namespace, key)]
        return [PutOp(namespace, key, None)]

    _commit(store, change)
    return gone[0]


def put_back(store: UserStore, row: Row) -> None:
    """Undo a deletion; raises BadInput where something stands in its place by now."""

    def change(rows: Mapping[tuple[tuple[str, ...], str], Row]) -> list[PutOp]:
        if (row.namespace, row.key) in rows:
            raise BadInput("Something stands in its place by now, and stays: delete that first to have this one back.")
        index: Any = None if row.index is None else list(row.index) or False
        return [PutOp(row.namespace, row.key, dict(row.value), index=index, ttl=row.ttl)]

    _commit(store, change)


def still_told(kept: Store, user: str, row: Row) -> Row | None:
    """Return what of a deleted item may come back: no word of a turn that was forgotten since; None for nothing."""
    fact = from_row(row)
    if fact is None:
        return row
    gone: set[Source] = set()
    known = {thread.id for thread in (*kept.threads(user), *kept.threads(user, deleted=True))}
    for source in {*fact.sources, *(one for version in fact.history for one in version.sources)}:
        thread = kept.thread(user, source.thread)
        turns = kept.turns(user, source.thread, source.index, source.index + 1) if thread else []
        # One that was answered anew has another id and was never forgotten.
        if source.thread not in known or (turns and turns[0].id == source.turn and turns[0].status == "forgotten"):
            gone.add(source)
    left = fact.without(gone.__contains__)
    return replace(row, value=to_value(left)) if left else None


# --- one write --------------------------------------------------------------------------------------------------------


def _commit(store: UserStore, change: Callable[[Mapping[tuple[tuple[str, ...], str], Row]], list[PutOp]]) -> None:
    for _ in range(RACES):
        seen, rows = store.snapshot()
        if store.commit(change({(row.namespace, row.key): row for row in rows}), seen):
            return
    raise StoreUnavailable("Others kept writing, and nothing was changed: try again in a moment.")


def _changed(store: UserStore, fact: Fact, how: Callable[[Fact], Fact]) -> Fact:
    """Change a fact that still says what was looked at."""
    made: list[Fact] = []

    def change(rows: Mapping[tuple[tuple[str, ...], str], Row]) -> list[PutOp]:
        row = _there(rows, fact.namespace, fact.key)
        now = from_row(row)
        if now is None or (now.content, len(now.history)) != (fact.content, len(fact.history)):
            raise BadInput("It has changed since you looked at it: look at what it says now, then change that.")
        made[:] = [how(now)]
        return [_put(made[0], row.ttl)]

    _commit(store, change)
    return made[0]


def _there(rows: Mapping[tuple[tuple[str, ...], str], Row], namespace: tuple[str, ...], key: str) -> Row:
    row = rows.get((namespace, key))
    if row is None:
        raise BadInput("It is there no longer: somebody, or a forgetting, has removed it.")
    return row


def _put(fact: Fact, ttl: float | None) -> PutOp:
    # Only what is searched by likeness has vectors.
    index: Any = False if fact.kind in (*WRITTEN_ANEW, FEEDBACK) else ["content"]
    return PutOp(fact.namespace, fact.key, to_value(fact), index=index, ttl=ttl)


# --- what is typed ----------------------------------------------------------------------------------------------------


def _checked(kind: str, content: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what is filled of a content as it was typed; fields that its kind does not know stay as they were."""
    known = kinds().get(kind)
    filled = {name: value for name, value in content.items() if not _empty(value)}
    if known is None:
        if not filled:
            raise BadInput("It would say nothing: fill in a field, or delete it.")
        return filled
    fields = known.fields
    filled = {name: value for name, value in filled.items() if name in fields}
    try:
        known.schema.model_validate(filled)
    except ValidationError as error:
        raise BadInput(_sentence(error)) from None
    if not filled:
        raise BadInput("It would say nothing: fill in a field, or delete it.")
    # The feedback that caused instructions did not cause what a person writes.
    gone = {"because"} if kind in WRITTEN_ANEW else set()
    apart = {name: value for name, value in (before or {}).items() if name not in {*fields, *gone}}
    return {**apart, **filled}


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    name = " ".join(str(part) for part in first["loc"][:1]).replace("_", " ") or "content"
    limits = first.get("ctx") or {}
    if first["type"] in ("missing", "string_too_short"):
        return f"The field {name!r} is empty: write something in it."
    if first["type"] == "string_too_long":
        most = limits["max_length"]
        return f"The field {name!r} has {len(str(first['input'])):,} characters and may have {most:,}: shorten it."
    if first["type"] == "too_long":
        return f"The field {name!r} has too many lines and may have {limits['max_length']:,}: remove some."
    return f"The field {name!r} does not fit ({first['msg']}): change it."


def _weights(importance: int, confidence: float) -> tuple[int, float]:
    if not 1 <= importance <= 10:
        raise BadInput(f"The importance is {importance} and may be from 1 to 10.")
    if not 0.0 <= confidence <= 1.0:
        raise BadInput(f"The confidence is {confidence} and may be from 0 to 1.")
    return importance, confidence


def _minutes(days: int | None) -> float | None:
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise BadInput(f"It is to be kept for {days:,} days and may be from 1 to {MOST_DAYS:,}: choose a number there.")
    return None if days is None else days * float(DAY)


def _labels(labels: Sequence[str]) -> tuple[str, ...]:
    found = tuple(map(checked_label, filter(str.strip, labels)))
    if len(found) > MOST_LABELS:
        raise BadInput(f"There are {len(found)} labels and may be {MOST_LABELS}: leave some out.")
    return found
