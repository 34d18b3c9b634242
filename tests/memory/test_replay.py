"""A recording through a memory: what each prompt held, what it cost, and which evidence was in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.base import Item, LeftOut, Memory, Message, Recall, Services, State, Turn
from memory.catalog import load
from memory.common.fit import newest
from memory.errors import BadInput, ModelFailed
from memory.evidence import check_evidence, places_of
from memory.exchange.package import Content
from memory.formats import Question, Recording
from memory.formats.recording import Talk
from memory.money.prices import Usage
from memory.money.prompt_cache import Sent, Sizes, cache_rule, cached_tokens, common_tokens, usage
from memory.prompt import PromptMessage, assemble
from memory.replay import Asked, Replay, ReplayedTurn, Run, lacks_answer
from memory.retrieval.embeddings import embedding
from memory.services import Models
from memory.store import Thread
from memory.tokens import _count_short, _tokenizer
from tests.memory.fakes import ENCODING, FakeChat, FakeModels, any_turn, numbered

FREE = ("none", "buffer", "window:k=2", "token_buffer:max_token_limit=60", "vector:k=2", "last_input")


def talk(turns: int, words: int = 8) -> Recording:
    """Make a conversation of two people in the form of LoCoMo: ids, names, a session of four turns each day."""
    made = Talk()
    for turn in range(turns):
        at = 1.68e9 + turn // 4 * 86_400
        made.say("human", f"fact{turn} is what Ann told " + "of it " * words, at, f"D1:{2 * turn}", "Ann")
        made.say("ai", f"Ben heard of reply{turn}.", at, f"D1:{2 * turn + 1}", "Ben")
        if turn % 4 == 3:
            made.end_session()
    asked = (
        Question("Who told of fact1?", 1, ("D1:2",)),
        Question(f"What of fact{turns - 1} and reply0?", 2, (f"D1:{2 * turns - 2}", "D1:1"), ("D9:9",)),
        Question("What was never said?", 5),
    )
    return Recording("conv-1", "Ann and Ben", made.turns(), asked)


def chat(*said: str) -> Recording:
    """Make a chat of the user and an assistant; it may end with either."""
    made = Talk()
    for place, text in enumerate(said):
        made.say("ai" if place % 2 else "human", text)
    return Recording("chat", "", made.turns())


def replayed(recording: Recording, spec: str, **more: Any) -> tuple[list[ReplayedTurn], list[Asked], Run]:
    answer = more.pop("answer", False)
    models = more.pop("models", Models())
    run = Replay(recording, models, embedding("hashing"), **more).run(load().memory(spec))
    with run:
        return list(run.turns()), list(run.questions(answer)), run


def test_each_turn_sends_what_was_recorded_before_it() -> None:
    turns, _, run = replayed(talk(6), "window:k=2")
    assert [turn.index for turn in turns] == list(range(6))
    assert [(one.item, one.segment) for one in turns[3].prompt] == [
        ("turn:1", "history"),
        ("turn:1", "history"),
        ("turn:2", "history"),
        ("turn:2", "history"),
        ("query", "query"),
    ]
    assert turns[3].prompt[-1].content.startswith("fact3")
    assert turns[3].left_out == (LeftOut((0, 1), "outside the last k=2 turns"),)
    assert turns[3].reply.text == "Ben heard of reply3."
    assert all(turn.reply.recorded for turn in turns)
    assert (run.totals.turns, run.totals.own_calls) == (6, 0)


@pytest.mark.parametrize("spec", [*FREE, "summary", "summary_buffer:max_token_limit=60", "vector_token_buffer"])
def test_tokens_are_those_of_the_prompt_whether_it_is_written_out_or_not(spec: str) -> None:
    turns, asked, run = replayed(talk(12), spec)
    short, unasked, same = replayed(talk(12), spec, prompts=False)
    for turn in turns:
        for segment, tokens in turn.tokens.items():
            assert tokens == sum(one.tokens for one in turn.prompt if one.segment == segment)
    assert [(one.tokens, one.cached_tokens, one.cost, one.left_out) for one in turns] == [
        (one.tokens, one.cached_tokens, one.cost, one.left_out) for one in short
    ]
    assert [(one.check, one.tokens) for one in asked] == [(one.check, one.tokens) for one in unasked]
    assert not any(one.prompt for one in (*short, *unasked))
    assert run.totals.input_tokens == same.totals.input_tokens
    for question in asked:
        kept = [one.tokens for one in question.prompt if one.segment in ("memory", "history")]
        assert question.tokens == sum(kept)


def test_the_recorded_answers_are_seen_whatever_model_is_set() -> None:
    models = FakeModels(talker=FakeChat(answer=[]))
    turns, _, _ = replayed(talk(4), "buffer", models=models)
    assert models.talker.seen == []
    assert turns[3].prompt[1].content == "Ben heard of reply0."


def test_a_last_message_that_nobody_answered_is_answered_by_the_model() -> None:
    models = FakeModels(talker=FakeChat(answer=["Hello Alex!"]))
    turns, _, _ = replayed(chat("Hi", "Hello", "I am Alex."), "buffer", models=models)
    assert (turns[-1].reply.text, turns[-1].reply.recorded) == ("Hello Alex!", False)
    assert [message.text for message in models.talker.seen[0]] == ["Hi", "Hello", "I am Alex."]
    # Also where no prompts are written out.
    models = FakeModels(talker=FakeChat(answer=["Hello Alex!"]))
    turns, _, _ = replayed(chat("I am Alex."), "buffer", models=models, prompts=False)
    assert (turns[-1].reply.text, turns[-1].prompt) == ("Hello Alex!", ())


def test_what_the_model_answered_is_what_the_memory_sees_next() -> None:
    turns = tuple(Turn(f"t{n}", (Message("human", f"question {n}"),), index=n) for n in range(3))
    recording = Recording("own", "", turns, content=Content(Thread("own"), turns, ()))
    models = FakeModels(talker=FakeChat(answer=["one", "two", "three"]))
    done, _, _ = replayed(recording, "buffer", models=models)
    assert [one.content for one in done[2].prompt] == ["question 0", "one", "question 1", "two", "question 2"]


def test_only_an_answer_that_is_missing_is_asked_for() -> None:
    asked = Turn("a", (Message("human", "Are you there?"),), index=0)
    answered = Turn("b", (Message("human", "Hi"), Message("ai", "Hello")), index=1)
    last = Turn("c", (Message("human", "Bye"),), index=2)
    whole = (asked, answered, last)
    assert [lacks_answer(Recording("x", "", whole), index) for index in range(3)] == [False, False, True]
    own = Recording("x", "", whole, content=Content(Thread("x"), whole, ()))
    assert [lacks_answer(own, index) for index in range(3)] == [True, False, True]
    failed = Turn("c", (Message("human", "Bye"),), "failed", index=0)
    assert not lacks_answer(Recording("x", "", (failed,)), 0)
    spoken = Turn("b", (Message("human", "Hi", name="Ann"), Message("ai", "Hello", name="Ben")), index=1)
    assert not lacks_answer(Recording("x", "", (asked, spoken, last)), 2)


def test_where_the_other_side_speaks_first_the_prompt_ends_without_a_query() -> None:
    made = Talk()
    made.say("human", "Hi", source="1", name="Ann")
    made.end_session()
    made.say("ai", "Are you there?", source="2", name="Ben")
    turns, _, _ = replayed(Recording("x", "", made.turns()), "buffer")
    assert [one.item for one in turns[1].prompt] == ["turn:0"]
    assert turns[1].tokens["query"] == 0
    assert (turns[0].reply.text, turns[0].reply.recorded) == ("", True)


def test_a_turn_costs_its_prompt_and_its_answer_at_the_prices_of_the_price_model() -> None:
    turns, _, run = replayed(talk(3), "buffer")
    size, output = sum(turns[2].tokens.values()), Message("ai", turns[2].reply.text).count(ENCODING)
    expected = (size * Decimal("0.25") + output * 2) / 1_000_000
    assert turns[2].cost == turns[2].cost_uncached == expected
    assert run.totals.cost == sum(turn.cost or 0 for turn in turns)


def test_an_unknown_price_is_unknown_and_not_free() -> None:
    turns, _, run = replayed(talk(2), "buffer", models=Models(price_as="ollama:llama3"))
    assert (turns[0].cost, run.totals.cost, run.totals.cost_uncached) == (None, None, None)


def test_tokens_are_counted_in_the_encoding_of_the_price_model_whichever_model_answers() -> None:
    models = Models(chat="openai:gpt-5-mini", price_as="openai:gpt-4")
    turns, _, _ = replayed(Recording("x", "", (*chat("Grüße 漢字 🙂", "Hallo").turns,)), "buffer", models=models)
    assert turns[0].tokens["query"] == Message("human", "Grüße 漢字 🙂").count("cl100k_base")


def test_the_memorys_own_calls_are_recorded_and_in_the_totals() -> None:
    turns, _, run = replayed(talk(3), "summary")
    assert [call.purpose for turn in turns for call in turn.calls] == ["summary"] * 3
    own = sum(call.input_tokens for turn in turns for call in turn.calls)
    assert run.totals.input_tokens == own + sum(sum(turn.tokens.values()) for turn in turns)
    costs = [turn.cost or 0 for turn in turns] + [call.cost or 0 for turn in turns for call in turn.calls]
    assert run.totals.cost == sum(costs)


def test_a_failing_model_of_the_memory_is_survived_and_told() -> None:
    failure = ModelFailed("The model is away: try again.", kind="connection")
    models = FakeModels(writer=FakeChat(answer=[failure, "gist", "gist", "gist"]))
    turns, _, run = replayed(talk(3), "summary", models=models)
    assert list(run.errors) == [str(failure)]
    assert (run.totals.failed_calls, len(turns)) == (1, 3)


def test_turns_before_the_first_are_taken_in_and_those_after_the_last_were_never_said() -> None:
    all_turns, _, _ = replayed(talk(8), "summary_buffer:max_token_limit=80")
    some, asked, _ = replayed(talk(8), "summary_buffer:max_token_limit=80", turns=(3, 6))
    assert some == [replaced(turn, some[place]) for place, turn in enumerate(all_turns[3:6])]
    missing = {one.message: one.why for question in asked for one in question.check.missing}
    assert missing["D1:14"] == "said in turn 7, after the last that was replayed"
    assert replayed(talk(8), "buffer", turns=(6, 100))[2].totals.turns == 2


def replaced(turn: ReplayedTurn, like: ReplayedTurn) -> ReplayedTurn:
    """Return a turn with the seconds of another's calls, the one thing that no two runs have in common."""
    calls = tuple(replace(a, seconds=b.seconds) for a, b in zip(turn.calls, like.calls, strict=True))
    return replace(turn, calls=calls)


