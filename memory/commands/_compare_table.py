"""A comparison on a terminal: a line of figures for each memory, bars below, as wide as there is room.

>>> print(written(experiment, names, rows, bounds, width=80, plain=False))
  memory       tokens  own calls     cost  recall  per question
* vector:k=5      237          0  $0.0495  74.4 %           227
…
vector:k=5  ██▎ 227       ███████████████▏ 74.4 %
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

from memory.commands._table import table
from memory.common.words import plural
from memory.compare.bounds import Bounds
from memory.compare.experiment import Experiment
from memory.compare.figures import Row
from memory.compare.frontier import frontier, points_of
from memory.compare.report import NOT_ACCURACY, percent, rounded
from memory.formats.recording import clipped
from memory.money.prices import dollars
from memory.tokens import encoding_for

_COLUMNS = ("turns", "tokens", "max", "own calls", "cost", "cached", "recall", "full", "overlap", "per")
_UNITS = ("", "per turn", "", "", "uncached", "cost", "", "", "", "question")
_SPARED = ("turns", "max", "full", "overlap", "own calls", "cost")
"""Columns that a narrow terminal goes without, the first to go first."""
_NAME = 30
"""Characters of a memory's name on a terminal at most."""
_LEAST = 40


def written(
    experiment: Experiment, names: Sequence[str], rows: Sequence[Row], found: Bounds, width: int, plain: bool
) -> str:
    """Write table and chart; `width` 0 has every column and every name whole, `plain` does with ASCII."""
    shown = [clipped(name, min(_NAME, max(10, width // 3)) if width else 300) for name in names]
    best = {point.number for point in frontier(points_of(rows))}
    parts = [_title(experiment), _table(shown, rows, best, width), *_below(rows, shown, best, found, width)]
    parts.append(_chart(shown, rows, max(_LEAST, width or 100), plain))
    text = "\n\n".join(part for part in parts if part)
    return text.replace("–", "-") if plain else text


def _title(experiment: Experiment) -> str:
    told = experiment.conversations
    what = clipped(told[0].title or told[0].id, 60) if len(told) == 1 else f"{len(told):,} conversations"
    exact = "" if encoding_for(experiment.price_as).exact else " (≈)"
    counts = plural(sum(one.turns for one in told), "turn"), plural(sum(one.questions for one in told), "question")
    return f"{what}: {', '.join(counts)}; tokens{exact} and prices of {experiment.price_as}"


def _table(names: Sequence[str], rows: Sequence[Row], best: set[int], width: int) -> str:
    left_out = 0
    while True:
        gone = _SPARED[:left_out]
        kept = [place for place, name in enumerate(_COLUMNS) if name not in gone]
        lines = [("", "", *(_UNITS[place] for place in kept))]
        for name, row in zip(names, rows, strict=True):
            cells = _cells(row)
            lines.append(("*" if row.number in best else "", name, *(cells[place] for place in kept)))
        text = table(("", "memory", *(_COLUMNS[place] for place in kept)), lines, "<<" + ">" * len(kept))
        if not width or left_out == len(_SPARED) or max(map(len, text.splitlines())) <= width:
            return text
        left_out += 1


def _cells(row: Row) -> tuple[str, ...]:
    if not row.finished:
        return ("–",) * len(_COLUMNS)
    return (
        f"{row.turns:,}",
        rounded(row.tokens_per_turn),
        f"{row.largest_prompt:,}",
        f"{row.own_calls:,}",
        dollars(row.cost_uncached),
        dollars(row.cost),
        percent(row.recall),
        percent(row.full),
        percent(row.overlap),
        rounded(row.question_tokens),
    )


def _below(rows: Sequence[Row], names: Sequence[str], best: set[int], found: Bounds, width: int) -> list[str]:
    """Say what the table leaves open."""
    notes = [f"{name}: {clipped(row.note, 500)}" for name, row in zip(names, rows, strict=True) if row.note]
    said = ["\n".join(_folded(note, width) for note in notes)]
    if best and found.oracle is not None and found.full is not None:
        bounds = (
            f"Bounds: the evidence alone has {rounded(found.oracle)} tokens per question, the whole conversation "
            f"{rounded(found.full)}."
        )
        beaten = "* no other finds as much evidence for as few tokens per question."
        said.append(f"{_folded(beaten, width)}\n{_folded(bounds, width)}")
        said.append(_folded(NOT_ACCURACY, width))
    return said


def _folded(text: str, width: int) -> str:
    return fill(text, max(_LEAST, width)) if width else text


def _chart(names: Sequence[str], rows: Sequence[Row], width: int, plain: bool) -> str:
    """Draw two bars for each memory: tokens, and recall where questions have evidence."""
    asked = any(row.recall is not None for row in rows)
    tokens = [row.question_tokens if asked else row.tokens_per_turn for row in rows]
    most = max((value for value in tokens if value is not None), default=0.0)
    label = max(map(len, names), default=0)
    figures = [rounded(value) for value in tokens]
    number = max([*map(len, figures), 4])
    room = width - label - number - 3
    # A share has 8 characters with its space, and two more stand between the bars.
    bar = max(4, (room - 11) // 2 if asked else room)
    head = f"{'':{label}}  {('tokens per question' if asked else 'tokens per turn')[: bar + number + 1]}"
    lines = [f"{head:{label + bar + number + 5}}recall" if asked else head]
    for name, row, value, figure in zip(names, rows, tokens, figures, strict=True):
        drawn = _bar(value / most if value is not None and most else 0.0, bar, plain)
        line = f"{name:{label}}  {drawn} {figure:>{number}}"
        if asked:
            line += f"  {_bar(row.recall or 0.0, bar, plain)} {percent(row.recall):>7}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def _bar(share: float, width: int, plain: bool) -> str:
    """Draw a share of a bar; what is more than nothing has a mark."""
    full = min(width, max(round(share * width), 1 if share > 0 else 0))
    return f"{('#' if plain else '█') * full}{('.' if plain else '░') * (width - full)}"
