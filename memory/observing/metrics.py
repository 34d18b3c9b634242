"""The figures of this process in the form that Prometheus reads; all of a turn's come from its trace.

    >>> print(exposed().decode().splitlines()[2])
    memory_inspector_turns_total{memory="ConversationBufferMemory",status="complete"} 41.0

Names and labels hold no word of anybody: a plug-in's memory is called `custom`, a model stands with its provider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST as FORM  # noqa: F401
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from memory.trace import Call, Trace

REGISTRY = CollectorRegistry()
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

TURNS = Counter("memory_inspector_turns", "Turns by how they ended", ["memory", "status"], registry=REGISTRY)
PHASES = Histogram(
    "memory_inspector_turn_seconds", "Seconds of a turn by phase", ["phase"], buckets=_SECONDS, registry=REGISTRY
)
TOKENS = Counter("memory_inspector_tokens", "Tokens by kind", ["model", "purpose", "kind"], registry=REGISTRY)
COST = Counter("memory_inspector_cost_dollars", "Dollars where they are known", ["model", "purpose"], registry=REGISTRY)
UNPRICED = Counter("memory_inspector_calls_unpriced", "Calls whose cost is unknown", ["model"], registry=REGISTRY)
ERRORS = Counter("memory_inspector_errors", "Errors by kind", ["kind"], registry=REGISTRY)
WAITING = Gauge("memory_inspector_answers_on_their_way", "Answers that are on their way now", registry=REGISTRY)


def exposed() -> bytes:
    """Return all figures as text; its form is `FORM`."""
    return generate_latest(REGISTRY)


def waiting(count: Callable[[], int]) -> None:
    """Have the answers on their way counted whenever somebody looks."""
    WAITING.set_function(count)


def of_trace(trace: Trace) -> None:
    """Count what a turn's calls took, and what they cost."""
    for call in trace.calls:
        if not call.reused:
            _of_call(call)


def _of_call(call: Call) -> None:
    purpose = "reply" if call.purpose.startswith("reply") else "memory"
    for kind, amount in _amounts(call):
        TOKENS.labels(call.model, purpose, kind).inc(amount)
    if call.cost is None:
        UNPRICED.labels(call.model).inc()
    elif call.model == call.priced_as:
        COST.labels(call.model, purpose).inc(float(call.cost))


def _amounts(call: Call) -> Iterator[tuple[str, int]]:
    yield "input", call.input_tokens
    yield "cached", call.cached_tokens
    yield "output", call.output_tokens
