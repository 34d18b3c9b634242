"""What is remembered across conversations, in a file: facts with their history, and which turns are in them already.

    >>> rows = checked([Entry(namespace=["facts"], key="f1", value={"kind": "Memory", "content": {...}}, updated=9.0)])
    >>> placed(rows, {"thread of the file": "thread here"})
    {'["facts","f1"]': Row(namespace=('facts',), key='f1', ...)}

A source is a turn of a conversation that comes in with it; one that does not is left out, the fact stays. How what is
remembered was looked after is not written: its log is undone where it was made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from memory.errors import BadInput
from memory.exchange.bounds import LAST_TIME, bound, wrong
from memory.longterm.facts import MOST_HISTORY, Fact, Source, Version, from_row, to_value
from memory.longterm.rows import Row, field_of, to_bytes
from memory.longterm.taking_in import COVERED, LAST
from memory.store import Store

MOST_ITEMS = 100_000
_LONGEST_TTL = 100 * 365 * 24 * 60.0
Label = Annotated[str, StringConstraints(pattern=r"^[^.\x00-\x1f]{1,200}$")]


class Entry(BaseModel):
    """An item as a file has it; `ttl` in minutes, the times in seconds since 1970."""

    model_config = ConfigDict(allow_inf_nan=False)

    namespace: Annotated[list[Label], Field(min_length=1, max_length=12)]
    key: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    value: dict[str, Any]
    updated: float
    ttl: float | None = None
    expires: float | None = None


def written(store: Store, user: str) -> Iterator[bytes]:
    """Yield each fact of a user, and each note of which turns are in, as JSON; may raise StoreUnavailable."""
    now = time.time()
    for row in store.shelf.news(user, 0, "-").rows.values():
        if row.alive(now) and (row.namespace[-1] == COVERED or from_row(row)):
            entry = Entry(
                namespace=list(row.namespace),
                key=row.key,
                value=dict(row.value),
                updated=row.updated,
                ttl=row.ttl,
                expires=row.expires,
            )
            yield json.dumps(entry.model_dump(mode="json", exclude_none=True), ensure_ascii=False).encode()


def checked(entries: Sequence[Entry]) -> tuple[Row, ...]:
    """Return the items of a file, each sound in every part; raises BadInput with the place of one that is not."""
    rows = []
    for number, entry in enumerate(entries):
        where = f"remembered[{number}]"
        bound(f"{where}.updated", entry.updated, 0, LAST_TIME, "seconds since 1970")
        bound(f"{where}.ttl", entry.ttl or 0, 0, _LONGEST_TTL, "minutes")
        bound(f"{where}.expires", entry.expires or 0, 0, LAST_TIME, "seconds since 1970")
        times = (entry.ttl, entry.expires) if entry.ttl and entry.expires else (None, None)
        row = Row(tuple(entry.namespace), entry.key, entry.value, entry.updated, entry.updated, None, *times)
        if row.namespace[-1] == COVERED:
            row = replace(row, value=_covered(entry.value, f"{where}.value"), index=())
        else:
            row = replace(row, value=to_value(_fact(row, f"{where}.value")), index=("content",))
        try:
            to_bytes(row)
        except BadInput as error:
            raise wrong(where, str(error).rstrip(".")) from None
        rows.append(row)
    return tuple(rows)


def placed(rows: Sequence[Row], threads: Mapping[str, str]) -> dict[str, Row]:
    """Return items by their fields, the threads of the file under the names that they have here."""
    found: dict[str, Row] = {}
    now = time.time()
    for row in rows:
        if not row.alive(now):
            continue
        if row.namespace[-1] == COVERED:
            if row.key not in threads:
                continue
            row = replace(row, key=threads[row.key])
        elif fact := from_row(row):
            history = tuple(replace(one, sources=_here(one.sources, threads)) for one in fact.history)
            row = replace(row, value=to_value(replace(fact, sources=_here(fact.sources, threads), history=history)))
        found[field_of(row.namespace, row.key)] = row
    return found


def _here(sources: Sequence[Source], threads: Mapping[str, str]) -> tuple[Source, ...]:
    return tuple(replace(one, thread=threads[one.thread]) for one in sources if one.thread in threads)


def _fact(row: Row, where: str) -> Fact:
    fact = from_row(row)
    if fact is None:
        raise wrong(where, "must be a fact: a kind, a content, and where it comes from")
    bound(f"{where}.importance", fact.importance, 1, 10)
    bound(f"{where}.confidence", fact.confidence, 0, 1)
    bound(f"{where}.weighed", fact.weighed, 0, LAST_TIME, "seconds since 1970")
    bound(f"{where}.history", len(fact.history), 0, MOST_HISTORY, "versions")
    for version in (*fact.history, Version(fact.content, fact.sources, fact.at, fact.at)):
        bound(f"{where}.at", version.at, 0, LAST_TIME, "seconds since 1970")
        bound(f"{where}.until", version.until, 0, LAST_TIME, "seconds since 1970")
        for source in version.sources:
            bound(f"{where}.sources", source.index, 0, 10**9, "as a turn")
    return fact


def _covered(value: Mapping[str, Any], where: str) -> dict[str, Any]:
    turns, since, last = value.get("turns"), value.get("since", 0), value.get("last")
    whole = isinstance(turns, int) and isinstance(since, int) and 0 <= since <= turns <= 10**9
    if not whole or not isinstance(last, list) or len(last) > LAST:
        raise wrong(where, f"must say how many turns are in, and the ids of at most {LAST} of them")
    for one in last:
        if not (isinstance(one, list) and len(one) == 2 and isinstance(one[0], int) and isinstance(one[1], str)):
            raise wrong(where, "must name each of the last turns by its index and its id")
    return {"turns": turns, "last": last, "since": since}
