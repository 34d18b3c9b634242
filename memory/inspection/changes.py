"""What changed between two turns: the turns sent, the notes, the instructions, the memory; and what differs in a text.

    >>> [(change.kind, change.what) for change in changes(at_turn_4, at_turn_5)]
    [('came', 'turns'), ('gist', 'turns'), ('note', 'summary:3')]
    >>> differences("Alex likes tea.", "Alex likes green tea.")
    (('=', 'Alex likes'), ('+', ' green'), ('=', ' tea.'))

Pure: it compares what traces and notes say and asks neither a store nor a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from memory.base import Note, Span
from memory.trace import Trace

Kind = Literal[
    "memory", "setting", "model", "instructions", "came", "gist", "left", "note", "edit", "forget", "reflect"
]
Piece = tuple[Literal["=", "+", "-"], str]
"""A part of two texts: in both, only in the second, only in the first."""

MOST_WORDS = 5000
"""Texts of more words together are compared line by line; the time grows with the product of their lengths."""
# Scripts that put no blanks between words are compared letter by letter.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Moment:
    """A turn as it was asked: its trace, the notes that the memory had then, by id, and the instructions as sent."""

    trace: Trace
    notes: Mapping[str, Note]
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two moments.

    `what` names it: a setting, or a note by its newest ref. `before` and `after` are its texts, empty where it was
    not there. `turns` are those that came into the prompt, left it, or left it with their gist in a note. `event` is
    the trace of an edit, a forgetting or a reflection.
    """

    kind: Kind
    what: str
    before: str = ""
    after: str = ""
    turns: tuple[Span, ...] = ()
    event: Trace | None = None


def changes(old: Moment, new: Moment, events: Iterable[Trace] = ()) -> list[Change]:
    """List what is different at `new`, the later one; `events` are those of the thread, of any time and kind."""
    found = [*_memory(old.trace, new.trace), *_turns(old.trace, new.trace)]
    if old.instructions != new.instructions:
        found.append(Change("instructions", "instructions", old.instructions, new.instructions))
    found += notes_changed(old.notes, new.notes)
    found += [
        Change(event.kind, event.kind, event=event)
        for event in events
        if event.kind in ("edit", "forget", "reflect") and old.trace.turn < event.turn <= new.trace.turn
    ]
    return found


def notes_changed(old: Mapping[str, Note], new: Mapping[str, Note]) -> list[Change]:
    """List the notes that were written, rewritten or dropped, the newest first."""
    found: list[tuple[int, Change]] = []
    for id in {**old, **new}:
        before, after = old.get(id), new.get(id)
        said, says = before.text if before else "", after.text if after else ""
        if said != says:
            newest = after or before
            assert newest
            found.append((newest.since, Change("note", newest.ref, said, says)))
    return [change for _, change in sorted(found, key=lambda one: -one[0])]


def _memory(old: Trace, new: Trace) -> list[Change]:
    found = [Change("memory", "memory", old.memory, new.memory)] if old.memory != new.memory else []
    if old.memory == new.memory:
        names = list({**old.settings, **new.settings})
        values = [(name, _value(old.settings, name), _value(new.settings, name)) for name in names]
        found += [Change("setting", *one) for one in values if one[1] != one[2]]
    if old.model != new.model:
        found.append(Change("model", "model", old.model, new.model))
    return found


def _value(settings: Mapping[str, object], name: str) -> str:
    return json.dumps(settings[name], ensure_ascii=False, default=str) if name in settings else ""


def _turns(old: Trace, new: Trace) -> list[Change]:
    """Say which turns the prompt has come to hold and which it holds no more."""
    came, gone = minus(sent(new), sent(old)), minus(sent(old), sent(new))
    gist = merged(left.turns for left in new.left_out if left.kind == "summary")
    left = minus(gone, gist)
    parts: tuple[tuple[Kind, list[Span]], ...] = (("came", came), ("gist", minus(gone, left)), ("left", left))
    return [Change(kind, "turns", turns=tuple(of)) for kind, of in parts if of]


# --- spans of turns ---------------------------------------------------------------------------------------------------


def sent(trace: Trace | None) -> list[Span]:
    """Return the turns that a prompt held, in part or whole."""
    return merged(item.turns for item in trace.items if item.turns) if trace else []


def merged(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and join those that touch."""
    found: list[Span] = []
    for first, end in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        elif first < end:
            found.append((first, end))
    return found


def minus(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Take away from spans what others cover, both as `merged` returns them."""
    found: list[Span] = []
    place = 0
    for first, end in spans:
        while place < len(others) and others[place][1] <= first:
            place += 1
        at = place
        while at < len(others) and others[at][0] < end:
            if first < others[at][0]:
                found.append((first, others[at][0]))
            first = max(first, others[at][1])
            at += 1
        if first < end:
            found.append((first, end))
    return found


def listed(spans: Iterable[Span]) -> tuple[int, ...]:
    """Return the single turns of spans."""
    return tuple(turn for first, end in spans for turn in range(first, end))


# --- texts ------------------------------------------------------------------------------------------------------------


def differences(before: str, after: str) -> tuple[Piece, ...]:
    """Compare two texts word by word; what is not "+" is `before`, what is not "-" is `after`, in order."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) + len(new) > MOST_WORDS:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if len(old) + len(new) > MOST_WORDS:
        old, new = [before], [after]
    runs = SequenceMatcher(str.isspace, old, new).get_opcodes()
    return _readable([("".join(old[first:end]), "".join(new[start:stop])) for _, first, end, start, stop in runs])


def _readable(runs: Sequence[tuple[str, str]]) -> tuple[Piece, ...]:
    """Join changes with what is the same between them where that is shorter than both: it stayed by chance."""
    pieces: list[Piece] = []
    gone = come = ""
    for place, (before, after) in enumerate(runs):
        size = 0 if place in (0, len(runs) - 1) else min(max(map(len, runs[place - 1])), max(map(len, runs[place + 1])))
        if before == after and len(before.strip()) >= size:
            pieces += [*_changed(gone, come), ("=", before)]
            gone = come = ""
        else:
            gone, come = gone + before, come + after
    return (*pieces, *_changed(gone, come))


def _changed(gone: str, come: str) -> list[Piece]:
    pieces: list[Piece] = [("-", gone), ("+", come)]
    return [piece for piece in pieces if piece[1]]
