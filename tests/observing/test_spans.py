"""Spans of turns reach a collector that is named, hold figures and no words, and none is made where none is named.

python -m pytest tests/observing/test_spans.py
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from memory import worker
from memory.errors import ModelFailed
from memory.observing import spans
from memory.stores.inmemory import InMemoryStore
from tests.memory.fakes import FakeChat, conversation

SECRET = "zanzibar"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """What takes spans over the wire, as a real one does."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.raw = b""
        self.port = 0

    def Export(self, request: Any, context: Any) -> Any:
        self.raw += request.SerializeToString()
        self.spans += [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    server = grpc.server(ThreadPoolExecutor(1))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(made, server)
    made.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{made.port}")
    spans.set_up()
    yield made
    monkeypatch.undo()
    spans.set_up()
    server.stop(None).wait()


def held(memory: str, model: Any = None) -> worker.Job:
    job = worker.start(conversation(InMemoryStore(), memory, model), f"My word is {SECRET}.")
    job.join(20)
    assert spans.flushed()
    return job


def of(span: Any) -> dict[str, Any]:
    values = {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes}
    return {name: value for name, value in values.items() if value != ""}


def test_a_turn_reaches_the_collector_with_its_phases_inside_it_and_its_figures(collector: Collector) -> None:
    job = held("vector")
    (turn,) = (span for span in collector.spans if span.name == "turn")
    within = [span for span in collector.spans if span.parent_span_id == turn.span_id]
    assert [span.name for span in within] == ["read", "model", "store", "write"]
    assert all(
        turn.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano <= turn.end_time_unix_nano
        for span in within
    )
    assert job.reply.trace
    assert job.reply.trace.reply
    told = of(turn)
    assert told["memory_inspector.turn"] == job.id
    assert told["gen_ai.usage.input_tokens"] == job.reply.trace.reply.input_tokens > 0


def test_a_failed_turn_is_an_error_and_no_span_holds_a_word(collector: Collector) -> None:
    held("buffer", FakeChat(answer=[ModelFailed(f"No {SECRET}!", kind="server")] * 3))
    (turn,) = (span for span in collector.spans if span.name == "turn")
    assert turn.status.code == turn.status.STATUS_CODE_ERROR
    assert of(turn)["error.type"] == "model_server"
    assert SECRET.encode() not in collector.raw


def test_without_a_collector_no_span_is_made(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    spans.set_up()
    assert spans.place() == ""
    held("buffer")
    assert collector.spans == []


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, "memory-inspector"),
        ({"OTEL_SERVICE_NAME": "mine"}, "mine"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "team=a,service.name=theirs"}, "theirs"),
    ],
)
def test_the_service_is_called_what_the_standard_variables_call_it(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], name: str
) -> None:
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)
    spans.set_up()
    held("buffer")
    assert name.encode() in collector.raw


def test_a_password_of_the_collector_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://me:secret@collector.example:4317")
    assert spans.place() == "https://collector.example:4317"
