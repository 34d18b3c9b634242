"""To N turns: what this conversation will have cost with each memory, and from which turn on one is the dearer.

Arithmetic over its own averages (memory/money/projection.py); nothing is asked of a model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pandas as pd
import streamlit as st

from memory.base import Memory
from memory.catalog import load
from memory.errors import BadInput
from memory.inspection.inspect import Inspection
from memory.money.averages import Averages, averages
from memory.money.prices import dollars, priced_models
from memory.money.projection import Crossing, Line, crossings, project, unknown
from pages.ui.compare.marks import DASHES, SYMBOLS, colour_of
from pages.ui.cost_table import table
from pages.ui.words import colour, escaped, model_name, number, plural, tokens

LEAST, USUAL, MOST = 10, 150, 1000
"""The fewest, the usual and the most turns that the slider offers."""
OTHERS = ("ConversationBufferMemory", "ConversationBufferWindowMemory", "ConversationSummaryMemory")
MOST_LINES = 6
"""How many memories a chart can tell apart."""
POINTS = 150
"""How many points of a line are drawn."""
_SIZES = {"system": "instructions", "user": "your message", "assistant": "an answer", "summary": "a summary"}
_COUNTED = {"caching counted": True, "caching ignored": False}


def draw(seen: Inspection) -> None:
    """Draw the section: a sentence, the chart, a table, and what it rests on."""
    of, mine = averages(seen.recent, seen.events), load().memories.get(seen.trace.memory)
    if of is None or mine is None:
        return
    memory = load().make(seen.trace.memory, dict(seen.trace.settings))
    with st.container(gap="xsmall", key="panel_projection"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown("**Projection**", width="content")
            counted = st.segmented_control(
                "Whether prompt caching is counted",
                list(_COUNTED),
                default="caching counted",
                required=True,
                key="panel_projection_counted",
                label_visibility="collapsed",
                persist_state="session",
            )
        turns = st.slider("Turns", LEAST, MOST, USUAL, 10, key="panel_projection_turns", persist_state="session")
        knobs = _knobs(seen, of, memory)
        lines, refused = _lines(knobs, memory, int(turns))
        _sentences(lines, knobs, _COUNTED[counted or "caching counted"])
        if lines[0].costs is not None:
            _chart(lines, _COUNTED[counted or "caching counted"])
        _table(lines)
        for said in (*refused, *_notes(lines)):
            st.caption(escaped(said))


@dataclass(frozen=True, slots=True)
class _Knobs:
    """What can be set: the sizes of a turn, whose prices, how often the cache holds (0 to 1), and which memories."""

    of: Averages
    model: str
    hit: float
    pauses: float
    others: Sequence[str]


def _knobs(seen: Inspection, of: Averages, memory: Memory) -> _Knobs:
    """Let everything be changed that the projection rests on; it is drawn below, in a part that opens."""
    model = seen.trace.priced_as
    labels = {name: cls.label for name, cls in load().memories.items() if name != memory.name}
    with st.expander(_rests_on(of), type="compact", key="panel_projection_knobs"):
        st.caption(escaped(f"Sizes are {of.of}. Change them here to see what that would make of it."))
        names = [model, *(name for name in priced_models() if name != model)]
        chosen = st.selectbox(
            "Priced as", names, format_func=model_name, key="panel_projection_model", persist_state="session"
        )
        hit = st.slider(
            "Hit rate of the cache (%)", 0, 100, 100, 5, key="panel_projection_hit", persist_state="session"
        )
        pauses = st.slider(
            "Turns after a pause that the cache does not outlive (%)",
            0,
            100,
            0,
            5,
            key="panel_projection_pauses",
            persist_state="session",
        )
        typed = _sizes(of, seen.thread)
        others = st.pills(
            f"Compared with, at most {MOST_LINES - 1}",
            list(labels),
            selection_mode="multi",
            default=[name for name in OTHERS if name in labels],
            format_func=lambda name: escaped(labels[name]),
            key=f"panel_projection_others_{memory.name}",
            persist_state="session",
        )
    return _Knobs(replace(of, **typed), chosen or model, hit / 100, pauses / 100, others[: MOST_LINES - 1])


def _sizes(of: Averages, thread: str) -> dict[str, int]:
    """Let the sizes be typed, two beside each other."""
    typed: dict[str, int] = {}
    for pair in (("system", "user"), ("assistant", "summary")):
        for column, name in zip(st.columns(2), pair, strict=True):
            key = f"panel_projection_{name}_{thread}"
            typed[name] = column.number_input(f"Tokens of {_SIZES[name]}", 0, 100_000, getattr(of, name), key=key)
    return typed


def _rests_on(of: Averages) -> str:
    return f"Of turns with {of.user:,} + {tokens(of.assistant)}, after {of.system:,} of instructions"


def _lines(knobs: _Knobs, memory: Memory, turns: int) -> tuple[list[Line], list[str]]:
    """Project this memory and the others; say which cannot be."""
    lines, refused, of = [], [], _frozen(knobs.of)
    for name in (memory.name, *knobs.others):
        settings = memory.settings.model_dump(mode="json") if name == memory.name else {}
        try:
            lines.append(_kept(name, json.dumps(settings), of, turns, knobs.model, knobs.hit, knobs.pauses))
        except BadInput as error:
            if name == memory.name:
                raise
            refused.append(f"{load().memories[name].label} is not drawn: {error}.")
    return lines, refused


@lru_cache(maxsize=200)
def _kept(name: str, settings: str, of: str, turns: int, model: str, hit: float, pauses: float) -> Line:
    """Project once what is drawn again with every move of another knob."""
    row = json.loads(of)
    sizes = Averages(**{**row, "own": {key: tuple(sizes) for key, sizes in row["own"].items()}})
    return project(load().make(name, json.loads(settings)), sizes, turns, model, hit, pauses)


def _frozen(of: Averages) -> str:
    return json.dumps({name: _plain(getattr(of, name)) for name in Averages.__dataclass_fields__})


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


# --- words and figures ------------------------------------------------------------------------------------------------


def _label(line: Line) -> str:
    """Name a memory, with the setting by which two of a kind differ."""
    settings = line.memory.settings.model_dump()
    k = f" k = {settings['k']}" if "k" in settings and line.memory.name == "ConversationBufferWindowMemory" else ""
    step = f", step = {settings['step']}" if settings.get("step", 1) > 1 else ""
    return f"{line.memory.label}{k}{step}"


def _costs(line: Line, counted: bool) -> tuple[Decimal, ...] | None:
    return line.costs if counted else line.costs_uncached


def _crossed(lines: Sequence[Line], counted: bool) -> list[tuple[Line, Line, Crossing]]:
    """Find the last crossing of this memory's line with each of the others."""
    mine, found = _costs(lines[0], counted), []
    for other in lines[1:]:
        theirs = _costs(other, counted)
        crossed = crossings(mine, theirs) if mine and theirs else []
        if crossed:
            found.append((lines[0], other, crossed[-1]))
    return found


