"""How what a trace recalled is stored: turns that a search ranked, and notes, as rows of a table: they are much alike.

    >>> packed((Item("turns:7-7", "memory", "rank 1, score 0.81", 40, (7, 8), score=0.812, quoted=True),))
    [{'why': 'rank #, score $', 'segment': 'memory', 'quoted': True, 'rows': [[7, 40, 0.812, 1]]}]

A row is the turn, its tokens, its score, its rank and the parts of its score. Notes, of which there may be dozens, are
written by columns: their refs in one text, without how all begin and without a version that is the first, their tokens,
and which of the table's reasons is their own, a digit each where ten are enough. What fits in no table stands as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter

from memory.base import Item
from memory.stores.ranked_runs import read_tables

_ITEM: TypeAdapter[Item] = TypeAdapter(Item)
_RANKED = re.compile(r"(.*)rank ([\d,]+), score ([\d.]+)(.*)", re.DOTALL)
_REF = re.compile(r"[\w.-]+:\d+", re.ASCII)
_FIELDS, _DIGITS = 4, 10


def packed(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Write items, ranked turns that follow each other as rows of one table."""
    written: list[dict[str, Any]] = []
    for like, run in groupby(((item, *_parted(item)) for item in items), key=lambda one: one[1]):
        alike = list(run)
        rows = [row for _, _, row in alike]
        if like is None or (len(like) == 1 and len(rows) == 1):
            written += [_ITEM.dump_python(item, mode="json", exclude_defaults=True) for item, _, _ in alike]
        elif len(like) == 1:
            written.append({"segment": like[0], **_columns(rows)})
        else:
            why, segment, quoted, parts = like
            ranked = {"why": why, "segment": segment, "quoted": quoted, "rows": rows}
            written.append({**ranked, "parts": list(parts)} if parts else ranked)
    return written


def unpacked(value: Any) -> Any:
    """Read what `packed` wrote back into items; raises ValueError for what is no such table."""
    return read_tables(value, _rows)


Items = Annotated[tuple[Item, ...], PlainSerializer(packed), BeforeValidator(unpacked)]
"""What was recalled, as a trace stores it."""


def _parted(item: Item) -> tuple[tuple[Any, ...] | None, list[Any]]:
    """Part an item into what it has in common with its neighbours and its row; None where no table can hold it."""
    if item == Item(item.ref, item.segment, item.why, item.tokens) and _REF.fullmatch(item.ref):
        return (item.segment,), [item.ref, item.tokens, item.why]
    found = _RANKED.fullmatch(item.why)
    if not found or item.turns is None or item.score is None:
        return None, []
    rank = int(found[2].replace(",", "") or 0)
    why = f"{found[1]}rank #, score ${found[4]}"
    row = [item.turns[0], item.tokens, item.score, rank, *item.parts.values()]
    if _item(why, item.segment, item.quoted, tuple(item.parts), row) != _ITEM.dump_python(item, mode="json"):
        return None, []
    return (why, item.segment, item.quoted, tuple(item.parts)), row


def _item(why: str, segment: str, quoted: bool, parts: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    turn, tokens, score, rank, *values = row
    said = why.replace("rank #, score $", f"rank {rank:,}, score {score:.2f}", 1)
    item = Item(f"turns:{turn}-{turn}", "memory", said, tokens, (turn, turn + 1), score=score)
    made: dict[str, Any] = _ITEM.dump_python(item, mode="json")
    return {**made, "segment": segment, "quoted": quoted, "parts": dict(zip(parts, values, strict=True))}


def _columns(rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Write notes, each with its ref, its tokens and why, by columns."""
    refs, tokens, reasons = zip(*rows, strict=True)
    whys = list(dict.fromkeys(reasons))
    begin = _begin([ref.rpartition(":")[0] for ref in refs])
    named = " ".join(ref.removeprefix(begin).removesuffix(":1") for ref in refs)
    places = [whys.index(why) for why in reasons]
    few = len(whys) <= _DIGITS
    listed = "".join(map(str, places)) if few else places
    return {"whys": whys, "begin": begin, "refs": named, "tokens": list(tokens), "rows": listed}


def _begin(texts: Sequence[str]) -> str:
    """Return how all of some texts begin."""
    first, last = min(texts), max(texts)
    return first[: next((place for place, pair in enumerate(zip(first, last, strict=False)) if len({*pair}) > 1), None)]


def _notes(table: dict[str, Any]) -> list[dict[str, Any]]:
    whys, begin, refs, tokens, rows = (table.get(name) for name in ("whys", "begin", "refs", "tokens", "rows"))
    if isinstance(rows, str) and rows.isascii() and rows.isdigit():
        rows = [*map(int, rows)]
    if not isinstance(refs, str) or not isinstance(begin, str):
        raise ValueError("a table of recalled notes needs refs")
    if not isinstance(whys, list) or not isinstance(tokens, list) or not isinstance(rows, list):
        raise ValueError("a table of recalled notes needs whys, tokens and rows")
    named = refs.split(" ")
    if not len(named) == len(tokens) == len(rows):
        raise ValueError("a table of recalled notes needs as many refs as tokens and rows")
    if any(type(place) is not int or not 0 <= place < len(whys) for place in rows):
        raise ValueError("a row of recalled notes is the place of its reason")
    full = [f"{begin}{ref}" if ":" in ref else f"{begin}{ref}:1" for ref in named]
    segment = table.get("segment", "")
    return [
        {"ref": ref, "segment": segment, "why": whys[place], "tokens": size}
        for ref, size, place in zip(full, tokens, rows, strict=True)
    ]


def _rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    if "whys" in table:
        return _notes(table)
    why, rows, parts = table.get("why"), table.get("rows"), table.get("parts", [])
    if not isinstance(why, str) or not isinstance(rows, list) or not isinstance(parts, list):
        raise ValueError("a table of recalled turns needs why and rows")
    for row in rows:
        whole = isinstance(row, list) and len(row) == _FIELDS + len(parts)
        if not whole or type(row[0]) is not int or type(row[3]) is not int or type(row[2]) not in (int, float):
            raise ValueError("a row of recalled turns needs its turn, tokens, score, rank and the parts of its score")
    return [_item(why, table.get("segment", ""), table.get("quoted", False), parts, row) for row in rows]
