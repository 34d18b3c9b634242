"""A trace is small, and the prompt that it speaks of can be put together again byte for byte."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from langchain_core.messages import BaseMessage

from memory.base import Memory, Recall
from memory.catalog import load
from memory.conversation import Conversation
from memory.inspection.inspect import inspect
from memory.money.totals import Totals, additions
from memory.store import TRACE, Store, to_json
from memory.stores.inmemory import InMemoryStore
from memory.threads import fork
from memory.trace import Call, StateRef, prompt_of, text_hash
from tests.memory.fakes import FakeChat, conversation, plain, say, trace_of, traces_of, turns_of

MEMORIES = [
    *load().memories,
    "window:k=2,step=3",
    "token_buffer:max_token_limit=30",
    "summary:summarize_step=2",
    "summary_buffer:max_token_limit=60",
]
TALK = [
    "My name is Alex. I like tea.",
    "x\nAI: I agree",
    "I prefer short answers. " * 12,
    "🙂 \x00 שלום",
    "What is my name?",
]

every_memory = pytest.mark.parametrize("spec", MEMORIES)


def told(store: Store, spec: str, talker: FakeChat, budget: int | None = 60) -> Conversation:
    return conversation(store, spec, talker, instructions="Be brief.", budget=budget)


def check_rebuilt(talk: Conversation, sent: list[list[BaseMessage]]) -> None:
    """Check that each turn's prompt is put together again as it was sent, from what the store has."""
    length = len(turns_of(talk))
    assert len(sent) == length > 0
    for index, messages in enumerate(sent):
        seen = inspect(talk.store, talk.user, talk.thread, index, length)
        assert seen
        assert seen.rebuilt.exact
        assert seen.rebuilt.prompt.hash() == seen.trace.prompt_hash
        assert seen.rebuilt.prompt.langchain() == messages
        assert seen.rebuilt.prompt.segments() == seen.trace.segments


@every_memory
@pytest.mark.parametrize("budget", [None, 60, 5])
def test_each_prompt_is_rebuilt_as_it_was_sent(store: Store, spec: str, budget: int | None) -> None:
    talker = FakeChat()
    talk = told(store, spec, talker, budget)
    say(talk, *TALK)
    check_rebuilt(talk, talker.seen)


@every_memory
def test_also_in_a_fork(memory_store: InMemoryStore, spec: str) -> None:
    talker = FakeChat()
    talk = told(memory_store, spec, talker)
    say(talk, *TALK)
    forked = replace(talk, thread=fork(memory_store, talk.user, talk.thread, 4).id)
    say(forked, "Another question?")
    check_rebuilt(forked, [*talker.seen[:4], talker.seen[-1]])
    check_rebuilt(talk, talker.seen[:-1])


@every_memory
def test_also_where_an_answer_was_given_again(memory_store: InMemoryStore, spec: str) -> None:
    talker = FakeChat(answer=lambda messages: f"answer {len(talker.seen)}, with some words to it")
    talk = told(memory_store, spec, talker)
    expected: list[list[BaseMessage]] = []
    for query in TALK:
        say(talk, query)
        last = turns_of(talk)[-1]
        list(talk.reply(query, replaces=last.id))
        expected.append(talker.seen[-1])
    check_rebuilt(talk, expected)


def test_also_where_the_memory_was_switched_at_every_turn(store: Store) -> None:
    talker = FakeChat()
    talk = told(store, "none", talker)
    for query in TALK:
        for spec in MEMORIES:
            talk = replace(talk, memory=load().memory(spec))
            talk.catch_up()
            say(talk, query)
    check_rebuilt(talk, talker.seen)


def test_also_where_the_instructions_changed_and_an_answer_was_stopped_or_failed(memory_store: InMemoryStore) -> None:
    talker = FakeChat(answer=lambda messages: iter(["so ", "it ", "goes"]))
    talk = told(memory_store, "window", talker)
    say(talk, "one")
    talk = replace(talk, instructions="Be long.")
    words = iter(talk.reply("two"))
    next(words)
    words.close()  # type: ignore[attr-defined]
    talker.answer = lambda messages: ConnectionError()
    say(replace(talk, instructions=""), "three")
    check_rebuilt(talk, talker.seen)


@pytest.mark.parametrize("loses", ["a turn's text", "the notes", "the texts"])
def test_a_prompt_that_cannot_be_rebuilt_exactly_says_so(memory_store: InMemoryStore, loses: str) -> None:
    talk = told(memory_store, "summary_buffer:max_token_limit=60", FakeChat(), budget=None)
    say(talk, *TALK)
    trace, turns = traces_of(talk)[-1], turns_of(talk)
    held, texts = memory_store.everything(talk.user, talk.thread)
    notes = {ref.rpartition("/")[2]: note for ref, note in held.items()}
    assert prompt_of(trace, turns, notes, texts).exact
    if loses == "a turn's text":
        turns = [plain(turn.index, "something else", "indeed") for turn in turns]
    rebuilt = prompt_of(trace, turns, {} if loses == "the notes" else notes, {} if loses == "the texts" else texts)
    assert not rebuilt.exact


