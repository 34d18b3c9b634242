"""The frontier: evidence found against tokens per question, a point for each column, between the bounds.

    draw_frontier(marks, points_of(rows), experiment.sweeps, bounds_over(recordings, encoding), key, go)

A point is as far up as it finds and as far right as it costs; the dashed line joins those that nothing beats. The
columns of a sweep are joined by a line in their colour. Names stand where there is room; the pointer tells the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from memory.common.words import plural
from memory.compare.bounds import Bounds
from memory.compare.experiment import Sweep
from memory.compare.frontier import Point, frontier
from pages.ui.compare.charts import PHONE, axis, look, percent
from pages.ui.compare.marks import Mark
from pages.ui.forms.chart import draw_chart, literal
from pages.ui.words import colour, ink

HEIGHT = 340
WIDE = 30
"""From this ratio between the most and the fewest tokens on, tokens stand on a logarithmic axis."""
_WIDTH, _NARROW = 800, 290
"""Pixels of the plot for which names are placed, and those on a phone."""
_LETTER = 6.4


def draw_frontier(
    marks: Sequence[Mark],
    points: Sequence[Point],
    sweeps: Sequence[Sweep],
    bounds: Bounds,
    key: str,
    go: Callable[[int], None],
    chosen: int | None = None,
) -> None:
    """Draw the chart; a click on a point calls `go` with its column's number, the `chosen` one has an edge."""
    best = frontier(points)
    st.markdown(f"**Evidence found against tokens**  \n{_sentence(marks, best)}")
    spec = frontier_spec(marks, points, sweeps, bounds, chosen)
    told = ", ".join(f"{marks[one.number].name} {percent(one.recall)} for {_tokens(one.tokens)}" for one in points)
    limits = [
        f"{name} {percent(bounds.recall or 0.0)} for {_tokens(value)}"
        for name, value in (("the evidence alone", bounds.oracle), ("the whole conversation", bounds.full))
        if value is not None
    ]
    alt = f"Evidence found against tokens per question: {told}. Bounds: {', '.join(limits)}."
    draw_chart(spec, {"main": [one.number for one in points]}, key, HEIGHT, alt, go)


def _sentence(marks: Sequence[Mark], best: Sequence[Point]) -> str:
    shown = ", ".join(marks[one.number].letter for one in best)
    unbeaten = f"Nothing beats {shown}." if len(best) <= 12 else f"{plural(len(best), 'point')} are unbeaten."
    if not best:
        unbeaten = "None of them found any evidence."
    return f"Upper left is better. {unbeaten} Click a point for the questions it missed."


def frontier_spec(
    marks: Sequence[Mark],
    points: Sequence[Point],
    sweeps: Sequence[Sweep],
    bounds: Bounds,
    chosen: int | None = None,
) -> dict[str, Any]:
    """Describe the chart for ECharts."""
    limits = [
        (name, value, bounds.recall or 0.0)
        for name, value in (("oracle", bounds.oracle), ("full", bounds.full))
        if value is not None
    ]
    every = [one.tokens for one in points] + [value for _, value, _ in limits]
    positive = [value for value in every if value > 0]
    log = bool(positive) and max(positive) > WIDE * min(positive)
    # On a logarithmic axis nothing has a place for 0: what sends nothing stands at its left end.
    least = 10.0 ** math.floor(math.log10(min(positive))) if log else 0.0
    most = max(every, default=1.0) or 1.0

    def at(tokens: float, recall: float) -> list[float]:
        return [round(max(tokens, least), 2), round(100 * recall, 2)]

    best = frontier(points)

    def drawn(width: int) -> list[dict[str, Any]]:
        """Make the points, with names where a plot of this width has room for them."""
        spots = [(value, recall) for _, value, recall in limits]
        names = _placed(marks, points, sweeps, _Plot(width, least, most, log), best, spots)
        return [_point(marks[one.number], one, at(one.tokens, one.recall), names, chosen) for one in points]

    wide = drawn(_WIDTH)
    by_number = {one.number: one for one in points}
    series = [_sweep(marks, [by_number[n] for n in range(one.first, one.end) if n in by_number], at) for one in sweeps]
    return {
        **look(),
        "grid": {"left": 2, "right": 40, "top": 26, "bottom": 24, "containLabel": True},
        "tooltip": look()["tooltip"] | {"trigger": "item", "formatter": "{b}"},
        "xAxis": axis("tokens per question", "x", **_scale(log=log, least=least, most=most))
        | {"splitLine": {"show": True, "lineStyle": {"color": colour("border")}}},
        "yAxis": axis("", "y", min=0, max=100, interval=25)
        | {"axisLabel": {"fontSize": 12, "color": colour("gray", "TextColor"), "formatter": "{value} %"}},
        "series": [
            {
                "type": "scatter",
                "id": "points",
                "selectedMode": "single",
                "z": 4,
                "labelLayout": {"hideOverlap": True},
                "emphasis": {"scale": 1.3},
                "data": wide,
            },
            {
                "type": "line",
                "name": "unbeaten",
                "silent": True,
                "symbol": "none",
                "lineStyle": {"type": [4, 4], "width": 1.5, "color": colour("gray")},
                "z": 1,
                "data": [at(one.tokens, one.recall) for one in best],
            },
            *series,
            *(_bound(name, at(value, recall), value, recall) for name, value, recall in limits),
        ],
        "media": [
            {
                "query": {"maxWidth": PHONE},
                "option": {"grid": {"right": 16}, "series": [{"data": drawn(_NARROW)}]},
            },
            {"option": {"grid": {"right": 40}, "series": [{"data": wide}]}},
        ],
    }


