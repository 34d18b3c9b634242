"""Lines over the turns of a conversation, one for each column, named at their ends.

    lines = [Line(mark, (310, 480, 655)) for mark in marks_of(columns)]
    draw_lines("Input tokens by turn", lines, key="compare_live_tokens")

Up to ten lines are all named; of more those that have room are, and the others by the pointer. A phone shows letters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import streamlit as st

from memory.money.prices import dollars
from pages.ui.compare.marks import Mark
from pages.ui.forms.chart import FONT, literal
from pages.ui.words import colour, ink, percentage

NAMED = 10
"""Up to so many lines are all named at their ends; they push each other apart."""
POINTS = 4_000
"""How many points all lines together have, at least 100 each."""
PHONE = 480
"""Pixels of width up to which a chart shows letters alone."""
_ROOM = 14
"""Pixels that a name at a line's end takes up in height."""
_AROUND = 54
"""Pixels of a chart's height that are not its plot: the axis and what is above."""
_LETTER = 6.6
"""Pixels of a letter's width, at most on the mean."""


@dataclass(frozen=True, slots=True)
class Line:
    """One column's figures by turn; the first value is that of the turn with the index `first`, None is a gap."""

    mark: Mark
    values: Sequence[int | float | Decimal | None]
    first: int = 0

    @property
    def last(self) -> tuple[int, int | float | Decimal] | None:
        """The last turn, counted from 1, that has a value, with it."""
        known = [(self.first + place + 1, value) for place, value in enumerate(self.values) if value is not None]
        return known[-1] if known else None


@dataclass(frozen=True, slots=True)
class Crossed:
    """A point at which two lines cross: the turn, counted from 1, its value, and what is said of it."""

    turn: int
    value: float
    words: str


def draw_lines(
    title: str,
    lines: Sequence[Line],
    key: str,
    *,
    money: bool = False,
    note: str = "",
    crossed: Sequence[Crossed] = (),
    height: int = 250,
) -> None:
    """Draw a title, a sentence (Markdown that is safe already) and a chart; `money` is in dollars, else tokens."""
    drawn = [line for line in lines if line.last]
    st.markdown(f"**{title}**" + (f"  \n{note}" if note else ""))
    if not drawn:
        st.caption("Nothing to draw: no figure is known.")
        return
    st.echarts_chart(
        lines_spec(drawn, crossed, height, money=money),
        height=height,
        key=key,
        renderer="svg",
        alt=f"{title}: {_told(drawn, money)}.",
    )