def _sentences(lines: Sequence[Line], knobs: _Knobs, counted: bool) -> None:
    """Say from which turn on which memory is the dearer."""
    for sentence in unknown(knobs.model):
        st.markdown(escaped(sentence))
    said = []
    for mine, other, crossing in _crossed(lines, counted):
        dearer, cheaper = (mine, other) if crossing.dearer == 0 else (other, mine)
        said.append(
            f"{escaped(_label(dearer))} costs more than {escaped(_label(cheaper))} from **turn {crossing.turn:,}** on."
        )
    if said:
        st.markdown(" ".join(said))
    elif len(lines) > 1 and _costs(lines[0], counted):
        st.markdown(f"In {plural(len(lines[0].prompts), 'turn')} this memory's line crosses none of the others.")


def _table(lines: Sequence[Line]) -> None:
    """Show each memory's figures at the last turn."""
    turns = len(lines[0].prompts)
    rows = [
        (
            _label(line),
            dollars(line.costs[-1] if line.costs else None),
            dollars(line.costs_uncached[-1] if line.costs_uncached else None),
            number(line.prompts[-1]),
        )
        for line in lines
    ]
    names = [f"at turn {turns:,}", "cost", "no cache", "prompt"]
    alt = f"Projected cost of each memory after {turns:,} turns, with prompt caching and without"
    table(pd.DataFrame(rows, columns=names), alt, (104, 64, 64, 58))


