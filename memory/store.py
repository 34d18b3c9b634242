"""What a store keeps for a user and how it is asked: the contract of `memory/stores/`.

A turn is two commits. `append` takes the turn with its trace and is always accepted; `put_state` takes what the
memory made of it, if the state is still the one that was read. Both are safe to repeat. Times are seconds since
the epoch. Every method may raise StoreUnavailable; those that change a thread raise ThreadGone where it is deleted.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from memory.base import MOST_MADE, Note, State, Turn
from memory.errors import BadInput
from memory.money.totals import Totals
from memory.pictures.picture import Picture
from memory.stores.experiments import ExperimentStore
from memory.stores.pictures import PictureStore
from memory.stores.rates import RateStore
from memory.stores.removal import Compacted, Heads, Removal
from memory.stores.trace_rows import Stored
from memory.trace import Step, Trace

if TYPE_CHECKING:
    from memory.longterm.shelf import Shelf

UNTITLED = "New chat"
UNDO_SECONDS = 600
"""How long a deleted thread can be restored."""
MOST_CACHED = 5000
"""How many things are kept for a user at most that can be made again; with one more all of them go."""
NOT_LAST = "Only the last answer can be given again; another message has come since. Edit that message instead."
FORGOTTEN_SINCE = (
    "Something in this conversation was forgotten while the answer was on its way. As the answer may repeat it, it was "
    "not kept: send the message again."
)


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as its list shows it; `memory` is the catalogue's name, `settings` that memory's own.

    `parent` and `forked_at` name the thread and the number of turns that this one was forked with. One that is a column
    of a live comparison names that as its `experiment`, and stands in no list of conversations.
    """

    id: str
    title: str = UNTITLED
    created: float = 0.0
    updated: float = 0.0
    memory: str = "ConversationBufferWindowMemory"
    settings: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    forked_at: int | None = None
    experiment: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """A message whose answer is on its way: `text` is what has been said so far, `beat` when it was last heard of.

    It outlives a crash, so that what the user typed is not lost with the process that was answering. `replaces` is
    the turn whose answer was being given again, `step` the one that it is paused before. `pictures` came with it.
    """

    turn_id: str
    query: str
    text: str = ""
    beat: float = 0.0
    replaces: str | None = None
    step: Step | None = None
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A thread as one read sees it: its length, its newest turns, and a memory's state with its revision.

    The revision changes with the state, and with a clear or a replaced or forgotten turn also where there is no state
    yet. `edits` is how many edits were made of that memory's notes.
    """

    thread: Thread
    length: int
    tail: tuple[Turn, ...]
    state: State
    revision: str
    pending: tuple[Pending, ...] = ()
    edits: int = 0

    @property
    def epoch(self) -> str:
        """Changes whenever turns are taken away or replaced."""
        return self.revision.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a turn stands; `repeated` says that it was there already."""

    index: int
    repeated: bool


