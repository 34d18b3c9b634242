"""A projection: against arithmetic done by hand, and against the memories themselves over turns of one size."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from memory.base import Item
from memory.catalog import load
from memory.errors import BadInput
from memory.formats import Recording
from memory.formats.recording import Talk
from memory.money.averages import Averages, averages
from memory.money.growth import summary_template
from memory.money.projection import Crossing, Line, crossings, project, unknown
from memory.replay import Replay
from memory.tokens import count_tokens
from memory.trace import Call, StateRef, Trace
from tests.memory.fakes import ENCODING, FakeChat, FakeModels

PEER = Averages(system=300, user=80, assistant=200, summary=250, template=150)
"""The sizes of which the figures below were worked out by hand."""
MODEL = "openai:gpt-5-mini"


def line(spec: str, turns: int = 400, model: str = MODEL, of: Averages = PEER, **more: float) -> Line:
    return project(load().memory(spec), of, turns, model, **more)


def last(one: Line, other: Line, cached: bool = True) -> Crossing:
    """Return the last crossing of two lines, with caching or without."""
    a, b = (each.costs if cached else each.costs_uncached for each in (one, other))
    assert a
    assert b
    return crossings(a, b)[-1]


def test_four_turns_of_a_buffer_and_of_a_window_by_hand() -> None:
    # 300 + 80, then 280 more with each turn; a window of one turn stops growing at the second.
    assert line("buffer", 4).prompts == (380, 660, 940, 1220)
    assert line("window:k=1", 4).prompts == (380, 660, 660, 660)
    costs = line("buffer", 4).costs_uncached
    assert costs
    assert costs[-1] == Decimal(380 + 660 + 940 + 1220) * Decimal("0.25e-6") + 4 * 200 * Decimal("2e-6")
    # The fifth prompt has the fourth's 1,220 tokens before it, of which whole steps of 128 from 1,024 on are cached.
    five = line("buffer", 5)
    assert five.cached == (0, 0, 0, 0, 1152)
    assert five.costs
    assert five.costs_uncached
    assert five.costs_uncached[-1] - five.costs[-1] == 1152 * (Decimal("0.25e-6") - Decimal("0.025e-6"))


@pytest.mark.parametrize(
    ("model", "window", "without", "cached"),
    [
        ("openai:gpt-4o-mini", 5, 7, 16),
        ("openai:gpt-4o-mini", 10, 12, 31),
        ("openai:gpt-4o-mini", 20, 22, 61),
        ("openai:gpt-4.1-mini", 5, 7, 36),
        ("openai:gpt-4.1-mini", 10, 12, 71),
        ("openai:gpt-4.1-mini", 20, 22, 141),
        ("openai:gpt-5-mini", 5, 7, 98),
        ("openai:gpt-5-mini", 10, 12, 193),
        ("openai:gpt-5-mini", 20, 22, 383),
    ],
)
def test_the_buffer_becomes_dearer_than_a_window_where_it_was_worked_out(
    model: str, window: int, without: int, cached: int
) -> None:
    buffer, other = line("buffer", model=model), line(f"window:k={window}", model=model)
    assert last(buffer, other, cached=False) == Crossing(without, 0)
    assert last(buffer, other) == Crossing(cached, 0)


@pytest.mark.parametrize(
    ("model", "without", "cached"),
    [("openai:gpt-4o-mini", 15, 29), ("openai:gpt-4.1-mini", 15, 56), ("openai:gpt-5-mini", 22, 212)],
)
def test_the_buffer_becomes_dearer_than_a_summary_where_it_was_worked_out(
    model: str, without: int, cached: int
) -> None:
    buffer, summary = line("buffer", model=model), line("summary", model=model)
    assert last(buffer, summary, cached=False) == Crossing(without, 0)
    assert last(buffer, summary) == Crossing(cached, 0)


USER, ASSISTANT, SUMMARY = 20, 40, 12
EXACT = [
    "none",
    "buffer",
    "window:k=3",
    "window:k=0",
    "window:k=4,step=5",
    "token_buffer:max_token_limit=400",
    "summary",
    "summary:summarize_step=4",
    "summary_buffer:max_token_limit=400",
    "summary_buffer:max_token_limit=600,summarize_block=200",
    "summarization:trigger=500,keep=6",
    "summarization:trigger=900,keep=1",
    "summarization:trigger=900,keep=6,memory_place=after",
    "summary_buffer:max_token_limit=600,summarize_block=300,memory_place=after",
]


@pytest.mark.parametrize("spec", EXACT)
def test_a_projection_is_what_the_memory_really_sends_over_turns_of_one_size(spec: str) -> None:
    made = Talk()
    for turn in range(60):
        # Each begins with another token, so that nothing is alike by chance.
        made.say("human", f"{turn:03d}" + " word" * (USER - 1))
        made.say("ai", f"{turn + 500:03d}" + " word" * (ASSISTANT - 1))
    numbers = iter(range(100, 1000))
    writer = FakeChat(answer=lambda messages: f"{next(numbers):03d}" + " gist" * (SUMMARY - 1))
    replay = Replay(Recording("even", "", made.turns()), FakeModels(writer=writer), prompts=False)
    with replay.run(load().memory(spec)) as run:
        turns = list(run.turns())
    of = Averages(system=0, user=USER, assistant=ASSISTANT, summary=SUMMARY)
    found = line(spec, 60, of=of)
    assert found.assumption == ""
    assert found.prompts == tuple(sum(turn.tokens.values()) for turn in turns)
    assert [turn.cached_tokens for turn in turns] == list(found.cached)
    assert [bool(turn.calls) for turn in turns].count(True) == found.own_calls
    asked = sum(call.input_tokens for turn in turns for call in turn.calls)
    # Where texts are joined a token more or less is counted.
    assert found.own_input == pytest.approx(asked, rel=0.03)


def test_what_a_cache_may_hold_is_spared_only_where_it_is_hit() -> None:
    full, half, never = (line("buffer", 50, hit_rate=rate) for rate in (1.0, 0.5, 0.0))
    assert full.costs
    assert half.costs
    assert never.costs
    assert never.costs == never.costs_uncached
    assert half.costs[-1] == (full.costs[-1] + never.costs[-1]) / 2
    assert line("buffer", 50, pauses=0.5).costs == half.costs
    assert line("buffer", 50, hit_rate=0.5, pauses=1.0).costs == never.costs


def test_where_writing_to_the_cache_is_charged_missing_it_costs_more_than_none() -> None:
    never = line("buffer", 20, model="anthropic:claude-opus-5", hit_rate=0.0)
    assert never.costs
    assert never.costs_uncached
    assert never.costs[-1] > never.costs_uncached[-1]


def test_a_stepped_window_spares_what_a_sliding_one_does_not() -> None:
    one, stepped = line("window:k=10", 100), line("window:k=10,step=10", 100)
    assert one.costs
    assert stepped.costs
    assert sum(one.cached) < sum(stepped.cached)
    assert stepped.costs[-1] < one.costs[-1]


def test_notes_behind_the_turns_leave_the_turns_to_the_cache() -> None:
    before, after = line("entity:k=1000", 60), line("entity:k=1000,memory_place=after", 60)
    assert before.prompts == after.prompts
    assert sum(before.cached) == 0 < sum(after.cached)


def test_an_unknown_price_is_unknown_and_an_unknown_rule_says_so() -> None:
    nobody = line("buffer", 5, model="ollama:llama3")
    assert (nobody.costs, nobody.costs_uncached) == (None, None)
    assert unknown("ollama:llama3") == ["The price of ollama:llama3 is not known."]
    assert unknown("openai:gpt-4") == [
        "No rule of prompt caching is known for openai:gpt-4: nothing is counted as cached."
    ]
    assert unknown(MODEL) == []


def test_the_models_window_ends_a_buffers_growth() -> None:
    # 8,192 tokens, of which 1,024 are the answer's, 380 instructions and message: 6,788 are 24 turns.
    found = line("buffer", 60, model="openai:gpt-4")
    assert max(found.prompts) == 380 + 24 * 280
    assert found.full == 26
    assert line("buffer", 25, model="openai:gpt-4").full is None


def test_own_calls_can_have_a_cheaper_model() -> None:
    dear, cheap = (
        project(load().memory("summary"), PEER, 10, MODEL, memory_model=name) for name in ("", "openai:gpt-5-nano")
    )
    assert dear.own
    assert cheap.own
    assert cheap.own * 5 == dear.own
    assert cheap.costs
    assert dear.costs
    assert dear.costs[-1] - cheap.costs[-1] == dear.own - cheap.own


@pytest.mark.parametrize("spec", ["vector:k=4", "time_weighted", "attention", "vector_token_buffer", "entity", "kg"])
def test_what_must_be_assumed_is_said_in_words(spec: str) -> None:
    found = line(spec, 40)
    assert found.assumption
    assert found.prompts[0] == 380
    assert max(found.prompts) <= 380 + 2000 + 280


def test_a_combined_memory_is_the_sum_of_its_parts_within_its_limit() -> None:
    found = line("combined:memories=window(k=2)+summary", 20)
    assert found.prompts[-1] == 380 + 2 * 280 + 250
    assert found.own_calls == 20
    tight = line("combined:memories=window(k=9)+summary,max_token_limit=900", 20)
    assert tight.prompts[-1] == 380 + 250 + 2 * 280


def test_a_memory_of_which_nothing_is_known_is_projected_from_what_it_sent_or_not_at_all() -> None:
    with pytest.raises(BadInput, match="nothing is known of how Key value grows"):
        line("key_value")
    known = replace(PEER, notes={"KeyValueMemory": 33})
    assert line("key_value", 3, of=known).prompts == (413, 413, 413)
    assert "as long as on average" in line("key_value", 3, of=known).assumption


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"turns": 0}, "0 turns cannot be projected"),
        ({"hit_rate": 1.5}, "the hit rate 1.5 is no share"),
        ({"pauses": -1.0}, "the share of pauses -1 is no share"),
        ({"of": replace(PEER, user=-1)}, "user -1 is no size"),
        ({"of": replace(PEER, user=0, assistant=0)}, "at least one token"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(wrong: dict[str, object], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        line("buffer", **wrong)  # type: ignore[arg-type]


def test_averages_are_those_of_the_turns_that_were_answered() -> None:
    reply = Call("reply", "m", 100, 30)
    own = Call("summary", "m", 200, 20)
    summary = Item("summary:2", "memory", "", 25)
    segments = {"instructions": 10, "memory": 25, "history": 0, "query": 6}
    one = Trace(
        "turn", 0, "a", 1.0, "ConversationSummaryMemory", segments=segments, items=(summary,), calls=(reply, own)
    )
    two = replace(one, calls=(replace(reply, output_tokens=50), replace(own, input_tokens=0, reused=True)))
    failed = replace(one, calls=(replace(reply, error="away", output_tokens=0),))
    found = averages([one, two, failed, Trace("import", 3, "d", 1.0)])
    assert found
    assert (found.system, found.user, found.assistant, found.summary) == (10, 6, 40, 25)
    assert found.own == {"ConversationSummaryMemory": (200, 20)}
    assert found.notes == {"ConversationSummaryMemory": 25}
    assert found.of == "the average of 2 turns of this conversation"
    assert averages([failed]) is None


@pytest.mark.parametrize(("part", "purpose"), [("kg", "triples"), ("entity", "entities")])
def test_own_calls_that_were_measured_are_taken_for_a_memory_alone_in_another_and_after_a_switch(
    part: str, purpose: str
) -> None:
    of, both = load().memory(part), f"combined:memories=window(k=2)+{part}"
    reply, own = Call("reply", "m", 100, 30), Call(purpose, "m", 360, 2)
    combined = Trace("turn", 0, "a", 1.0, "CombinedMemory", segments={"query": 6}, calls=(reply, own))
    found = averages([combined, combined])
    assert found
    assert found.own == {"CombinedMemory": (360, 2), of.name: (360, 2)}
    for spec in (part, both):
        after = line(spec, 5, of=found)
        assert (after.own_calls, after.own_input, after.own_output) == (5, 5 * 360, 5 * 2)
        assert "half as long as allowed" not in after.assumption
    plain = replace(combined, memory="ConversationBufferMemory", calls=(reply,))
    caught_up = replace(
        combined, kind="switch", memory=of.name, calls=(own, own, own, own), before=StateRef(2), after=StateRef(6)
    )
    switched = averages([plain], [caught_up, replace(caught_up, kind="edit")])
    assert switched
    assert switched.own == {of.name: (360, 2)}
    assert line(both, 5, of=switched).own_output == 10
    untried = averages([plain])
    assert untried
    assert "half as long as allowed" in line(both, 5, of=untried).assumption


def test_the_template_of_a_summary_is_that_of_this_projects_own_call() -> None:
    once, each = summary_template()
    assert count_tokens("Progressively summarise a conversation", ENCODING) < once < 200
    assert 2 <= each <= 10
