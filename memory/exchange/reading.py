"""Reads a file of ours into a package that is sound in every part, or says what is wrong with it and where.

    >>> len(read(export_user(store, user)).threads)
    3

Three looks, each at what the one before let through: is it JSON within bounds (`bounded_json`), has every part its
type (here), and does one part fit the others (`checks`)?
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from memory.base import Note, Turn
from memory.catalog import load
from memory.errors import BadInput
from memory.exchange.bounded_json import parse
from memory.exchange.bounds import ID, LARGEST, LAST_TIME, bound, name_of, wrong
from memory.exchange.checks import check_message, check_span, check_trace
from memory.exchange.package import FORMAT, VERSION, Content, Package, tally
from memory.exchange.pictures import check_bytes
from memory.exchange.remembered import MOST_ITEMS, Entry, checked
from memory.preferences import Preferences
from memory.store import Thread
from memory.stores.trace_rows import Stored
from memory.trace import Trace, text_hash

MAX_THREADS = 10_000
_LARGEST_SUM = 10**18


def read(data: bytes) -> Package:
    """Read a file of ours; raises BadInput with the place of the first thing that is wrong."""
    value = parse(data)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise BadInput('This is not an export of the Memory Inspector: choose a file that its "Export" made.')
    if isinstance(value.get("version"), int) and value["version"] > VERSION:
        raise BadInput(
            f"This file has version {value['version']} of the format and this program knows version {VERSION}: "
            "update the program."
        )
    if value.get("version") != VERSION:
        raise wrong("version", f"must be {VERSION}")
    try:
        file = _File.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        said = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise wrong(name_of(first["loc"]), said[:1].lower() + said[1:]) from None
    del value
    notices: list[str] = []
    threads = tuple(_content(entry, f"threads[{place}]", notices) for place, entry in enumerate(file.threads))
    preferences = None if file.preferences is None else Preferences.of(file.preferences)
    return Package(threads, preferences, checked(file.remembered), tuple(notices))


class _Entry(BaseModel):
    # Without it the words "nan" and "inf" would pass for numbers.
    model_config = ConfigDict(allow_inf_nan=False)

    thread: Thread
    turns: Annotated[list[Turn], FailFast()] = Field(default_factory=list)
    traces: Annotated[list[Stored], FailFast()] = Field(default_factory=list)
    events: Annotated[list[Stored], FailFast()] = Field(default_factory=list)
    notes: dict[str, Note] = Field(default_factory=dict)
    texts: dict[str, str] = Field(default_factory=dict)
    pictures: dict[str, str] = Field(default_factory=dict)


class _File(BaseModel):
    threads: Annotated[list[_Entry], FailFast(), Field(max_length=MAX_THREADS)]
    preferences: dict[str, Any] | None = None
    remembered: Annotated[list[Entry], FailFast(), Field(max_length=MOST_ITEMS)] = Field(default_factory=list)


def _content(entry: _Entry, place: str, notices: list[str]) -> Content:
    """Check what the types cannot say, and give ids and texts their names."""
    thread, length = entry.thread, len(entry.turns)
    if not ID.fullmatch(thread.id):
        thread = replace(thread, id=uuid.uuid4().hex[:16])
    bound(f"{place}.thread.title", len(thread.title), 0, 500, "characters")
    for name in ("created", "updated"):
        bound(f"{place}.thread.{name}", getattr(thread, name), 0, LAST_TIME, "seconds since 1970")
    thread = replace(thread, updated=min(thread.updated, time.time()))
    try:
        load().make(thread.memory, thread.settings)
    except Exception:  # a plug-in may raise anything
        usual = Thread(thread.id)
        notices.append(f"{place}: its memory is not here or has other settings; it now has {usual.memory}.")
        thread = replace(thread, memory=usual.memory, settings=usual.settings)
    turns = _turns(entry.turns, place)
    if not entry.traces:
        entry.traces = [Trace("import", 0, turn.id, turn.at) for turn in turns]
    if len(entry.traces) != length:
        raise wrong(f"{place}.traces", f"has {len(entry.traces):,} entries for {length:,} turns")
    texts = {hash: text_hash(text) for hash, text in entry.texts.items()}
    traces, sums = [], dict[str, int]()
    for kind, rows in (("traces", entry.traces), ("events", entry.events)):
        for index, trace in enumerate(rows):
            check_trace(trace, f"{place}.{kind}[{index}]", kind == "events", turns)
            tally(sums, trace)
            if trace.texts:
                trace = replace(trace, texts={ref: texts.get(hash, hash) for ref, hash in trace.texts.items()})
            if kind == "traces" and (trace.turn, trace.turn_id) != (index, turns[index].id):
                trace = replace(trace, turn=index, turn_id=turns[index].id)
            traces.append(trace)
    for name, amount in sums.items():
        bound(f"{place}.traces", amount, 0, _LARGEST_SUM, f"in all as {name}")
    for ref, note in entry.notes.items():
        where = f"{place}.notes[{ref}]"
        key, _, own = ref.rpartition("/")
        if not key or own != note.ref:
            raise wrong(where, "must be named by its memory, id and version, as …/summary:1 is")
        bound(f"{where}.version", note.version, 1, LARGEST)
        bound(f"{where}.since", note.since, 0, length, "turns")
        bound(f"{where}.edited", note.edited or 0, 0, length, "turns")
        check_span(f"{where}.turns", note.turns, length)
    named = {texts[hash]: text for hash, text in entry.texts.items()}
    pictures = {id: check_bytes(id, text, f"{place}.pictures[{id}]") for id, text in entry.pictures.items()}
    return Content(thread, turns, tuple(traces[:length]), tuple(traces[length:]), entry.notes, named, pictures)


def _turns(rows: Sequence[Turn], place: str) -> tuple[Turn, ...]:
    """Check turns; an id that cannot stand, or stands already, is given way to a new one."""
    seen: set[str] = set()
    turns: list[Turn] = []
    for index, turn in enumerate(rows):
        where = f"{place}.turns[{index}]"
        bound(f"{where}.at", turn.at, 0, LAST_TIME, "seconds since 1970")
        for number, message in enumerate(turn.messages):
            check_message(message, f"{where}.messages[{number}]")
        id = turn.id if ID.fullmatch(turn.id) and turn.id not in seen else uuid.uuid4().hex[:16]
        seen.add(id)
        turns.append(turn if (turn.id, turn.index) == (id, index) else replace(turn, id=id, index=index))
    return tuple(turns)
