"""Chat models through langchain-openai, against a real server that misbehaves on request."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from memory.errors import ModelFailed, explain, flaw
from memory.models import (
    chat_model,
    context_window,
    describe,
    key_name,
    provider_of,
    sum_chunks,
    usage_of,
)
from memory.money.prices import Usage
from tests.clock import Clock
from tests.openai_server import Answer, Server, openai_server

KEY = "sk-visitor-1234567890abcdef"


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with openai_server() as server:
        yield server


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server as the operator's OPENAI_BASE_URL, with no other setting of this machine."""
    for name in ("OPENAI_API_KEY", "OPENAI_API_BASE", "ANTHROPIC_API_KEY", "LANGSMITH_GATEWAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", running.url)
    monkeypatch.setenv("MODEL_TIMEOUT", "1.5")
    running.requests.clear()
    return running


def ask(name: str, text: str = "Hello there", *, stream: bool = True, key: str | None = KEY) -> AIMessage:
    model = chat_model(name, api_key=key)
    return sum_chunks(model.stream(text)) if stream else sum_chunks(iter([model.invoke(text)]))  # type: ignore[list-item]


def failure(name: str, **options: Any) -> ModelFailed:
    with pytest.raises(Exception) as caught:
        ask(name, **options)
    return explain(caught.value, model=name)


def test_pieces_join_to_the_answer_and_the_usage_arrives(server: Server) -> None:
    pieces = list(chat_model("openai:echo", api_key=KEY).stream("Hello there, how are you?"))
    texts = [piece.text for piece in pieces if piece.text]
    assert len(texts) > 4
    assert "".join(texts) == "You said: Hello there, how are you?"
    answer = sum_chunks(pieces)
    assert answer.text == "".join(texts)
    assert usage_of(answer) == Usage(input=9, output=10)
    assert server.requests[-1].body["stream_options"] == {"include_usage": True}
    assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"


def test_an_answer_in_one_piece_says_the_same(server: Server) -> None:
    assert ask("openai:echo", stream=False).text == ask("openai:echo").text == "You said: Hello there"


def test_a_repeated_long_prompt_is_reported_as_cached(server: Server) -> None:
    text = "The library of Alexandria held many scrolls. " * 150
    first, second = (usage_of(ask("openai:echo", text + end)) for end in ("One.", "Two."))
    assert first is not None
    assert first.cached == 0
    assert second is not None
    assert 1_024 <= second.cached <= second.input
    assert second.cached % 128 == 0


def test_every_detail_of_the_usage_is_read(server: Server) -> None:
    counts = {"prompt_tokens": 3_000, "completion_tokens": 70, "total_tokens": 3_070}
    details = {"cached_tokens": 2_048, "cache_write_tokens": 512}
    server.script(
        Answer(usage=counts | {"prompt_tokens_details": details, "completion_tokens_details": {"reasoning_tokens": 64}})
    )
    assert usage_of(ask("openai:echo")) == Usage(input=3_000, output=70, cached=2_048, cache_write=512, reasoning=64)


@pytest.mark.parametrize(
    ("details", "cached", "written"),
    [
        ({}, 0, 0),
        ({"priority_cache_read": 5, "priority": 15}, 5, 0),
        ({"cache_read": 5, "cache_creation": 0, "ephemeral_5m_input_tokens": 7}, 5, 7),
    ],
)
def test_usage_is_read_as_each_provider_spells_it(details: dict[str, int], cached: int, written: int) -> None:
    counts: Any = {"input_tokens": 20, "output_tokens": 1, "total_tokens": 21, "input_token_details": details}
    assert usage_of(AIMessage("Hi", usage_metadata=counts)) == Usage(20, 1, cached, written)


def test_a_usage_that_contradicts_itself_or_is_missing_stops_nothing() -> None:
    counts: Any = {"input_tokens": 5, "output_tokens": 1, "total_tokens": 6, "input_token_details": {"cache_read": 8}}
    assert usage_of(AIMessage("Hi", usage_metadata=counts)) == Usage(8, 1, cached=8)
    assert usage_of(AIMessage("Hi")) is None


def test_tools_are_offered_called_and_answered(server: Server) -> None:
    schema = {"type": "object", "properties": {"content": {"type": "string"}}, "required": ["content"]}
    tool = {"type": "function", "function": {"name": "manage_memory", "description": "Remember.", "parameters": schema}}
    model = chat_model("openai:tools").bind_tools([tool])
    call = sum_chunks(model.stream("Remember that I like tea."))  # type: ignore[arg-type]
    assert [(made["name"], made["args"]) for made in call.tool_calls] == [("manage_memory", {"content": "example"})]
    answer = ToolMessage("saved", tool_call_id=call.tool_calls[0]["id"])
    after = sum_chunks(model.stream([HumanMessage("Remember that I like tea."), call, answer]))  # type: ignore[arg-type]
    assert after.text == "The tool said: saved"


