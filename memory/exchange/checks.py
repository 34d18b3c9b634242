"""Checks what the types of a file cannot say: a page would stumble over a span beyond the last turn.

>>> check_span("threads[0].notes[summary:1].turns", (0, 7), 5)
BadInput: threads[0].notes[summary:1].turns: must lie within the conversation's 5 turns; correct it there or …
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from memory.base import Message, Span, Turn
from memory.exchange.bounds import LARGEST, LAST_TIME, bound, wrong
from memory.exchange.pictures import PICTURE, check_pictures
from memory.tokens import count_tokens
from memory.trace import Call, Trace

_MESSAGE = re.compile(r"message:\d{1,15}\.(\d{1,15})", re.ASCII)


def check_message(message: Message, where: str) -> None:
    check_pictures(message.pictures, f"{where}.pictures")
    for encoding, count in message.tokens.items():
        bound(f"{where}.tokens[{encoding}]", count, 0, LARGEST)
    for number, call in enumerate(message.tool_calls):
        here = f"{where}.tool_calls[{number}]"
        if set(call) - {"name", "args", "id", "type"} or not isinstance(call.get("name"), str):
            raise wrong(here, "must have a name, args and an id")
        if not isinstance(call.get("args"), dict):
            raise wrong(f"{here}.args", "must be an object")
        if not isinstance(call.get("id"), str | None) or call.get("type", "tool_call") != "tool_call":
            raise wrong(here, 'must have an id that is text and the type "tool_call"')


def check_trace(trace: Trace, where: str, event: bool, turns: Sequence[Turn]) -> None:
    length = len(turns)
    if trace.kind in (("turn",) if event else ("switch", "edit", "forget", "reflect")):
        raise wrong(f"{where}.kind", f'cannot be "{trace.kind}" here')
    bound(f"{where}.at", trace.at, 0, LAST_TIME, "seconds since 1970")
    bound(f"{where}.turn", trace.turn, 0, length, "turns")
    bound(f"{where}.read_length", trace.read_length, 0, length, "turns")
    for name in ("budget", "context_window", "prefix"):
        bound(f"{where}.{name}", getattr(trace, name) or 0, 0, LARGEST)
    for name in ("messages", "named", "calls"):
        bound(f"{where}.counts.{name}", getattr(trace.counts, name), 0, LARGEST)
    for segment, count in trace.segments.items():
        if segment not in ("instructions", "memory", "history", "query"):
            raise wrong(f"{where}.segments[{segment}]", "is no segment of a prompt")
        bound(f"{where}.segments[{segment}]", count, 0, LARGEST)
    for id, tokens in trace.pictures.items():
        bound(f"{where}.pictures[{id}]", tokens or 0, 0, LARGEST)
    try:
        count_tokens("", trace.encoding)
    except Exception:  # the tokenizer's library has errors of its own
        raise wrong(f"{where}.encoding", "is not known here") from None
    for number, item in enumerate(trace.items):
        here = f"{where}.items[{number}]"
        bound(f"{here}.tokens", item.tokens, 0, LARGEST)
        bound(f"{here}.shortened", item.shortened or 0, 0, LARGEST)
        if item.picture and not PICTURE.fullmatch(item.picture):
            raise wrong(f"{here}.picture", "must be the name of a picture by its content")
        if item.turns is None:
            continue
        check_span(f"{here}.turns", item.turns, length)
        if item.ref.startswith("message:"):
            named = _MESSAGE.fullmatch(item.ref)
            turn = turns[item.turns[0]] if item.turns[0] < item.turns[1] else None
            gone = turn and turn.status == "forgotten"
            if not named or not turn or (not gone and int(named[1]) >= len(turn.messages)):
                raise wrong(f"{here}.ref", "names no message of its turn")
    for number, share in enumerate(trace.shares):
        for name in ("offered", "tokens", "items"):
            bound(f"{where}.shares[{number}].{name}", getattr(share, name), 0, LARGEST)
    for number, left in enumerate(trace.left_out):
        check_span(f"{where}.left_out[{number}].turns", left.turns, length)
    for name in ("before", "after"):
        if state := getattr(trace, name):
            bound(f"{where}.{name}.covered", state.covered, 0, length, "turns")
    for number, call in enumerate(trace.calls):
        _check_call(call, f"{where}.calls[{number}]")


def _check_call(call: Call, where: str) -> None:
    for name in ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "estimate", "seconds"):
        bound(f"{where}.{name}", getattr(call, name), 0, LARGEST)
    bound(f"{where}.first_token", call.first_token or 0, 0, LARGEST)
    if call.cached_tokens + call.cache_write_tokens > call.input_tokens:
        raise wrong(f"{where}.input_tokens", "must include the cached and cache-write tokens")
    for name, cost in (("cost", call.cost), ("cost_uncached", call.cost_uncached)):
        if cost is not None and cost != 0:
            # A cost of a million digits is a number too, but not one that a page could show.
            if len(str(cost)) > 60:
                raise wrong(f"{where}.{name}", "has too many digits")
            bound(f"{where}.{name}", cost, Decimal("1e-15"), 1_000_000, "dollars")


def check_span(where: str, span: Span, length: int) -> None:
    if not 0 <= span[0] <= span[1] <= length:
        raise wrong(where, f"must lie within the conversation's {length:,} turns")
