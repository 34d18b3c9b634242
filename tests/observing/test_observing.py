"""What those who run the app are told: of each turn one line and its figures, and nothing that was said.

python -m pytest tests/observing
"""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from memory import worker
from memory.errors import BadInput, ModelFailed
from memory.observing import log, metrics
from memory.observing.tracing import tracing
from memory.stores.inmemory import InMemoryStore
from tests.memory.fakes import FakeChat, conversation

SECRET = "zanzibar"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The log as JSON lines."""
    monkeypatch.setenv("LOG_FORMAT", "json")
    monkeypatch.setattr(logging.getLogger("memory_inspector"), "handlers", [])  # put back afterwards
    log.set_up()
    written = io.StringIO()
    handler = logging.getLogger("memory_inspector").handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    return written


def rows(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def value(name: str, **labels: str) -> float:
    """Read one figure as Prometheus would."""
    families = text_string_to_metric_families(metrics.exposed().decode())
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def test_a_turn_is_one_line_and_its_figures_are_those_of_its_trace(lines: io.StringIO) -> None:
    turns = {"memory": "ConversationBufferMemory", "status": "complete"}
    before = value("memory_inspector_turns_total", **turns)
    talk = conversation(InMemoryStore(), "buffer", lambda _: f"The word is {SECRET}.")
    told = value("memory_inspector_tokens_total", kind="input", purpose="reply", model=talk.models.chat)
    job = worker.start(talk, f"My word is {SECRET}.")
    job.join(20)
    assert value("memory_inspector_turns_total", **turns) == before + 1
    assert job.reply.trace
    reply = job.reply.trace.reply
    assert reply
    now = value("memory_inspector_tokens_total", kind="input", purpose="reply", model=talk.models.chat)
    assert now - told == reply.input_tokens > 0
    row = next(row for row in rows(lines) if row["event"] == "turn")
    assert (row["turn"], row["status"], row["level"]) == (job.id, "complete", "info")
    assert (row["input_tokens"], row["output_tokens"]) == (reply.input_tokens, reply.output_tokens)
    assert row["user"] == log.of_user(talk.user) != talk.user


def test_neither_log_nor_figures_hold_a_word_that_was_said_or_who_said_it(lines: io.StringIO) -> None:
    talk = conversation(InMemoryStore(), "summary", FakeChat(answer=[ModelFailed(f"No {SECRET}!", kind="server")] * 3))
    job = worker.start(talk, f"My word is {SECRET}.")
    job.join(20)
    written = lines.getvalue() + metrics.exposed().decode()
    assert "model_server" in lines.getvalue()
    assert SECRET not in written
    assert talk.user not in written


def test_a_failed_turn_is_counted_by_the_kind_of_its_error(lines: io.StringIO) -> None:
    before = value("memory_inspector_errors_total", kind="model_rate_limit")
    failing = FakeChat(answer=[ModelFailed("Slow down.", kind="rate_limit")] * 3)
    worker.start(conversation(InMemoryStore(), "buffer", failing), "Hello.").join(20)
    assert value("memory_inspector_errors_total", kind="model_rate_limit") == before + 1
    assert next(row for row in rows(lines) if row["event"] == "turn")["level"] == "warning"


def test_what_is_on_its_way_is_counted_while_it_is() -> None:
    talk = conversation(InMemoryStore(), "buffer")
    before = value("memory_inspector_answers_on_their_way")
    job = worker.start(talk, "Hello.", stepped=True)
    assert value("memory_inspector_answers_on_their_way") == before + 1
    job.stop()
    job.join(20)
    assert value("memory_inspector_answers_on_their_way") == before


@pytest.mark.parametrize(("name", "wrong"), [("LOG_FORMAT", "xml"), ("LOG_LEVEL", "loud")])
def test_a_wrong_setting_of_the_log_is_named(name: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, wrong)
    with pytest.raises(BadInput, match=name):
        log.set_up()


def test_langsmith_is_off_until_its_variables_say_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    from langsmith.utils import get_env_var

    get_env_var.cache_clear()
    assert not tracing().on
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_PROJECT", "class")
    get_env_var.cache_clear()
    assert (tracing().on, tracing().project, tracing().trouble[:17]) == (True, "class", "LANGSMITH_API_KEY")
    monkeypatch.undo()
    get_env_var.cache_clear()
