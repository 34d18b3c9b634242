"""What a file holds: a package of threads, each with all that belongs to it.

    >>> Package((Content(Thread("a", "Paris"), turns),), Preferences(budget=900))

A reader of another format makes one and gives it to `bring_in`; it needs nothing else of this folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from memory.base import Note, Turn
from memory.longterm.rows import Row
from memory.money.totals import additions
from memory.preferences import Preferences
from memory.store import Thread
from memory.trace import Trace

FORMAT, VERSION = "memory-inspector", 1


@dataclass(frozen=True, slots=True)
class Content:
    """A thread with all that belongs to it, sound in every part; its id is only a name within its package."""

    thread: Thread
    turns: tuple[Turn, ...] = ()
    traces: tuple[Trace, ...] = ()
    events: tuple[Trace, ...] = ()
    notes: Mapping[str, Note] | None = None
    texts: Mapping[str, str] | None = None
    pictures: Mapping[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """What a file holds; `remembered` across its threads; `notices` say what was changed in it, a sentence each."""

    threads: tuple[Content, ...]
    preferences: Preferences | None = None
    remembered: tuple[Row, ...] = ()
    notices: tuple[str, ...] = ()


def tally(counted: dict[str, int], trace: Trace) -> None:
    """Add what a trace's calls come to, to sums by name."""
    for name, amount in additions(trace.calls).items():
        counted[name] = counted.get(name, 0) + amount
