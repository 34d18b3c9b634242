"""The strip of turns: a block a turn, coloured by its fate; a click, or a number beside its card, opens a turn.

A chart is out of the keyboard's reach, so `panel_source` is what counts: the number of the turn that is open. The
chart's clicks and the number input both set it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from memory.inspection.inspect import Inspection
from memory.views import Block
from pages.ui.words import colour, ink, states, turns

ALL = 60
"""Up to so many turns each has a block of its own; in a longer thread the newest have, the others share one a run."""
ROWS = 3
"""Rows of blocks that the newest turns of a longer thread have."""
RUNS = 5


def draw_strip(seen: Inspection, length: int) -> int:
    """Draw the turns by their fate; returns the index of the one that is selected, by a click or in its card."""
    shown = (seen.trace.turn_id, length)
    if st.session_state.get("panel_source_of") != shown or "panel_source" not in st.session_state:
        kept = st.session_state.get("panel_source_chosen")
        st.session_state["panel_source"] = min(kept or _of_interest(seen, length), length)
        st.session_state["panel_source_of"] = shown
    source = int(st.session_state["panel_source"]) - 1
    cells = _cells(seen.view.blocks, length, states(seen))
    spec, height = _spec(cells, source, length)
    st.session_state["panel_strip_cells"] = [(cell["first"], cell["end"]) for cell in cells]
    alt = f"{_alt(seen)} Selected: turn {source + 1:,}."
    st.echarts_chart(spec, height=height, key="panel_strip", on_select=_clicked, renderer="svg", alt=alt)
    return source


def draw_still(seen: Inspection, length: int, key: str) -> None:
    """Draw the turns by their fate under another key, with none selected and nowhere to go."""
    spec, height = _spec(_cells(seen.view.blocks, length, states(seen)), None, length)
    spec["series"][0] |= {"silent": True, "selectedMode": False}
    st.echarts_chart(spec, height=height, key=key, renderer="svg", alt=_alt(seen))


def _spec(cells: list[dict[str, Any]], source: int | None, length: int) -> tuple[dict[str, Any], int]:
    """Describe the strip for ECharts, with its height."""
    rows = cells[-1]["row"] + 1
    chosen = -1 if source is None else source
    series = {
        "type": "scatter",
        "symbol": "rect",
        "selectedMode": "single",
        "emphasis": {"disabled": True},
        "cursor": "pointer",
        "data": [_symbol(cell, cell["first"] <= chosen < cell["end"], length) for cell in cells],
    }
    spec = {
        "animation": False,
        "grid": {"left": 0, "right": 0, "top": 0, "bottom": 0, "containLabel": False},
        "xAxis": {"type": "value", "min": 0, "max": _columns(length), "show": False},
        "yAxis": {"type": "value", "min": 0, "max": rows, "inverse": True, "show": False},
        "series": [series],
    }
    return spec, 30 * rows


def _columns(length: int) -> int:
    """How many blocks a row has: as many as fit a phone with their numbers in them."""
    return 11 if length < 1000 else 8


def _of_interest(seen: Inspection, length: int) -> int:
    """Count the turn whose card is open at first, from 1: the one that left last, else the newest."""
    if seen.coming:
        return length
    return (seen.left[-1] if seen.left and seen.left[-1] < length else length - 1) + 1


def _clicked() -> None:
    """Lead a click in the strip to its turn; of a run of turns to its newest."""
    selected = st.session_state["panel_strip"].selection.selected
    places = [place for one in selected for place in one["data_indices"]]
    # A second click on a block takes the chart's selection back and names none; it meant the same block.
    place = places[0] if places else st.session_state.get("panel_strip_place")
    cells = st.session_state.get("panel_strip_cells", [])
    if place is not None and place < len(cells):
        st.session_state["panel_strip_place"] = place
        st.session_state["panel_source"] = st.session_state["panel_source_chosen"] = cells[place][1]


def chosen() -> None:
    st.session_state["panel_source_chosen"] = st.session_state["panel_source"]


def _cells(blocks: tuple[Block, ...], length: int, words: Mapping[str, str]) -> list[dict[str, Any]]:
    """Lay the turns out: one block a turn, the oldest of a long thread in a few blocks that each name their run."""
    start = 0 if length <= ALL else length - ROWS * _columns(length)
    cells: list[dict[str, Any]] = []
    runs = _runs(blocks, start)
    if len(runs) > RUNS:
        counts = {state: sum(end - first for first, end, of in runs if of == state) for state in words}
        mixed = ", ".join(f"{count:,} {words[state]}" for state, count in counts.items() if count)
        cells.append({"first": 0, "end": start, "state": "not sent", "row": 0, "text": f"1–{start:,}: {mixed}"})
    else:
        for row, (first, end, state) in enumerate(runs):
            name = f"{first + 1:,}–{end:,}" if end - first > 1 else f"{end:,}"
            cells.append({"first": first, "end": end, "state": state, "row": row, "text": f"{name} {words[state]}"})
    above, columns = len(cells), _columns(length)
    for place, state in enumerate(_states(blocks, start, length)):
        row, column = above + place // columns, place % columns
        cells.append({"first": start + place, "end": start + place + 1, "state": state, "row": row, "column": column})
    return cells


def _runs(blocks: tuple[Block, ...], end: int) -> list[tuple[int, int, str]]:
    """Join the blocks before a turn to runs of one state."""
    runs: list[tuple[int, int, str]] = []
    for block in blocks:
        first, last = block.turns[0], min(block.turns[1], end)
        if first >= last:
            continue
        if runs and runs[-1][2] == block.state and runs[-1][1] >= first:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]), block.state)
        else:
            runs.append((first, last, block.state))
    return runs


def _states(blocks: tuple[Block, ...], first: int, end: int) -> list[str]:
    """Name each turn's state; what reached the prompt in any form was sent."""
    states = ["not sent"] * (end - first)
    for block in sorted(blocks, key=lambda block: block.state == "sent"):
        for turn in range(max(first, block.turns[0]), min(end, block.turns[1])):
            states[turn - first] = block.state
    return states


