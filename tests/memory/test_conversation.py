"""One turn from beginning to end, and everything that can come between."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk

from memory.base import LeftOut, Memory, Recall, Services, State, Turn, replay
from memory.catalog import load
from memory.conversation import Conversation
from memory.errors import BadInput, InspectorError, ModelFailed, StoreUnavailable, ThreadGone
from memory.reply import RACES
from memory.server.connect import Connection
from memory.store import Store
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore
from tests.memory.fakes import (
    Away,
    Busy,
    FakeChat,
    FakeServices,
    conversation,
    everything_on,
    gist,
    plain,
    say,
    state_json,
    tokens_of,
    trace_of,
    traces_of,
    turns_of,
)

STATEFUL = ["summary", "summary:summarize_step=3", "summary_buffer:max_token_limit=60"]


# What a reply is


def test_a_reply_is_iterated_and_then_asked(store: Store) -> None:
    talk = conversation(store, "window", ["Hello Alex!"], instructions="Be brief.")
    reply = talk.reply("My name is Alex.")
    assert turns_of(talk) == []
    assert "".join(reply) == reply.text == "Hello Alex!"
    assert reply.turn == turns_of(talk)[0]
    assert reply.trace == traces_of(talk)[0]
    assert reply.turn.status == "complete"
    assert (reply.turn.human, reply.turn.ai, reply.turn.index) == ("My name is Alex.", "Hello Alex!", 0)
    call = trace_of(reply).reply
    assert call
    assert call.input_tokens == call.estimate == sum(trace_of(reply).segments.values()) == trace_of(reply).prompt_tokens
    assert call.output_tokens == reply.turn.messages[1].tokens["o200k_base"]
    assert not call.measured
    assert call.first_token is not None
    assert call.cost == Decimal(call.input_tokens) * Decimal("0.25") / 10**6 + Decimal(call.output_tokens) * 2 / 10**6
    assert call.priced_as == "openai:gpt-5-mini"


def test_the_providers_usage_replaces_our_counts() -> None:
    class Measured(FakeChat):
        def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            yield ChatGenerationChunk(message=AIMessageChunk("Hello"))
            details = {"cache_read": 60}
            usage = {"input_tokens": 90, "output_tokens": 7, "total_tokens": 97, "input_token_details": details}
            yield ChatGenerationChunk(message=AIMessageChunk("", usage_metadata=usage))

    call = trace_of(say(conversation(InMemoryStore(), "window", Measured()), "Hi")).reply
    assert call
    assert (call.input_tokens, call.cached_tokens, call.output_tokens, call.measured) == (90, 60, 7, True)
    assert call.estimate == 1


def test_instructions_come_first_and_the_query_last() -> None:
    talker = FakeChat()
    talk = conversation(InMemoryStore(), "summary", talker, instructions="Be brief.")
    say(talk, "one", "two")
    assert talker.seen[1][0] == SystemMessage("Be brief.")
    assert [message.type for message in talker.seen[1]] == ["system", "system", "human"]


# Stopped, abandoned, failed


def test_a_stopped_answer_keeps_what_there_is_of_it(store: Store) -> None:
    talk = conversation(store, "window", lambda messages: iter(["Once ", "upon ", "a time"]))
    reply = talk.reply("Tell me a story.")
    for text in reply:
        if text == "upon ":
            reply.stop()
    assert [(turn.status, turn.ai, turn.error) for turn in turns_of(talk)] == [("stopped", "Once upon ", None)]
    call = traces_of(talk)[0].reply
    assert call
    assert call.output_tokens == 3
    assert call.cost
    assert talk.opened().pending == ()


def test_an_abandoned_answer_keeps_what_there_is_of_it(store: Store) -> None:
    talk = conversation(store, "summary", lambda messages: iter(["Once ", "upon ", "a time"]))
    words = iter(talk.reply("Tell me a story."))
    assert next(words) == "Once "
    words.close()  # type: ignore[attr-defined]
    assert [(turn.status, turn.ai) for turn in turns_of(talk)] == [("stopped", "Once ")]
    assert talk.opened().state.covered == 1


@pytest.mark.parametrize("said", [[], ["Once ", "upon "]], ids=["at once", "in the middle"])
def test_a_model_that_fails_keeps_the_turn_and_says_why(store: Store, said: list[str]) -> None:
    talk = conversation(store, "window", lambda messages: iter([*said, TimeoutError("silence")]))
    reply = say(talk, "Tell me a story.")
    turn = turns_of(talk)[0]
    assert (turn.status, turn.human, turn.ai) == ("failed", "Tell me a story.", "".join(said))
    assert turn.error
    assert "silent for too long" in turn.error
    assert isinstance(reply.error, ModelFailed)
    assert trace_of(reply).errors == (turn.error,)
    call = trace_of(reply).reply
    assert call
    assert call.error == turn.error
    talk = replace(talk, models=replace(talk.models, talker=FakeChat()))
    assert say(talk, "Are you there?").turn
    assert [turn.status for turn in turns_of(talk)] == ["failed", "complete"]


class Bills(FakeChat):
    """Sends its pieces as they are; what is an exception is raised."""

    pieces: list[Any]

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield ChatGenerationChunk(message=piece)


def billed(input: int, output: int, text: str = "", **told: str) -> AIMessageChunk:
    usage = UsageMetadata(input_tokens=input, output_tokens=output, total_tokens=input + output)
    return AIMessageChunk(text, usage_metadata=usage, response_metadata=told)


@pytest.mark.parametrize(
    ("pieces", "tokens", "measured"),
    [
        ([billed(3000, 4000, finish_reason="length")], (3000, 4000), True),
        ([AIMessageChunk("Once upon"), billed(90, 7, finish_reason="content_filter")], (90, 7), True),
        ([billed(90, 2, "Once "), billed(0, 3, "upon "), ConnectionError("cut")], (90, 5), True),
        # The provider has counted the input alone: our counts stand for both.
        ([billed(90, 0), AIMessageChunk("Once upon"), ConnectionError("cut")], (None, 2), False),
        ([AIMessageChunk("Once upon"), ConnectionError("cut")], (None, 2), False),
        ([AIMessageChunk(""), ConnectionError("cut")], (None, 0), False),
        ([AIMessageChunk("")], (None, 0), False),
        ([ConnectionError("refused")], (0, 0), False),
    ],
    ids=["length", "filtered", "cut with usage", "half a bill", "cut", "cut at once", "empty", "never answered"],
)
def test_a_failed_call_is_billed_for_what_came_of_it(
    memory_store: InMemoryStore, pieces: list[Any], tokens: tuple[int | None, int], measured: bool
) -> None:
    talk = conversation(memory_store, "summary", Bills(pieces=pieces), Bills(pieces=pieces))
    trace = trace_of(say(talk, "Tell me a story."))
    reply, own = trace.calls
    asked = trace.prompt_tokens if tokens[0] is None else tokens[0]
    assert (reply.input_tokens, reply.output_tokens, reply.measured) == (asked, tokens[1], measured)
    assert own.output_tokens == tokens[1]
    assert own.measured == measured
    assert own.input_tokens == (own.estimate if tokens[0] is None else tokens[0])
    assert (own.estimate > 0) == (len(pieces) > 1 or not isinstance(pieces[0], Exception))
    for call in trace.calls:
        assert call.error
        assert (
            call.cost == Decimal(call.input_tokens) * Decimal("0.25") / 10**6 + Decimal(call.output_tokens) * 2 / 10**6
        )
    totals = memory_store.totals(talk.user, talk.thread)
    assert (totals.reply.cost, totals.own.cost) == (reply.cost, own.cost)


def test_a_stopped_answer_is_billed_as_far_as_the_provider_said() -> None:
    talk = conversation(InMemoryStore(), "window", Bills(pieces=[billed(90, 2, "Once "), billed(0, 3, "upon ")]))
    reply = talk.reply("Tell me a story.")
    for _ in reply:
        reply.stop()
    call = trace_of(reply).reply
    assert call
    assert (call.input_tokens, call.output_tokens, call.measured, call.error) == (90, 2, True, None)


def test_a_model_that_cannot_be_opened_keeps_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = conversation(InMemoryStore(), "window")

    def no_key(self: object) -> None:
        raise ModelFailed("There is no key for openai:gpt-5-mini.", kind="key")

    monkeypatch.setattr(type(talk.models), "open_chat", no_key)
    say(talk, "Hello?")
    assert [(turn.status, turn.human, turn.error) for turn in turns_of(talk)] == [
        ("failed", "Hello?", "There is no key for openai:gpt-5-mini.")
    ]


def test_an_empty_answer_is_a_failure() -> None:
    talk = conversation(InMemoryStore(), "window", [""])
    say(talk, "Hello?")
    assert turns_of(talk)[0].status == "failed"
    assert "empty answer" in str(turns_of(talk)[0].error)


def test_a_typed_key_that_a_provider_quotes_is_nowhere(connection: Connection) -> None:
    key = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"

    def quotes(messages: list[BaseMessage]) -> Exception:
        return ValueError(f"Unauthorized: api token {key} is invalid")

    talk = conversation(RedisStore(connection), "summary", quotes, quotes)
    talk = replace(talk, models=replace(talk.models, key=f" {key}\n"))
    reply = say(talk, "Hello?", "Are you there?")
    own = trace_of(reply).own_calls[0].error
    assert "token [key] is invalid" in str(turns_of(talk)[0].error)
    assert "token [key] is invalid" in str(own)
    for what in (turns_of(talk), traces_of(talk), reply.trace, reply.error, everything_on(connection)):
        assert key not in repr(what)


# Refused


def test_a_message_too_large_is_refused_with_the_limit_and_nothing_is_stored(store: Store) -> None:
    talker = FakeChat()
    talk = conversation(store, "window", talker)
    with pytest.raises(BadInput, match=r"have 200,\d{3} tokens; demo takes 8,192 .*Shorten the message"):
        say(talk, "word " * 200_000)
    assert talker.seen == []
    assert turns_of(talk) == traces_of(talk) == []
    assert talk.opened().pending == ()
    with pytest.raises(BadInput, match="instructions"):
        say(replace(talk, instructions="word " * 9000), "hello")


def test_the_largest_message_that_fits_is_answered() -> None:
    talk = conversation(InMemoryStore(), "buffer")
    say(talk, "hello", "word " * 7000)
    trace = traces_of(talk)[1]
    assert trace.segments["query"] >= 7000
    assert trace.prompt_tokens <= 8192 - 1024


def test_a_thread_that_is_gone_is_said_to_be_gone(store: Store) -> None:
    talk = conversation(store, "window")
    store.delete_thread(talk.user, talk.thread)
    with pytest.raises(ThreadGone):
        say(talk, "hello")
    store.erase(talk.user)
    with pytest.raises(ThreadGone):
        say(talk, "hello")


# Given again


def test_an_answer_given_again_keeps_the_earlier_ones(store: Store) -> None:
    talker = FakeChat(answer=["a1", "first", "second", "third"])
    talk = conversation(store, "summary", talker)
    say(talk, "one", "two")
    for expected in (("first",), ("first", "second")):
        last = turns_of(talk)[-1]
        list(talk.reply(last.human, replaces=last.id))
        assert turns_of(talk)[-1].earlier == expected
    turns = turns_of(talk)
    assert [(turn.human, turn.ai) for turn in turns] == [("one", "a1"), ("two", "third")]
    assert len({turn.id for turn in turns}) == 2
    # The same prompt was sent each time: the answer that is replaced is not in it.
    assert [m.text for m in talker.seen[1]] == [m.text for m in talker.seen[2]] == [m.text for m in talker.seen[3]]
    assert store.totals(talk.user, talk.thread).reply.calls == 4


@pytest.mark.parametrize("spec", STATEFUL)
def test_an_answer_given_again_leaves_the_state_that_a_replay_would(store: Store, spec: str) -> None:
    talk = conversation(store, spec)
    for number in range(9):
        reply = say(talk, f"Message number {number}, with some words to fill the buffer.")
        if number in (2, 4, 8):
            assert reply.turn
            list(talk.reply("Another message, shorter.", replaces=reply.turn.id))
    assert len(turns_of(talk)) == 9
    assert state_json(talk.opened().state) == state_json(replay(talk.memory, turns_of(talk), FakeServices()))


def test_a_failed_answer_is_given_again() -> None:
    talk = conversation(InMemoryStore(), "window", [TimeoutError(), "now"])
    reply = say(talk, "hello")
    assert reply.turn
    list(talk.reply("hello", replaces=reply.turn.id))
    assert [(turn.status, turn.ai, turn.earlier) for turn in turns_of(talk)] == [("complete", "now", ())]


def test_only_the_last_answer_is_given_again_and_nothing_is_left_of_the_attempt(store: Store) -> None:
    talker = FakeChat()
    talk = conversation(store, "window", talker)
    first = say(talk, "one").turn
    assert first
    say(talk, "two")
    with pytest.raises(BadInput, match="Edit that message instead"):
        list(talk.reply("one", replaces=first.id))
    assert len(talker.seen) == 2
    assert talk.opened().pending == ()
    assert [turn.human for turn in turns_of(talk)] == ["one", "two"]


def test_a_message_that_came_meanwhile_is_not_replaced(store: Store) -> None:
    talk = conversation(store, "window")
    last = say(talk, "one").turn
    assert last
    again = iter(talk.reply("one", replaces=last.id))
    next(again)
    say(talk, "two")
    with pytest.raises(BadInput, match="another message has come since"):
        list(again)
    assert [turn.human for turn in turns_of(talk)] == ["one", "two"]
    assert talk.opened().pending == ()


def test_giving_an_answer_again_keeps_what_other_memories_know(store: Store) -> None:
    talk = conversation(store, "summary")
    say(talk, "one", "two", "three")
    other = replace(talk, memory=load().memory("window"))
    last = turns_of(talk)[-1]
    list(other.reply("three", replaces=last.id))
    assert talk.opened().state.covered == 2
    assert talk.estimate().calls == 1
    talk.catch_up()
    assert state_json(talk.opened().state) == state_json(replay(talk.memory, turns_of(talk), FakeServices()))


# Switching


def ten_turns(store: Store) -> Conversation:
    talk = conversation(store, "window")
    say(talk, *(f"Message number {number}, with some words to fill it." for number in range(10)))
    return talk


@pytest.mark.parametrize("spec", STATEFUL)
def test_a_switch_is_priced_beforehand_and_makes_as_many_calls(store: Store, spec: str) -> None:
    talk = ten_turns(store)
    # As long as an estimate takes an answer to be: half of what is allowed.
    writer = FakeChat(answer=lambda messages: " word" * (200 if "summary_buffer" not in spec else 7))
    talk = replace(talk, memory=load().memory(spec), models=replace(talk.models, writer=writer))
    estimate = talk.estimate()
    assert writer.seen == []
    assert estimate.turns == 10
    trace = talk.catch_up()
    assert trace
    assert estimate.calls == len(writer.seen) == len(trace.calls) > 0
    assert estimate.tokens == pytest.approx(sum(call.input_tokens for call in trace.calls), rel=0.05)
    assert estimate.cost is not None
    assert estimate.cost == pytest.approx(sum(call.cost for call in trace.calls if call.cost), rel=Decimal("0.05"))
    assert (trace.kind, trace.turn, store.events(talk.user, talk.thread)) == ("switch", 10, [trace])
    assert store.totals(talk.user, talk.thread).own.calls == len(writer.seen)


@pytest.mark.parametrize("spec", STATEFUL)
def test_switching_back_is_instant_and_costs_only_what_is_new(store: Store, spec: str) -> None:
    talk = ten_turns(store)
    summary = replace(talk, memory=load().memory(spec))
    summary.catch_up()
    assert summary.estimate().calls == 0
    assert summary.catch_up() is None
    say(talk, "And one more.")
    asked = len(summary.models.writer.seen)  # type: ignore[attr-defined]
    estimate = summary.estimate()
    assert 1 <= estimate.turns <= 3  # a step can leave two for later
    assert estimate.calls <= 1
    summary.catch_up()
    assert len(summary.models.writer.seen) - asked == estimate.calls  # type: ignore[attr-defined]
    assert state_json(summary.opened().state) == state_json(replay(summary.memory, turns_of(talk), FakeServices()))


def test_a_memory_without_a_state_costs_nothing_to_switch_to(store: Store) -> None:
    talk = ten_turns(store)
    for spec in ("none", "buffer", "token_buffer", "window:k=3", "last_input"):
        other = replace(talk, memory=load().memory(spec))
        assert (other.estimate().calls, other.estimate().cost) == (0, 0)
        assert other.catch_up() is None
    assert store.events(talk.user, talk.thread) == []


def test_a_switch_that_fails_half_way_goes_on_from_there(store: Store) -> None:
    talk, count = ten_turns(store), [0]

    def tires(messages: list[BaseMessage]) -> str:
        count[0] += 1
        if count[0] == 5:
            raise ConnectionError
        return gist(messages)

    talk = replace(talk, memory=load().memory("summary"), models=replace(talk.models, writer=FakeChat(answer=tires)))
    trace = talk.catch_up()
    assert trace
    assert trace.after
    assert (trace.after.covered, len(trace.calls), len(trace.errors)) == (4, 5, 1)
    assert talk.opened().state.covered == 4
    assert talk.estimate().calls == 6
    trace = talk.catch_up()
    assert trace
    assert len(trace.calls) == 6
    assert state_json(talk.opened().state) == state_json(replay(talk.memory, turns_of(talk), FakeServices()))


def test_a_switch_keeps_every_version_so_that_the_next_answer_can_be_given_again(store: Store) -> None:
    talk = replace(ten_turns(store), memory=load().memory("summary"))
    talk.catch_up()
    notes, _ = store.everything(talk.user, talk.thread)
    assert sorted(note.version for note in notes.values()) == list(range(1, 11))
    last, asked = turns_of(talk)[-1], len(talk.models.writer.seen)  # type: ignore[attr-defined]
    reply = talk.reply(last.human, replaces=last.id)
    list(reply)
    assert [item.ref for item in trace_of(reply).items] == ["summary:9"]
    assert len(talk.models.writer.seen) == asked + 1  # type: ignore[attr-defined]


# A store that goes away


@pytest.mark.parametrize("method", ["append", "put_state"])
def test_a_commit_that_failed_is_repeated_without_a_second_call(store: Store, method: str) -> None:
    away = Away(store)
    talk = conversation(away, "summary")  # type: ignore[arg-type]
    say(talk, "one")
    reply = talk.reply("two")
    away.away = method
    with pytest.raises(StoreUnavailable):
        list(reply)
    assert not reply.saved
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            reply.commit()
    away.away = False
    reply.commit()
    reply.commit()
    assert reply.saved
    assert len(talk.models.talker.seen) == len(talk.models.writer.seen) == 2  # type: ignore[attr-defined]
    assert [turn.human for turn in turns_of(talk)] == ["one", "two"]
    totals = store.totals(talk.user, talk.thread)
    assert (totals.reply.calls, totals.own.calls) == (2, 2)
    assert traces_of(talk)[1] == reply.trace
    assert talk.opened().state.covered == 2


def test_a_store_that_is_away_from_the_start_asks_nothing_of_the_model(memory_store: InMemoryStore) -> None:
    away = Away(memory_store)
    talk = conversation(away, "summary")  # type: ignore[arg-type]
    away.away = True
    with pytest.raises(StoreUnavailable):
        say(talk, "one")
    assert talk.models.talker.seen == []  # type: ignore[attr-defined]


def test_a_message_that_could_not_be_read_for_is_not_left_waiting(store: Store) -> None:
    away = Away(store)
    talk = conversation(away, "buffer")  # type: ignore[arg-type]
    say(talk, *(f"Message number {number}." for number in range(talk.memory.tail + 2)))
    asked = len(talk.models.talker.seen)  # type: ignore[attr-defined]
    away.away = "turns"
    with pytest.raises(StoreUnavailable):
        say(talk, "one more")
    away.away = False
    assert talk.opened().pending == ()
    assert len(talk.models.talker.seen) == asked  # type: ignore[attr-defined]


def test_a_message_is_not_left_waiting_where_the_memorys_model_fails(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = conversation(store, Asks(), writer=lambda messages: ConnectionError())
    with pytest.raises(ModelFailed, match="could not be reached"):
        say(talk, "one")
    assert talk.opened().pending == ()
    monkeypatch.setattr(type(talk.models), "encoding", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        say(talk, "one")
    assert talk.opened().pending == ()
    assert turns_of(talk) == []


@pytest.mark.parametrize("away", ["drop_pending", True])
def test_that_a_waiting_message_cannot_be_dropped_hides_nothing(memory_store: InMemoryStore, away: str | bool) -> None:
    gone = Away(memory_store)
    talk = conversation(gone, Breaks())  # type: ignore[arg-type]
    gone.away = away
    with pytest.raises(StoreUnavailable if away is True else BadInput):
        say(talk, "one")


# Somebody else's memory


class Breaks(Memory):
    """Raises what no memory should raise."""

    short, label, keeps, forgets, costs, stateful = "breaks", "Breaks", "", "", "", True
    where: ClassVar[str] = "read"

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        if self.where == "read":
            raise KeyError("oops")
        return Recall(left_out=(LeftOut((0, len(transcript)), "it breaks"),) if transcript else ())

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        if self.where == "write":
            raise KeyError("oops")
        return super().write(state, transcript, services, recall)


def test_a_plug_in_that_fails_to_read_is_named_and_nothing_is_sent(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = conversation(store, Breaks())
    with pytest.raises(
        InspectorError, match=r"Breaks failed to read this conversation .*KeyError: 'oops'.*another memory"
    ):
        say(talk, "one")
    assert turns_of(talk) == []
    assert talk.opened().pending == ()


def test_a_plug_in_that_fails_to_write_is_named_and_loses_no_turn(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Breaks, "where", "write")
    talk = conversation(store, Breaks())
    reply = say(talk, "one", "two")
    assert reply.saved
    assert [turn.status for turn in turns_of(talk)] == ["complete", "complete"]
    assert trace_of(reply).errors == ("Breaks failed to take this turn in (KeyError: 'oops').",)
    monkeypatch.setattr(Breaks, "where", "")
    say(talk, "three")
    assert talk.opened().state.covered == 3


class Asks(Memory):
    """Asks its model while it reads and, as long as `lets`, lets the model's failure through when it writes."""

    short, label, keeps, forgets, costs, stateful = "asks", "Asks", "", "", "", True
    lets: ClassVar[bool] = False

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        services.ask([HumanMessage(f"Name what is named in: {query}")], "extraction", 50)
        services.failed(BadInput("Nothing is named."))
        return Recall(left_out=(LeftOut((0, len(transcript)), "it only asks"),) if transcript else ())

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        if self.lets:
            services.ask([HumanMessage("Summarise.")], "summary", 50)
        return super().write(state, transcript, services, recall)


