"""SimpleMemory and SummarizationMemory by hand, and the latter beside LangChain's own middleware."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, RemoveMessage

from memory.base import Recall, State, Turn, replay
from memory.catalog import load
from memory.stores.inmemory import InMemoryStore
from memory.tokens import count_tokens
from tests.memory.fakes import ENCODING, FakeChat, FakeServices, conversation, lazily, plain, say, with_tools

FACTS = {"name": "Alex", "city": "Oslo"}


def read(spec: str, turns: Sequence[Turn], budget: int = 1000, state: State | None = None) -> Recall:
    return load().memory(spec).read(state or State(), lazily(turns), "?", FakeServices(), budget)


# SimpleMemory


def test_the_given_facts_reach_every_prompt_and_no_turn_does() -> None:
    talker = FakeChat()
    talk = conversation(InMemoryStore(), load().make("simple", {"memories": FACTS}), talker)
    say(talk, "I moved to Rome.", "Where do I live?")
    for messages, query in zip(talker.seen, ["I moved to Rome.", "Where do I live?"], strict=True):
        assert [(message.type, message.text) for message in messages] == [
            ("system", "name: Alex\ncity: Oslo"),
            ("human", query),
        ]


def test_without_facts_nothing_is_sent() -> None:
    recall = read("simple", [plain(0, "hi", "hello")])
    assert recall.items == ()
    assert [(left.turns, left.why) for left in recall.left_out] == [((0, 1), "it sends only the facts that were given")]
    assert read("simple", []) == Recall()


def test_only_whole_facts_are_sent_and_the_item_says_that_some_are_missing() -> None:
    memory = load().make("simple", {"memories": {"a": "one", "b": "two " * 40, "c": "three"}})
    (item,) = memory.read(State(), [], "?", FakeServices(), 12).items
    assert item.text == "a: one\nc: three"
    assert item.tokens == count_tokens("a: one\nc: three", ENCODING)
    assert (item.shortened, item.why) == (
        12,
        "the facts that were given; shortened to 2 of 3 by the budget of 12 tokens",
    )
    assert memory.read(State(), [], "?", FakeServices(), 0).items == ()


def test_a_fact_alone_over_the_budget_is_shortened_and_marked() -> None:
    memory = load().make("simple", {"memories": {"a": "word " * 40}})
    (item,) = memory.read(State(), [], "?", FakeServices(), 5).items
    assert (item.text, item.tokens, item.shortened) == ("a: word word word", 5, 5)
    assert item.why.endswith("shortened to 1 of 1 by the budget of 5 tokens")


def test_a_value_cannot_pose_as_another_fact() -> None:
    memory = load().make("simple", {"memories": {"note": "x\nname: Eve", "a\nb": "c"}})
    assert memory.read(State(), [], "?", FakeServices(), 100).items[0].text == "note: x\n    name: Eve\na b: c"


# SummarizationMemory

TALK = [plain(index, f"question {index}", f"answer {index}") for index in range(8)]
EACH = TALK[0].count(ENCODING)


def test_nothing_happens_until_the_trigger_and_then_all_but_the_tail_is_one_summary() -> None:
    assert EACH == 6
    memory = load().memory("summarization:trigger=30,keep=4")
    services = FakeServices(answer=lambda messages: "gist")
    states = [replay(memory, TALK[:length], services) for length in range(9)]
    # 4 turns are 24 tokens; the 5th makes 30. Then: 1 + 2 turns = 13, 19, 25, and 31 at the 8th.
    assert [len(state.notes) for state in states] == [0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert [note.turns for state in states for note in state.notes.values()] == [(0, 3), (0, 3), (0, 3), (0, 6)]
    asked = [messages[-1].text for purpose, messages in services.asked]
    assert asked[0].startswith("Current summary:\n(none)\n\nNew lines:\nHuman: question 0\nAI: answer 0\n")
    assert "question 2" in asked[0]
    assert "question 3" not in asked[0]
    before, after = read("summarization", TALK[:4]), read("summarization", TALK[:5], state=states[5])
    assert [(item.ref, item.turns) for item in before.items] == [("turns:0-3", (0, 4))]
    assert [(item.ref, item.text) for item in after.items] == [("summary:1", "gist"), ("turns:3-4", None)]
    assert [(left.turns, left.why, left.kind) for left in after.left_out] == [
        ((0, 3), "merged into summary v1", "summary")
    ]


def test_a_failed_summary_loses_nothing_and_comes_with_the_next_turn() -> None:
    memory = load().memory("summarization:trigger=30,keep=4")
    failing = FakeServices(fails=lambda number: True)
    state = memory.write(replay(memory, TALK[:4], FakeServices()), TALK[:5], failing, None)
    assert (state.covered, dict(state.notes)) == (4, {})
    assert [str(error) for error in failing.errors] == ["The model is tired: try again."]
    assert [item.turns for item in read("summarization", TALK[:5], state=state).items] == [(0, 5)]
    assert memory.write(state, TALK[:6], FakeServices(), None).notes["summary"].turns == (0, 3)


def test_the_newest_turn_stays_whole_whatever_is_to_be_kept() -> None:
    turns = [*TALK[:4], with_tools(4, "look", "found", ["a", "b", "c"])]
    state = replay(load().memory("summarization:trigger=40,keep=2"), turns, FakeServices())
    assert state.notes["summary"].turns == (0, 4)


def test_what_is_not_summarised_is_sent_as_far_as_the_budget_goes() -> None:
    recall = read("summarization", TALK, budget=2 * EACH + 1)
    assert [item.turns for item in recall.items] == [(6, 8)]
    assert [(left.turns, left.kind) for left in recall.left_out] == [((0, 6), "budget")]


def middleware(trigger: int, keep: int, turns: Sequence[Turn], summary: str) -> tuple[str | None, list[str]]:
    """Give whole turns one by one to LangChain's middleware; return its summary and the messages that it keeps."""
    said = "Here is a summary of the conversation to date:\n\n"

    def count(messages: Any) -> int:
        return sum(count_tokens(message.text.removeprefix(said), ENCODING) for message in messages)

    def summarise(messages: Any) -> str:
        return summary

    oracle: Any = SummarizationMiddleware(
        FakeChat(), trigger=("tokens", trigger), keep=("messages", keep), token_counter=count, summarizer=summarise
    )
    messages: list[AnyMessage] = []
    for turn in turns:
        messages += [HumanMessage(turn.human), AIMessage(turn.ai)]
        changed = oracle.before_model({"messages": messages}, None)
        if changed:
            messages = [message for message in changed["messages"] if not isinstance(message, RemoveMessage)]
    first = messages[0].text if messages else ""
    has = first.startswith(said)
    return (first.removeprefix(said) if has else None), [message.text for message in messages[has:]]


@settings(max_examples=60)
@given(sizes=st.lists(st.integers(1, 30), max_size=25), trigger=st.integers(20, 200), turns_kept=st.integers(1, 6))
def test_the_same_turns_are_kept_as_by_langchains_middleware(sizes: list[int], trigger: int, turns_kept: int) -> None:
    turns = [plain(index, f"q{index}" + " word" * size, f"a{index}") for index, size in enumerate(sizes)]

    def answer(messages: list[BaseMessage]) -> str:
        return "gist"

    memory = load().make("summarization", {"trigger": trigger, "keep": 2 * turns_kept})
    state = replay(memory, turns, FakeServices(answer=answer))
    recall = memory.read(state, lazily(turns), "?", FakeServices(), 100_000)
    kept = [m.content for item in recall.items if item.turns for t in turns[slice(*item.turns)] for m in t.messages]
    summary = next((item.text for item in recall.items if item.text), None)
    assert (summary, kept) == middleware(trigger, 2 * turns_kept, turns, "gist")
