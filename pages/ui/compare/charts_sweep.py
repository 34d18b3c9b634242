"""A sweep: what one setting of a memory does, from its lowest value to its highest, in two small charts.

    draw_sweep(marks, swept(sweep, experiment, rows), sweep, key)

Evidence found and tokens per question have scales of their own, so they stand beside each other and not in one chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from memory.compare.experiment import Sweep
from memory.compare.figures import Row
from pages.ui.compare.charts import axis, look, percent
from pages.ui.compare.marks import Mark
from pages.ui.forms.chart import literal
from pages.ui.words import colour, escaped, ink, plural

HEIGHT = 200


def draw_sweep(marks: Sequence[Mark], points: Sequence[tuple[Any, Row]], sweep: Sweep, key: str) -> dict[str, str]:
    """Draw both charts and return their titles by their keys; values without a figure have no point."""
    if not points:
        return {}
    mark = marks[sweep.first]
    points = _sorted(points)
    names = ["automatic" if value is None else f"{value:,}" if _number(value) else str(value) for value, _ in points]
    st.markdown(f"**{escaped(mark.label)}: {escaped(sweep.setting)} from {escaped(names[0])} to {escaped(names[-1])}**")
    found = [None if row.recall is None else round(100 * row.recall, 1) for _, row in points]
    sizes = [None if row.question_tokens is None else round(row.question_tokens) for _, row in points]
    told = [
        f"{name}: {percent(row.recall)} for {plural(round(row.question_tokens), 'token')}"
        for name, (_, row) in zip(names, points, strict=True)
        if row.recall is not None and row.question_tokens is not None
    ]
    left, right = st.columns(2)
    with left:
        st.caption("Evidence found")
        spec = _spec(mark, sweep.setting, names, found, " %", {"min": 0, "max": 100, "interval": 25})
        alt = f"Evidence found by {sweep.setting}: {', '.join(told)}."
        st.echarts_chart(spec, height=HEIGHT, key=f"{key}_found", renderer="svg", alt=alt)
    with right:
        st.caption("Tokens per question")
        spec = _spec(mark, sweep.setting, names, sizes, "", {"min": 0, "splitNumber": 4})
        alt = f"Tokens per question by {sweep.setting}: {', '.join(told)}."
        st.echarts_chart(spec, height=HEIGHT, key=f"{key}_tokens", renderer="svg", alt=alt)
    by = f"by {sweep.setting} of {mark.label}"
    return {f"{key}_found": f"Evidence found {by}", f"{key}_tokens": f"Tokens per question {by}"}


def _sorted(points: Sequence[tuple[Any, Row]]) -> list[tuple[Any, Row]]:
    """Put numbers in their order; what is none stays where it is."""
    if all(_number(value) for value, _ in points):
        return sorted(points, key=lambda one: one[0])
    return list(points)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spec(
    mark: Mark, setting: str, names: Sequence[str], values: Sequence[float | None], unit: str, scale: dict[str, Any]
) -> dict[str, Any]:
    share = unit != ""
    grey = colour("gray", "TextColor")
    below = axis(literal(setting), "x") | {"type": "category", "data": [literal(name) for name in names]}
    beside = axis("", "y", **scale)
    if share:
        beside["axisLabel"] = {"fontSize": 12, "color": grey, "formatter": "{value} %"}
    return {
        **look(),
        "grid": {"left": 2, "right": 24, "top": 22, "bottom": 24, "containLabel": True},
        "tooltip": look()["tooltip"] | {"trigger": "axis", "valueFormatter": "%.1f %%" if share else "localized"},
        "xAxis": below,
        "yAxis": beside,
        "series": [
            {
                "type": "line",
                "name": "evidence found" if share else "tokens per question",
                "symbol": mark.symbol,
                "symbolSize": 9,
                "showAllSymbol": True,
                "lineStyle": {"width": 2, "type": mark.dash, "color": mark.colour},
                "itemStyle": {"color": mark.colour},
                "emphasis": {"disabled": True},
                "label": {"show": True, "position": "top", "fontSize": 12, "color": ink()},
                "labelLayout": {"hideOverlap": True},
                "data": [
                    {"value": value, "label": {"formatter": "" if value is None else f"{value:,}{unit}"}}
                    for value in values
                ],
            }
        ],
    }
