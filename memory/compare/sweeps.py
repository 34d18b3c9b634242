"""The memories of a comparison as they are chosen: one with its settings, or with one setting over several values.

    >>> group = Group("VectorStoreRetrieverMemory", setting="k", values=(2, 5, 10, 20))
    >>> str(group), [column.spec for column in group.columns()][:2]
    ('vector k = 2, 5, 10, 20', ['VectorStoreRetrieverMemory:k=2', 'VectorStoreRetrieverMemory:k=5'])
    >>> span("0.1", "0.3", "0.1")
    ['0.1', '0.2', '0.3']

Values are written as text until the memory itself has read them, which knows its bounds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from memory.catalog import load
from memory.compare.experiment import MOST_RUNS, Column, Experiment, Sweep
from memory.errors import BadInput

_PLACES = 30
"""How many digits a number may have before or behind its point; far more could not even be counted through."""


@dataclass(frozen=True, slots=True)
class Group:
    """A memory with the settings that differ from its defaults; with `setting`, once for each of its `values`."""

    memory: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    setting: str = ""
    values: tuple[Any, ...] = ()
    model: str = ""

    def columns(self) -> tuple[Column, ...]:
        """Make its columns; raises BadInput where a memory or a setting cannot be so.

        The setting of a sweep stands in each, also where it is the usual one.
        """
        if not self.setting:
            return (Column.of(load().make(self.memory, dict(self.settings)), self.model),)
        if not self.values:
            raise BadInput(f"{self.label} has no values for {self.setting}: write some, as in 2, 5, 10.")
        made = [load().make(self.memory, {**self.settings, self.setting: value}) for value in self.values]
        columns = []
        for memory, value in zip(made, self.values, strict=True):
            others = {name: one for name, one in Column.of(memory).settings.items() if name != self.setting}
            columns.append(Column(memory.name, {**others, self.setting: value}, self.model))
        return tuple(columns)

    @property
    def label(self) -> str:
        """The memory's name in the selector."""
        known = load().memories.get(self.memory)
        return known.label if known else self.memory

    @property
    def said(self) -> str:
        """What differs from the defaults and what is tried, "" where nothing does."""
        parts = [f"{name} = {_written(value)}" for name, value in self.settings.items() if name != self.setting]
        if self.setting:
            parts.append(f"{self.setting} = {', '.join(map(_written, self.values))}")
        return "; ".join(parts)

    def __str__(self) -> str:
        known = load().memories.get(self.memory)
        return f"{known.short if known else self.memory} {self.said}".rstrip()


def laid_out(groups: Iterable[Group]) -> tuple[tuple[Column, ...], tuple[Sweep, ...]]:
    """Return all columns in their order, each once, and which of them are a sweep; raises BadInput."""
    columns: list[Column] = []
    sweeps: list[Sweep] = []
    known: set[str] = set()
    for group in groups:
        new = []
        for column in group.columns():
            name = f"{column.memory} {column.model} {column.open().settings.model_dump_json()}"
            if name not in known:
                known.add(name)
                new.append(column)
        if group.setting and len(new) > 1:
            sweeps.append(Sweep(group.setting, len(columns), len(columns) + len(new)))
        columns += new
        if len(columns) > MOST_RUNS:
            raise BadInput(
                f"More than {MOST_RUNS} memories and settings are chosen: take one out, or give a range fewer values."
            )
    return tuple(columns), tuple(sweeps)


def groups_of(experiment: Experiment) -> list[Group]:
    """Return what an experiment's columns were chosen as, so that it can be changed and run again."""
    groups: list[Group] = []
    place = 0
    while place < len(experiment.columns):
        column = experiment.columns[place]
        group = Group(column.memory, dict(column.settings), model=column.model)
        end = place + 1
        if sweep := next((one for one in experiment.sweeps if one.first == place), None):
            end = sweep.end
            rest = {name: value for name, value in column.settings.items() if name != sweep.setting}
            values = tuple(
                one.open().settings.model_dump(mode="json")[sweep.setting] for one in experiment.columns[place:end]
            )
            group = replace(group, settings=rest, setting=sweep.setting, values=values)
        groups.append(group)
        place = end
    return groups


def listed(text: str) -> list[str]:
    """Split a typed list at its commas (or semicolons)."""
    return [part for part in (one.strip() for one in text.replace(";", ",").split(",")) if part]


def span(first: str, last: str, step: str) -> list[str]:
    """Write the numbers from `first` to `last`, both included where the steps meet it; raises BadInput."""
    try:
        begin, end, by = (Decimal(one.strip()) for one in (first, last, step))
        sound = all(one.is_finite() and (not one or abs(one.adjusted()) <= _PLACES) for one in (begin, end, by))
    except InvalidOperation:
        sound = False
    if not sound or by <= 0 or begin > end:
        raise BadInput("A range goes from a number to one that is not less, by a step above 0: correct it.")
    count = int((end - begin) / by) + 1
    if count > MOST_RUNS:
        raise BadInput(f"That range has {count:,} values and at most {MOST_RUNS} are run: take a larger step.")
    return [format((begin + by * number).normalize(), "f") for number in range(count)]


def read_values(group: Group, written: Sequence[str]) -> Group:
    """Return the group with the values of its setting as its memory reads them, each once; raises BadInput."""
    if len(written) > MOST_RUNS:
        raise BadInput(f"{len(written):,} values are written and at most {MOST_RUNS} are run: write fewer.")
    values: list[Any] = []
    for text in written:
        value = None if text == AUTOMATIC else text
        memory = load().make(group.memory, {**group.settings, group.setting: value})
        read = memory.settings.model_dump(mode="json")[group.setting]
        if read not in values:
            values.append(read)
    return replace(group, values=tuple(values))


AUTOMATIC = "automatic"
"""How the value of a setting that is left to the memory is written."""


def _written(value: Any) -> str:
    if value is None:
        return AUTOMATIC
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
