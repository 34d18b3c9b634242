"""Scores: the turns that were retrieved and those that nearly were, each with a bar as long as its score."""

from __future__ import annotations

from typing import Any

import streamlit as st

from memory.inspection.inspect import Inspection
from memory.views import Ranked, Scores
from pages.ui.forms.chart import (
    SENT,
    TABLE,
    began,
    blend,
    cut,
    draw_chart,
    draw_table,
    literal,
    open_turn,
    opened,
    turns_of,
)
from pages.ui.words import badge, colour, ink, plural, score

ROW = 40
"""Pixels of a row: a line of words, and its bars."""
RETRIEVED = 12
NEAR = 4
"""How many retrieved turns and near misses are shown at first; a click brings as many more."""
WIDE, NARROW = 380, 275
"""Pixels that the words of a row may take in the panel, and on a phone."""
SHADES = (1.0, 0.45, 0.2)
"""How strong the bars of a row are, by their place."""


def draw(form: Scores, seen: Inspection, key: str) -> None:
    """Draw the form."""
    sent = [row for row in form.rows if row.sent]
    missed = [row for row in form.rows if not row.sent]
    if not form.rows:
        st.markdown("No turn was compared with the message: there was none to search.")
        return
    times = 1 + st.session_state.get(f"{key}_times", {}).get(seen.trace.turn_id, 0)
    rows = sorted([*sent[: RETRIEVED * times], *missed[: NEAR * times]], key=lambda row: row.rank)
    hidden = len(form.rows) - len(rows)
    st.markdown("**What the search found**")
    said = turns_of(seen, {row.turn for row in form.rows[:TABLE]} | {row.turn for row in rows})
    counts = [badge(SENT, f"retrieved and sent: {len(sent):,}")] if sent else []
    st.markdown(" ".join([*counts, badge("gray", f"near misses, not sent: {len(missed):,}")] if missed else counts))
    words = [began(said.get(row.turn), row.message) for row in rows]
    draw_chart(
        _spec(form, rows, words),
        {"main": [row.turn for row in rows]},
        f"{key}_chart",
        ROW * len(rows) + (24 if form.bars else 0),
        _alt(rows, hidden),
        open_turn,
    )
    if hidden:
        shown = {seen.trace.turn_id: times}
        brought = min(hidden, len(sent[RETRIEVED * times :][:RETRIEVED]) + len(missed[NEAR * times :][:NEAR]))
        st.button(
            f"Show {brought:,} more{f' of {hidden:,}' if brought < hidden else ''}",
            key=f"{key}_next",
            type="tertiary",
            icon=":material/expand_more:",
            on_click=lambda: st.session_state.update({f"{key}_times": shown}),
        )
    parts = f" It is made of {' and '.join(form.bars)}, each with a bar of its own." if form.bars else ""
    st.caption(
        f"A score says how well an earlier turn fits the new message; the best come first.{parts} "
        "Click a row to open its turn."
    )
    table = form.rows[:TABLE]
    draw_table(
        f"The first {TABLE} scores as a table" if len(form.rows) > TABLE else "Scores as a table",
        {
            "rank": [f"{row.rank:,}" for row in table],
            "turn": [f"{row.turn + 1:,}" for row in table],
            "score": [score(row.score) for row in table],
            **{name: [score(row.parts[name]) if name in row.parts else "" for row in table] for name in form.bars},
            "why": [_said(row) for row in table],
            "began": [began(said.get(row.turn), row.message) for row in table],
        },
        [row.turn for row in table],
        key,
    )


def _spec(form: Scores, rows: list[Ranked], words: list[str]) -> dict[str, Any]:
    """Draw each row as two lines: how the turn began and its score, then its bars and why it was sent or not."""
    bars = form.bars[: len(SHADES)]
    lengths = [max(row.parts.get(name, 0.0) for name in bars) if bars else row.score for row in rows]
    # The bars take less than half of the width; what stands beside them needs the rest.
    full = 2.2 * max(lengths) if max(lengths) > 0 else 1.0
    axis = {"type": "category", "inverse": True, "show": False}
    lines = {**axis, "data": [str(place) for place in range(2 * len(rows))]}
    return {
        "grid": {"left": 0, "right": 0, "top": 0, "bottom": 26 if bars else 0},
        "legend": {
            "show": bool(bars),
            "bottom": 0,
            "left": 6,
            "itemWidth": 14,
            "itemHeight": 8,
            "selectedMode": False,
            "textStyle": {"color": ink(), "fontSize": 12},
            "data": [{"name": name, "itemStyle": _look(True, place)} for place, name in enumerate(bars)],
        },
        "xAxis": {"type": "value", "min": 0, "max": full, "show": False},
        # Bars on one axis part its rows between them, so what lies behind or beside them has an axis of its own.
        "yAxis": [{**axis, "data": [str(place) for place in range(len(rows))]}, lines, lines],
        "media": [{"query": {"maxWidth": 340}, "option": {"series": [{"id": "words", "label": {"width": NARROW}}]}}],
        "series": [
            _whole(rows, full),
            _texts("words", [_began(row, text) for row, text in zip(rows, words, strict=True)], full, "insideLeft", 0),
            _texts(
                "why",
                [_why(row, 2.2 * length / full) for row, length in zip(rows, lengths, strict=True)],
                [max(0.0, length) for length in lengths],
                "right",
                1,
            ),
            *(_bars(rows, name, place) for place, name in enumerate(bars or ("",))),
        ],
    }


