"""What the forms share: a chart whose marks lead somewhere, a table whose rows do, the words of a turn.

    draw_chart(spec, {"main": [0, 4, 7]}, key, 300, "Map of 3 turns", open_turn)     # its second mark is turn 5

A chart is drawn as SVG, in colours that CSS chooses between (`pages.ui.words.colour`), so that they are right after a
switch of the theme. No text in it is HTML: tooltips are drawn as text too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any

import streamlit as st

from memory.base import Turn
from memory.inspection.inspect import Inspection
from pages.ui.tables import inert_cells
from pages.ui.words import colour, fetch, ink

SENT = "orange"
"""What was retrieved, wherever it is drawn."""
FONT = "'Source Sans', sans-serif"
TABLE = 50
"""Rows of a table."""
BEGAN = 80
"""Characters of a turn's beginning."""

Marks = Mapping[str, Sequence[Hashable]]
"""Where each mark of a chart leads, by the kind of its data: "main", or "node" and "edge" of a graph."""


def draw_chart(
    spec: Mapping[str, Any], marks: Marks, key: str, height: int, alt: str, go: Callable[[Any], None]
) -> None:
    """Draw a chart in which a click on a mark calls `go` with what the mark stands for."""
    st.session_state[f"{key}_marks"] = marks

    def clicked() -> None:
        selected = st.session_state[key].selection.selected
        picks = [(one["data_type"], place) for one in selected for place in one["data_indices"]]
        # A second click on a mark takes the chart's selection back and names none; it meant the same mark.
        pick = picks[0] if picks else st.session_state.get(f"{key}_pick")
        if pick is None:
            return
        known = st.session_state[f"{key}_marks"].get(pick[0], ())
        if pick[1] < len(known):
            st.session_state[f"{key}_pick"] = pick
            go(known[pick[1]])

    look = {
        "animation": False,
        "tooltip": {
            "renderMode": "richText",
            "confine": True,
            "backgroundColor": colour("background"),
            "borderColor": colour("gray"),
            "textStyle": {"color": ink(), "fontSize": 12, "fontFamily": FONT},
        },
    }
    st.echarts_chart({**look, **spec}, height=height, key=key, on_select=clicked, renderer="svg", alt=alt)


def draw_table(name: str, columns: Mapping[str, Sequence[Any]], indexes: Sequence[int], key: str) -> None:
    """Draw the same things as a table, when it is asked for; a selected row opens the turn of that index."""
    more = st.expander(name, type="compact", key=f"{key}_more", on_change="rerun")
    if not more.open:
        return

    def selected() -> None:
        rows = st.session_state[f"{key}_table"].selection.rows
        if rows and rows[0] < len(indexes):
            open_turn(indexes[rows[0]])

    wide = {"began": 240, "why": 120}
    more.dataframe(
        inert_cells(columns),
        key=f"{key}_table",
        hide_index=True,
        row_height=27,
        height=37 + 27 * min(len(indexes), 8),
        on_select=selected,
        selection_mode="single-row",
        alt=name,
        column_config={
            column: st.column_config.TextColumn(
                width=wide.get(column, 62), alignment="left" if column in wide else "right"
            )
            for column in columns
        },
    )
    more.caption("Select a row to open its turn.")


def open_turn(index: int) -> None:
    """Open the card of a turn, and keep it open as one that the user chose."""
    st.session_state["panel_source"] = st.session_state["panel_source_chosen"] = index + 1


def opened() -> int:
    """Return the index of the turn whose card is open."""
    return int(st.session_state.get("panel_source", 0)) - 1


def turns_of(seen: Inspection, indexes: Collection[int]) -> dict[int, Turn]:
    """Read turns by their indexes, those that are there."""
    return {turn.index: turn for turn in fetch(seen.transcript, {index for index in indexes if index >= 0})}


def began(turn: Turn | None, message: int | None = None, most: int = BEGAN) -> str:
    """Return how a turn began, or one message of it with who said it, on one line."""
    if turn is None:
        return ""
    if message is None or message >= len(turn.messages):
        return cut(turn.human or turn.ai, most)
    said = turn.messages[message]
    return cut(f"{said.name}: {said.content}" if said.name else said.content, most)


def cut(text: str, most: int) -> str:
    """Return a text on one line, of so many characters at most."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def literal(text: str) -> str:
    """Make a text stand in a chart as it is: to a label or tooltip, "{b}" and "{style|text}" are instructions."""
    return text.replace("{", "{\u2060")


def blend(name: str, share: float) -> str:
    """Name a colour between the panel's ground (0) and a colour of the theme (1)."""
    return f"light-dark({_blend('light', name, share)},{_blend('dark', name, share)})"


def on(name: str, share: float) -> str:
    """Name the colour in which text reads best on such a blend."""
    found = []
    for theme in ("light", "dark"):
        ground = _luminance(_blend(theme, name, share))
        inks = [st.get_option(f"theme.{theme}.{part}Color") or "#808080" for part in ("text", "background")]
        found.append(max(inks, key=lambda ink: _contrast(_luminance(ink), ground)))
    return f"light-dark({found[0]},{found[1]})"


def _blend(theme: str, name: str, share: float) -> str:
    full = st.get_option(f"theme.{theme}.{name}Color") or "#808080"
    ground = st.get_option(f"theme.{theme}.sidebar.backgroundColor") or "#808080"
    mixed = (round(share * a + (1 - share) * b) for a, b in zip(_rgb(full), _rgb(ground), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


def _luminance(colour: str) -> float:
    parts = (part / 255 for part in _rgb(colour))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
