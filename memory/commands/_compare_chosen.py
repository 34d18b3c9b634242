"""Which memories a comparison has, as they were named: one by one, or one setting over several values.

>>> [column.spec for column in chosen(["buffer"], ["window:k=1..3"]).columns]
['ConversationBufferMemory', 'ConversationBufferWindowMemory:k=1', …]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memory.catalog import load
from memory.commands._given import memory_of
from memory.compare.estimate import asks_a_model
from memory.compare.experiment import Column, Sweep
from memory.compare.sweeps import Group, laid_out, read_values, span
from memory.errors import BadInput

_NUMBER = r"(-?\d{1,12}(?:\.\d{1,12})?)"
_RANGE = re.compile(rf"{_NUMBER}\.\.{_NUMBER}(?:\.\.{_NUMBER})?", re.ASCII)
_EXAMPLE = "such as window:k=1..20, vector:k=5..50..5 (in steps of 5) or 'vector:k=2|5|10'"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The columns in their order, and which of them belong to a sweep."""

    columns: tuple[Column, ...]
    sweeps: tuple[Sweep, ...] = ()

    @property
    def names(self) -> list[str]:
        """Name each column as the command line has it, by the memory's short name."""
        memories = load().memories
        return [Column(memories[one.memory].short, one.settings).spec for one in self.columns]


def chosen(memories: Sequence[str], sweeps: Sequence[str]) -> Chosen:
    """Read what was named; where nothing was, every memory that calls no model. Raises BadInput."""
    groups = [_memory(spec) for spec in memories]
    for spec in sweeps:
        try:
            groups.append(_sweep(spec))
        except BadInput as error:
            raise BadInput(f"--sweep {spec}: {error}") from None
    groups = groups or [Group(name) for name in load().memories if not asks_a_model(name)]
    return Chosen(*laid_out(groups))


def _memory(spec: str) -> Group:
    memory = memory_of(spec)
    return Group(memory.name, dict(Column.of(memory).settings))


def _sweep(spec: str) -> Group:
    name, settings = load().read(spec)
    written = {key: values for key, value in settings.items() if (values := _values(value))}
    if len(written) != 1:
        many = f"{len(written)} settings have several values, and one is swept" if written else "it has no range"
        raise BadInput(f"{many}; write one, {_EXAMPLE}.")
    [(setting, values)] = written.items()
    rest = {key: value for key, value in settings.items() if key != setting}
    first = load().make(name, {**rest, setting: values[0]})
    others = {key: value for key, value in Column.of(first).settings.items() if key != setting}
    return read_values(Group(first.name, others, setting), values)


def _values(written: object) -> list[str]:
    """Read a range or a list; nothing where it is a single value."""
    if not isinstance(written, str):
        return []
    if "|" in written:
        return [value for value in (one.strip() for one in written.split("|")) if value]
    found = _RANGE.fullmatch(written.strip())
    if not found:
        return []
    first, last, step = found.groups()
    if step is None and not (first.lstrip("-").isdigit() and last.lstrip("-").isdigit()):
        raise BadInput(f"{written} has no step between its numbers: write {written}..0.1 for steps of 0.1.")
    return span(first, last, step or "1")