class Store(ExperimentStore, PictureStore, RateStore, Protocol):
    """Threads, turns, states and experiments of all users; nobody reaches another's by any argument but `user`."""

    def threads(self, user: str, deleted: bool = False) -> list[Thread]:
        """List a user's threads, the last used first; or those deleted that can still be restored."""

    def thread(self, user: str, thread: str) -> Thread | None:
        """Return one thread, None where it is not (or no longer) there."""

    def put_thread(self, user: str, thread: Thread, create: bool = True) -> None:
        """Create a thread or change its title, memory or settings; unless it may `create` one, raises ThreadGone."""

    def delete_thread(self, user: str, thread: str) -> None:
        """Delete a thread; `restore_thread` brings it back for ten minutes, then the store itself removes it."""

    def restore_thread(self, user: str, thread: str) -> bool:
        """Undo a deletion; False where it is too late. True also where it is undone already."""

    def open(self, user: str, thread: str, memory_key: str, tail: int = 16, pending: Pending | None = None) -> Opened:
        """Read a thread in one round trip, noting a message that is about to be answered."""

    def beat(self, user: str, thread: str, pending: Pending) -> None:
        """Note how far an answer is; ignored where it is appended, or its message is no longer noted."""

    def drop_pending(self, user: str, thread: str, turn_id: str) -> None:
        """Forget a message that will not be answered."""

    def turns(self, user: str, thread: str, first: int, end: int) -> list[Turn]:
        """Return the turns from `first` up to, not including, `end`."""

    def traces(self, user: str, thread: str, first: int, end: int) -> list[Trace]:
        """Return the traces of the turns from `first` up to, not including, `end`."""

    def append(
        self,
        user: str,
        thread: str,
        turn: Turn,
        trace: Trace,
        texts: Mapping[str, str],
        replaces: str | None = None,
        rollback: Mapping[str, State] = MappingProxyType({}),
        epoch: str | None = None,
    ) -> Appended:
        """Append a turn once, however often it is called with the same turn id.

        `replaces` is the id of the last turn, whose place this one takes (BadInput where it is not the last);
        states that cover the replaced turn go with their notes of it, and `rollback` holds states from before it by
        memory key, for each of them. Where something was forgotten since `epoch` (None: whenever), the turn may repeat
        it: BadInput, and only what it cost is kept.
        """

    def extend(
        self, user: str, thread: str, turns: Sequence[Turn], traces: Sequence[Trace], events: Sequence[Trace] = ()
    ) -> None:
        """Append the turns of an import or a fork to a thread that nobody else writes to yet."""

    def put_state(
        self,
        user: str,
        thread: str,
        memory_key: str,
        revision: str,
        state: State | None,
        trace: Trace | None = None,
        texts: Mapping[str, str] = MappingProxyType({}),
        since: str | None = None,
    ) -> str | None:
        """Store a state if its revision is still the one that was read, and complete its turn's trace.

        None as the state changes none; a trace of an event, which is no turn, is added to the events. `texts` are what
        the trace names by hash. Where something was forgotten since the epoch `since` (None: whenever), the errors in
        the trace may quote it and lose their words. Returns the new revision, None where another writer was first or
        where turns that the state covers are gone. The state's notes are those in its `made`, and others that the
        thread has by now: it is kept by reference to them. Every version of a note stays readable.
        """

    def heads(self, user: str, thread: str) -> Heads:
        """Return what every memory made of a thread."""

    def forget(self, user: str, thread: str, removal: Removal) -> bool:
        """Take a turn or a note out of a thread with all that was made of it; False where it must be read again.

        What can be made again and messages on their way go with it. Safe to repeat with the same event.
        """

    def clear(self, user: str, thread: str) -> dict[str, int]:
        """Remove everything that was said in a thread and made of it; its name and memory stay.

        Returns what there was: turns, notes, texts and events.
        """

    def state_keys(self, user: str, thread: str) -> list[str]:
        """Return the keys of the memories whose states are kept."""

    def state_at(self, user: str, thread: str, memory_key: str, length: int) -> State:
        """Return a memory's state as it was when it covered `length` turns: the version of each note valid then."""

    def cached(self, user: str, key: str) -> bytes | None:
        """Return what was kept under a key for a user, None where it is not (or no longer) there."""

    def put_cached(self, user: str, key: str, value: bytes, thread: str, epoch: str) -> None:
        """Keep something that can be made again; it goes with any thread that is cleared or deleted.

        It is not kept where the thread that it was made of is gone, or its epoch is no longer the one that was read.
        """

    def totals(self, user: str, thread: str) -> Totals:
        """Return the tokens and the cost of a thread so far."""

    def events(self, user: str, thread: str, first: int = 0) -> list[Trace]:
        """Return the traces of what happened between turns: switches, with their calls, edits and forgettings.

        Those only that came when there were `first` turns or more; where that is few, few are read.
        """

    def notes(self, user: str, thread: str, refs: Iterable[str]) -> dict[str, Note]:
        """Return notes by `memory_key/id:version`."""

    def put_notes(self, user: str, thread: str, notes: Mapping[str, Note], texts: Mapping[str, str]) -> None:
        """Add notes and texts of an import or a fork."""

    def texts(self, user: str, thread: str, hashes: Iterable[str]) -> dict[str, str]:
        """Return texts by hash."""

    def everything(self, user: str, thread: str) -> tuple[dict[str, Note], dict[str, str]]:
        """Return all notes and texts of a thread, for an export or a fork."""

    def settings(self, user: str) -> dict[str, Any]:
        """Return a user's settings."""

    def put_settings(self, user: str, settings: Mapping[str, Any]) -> None:
        """Replace a user's settings."""

    def purge(self, user: str, thread: str) -> dict[str, int]:
        """Remove a thread for good, also one that was deleted and could still be restored.

        Returns what there was: turns, notes, texts and events.
        """

    def owe(self, user: str, debts: Iterable[str]) -> None:
        """Note vectors that are still to be deleted, by names that hold no words; a deletion of the user keeps them."""

    def owed(self, user: str) -> list[str]:
        """Return what is noted so."""

    def paid(self, user: str, debts: Iterable[str]) -> None:
        """Note that they are deleted."""

    @property
    def shelf(self) -> Shelf:
        """What is kept of its users across conversations."""

    @property
    def folder(self) -> Path | None:
        """The data folder that its files are in, None where they are in none of this machine's."""

    def compact(self) -> Compacted:
        """Write the store's files anew, without what was removed; may take seconds."""

    def erase(self, user: str) -> dict[str, int]:
        """Remove everything of a user at once; returns how many threads, turns and experiments there were."""