class AsksWithoutState(Asks):
    short, stateful = "asks_without_state", False


@pytest.mark.parametrize("memory", [Asks, AsksWithoutState])
@pytest.mark.parametrize("failing", [False, True], ids=["answered", "failed"])
def test_what_a_memory_asks_while_it_reads_is_recorded_and_counted_once(
    store: Store, memory: type[Memory], failing: bool
) -> None:
    talk = conversation(store, memory(), (lambda messages: ConnectionError()) if failing else None)
    reply = say(talk, "one", "two")
    reply.commit()
    for trace in traces_of(talk):
        assert [call.purpose for call in trace.calls] == ["reply", "extraction"]
        assert trace.errors[-1] == "Nothing is named."
        assert len(trace.errors) == 1 + failing
    assert traces_of(talk)[-1] == reply.trace
    totals = store.totals(talk.user, talk.thread)
    assert (totals.reply.calls, totals.own.calls) == (2, 2)
    spent = [call.cost for trace in traces_of(talk) for call in trace.own_calls]
    assert totals.own.cost == sum(cost for cost in spent if cost) > 0


@pytest.mark.parametrize("memory", [Asks, AsksWithoutState])
@pytest.mark.parametrize("method", ["append", "put_state"])
def test_what_a_memory_asks_while_it_reads_is_counted_once_by_a_store_that_was_away(
    store: Store, memory: type[Memory], method: str
) -> None:
    away = Away(store)
    talk = conversation(away, memory())  # type: ignore[arg-type]
    reply = talk.reply("one")
    away.away = method
    with suppress(StoreUnavailable):
        list(reply)
    away.away = False
    reply.commit()
    assert reply.saved
    assert len(talk.models.writer.seen) == store.totals(talk.user, talk.thread).own.calls == 1  # type: ignore[attr-defined]
    assert traces_of(talk) == [reply.trace]
    assert [call.purpose for call in trace_of(reply).calls] == ["reply", "extraction"]


