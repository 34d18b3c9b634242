"""Spans of turns for OpenTelemetry, by its own standard variables: none is made unless they name a collector.

    OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 make run

    turn  ├ read  ├ model  ├ store  └ write        each with its own time; figures stand at the turn

Attributes are the figures that a turn's line in the log has, by the names of OpenTelemetry's conventions for generative
models where there is one. None holds a word that was said. A collector that is away costs its spans and nothing else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from memory.observing.phases import Phase

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

NAMES = {
    "model": "gen_ai.request.model",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "error": "error.type",
}
"""What the conventions call a figure; the others stand under `memory_inspector.`."""
_NANO = 1_000_000_000
_provider: TracerProvider | None = None


def place() -> str:
    """Return the address of the collector without a password in it, "" where none is set."""
    names = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    found = "" if off else next(filter(None, map(os.environ.get, names)), "")
    return re.sub(r"//[^/]*@", "//", found)


def set_up() -> None:
    """Begin, where a collector is named; all else (headers, sampler, batches) is read from OTEL_… by the library."""
    global _provider
    if _provider:
        _provider.shutdown()
        _provider = None
    if not place():
        return
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # A provider of our own and not the process's: no other library's spans, with texts in them, go there.
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    _provider = TracerProvider(resource=Resource.create({} if named else {"service.name": "memory-inspector"}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


def flushed() -> bool:
    """Send what waits for the next batch; says whether it arrived, or there was nothing to send."""
    return _provider is None or _provider.force_flush(10_000)


def of_turn(began: float, seconds: float, phases: Iterable[Phase], figures: Mapping[str, Any]) -> None:
    """Send a turn that ended with its phases; `began` is a Unix time, figures that are None are left out."""
    if _provider is None:
        return
    tracer = _provider.get_tracer("memory_inspector")
    from opentelemetry import trace
    from opentelemetry.trace import Status, StatusCode

    told = {NAMES.get(name, f"memory_inspector.{name}"): value for name, value in figures.items() if value is not None}
    turn = tracer.start_span("turn", start_time=int(began * _NANO), attributes=told)
    if figures.get("error"):
        turn.set_status(Status(StatusCode.ERROR))
    within = trace.set_span_in_context(turn)
    for phase in phases:
        span = tracer.start_span(phase.name, within, start_time=int(phase.at * _NANO))
        span.end(int((phase.at + phase.seconds) * _NANO))
    turn.end(int((began + seconds) * _NANO))
