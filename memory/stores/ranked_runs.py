"""How a trace's left-out turns are stored: near misses of one rule, and spans, as tables: they would be most of it.

    >>> packed((LeftOut((54, 55), "rank 5 of top 4", rank=5, score=0.31), LeftOut((9, 10), "rank 6 of top 4", rank=6)))
    [{'why': 'rank # of top 4', 'rank': 5, 'rows': [[54, 0.31], [9, None]]}]

A span's row is its two turns and which of the table's reasons is its own, without the first turn where it begins at the
end of the one before. What fits in no run stands as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter

from memory.base import LeftOut

_LEFT: TypeAdapter[LeftOut] = TypeAdapter(LeftOut)
_SPANS = ("spans",)
_MARK = "#"
"""Stands in a rule for the rank, which is another in each row."""


def packed(left_out: Sequence[LeftOut]) -> list[dict[str, Any]]:
    """Write what was left out, turns that were ranked one after the other as rows of one table."""
    written: list[dict[str, Any]] = []
    last: tuple[object, ...] | None = None
    end = -1
    for left in left_out:
        like = _like(left)
        if like is None:
            written.append(_LEFT.dump_python(left, mode="json", exclude_defaults=True))
        elif like == _SPANS:
            if last != _SPANS:
                written.append({"whys": [], "rows": []})
                end = -1
            _add_span(written[-1], left, end)
            end = left.turns[1]
        elif like == last and written[-1]["rank"] + len(written[-1]["rows"]) == left.rank:
            written[-1]["rows"].append(_row(left))
        else:
            written.append(_table(left, like))
        last = like
    return [_alone(one) if "whys" in one and len(one["rows"]) == 1 else one for one in written]


def unpacked(value: Any) -> Any:
    """Read what `packed` wrote back into what was left out; raises ValueError for what is no such table."""
    return read_tables(value, _rows)


def read_tables(value: Any, rows: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> Any:
    """Put the rows of each table in its place; what is no table stays as it is."""
    if not isinstance(value, list | tuple):
        return value
    read: list[Any] = []
    for one in value:
        read += rows(one) if isinstance(one, dict) and "rows" in one else [one]
    return read


LeftOuts = Annotated[tuple[LeftOut, ...], PlainSerializer(packed), BeforeValidator(unpacked)]
"""What was left out, as a trace stores it."""


def _like(left: LeftOut) -> tuple[object, ...] | None:
    """Say what a row has in common with others of its table; None where it fits in none."""
    if left == LeftOut(left.turns, left.why, left.kind):
        return _SPANS
    if left.rank is None or left.turns[1] - left.turns[0] != 1:
        return None
    why = left.why.replace(f"{left.rank:,}", _MARK, 1)
    if why.replace(_MARK, f"{left.rank:,}", 1) != left.why:
        return None
    return why, left.kind, left.message is None, tuple(left.parts)


def _add_span(table: dict[str, Any], left: LeftOut, end: int) -> None:
    why = [left.why, left.kind]
    if why not in table["whys"]:
        table["whys"].append(why)
    table["rows"].append([*left.turns[left.turns[0] == end :], table["whys"].index(why)])


def _alone(table: dict[str, Any]) -> dict[str, Any]:
    """Write a span that has no neighbours as it is."""
    (row,), ((why, kind),) = table["rows"], table["whys"]
    left: dict[str, Any] = _LEFT.dump_python(LeftOut((row[0], row[1]), why, kind), mode="json", exclude_defaults=True)
    return left


def _spans(table: dict[str, Any]) -> list[dict[str, Any]]:
    whys, rows = table["whys"], table["rows"]
    if not isinstance(whys, list) or not all(isinstance(one, list) and len(one) == 2 for one in whys):
        raise ValueError("a table of spans needs whys, each with its kind")
    if not isinstance(rows, list):
        raise ValueError("a table of spans needs rows")
    found: list[dict[str, Any]] = []
    for row in rows:
        whole = isinstance(row, list) and (len(row) == 3 or (len(row) == 2 and bool(found)))
        if not whole or type(row[-1]) is not int or not 0 <= row[-1] < len(whys):
            raise ValueError("a row of spans needs its two turns and the place of its reason")
        first = row[0] if len(row) == 3 else found[-1]["turns"][1]
        found.append({"turns": (first, row[-2]), "why": whys[row[-1]][0], "kind": whys[row[-1]][1]})
    return found


def _table(left: LeftOut, like: tuple[object, ...]) -> dict[str, Any]:
    table: dict[str, Any] = {"why": like[0], "rank": left.rank, "rows": [_row(left)]}
    if left.kind != "rule":
        table["kind"] = left.kind
    if left.message is not None:
        table["message"] = True
    if left.parts:
        table["parts"] = list(left.parts)
    return table


def _row(left: LeftOut) -> list[Any]:
    message = [] if left.message is None else [left.message]
    return [left.turns[0], left.score, *message, *left.parts.values()]


def _rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    if "whys" in table:
        return _spans(table)
    why, first, rows, names = (table.get(name) for name in ("why", "rank", "rows", "parts"))
    names = names or []
    before = 3 if table.get("message") else 2
    if not isinstance(why, str) or type(first) is not int or not isinstance(rows, list) or not isinstance(names, list):
        raise ValueError("a table of ranked turns needs why, rank and rows")
    found = []
    for rank, row in enumerate(rows, first):
        if not isinstance(row, list) or len(row) != before + len(names) or type(row[0]) is not int:
            raise ValueError("a row of ranked turns needs its turn, its score and its parts")
        found.append(
            {
                "turns": (row[0], row[0] + 1),
                "why": why.replace(_MARK, f"{rank:,}", 1),
                "rank": rank,
                "score": row[1],
                **({"kind": table["kind"]} if "kind" in table else {}),
                **({"message": row[2]} if before == 3 else {}),
                **({"parts": dict(zip(names, row[before:], strict=True))} if names else {}),
            }
        )
    return found