def _symbol(cell: dict[str, Any], selected: bool, length: int) -> dict[str, Any]:
    """Draw a turn as a block with its number, a run of turns as a long block with its words.

    The block is its label's frame, since a symbol that is stretched has edges of unequal width; the symbol itself is
    only the place that a click meets.
    """
    state, wide = cell["state"], "text" in cell
    text = cell.get("text", f"{cell['end']:,}")
    width = 20 + 6 * len(text) if wide else 22 if length < 1000 else 34
    edge = colour({"sent": "blue", "summary": "violet"}.get(state, "gray"))
    label = {
        "show": True,
        "formatter": text,
        "position": "inside",
        "width": width,
        "height": 22,
        "align": "center",
        "verticalAlign": "middle",
        "fontSize": 12 if wide or length < 100 else 11,
        "fontWeight": "bold" if selected else "normal",
        "color": {"sent": colour("background"), "summary": colour("violet", "TextColor")}.get(state, ink()),
        "backgroundColor": {"sent": edge, "summary": colour("violet", "BackgroundColor")}.get(state, "transparent"),
        "borderColor": ink() if selected else edge,
        "borderWidth": 2.5 if selected else 1,
        "borderType": "solid" if state != "summary" else [5, 3] if selected else [3, 2],
        "opacity": 1,
        "borderRadius": 5,
    }
    look = {"color": "transparent", "borderWidth": 0, "opacity": 1}
    return {
        "value": [0 if wide else cell["column"] + 0.5, cell["row"] + 0.5],
        "symbolSize": [width, 22],
        "symbolOffset": ["50%", 0] if wide else [0, 0],
        "itemStyle": look,
        "label": label,
        "select": {"itemStyle": look, "label": label},
    }


def _alt(seen: Inspection) -> str:
    """Describe the strip to those who do not see it."""
    parts = []
    for state, words in states(seen).items():
        found = [turns(block.turns) for block in seen.view.blocks if block.state == state]
        if found:
            parts.append(f"{words}: {', '.join(found[:6])}{' and others' if len(found) > 6 else ''}")
    return f"Strip of turns. {'; '.join(parts)}."
