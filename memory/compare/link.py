"""The settings of an experiment as a text that fits into a link, and back.

    >>> text = to_query(Experiment("e1", "Trip", "replay", (Column("ConversationBufferWindowMemory", {"k": 3}),)))
    >>> text
    'eyJ2IjoxLCJjIjpbWyJ3aW5kb3ciLHsiayI6M31dXX0'
    >>> from_query(text).columns[0].spec
    'ConversationBufferWindowMemory:k=3'

It holds memories, settings, sweeps, models and prices, and what the recording is called: a scenario or a file by name.
It holds no word of a conversation, nobody's id and no key. A link is somebody else's text: each part of it is checked,
and whatever is wrong is told in one sentence.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memory.base import Memory
from memory.catalog import load
from memory.compare.experiment import LEAST_COLUMNS, MOST_COLUMNS, MOST_RUNS, Column, Experiment, Source, Sweep
from memory.errors import BadInput
from memory.exchange.bounded_json import parse
from memory.preferences import LARGEST_BUDGET, Chosen, Name

VERSION = 1
LONGEST = 6_000
"""Characters of such a text; browsers and servers take addresses of 8,000 and more."""

_REMEDY = "ask for the link again"
_USUAL = Experiment("", "", "replay", ())


class _Link(BaseModel):
    """What a link holds, under short names: columns, sweeps, source, models, price, embedding, budget, answer."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    v: Literal[1]
    k: Literal["live", "replay"] = "replay"
    c: Annotated[list[tuple[Chosen, dict[str, Any]] | tuple[Chosen, dict[str, Any], Name]], Field(max_length=MOST_RUNS)]
    w: Annotated[list[tuple[Name, int, int]], Field(max_length=MOST_RUNS)] = []
    s: tuple[Literal["scenario", "file", "thread"], Name] | None = None
    m: Chosen = _USUAL.model
    mm: Name = _USUAL.memory_model
    p: Chosen = _USUAL.price_as
    e: Name = _USUAL.embedding
    b: Annotated[int, Field(strict=True, ge=0, le=LARGEST_BUDGET)] | None = None
    a: Annotated[bool, Field(strict=True)] = False


def to_query(experiment: Experiment) -> str:
    """Write an experiment's settings; raises BadInput where they are too long for a link."""
    memories = load().memories
    columns: list[list[Any]] = []
    for column in experiment.columns:
        known = memories.get(column.memory)
        columns.append([known.short if known else column.memory, dict(column.settings)])
        if column.model:
            columns[-1].append(column.model)
    row: dict[str, Any] = {"v": VERSION, "c": columns}
    if experiment.kind != "replay":
        row["k"] = experiment.kind
    if experiment.sweeps:
        row["w"] = [[sweep.setting, sweep.first, sweep.end] for sweep in experiment.sweeps]
    if source := experiment.source:
        # The title of a conversation is its owner's words.
        row["s"] = [source.kind, "" if source.kind == "thread" else source.name[:200]]
    for short, name in _NAMES.items():
        if (value := getattr(experiment, name)) != getattr(_USUAL, name):
            row[short] = value
    written = json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")
    if len(text) > LONGEST:
        raise BadInput("These settings are too long for a link: compare fewer memories, or with shorter settings.")
    return text


def from_query(text: str) -> Experiment:
    """Read what a link holds, without an id, a title and a conversation; raises BadInput."""
    row = _decoded(text)
    if isinstance(row, dict) and isinstance(row.get("v"), int) and row["v"] != VERSION:
        newer = row["v"] > VERSION
        raise BadInput(
            "The link was made by a newer version of the Memory Inspector: update this one, or "
            f"{_REMEDY} from a version like this."
            if newer
            else f"The link was made by a version that is no longer understood: {_REMEDY}."
        )
    try:
        link = _Link.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"] if not str(part).startswith("tuple"))[:60]
        said = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise BadInput(f"The link is damaged ({_line(place)}: {said[:1].lower()}{said[1:]}): {_REMEDY}.") from None
    if link.e.startswith(("~", ".")) or os.sep in link.e or "/" in link.e:
        raise BadInput(f"The link names an embedding of another computer: {_REMEDY} with one that you have.")
    least, most = (LEAST_COLUMNS, MOST_COLUMNS) if link.k == "live" else (1, MOST_RUNS)
    if not least <= len(link.c) <= most:
        raise BadInput(f"The link names {len(link.c):,} memories and {least} to {most} can be compared: {_REMEDY}.")
    columns = tuple(_column(*one) for one in link.c)
    return Experiment(
        "",
        "",
        link.k,
        columns,
        source=Source(*link.s) if link.s else None,
        sweeps=_sweeps(link, columns),
        **{name: getattr(link, short) for short, name in _NAMES.items()},
    )


_NAMES = {
    "m": "model",
    "mm": "memory_model",
    "p": "price_as",
    "e": "embedding",
    "b": "budget",
    "a": "answer",
}


def _decoded(text: str) -> Any:
    if len(text) > LONGEST:
        raise BadInput(f"The link has {len(text):,} characters and at most {LONGEST:,} are read: {_REMEDY}.")
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return parse(raw)
    except (ValueError, binascii.Error, BadInput):
        raise BadInput(f"The link is damaged or not whole: {_REMEDY}, and copy all of it.") from None


def _column(name: str, settings: dict[str, Any], model: str = "") -> Column:
    try:
        memory: Memory = load().make(name, settings)
    except BadInput as error:
        said = _line(str(error)).rstrip(".")
        raise BadInput(f"The link cannot be used here: {said}; {_REMEDY}.") from None
    read = memory.settings.model_dump(mode="json")
    return Column(memory.name, {name: read[name] for name in settings}, model)


def _sweeps(link: _Link, columns: tuple[Column, ...]) -> tuple[Sweep, ...]:
    sweeps, reached = [], 0
    for setting, first, end in sorted(link.w, key=lambda row: row[1]):
        swept = columns[first:end] if reached <= first < end <= len(columns) else ()
        one = swept[0].open() if len({column.memory for column in swept}) == 1 else None
        if one is None or setting not in type(one).Settings.model_fields:
            raise BadInput(f"The link names a range of settings that does not fit its memories: {_REMEDY}.")
        sweeps.append(Sweep(setting, first, end))
        reached = end
    return tuple(sweeps)


def _line(text: str) -> str:
    line = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return line if len(line) <= 300 else line[:299] + "…"