def test_a_models_failure_that_a_plug_in_lets_through_loses_no_turn(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Asks, "lets", True)
    talk = conversation(store, Asks(), writer=["names", TimeoutError(), "names", "gist"])
    reply = say(talk, "one")
    assert reply.saved
    assert trace_of(reply).errors[-1].startswith("Asks failed to take this turn in (")
    assert "silent for too long" in trace_of(reply).errors[-1]
    assert [(call.purpose, bool(call.error)) for call in trace_of(reply).own_calls] == [
        ("extraction", False),
        ("summary", True),
    ]
    assert talk.opened().state.covered == 0
    say(talk, "two")
    assert talk.opened().state.covered == 2
    assert store.totals(talk.user, talk.thread).own.calls == 4


def test_a_thread_that_is_deleted_while_the_memory_writes_is_said_to_be_gone(store: Store) -> None:
    def deletes(messages: list[BaseMessage]) -> str:
        store.delete_thread(talk.user, talk.thread)
        return "gist"

    talk = conversation(store, "summary", writer=deletes)
    with pytest.raises(ThreadGone):
        say(talk, "one")


@pytest.mark.parametrize("away_at", [None, 3, RACES])
def test_a_memory_that_loses_every_race_says_so_and_its_calls_are_counted(store: Store, away_at: int | None) -> None:
    busy = Busy(store, away_at)
    talk = conversation(busy, "summary")  # type: ignore[arg-type]
    reply = talk.reply("one")
    if away_at is None:
        list(reply)
    else:
        with pytest.raises(StoreUnavailable):
            list(reply)
        reply.commit()
    assert reply.saved
    # What it asked in the first round is known in the others.
    assert len(talk.models.writer.seen) == 1  # type: ignore[attr-defined]
    own = store.totals(talk.user, talk.thread).own
    assert (own.calls, own.reused, len(trace_of(reply).own_calls)) == (1, RACES - 1, RACES)
    assert [call.reused for call in trace_of(reply).own_calls] == [False] + [True] * (RACES - 1)
    assert traces_of(talk) == [reply.trace]
    assert trace_of(reply).after is None
    assert "did not take this turn in" in trace_of(reply).errors[0]
    assert len(trace_of(reply).errors) == 1
    talk = replace(talk, store=store)
    say(talk, "two")
    assert talk.opened().state.covered == 2