FAILURES = [
    ("401", "key", None, "The key for openai:401 was refused: enter a valid one in Settings, or use the demo model."),
    ("403", "key", None, "openai:403 may not be used with this key or from here: choose another in Settings."),
    (
        "404",
        "unknown_model",
        None,
        "The provider knows no model by the name of openai:404: choose another in Settings.",
    ),
    ("429", "rate_limit", 7.0, "openai:429 accepts no more requests for now: try again in 7 seconds."),
    (
        "quota",
        "quota",
        None,
        "The account that pays for openai:quota has no credit left: add some, or use another key.",
    ),
    ("500", "server", None, "The provider of openai:500 has trouble of its own (500): try again in a moment."),
    ("503", "server", 3.0, "The provider of openai:503 has trouble of its own (503): try again in 3 seconds."),
    ("context", "context", None, "The prompt is longer than openai:context can read: lower the budget,"),
    ("refuse", "refused", None, "openai:refuse refused this prompt because of its content: change the message"),
    (
        "400",
        "refused",
        None,
        "openai:400 refused the request (Invalid value: 'robot'): change the prompt or the model.",
    ),
    ("filter", "refused", None, "The model refused to answer because of the content: change the message."),
    ("empty", "server", None, "The model sent an empty answer: try again."),
    ("html", "connection", None, "What answers at this address is no chat service: check OPENAI_BASE_URL,"),
    ("silent", "timeout", None, "openai:silent kept silent for too long: try again, or raise MODEL_TIMEOUT."),
]
STREAM_FAILURES = [
    (
        "break",
        "broken_stream",
        None,
        "The connection to openai:break broke off before the answer was complete: try again.",
    ),
    ("cut", "broken_stream", None, "The connection broke off before the answer was complete: try again."),
    ("stall", "timeout", None, "openai:stall kept silent for too long: try again, or raise MODEL_TIMEOUT."),
    ("stream-error", "server", None, "openai:stream-error reported an error in the middle of its answer: try again."),
]


@pytest.mark.parametrize(
    ("name", "kind", "wait", "sentence", "stream"),
    [(*case, stream) for case in FAILURES for stream in (True, False)] + [(*case, True) for case in STREAM_FAILURES],
)
def test_each_failure_is_one_sentence_with_its_remedy_and_without_the_key(
    server: Server,
    caplog: pytest.LogCaptureFixture,
    name: str,
    kind: str,
    wait: float | None,
    sentence: str,
    stream: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    failed = failure(f"openai:{name}", stream=stream)
    assert len(server.requests) == 1, "a retry is the person's decision"
    assert (failed.kind, failed.retry_after) == (kind, wait)
    assert str(failed).startswith(sentence)
    assert str(failed).endswith(".")
    assert "\n" not in str(failed)
    assert KEY not in str(failed) + repr(failed) + caplog.text


def test_a_rate_limit_in_the_middle_of_a_stream_is_still_a_rate_limit(server: Server) -> None:
    error = {"message": "Please try again in 1m.", "type": "tokens", "code": "rate_limit_exceeded"}
    server.script(Answer(status=429, error=error, headers={"retry-after-ms": "1500"}), Answer(status=429, error=error))
    assert failure("openai:echo").retry_after == 1.5
    assert failure("openai:echo").retry_after == 60


@pytest.mark.parametrize("stream", [True, False])
def test_a_key_that_the_provider_quotes_reaches_no_traceback(server: Server, stream: bool) -> None:
    odd = "visitor!own!key"
    server.script(Answer(status=400, error={"message": "Cannot use {key} here.", "type": "x", "code": None}))

    def answer() -> None:
        try:
            ask("openai:echo", key=odd, stream=stream)
        except Exception as error:
            raise explain(error) from None

    with pytest.raises(ModelFailed, match=r"Cannot use \[key\] here") as caught:
        answer()
    assert odd not in "".join(traceback.format_exception(caught.value))


def test_a_model_shows_its_key_to_nobody(server: Server) -> None:
    model = chat_model("openai:echo", api_key=KEY)
    assert KEY not in repr(model) + str(model) + str(model.model_dump()) + repr(model.bind(stop=["x"]))


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-ä1234567", "two words"])
def test_a_key_that_cannot_be_sent_is_refused_without_quoting_it(server: Server, key: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        chat_model("gpt-5-mini", api_key=key)
    assert caught.value.kind == "key"
    assert key not in str(caught.value)


def test_a_visitors_key_goes_before_the_operators(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-operator")
    for typed, sent in ((KEY, KEY), (f" {KEY}\n", KEY), (None, "sk-operator"), ("", "sk-operator")):
        ask("openai:echo", key=typed)
        assert server.requests[-1].headers["authorization"] == f"Bearer {sent}"


def test_a_server_of_ones_own_needs_no_key(server: Server) -> None:
    assert ask("openai:echo", key=None).text == "You said: Hello there"


def test_without_key_and_server_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelFailed, match="OPENAI_API_KEY") as caught:
        chat_model("gpt-5-mini")
    assert caught.value.kind == "key"


def test_only_the_operators_variable_names_the_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:9/other")
    assert chat_model("openai:echo", api_key=KEY).openai_api_base == server.url  # type: ignore[attr-defined]
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert chat_model("gpt-5-mini", api_key=KEY).openai_api_base == "https://api.openai.com/v1"  # type: ignore[attr-defined]


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/v1", "http://127.0.0.1:1"])
def test_a_server_that_is_not_there_fails_at_once(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    with Clock() as clock:
        failed = failure("openai:llama3")
    assert failed.kind == "connection"
    assert failed.can_retry
    assert "OPENAI_BASE_URL" in str(failed)
    assert clock.seconds < 4


def test_an_address_without_the_service_is_told_from_a_missing_model(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url.removesuffix("/v1"))
    assert failure("openai:echo").kind == "connection"


def test_an_address_that_is_none_is_refused_before_any_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "localhost:11434")
    with pytest.raises(ModelFailed, match="http://"):
        chat_model("openai:llama3")


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "99999"])
def test_a_wrong_timeout_is_named(server: Server, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MODEL_TIMEOUT", text)
    with pytest.raises(ModelFailed, match="MODEL_TIMEOUT"):
        chat_model("openai:echo")


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("nobody:x", "unknown_model", "provider:name"),
        ("llama3", "unknown_model", "provider:name"),
        ("openai:", "unknown_model", "provider:name"),
        ("", "unknown_model", "provider:name"),
    ],
)
def test_a_name_of_nobodys_says_how_names_are_written(server: Server, name: str, kind: str, words: str) -> None:
    with pytest.raises(ModelFailed, match=words) as caught:
        chat_model(name)
    assert caught.value.kind == kind


