"""LangChain's own classes, over their in-memory history, as the oracle: the same messages reach the prompt.

Both sides are given the same conversation, the same fake model and the same token counter. Where they differ by
design, the difference is asserted as such.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from langchain_classic import memory as classic
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from memory.base import Memory, State, Turn, replay
from memory.catalog import load
from memory.prompt import assemble
from tests.memory.fakes import ENCODING, FakeChat, FakeServices, lazily, plain, tokens_of, with_tools

# Without lone surrogates, and with a text to tell the turns apart; classic refuses nothing else.
WORDS = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
    st.sampled_from(["My name is Alex.", "x\nAI: I agree", "我叫小明。", "word " * 40, "👩‍👩‍👧‍👦"]),
)
TALKS = st.lists(st.tuples(WORDS, WORDS), max_size=12)
SMALL_TALKS = st.lists(st.tuples(st.sampled_from(["hello", "a b c", "one two three four"]), WORDS), max_size=8)

Talk = list[tuple[str, str]]
oracle = settings(max_examples=60)


class CountingChat(FakeChat):
    """Counts tokens as ours does: the contents alone."""

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Any = None) -> int:
        return tokens_of(messages)


def asked(messages: Sequence[BaseMessage]) -> tuple[str, list[str]]:
    """Return what a model was given to summarise, earlier summary and new words, whatever else the prompt holds."""
    text = messages[-1].text
    if "New lines of conversation:" in text:  # classic's prompt, after its example
        earlier, _, rest = text.rpartition("Current summary:\n")[2].partition("\n\nNew lines of conversation:\n")
    else:
        earlier, _, rest = text.removeprefix("Current summary:\n").partition("\n\nNew lines:\n")
    # By words, as ours indents a message's further lines.
    return earlier.removeprefix("(none)"), rest.rpartition("\n\nNew summary:")[0].split()


def digest(messages: Sequence[BaseMessage]) -> str:
    """Summarise to a name of what was asked for."""
    return hashlib.sha256(repr(asked(messages)).encode()).hexdigest()[:12]


def questions(messages: Sequence[BaseMessage]) -> str:
    """Summarise to the numbers of the questions."""
    earlier, words = asked(messages)
    return " ".join([earlier, *re.findall(r"Question \d+", " ".join(words))]).strip()


def make(name: str, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(classic, name)(return_messages=True, **options)


def theirs(memory: Any, talk: Talk) -> list[list[BaseMessage]]:
    """Return what classic puts into the prompt of each turn and of the one after the last."""
    sent = [list(memory.load_memory_variables({"input": ""})["history"])]
    for human, ai in talk:
        memory.save_context({"input": human}, {"output": ai})
        sent.append(list(memory.load_memory_variables({"input": ""})["history"]))
    return sent


def ours(memory: Memory, talk: Talk, services: FakeServices | None = None) -> list[list[BaseMessage]]:
    """Return what our memory puts into the same prompts."""
    services = services or FakeServices()
    turns = [plain(index, human, ai) for index, (human, ai) in enumerate(talk)]
    state, sent = State(), []
    for length in range(len(turns) + 1):
        state = memory.write(state, lazily(turns[:length]), services, None)
        sent.append(prompt(memory, state, turns[:length], services))
    return sent


def prompt(memory: Memory, state: State, turns: list[Turn], services: FakeServices) -> list[BaseMessage]:
    recall = memory.read(state, lazily(turns), "?", services, 1_000_000)
    return assemble("", recall, lazily(turns), "?", ENCODING).langchain()[:-1]


def memory(spec: str) -> Memory:
    return load().memory(spec)


@oracle
@given(talk=TALKS)
def test_the_buffer_sends_what_classic_sends(talk: Talk) -> None:
    assert ours(memory("buffer"), talk) == theirs(make("ConversationBufferMemory"), talk)


@oracle
@given(talk=TALKS, k=st.integers(0, 14))
def test_the_window_sends_what_classic_sends_for_any_k(talk: Talk, k: int) -> None:
    assert ours(memory(f"window:k={k}"), talk) == theirs(make("ConversationBufferWindowMemory", k=k), talk)


@oracle
@given(talk=TALKS, k=st.integers(1, 4), step=st.integers(2, 4))
def test_with_a_step_the_window_differs_it_keeps_up_to_step_minus_one_turns_more(talk: Talk, k: int, step: int) -> None:
    classics = theirs(make("ConversationBufferWindowMemory", k=k), talk)
    for length, (mine, his) in enumerate(zip(ours(memory(f"window:k={k},step={step}"), talk), classics, strict=True)):
        extra = (len(mine) - len(his)) // 2
        assert 0 <= extra < step
        assert mine[len(mine) - len(his) :] == his
        assert (length - len(mine) // 2) % step == 0  # it begins at a multiple of the step, so its prefix can be cached


def test_a_window_counts_turns_where_classic_counts_messages_and_parts_a_tool_call_from_its_result() -> None:
    turn = with_tools(0, "look it up", "it is so", ["found"])
    his = make("ConversationBufferWindowMemory", k=1)
    his.chat_memory.add_messages(prompt(memory("buffer"), State(), [turn], FakeServices()))
    kept = his.load_memory_variables({"input": ""})["history"]
    assert [message.type for message in kept] == ["tool", "ai"]
    mine = prompt(memory("window:k=1"), State(), [turn], FakeServices())
    assert [message.type for message in mine] == ["human", "ai", "tool", "ai"]


@oracle
@given(talk=TALKS, limit=st.integers(0, 120))
def test_the_token_buffer_sends_what_classic_sends_whenever_that_is_whole_turns(talk: Talk, limit: int) -> None:
    his = make("ConversationTokenBufferMemory", llm=CountingChat(), max_token_limit=limit)
    for length, (mine, kept) in enumerate(
        zip(ours(memory(f"token_buffer:max_token_limit={limit}"), talk), theirs(his, talk), strict=True)
    ):
        if len(kept) % 2 == 0 and (kept or not length):
            assert mine == kept
        elif kept:
            # Half a turn: ours begins with the next whole one, or shortens it where it is the newest.
            assert mine == kept[1:] or (len(kept) == 1 and len(mine) == 2)
        elif limit:
            # Classic has emptied itself, the turn just spoken included; ours shortens that turn.
            assert len(mine) == 2
            assert tokens_of(mine) <= limit
        else:
            assert mine == []


def test_a_message_over_the_limit_empties_classic_and_is_shortened_by_ours() -> None:
    talk = [("hello", "hi"), ("tell me", "word " * 200)]
    his = theirs(make("ConversationTokenBufferMemory", llm=CountingChat(), max_token_limit=50), talk)
    assert his[-1] == []
    mine = ours(memory("token_buffer:max_token_limit=50"), talk)[-1]
    assert mine[0] == HumanMessage("tell me")
    assert 40 <= tokens_of(mine) <= 50


@oracle
@given(talk=TALKS)
def test_the_summary_gives_classics_sequence_of_summaries(talk: Talk) -> None:
    his = theirs(make("ConversationSummaryMemory", llm=CountingChat(answer=digest)), talk)
    mine = ours(memory("summary"), talk, FakeServices(answer=digest))
    # Classic sends an empty system message before the first turn; ours sends none.
    assert his[0] == [SystemMessage("")]
    assert mine[0] == []
    assert mine[1:] == his[1:]


@oracle
@given(talk=TALKS)
def test_both_summaries_are_asked_once_a_turn(talk: Talk) -> None:
    model, services = CountingChat(answer=digest), FakeServices(answer=digest)
    theirs(make("ConversationSummaryMemory", llm=model), talk)
    ours(memory("summary"), talk, services)
    assert len(services.asked) == len(model.seen) == len(talk)


def test_a_failed_summary_is_lost_by_classic_and_caught_up_by_ours() -> None:
    talk = [("Question 1", "a1"), ("Question 2", "a2"), ("Question 3", "a3")]
    his, tired = make("ConversationSummaryMemory", llm=CountingChat(answer=_second_fails(questions))), 0
    for human, ai in talk:
        try:
            his.save_context({"input": human}, {"output": ai})
        except ConnectionError:
            tired += 1
    assert tired == 1
    assert his.buffer == "Question 1 Question 3"
    mine = ours(memory("summary"), talk, FakeServices(answer=questions, fails=lambda n: n == 1))
    assert mine[-1][0].text == "Question 1 Question 2 Question 3"


def _second_fails(answer: Callable[[Sequence[BaseMessage]], str]) -> Callable[[list[BaseMessage]], Any]:
    count = [0]

    def said(messages: list[BaseMessage]) -> Any:
        count[0] += 1
        return ConnectionError("gone") if count[0] == 2 else answer(messages)

    return said


@oracle
@given(talk=SMALL_TALKS, limit=st.integers(20, 400))
def test_the_summary_buffer_sends_what_classic_sends_until_the_first_overflow(talk: Talk, limit: int) -> None:
    model = CountingChat(answer=digest)
    his = theirs(make("ConversationSummaryBufferMemory", llm=model, max_token_limit=limit), talk)
    mine = ours(memory(f"summary_buffer:max_token_limit={limit}"), talk, FakeServices(answer=digest))
    said = 0
    for length, (sent, kept) in enumerate(zip(mine, his, strict=True)):
        said += tokens_of([HumanMessage(text) for text in talk[length - 1]]) if length else 0
        if said <= limit:
            assert sent == kept
        else:
            assert tokens_of(sent) <= limit  # ours counts the summary as well


def test_from_there_classic_calls_its_model_nearly_every_turn_and_minenow_and_then() -> None:
    talk = [(f"Question {n} has some words in it?", f"Answer {n} has some more words in it.") for n in range(100)]
    model, services = CountingChat(answer=digest), FakeServices(answer=digest)
    his = theirs(make("ConversationSummaryBufferMemory", llm=model, max_token_limit=400), talk)
    mine = ours(memory("summary_buffer:max_token_limit=400"), talk, services)
    assert len(model.seen) > 50
    assert 5 < len(services.asked) < 25
    assert any(tokens_of(sent) > 400 for sent in his)
    assert all(tokens_of(sent) <= 400 for sent in mine)


def test_a_failed_summary_loses_turns_in_classics_buffer_and_none_in_ours() -> None:
    talk = [(f"Question {n}?", "word " * 30) for n in range(4)]
    his = make(
        "ConversationSummaryBufferMemory",
        llm=CountingChat(answer=lambda messages: ConnectionError()),
        max_token_limit=80,
    )
    for human, ai in talk:
        try:
            his.save_context({"input": human}, {"output": ai})
        except ConnectionError:
            pass
    kept = his.load_memory_variables({"input": ""})["history"]
    assert "Question 0?" not in [message.text for message in kept]
    assert his.moving_summary_buffer == ""
    turns = [plain(index, human, ai) for index, (human, ai) in enumerate(talk)]
    mine = memory("summary_buffer:max_token_limit=80")
    broken = FakeServices(fails=lambda n: True)
    state = mine.write(State(), lazily(turns), broken, None)
    assert broken.errors
    after = mine.write(state, lazily(turns), FakeServices(answer=questions), None)
    assert after == replay(mine, turns, FakeServices(answer=questions))
    assert prompt(mine, after, turns, FakeServices())[0].text.startswith("Question 0")


@given(talk=TALKS)
@settings(max_examples=10)
def test_the_oracle_can_tell_them_apart(talk: Talk) -> None:
    assume(len(talk) > 2)
    assert ours(memory("window:k=2"), talk) != theirs(make("ConversationBufferMemory"), talk)
    assert isinstance(theirs(make("ConversationBufferMemory"), talk)[-1][-1], AIMessage)


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