# Texts


def test_half_a_character_anywhere_is_replaced_and_everything_is_stored(store: Store) -> None:
    half = "half \ud83d"
    talk = conversation(
        store, "summary", lambda messages: f"yes {half}", lambda messages: f"gist {half}", instructions=half
    )
    reply = say(talk, half, half)
    assert [turn.human for turn in turns_of(talk)] == ["half ?", "half ?"]
    assert turns_of(talk)[1].ai == "yes half ?"
    assert talk.opened().state.notes["summary"].text == "gist half ?"
    assert reply.trace == traces_of(talk)[1]
    seen = talk.models.talker.seen[1]  # type: ignore[attr-defined]
    assert [message.text for message in seen] == ["half ?", "gist half ?", "half ?"]


def test_times_are_seconds_since_the_epoch_and_the_turns_of_a_thread_ascend(memory_store: InMemoryStore) -> None:
    talk = conversation(memory_store, "window")
    say(talk, "one", "two")
    times = [turn.at for turn in turns_of(talk)]
    assert times == sorted(times)
    assert abs(times[0] - time.time()) < 60


def test_what_reaches_the_model_is_what_the_trace_counts(memory_store: InMemoryStore) -> None:
    talker = FakeChat()
    talk = conversation(memory_store, "summary_buffer:max_token_limit=60", talker, instructions="Be brief.")
    for number in range(8):
        trace = trace_of(say(talk, f"Message number {number}, with some words."))
        assert trace.prompt_tokens == tokens_of(talker.seen[-1])


def test_a_plain_turn_is_what_the_fakes_make_of_it() -> None:
    """The fakes count as the product does, else the tests above would compare two errors."""
    talk = conversation(InMemoryStore(), "window", ["Hello Alex!"])
    turn = say(talk, "My name is Alex.").turn
    assert turn
    assert turn.messages == plain(0, "My name is Alex.", "Hello Alex!").messages
