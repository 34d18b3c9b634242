"""Weights: how the attention was shared among the turns, as a heat map with a cell for each turn.

Rows of ten or twenty turns, read like text; beyond some hundred turns a cell is a run of neighbours and their sum.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from memory.inspection.inspect import Inspection
from memory.views import Weights
from pages.ui.forms.chart import (
    SENT,
    TABLE,
    began,
    blend,
    draw_chart,
    draw_table,
    literal,
    on,
    open_turn,
    opened,
    turns_of,
)
from pages.ui.words import badge, colour, ink, plural, turns

FEW = 60
"""Up to so many turns, rows have ten cells with the turn's number in each."""
CELLS = 400
"""How many cells there are at most; in a longer thread each stands for several turns."""
SIZES = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000)
"""How many turns a cell stands for: numbers that are easily counted in."""
SHADES = (0.1, 0.24, 0.45, 0.7, 1.0)
"""How strong the colours of the scale are, from the smallest weights to the largest."""


def draw(form: Weights, seen: Inspection, key: str) -> None:
    """Draw the form."""
    values = form.values
    if not values:
        st.markdown("No turn has a weight yet: none came before this one.")
        return
    size = next((size for size in SIZES if len(values) <= CELLS * size), -(-len(values) // CELLS))
    sent = {turn for turn in form.sent if turn < len(values)}
    st.markdown("**Where the attention went**")
    held = badge(SENT, f"sent: {plural(len(sent), 'turn')}, {_share(sum(values[turn] for turn in sent))} of the weight")
    left = len(values) - len(sent)
    rest = badge("gray", f"not sent: {plural(left, 'turn')}")
    st.markdown(" ".join([held] * bool(sent) + [rest] * bool(left)))
    cells = [_Cell(first, values[first : first + size], sent) for first in range(0, len(values), size)]
    # What has a frame is drawn after its neighbours, which would cover it.
    cells.sort(key=lambda cell: (cell.open, cell.sent))
    columns = 10 if len(values) <= FEW else 20
    rows = -(-len(values) // (size * columns))
    height = 30 if columns == 10 else 20
    best = sorted(range(len(values)), key=lambda turn: -values[turn])
    draw_chart(
        _spec(cells, columns, rows, size, height),
        {"main": [cell.best for cell in cells]},
        f"{key}_chart",
        height * rows + 36,
        f"Heat map of the weights of {plural(len(values), 'turn')}. The largest: {_largest(values, best, 5)}.",
        open_turn,
    )
    each = "Each cell is a turn" if size == 1 else f"Each cell is {size:,} turns and their weights together"
    st.caption(
        f"All earlier turns share 100 %: the better one fits the message and the newer it is, the more it gets. "
        f"{each}; what was sent has a frame. Largest: {_largest(values, best, 3)}. Click a cell to open its turn."
    )
    table = best[:TABLE]
    said = turns_of(seen, table)
    draw_table(
        f"The {TABLE} largest weights as a table" if len(values) > TABLE else "Weights as a table",
        {
            "turn": [f"{turn + 1:,}" for turn in table],
            "weight": [_share(values[turn]) for turn in table],
            "sent": ["sent" if turn in sent else "no" for turn in table],
            "began": [began(said.get(turn)) for turn in table],
        },
        table,
        key,
    )


class _Cell:
    """A turn, or a run of neighbours: their weight together, and the one that a click opens."""

    def __init__(self, first: int, values: tuple[float, ...], sent: set[int]) -> None:
        self.first, self.end, self.weight = first, first + len(values), sum(values)
        inside = range(first, self.end)
        among = [turn for turn in inside if turn in sent]
        self.sent = len(among)
        self.best = max(among or inside, key=lambda turn: values[turn - first])
        self.largest = values[self.best - first]
        self.open = self.first <= opened() < self.end

    def said(self) -> str:
        """Say what the cell is."""
        text = f"{turns((self.first, self.end)).capitalize()}: {_share(self.weight)}"
        if self.end - self.first == 1:
            return f"{text}, {'sent' if self.sent else 'not sent'}"
        return f"{text} together, {self.sent:,} sent\nmost of it: turn {self.best + 1:,}, {_share(self.largest)}"


def _spec(cells: list[_Cell], columns: int, rows: int, size: int, height: int) -> dict[str, Any]:
    top = max(cell.weight for cell in cells)
    bounds = _bounds(top, sorted(cell.weight for cell in cells)[len(cells) // 2])
    data = []
    for cell in cells:
        place = cell.first // size
        level = sum(cell.weight >= bound for bound in bounds)
        frame = ink() if cell.open else colour(SENT, "TextColor") if cell.sent else colour("gray", "BackgroundColor")
        look = {"borderColor": frame, "borderWidth": 3 if cell.open else 2 if cell.sent else 0.5, "borderRadius": 3}
        label = {
            "show": columns == 10,
            "formatter": f"{cell.end:,}",
            "color": on(SENT, SHADES[level]),
            "fontSize": 12,
            "fontWeight": "bold" if cell.sent else "normal",
        }
        data.append(
            {
                "value": [place % columns, place // columns, cell.weight],
                "itemStyle": look,
                "label": label,
                "tooltip": {"formatter": literal(cell.said())},
            }
        )
    pieces: list[dict[str, Any]] = [
        {"lt": bounds[0], "label": f"under {_share(bounds[0])}", "color": blend(SENT, SHADES[0])}
    ]
    for place, bound in enumerate(bounds):
        above = {"lt": bounds[place + 1]} if place + 1 < len(bounds) else {}
        label = _share(bound) if above else f"{_share(bound)} or more"
        pieces.append({"gte": bound, **above, "label": label, "color": blend(SENT, SHADES[place + 1])})
    return {
        "grid": {"left": 2 if columns == 10 else 40, "right": 2, "top": 2, "bottom": 34, "outerBoundsMode": "none"},
        "xAxis": {"type": "category", "data": [str(place) for place in range(columns)], "show": False},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [f"{row * columns * size + 1:,}" for row in range(rows)],
            "axisLine": {"show": False},
            "axisTick": {"show": False},
            "axisLabel": {
                "show": columns != 10,
                "color": colour("gray", "TextColor"),
                "fontSize": 11,
                "margin": 6,
                "interval": 0,
            },
        },
        "visualMap": {
            "type": "piecewise",
            "pieces": pieces,
            "orient": "horizontal",
            "left": 0,
            "bottom": 0,
            "padding": 0,
            "itemGap": 5,
            "itemWidth": 10,
            "itemHeight": 10,
            "selectedMode": False,
            "hoverLink": False,
            "showLabel": True,
            "textStyle": {"color": ink(), "fontSize": 11},
        },
        "series": [
            {
                "type": "heatmap",
                "selectedMode": "single",
                "select": {"disabled": True},
                "emphasis": {"disabled": True},
                "cursor": "pointer",
                "data": data,
            }
        ],
    }


def _bounds(top: float, median: float) -> list[float]:
    """Return the weights at which a next colour begins: even steps where the weights are alike, else doubling ones."""
    steps = range(1, len(SHADES))
    if top < 4 * median:
        return [float(f"{top / len(SHADES):.0e}") * step for step in steps]
    return [float(f"{top / 2:.0e}") / 2 ** (len(SHADES) - 1 - step) for step in steps]


def _largest(values: tuple[float, ...], best: list[int], count: int) -> str:
    """Name the turns with the largest weights."""
    return ", ".join(f"turn {turn + 1:,} ({_share(values[turn])})" for turn in best[:count])


def _share(weight: float) -> str:
    percent = 100 * weight
    if percent and percent < 0.01:
        return "under 0.01 %"
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"
