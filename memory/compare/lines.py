"""Tokens and cost by turn, cost added up, and the turns where two columns change places.

    >>> lines = lines_of(experiment, results)
    >>> lines[0].turns[:3], lines[0].tokens[:3], lines[0].cumulative[2]
    ((1, 2, 3), (31.0, 62.5, 90.0), Decimal('0.00031'))
    >>> crossed(lines)[0]                              # from turn 8 on column 0 is dearer than column 1
    Crossed(turn=8, dearer=0, cheaper=1)

The x axis is the turn, counted from 1 as on screen. With several recordings each y is the mean over those that reach
the turn (`reached`), so towards the right a line speaks for fewer, longer conversations. A cumulative line adds up
these means: its end is what a conversation as long as the longest would cost, not the mean of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from memory.compare.experiment import Experiment
from memory.compare.results import Results, RunResult
from memory.money.projection import crossings


@dataclass(frozen=True, slots=True)
class Line:
    """A column's turns, one entry each: `turns` counts from 1, `reached` how many recordings have that turn.

    `tokens` are the prompt's and `own_tokens` those of the memory's own calls, means over the recordings. Costs are in
    dollars with the memory's own calls, `costs` with the estimated prompt cache; the cumulative ones begin with the
    first turn that is reported. A cost is None where a price is not known, a cumulative one from there on. `runs` are
    the recordings by number, and in those of `ended` a run failed before its end.
    """

    number: int
    runs: tuple[int, ...]
    ended: tuple[int, ...]
    turns: tuple[int, ...]
    reached: tuple[int, ...]
    tokens: tuple[float, ...]
    own_tokens: tuple[float, ...]
    costs: tuple[Decimal | None, ...]
    costs_uncached: tuple[Decimal | None, ...]
    cumulative: tuple[Decimal | None, ...]
    cumulative_uncached: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class Crossed:
    """From turn `turn` (counted from 1) on what column `dearer` has cost in all is more than that of `cheaper`."""

    turn: int
    dearer: int
    cheaper: int


def lines_of(experiment: Experiment, results: Results, only: Sequence[int] | None = None) -> list[Line]:
    """Draw a line for each column that has a turn; `only` names the recordings that count (default: all)."""
    places = range(len(experiment.conversations)) if only is None else only
    lines = []
    for number in range(len(experiment.columns)):
        runs = {place: results[place, number] for place in places if (place, number) in results}
        runs = {place: run for place, run in runs.items() if run.tokens}
        if runs:
            lines.append(_line(number, runs))
    return lines


def crossed(lines: Sequence[Line], cached: bool = True) -> list[Crossed]:
    """Find where the cumulative costs of two lines cross, by turn; `cached` with the prompt cache or without.

    Two that part later than at once count as well. Only lines over the same recordings are held against each other, and
    none of which a run failed or a price is unknown.
    """
    found: list[Crossed] = []
    for one, other in combinations([line for line in lines if not line.ended], 2):
        ours, theirs = (_known(line.cumulative if cached else line.cumulative_uncached) for line in (one, other))
        if ours is None or theirs is None or one.runs != other.runs or one.turns != other.turns:
            continue
        pair = one.number, other.number
        for cross in crossings(ours, theirs):
            # Before anything was said all send the same; that two differ in the second turn is no crossing.
            if cross.turn > 2 or ours[0] != theirs[0]:
                found.append(Crossed(one.turns[cross.turn - 1], pair[cross.dearer], pair[1 - cross.dearer]))
    return sorted(found, key=lambda cross: (cross.turn, cross.dearer, cross.cheaper))


def _line(number: int, runs: dict[int, RunResult]) -> Line:
    first = min(run.first for run in runs.values())
    end = max(run.first + len(run.tokens) for run in runs.values())
    at = [[(run, turn - run.first) for run in runs.values() if _has(run, turn)] for turn in range(first, end)]
    costs = tuple(_mean([run.costs[place] for run, place in here]) for here in at)
    costs_uncached = tuple(_mean([run.costs_uncached[place] for run, place in here]) for here in at)
    return Line(
        number,
        tuple(runs),
        tuple(place for place, run in runs.items() if run.failed),
        tuple(range(first + 1, end + 1)),
        tuple(map(len, at)),
        tuple(sum(run.tokens[place] for run, place in here) / len(here) for here in at),
        tuple(sum(run.own_tokens[place] for run, place in here) / len(here) for here in at),
        costs,
        costs_uncached,
        _added_up(costs),
        _added_up(costs_uncached),
    )


def _has(run: RunResult, turn: int) -> bool:
    return run.first <= turn < run.first + len(run.tokens)


def _mean(costs: Sequence[Decimal | None]) -> Decimal | None:
    known = _known(costs)
    return sum(known, Decimal(0)) / len(known) if known else None


def _known(costs: Sequence[Decimal | None]) -> tuple[Decimal, ...] | None:
    """Return the costs, None where one is not known."""
    known = tuple(cost for cost in costs if cost is not None)
    return known if len(known) == len(costs) else None


def _added_up(costs: Sequence[Decimal | None]) -> tuple[Decimal | None, ...]:
    total: Decimal | None = Decimal(0)
    sums: list[Decimal | None] = []
    for cost in costs:
        total = None if total is None or cost is None else total + cost
        sums.append(total)
    return tuple(sums)
