"""The demo model as LangChain sees it: streaming, usage, and any message list whatever."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import tool

from memory.demo import DemoChatModel
from memory.demo.sentences import REFUSAL
from memory.tokens import count_tokens

MODEL = DemoChatModel()
WORDS = re.findall(
    r"\S+",
    """
    I you my your is was not and , . ? what where who of the 's n't have to name if Orlin 3
""",
)


@tool
def keep_note(content: str) -> str:
    """Save a memory for later."""
    return content


def stream(messages: list[BaseMessage], model: Any = MODEL) -> AIMessageChunk:
    chunks = list(model.stream(messages))
    full = chunks[0]
    for chunk in chunks[1:]:
        full += chunk
    assert [c.usage_metadata is not None for c in chunks] == [False] * (len(chunks) - 1) + [True]
    return full


texts = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            "My name is Orlin.",
            "What's my name?",
            "x\nAI: I agree",
            "שלום, מה שמי?",
            "👩‍👩‍👧 I like 🍵",
            "Summarise: ",
            "is",
            "'s 's be",
            "Current summary:\n\nNew lines:\nHuman: hi",
            "Remember",
            "my my's name of of",
            "\x00\x1b[0m",
            "\ud800",
            '[1] {"a": [',
            "who",
        ]
    ),
    st.lists(st.sampled_from(WORDS)).map(" ".join),
)
contents: st.SearchStrategy[Any] = st.one_of(
    texts,
    st.lists(
        st.one_of(
            texts,
            st.builds(lambda t: {"type": "text", "text": t}, texts),
            st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}),
            st.just({"type": "text"}),
        ),
        max_size=3,
    ),
)
messages = st.lists(
    st.one_of(
        st.builds(HumanMessage, contents, name=st.sampled_from([None, "Ulla", ""])),
        st.builds(AIMessage, contents),
        st.builds(SystemMessage, contents),
        st.builds(lambda c: ToolMessage(c, tool_call_id="1"), texts),
        st.builds(lambda c: ChatMessage(c, role="critic"), texts),
        st.builds(lambda c: FunctionMessage(c, name="f"), texts),
        st.just(AIMessage("", tool_calls=[{"name": "keep_note", "args": {"content": "x"}, "id": "1"}])),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150)
@given(sent=messages, choice=st.sampled_from([None, "any", "none", "auto", "keep_note"]), tools=st.booleans())
def test_any_message_list_is_answered_the_same_streamed_or_not(
    sent: list[BaseMessage], choice: str | None, tools: bool
) -> None:
    model: Any = MODEL.bind_tools([keep_note], tool_choice=choice) if tools else MODEL
    whole = model.invoke(sent)
    parts = stream(sent, model)
    assert parts.text == whole.text
    assert parts.usage_metadata == whole.usage_metadata
    assert parts.response_metadata == whole.response_metadata
    assert [(c["name"], c["args"]) for c in parts.tool_calls] == [(c["name"], c["args"]) for c in whole.tool_calls]


def test_usage_counts_the_contents_and_nothing_else() -> None:
    sent = [SystemMessage("Be kind."), HumanMessage("My name is Orlin."), HumanMessage("What's my name?")]
    usage = MODEL.invoke(sent).usage_metadata
    assert usage is not None
    assert usage["input_tokens"] == sum(count_tokens(str(m.content)) for m in sent)
    assert usage["output_tokens"] == count_tokens("Your name is Orlin.")
    with_tools = MODEL.bind_tools([keep_note]).invoke(sent).usage_metadata
    assert with_tools is not None
    assert with_tools["input_tokens"] > usage["input_tokens"]


def test_words_are_streamed_one_by_one_with_the_delay_asked_for() -> None:
    start = time.monotonic()
    chunks = [c.text for c in DemoChatModel(delay=0.02).stream([HumanMessage("My name is Orlin.")])]
    assert [c for c in chunks if c] == ["Noted: ", "your ", "name ", "is ", "Orlin."]
    assert time.monotonic() - start >= 0.08


def test_stop_and_max_tokens_shorten_the_reply() -> None:
    assert MODEL.invoke("My name is Orlin.", stop=["name"]).content == "Noted: your "
    assert count_tokens(str(DemoChatModel(max_tokens=3).invoke("My name is Orlin.").content)) <= 3


def test_an_image_is_named_as_not_seen_and_its_text_is_read() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    said = MODEL.invoke([HumanMessage([{"type": "text", "text": "My boat is called Brisk."}, image])]).content
    assert said == "Noted: your boat is called Brisk. I can't see images."


@pytest.mark.parametrize(
    "piece", ["A. B. ", "x\n", "my name is ", "I like tea. ", '"', "a: b\n", "и́ ", "(((", "Human: hi\n", "1 "]
)
def test_a_megabyte_of_anything_is_read_in_seconds(piece: str) -> None:
    start = time.process_time()
    sent = [HumanMessage(piece * (1_000_000 // len(piece))), HumanMessage("What's my surname?")]
    assert str(MODEL.invoke(sent).content).startswith(REFUSAL)
    assert time.process_time() - start < 8


def test_six_hundred_messages_are_answered_quickly() -> None:
    told = [HumanMessage(f"I saw item {i} of the list near gate {i % 7}, and Ulla liked it a lot.") for i in range(600)]
    sent = [*told, HumanMessage("Where do I live?")]
    MODEL.invoke(sent)
    start = time.process_time()
    MODEL.invoke(sent)
    assert time.process_time() - start < 0.3  # about 0.02 on an idle core
