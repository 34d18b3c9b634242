"""Items as they are kept: a field that names one, and a row of JSON with the times it was made and changed.

>>> field_of(("alex", "facts"), "f1")
'["alex","facts","f1"]'
>>> name_of('["alex","facts","f1"]')
(('alex', 'facts'), 'f1')

A label may hold anything: JSON keeps "a","b" apart from "a,b", whatever stands in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from memory.errors import BadInput

LONGEST = 1_000_000
"""Bytes of an item as JSON."""


@dataclass(frozen=True, slots=True)
class Row:
    """An item: times in seconds since the epoch, `ttl` in minutes since it was last changed or read with a refresh.

    `index` are the paths that are embedded: None those of the store, an empty tuple none.
    """

    namespace: tuple[str, ...]
    key: str
    value: Mapping[str, Any]
    created: float
    updated: float
    index: tuple[str, ...] | None = None
    ttl: float | None = None
    expires: float | None = None

    def alive(self, now: float) -> bool:
        return self.expires is None or now < self.expires

    @property
    def created_at(self) -> datetime:
        return datetime.fromtimestamp(self.created, UTC)

    @property
    def updated_at(self) -> datetime:
        return datetime.fromtimestamp(self.updated, UTC)


def field_of(namespace: tuple[str, ...], key: str) -> str:
    """Name an item."""
    return json.dumps([*namespace, key], ensure_ascii=False, separators=(",", ":"))


def name_of(field: str) -> tuple[tuple[str, ...], str]:
    """Return the namespace and the key that a field names."""
    *namespace, key = json.loads(field)
    return tuple(namespace), key


def to_bytes(row: Row) -> bytes:
    """Write all of a row but its name and when it was made; raises BadInput for what JSON cannot hold."""
    parts: dict[str, Any] = {"value": dict(row.value), "updated": row.updated}
    parts |= {} if row.index is None else {"index": row.index}
    parts |= {} if row.ttl is None else {"ttl": row.ttl, "expires": row.expires}
    try:
        text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"The item {row.key!r} cannot be kept as JSON ({error}): use text, numbers and lists.") from None
    written = text.encode("utf-8", "replace")
    if len(written) > LONGEST:
        raise BadInput(f"The item {row.key!r} has {len(written):,} bytes and may have {LONGEST:,}: shorten it.")
    return written


def from_bytes(field: str, created: float, written: bytes) -> Row:
    """Read what `to_bytes` wrote."""
    namespace, key = name_of(field)
    parts = json.loads(written)
    index = parts.get("index")
    return Row(
        namespace,
        key,
        parts["value"],
        created,
        parts["updated"],
        None if index is None else tuple(index),
        parts.get("ttl"),
        parts.get("expires"),
    )
