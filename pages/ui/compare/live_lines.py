"""The columns' lines under a live comparison: input tokens by turn, and the cost added up with and without caching."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from memory.compare.lines import crossed
from memory.compare.live import Live
from memory.compare.live_figures import Track
from pages.ui.compare.charts import Line, draw_lines
from pages.ui.compare.charts_costs import crossing, foremost, last_of_each, sentences
from pages.ui.compare.marks import marks_of
from pages.ui.words import escaped, model_name

CHARTS = {
    "compare_live_tokens": "Input tokens by turn",
    "compare_live_cost_False": "Cost added up, without caching",
    "compare_live_cost_True": "Cost added up, with caching",
}
"""The titles of the charts by their keys."""


def lines(live: Live, tracks: Sequence[Track | None]) -> None:
    """Draw the lines from the second turn on; a column that was added later begins where it came in."""
    if max((len(track.figures) for track in tracks if track), default=0) < 2:
        return
    marked = [(mark, track) for mark, track in zip(marks_of(live.columns), tracks, strict=False) if track]
    named = {one.priced_as for _, track in marked for one in track.figures if one and one.priced_as != one.model}
    prices = escaped(f"At the prices of {', '.join(map(model_name, sorted(named)))}.") if named else ""
    both = "With the memories' own calls, the model's and those for taking earlier turns in."
    draw_lines(
        CHARTS["compare_live_tokens"],
        [Line(mark, track.tokens(), track.first) for mark, track in marked],
        "compare_live_tokens",
        note="What each column's prompt had.",
    )
    marks, own = marks_of(live.columns), [track.line(place) for place, track in enumerate(tracks) if track]
    left, right = st.columns(2, gap="medium")
    for into, cached in ((left, False), (right, True)):
        key = f"compare_live_cost_{cached}"
        found = last_of_each(crossed(own, cached=cached))
        shown = foremost(found, own, marks, cached=cached)
        scale = "Each chart has a scale of its own." if cached else f"{both} {prices}".strip()
        with into:
            draw_lines(
                CHARTS[key],
                [Line(mark, track.spent(cached), track.first) for mark, track in marked],
                key,
                money=True,
                note=f"{sentences(shown, len(found), marks)} {scale}",
                crossed=[crossing(one, own, marks, cached=cached) for one in shown],
            )
