"""What a store is told when something is forgotten in a thread, and what it says of its files afterwards.

    >>> heads = store.heads(user, thread)
    >>> store.forget(user, thread, Removal(heads, event, turn=tombstone, trace=stripped, states=earlier))
    True

It is worked out by `memory/forgetting/removal.py`; a store commits it at once, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memory.base import Note, State, Turn
from memory.trace import Trace

if TYPE_CHECKING:
    from memory.store import Thread


@dataclass(frozen=True, slots=True)
class Heads:
    """What every memory made of a thread, as one read sees it: states with their revisions, by memory key.

    `epoch`, `length` and `writes` tell whether anything was written to the thread since. `pending` messages are on
    their way, and `cached` answers are kept of the user's memories that can be asked for again.
    """

    thread: Thread
    epoch: str
    length: int
    writes: int
    states: Mapping[str, State]
    revisions: Mapping[str, str]
    pending: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Removal:
    """What forgetting a turn or a note changes in its thread: all at once, if nothing was written since `read`.

    `event` says what was forgotten. `turn` is a tombstone and `trace` what is left of its trace, None where it is no
    turn. `states` are put by memory key; `written` notes and `kept` texts are put, `notes` and `texts` removed, all as
    the store names them; `traces` of later turns change, by index, and `events` are all earlier events where one of
    them changes. `edits` is how many edits of each memory's notes hold, `title` another title for the thread. The
    bytes of `pictures` go.
    """

    read: Heads
    event: Trace
    turn: Turn | None = None
    trace: Trace | None = None
    states: Mapping[str, State] = field(default_factory=dict)
    written: Mapping[str, Note] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    traces: Mapping[int, Trace] = field(default_factory=dict)
    events: tuple[Trace, ...] = ()
    edits: Mapping[str, int] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of a store's files: `done` where they were written anew, `said` in a sentence for the receipt.

    `here` says whether they are this app's own, to be looked into.
    """

    done: bool
    said: str
    here: bool = True
