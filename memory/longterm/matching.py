"""Which items a search is about: by the beginning of their namespace and by what their values say.

>>> holds({"kind": "fact", "importance": 8}, {"kind": "fact", "importance": {"$gte": 5, "$lt": 9}})
True
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from langgraph.store.base import ListNamespacesOp, MatchCondition

from memory.errors import BadInput

_OPERATORS = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def under(namespace: tuple[str, ...], prefix: tuple[str, ...]) -> bool:
    """Whether a namespace begins with a prefix, label by label."""
    return namespace[: len(prefix)] == prefix


def holds(value: Any, wanted: Any) -> bool:
    """Whether a value is as a filter wants it: equal, by operators, or in each key that a nested one names.

    Numbers are compared with numbers and texts with texts: anything else is neither greater nor less. Raises BadInput
    for an operator that is none.
    """
    if isinstance(wanted, Mapping):
        if any(str(name).startswith("$") for name in wanted):
            return all(_compared(value, name, other) for name, other in wanted.items())
        return isinstance(value, Mapping) and all(holds(value.get(name), other) for name, other in wanted.items())
    if isinstance(wanted, list | tuple):
        same = isinstance(value, list | tuple) and len(value) == len(wanted)
        return same and all(holds(one, other) for one, other in zip(value, wanted, strict=True))
    return bool(value == wanted)


def namespaces(known: set[tuple[str, ...]], op: ListNamespacesOp) -> list[tuple[str, ...]]:
    """List the namespaces that fit, cut to the depth that is asked for, in their order, a page of them."""
    found = (one for one in known if all(_fits(one, condition) for condition in op.match_conditions or ()))
    return sorted({one[: op.max_depth] for one in found})[op.offset : op.offset + op.limit]


def _compared(value: Any, name: str, other: Any) -> bool:
    compare = _OPERATORS.get(name)
    if compare is None:
        raise BadInput(f"A filter knows no {name!r}: use {', '.join(_OPERATORS)}.")
    if name in ("$eq", "$ne"):
        return bool(compare(value, other))
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (value, other))
    texts = isinstance(value, str) and isinstance(other, str)
    return bool(compare(value, other)) if numbers or texts else False


def _fits(namespace: tuple[str, ...], condition: MatchCondition) -> bool:
    path = condition.path
    if len(namespace) < len(path):
        return False
    part = namespace[: len(path)] if condition.match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", label) for wanted, label in zip(path, part, strict=True))