def test_evidence_counts_where_its_whole_text_was_sent() -> None:
    _, asked, run = replayed(talk(8), "window:k=2")
    assert [one.check.found for one in asked] == [(), ("D1:14",), ()]
    assert [one.why for one in asked[1].check.missing] == ["outside the last k=2 turns"]
    assert (run.evidence.all.recall, run.evidence.all.full, run.evidence.all.n) == (0.25, 0.0, 2)
    assert run.evidence.by_category["2"].recall == 0.5
    assert "5" not in run.evidence.by_category
    assert run.evidence.tokens == asked[0].tokens
    assert run.evidence.overlap is None
    assert replayed(talk(8), "buffer")[2].evidence.all.full == 1.0


def test_what_was_cut_is_not_evidence_but_what_was_left_whole_of_it_is() -> None:
    long, short = "word " * 50 + "end", "It was in May."
    turns = (Turn("t", (Message("human", long, source="1"), Message("ai", short, source="2")), index=0),)
    sizes = Sizes(turns, ENCODING)
    recall = newest(turns, 0, 30, ENCODING, "newest")
    check = check_evidence(recall, ("1", "2"), places_of(turns), sizes)
    assert check.found == ("2",)
    assert [(one.message, one.why) for one in check.missing] == [("1", "shortened to 30 tokens")]


