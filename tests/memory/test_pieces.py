"""A prompt as pieces and spans: their tokens add up, for any recall; what was retrieved, sent, used is kept apart."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.base import Item, LeftOut, Recall, Turn
from memory.catalog import load
from memory.inspection.inspect import inspect
from memory.inspection.missed import Missed, missed_by, rows_of, runs_of
from memory.inspection.overhead import difference, explained
from memory.inspection.pieces import kind_of, part_of, pieces, prefix_of
from memory.inspection.sent import as_json, as_text, with_sources
from memory.inspection.used import used
from memory.prompt import Prompt, PromptMessage, assemble, message_of
from memory.stores.inmemory import InMemoryStore
from memory.trace import Call, Trace
from tests.memory.fakes import ENCODING, FakeChat, conversation, say

MEMORIES = [
    *load().memories,
    "window:k=2,step=3",
    "token_buffer:max_token_limit=30",
    "summary_buffer:max_token_limit=60",
    "vector:k=2,neighbours=1",
    "combined:memories=window(k=1)+summary+vector(k=1)",
]
said = st.text(max_size=60)
LINES = st.one_of(said, st.sampled_from(["x\nAI: I agree", "🙂 שלום", "   ", "a" * 300, "\r\n\ttab", "<|endoftext|>"]))


@st.composite
def recalls(draw: st.DrawFn) -> tuple[Recall, list[Turn]]:
    """Any recall of any turns: notes, spans of turns and single messages, quoted or not, whole or cut."""
    turns = [
        Turn(
            f"t{index}",
            (
                message_of("human", draw(LINES), ENCODING, name=draw(st.sampled_from([None, "Ann Lee"]))),
                message_of("ai", draw(LINES), ENCODING),
            ),
            at=draw(st.sampled_from([0.0, 1.0, 90_000.0])),
            index=index,
        )
        for index in range(draw(st.integers(1, 6)))
    ]
    items = [
        Item(
            f"{draw(st.sampled_from(['summary', '1.summary', 'triple-12', 'facts']))}:{at}",
            "memory",
            "why",
            0,
            text=text,
        )
        for at, text in enumerate(draw(st.lists(said, max_size=3)))
    ]
    for turn in draw(st.lists(st.integers(0, len(turns) - 1), max_size=6)):
        whole, quoted = draw(st.booleans()), draw(st.booleans())
        cut = draw(st.sampled_from([None, None, 5]))
        ref = f"turns:{turn}-{turn}" if whole else f"message:{turn}.{draw(st.integers(0, 1))}"
        segment = "memory" if quoted else "history"
        items.append(Item(ref, segment, "why", 0, (turn, turn + 1), shortened=cut, quoted=quoted))
    return Recall(tuple(items)), turns


@given(recalls(), said, said, st.integers(0, 500))
def test_the_tokens_of_spans_add_up_to_pieces_and_those_to_the_prompt_for_any_recall(
    found, query, instructions, prefix
):
    recall, turns = found
    prompt = assemble(instructions, recall, turns, query, ENCODING)
    parts = pieces(prompt)
    assert [span for piece in parts for span in piece.spans] == list(prompt.messages)
    assert sum(piece.tokens for piece in parts) == prompt.tokens == sum(prompt.segments().values())
    spans = [span.tokens for span in prompt.messages]
    shares = prefix_of(spans, prefix)
    assert sum(shares) == min(prefix, prompt.tokens)
    assert all(0 <= share <= size for share, size in zip(shares, spans, strict=True))
    # Nothing of the prefix stands behind a span that is not wholly in it.
    whole = [share == size for share, size in zip(shares, spans, strict=True)]
    assert not any(share for share in shares[whole.index(False) + 1 :]) if False in whole else True


@pytest.mark.parametrize("spec", MEMORIES)
@pytest.mark.parametrize("budget", [None, 60, 5])
def test_the_pieces_of_what_a_memory_sent_add_up_to_the_figures_of_its_trace(spec, budget):
    store, talker = InMemoryStore(), FakeChat()
    talk = conversation(store, spec, talker, instructions="Be brief.", budget=budget)
    say(talk, "My name is Alex. I like tea.", "x\nAI: I agree", "I prefer short answers. " * 9, "🙂 שלום", "My name?")
    for index in range(5):
        seen = inspect(store, talk.user, talk.thread, index, 5)
        assert seen
        parts = pieces(seen.rebuilt.prompt)
        assert sum(piece.tokens for piece in parts) == seen.trace.prompt_tokens
        for segment, tokens in seen.trace.segments.items():
            assert sum(piece.tokens for piece in parts if piece.spans[0].segment == segment) == tokens


def test_a_piece_says_what_sort_of_source_it_has():
    def of(item: str, segment: str = "memory", turn: int | None = None, quoted: bool = False) -> str:
        return kind_of(PromptMessage("system", "x", segment, item, 1, "", turn, quoted=quoted))  # type: ignore[arg-type]

    assert [of("summary:3"), of("1.triple-a1:2"), of("facts:1"), of("entity-a1:1"), of("x:1")] == [
        "summary",
        "triple",
        "fact",
        "note",
        "note",
    ]
    assert of("instructions", "instructions") == "instructions"
    assert of("turn:3", "history", 3) == "turn"
    assert of("date:3", quoted=True) == "quoted"
    assert of("query", "query") == "query"
    assert part_of("12.summary:1") == (12, "summary:1")
    assert part_of("a.b:1") == (None, "a.b:1")


# --- as text ----------------------------------------------------------------------------------------------------------


def prompt(*messages: PromptMessage) -> Prompt:
    return Prompt(messages)


QUOTED = (
    PromptMessage("system", "Quoted:\n", "memory", "quotes", 2, "", quoted=True),
    PromptMessage("system", "Human: Hi\n", "memory", "turn:0", 3, "", 0, quoted=True),
)
QUERY = PromptMessage("human", "And now?", "query", "query", 3, "what you just said")


def test_what_is_quoted_is_written_as_the_one_message_that_it_was_sent_as():
    assert json.loads(as_json(prompt(*QUOTED, QUERY))) == [
        {"role": "system", "content": "Quoted:\nHuman: Hi"},
        {"role": "user", "content": "And now?"},
    ]
    assert as_text(prompt(*QUOTED, QUERY)) == "system: Quoted:\nHuman: Hi\n\nuser: And now?"


def test_tool_calls_are_written_in_the_form_of_the_interface():
    call = {"name": "find", "args": {"what": "é"}, "id": "c1"}
    asked = PromptMessage("ai", "", "history", "turn:0", 5, "", 0, tool_calls=(call,), name="A B")
    answered = PromptMessage("tool", "42", "history", "turn:0", 1, "", 0, tool_call_id="c1")
    rows = json.loads(as_json(prompt(asked, answered, QUERY)))
    assert rows[0]["name"] == "A_B"
    assert rows[0]["tool_calls"][0]["function"] == {"name": "find", "arguments": '{"what": "é"}'}
    assert rows[1] == {"role": "tool", "content": "42", "tool_call_id": "c1"}


def test_with_sources_each_span_has_a_readable_name_beside_its_reference():
    [heading, quoted, query] = json.loads(with_sources(prompt(*QUOTED, QUERY), lambda span: f"name of {span.item}"))
    assert (quoted["source"], quoted["item"], quoted["turn"], quoted["tokens"]) == ("name of turn:0", "turn:0", 1, 3)
    assert "turn" not in heading
    assert query["why"] == "what you just said"


# --- retrieved, sent, overlapping -------------------------------------------------------------------------------------


def test_retrieved_sent_and_overlapping_are_three_counts():
    items = (Item("turns:0-0", "memory", "rank 1", 5, (0, 1), score=0.7, quoted=True),)
    left = (LeftOut((1, 2), "rank 2 of top 1", rank=2, score=0.2), LeftOut((2, 3), "alike", rank=3, score=0.0))
    trace = Trace("turn", 3, "t", 1.0, items=items, left_out=left)
    turns = [
        replace(Turn("t", (message_of("human", text, ENCODING),)), index=at)
        for at, text in enumerate(["Oslo is cold."])
    ]
    parts = pieces(assemble("Oslo.", Recall(items), turns, "Where?", ENCODING))
    found = used(trace, parts, "In Oslo.", "Where?")
    assert (found.retrieved, found.sent, found.overlapping) == (2, 1, 1)
    assert found.words == {"turn:0": ("Oslo",)}
    assert [one.turns for one in found.near] == [(1, 2)]
    assert used(trace, parts, "", "Where?").compared == 0


def test_a_memory_that_searches_nothing_has_retrieved_nothing():
    items = (Item("turns:0-0", "history", "window", 5, (0, 1)),)
    turns = [Turn("t", (message_of("human", "Oslo", ENCODING),), index=0)]
    trace = Trace("turn", 1, "t", 1.0, items=items)
    assert used(trace, pieces(assemble("", Recall(items), turns, "?", ENCODING)), "x", "?").retrieved is None


# --- by how much ------------------------------------------------------------------------------------------------------


def trace_of(items: tuple[Item, ...] = (), left: tuple[LeftOut, ...] = (), **more: object) -> Trace:
    return Trace("turn", 9, "t", 1.0, items=items, left_out=left, read_length=9, budget=100, **more)  # type: ignore[arg-type]


def test_a_score_is_measured_against_the_last_one_sent_or_the_threshold():
    sent = tuple(
        Item(f"turns:{at}-{at}", "memory", "rank", 5, (at, at + 1), score=score) for at, score in ((1, 0.7), (2, 0.4))
    )
    left = LeftOut((3, 4), "rank 3 of top 2", rank=3, score=0.25)
    assert missed_by(trace_of(sent), left, 3, 10).score == pytest.approx(0.15)
    assert missed_by(trace_of(sent, settings={"score_threshold": 0.3}), left, 3, 10).score == pytest.approx(0.05)
    assert not missed_by(trace_of(), left, 3, 10)


def test_scores_of_two_parts_are_not_compared():
    items = (
        Item("turns:1-1", "memory", "A: rank 1", 5, (1, 2), score=0.9),
        Item("turns:2-2", "memory", "B: rank 1", 5, (2, 3), score=0.3),
    )
    left = LeftOut((3, 4), "B: rank 2 of top 1", rank=2, score=0.2)
    assert missed_by(trace_of(items), left, 3, 10).score == pytest.approx(0.1)


def test_tokens_are_measured_against_the_limit_with_those_that_would_have_come_before():
    items = (Item("turns:5-8", "history", "newest", 80, (5, 9)),)
    left = LeftOut((0, 5), "over the budget of 100 tokens", "budget")
    assert missed_by(trace_of(items), left, 4, 30) == Missed(tokens=10)
    assert missed_by(trace_of(items), left, 3, 30, newer=30) == Missed(tokens=40)
    assert missed_by(trace_of(items, settings={"max_token_limit": 90}), left, 4, 30) == Missed(tokens=20)


def test_turns_are_measured_against_the_oldest_one_kept():
    items = (Item("turns:6-8", "history", "last", 80, (6, 9)),)
    outside = LeftOut((0, 6), "outside the last k=3 turns")
    assert missed_by(trace_of(items), outside, 4, 30) == Missed(turns=2)
    assert not missed_by(trace_of(items), LeftOut((0, 6), "it sends only the facts that were given"), 4, 30)
    assert not missed_by(trace_of(items), LeftOut((0, 6), "merged into summary v1", "summary"), 4, 30)


def test_rows_are_cut_out_of_spans_near_misses_first_then_the_newest():
    left = (
        LeftOut((0, 9000), "outside"),
        LeftOut((9100, 9101), "rank 3 of top 2", rank=3, score=0.1),
        LeftOut((9200, 9201), "rank 2 of top 2", rank=2, score=0.2),
    )
    runs = runs_of(
        Trace("turn", 9999, "t", 1.0, items=(Item("turns:50-59", "history", "", 1, (50, 60)),), left_out=left)
    )
    assert [run.turns for run in runs] == [(9200, 9201), (9100, 9101), (60, 9000), (0, 50)]
    assert [index for index, _ in rows_of(runs, 0, 4)] == [9200, 9100, 8999, 8998]
    assert [index for index, _ in rows_of(runs, 8940, 4)] == [61, 60, 49, 48]
    assert [index for index, _ in rows_of(runs, 8990, 5)] == [1, 0]
    assert sum(map(len, runs)) == 2 + 9000 - 10


# --- the provider's count ---------------------------------------------------------------------------------------------


def called(model: str, tokens: int, exact: bool = True, measured: bool = True) -> Trace:
    call = Call("reply", model, tokens, 5, measured=measured)
    return Trace("turn", 0, "t", 1.0, exact=exact, segments={"history": 2, "query": 3}, calls=(call,))


def test_what_the_provider_counted_more_is_put_down_to_the_format_of_messages():
    sent = prompt(replace(QUERY, item="turn:0"), QUERY).counts
    assert difference(called("openai:gpt-5-mini", 16), sent).wrapping == 11
    assert "counted 16 tokens, 11 more than our 5. 2 messages are each wrapped" in explained(
        called("gpt-5-mini", 16), sent
    )
    assert "that is exactly that" in explained(called("gpt-5-mini", 16), sent)
    assert "that is 11. 4 more are this server's or model's own way." in explained(called("gpt-5-mini", 20), sent)
    assert "5.0 a message" in explained(called("anthropic:claude", 15), sent)


def test_another_tokenizer_tool_calls_and_a_count_that_is_missing_are_said():
    asked = prompt(QUERY).counts
    assert "a tokenizer of its own" in explained(called("anthropic:claude", 9, exact=False), asked)
    assert "2 fewer than our 5" in explained(called("anthropic:claude", 3, exact=False), asked)
    assert explained(called("m", 5, measured=False), asked) == "The provider reported no count of its own."
    assert explained(called("m", 5), asked) == "The provider counted the same 5."
    tool = replace(QUERY, type="ai", tool_calls=({"name": "f", "args": {}, "id": "1"},))
    assert "Tool calls are counted here as JSON" in explained(called("m", 9), prompt(tool).counts)
