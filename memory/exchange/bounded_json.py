"""Reads JSON of anybody's: bounded in size, depth, numbers and texts before anything is made of it.

>>> parse(b'{"threads": [1e999]}')
BadInput: threads[0]: must be a number up to 1,000,000,000,000,000; correct it there or export again, …
"""

from __future__ import annotations

import json
import math
from typing import Any

from memory.errors import BadInput
from memory.exchange.bounds import LARGEST, name_of, wrong
from memory.tokens import well_formed

MAX_MEGABYTES = 50
MAX_TEXT = 2_000_000
"""Characters of one text."""

_MAX_PARTS = 3_000_000
_MAX_VALUES = 5_000_000
_MAX_DEPTH = 60


def decode(data: bytes) -> str:
    """Read text of bounded size, with or without a mark at its start."""
    if len(data) > MAX_MEGABYTES * 1_000_000:
        raise BadInput(
            f"The file has {len(data) / 1_000_000:,.1f} MB and at most {MAX_MEGABYTES} MB can be imported: "
            "export fewer conversations at a time."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"The file is not text in UTF-8 (byte {error.start:,}): export it again.") from None


def parse(data: bytes) -> Any:
    """Read JSON of bounded size, depth and numbers; halves of characters are replaced."""
    text = decode(data)
    _count(text)
    try:
        value = _load(text)
    except json.JSONDecodeError as error:
        raise BadInput(
            f"The file is not whole JSON (line {error.lineno:,}, column {error.colno:,}): export or download it again."
        ) from None
    return _walk(value)


def parse_lines(data: bytes) -> list[tuple[str, Any]]:
    """Read JSON Lines, each with its place ("line 3"), within the same bounds; blank lines are passed over."""
    text = decode(data)
    _count(text)
    values: list[tuple[str, Any]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            place = f"line {number}"
            try:
                values.append((place, _walk(_load(line), place)))
            except json.JSONDecodeError as error:
                raise BadInput(
                    f"The file is not whole JSON (line {number:,}, column {error.colno:,}): "
                    "export or download it again."
                ) from None
    return values


def _count(text: str) -> None:
    # Counted first, as a few bytes of a list or an object are a hundred in memory.
    if text.count("[") + text.count("{") > _MAX_PARTS:
        raise BadInput(
            f"The file has more than {_MAX_PARTS:,} lists and objects: export fewer conversations at a time."
        )
    # A comma parts two values, or stands in a text, where there is one in many letters.
    if text.count(",") > _MAX_VALUES:
        raise BadInput(f"The file has more than {_MAX_VALUES:,} values: export fewer conversations at a time.")


def _load(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError:
        raise BadInput(
            f"The file is nested more than {_MAX_DEPTH} levels deep: it was not made by an export."
        ) from None


def _integer(digits: str) -> int | float:
    # An integer of a million digits takes minutes to read; nothing that long is within the bounds.
    return int(digits) if len(digits) <= 20 else math.inf


_Path = tuple[Any, ...]


def _walk(root: Any, *start: str) -> Any:
    """Bound depth, numbers and texts, and replace halves of characters in place; `start` begins each place."""
    holder = [root]
    waiting: list[tuple[Any, _Path]] = [(holder, start)]
    while waiting:
        parent, path = waiting.pop()
        keys: Any = list(parent) if isinstance(parent, dict) else range(len(parent))
        for key in keys:
            value = parent[key]
            here = path if parent is holder else (*path, key)
            if isinstance(value, str):
                if len(value) > MAX_TEXT:
                    raise wrong(name_of(here), f"has {len(value):,} characters and may have {MAX_TEXT:,}")
                if not value.isascii():
                    parent[key] = well_formed(value)
            elif isinstance(value, bool) or value is None:
                pass
            elif isinstance(value, (int, float)):
                if not -LARGEST <= value <= LARGEST:  # NaN is in no order, so it is here as well
                    raise wrong(name_of(here), f"must be a number up to {LARGEST:,}")
            elif len(here) > _MAX_DEPTH:
                raise wrong(name_of(here[:6]), f"is nested more than {_MAX_DEPTH} levels deep")
            else:
                waiting.append((value, here))
            if isinstance(key, str):
                if len(key) > 500:
                    raise wrong(name_of(path), "has a name of more than 500 characters")
                if not key.isascii() and (sound := well_formed(key)) != key:
                    parent[sound] = parent.pop(key)
    return holder[0]