def test_a_quoted_message_is_found_though_its_lines_are_indented() -> None:
    turns = (Turn("t", (Message("human", "one\ntwo\nthree", source="1"), Message("ai", "four", source="2")), index=0),)
    item = Item("message:0.0", "memory", "rank 1", 9, (0, 1), quoted=True)
    check = check_evidence(Recall((item,)), ("1", "2"), places_of(turns), Sizes(turns, ENCODING))
    assert check.found == ("1",)


def test_a_note_counts_by_its_own_measure_alone() -> None:
    turns = (Turn("t", (Message("human", "Ana paints sunsets in Oslo.", source="1"),), index=0),)
    note = Item("summary:1", "memory", "summary", 9, text="Ana likes painting a sunset. Ana paints sunsets in Oslo.")
    check = check_evidence(Recall((note,)), ("1",), places_of(turns), Sizes(turns, ENCODING))
    assert (check.found, check.overlap) == ((), 1.0)
    half = Item("summary:1", "memory", "summary", 9, text="Somebody painted, in Oslo.")
    assert check_evidence(Recall((half,)), ("1",), places_of(turns), Sizes(turns, ENCODING)).overlap == 0.5
    assert replayed(talk(5), "summary")[2].evidence.overlap is not None


def test_a_rank_deeper_than_those_that_a_recall_names_is_asked_for() -> None:
    recording = talk(70, words=0)
    asked = Question("Which fact3 of what Ann told?", 1, tuple(f"D1:{2 * turn}" for turn in range(70)))
    recording = Recording("x", "", recording.turns, (asked,))
    _, (one,), _ = replayed(recording, "vector:k=1")
    whys = [missing.why for missing in one.check.missing]
    assert len(one.check.found) == 1
    assert sum(why.endswith("of top 1") for why in whys) > 10
    assert any(why.startswith("rank 60 by likeness; ranked below") for why in whys)
    assert not any(missing.deep for missing in one.check.missing)


