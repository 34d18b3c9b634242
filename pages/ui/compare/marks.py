"""Letter, symbol, dash and colour of every column of a comparison: who is who, in tables, cards and charts.

    >>> [mark.name for mark in marks_of([Column("ConversationBufferMemory"), Column("ConversationBufferWindowMemory")])]
    ['A Buffer', 'B Window k 5']

The columns of a sweep are one memory, so they share a letter and are numbered: B1, B2, ... The first six have letters
and marks of their own; those after are numbered from 7 on and begin with the first colour, symbol and dash again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from memory.catalog import load
from memory.compare.experiment import LETTERS, Column, Sweep
from pages.ui.words import label_of, model_name

SYMBOLS = ("circle", "rect", "triangle", "diamond", "path://M0,0L10,0L5,9Z", "path://M3,0h4v3h3v4h-3v3h-4v-3h-3v-4h3z")
"""The shapes of points, as ECharts names them; the last two are a triangle on its head and a cross."""
DASHES: tuple[str | list[int], ...] = ("solid", "dashed", "dotted", [8, 3, 2, 3], [12, 4], [3, 3, 8, 3])
_MOST = 28
"""Characters of a setting's value."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How a column is told from the others; `setting` says how it is set, "" where it has no settings.

    `short` is the name for the end of a line: with the setting only where another column has the same memory.
    """

    letter: str
    label: str
    setting: str
    place: int
    twice: bool = False

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.letter, self.label, self.setting)))

    @property
    def short(self) -> str:
        return self.name if self.twice else f"{self.letter} {self.label}"

    @property
    def words(self) -> str:
        """The short name without its letter, for sentences."""
        return self.short.partition(" ")[2]

    @property
    def colour(self) -> str:
        return colour_of(self.place)

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.place % len(SYMBOLS)]

    @property
    def dash(self) -> str | list[int]:
        return DASHES[self.place % len(DASHES)]


def marks_of(columns: Sequence[Column], sweeps: Sequence[Sweep] = ()) -> list[Mark]:
    """Give each column its mark, in the order of the columns."""
    firsts = {place: sweep for sweep in sweeps for place in range(sweep.first, sweep.end)}
    counts = Counter(column.memory for column in columns)
    models = len({column.model for column in columns}) > 1
    found: list[Mark] = []
    group, before = -1, None
    for place, column in enumerate(columns):
        sweep = firsts.get(place)
        group += sweep is None or sweep is not before
        before = sweep
        letter = LETTERS[group] if group < len(LETTERS) else str(group + 1)
        if sweep is not None:
            letter += ("" if letter in LETTERS else ".") + str(place - sweep.first + 1)
        said = settings_of(column, sweep.setting if sweep else "")
        if models and column.model:
            said = ", ".join(filter(None, (said, model_name(column.model))))
        found.append(Mark(letter, label_of(column.memory), said, group, counts[column.memory] > 1))
    return found


def colour_of(place: int) -> str:
    """Name the colour of the column or group at a place, which follows the theme by CSS."""
    light, dark = (st.get_option(f"theme.{theme}.chartCategoricalColors") for theme in ("light", "dark"))
    return f"light-dark({light[place % len(light)]},{dark[place % len(dark)]})"


def settings_of(column: Column, swept: str = "") -> str:
    """Say how a column is set: what differs from the defaults, what is swept; else the memory's first setting."""
    cls = load().memories.get(column.memory)
    usual: Mapping[str, Any] = cls().settings.model_dump(mode="json") if cls else {}
    shown = dict(column.settings)
    if swept in usual:
        shown = {swept: usual[swept], **shown}
    if not shown:
        shown = {name: value for name, value in list(usual.items())[:1] if isinstance(value, int | float)}
    return ", ".join(f"{name} {_value(value)}" for name, value in shown.items())


def _value(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
