"""Layers: how a combined memory divided its budget, as a bar with a word for each part and what each left out."""

from __future__ import annotations

from typing import Any

import streamlit as st

from memory.common.division import Share
from memory.inspection.inspect import Inspection
from pages.ui.forms.chart import blend, literal
from pages.ui.words import badge, colour, escaped, number, percentage, plural

HUES = ("blue", "violet", "green", "orange", "red", "yellow")
HEIGHT = 22
"""Pixels of the bar."""


def draw(seen: Inspection) -> None:
    """Draw the bar and a line for each layer; nothing for a memory that has none."""
    shares = seen.trace.shares
    if not shares:
        return
    budget = _budget(seen, shares)
    spent = sum(share.tokens for share in shares)
    exact = seen.trace.exact
    st.markdown(
        f"**How the budget was divided**: {number(spent, exact)} of {budget:,} tokens",
        help="Every layer is offered an even part of what those before it left, and in a second round whatever nobody "
        "took. A turn that one layer sends is not sent again by another.",
    )
    if budget:
        st.echarts_chart(
            _spec(shares, budget), height=HEIGHT, renderer="svg", key="panel_layers", alt=_alt(shares, budget)
        )
    lines = [_line(share, hue(place), budget, exact) for place, share in enumerate(shares)]
    free = max(0, budget - spent)
    lines.append(f"{badge('gray', f'free {free:,}')} {percentage(free / budget)} of the budget" if budget else "")
    st.markdown("\n".join(f"- {line}" for line in filter(None, lines)))


def hue(place: int) -> str:
    """Name the colour of the layer at a place."""
    return HUES[place % len(HUES)]


def _budget(seen: Inspection, shares: tuple[Share, ...]) -> int:
    """Return the budget of all layers together: the memory's own, or what the prompt had room for if that is less."""
    most = seen.trace.settings.get("max_token_limit")
    bounds = [bound for bound in (most, seen.trace.budget) if isinstance(bound, int) and bound > 0]
    return max(min(bounds, default=0), sum(share.tokens for share in shares))


def _line(share: Share, name: str, budget: int, exact: bool) -> str:
    """Say what a layer sent, what it was offered, and what it left out."""
    part = f", {percentage(share.tokens / budget)} of the budget" if budget and share.tokens else ""
    pieces = plural(share.items, "piece") if share.items else "nothing sent"
    said = f"{pieces}{part}, offered {share.offered:,}"
    left = "; ".join(f"{plural(turns, 'turn')}: {why}" for why, turns in share.left)
    return f"{badge(name, f'{share.label} {number(share.tokens, exact)}')} {said}" + (
        f". Left out: {escaped(left)}" if left else ""
    )


def _spec(shares: tuple[Share, ...], budget: int) -> dict[str, Any]:
    """Stack the layers in their order; what is free is an outline."""
    rows = [(share.label, share.tokens, hue(place), 0.75) for place, share in enumerate(shares) if share.tokens]
    free = budget - sum(share.tokens for share in shares)
    rows += [("free", free, "gray", 0.08)] if free > 0 else []
    axis = {"show": False}
    return {
        "grid": {"left": 1, "right": 1, "top": 1, "bottom": 1},
        "tooltip": {"trigger": "item", "confine": True, "formatter": "{a}: {c} tokens"},
        "xAxis": {**axis, "type": "value", "max": budget},
        "yAxis": {**axis, "type": "category", "data": [""]},
        "series": [
            {
                "type": "bar",
                "name": literal(label),
                "stack": "budget",
                "barWidth": "100%",
                "data": [count],
                "itemStyle": {"color": blend(name, share), "borderColor": colour(name), "borderWidth": 1},
                "emphasis": {"disabled": True},
            }
            for label, count, name, share in rows
        ],
    }


def _alt(shares: tuple[Share, ...], budget: int) -> str:
    """Describe the bar to those who do not see it."""
    parts = ", ".join(f"{share.label} {share.tokens:,}" for share in shares)
    return (
        f"Of a budget of {budget:,} tokens: {parts}, free {max(0, budget - sum(share.tokens for share in shares)):,}."
    )
