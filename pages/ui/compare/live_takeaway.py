"""What is taken away of a live comparison: every message and answer with its figures, and the charts as pictures.

takeaway(live)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from memory.compare.live import Live
from memory.compare.live_written import Told, csv, markdown, to_json
from pages.ui.compare.charts_pictures import draw_pictures
from pages.ui.compare.live_lines import CHARTS
from pages.ui.compare.takeaway import file_name

_FORMS: tuple[tuple[str, Callable[[Told], str], str, str], ...] = (
    ("JSON", to_json, "json", "application/json"),
    ("CSV", csv, "csv", "text/csv"),
    ("Report", markdown, "md", "text/markdown"),
)


def takeaway(live: Live) -> None:
    """Draw the downloads of a comparison in which something was said; files are made when they are asked for."""
    if not live.experiment.id:
        return
    more = st.expander(
        "Take away", type="compact", icon=":material/download:", key="compare_live_take", on_change="rerun"
    )
    if not more.open:
        return
    with more:
        name = file_name(live.experiment.title)
        with st.container(horizontal=True, vertical_alignment="center"):
            for label, make, ending, mime in _FORMS:
                st.download_button(
                    label,
                    partial(_made, live, make),
                    f"{name}.{ending}",
                    mime,
                    key=f"compare_live_take_{label}",
                    icon=":material/download:",
                    on_click="ignore",
                )
        st.caption(
            "Every message with each column's answer, its figures, and whether its prompt had the fact asked for."
        )
        draw_pictures(CHARTS, "compare_live_take_pictures")


def _made(live: Live, make: Callable[[Told], str]) -> str:
    return make(Told.of(live))