@every_memory
def test_a_trace_holds_no_text_of_a_turn_a_note_or_the_instructions(memory_store: InMemoryStore, spec: str) -> None:
    words = "GREENHOUSE"
    talk = conversation(
        memory_store,
        spec,
        lambda messages: f"{words} answer",
        lambda messages: f"{words} gist",
        instructions=f"Speak of the {words}.",
    )
    say(talk, *(f"I like my {words}, {number}." for number in range(4)))
    for trace in traces_of(talk):
        assert words.encode() not in to_json(TRACE, trace)


@every_memory
def test_a_trace_survives_json_and_stays_small(memory_store: InMemoryStore, spec: str) -> None:
    talk = told(memory_store, spec, FakeChat(), budget=None)
    for number in range(40):
        say(talk, f"Message {number}.")
    for trace in traces_of(talk):
        kept = to_json(TRACE, trace)
        assert TRACE.validate_json(kept) == trace
        assert to_json(TRACE, TRACE.validate_json(kept)) == kept
    sizes = [len(to_json(TRACE, trace)) for trace in traces_of(talk)]
    if talk.memory.retrieves:
        # Those that were nearly sent are named one by one, twenty at most.
        assert sizes[-1] < 20_000
    else:
        # Spans and references: forty turns take no more room than a few, once there are as many facts as are sent.
        assert sizes[39] < sizes[12 if talk.memory.scope == "user" else 4] + 300
        assert sizes[39] < 3_000


def test_a_trace_says_which_state_it_was_read_from_and_what_was_written() -> None:
    talk = told(InMemoryStore(), "summary", FakeChat())
    first, second = trace_of(say(talk, "one")), trace_of(say(talk, "two"))
    assert first.before == StateRef()
    assert (first.after, second.before) == (StateRef(1, ("summary:1",)), StateRef(1))
    assert second.after == StateRef(2, ("summary:2",))
    assert (second.memory, second.memory_key) == ("ConversationSummaryMemory", talk.memory.key)
    assert second.settings == {"summarize_step": 1}


@pytest.mark.parametrize("spec", ["window", "summary"])
def test_what_came_into_the_prompt_and_what_left_it_is_told(memory_store: InMemoryStore, spec: str) -> None:
    talk = conversation(memory_store, "window:k=2" if spec == "window" else spec)
    say(talk, *TALK)
    seen = inspect(memory_store, talk.user, talk.thread, 4, 5)
    assert seen
    assert (seen.came, seen.left) == (((3,), (1,)) if spec == "window" else ((), ()))
    assert [note.ref for note in seen.written] == ([] if spec == "window" else ["summary:5"])
    assert seen.now
    assert inspect(memory_store, talk.user, talk.thread, 5, 5) is None


def test_a_plug_in_that_was_taken_away_leaves_its_traces_readable(
    memory_store: InMemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    talker = FakeChat()
    talk = conversation(memory_store, "preferencesmemory", talker)
    say(talk, "I like tea.", "What do I like?")
    monkeypatch.setattr("memory.inspection.inspect.load", lambda: replace(load(), memories={}))
    seen = inspect(memory_store, talk.user, talk.thread, 1, 2)
    assert seen
    assert seen.rebuilt.exact
    assert "I like tea." in seen.rebuilt.prompt.messages[0].content


# Totals


def test_a_sum_of_costs_is_exact_and_unknown_where_one_is() -> None:
    cost = Decimal("0.000000000001")
    call = Call("reply", "m", 10, 2, cost=cost)
    counters: dict[str, int] = {}
    for _ in range(1000):
        for name, amount in additions([call, replace(call, purpose="summary")]).items():
            counters[name] = counters.get(name, 0) + amount
    totals = Totals.of(counters)
    assert (totals.reply.calls, totals.own.calls) == (1000, 1000)
    assert totals.reply.cost == totals.own.cost == 1000 * cost
    assert totals.cost == 2000 * cost
    counters |= additions([replace(call, cost=None)])
    assert Totals.of(counters).cost is None
    assert Totals.of({}).cost == 0


def test_a_failed_call_costs_nothing_that_is_known_and_makes_nothing_unknown() -> None:
    failed = Call("summary", "m", 0, 0, cost=None, error="The model is tired.")
    assert Totals.of(additions([failed])).cost == 0
    assert Totals.of(additions([failed])).own.calls == 1


def test_a_text_is_named_by_its_content() -> None:
    assert text_hash("a") == text_hash("a") != text_hash("b")
    talk = told(InMemoryStore(), "window", FakeChat())
    say(talk, "one", "two")
    first, second = traces_of(talk)
    assert first.texts == second.texts == {"instructions": text_hash("Be brief.")}
    assert talk.store.everything(talk.user, talk.thread)[1] == {text_hash("Be brief."): "Be brief."}


def test_a_view_draws_each_turn_once(memory_store: InMemoryStore) -> None:
    memory: Memory
    for spec in MEMORIES:
        memory = load().memory(spec)
        talk = told(memory_store, spec, FakeChat())
        say(talk, *TALK)
        opened = talk.opened()
        turns = talk.transcript(opened)
        recall: Recall = memory.read(opened.state, turns, "?", talk.services(), 60)
        blocks = memory.view(opened.state, recall, turns, "?", talk.services()).blocks
        assert [place for block in blocks for place in range(*block.turns)] == list(range(5)), spec
        assert all(block.why for block in blocks)