def _whole(rows: list[Ranked], full: float) -> dict[str, Any]:
    """Draw the place that a click on a row meets; the row of the open turn is shaded."""
    data = [
        {
            "value": full,
            "name": literal(f"Turn {row.turn + 1:,}"),
            "itemStyle": {"color": blend("gray", 0.18) if row.turn == opened() else "transparent", "borderRadius": 5},
            "tooltip": {"formatter": literal(f"Turn {row.turn + 1:,}, score {score(row.score)}\n{_said(row)}")},
        }
        for row in rows
    ]
    return {
        "type": "bar",
        "yAxisIndex": 0,
        "barWidth": "94%",
        "selectedMode": "single",
        "select": {"disabled": True},
        "emphasis": {"disabled": True},
        "cursor": "pointer",
        "data": data,
    }


def _texts(
    id: str, labels: list[dict[str, Any]], lengths: float | list[float], position: str, line: int
) -> dict[str, Any]:
    """Write a label into each row, on its first line or beside the bars on its second."""
    each = lengths if isinstance(lengths, list) else [lengths] * len(labels)
    data: list[Any] = []
    for label, length in zip(labels, each, strict=True):
        cell = {"value": length, "label": {"show": True, "position": position, "distance": 6, **label}}
        data += [None, cell] if line else [cell, None]
    return {
        "id": id,
        "type": "bar",
        "yAxisIndex": 1,
        "label": {"width": WIDE, "overflow": "truncate"},
        "barGap": "-100%",
        "barWidth": "100%",
        "silent": True,
        "itemStyle": {"color": "transparent"},
        "data": data,
    }


def _bars(rows: list[Ranked], name: str, place: int) -> dict[str, Any]:
    """Draw the bar of each row's score, or of one of the parts that it is made of."""
    data: list[Any] = []
    for row in rows:
        value = row.parts.get(name, 0.0) if name else row.score
        data += [None, {"value": max(0.0, value), "itemStyle": _look(row.sent, place)}]
    return {
        "type": "bar",
        "name": literal(name),
        "yAxisIndex": 2,
        "barMaxWidth": 10,
        "barGap": "15%",
        "barCategoryGap": "20%",
        "silent": True,
        "data": data,
    }


def _look(sent: bool, place: int) -> dict[str, Any]:
    """Fill the bars of what was sent, the later parts paler; those of near misses are outlines."""
    name, share = (SENT, SHADES[place]) if sent else ("gray", 0.35 if place == 0 else 0.0)
    return {"color": blend(name, share), "borderColor": colour(name), "borderWidth": 1, "borderRadius": 2}


def _began(row: Ranked, words: str) -> dict[str, Any]:
    return {
        "formatter": f"{{turn|turn {row.turn + 1:,}}}  {{words|{literal(words).replace('}', ')')}}}",
        "rich": {
            "turn": {"color": ink(), "fontWeight": "bold", "fontSize": 13},
            "words": {"color": ink() if row.sent else colour("gray", "TextColor"), "fontSize": 13},
        },
    }


def _why(row: Ranked, share: float) -> dict[str, Any]:
    """Write the score and the reason beside the bars, as much as fits a phone: the shorter they are, the more."""
    said = literal(cut(_said(row), 48 - round(18 * max(0.0, share)))).replace("}", ")")
    text = colour(SENT, "TextColor") if row.sent else colour("gray", "TextColor")
    return {
        "formatter": f"{{score|{score(row.score)}}} {{why|{said}}}",
        "rich": {
            "score": {"color": ink(), "fontSize": 12, "fontWeight": "bold" if row.sent else "normal"},
            "why": {"color": text, "fontSize": 12},
        },
    }


def _said(row: Ranked) -> str:
    """Say whether a row was sent, and with which rank; else which rule kept it out."""
    return f"sent, rank {row.rank:,}" if row.sent else row.why or f"not sent, rank {row.rank:,}"


def _alt(rows: list[Ranked], hidden: int) -> str:
    """Describe the chart to those who do not see it."""
    lines = [f"turn {row.turn + 1:,} {score(row.score)} ({_said(row)})" for row in rows[:10]]
    rest = f", and {plural(hidden + len(rows) - len(lines), 'other')}" if hidden + len(rows) > len(lines) else ""
    return f"Scores of earlier turns: {', '.join(lines)}{rest}."