def test_questions_are_asked_one_by_one_and_answered_only_where_wanted() -> None:
    models = FakeModels(talker=FakeChat(answer=["A", "B", "C"]))
    _, asked, run = replayed(talk(4), "buffer", models=models, answer=True)
    assert [one.answer for one in asked] == ["A", "B", "C"]
    assert [one.prompt[-1].content for one in asked] == [one.question.text for one in asked]
    assert "What was never said?" not in models.talker.seen[1][-2].text
    assert run.totals.turns == 4
    assert [one.answer for one in replayed(talk(4), "buffer")[1]] == [None] * 3


class Broken(Memory):
    """Fails in its third turn."""

    short, label, keeps, forgets, costs = "broken", "Broken", "", "", ""

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        return Recall() if len(transcript) < 2 else Recall((1 / 0,))  # type: ignore[arg-type]


class Clock(Memory):
    """Tells the time and whose data it has."""

    short, label, keeps, forgets, costs = "clock", "Clock", "", "", ""
    seen: list[tuple[str, float]]

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        self.seen.append((services.user, services.now))
        return Recall()


def test_a_memorys_own_mistake_is_one_sentence_with_its_place() -> None:
    with pytest.raises(BadInput, match="Broken failed at turn 2 of conv-1 \\(ZeroDivisionError"):
        list(Replay(talk(5), Models()).run(Broken()).turns())


def test_the_time_is_that_of_the_recording_and_each_run_has_a_user_of_its_own() -> None:
    replay, users = Replay(talk(5), Models()), []
    for _ in range(2):
        memory = Clock()
        memory.seen = []
        with replay.run(memory) as run:
            list(run.turns())
            list(run.questions())
        assert [at for _, at in memory.seen] == [1.68e9] * 4 + [1.68e9 + 86_400] * 4
        users.append({user for user, _ in memory.seen})
    assert not users[0] & users[1]


def test_runs_over_one_replay_are_as_those_that_stand_alone() -> None:
    recording = talk(20)
    shared = Replay(recording, Models(), embedding("hashing"))
    for spec in ("vector:k=2,search=hybrid", "time_weighted:search=hybrid", "vector:k=2,search=hybrid"):
        with shared.run(load().memory(spec)) as run:
            together = list(run.turns()), list(run.questions())
        alone = replayed(recording, spec)
        assert [(one.tokens, one.left_out) for one in together[0]] == [(one.tokens, one.left_out) for one in alone[0]]
        calls = [(call.purpose, call.input_tokens, call.cost) for one in together[0] for call in one.calls]
        assert calls == [(call.purpose, call.input_tokens, call.cost) for one in alone[0] for call in one.calls]
        assert together[1] == alone[1]
    assert not shared.retrieval._indexes


