"""How a trace is stored: what is as it nearly always is, or follows from the rest, is left out.

    >>> to_json(TRACE, Trace("turn", 3, "t", 1.0, "M", "M", model="m", calls=(Call("reply", "m", 9, 2, estimate=9),)))
    b'{"turn":3,"turn_id":"t","at":1.0,"memory":"M","model":"m","calls":[{"purpose":"reply",…}],"before":null}'

A trace is of a turn, which is the one after those that were read; its memory's key is the memory's name, and its state
covered all that was read. Its calls are of its model and priced as that is, as long as was estimated, and cost what
they had cost without a cache. Where that is not so it is written, at a default as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializerFunctionWrapHandler, WrapSerializer

from memory.trace import StateRef, Trace


def _slim(trace: Trace, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
    row: dict[str, Any] = write(trace)
    kind, read = trace.kind, trace.read_length
    _leave_out(row, trace, {"kind": "turn", "memory_key": trace.memory, "turn": read, "before": _before(kind, read)})
    for call, written in zip(trace.calls, row.get("calls", ()), strict=bool(trace.calls)):
        _leave_out(written, call, _usual(call.input_tokens, call.cost, trace.model, trace.priced_as))
    return row


def _leave_out(row: dict[str, Any], value: object, usual: Mapping[str, Any]) -> None:
    for name, expected in usual.items():
        if getattr(value, name) == expected:
            row.pop(name, None)
        else:
            # It is missing only where it is at its default, which JSON writes as Python has it.
            row.setdefault(name, getattr(value, name))


def _full(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kind, read, known = value.get("kind", "turn"), value.get("read_length", 0), value.get
    usual = {"kind": "turn", "memory_key": known("memory", ""), "turn": read, "before": _before(kind, read)}
    trace = {**usual, **value}
    if isinstance(calls := known("calls"), list):
        model = known("model", ""), known("priced_as", "")
        trace["calls"] = [
            {**_usual(one.get("input_tokens", 0), one.get("cost"), *model), **one} if isinstance(one, dict) else one
            for one in calls
        ]
    return trace


def _before(kind: str, read: Any) -> StateRef | None:
    return StateRef(read) if kind == "turn" else None


def _usual(input_tokens: Any, cost: Any, model: Any, priced_as: Any) -> dict[str, Any]:
    return {"model": model, "priced_as": priced_as, "estimate": input_tokens, "cost_uncached": cost}


Stored = Annotated[Trace, WrapSerializer(_slim), BeforeValidator(_full)]
"""A trace, as a store and an export write it."""
