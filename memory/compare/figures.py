"""What each column came to over all its recordings: one row of figures, in the order of the columns.

    >>> rows = summaries(experiment, results)
    >>> rows[2].spec, rows[2].tokens_per_turn, rows[2].cost, rows[2].recall, rows[2].note
    ('VectorStoreRetrieverMemory:k=10', 812.4, Decimal('0.0213'), 0.61, '')

Recall is the mean share of a question's messages of evidence whose whole text was sent; it says nothing of whether an
answer would have been right. What summaries and notes keep is `overlap`, a measure of its own that is added to nothing.
Only runs that reached their end are counted: a row over fewer recordings than the others says so and is on no frontier.
Unknown is None: a price nobody knows, a recall where nothing is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from memory.common.words import plural
from memory.compare.experiment import Column, Experiment, Sweep
from memory.compare.results import Results, RunResult
from memory.evidence import Evidence, Means


@dataclass(frozen=True, slots=True)
class Category:
    """What the questions of one category found: how many there are, the mean recall and the share found whole."""

    questions: int
    recall: float
    full: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A run that did not reach its end: its recording by number, after how many turns and questions, and why."""

    recording: int
    turns: int
    questions: int
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """A column's figures over the `finished` ones of its `recordings`; nothing of other runs is in them.

    Costs are in dollars, with prompts, answers and the memory's own calls; `cost` with the estimated prompt cache.
    `input_tokens` and `output_tokens` hold the `own_tokens` of the `own_calls`. `seconds` is what the memory took to
    read and write. `questions` are those with evidence; `question_tokens` is what the memory put into the prompt of
    one, on average. `overlap` is None where the memory sent no notes. `failed_calls` and `errors` were survived.
    """

    number: int
    column: Column
    recordings: int
    finished: int
    turns: int
    prompt_tokens: int
    largest_prompt: int
    input_tokens: int
    output_tokens: int
    own_calls: int
    own_tokens: int
    failed_calls: int
    cost: Decimal | None
    cost_uncached: Decimal | None
    seconds: float
    questions: int
    question_tokens: float | None
    recall: float | None
    full: float | None
    overlap: float | None
    by_category: dict[str, Category] = field(default_factory=dict)
    failed: tuple[Failed, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def spec(self) -> str:
        return self.column.spec

    @property
    def whole(self) -> bool:
        """Whether every recording was run to its end, so that the row can be held against others."""
        return 0 < self.recordings == self.finished

    @property
    def tokens_per_turn(self) -> float | None:
        """The mean of a turn's prompt; None without a turn."""
        return self.prompt_tokens / self.turns if self.turns else None

    @property
    def note(self) -> str:
        """Say what the figures lack, in a sentence; "" where they are whole."""
        if self.failed:
            first = self.failed[0]
            where = f" in {len(self.failed):,} of {self.recordings:,} conversations" if self.recordings > 1 else ""
            asked = f" and {plural(first.questions, 'question')}" if first.questions else ""
            return f"failed{where} after {plural(first.turns, 'turn')}{asked}: {first.why}"
        if not self.whole:
            return f"{self.finished:,} of {plural(self.recordings, 'conversation')} done"
        return f"{plural(self.failed_calls, 'call')} of its own failed" if self.failed_calls else ""


def summaries(experiment: Experiment, results: Results) -> list[Row]:
    """Sum up the results that are there, a row for each column, also for one that has none yet."""
    count = len(experiment.conversations)
    rows = []
    for number, column in enumerate(experiment.columns):
        runs = [(place, results[place, number]) for place in range(count) if (place, number) in results]
        rows.append(_row(number, column, count, runs))
    return rows


def swept(sweep: Sweep, experiment: Experiment, rows: Sequence[Row]) -> list[tuple[Any, Row]]:
    """Return a sweep's rows with the value of its setting in each, in the order in which they were given."""
    return [
        (experiment.columns[row.number].open().settings.model_dump(mode="json")[sweep.setting], row)
        for row in rows
        if sweep.first <= row.number < sweep.end
    ]


def _row(number: int, column: Column, recordings: int, runs: Sequence[tuple[int, RunResult]]) -> Row:
    done = [run for _, run in runs if not run.failed]
    asked, by_category = Means(), dict[str, Means]()
    for run in done:
        _add(asked, run.evidence.all)
        for name, means in run.evidence.by_category.items():
            _add(by_category.setdefault(name, Means()), means)
    categories = sorted(by_category.items(), key=lambda one: (not one[0].isdigit(), len(one[0]), one[0]))
    return Row(
        number,
        column,
        recordings,
        len(done),
        sum(run.totals.turns for run in done),
        sum(run.totals.prompt_tokens for run in done),
        max((run.totals.largest_prompt for run in done), default=0),
        sum(run.totals.input_tokens for run in done),
        sum(run.totals.output_tokens for run in done),
        sum(run.totals.own_calls for run in done),
        sum(sum(run.own_tokens) for run in done),
        sum(run.totals.failed_calls for run in done),
        _sum(run.totals.cost for run in done),
        _sum(run.totals.cost_uncached for run in done),
        sum(run.totals.seconds for run in done),
        asked.n,
        sum(run.evidence.tokens_sum for run in done) / asked.n if asked.n else None,
        asked.recall,
        asked.full,
        _overlap([run.evidence for run in done]),
        {name: Category(means.n, means.recall or 0.0, means.full or 0.0) for name, means in categories},
        tuple(Failed(place, len(run.tokens), len(run.questions), run.failed) for place, run in runs if run.failed),
        tuple(error for _, run in runs for error in run.errors),
    )


def _add(means: Means, more: Means) -> None:
    means.n += more.n
    means.shares += more.shares
    means.whole += more.whole


def _overlap(found: Sequence[Evidence]) -> float | None:
    """Return the mean over all questions with evidence, None where no note was ever sent."""
    count = sum(one.all.n for one in found)
    return sum(one.overlaps for one in found) / count if count and any(one.noted for one in found) else None


def _sum(costs: Iterable[Decimal | None]) -> Decimal | None:
    """Add up what is known; None where a part is not, or where there is nothing."""
    total = None
    for cost in costs:
        if cost is None:
            return None
        total = cost if total is None else total + cost
    return total