def _scale(*, log: bool, least: float, most: float) -> dict[str, Any]:
    if not log:
        return {"min": 0, "splitNumber": 4}
    return {"type": "log", "min": least, "max": _up(most)}


def _up(most: float) -> float:
    """Return the end of a logarithmic axis: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most)


def _point(
    mark: Mark, one: Point, at: list[float], names: dict[int, tuple[str, str]], chosen: int | None
) -> dict[str, Any]:
    text, position = names.get(one.number, ("", "right"))
    edge = {"borderColor": ink(), "borderWidth": 2} if one.number == chosen else {}
    painted = {"color": mark.colour, "opacity": 1, **edge}
    return {
        "value": at,
        "name": literal(f"{mark.name}\n{percent(one.recall)} of the evidence\n{_tokens(one.tokens)} per question"),
        "symbol": mark.symbol,
        "symbolSize": 16 if edge else 12,
        "itemStyle": painted,
        # ECharts would lighten a colour that it cannot read to none.
        "emphasis": {"itemStyle": painted},
        "select": {"itemStyle": painted},
        "label": {
            "show": bool(text),
            "formatter": literal(text),
            "position": position,
            "fontSize": 12,
            "color": ink(),
            "textBorderColor": colour("background"),
            "textBorderWidth": 3,
        },
    }


def _sweep(marks: Sequence[Mark], points: Sequence[Point], at: Callable[[float, float], list[float]]) -> dict[str, Any]:
    mark = marks[points[0].number] if points else None
    return {
        "type": "line",
        "name": "sweep",
        "silent": True,
        "symbol": "none",
        "z": 2,
        "lineStyle": {"width": 1.5, "type": mark.dash if mark else "solid", "color": mark.colour if mark else ink()},
        "data": [at(one.tokens, one.recall) for one in points],
    }


def _bound(name: str, at: list[float], value: float, recall: float) -> dict[str, Any]:
    words = {"oracle": "oracle: the evidence alone", "full": "full: the whole conversation"}[name]
    return {
        "type": "scatter",
        "name": name,
        "symbol": "circle",
        "symbolSize": 19,
        "itemStyle": {"color": "transparent", "borderColor": colour("gray"), "borderWidth": 1.5, "opacity": 1},
        "selectedMode": False,
        "z": 3,
        "data": [
            {
                "value": at,
                "name": f"{words}\n{percent(recall)} of the evidence\n{_tokens(value)} per question",
                "label": {
                    "show": True,
                    "formatter": name,
                    "position": "top",
                    "fontSize": 12,
                    "fontStyle": "italic",
                    "color": colour("gray", "TextColor"),
                },
            }
        ],
    }


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where tokens lie on a plot so many pixels wide, whose axis goes from `least` to at least `most`."""

    width: int
    least: float
    most: float
    log: bool

    def x(self, tokens: float) -> float:
        if not self.log:
            return tokens / self.most * self.width
        return math.log(max(tokens, self.least) / self.least) / math.log(_up(self.most) / self.least) * self.width


def _placed(
    marks: Sequence[Mark],
    points: Sequence[Point],
    sweeps: Sequence[Sweep],
    on: _Plot,
    best: Sequence[Point],
    limits: Sequence[tuple[float, float]],
) -> dict[int, tuple[str, str]]:
    """Find a side for each name where it covers nothing, those of unbeaten points first; the others go without."""
    plot = HEIGHT - 70
    spots = {one.number: (on.x(one.tokens), plot - one.recall * plot) for one in points}
    taken = [(left - 6, top - 6, left + 6, top + 6) for left, top in spots.values()]
    for tokens, recall in limits:
        left, top = on.x(tokens), plot * (1 - recall)
        taken.append((left - 18, top - 26, left + 18, top - 8))
    placed: dict[int, tuple[str, str]] = {}
    inside = {place: one for one in sweeps for place in range(one.first, one.end)}
    unbeaten = {one.number for one in best}
    for one in sorted(points, key=lambda one: (one.number not in unbeaten, one.number)):
        mark, (left, top) = marks[one.number], spots[one.number]
        sweep = inside.get(one.number)
        # The memory is named once in a sweep, at its last value.
        text = mark.short if sweep is None or one.number == sweep.end - 1 else f"{mark.letter} {mark.setting}"
        width = len(text) * _LETTER
        sides = {
            "right": (left + 8, top - 7, left + 8 + width, top + 7),
            "left": (left - 8 - width, top - 7, left - 8, top + 7),
            "top": (left - width / 2, top - 22, left + width / 2, top - 8),
            "bottom": (left - width / 2, top + 8, left + width / 2, top + 22),
        }
        # The line of a sweep goes on to the right.
        for side in ("right", "bottom", "top", "left") if sweep is None else ("top", "bottom", "left", "right"):
            box = sides[side]
            within = (
                box[0] >= -4
                and box[2] <= on.width + (40 if on.width == _WIDTH else 16)
                and box[1] >= -24
                and box[3] <= plot + 8
            )
            if within and not any(_meet(box, other) for other in taken):
                placed[one.number] = (text, side)
                taken.append(box)
                break
    return placed


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _tokens(count: float) -> str:
    return plural(round(count), "token")