@dataclass(slots=True)
class UserCache:
    """What can be made again, of one user; a store that is away raises StoreUnavailable.

    What is put is made of a thread as it was in `epoch`, and kept only while it is still that.
    """

    store: Store
    user: str
    thread: str
    epoch: str = ""

    def get(self, key: str) -> bytes | None:
        return self.store.cached(self.user, key)

    def put(self, key: str, value: bytes) -> None:
        self.store.put_cached(self.user, key, value, self.thread, self.epoch)


TURN: TypeAdapter[Turn] = TypeAdapter(Turn)
TRACE: TypeAdapter[Trace] = TypeAdapter(Stored)
STATE: TypeAdapter[State] = TypeAdapter(State)
NOTE: TypeAdapter[Note] = TypeAdapter(Note)
THREAD: TypeAdapter[Thread] = TypeAdapter(Thread)
PENDING: TypeAdapter[Pending] = TypeAdapter(Pending)


def to_json(adapter: TypeAdapter[Any], value: Any, exclude: set[str] | None = None) -> bytes:
    """Write a record as compact JSON, leaving out what is at its default."""
    try:
        return adapter.dump_json(value, exclude_defaults=True, exclude=exclude)
    except PydanticSerializationError:
        # A lone surrogate, in a title or in what a model or a plug-in wrote: UTF-8 has none, so it becomes a "?".
        plain = adapter.dump_python(value, mode="json", exclude_defaults=True, exclude=exclude)
        return json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace")


def turn_json(turn: Turn) -> bytes:
    """Write a turn; its index is its place in the list and not stored."""
    return to_json(TURN, turn, {"index"})


def versions(state: State) -> Iterable[Note]:
    """Return the versions of notes to store with a state: those made since it was read; all where some fell away."""
    return state.made if len(state.made) < MOST_MADE else (*state.made, *state.notes.values())


_SAFE = re.compile(r"[A-Za-z0-9_-]{1,100}")


def is_edit(event: Trace) -> bool:
    """Whether an event is an edit of a note that still holds: one whose words were forgotten no longer does."""
    return event.kind == "edit" and bool(event.texts)


def edits_of(events: Iterable[Trace]) -> dict[str, int]:
    """Count the edits that hold by memory key."""
    return dict(Counter(event.memory_key for event in events if is_edit(event)))


def check_user(user: str) -> None:
    """Raise BadInput for what is no user's name and could reach another's keys."""
    if not _SAFE.fullmatch(user):
        raise BadInput("That is not the name of a user. Reload the page to get a new one.")


def check_thread(thread: str) -> None:
    """Raise BadInput for what is no thread's name."""
    if not _SAFE.fullmatch(thread):
        raise BadInput("That is not the name of a conversation. Choose one from the menu.")
