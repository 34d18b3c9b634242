"""The memory's own calls: after the turn, and at what happened between turns; what some calls come to together."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby

import pandas as pd
import streamlit as st

from memory.inspection.inspect import Inspection
from memory.money.prices import dollars
from memory.reply import AFTER_TOOLS
from memory.trace import Call, Trace
from pages.ui.cost_table import table
from pages.ui.words import escaped, measured, memory_label, money, number, plural, seconds

LISTED = 30
"""Up to so many calls are listed one by one."""
_EVENTS = {"edit": "Edited", "forget": "Forgotten", "reflect": "Reflected"}


def total(calls: Sequence[Call], trace: Trace, uncached: bool = False) -> str:
    """Add calls up; one whose price is unknown makes the sum unknown, unless it failed before it cost anything."""
    paid = [call for call in calls if call.cost is not None or call.error is None]
    costs = [call.cost_uncached if uncached and call.cost_uncached is not None else call.cost for call in paid]
    if None in costs:
        return "unknown"
    about = "" if all(measured(call, trace) for call in calls) else "≈ "
    return about + dollars(sum((cost for cost in costs if cost is not None), Decimal(0)))


def draw(seen: Inspection) -> None:
    """List the calls that the memory made for this turn."""
    if seen.trace.own_calls:
        with st.container(gap="xsmall"):
            st.markdown("**The memory's own calls at this turn**")
            _calls(seen.trace.own_calls, seen.trace, "The memory's own calls at this turn")
            tools = [call for call in seen.trace.own_calls if call.purpose == AFTER_TOOLS]
            if tools:
                longer = seconds(sum(call.seconds for call in tools))
                st.caption(
                    f"The model called the memory's tools and was asked {plural(len(tools), 'more time')} for it: the "
                    f"answer came {longer} later than without them."
                )


def draw_between(seen: Inspection) -> None:
    """List what happened between the turns of the whole conversation, and the calls that it took."""
    # A long conversation is taken in block by block, each an event of its own.
    grouped = groupby(seen.events, key=lambda event: (event.kind, event.memory_key, event.turn))
    earlier: list[Trace] = []
    for place, ((kind, _, _), run) in enumerate(grouped):
        events = list(run)
        calls = [call for event in events for call in event.calls]
        if kind == "switch" or calls:
            with st.container(gap="xsmall"):
                what = _taken_in(seen, events[0], earlier) if kind == "switch" else _EVENTS.get(kind, "Before")
                st.markdown(f"**{what}** after turn {events[0].turn:,}: {plural(len(calls), 'call')}")
                if calls:
                    _calls(calls, events[0], f"Calls of event {place + 1} between turns")
                for error in dict.fromkeys(error for event in events for error in event.errors):
                    st.caption(escaped(error))
        earlier += events


def _taken_in(seen: Inspection, event: Trace, earlier: Sequence[Trace]) -> str:
    """Say why a memory took turns in between two turns: a switch to it, a forgetting, or turns that it had missed."""
    label = escaped(memory_label(event))
    before = [one.memory_key for one in earlier if one.kind == "switch" and one.turn == event.turn]
    if not before and event.turn:
        last = seen.store.traces(seen.user, seen.thread, event.turn - 1, event.turn)
        before = [one.memory_key for one in last]
    if before[-1:] != [event.memory_key]:
        return f"Switched to {label}"
    rebuilt = any(one.kind == "forget" for one in earlier)
    return f"Rebuilt after forgetting ({label})" if rebuilt else f"{label} caught up"


def _calls(calls: Sequence[Call], trace: Trace, alt: str) -> None:
    """List calls; of very many only their sums by purpose."""
    if len(calls) > LISTED:
        _sums(calls, trace, alt)
        return
    rows = [
        (
            call.purpose,
            *(
                ("–", "–")
                if call.reused
                else (number(count, sure) for count in (call.input_tokens, call.output_tokens))
            ),
            _spent(call, trace),
            "–" if call.reused else seconds(call.seconds),
            call.error or "",
        )
        for call in calls
        for sure in [measured(call, trace)]
    ]
    found = pd.DataFrame(rows, columns=["purpose", "input", "output", "cost", "time", "error"])
    table(found if any(call.error for call in calls) else found.drop(columns="error"), alt)


def _sums(calls: Sequence[Call], trace: Trace, alt: str) -> None:
    rows = []
    for purpose in dict.fromkeys(call.purpose for call in calls):
        of = [call for call in calls if call.purpose == purpose]
        sure = all(measured(call, trace) for call in of)
        sizes = (sum(call.input_tokens for call in of), sum(call.output_tokens for call in of))
        took = seconds(sum(call.seconds for call in of))
        rows.append((purpose, number(len(of)), *(number(size, sure) for size in sizes), total(of, trace), took))
    table(pd.DataFrame(rows, columns=["purpose", "calls", "input", "output", "cost", "time"]), alt)


def _spent(call: Call, trace: Trace) -> str:
    """Write what a call cost: nothing where it runs on this computer, what it saved where it was not made."""
    if call.reused:
        return "reused" if call.saved is None else f"reused, saved {dollars(call.saved)}"
    return "free, local" if call.purpose == "embedding" and call.cost == 0 else money(call, trace)