def _notes(lines: Sequence[Line]) -> list[str]:
    """Say what was assumed, and whose prompts fill the model's window."""
    said = [
        f"{_label(line)}: {dollars(line.own)} of it are {plural(line.own_calls, 'call')} of its own."
        for line in lines
        if line.own_calls
    ]
    said += [f"{_label(line)}: assumed that {line.assumption}." for line in lines if line.assumption]
    said += [
        f"{_label(line)}: from turn {line.full:,} on the model's window is full and old turns stay out."
        for line in lines
        if line.full
    ]
    return [
        *said,
        "Cost of prompts, answers and the memory's own calls from the first turn on; embeddings are not in it.",
    ]


# --- chart ------------------------------------------------------------------------------------------------------------


def _chart(lines: Sequence[Line], counted: bool) -> None:
    """Draw the cumulative costs, the crossings with this memory's line marked."""
    turns = len(lines[0].prompts)
    at = sorted({1 + round(place * (turns - 1) / (POINTS - 1)) for place in range(POINTS)})
    grey = colour("gray", "TextColor")
    axis = {"axisLabel": {"fontSize": 12, "color": grey}, "axisTick": {"show": False}}
    series = []
    for place, line in enumerate(lines):
        costs = _costs(line, counted) or ()
        paint = colour_of(place)
        series.append(
            {
                "type": "line",
                "name": _label(line),
                "showSymbol": False,
                "symbol": SYMBOLS[place],
                "lineStyle": {"width": 2, "type": DASHES[place], "color": paint},
                "itemStyle": {"color": paint},
                "emphasis": {"disabled": True},
                "data": [[turn, float(costs[turn - 1])] for turn in at],
            }
        )
    marks = [
        {
            "value": [crossing.turn, float((_costs(mine, counted) or ())[crossing.turn - 1])],
            "label": {"formatter": f"{crossing.turn:,}"},
        }
        for mine, _, crossing in _crossed(lines, counted)
    ]
    series.append(
        {
            "type": "scatter",
            "name": "crossing",
            "symbolSize": 9,
            "itemStyle": {"color": colour("background"), "borderColor": colour("text"), "borderWidth": 2, "opacity": 1},
            "label": {"show": True, "position": "top", "fontSize": 12, "color": colour("text")},
            "z": 5,
            "data": marks,
        }
    )
    spec = {
        "animation": False,
        "legend": {
            "data": [_label(line) for line in lines],
            "left": 0,
            "top": 0,
            "itemWidth": 28,
            "itemGap": 12,
            "selectedMode": False,
            "textStyle": {"fontSize": 12, "color": colour("text")},
        },
        "grid": {"left": 4, "right": 14, "top": 30 + 20 * (len(lines) > 3), "bottom": 20, "containLabel": True},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "line"}},
        "xAxis": {
            "type": "value",
            "min": 0,
            "max": turns,
            "name": "turn",
            "nameLocation": "middle",
            "nameGap": 22,
            "nameTextStyle": {"color": grey, "fontSize": 12},
            "axisLine": {"lineStyle": {"color": colour("border")}},
            "splitLine": {"show": False},
            "splitNumber": 4,
            **axis,
        },
        "yAxis": {
            "type": "value",
            "splitNumber": 3,
            "splitLine": {"lineStyle": {"color": colour("border")}},
            **axis,
            "axisLabel": {"fontSize": 12, "color": grey, "formatter": "${value}"},
        },
        "series": series,
    }
    last = [f"{_label(line)} {dollars((_costs(line, counted) or (None,))[-1])}" for line in lines]
    how = "with prompt caching" if counted else "without prompt caching"
    alt = f"Cumulative cost to turn {turns:,} {how}: {', '.join(last)}."
    st.echarts_chart(spec, height=220, renderer="svg", alt=alt, key="panel_projection_chart")
