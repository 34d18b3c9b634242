"""The table of a replay: a line for each memory, over all conversations of the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from memory.commands._notices import notices
from memory.commands._table import table
from memory.common.words import plural
from memory.evidence import Evidence, Means
from memory.money.prices import dollars
from memory.tokens import encoding_for

if TYPE_CHECKING:
    from memory.commands._replay_work import Result
    from memory.formats import Recording
    from memory.replay import Totals
    from memory.services import Models

_HEAD = ("memory", "turns", "tokens", "max", "own calls", "cost", "cached cost", "recall", "full", "per question")
_NAMES = ("", "", "per prompt", "", "", "", "", "of evidence", "", "tokens")


@dataclass(slots=True)
class _Row:
    """What one memory took in all conversations together."""

    turns: int = 0
    tokens: int = 0
    largest: int = 0
    own_calls: int = 0
    cost: Decimal | None = Decimal(0)
    cost_uncached: Decimal | None = Decimal(0)
    evidence: Means = field(default_factory=Means)
    question_tokens: int = 0

    def add(self, totals: Totals, found: Evidence) -> None:
        self.turns += totals.turns
        self.tokens += totals.prompt_tokens
        self.largest = max(self.largest, totals.largest_prompt)
        self.own_calls += totals.own_calls
        self.cost = None if self.cost is None or totals.cost is None else self.cost + totals.cost
        without = totals.cost_uncached
        self.cost_uncached = None if self.cost_uncached is None or without is None else self.cost_uncached + without
        self.evidence.n += found.all.n
        self.evidence.shares += found.all.shares
        self.evidence.whole += found.all.whole
        self.question_tokens += found.tokens_sum


class Report:
    """The figures of all runs by the memory as it was named; `str` of it is the table."""

    def __init__(self, specs: Sequence[str], models: Models) -> None:
        self._specs, self._models = specs, models
        self._rows = [_Row() for _ in specs]
        self._recordings: list[Recording] = []
        self._answered = 0

    def add(self, recording: Recording, result: Result) -> None:
        """Count a conversation."""
        self._recordings.append(recording)
        self._answered += result.answered
        for row, run in zip(self._rows, result.runs, strict=True):
            row.add(*run)

    def notices(self) -> Iterator[str]:
        """Say what reading the file left out and what the figures do not tell of themselves, a line each."""
        unpriced = any(row.cost is None for row in self._rows)
        return notices(self._recordings, self._answered, self._models, unpriced)

    def __str__(self) -> str:
        count = len(self._recordings)
        what = self._recordings[0].id if count == 1 else f"{count:,} conversations"
        exact = "" if encoding_for(self._models.price_as).exact else " (≈)"
        turns = sum(len(one.turns) for one in self._recordings)
        messages = sum(one.messages for one in self._recordings)
        questions = sum(len(one.questions) for one in self._recordings)
        title = (
            f"{what}: {plural(turns, 'turn')}, {plural(messages, 'message')}, {plural(questions, 'question')}; "
            f"tokens{exact} and prices of {self._models.price_as}"
        )
        return f"{title}\n\n{table(_HEAD, [_NAMES, *map(self._line, self._specs, self._rows)], '<>>>>>>>>>')}"

    def _line(self, spec: str, row: _Row) -> tuple[str, ...]:
        asked = row.evidence
        return (
            spec,
            f"{row.turns:,}",
            f"{row.tokens / max(1, row.turns):,.0f}",
            f"{row.largest:,}",
            f"{row.own_calls:,}",
            dollars(row.cost_uncached),
            dollars(row.cost),
            "–" if asked.recall is None else f"{100 * asked.recall:.1f} %",
            "–" if asked.full is None else f"{100 * asked.full:.1f} %",
            f"{row.question_tokens / asked.n:,.0f}" if asked.n else "–",
        )
