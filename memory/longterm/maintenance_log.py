"""The log of maintenance: what was done to which items, each to be undone as long as they did not change since.

    >>> entry = entries(store.snapshot()[1])[0]
    >>> entry.kind, entry.state, entry.steps[0].before["content"], entry.steps[0].after["content"]
    ('resolve', 'done', {'content': 'The user lives in Oslo.'}, {'content': 'The user lives in Lisbon.'})
    >>> undo(store, entry.id, now)

It stands beside the user's items and is written with them in one step. The newest `MOST` entries are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from langgraph.store.base import PutOp
from pydantic import TypeAdapter

from memory.errors import BadInput, StoreUnavailable
from memory.longterm.base_store import UserStore
from memory.longterm.facts import Fact, from_row
from memory.longterm.maintenance import NAMESPACE, Action, Declined, Kind, Step
from memory.longterm.rows import Row, field_of
from memory.longterm.taking_in import RACES

MOST = 500
State = Literal["done", "undone", "proposed", "kept"]
_CHANGED = (
    "Something of it has changed since, or went: it cannot be undone as a whole. Undo what was done to it later first, "
    "or change the item itself."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An action of the log: `at` is when it was done or proposed, `changed` when a person last decided on it.

    What was proposed is `kept` where it was not wanted; what was done with it is a kind of its own, `forget`.
    """

    id: str
    kind: Kind
    steps: tuple[Step, ...]
    why: str
    state: State
    at: float
    changed: float = 0.0

    def facts(self) -> list[Fact]:
        """Return what its items were and became, as far as they are facts."""
        values = [(step, value) for step in self.steps for value in (step.before, step.after) if value is not None]
        rows = [Row(step.namespace, step.key, value, 0.0, 0.0) for step, value in values]
        return [fact for fact in map(from_row, rows) if fact]

    @property
    def keys(self) -> frozenset[str]:
        """The keys of its items, and of those that had gone into them."""
        merged = (key for fact in self.facts() for key in fact.merged)
        return frozenset([*(step.key for step in self.steps), *merged])


_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


def entries(rows: Iterable[Row]) -> list[Entry]:
    """Return the log, the newest first; what is no entry is passed over."""
    found = (_read(row) for row in rows if row.namespace == NAMESPACE)
    return sorted((entry for entry in found if entry), key=lambda entry: (entry.at, entry.id), reverse=True)


def declined(log: Iterable[Entry]) -> Declined:
    """Return what is not to be done again: what was undone, not wanted, or is proposed and not decided on."""
    return [
        (entry.kind, entry.keys, max(entry.at, entry.changed))
        for entry in log
        if entry.state != "done" and entry.kind != "forget"
    ]


def logged(actions: Sequence[Action], log: Sequence[Entry], now: float) -> list[PutOp]:
    """Return the writes that do some actions and note them, without the oldest entries that are too many then."""
    after = {step.field: step for action in actions for step in action.steps if step.before != step.after}
    puts = [_put(step, step.after) for step in after.values()]
    for place, action in enumerate(actions):
        state: State = "proposed" if action.kind == "propose" else "done"
        # A little later each: what rests on another is undone before it.
        at = now + place * 1e-6
        puts.append(_noted(Entry(_id(action, at), action.kind, action.steps, action.why, state, at)))
    return puts + [PutOp(NAMESPACE, entry.id, None) for entry in log[max(0, MOST - len(actions)) :]]


def undo(store: UserStore, id: str, now: float) -> Entry:
    """Have the items of an entry as they were before it; raises BadInput where one of them has changed since."""

    def change(entry: Entry, rows: dict[str, Row]) -> tuple[Entry, list[PutOp]]:
        if entry.state != "done":
            raise BadInput("There is nothing to undo: it was undone already, or never done.")
        if not all(_as(rows.get(step.field), step.after) for step in entry.steps):
            raise BadInput(_CHANGED)
        return replace(entry, state="undone", changed=now), [_put(step, step.before, rows) for step in entry.steps]

    return _decided(store, id, change)


def accept(store: UserStore, id: str, now: float) -> Entry:
    """Delete what was proposed to be forgotten; it can be undone like everything else in the log."""

    def change(entry: Entry, rows: dict[str, Row]) -> tuple[Entry, list[PutOp]]:
        if entry.state != "proposed":
            raise BadInput("It is proposed no longer: somebody has decided on it already.")
        if not all(_as(rows.get(step.field), step.before) for step in entry.steps):
            raise BadInput("It has changed since it was proposed: look at what it says now.")
        steps = tuple(replace(step, after=None) for step in entry.steps)
        made = replace(entry, kind="forget", steps=steps, state="done", changed=now)
        return made, [_put(step, None) for step in steps]

    return _decided(store, id, change)


def keep(store: UserStore, id: str, now: float) -> Entry:
    """Have what was proposed to be forgotten stay, and not be proposed again before it was passed over anew."""

    def change(entry: Entry, rows: dict[str, Row]) -> tuple[Entry, list[PutOp]]:
        if entry.state != "proposed":
            raise BadInput("It is proposed no longer: somebody has decided on it already.")
        return replace(entry, state="kept", changed=now), []

    return _decided(store, id, change)


def _decided(store: UserStore, id: str, change: Callable[[Entry, dict[str, Row]], tuple[Entry, list[PutOp]]]) -> Entry:
    for _ in range(RACES):
        seen, rows = store.snapshot()
        entry = next((entry for entry in entries(rows) if entry.id == id), None)
        if entry is None:
            raise BadInput("It stands in the log no longer: it was forgotten, or too much was done since.")
        made, puts = change(entry, {field_of(row.namespace, row.key): row for row in rows})
        if store.commit([*puts, _noted(made)], seen):
            return made
    raise StoreUnavailable("Others kept writing, and nothing was changed: try again in a moment.")


def _as(row: Row | None, value: Any) -> bool:
    """Whether an item is there with this value, or not there where that is None."""
    return row is None if value is None else row is not None and dict(row.value) == dict(value)


def _put(step: Step, value: Any, rows: Mapping[str, Row] = MappingProxyType({})) -> PutOp:
    """Return the write that gives an item a value; how long it is kept stays as it is."""
    index: Any = None if step.index is None else list(step.index) or False
    ttl = row.ttl if (row := rows.get(step.field)) else None
    return PutOp(step.namespace, step.key, None if value is None else dict(value), index=index, ttl=ttl)


def _noted(entry: Entry) -> PutOp:
    value: dict[str, Any] = _ENTRY.dump_python(entry, mode="json", exclude={"id"})
    return PutOp(NAMESPACE, entry.id, value, index=False)


def _read(row: Row) -> Entry | None:
    if "steps" not in row.value:
        return None
    try:
        return _ENTRY.validate_python({**row.value, "id": row.key})
    except ValueError:
        return None


def _id(action: Action, at: float) -> str:
    said = json.dumps([at, [step.field for step in action.steps]])
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
