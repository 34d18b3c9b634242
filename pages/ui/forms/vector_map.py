"""The vector space as a map: every turn a dot, the message a star; what was retrieved is near the star."""

from __future__ import annotations

from math import hypot
from typing import Any

import streamlit as st

from memory.inspection.inspect import Inspection
from memory.views import Point, VectorMap
from pages.ui.forms.chart import SENT, TABLE, began, draw_chart, draw_table, literal, open_turn, opened, turns_of
from pages.ui.words import badge, colour, escaped, ink, plural

DOTS = 500
"""How many turns that were not sent are drawn at most: evenly chosen, so that the shape stays."""
STAR = "path://M50 0 L61.8 35.3 L97.6 35.3 L68.6 57.3 L79.4 92.7 L50 71.5 L20.6 92.7 L31.4 57.3 L2.4 35.3 L38.2 35.3 Z"


def draw(form: VectorMap, seen: Inspection, key: str) -> None:
    """Draw the form."""
    sent = [point for point in form.points if point.sent]
    others = [point for point in form.points if not point.sent]
    # What was sent is drawn last, over the others.
    points = (
        [*(others[place * len(others) // DOTS] for place in range(DOTS)), *sent]
        if len(others) > DOTS
        else [*others, *sent]
    )
    st.markdown("**Map of the vectors**")
    counts = [badge("yellow", "★ your message")]
    counts += [badge(SENT, f"● sent: {plural(len({point.turn for point in sent}), 'turn')}")] if sent else []
    counts += [badge("gray", f"○ not sent: {plural(len({point.turn for point in others}), 'turn')}")] if others else []
    st.markdown(" ".join(counts))
    draw_chart(
        plane([_dot(point) for point in points], form.query, "Your message"),
        {"main": [point.turn for point in points]},
        f"{key}_chart",
        300,
        _alt(form, sent),
        open_turn,
    )
    drawn = f" {len(points):,} of {len(form.points):,} are drawn." if len(points) < len(form.points) else ""
    st.caption(
        f"Near means alike, roughly: of the many dimensions of {escaped(form.embedding)} the axes are the two in which "
        f"the vectors differ most (their first two principal components), so distance is only roughly preserved."
        f"{drawn} Click a dot to open its turn."
    )
    near = sorted(form.points, key=lambda point: _distance(point, form))[:TABLE]
    said = turns_of(seen, {point.turn for point in near})
    longest = max((_distance(point, form) for point in form.points), default=0) or 1
    draw_table(
        f"The {TABLE} nearest turns as a table" if len(form.points) > TABLE else "The map as a table",
        {
            "turn": [f"{point.turn + 1:,}" for point in near],
            "distance": [f"{_distance(point, form) / longest:.0%}".replace("%", " %") for point in near],
            "sent": ["sent" if point.sent else "no" for point in near],
            "began": [began(said.get(point.turn), point.message) for point in near],
        },
        [point.turn for point in near],
        key,
    )


def plane(dots: list[dict[str, Any]], query: tuple[float, float] | None, asked: str) -> dict[str, Any]:
    """Draw dots in the plane of the first two principal components, and what was `asked` as a star among them."""
    places = [dot["value"] for dot in dots] + ([query] if query else [])
    xs, ys = [place[0] for place in places], [place[1] for place in places]
    axis = {"type": "value", "show": True, "scale": True, "axisLabel": {"show": False}, "axisTick": {"show": False}}
    axis |= {
        "splitLine": {"show": False},
        "axisLine": {"show": True, "onZero": False, "lineStyle": {"color": colour("border")}},
    }
    name = {
        "nameLocation": "middle",
        "nameGap": 6,
        "nameTextStyle": {"color": colour("gray", "TextColor"), "fontSize": 11},
    }
    return {
        "grid": {"left": 18, "right": 4, "top": 4, "bottom": 20, "outerBoundsMode": "none"},
        "xAxis": {**axis, **name, **_reach(xs), "name": "1st component"},
        "yAxis": {**axis, **name, **_reach(ys), "name": "2nd component"},
        "series": [
            {
                "type": "scatter",
                "selectedMode": "single",
                "select": {"disabled": True},
                "emphasis": {"disabled": True},
                "cursor": "pointer",
                "labelLayout": {"hideOverlap": True},
                "data": dots,
            },
            {
                "type": "scatter",
                "symbol": STAR,
                "symbolSize": 26,
                "z": 1,
                "emphasis": {"disabled": True},
                "cursor": "default",
                "tooltip": {"formatter": asked},
                "itemStyle": {"color": colour("yellow"), "borderColor": ink(), "borderWidth": 1, "opacity": 1},
                "data": [[*query]] if query else [],
            },
        ],
    }


def _dot(point: Point) -> dict[str, Any]:
    """Draw a turn: filled and numbered where it was sent, a pale ring elsewhere."""
    open_, sent = point.turn == opened(), point.sent
    look = {
        "color": colour(SENT) if sent else "transparent",
        "borderColor": ink() if open_ else colour(SENT if sent else "gray"),
        "borderWidth": 2.5 if open_ else 1,
        "opacity": 1 if sent or open_ else 0.6,
    }
    label = {
        "show": sent or open_,
        "formatter": f"{point.turn + 1:,}",
        "position": "right",
        "distance": 3,
        "color": ink(),
        "fontSize": 12,
        "fontWeight": "bold" if open_ else "normal",
    }
    said = f"Turn {point.turn + 1:,}, {'sent' if sent else 'not sent'}"
    return {
        "value": [point.x, point.y],
        "symbolSize": 13 if sent else 9,
        "itemStyle": look,
        "label": label,
        "tooltip": {"formatter": literal(said)},
    }


def _reach(values: list[float]) -> dict[str, float]:
    """Let an axis reach a little further than what is on it."""
    margin = 0.1 * (max(values) - min(values)) or 1.0
    return {"min": min(values) - margin, "max": max(values) + margin}


def _distance(point: Point, form: VectorMap) -> float:
    return hypot(point.x - form.query[0], point.y - form.query[1])


def _alt(form: VectorMap, sent: list[Point]) -> str:
    """Describe the map to those who do not see it."""
    named = ", ".join(f"{point.turn + 1:,}" for point in sent[:10])
    found = f" Sent: turn {named}{' and others' if len(sent) > 10 else ''}." if sent else ""
    return f"Map of {plural(len(form.points), 'point')} in two dimensions, your message among them.{found}"
