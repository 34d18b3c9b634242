"""Traces as a store keeps them: any comes back as it was, and what is as always takes no room."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from memory.store import TRACE, to_json
from memory.trace import Call, StateRef, Trace

NAMES = st.sampled_from(["", "M", "openai:gpt-5-mini"])
COSTS = st.sampled_from([None, Decimal(0), Decimal("0.00028"), Decimal("0.5")])
CALLS = st.builds(
    Call,
    st.just("reply"),
    NAMES,
    st.sampled_from([0, 9]),
    st.just(2),
    estimate=st.sampled_from([0, 9, 11]),
    cost=COSTS,
    priced_as=NAMES,
    cost_uncached=COSTS,
)
TRACES = st.builds(
    Trace,
    st.sampled_from(["turn", "import", "edit"]),
    st.sampled_from([0, 3]),
    st.just("t"),
    st.just(1.5),
    NAMES,
    NAMES,
    model=NAMES,
    priced_as=NAMES,
    read_length=st.sampled_from([0, 3]),
    calls=st.lists(CALLS, max_size=3).map(tuple),
    before=st.sampled_from([None, StateRef(), StateRef(3), StateRef(3, ("a:1",))]),
)


@given(TRACES)
def test_any_trace_is_read_as_it_was_written(trace: Trace) -> None:
    assert TRACE.validate_json(to_json(TRACE, trace)) == trace


def test_what_is_as_always_is_not_written() -> None:
    cost = Decimal("0.002")
    call = Call("reply", "demo", 9, 2, estimate=9, cost=cost, priced_as="p", cost_uncached=cost)
    trace = Trace("turn", 3, "t", 1.5, "M", "M", {}, "demo", "p", read_length=3, calls=(call,), before=StateRef(3))
    assert json.loads(to_json(TRACE, trace)) == {
        "turn_id": "t",
        "at": 1.5,
        "memory": "M",
        "model": "demo",
        "priced_as": "p",
        "read_length": 3,
        "calls": [{"purpose": "reply", "input_tokens": 9, "output_tokens": 2, "cost": "0.002"}],
    }
