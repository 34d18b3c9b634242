"""The tokens that each of the last turns sent, by the source of each piece, and how many a cache could hold."""

from __future__ import annotations

import streamlit as st

from memory.inspection.inspect import Inspection
from pages.ui.words import COLOURS, badge, colour, ink, segment


def draw(seen: Inspection) -> None:
    """Draw the tokens that each of the last turns sent, by the source of each piece."""
    recent = [trace for trace in seen.recent if trace.segments]
    if len(recent) < 2:
        return
    names = [name for name in COLOURS if any(trace.segments.get(name) for trace in recent)]
    exact = all(trace.exact for trace in recent)
    series: list[dict[str, object]] = [
        {
            "type": "bar",
            "name": segment(name, recent),
            "stack": "prompt",
            "barMaxWidth": 26,
            "emphasis": {"disabled": True},
            "itemStyle": {"color": colour(COLOURS[name])},
            "data": [trace.segments.get(name, 0) for trace in recent],
        }
        for name in names
    ]
    if any(trace.prefix for trace in recent):
        series.append(
            {
                "type": "line",
                "name": "reusable",
                "symbol": "none",
                "step": "middle",
                "lineStyle": {"type": "dashed", "width": 1.5, "color": ink()},
                "itemStyle": {"color": ink()},
                "data": [trace.prefix for trace in recent],
            }
        )
    grey = colour("gray", "TextColor")
    axis = {"axisLabel": {"fontSize": 12, "color": grey}, "axisTick": {"show": False}}
    line = {"lineStyle": {"color": colour("border")}}
    spec = {
        "animation": False,
        "grid": {"left": 4, "right": 4, "top": 10, "bottom": 20, "containLabel": True},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "none"}},
        "xAxis": {
            "type": "category",
            "data": [f"{trace.turn + 1}" for trace in recent],
            "name": "turn",
            "nameLocation": "middle",
            "nameGap": 22,
            "nameTextStyle": {"color": grey, "fontSize": 12},
            "axisLine": line,
            **axis,
        },
        "yAxis": {"type": "value", "splitNumber": 3, "splitLine": line, **axis},
        "series": series,
    }
    totals = [trace.prompt_tokens for trace in recent]
    alt = (
        f"Input tokens by turn, turns {recent[0].turn + 1:,} to {recent[-1].turn + 1:,}: "
        f"from {min(totals):,} to {max(totals):,}, {totals[-1]:,} at the last, of which the prompt before began with "
        f"{recent[-1].prefix:,}."
    )
    with st.container(gap="xsmall"):
        legend = " ".join(badge(COLOURS[name], segment(name, recent)) for name in names)
        dashed = " - - reusable" if len(series) > len(names) else ""
        shown = f"turns {recent[0].turn + 1:,}–{recent[-1].turn + 1:,}"
        st.markdown(f"**Input tokens, {shown}**{'' if exact else ' (≈)'} {legend}{dashed}")
        st.echarts_chart(spec, height=150, renderer="svg", alt=alt, key="panel_tokens")
