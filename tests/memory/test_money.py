"""Money with prompt caching: what a call, a thread and a stored turn come to, with a cache and without."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from memory.catalog import load
from memory.conversation import Conversation
from memory.errors import BadInput
from memory.exchange.bringing import bring_in
from memory.exchange.reading import read
from memory.exchange.writing import export_thread
from memory.models import chat_model
from memory.money.prefix import Cause, alive, cause
from memory.money.prices import Usage
from memory.money.remedies import Remedy, placed_after, remedies, stepped
from memory.money.totals import Totals, additions
from memory.server.connect import Connection
from memory.services import record
from memory.store import Store
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore
from memory.tokens import count_tokens
from memory.trace import Trace
from tests.memory.fakes import ENCODING, conversation, new_user, say, trace_of, traces_of, turns_of

MODEL = "openai:gpt-5-mini"
MTOK = Decimal(1_000_000)
LONG = "word " * 1_500
CALL = {"purpose": "reply", "model": "m", "input_tokens": 1, "output_tokens": 1}


def test_what_a_provider_did_not_count_is_estimated_by_its_rule() -> None:
    call = record("reply", MODEL, MODEL, 2_000, 100, None, 1.0, prefix=1_700)
    assert (call.cached_tokens, call.cache_measured) == (1_664, False)
    assert call.cost == (336 * Decimal("0.25") + 1_664 * Decimal("0.025") + 100 * 2) / MTOK
    assert call.cost_uncached == (2_000 * Decimal("0.25") + 100 * 2) / MTOK


def test_what_a_provider_counted_replaces_the_estimate() -> None:
    call = record("reply", MODEL, MODEL, 2_000, 100, Usage(2_010, 90, cached=1_024), 1.0, prefix=1_700)
    assert (call.input_tokens, call.cached_tokens, call.cache_measured) == (2_010, 1_024, True)
    assert call.cost_uncached == (2_010 * Decimal("0.25") + 90 * 2) / MTOK
    none = record("reply", MODEL, MODEL, 2_000, 100, Usage(2_010, 90), 1.0, prefix=1_700)
    assert none.cached_tokens == 0, "the provider said that nothing was cached"


def test_a_built_in_model_has_no_cache_and_is_counted_as_the_one_that_it_is_priced_as() -> None:
    call = record("reply", "demo", MODEL, 2_000, 100, Usage(2_000, 100), 1.0, prefix=1_700)
    assert (call.cached_tokens, call.measured, call.cache_measured) == (1_664, True, False)


def test_an_unknown_rule_estimates_nothing_and_a_write_that_is_charged_is_in_it() -> None:
    unknown = record("reply", "openai:gpt-4", "openai:gpt-4", 2_000, 10, None, 1.0, prefix=1_900)
    assert (unknown.cached_tokens, unknown.cost) == (0, unknown.cost_uncached)
    nobody = record("reply", "ollama:x", "ollama:x", 2_000, 10, None, 1.0, prefix=1_900)
    assert (nobody.cost, nobody.cost_uncached) == (None, None)
    first = record("reply", "demo", "anthropic:claude-opus-5", 2_000, 10, None, 1.0, prefix=0)
    assert first.cache_write_tokens == 2_000
    assert first.cost is not None
    assert first.cost_uncached is not None
    assert first.cost > first.cost_uncached


def test_own_calls_are_cached_nowhere_unless_it_was_measured() -> None:
    own = record("summary", MODEL, MODEL, 2_000, 100, None, 1.0)
    assert (own.cached_tokens, own.cost) == (0, own.cost_uncached)
    measured = record("summary", MODEL, MODEL, 2_000, 100, Usage(2_000, 100, cached=1_024), 1.0)
    assert measured.cost is not None
    assert measured.cost_uncached is not None
    assert measured.cost < measured.cost_uncached


def test_a_thread_counts_its_cost_with_caching_and_without(store: Store) -> None:
    talk = conversation(store, "buffer", instructions=LONG)
    say(talk, "one", "two", "three")
    calls = [trace.reply for trace in traces_of(talk)]
    assert [call.cached_tokens > 1_024 for call in calls if call] == [False, True, True]
    totals = store.totals(talk.user, talk.thread)
    assert totals.reply.cost == totals.cost == sum(call.cost or 0 for call in calls if call)
    assert totals.reply.cost_uncached == totals.cost_uncached == sum(call.cost_uncached or 0 for call in calls if call)
    assert totals.cost is not None
    assert totals.cost_uncached is not None
    assert totals.cost < totals.cost_uncached
    assert totals.reply.cached_tokens == sum(call.cached_tokens for call in calls if call)


def test_a_summarys_own_calls_are_counted_apart(store: Store) -> None:
    talk = conversation(store, "summary", instructions=LONG)
    say(talk, "one", "two", "three")
    totals = store.totals(talk.user, talk.thread)
    assert totals.own.cost == totals.own.cost_uncached
    assert totals.own.cost
    assert totals.reply.cost_uncached
    assert totals.cost_uncached == totals.reply.cost_uncached + totals.own.cost


def test_totals_that_were_counted_before_there_was_a_cost_without_caching_still_hold() -> None:
    old = replace(record("reply", MODEL, MODEL, 2_000, 100, None, 1.0, prefix=1_700), cost_uncached=None)
    totals = Totals.of(additions([old]))
    assert totals.cost == totals.cost_uncached == old.cost


def test_after_a_pause_longer_than_the_cache_lives_nothing_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_800_000_000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    talk = conversation(InMemoryStore(), "buffer", instructions=LONG)
    say(talk, "one")
    clock[0] += 200
    soon = trace_of(say(talk, "two"))
    clock[0] += 4_000
    late = trace_of(say(talk, "three"))
    assert soon.reply
    assert late.reply
    assert soon.reply.cached_tokens > 1_024
    # The words are in common all the same: it is the cache that is gone.
    assert (late.reply.cached_tokens, late.prefix > 1_024) == (0, True)
    assert not alive(soon, late)


def test_an_export_takes_both_costs_along() -> None:
    talk = conversation(InMemoryStore(), "buffer", instructions=LONG)
    first = say(talk, "one", "two")
    list(talk.reply("two", replaces=first.turn_id))
    before = talk.store.totals(talk.user, talk.thread)
    other, user = InMemoryStore(), new_user()
    bring_in(other, user, read(export_thread(talk.store, talk.user, talk.thread)))
    after = other.totals(user, other.threads(user)[0].id)
    assert (after.cost, after.cost_uncached) == (before.cost, before.cost_uncached)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"prefix": -1}, "prefix"),
        ({"prefix": 10**20}, "prefix"),
        ({"calls": [{**CALL, "cost_uncached": "-1"}]}, "cost_uncached"),
        ({"calls": [{**CALL, "cost_uncached": "1e400"}]}, "cost_uncached"),
        ({"left_out": [{"why": "rank # of top 4", "rank": 5, "rows": [[900, 0.5]]}]}, "left_out"),
    ],
)
def test_an_import_with_figures_that_cannot_be_is_refused(wrong: dict[str, object], said: str) -> None:
    talk = conversation(InMemoryStore(), "buffer")
    say(talk, "one")
    package = json.loads(export_thread(talk.store, talk.user, talk.thread))
    package["threads"][0]["traces"][0].update(wrong)
    with pytest.raises(BadInput, match=said):
        read(json.dumps(package).encode())


# --- what broke the prefix --------------------------------------------------------------------------------------------


def broke(spec: str, *queries: str, then: str = "", instructions: str = "") -> Cause | None:
    """Say what broke the prefix of the last of some turns; `then` answers it with another memory."""
    talk = conversation(InMemoryStore(), spec, instructions="Be brief.")
    say(talk, *queries[:-1])
    last = replace(talk, memory=load().memory(then)) if then else talk
    say(replace(last, instructions=instructions or last.instructions), queries[-1])
    before, now = traces_of(talk)[-2:]
    return cause(before, now)


def test_what_broke_a_prefix_is_known_from_the_traces() -> None:
    queries = [f"{number} is what I say about my dog." for number in range(5)]
    assert broke("buffer", *queries) is None
    assert broke("window:k=2", *queries) == Cause("left", ((1, 2),))
    assert broke("summary", *queries) == Cause("rewritten", ref="summary:4")
    assert broke("summary", *queries[:2]) == Cause("note", ref="summary:1")
    assert broke("vector:k=2", *queries[:4], "What of my dog, 2 and 1?") == Cause("quotes")
    assert broke("none", *queries) == Cause("query")
    assert broke("buffer", *queries, then="window:k=1") == Cause("memory")
    assert broke("buffer", *queries, instructions="Be kind.") == Cause("instructions")


# --- remedies ---------------------------------------------------------------------------------------------------------


def held(spec: str, turns: int = 34) -> Conversation:
    """Hold a conversation of turns that are long enough to be cached."""
    talk = conversation(InMemoryStore(), spec, instructions="Be brief.", talker=lambda _: "answer " * 60)
    say(talk, *(f"{number} " + "question " * 60 for number in range(turns)))
    return talk


def spent(traces: Sequence[Trace]) -> Decimal:
    return sum((trace.reply.cost for trace in traces if trace.reply and trace.reply.cost), Decimal(0))


def test_a_stepped_window_is_worked_out_as_it_would_have_been() -> None:
    slid, stepping = held("window:k=10"), held("window:k=10,step=5")
    traces = traces_of(slid)[-21:]
    found = stepped(traces, turns_of(slid), 5)
    assert found
    assert (found.setting, found.value, found.turns) == ("step", "5", 20)
    assert found.now == spent(traces[1:])
    assert found.then == spent(traces_of(stepping)[-20:])
    assert found.then < found.now
    assert found.cached_then > found.cached_now == 0


def test_remedies_are_those_that_the_memory_has() -> None:
    slid = held("window:k=10")
    values = [(one.setting, one.value) for one in remedies(traces_of(slid), turns_of(slid))]
    assert values == [("step", "2"), ("step", "5"), ("step", "10"), ("step", "20")]
    buffer = held("buffer", 4)
    assert remedies(traces_of(buffer), turns_of(buffer)) == []


def test_a_memory_after_the_history_leaves_the_history_to_the_cache() -> None:
    talk = held("combined:memories=window(k=50)+summary,max_token_limit=9000")
    found = placed_after(traces_of(talk)[-11:], turns_of(talk))
    assert isinstance(found, Remedy)
    assert found.cached_now == 0
    assert found.cached_then > 10_000
    assert found.then < found.now
    behind = held("combined:memories=window(k=50)+summary,max_token_limit=9000,memory_place=after")
    assert found.then == spent(traces_of(behind)[-10:])
    assert [one.setting for one in remedies(traces_of(talk), turns_of(talk))] == ["memory_place"]
    assert remedies(traces_of(behind), turns_of(behind)) == []


# --- what is stored ---------------------------------------------------------------------------------------------------


SPECS = ("buffer", "window:k=5", "summary", "entity", "kg", "attention", "combined")
SEARCHING = ("vector", "vector:search=hybrid", "time_weighted", "time_weighted:k=10")


@pytest.mark.parametrize("spec", [*SPECS, *SEARCHING])
def test_all_that_is_stored_of_a_turn_stays_under_3_kb(embedded: Connection, spec: str) -> None:
    said = "I told you of number {} " + "and of the things that there are to tell " * 7
    talk = conversation(
        RedisStore(embedded), spec, instructions="Be brief.", talker=lambda _: "So it was, as you tell it. " * 10
    )
    say(talk, *(said.format(number) for number in range(20)))
    assert 150 <= count_tokens(turns_of(talk)[-1].human + turns_of(talk)[-1].ai, ENCODING) <= 170
    before = stored(embedded, talk.user)
    say(talk, *(said.format(number) for number in range(20, 60)))
    grown = (stored(embedded, talk.user) - before) / 40
    assert grown < 3_000, f"{grown:,.0f} bytes a turn"


PEOPLE = ["Adaeze", "Bruno", "Carys", "Dmitri", "Elif", "Farouk", "Greta", "Hamza", "Ines", "Jurgen", "Katya", "Lorcan"]
PLACES = ["Tromso", "Bologna", "Cardiff", "Recife", "Izmir", "Lahore", "Graz", "Porto", "Leipzig", "Riga", "Galway"]
WORK = ["the ferry office", "a print shop", "the botanical garden", "a bakery", "the radio", "a school for clockmakers"]
LIKES = ["old maps", "sea swimming", "chess problems", "sourdough", "kites", "night trains", "ceramics"]


def told(number: int) -> tuple[str, str]:
    """Chat of people, some of whom were spoken of before: what is asked and what is answered."""

    def one(names: Sequence[str], step: int) -> str:
        return names[(number * step + step) % len(names)]

    first, other, place = one(PEOPLE, 5), one(PEOPLE, 7), one(PLACES, 3)
    asked = (
        f"Hey! What a week, number {number} since we began. {first} works at {one(WORK, 5)} in {place} now, can you "
        "believe it? It felt so good to hear a friendly voice, after all that happened here in the winter. I had been "
        f"a little low, to be honest. And {other} is the sister of {first}, which nobody had told me! She likes "
        f"{one(LIKES, 3)}, just as my father did. Anyway, I keep thinking that there must be more to the evenings than "
        "lying on the sofa with the telephone. How do you find the time for everything?"
    )
    answered = (
        f"Wow, that is quite some news! I am glad that you and {first} are talking again, it clearly does you good. Be "
        "kind to yourself about the winter, it was a lot, and nobody could have done it better. As for the evenings, "
        f"begin with something small: {one(LIKES, 5)}, a walk by the water, or a letter to {other}. I once thought "
        f"that I needed whole days for what I love, and half an hour was enough. Will you tell me more of {first}?"
    )
    return asked, answered


@pytest.mark.parametrize(
    ("spec", "most"),
    [
        *((spec, 3_000) for spec in (*SPECS, *SEARCHING) if spec not in ("summary", "entity", "kg")),
        *((spec, 3_200) for spec in ("entity", "kg")),  # a version of a note for each of those it tells of
        ("summary", 4_000),  # each version of it is kept, and may be longer than the turn that it was written after
    ],
)
def test_a_turn_that_tells_of_many_people_takes_no_more_for_its_length(
    embedded: Connection, spec: str, most: int
) -> None:
    answers = dict(told(number) for number in range(60))
    talk = conversation(
        RedisStore(embedded), spec, instructions="Be brief.", talker=lambda messages: answers[messages[-1].text]
    )
    talk = replace(talk, models=replace(talk.models, writer=chat_model("demo")))
    asked = list(answers)
    say(talk, *asked[:20])
    before = stored(embedded, talk.user)
    say(talk, *asked[20:])
    grown = stored(embedded, talk.user) - before
    tokens = sum(turn.count(ENCODING) for turn in turns_of(talk)[20:])
    assert 180 <= tokens / 40 <= 240
    assert grown / tokens < most / 160, f"{grown / 40:,.0f} bytes a turn of {tokens / 40:.0f} tokens"


def stored(connection: Connection, user: str) -> int:
    """Count the bytes of all rows of a user, and of their names."""
    client, total = connection.client, 0
    for key in client.keys(f"mi:{{{user}}}:*"):
        kind = client.type(key)
        if kind == b"list":
            rows = client.lrange(key, 0, -1)
        elif kind == b"hash":
            rows = [part for pair in client.hgetall(key).items() for part in pair]
        else:
            rows = client.zrange(key, 0, -1) if kind == b"zset" else [client.get(key) or b""]
        total += sum(map(len, rows))
    return total