@pytest.mark.parametrize(
    ("model", "common", "cached"),
    [
        ("openai:gpt-5-mini", 1_023, 0),
        ("openai:gpt-5-mini", 1_024, 1_024),
        ("openai:gpt-5-mini", 1_300, 1_280),
        ("openai:gpt-5.6-terra", 1_300, 1_300),
        ("anthropic:claude-opus-5", 600, 600),
        ("anthropic:claude-haiku-4-5", 4_000, 0),
        ("google_genai:gemini-2.5-flash", 1_025, 1_025),
        ("openai:gpt-4", 5_000, 0),
        ("ollama:llama3", 5_000, 0),
    ],
)
def test_a_prefix_is_cached_under_its_providers_rule(model: str, common: int, cached: int) -> None:
    assert cached_tokens(model, common) == cached
    assert (cache_rule(model) is None) == (model in ("openai:gpt-4", "ollama:llama3"))


def test_writing_to_the_cache_is_billed_where_it_has_a_price() -> None:
    assert usage("openai:gpt-5-mini", 2_000, 1_700, 5) == Usage(2_000, 5, cached=1_664)
    assert usage("anthropic:claude-opus-5", 2_000, 1_700, 5) == Usage(2_000, 5, cached=1_700, cache_write=300)
    assert usage("anthropic:claude-opus-5", 300, 200, 5) == Usage(300, 5)


def test_a_buffers_prefix_is_cached_and_a_sliding_windows_is_not() -> None:
    buffer, _, run = replayed(talk(40, words=30), "buffer")
    assert buffer[-1].cached_tokens >= sum(buffer[-2].tokens.values()) - 128 - buffer[-2].tokens["query"]
    assert run.totals.cost
    assert run.totals.cost_uncached
    assert run.totals.cost < run.totals.cost_uncached
    window, _, _ = replayed(talk(40, words=30), "window:k=30")
    assert window[-1].cached_tokens == 0


def plainly(before: Sent, now: Sent, turns: Sequence[Turn]) -> int:
    """Count common tokens message by message, up to the first message that differs."""

    def sent(one: Sent) -> list[PromptMessage]:
        messages = assemble("", Recall(one.items), turns, one.query or "", ENCODING).messages
        return list(messages if one.query is not None else messages[:-1])

    def as_sent(one: PromptMessage) -> tuple[object, ...]:
        return one.type, one.content, one.name, one.tool_calls, one.tool_call_id

    same = takewhile(lambda pair: as_sent(pair[0]) == as_sent(pair[1]), zip(sent(before), sent(now), strict=False))
    return sum(one.tokens for one, _ in same)


@given(st.lists(any_turn(), min_size=1, max_size=8).map(numbered), st.data())
@settings(max_examples=60)
def test_the_common_prefix_is_that_of_the_messages(turns: list[Turn], data: st.DataObject) -> None:
    def items() -> tuple[Item, ...]:
        made = []
        for _ in range(data.draw(st.integers(0, 3))):
            first = data.draw(st.integers(0, len(turns) - 1))
            end = data.draw(st.integers(first + 1, len(turns)))
            if data.draw(st.booleans()):
                text = data.draw(st.sampled_from(["A note of one.", "A note of two."]))
                made.append(Item("note:1", "memory", "", Message("human", text).count(ENCODING), text=text))
            else:
                made.append(Item(f"turns:{first}-{end - 1}", "history", "", 0, (first, end)))
        return tuple(made)

    queries = st.sampled_from([None, "What?", turns[-1].human or "x"])
    before, now = Sent(items(), data.draw(queries)), Sent(items(), data.draw(queries))
    sizes = Sizes(turns, ENCODING)
    found, least = common_tokens(before, now, sizes), plainly(before, now, turns)
    longest = max(message.count(ENCODING) for turn in turns for message in turn.messages) + 20
    assert least <= found <= least + longest
    assert common_tokens(now, now, sizes) == plainly(now, now, turns)


def test_a_replay_loads_the_tokenizer_when_it_is_made_so_that_no_memory_is_timed_with_it() -> None:
    _count_short.cache_clear()
    _tokenizer.cache_clear()
    Replay(Recording("none", "none", ()), Models())
    assert _tokenizer.cache_info().currsize == 1
