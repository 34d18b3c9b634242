"""What paid models will be asked for is told before anything runs, and nothing is called for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from memory.catalog import load
from memory.compare.estimate import asks_a_model, estimate
from memory.compare.experiment import Column
from memory.formats import Question, read
from memory.replay import Replay
from memory.services import Models

TALK = "\n".join(f"User: I have {n} apples and I live in town {n}.\nAI: Noted, {n} apples." for n in range(12))
(RECORDING,) = read(TALK.encode())
PAID = Models(memory="openai:gpt-5-mini")
SUMMARY, WINDOW = Column("ConversationSummaryMemory"), Column("ConversationBufferWindowMemory")


def test_memories_that_call_a_model_are_told_from_those_that_do_not() -> None:
    asking = {cls.short for name, cls in load().memories.items() if asks_a_model(name)}
    assert {"summary", "summary_buffer", "summarization", "entity", "kg"} <= asking
    assert not asking & {"none", "buffer", "window", "token_buffer", "vector", "time_weighted", "attention", "simple"}


def test_as_many_calls_are_told_as_the_replay_makes() -> None:
    told = estimate([SUMMARY, WINDOW], [RECORDING], PAID, None, answer=False)
    with Replay(RECORDING, Models()).run(SUMMARY.open()) as run:
        made = sum(len(turn.calls) for turn in run.turns())
    assert told.calls == made == 12
    assert told.tokens > 0
    assert told.cost is not None
    assert Decimal(0) < told.cost < Decimal("0.1")


def test_the_built_in_model_is_asked_for_nothing() -> None:
    assert estimate([SUMMARY], [RECORDING], Models(), None, answer=True).calls == 0


def test_each_question_is_answered_once_for_each_memory() -> None:
    asked = replace(RECORDING, questions=(Question("Where do I live?"), Question("How many apples?")))
    models = Models("openai:gpt-5-mini", "demo")
    assert estimate([SUMMARY, WINDOW], [asked, asked], models, None, answer=True).calls == 8
    assert estimate([SUMMARY, WINDOW], [asked, asked], models, None, answer=False).calls == 0


def test_a_columns_own_model_is_told_of_though_the_experiments_costs_nothing() -> None:
    asked = replace(RECORDING, questions=(Question("Where do I live?"),))
    columns = [WINDOW, replace(WINDOW, model="openai:gpt-5-mini"), replace(SUMMARY, model="openai:gpt-5-mini")]
    assert estimate(columns, [asked], Models(), None, answer=True).calls == 1 + 12 + 1
    assert estimate(columns, [asked], Models("demo", "demo"), None, answer=True).calls == 2


def test_a_price_that_nobody_knows_stays_unknown() -> None:
    told = estimate([SUMMARY], [RECORDING], Models(memory="openai:of-my-own"), None, answer=False)
    assert told.calls == 12
    assert told.cost is None
