"""What a replay will ask paid models for, before it runs: the memories' own calls, embeddings and answers.

    >>> estimate(columns, recordings, Models(memory="openai:gpt-5-mini"), None, answer=False)
    Estimate(calls=41, tokens=18230, cost=Decimal('0.0102'))

Nothing is called: every memory takes the recordings in with answers that are half as long as they may be. Questions and
turns that a model is to answer are taken with the whole conversation as their prompt, so that it is rather too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from memory.base import Memory, Message, State, Turn, replay
from memory.catalog import load
from memory.compare.experiment import Column
from memory.formats import Recording
from memory.models import context_window
from memory.money.prices import Usage, price
from memory.replay import lacks_answer
from memory.retrieval.embeddings import Embedding
from memory.retrieval.index import Retrieval
from memory.services import DEFAULT_WINDOW, EstimatingServices, Models
from memory.tokens import BUILT_IN
from memory.trace import Call
from memory.transcript import Transcript

ANSWER = 200
"""Tokens that an answer is taken for."""
_PROBE = 24


@dataclass(frozen=True, slots=True)
class Estimate:
    """Calls of models that cost money, their tokens in, and dollars; None where a price is not known."""

    calls: int = 0
    tokens: int = 0
    cost: Decimal | None = Decimal(0)

    def __add__(self, other: Estimate) -> Estimate:
        cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        return Estimate(self.calls + other.calls, self.tokens + other.tokens, cost)

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Estimate:
        total = cls()
        for call in calls:
            total += cls(1, call.input_tokens, call.cost)
        return total


def estimate(
    columns: Sequence[Column],
    recordings: Sequence[Recording],
    models: Models,
    embedding: Embedding | None,
    answer: bool,
    budget: int | None = None,
) -> Estimate:
    """Price what these memories will ask models for that are not built in; takes about a millisecond a turn.

    A column that has a model of its own is answered by that one.
    """
    total = Estimate()
    paid_vectors = embedding is not None and embedding.priced_as
    for recording in recordings:
        unanswered = sum(lacks_answer(recording, turn.index) for turn in recording.turns)
        asked = unanswered + len(recording.questions) * answer
        for column in columns:
            memory, speaking = column.open(), column.models(models)
            if memory.stateful and (speaking.memory_name not in BUILT_IN or (paid_vectors and memory.embeds)):
                total += Estimate.of(
                    call
                    for call in _calls(memory, recording.turns, speaking, Retrieval(embedding))
                    if call.model not in BUILT_IN
                )
            if speaking.chat not in BUILT_IN:
                total += _answers(asked, recording, speaking, budget)
    return total


@lru_cache(maxsize=256)
def asks_a_model(memory: str) -> bool:
    """Say whether a memory, as it is usually set, calls a chat model of its own; tried on a talk that nobody held."""
    # About 400 tokens a turn, so that what waits for a limit is over it.
    encoding = Models().encoding()[0]
    said = ("human", "My name is Alex and I live in Oslo. " * 20), ("ai", "Hello Alex, Oslo is a fine place. " * 25)
    turns = [
        Turn(f"turn-{index}", tuple(Message(role, text) for role, text in said), index=index)  # type: ignore[arg-type]
        for index in range(_PROBE)
    ]
    counted = [_counted(turn, encoding) for turn in turns]
    return bool(_calls(load().make(memory, {}), counted, Models(), Retrieval()))


def _counted(turn: Turn, encoding: str) -> Turn:
    return Turn(
        turn.id,
        tuple(
            Message(one.role, one.content, tokens={encoding: one.count_content(encoding)}, source=one.source)
            for one in turn.messages
        ),
        index=turn.index,
    )


def _calls(memory: Memory, turns: Sequence[Turn], models: Models, retrieval: Retrieval) -> list[Call]:
    services = models.services("estimate", retrieval, kind=EstimatingServices)
    services.now = 0.0
    replay(memory, Transcript(len(turns), lambda first, end: list(turns[first:end])), services, State())
    return services.calls


def _answers(count: int, recording: Recording, models: Models, budget: int | None) -> Estimate:
    encoding = models.encoding()[0]
    whole = sum(turn.count(encoding) for turn in recording.turns)
    most = min(whole, context_window(models.chat) or DEFAULT_WINDOW, *([] if budget is None else [budget]))
    cost = price(models.chat, Usage(most, ANSWER))
    return Estimate(count, count * most, cost.total * count if cost else (None if count else Decimal(0)))