def test_a_missing_package_is_named() -> None:
    error = ImportError("Initializing ChatAnthropic requires the langchain-anthropic package. Please install it")
    failed = explain(error, model="anthropic:claude-opus-5")
    assert failed.kind == "unknown_model"
    assert "package langchain-anthropic" in str(failed)


def test_a_broken_character_is_told_from_a_broken_model(server: Server) -> None:
    failed = failure("openai:echo", text="half \ud800")
    assert failed.kind == "refused"
    assert "half a character" in str(failed)


def test_an_error_of_ones_own_is_quoted_short_and_a_failure_passes_through() -> None:
    failed = explain(RuntimeError("boom " * 100 + "\nsecond line"), model="demo")
    assert failed.kind == "server"
    assert len(str(failed)) < 300
    assert "second" not in str(failed)
    assert explain(failed) is failed


def test_a_call_that_was_cut_off_is_not_taken_for_whole(server: Server) -> None:
    server.script(Answer(text="", broken_call='{"content": "My name is', finish="length"))
    failed = failure("openai:echo")
    assert failed.kind == "refused"
    assert "tool call" in str(failed)


def test_the_demo_model_answers_with_its_delay_and_counts() -> None:
    model = chat_model("demo", delay=0.01)
    begin = time.perf_counter()
    answer = sum_chunks(model.stream("My name is Alex. What is my name?"))
    assert "Alex" in answer.text
    assert time.perf_counter() - begin >= 0.01
    usage = usage_of(answer)
    assert usage is not None
    assert usage.input > 5


def test_stopping_a_stream_waits_for_nothing(server: Server) -> None:
    pieces = chat_model("openai:stall").stream("Hello")
    next(iter(pieces))
    with Clock() as clock:
        pieces.close()  # type: ignore[attr-defined]
    assert clock.seconds < 0.5


def test_an_answer_with_a_call_and_no_words_is_whole() -> None:
    call: Any = {"name": "f", "args": {}, "id": "1"}
    assert flaw(AIMessage("", tool_calls=[call])) is None
    assert flaw(AIMessage("Hi")) is None


def test_an_answer_without_pieces_is_none() -> None:
    with pytest.raises(ModelFailed):
        sum_chunks(iter([]))


def test_a_model_says_what_it_is_without_an_addresss_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://ann:secret@gpu.local:8000/v1")
    assert describe("openai:llama3") == "llama3 at gpu.local:8000 (OPENAI_BASE_URL)"
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert describe("gpt-5-mini") == "gpt-5-mini by openai"
    assert describe("demo").startswith("demo, the built-in model")


def test_names_lead_to_providers_windows_and_keys() -> None:
    assert [provider_of(name) for name in ("demo", "gpt-5-mini", "anthropic:x", "llama3")] == [
        "demo",
        "openai",
        "anthropic",
        "",
    ]
    assert [context_window(name) for name in ("demo", "gpt-5-mini", "openai:llama3")] == [8_192, 400_000, None]
    assert [key_name(name) for name in ("demo", "gpt-5-mini", "ollama:x")] == [None, "OPENAI_API_KEY", None]


def test_looking_up_names_loads_no_provider() -> None:
    code = (
        "import sys, memory.models; print([m for m in ('langchain_openai', 'openai', 'langchain') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_server_runs_by_hand() -> None:
    command = [sys.executable, "-m", "tests.openai_server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("OPENAI_BASE_URL=http://127.0.0.1:")
        finally:
            process.terminate()
