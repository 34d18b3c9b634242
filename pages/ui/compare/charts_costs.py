"""Tokens and cost by turn, cost added up with prompt caching and without, and where lines cross.

    draw_turns(experiment, results, marks, key)

Of several conversations one is chosen, or the mean of all is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from memory.common.words import plural
from memory.compare import lines as turns
from memory.compare.experiment import Experiment
from memory.compare.results import Results
from pages.ui.compare.charts import Crossed, Line, draw_lines
from pages.ui.compare.marks import Mark
from pages.ui.tables import inert_cells
from pages.ui.words import escaped, model_name

SAID = 3
"""How many crossings are said in sentences; all stand in the table behind them."""


def draw_turns(experiment: Experiment, results: Results, marks: Sequence[Mark], key: str) -> dict[str, str]:
    """Draw the four charts, two beside each other, and return their titles by their keys."""
    only = _conversation(experiment, key)
    kept = _kept(experiment, results, only, marks)
    lines = kept.lines
    if not lines:
        return {}
    titles = {f"{key}_tokens": "Input tokens by turn", f"{key}_costs": "Cost by turn, caching counted"}
    priced = f"As {escaped(model_name(experiment.price_as))}."
    left, right = st.columns(2, gap="medium")
    with left:
        draw_lines(
            titles[f"{key}_tokens"],
            [Line(marks[one.number], one.tokens, one.turns[0] - 1) for one in lines],
            f"{key}_tokens",
            note=_grows(lines, marks),
        )
    with right:
        draw_lines(
            titles[f"{key}_costs"],
            [Line(marks[one.number], one.costs, one.turns[0] - 1) for one in lines],
            f"{key}_costs",
            money=True,
            note=f"With answers and the memory's own calls. {priced}",
        )
    left, right = st.columns(2, gap="medium")
    for place, cached in ((left, False), (right, True)):
        how = "counted" if cached else "ignored"
        titles[f"{key}_sum_{how}"] = f"Cumulative cost, caching {how}"
        found, shown = kept.crossed[cached]
        with place:
            draw_lines(
                titles[f"{key}_sum_{how}"],
                [Line(marks[one.number], _sums(one, cached=cached), one.turns[0] - 1) for one in lines],
                f"{key}_sum_{how}",
                money=True,
                note=f"{sentences(shown, len(found), marks)} {priced}",
                crossed=[crossing(one, lines, marks, cached=cached) for one in shown],
            )
            if len(found) > len(shown):
                _all(found, marks, f"{key}_crossings_{how}", how)
    return titles


@dataclass(frozen=True, slots=True)
class _Kept:
    """The lines, and the crossings with those of them that are told: caching ignored (0) and counted (1)."""

    of: object
    lines: list[turns.Line]
    crossed: tuple[tuple[list[turns.Crossed], list[turns.Crossed]], ...]


def _kept(experiment: Experiment, results: Results, only: list[int] | None, marks: Sequence[Mark]) -> _Kept:
    """Work the lines out once for what every click draws again: of forty columns it takes a second."""
    done = tuple((place, len(run.tokens), run.totals.seconds) for place, run in sorted(results.items()))
    of = (experiment.id, tuple(only or ()), done)
    kept = st.session_state.get("compare_lines")
    if not isinstance(kept, _Kept) or kept.of != of:
        lines, crossed = turns.lines_of(experiment, results, only), []
        for cached in (False, True):
            found = last_of_each(turns.crossed(lines, cached=cached))
            crossed.append((found, foremost(found, lines, marks, cached=cached)))
        kept = st.session_state["compare_lines"] = _Kept(of, lines, tuple(crossed))
    return kept


def _conversation(experiment: Experiment, key: str) -> list[int] | None:
    """Let one of several conversations be chosen; None is all."""
    count = len(experiment.conversations)
    if count < 2:
        return None
    titles = {place: f"{place + 1}. {one.title or one.id}" for place, one in enumerate(experiment.conversations)}
    chosen = st.selectbox(
        "Charts by turn are of",
        [None, *range(count)],
        format_func=lambda place: f"all {count:,} conversations, their mean" if place is None else titles[place],
        key=f"{key}_conversation",
        width=340,
    )
    return None if chosen is None else [chosen]


def _sums(line: turns.Line, *, cached: bool) -> Sequence[Decimal | None]:
    return line.cumulative if cached else line.cumulative_uncached


def last_of_each(found: Sequence[turns.Crossed]) -> list[turns.Crossed]:
    """Keep the last crossing of each pair: the turn from which on it stays so."""
    last = {frozenset((one.dearer, one.cheaper)): one for one in found}
    return sorted(last.values(), key=lambda one: (one.turn, one.dearer, one.cheaper))


def foremost(
    found: Sequence[turns.Crossed], lines: Sequence[turns.Line], marks: Sequence[Mark], *, cached: bool
) -> list[turns.Crossed]:
    """Choose the crossings that are told, one for two memories: those whose lines lie apart both before and after."""
    by_number = {one.number: one for one in lines}

    def apart(one: turns.Crossed) -> Decimal:
        dearer, cheaper = (_sums(by_number[number], cached=cached) for number in (one.dearer, one.cheaper))
        gaps = [(a or Decimal(0)) - (b or Decimal(0)) for a, b in zip(dearer, cheaper, strict=True)]
        return min(-min(gaps), gaps[-1])

    pairs: dict[frozenset[int], turns.Crossed] = {}
    for one in sorted(found, key=apart, reverse=True):
        pairs.setdefault(frozenset((marks[one.dearer].place, marks[one.cheaper].place)), one)
    return sorted(list(pairs.values())[:SAID], key=lambda one: one.turn)


def sentences(shown: Sequence[turns.Crossed], count: int, marks: Sequence[Mark]) -> str:
    """Say the crossings that are shown, and how many others there are; Markdown that is safe."""
    if not count:
        return "No two lines cross."
    said = [
        f"{escaped(marks[one.dearer].words)} costs more than {escaped(marks[one.cheaper].words)} from turn "
        f"**{one.turn:,}** on."
        for one in shown
    ]
    more = [f"{plural(count - len(shown), 'further pair')} cross{'es' * (count - len(shown) == 1)}."]
    return " ".join(said + more * (count > len(shown)))


def crossing(one: turns.Crossed, lines: Sequence[turns.Line], marks: Sequence[Mark], *, cached: bool) -> Crossed:
    """Make the point that marks a crossing in its chart."""
    line = next(line for line in lines if line.number == one.dearer)
    value = _sums(line, cached=cached)[one.turn - line.turns[0]]
    words = f"turn {one.turn:,}: {marks[one.dearer].letter} passes {marks[one.cheaper].letter}"
    return Crossed(one.turn, float(value or 0), words)


def _all(found: Sequence[turns.Crossed], marks: Sequence[Mark], key: str, how: str) -> None:
    more = st.expander(f"All {len(found):,} crossings", type="compact", key=key, on_change="rerun")
    if not more.open:
        return
    more.dataframe(
        inert_cells(
            {
                "from turn": [one.turn for one in found],
                "the dearer": [marks[one.dearer].name for one in found],
                "the cheaper": [marks[one.cheaper].name for one in found],
            }
        ),
        hide_index=True,
        row_height=27,
        height=37 + 27 * min(len(found), 8),
        alt=f"Pairs whose cumulative costs cross, caching {how}",
    )


def _grows(lines: Sequence[turns.Line], marks: Sequence[Mark]) -> str:
    """Say which column's prompts are the largest at the end, and which the smallest."""
    ends = [(one.tokens[-1], one.number) for one in lines]
    high, low = max(ends), min(ends)
    if len(ends) < 2 or high[0] == low[0]:
        return "The memory's own calls are not in it."
    return (
        f"At the last turn {escaped(marks[high[1]].words)} sends {high[0]:,.0f} tokens and "
        f"{escaped(marks[low[1]].words)} {low[0]:,.0f}."
    )
