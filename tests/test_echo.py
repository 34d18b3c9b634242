"""The echo model: an ordinary model that repeats what it was asked."""

from __future__ import annotations

import json
import time

import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_tests.unit_tests import ChatModelUnitTests
from pydantic import BaseModel

from memory.commands import main
from memory.demo.echo import EchoChatModel
from memory.errors import ModelFailed
from memory.models import chat_model, context_window, describe, key_name, sum_chunks, usage_of
from memory.services import Models
from memory.tokens import count_tokens, encoding_for
from tests.test_command_replay import Conversation


class TestUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EchoChatModel


def test_it_answers_with_the_last_human_message_and_counts_what_it_read() -> None:
    prompt = [SystemMessage("Be brief."), HumanMessage("I am Ana."), AIMessage("Hi."), HumanMessage(" Who  am\nI?")]
    answer = sum_chunks(chat_model("echo").stream(prompt))
    assert answer.text == " Who  am\nI?"
    usage = usage_of(answer)
    assert usage
    assert (usage.input, usage.output) == (sum(count_tokens(one.text) for one in prompt), count_tokens(" Who  am\nI?"))
    assert chat_model("echo").invoke(prompt).text == answer.text
    assert chat_model("echo").invoke("Stop here, please", stop=[","]).text == "Stop here"
    assert chat_model("echo").invoke([SystemMessage("Be brief.")]).text == ""


def test_it_streams_word_by_word_with_its_delay() -> None:
    begin = time.perf_counter()
    pieces = [piece.text for piece in chat_model("echo", delay=0.01).stream("Where do I live?") if piece.text]
    assert pieces == ["Where ", "do ", "I ", "live?"]
    assert time.perf_counter() - begin >= 0.04


def test_it_is_counted_and_priced_as_another_model_and_needs_no_key() -> None:
    models = Models("echo", "echo", "openai:gpt-5-mini")
    assert models.priced_as("echo") == "openai:gpt-5-mini"
    assert models.encoding() == encoding_for("openai:gpt-5-mini")
    assert encoding_for("echo").exact
    assert key_name("echo") is None
    assert context_window("echo") == context_window("demo")
    assert describe("echo").startswith("echo, built in")


class Form(BaseModel):
    """Something to fill in."""

    name: str


def test_where_tools_are_needed_it_says_so_in_a_sentence() -> None:
    with pytest.raises(ModelFailed, match="cannot fill in forms") as failed:
        Models("echo").services().ask([HumanMessage("Fill this in.")], "facts", 100, [Form])
    assert "choose another model" in str(failed.value)


def test_the_command_line_knows_it(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path_factory.mktemp("echo") / "chat.txt"
    file.write_text("User: My name is Alex.\nAI: Hi Alex.\nUser: Where is my key?\n", "utf-8")
    assert main(("replay", str(file), "--memory", "buffer", "--model", "echo", "--json", "-")) == 0
    turns = Conversation.model_validate_json(capsys.readouterr().out).runs[0].turns
    assert (turns[-1].reply.text, turns[-1].reply.recorded) == ("Where is my key?", False)
    prompt = file.with_name("prompt.json")
    prompt.write_text(json.dumps([{"role": "user", "content": "Hello"}]), "utf-8")
    assert main(("ask", str(prompt), "--model", "echo")) == 0
    assert json.loads(capsys.readouterr().out)["text"] == "Hello"