def lines_spec(lines: Sequence[Line], crossed: Sequence[Crossed], height: int, *, money: bool) -> dict[str, Any]:
    """Describe the chart for ECharts."""
    first, end = min(line.first for line in lines) + 1, max(line.first + len(line.values) for line in lines)
    many, (most, step) = len(lines) > NAMED, _scale(lines)
    shifts = _shifts(lines, most, height - _AROUND)
    longest = max(len(line.mark.short) for line in lines)
    points = max(100, POINTS // len(lines))
    series = [_line(line, shifts.get(id(line)), many, points) for line in lines]
    if crossed:
        series.append(_crossings(crossed, end))
    phone = [{"endLabel": {"formatter": literal(line.mark.letter)}} for line in lines]
    return {
        **look(),
        "grid": {"left": 2, "right": min(210, round(longest * _LETTER) + 14), "top": 12, "bottom": 22} | _INSIDE,
        "tooltip": look()["tooltip"]
        | ({"trigger": "item"} if many else {"trigger": "axis", "order": "valueDesc", "axisPointer": {"type": "line"}})
        | {"valueFormatter": "$%.6f" if money else "localized"},
        "xAxis": axis("turn", "x", min=first, max=max(end, first + 1), minInterval=1, splitNumber=5)
        | {"axisPointer": {"label": {"precision": 0, "formatter": "turn {value}"}}},
        "yAxis": axis("", "y", money=money, min=0, max=most, interval=step),
        "series": series,
        "media": [
            {
                "query": {"maxWidth": PHONE},
                "option": {"grid": {"right": 14 + 8 * max(len(line.mark.letter) for line in lines)}, "series": phone},
            },
            # Without it the names would not come back when a phone is turned.
            {"option": {"series": [{"endLabel": {"formatter": literal(line.mark.short)}} for line in lines]}},
        ],
    }


_INSIDE = {"containLabel": True}


def _line(line: Line, shift: float | None, many: bool, most: int) -> dict[str, Any]:
    """Describe a line, whose name stands so many pixels lower than its end; None for one that is not named."""
    mark = line.mark
    label = {
        "show": shift is not None,
        "formatter": literal(mark.short),
        "color": mark.colour,
        "fontSize": 12,
        "distance": 6,
        "offset": [0, round(shift or 0)],
    }
    return {
        "type": "line",
        "name": literal(mark.name),
        "showSymbol": len(line.values) == 1,
        "symbol": mark.symbol,
        "symbolSize": 8,
        "lineStyle": {"width": 1.5 if many else 2, "type": mark.dash, "color": mark.colour},
        "itemStyle": {"color": mark.colour},
        "endLabel": label,
        "triggerLineEvent": many,
        "emphasis": {"focus": "series", "endLabel": {**label, "show": True}} if many else {"disabled": True},
        "data": [[turn, value] for turn, value in _points(line, most)],
    }


def _points(line: Line, most: int) -> Iterable[tuple[int, float | None]]:
    """Thin a long line: of each stretch the first and the highest value stay, and the last of all."""
    values = [None if value is None else float(value) for value in line.values]
    step = 1 if len(values) <= most else -(-2 * len(values) // most)
    for begin in range(0, len(values), step):
        block = range(begin, min(begin + step, len(values)))
        high = max(block, key=lambda place: -1.0 if (value := values[place]) is None else value)
        for place in sorted({begin, high} | ({len(values) - 1} & set(block))):
            value = values[place]
            yield line.first + place + 1, None if value is None else float(f"{value:.6g}")


def _scale(lines: Sequence[Line]) -> tuple[float, float]:
    """Return where the vertical axis ends and by which steps it is divided: at most five, each 1, 2, 2.5 or 5 tens."""
    high = max([float(value) for line in lines for value in line.values if value is not None], default=0.0)
    if high <= 0:
        return 1.0, 1.0
    power = 10.0 ** math.floor(math.log10(high / 5))
    step = next(times * power for times in (1, 2, 2.5, 5, 10) if times * power * 5 >= high * (1 - 1e-9))
    step = float(f"{step:.3g}")
    return float(f"{math.ceil(high / step - 1e-9) * step:.6g}"), step


def _shifts(lines: Sequence[Line], most: float, plot: int) -> dict[int, float]:
    """Say how many pixels lower than its line's end each name stands, so that none covers another.

    Up to ten lines are all named; of more those whose ends have room, the highest before.
    """
    ends = {id(line): plot * (1 - float(line.last[1]) / most) for line in lines if line.last}
    order = sorted(ends, key=ends.__getitem__)
    if len(lines) > NAMED:
        roomy: list[int] = []
        for one in order:
            if not roomy or ends[one] - ends[roomy[-1]] >= _ROOM:
                roomy.append(one)
        return dict.fromkeys(roomy, 0.0)
    places: list[float] = []
    for one in order:
        places.append(max(ends[one], places[-1] + _ROOM) if places else ends[one])
    # What was pushed below the axis pushes those above it up.
    floor = float(plot + _ROOM / 2)
    for at in range(len(places) - 1, -1, -1):
        places[at] = min(places[at], floor)
        floor = places[at] - _ROOM
    return {one: place - ends[one] for one, place in zip(order, places, strict=True)}


def _crossings(crossed: Sequence[Crossed], end: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": "crossing",
        "symbolSize": 9,
        "itemStyle": {"color": colour("background"), "borderColor": ink(), "borderWidth": 2, "opacity": 1},
        "tooltip": {"trigger": "item", "formatter": "{b}"},
        "labelLayout": {"hideOverlap": True},
        "z": 5,
        "data": [
            {
                "name": literal(one.words),
                "value": [one.turn, one.value],
                "label": {
                    "show": True,
                    "formatter": literal(one.words),
                    # Inwards, so that it stays on the chart; above sums that grow there is room.
                    "position": "left" if one.turn > end * 0.4 else "right",
                    "offset": [0, -16],
                    "fontSize": 12,
                    "fontWeight": 600,
                    "color": ink(),
                    "backgroundColor": colour("background"),
                    "padding": [1, 3],
                },
            }
            for one in crossed
        ],
    }


def _told(lines: Sequence[Line], money: bool) -> str:
    """Say where each line ends, for those who do not see it."""
    ends = [(line.mark.name, *line.last) for line in lines if line.last]
    return ", ".join(f"{name} {figure(value, money)} at turn {turn:,}" for name, turn, value in ends)


# --- what all charts of a comparison share ----------------------------------------------------------------------------


def figure(value: int | float | Decimal, money: bool) -> str:
    """Write a value as a chart means it: dollars, or tokens."""
    return dollars(Decimal(str(value))) if money else f"{round(value):,} token{'s' * (round(value) != 1)}"


def percent(share: float) -> str:
    """Write a share; nothing is 0 % and not a little."""
    return percentage(share) if share else "0 %"


def look() -> dict[str, Any]:
    """Describe what every chart has: no movement, tooltips that are text."""
    return {
        "animation": False,
        "tooltip": {
            "renderMode": "richText",
            "confine": True,
            "backgroundColor": colour("background"),
            "borderColor": colour("gray"),
            "textStyle": {"color": ink(), "fontSize": 12, "fontFamily": FONT},
        },
    }


def axis(name: str, side: str, *, money: bool = False, **more: Any) -> dict[str, Any]:
    """Describe an axis of numbers; only the lines across the chart are drawn for a vertical one."""
    grey = colour("gray", "TextColor")
    label: Mapping[str, Any] = {"fontSize": 12, "color": grey} | ({"formatter": "${value}"} if money else {})
    return {
        "type": "value",
        "name": name,
        "nameLocation": "middle",
        "nameGap": 22,
        "nameTextStyle": {"color": grey, "fontSize": 12},
        "axisLine": {"show": side == "x", "lineStyle": {"color": colour("border")}},
        "axisTick": {"show": False},
        "axisLabel": label,
        "splitLine": {"show": side == "y", "lineStyle": {"color": colour("border")}},
        **more,
    }
