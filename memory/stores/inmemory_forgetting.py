"""What a store in memory holds of a thread, and how it is forgotten there."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from memory.base import Note
from memory.errors import ThreadGone
from memory.longterm.shelf import InMemoryShelf
from memory.store import STATE, TRACE, UNDO_SECONDS, Pending, Thread, check_thread, check_user, to_json, turn_json
from memory.stores.inmemory_experiments import InMemoryExperiments
from memory.stores.removal import Compacted, Heads, Removal


@dataclass
class Kept:
    """A thread with all that belongs to it, as JSON."""

    thread: Thread
    deleted: float | None = None
    turns: list[bytes] = field(default_factory=list)
    traces: list[bytes] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    heads: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    events: list[bytes] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    epoch: int = 0
    gone: int = 0
    refused: set[str] = field(default_factory=set)
    writes: int = 0
    forgotten: set[str] = field(default_factory=set)
    pictures: dict[str, bytes] = field(default_factory=dict)

    @property
    def read(self) -> str:
        """The epoch as whoever opens the thread is told it."""
        return str(self.epoch) if self.epoch else ""

    @property
    def counts(self) -> dict[str, int]:
        """What there is, as a deletion counts it."""
        return {part: len(getattr(self, part)) for part in ("turns", "notes", "texts", "events", "pictures")}

    @property
    def revisions(self) -> dict[str, str]:
        return {key: head[0] for key, head in self.heads.items()}

    def revision(self, key: str) -> str:
        """What a state is compared by: it changes as well with the turns that were read for it."""
        known = self.heads.get(key, ("", b""))[0]
        return f"{self.epoch}:{known}" if self.epoch else known

    def add(self, amounts: Mapping[str, int]) -> None:
        for name, amount in amounts.items():
            self.totals[name] = self.totals.get(name, 0) + amount


class InMemoryForgetting(InMemoryExperiments):
    """The part of the store that takes away, and finds what is there."""

    def __init__(self) -> None:
        super().__init__()
        self._users: dict[str, dict[str, Kept]] = {}
        self._settings: dict[str, dict[str, Any]] = {}
        self._cache: dict[str, dict[str, bytes]] = {}
        self._owed: dict[str, set[str]] = {}
        self.shelf = InMemoryShelf()

    def _find(self, user: str, thread: str, deleted: bool = False) -> Kept | None:
        check_user(user)
        check_thread(thread)
        kept = self._users.get(user, {}).get(thread)
        if kept and kept.deleted is not None and time.time() - kept.deleted > UNDO_SECONDS:
            del self._users[user][thread]
            return None
        return kept if kept and (kept.deleted is not None) == deleted else None

    def _kept(self, user: str, thread: str) -> Kept:
        kept = self._find(user, thread)
        if kept is None:
            raise ThreadGone("This conversation has been deleted. Restore it from the menu, or start a new one.")
        return kept

    def heads(self, user: str, thread: str) -> Heads:
        with self._lock:
            kept = self._kept(user, thread)
            states = {key: STATE.validate_json(head[1]) for key, head in kept.heads.items()}
            counts = len(kept.pending), len(self._cache.get(user, ()))
            return Heads(kept.thread, kept.read, len(kept.turns), kept.writes, states, kept.revisions, *counts)

    def forget(self, user: str, thread: str, removal: Removal) -> bool:
        with self._lock:
            kept, read, turn = self._kept(user, thread), removal.read, removal.turn
            if removal.event.turn_id in kept.written:
                return True
            now = (kept.read, len(kept.turns), kept.writes, kept.revisions)
            if now != (read.epoch, read.length, read.writes, read.revisions):
                return False
            if turn and removal.trace:
                if kept.ids.get(turn.id) != turn.index:
                    return False
                kept.turns[turn.index], kept.traces[turn.index] = turn_json(turn), to_json(TRACE, removal.trace)
                kept.forgotten.add(turn.id)
            for key, state in removal.states.items():
                kept.heads[key] = (uuid.uuid4().hex, to_json(STATE, state))
            kept.notes.update(removal.written)
            kept.texts.update(removal.kept)
            kept.notes = {ref: note for ref, note in kept.notes.items() if ref not in removal.notes}
            kept.texts = {name: text for name, text in kept.texts.items() if name not in removal.texts}
            for place, trace in removal.traces.items():
                kept.traces[place] = to_json(TRACE, trace)
            if removal.events:
                kept.events = [to_json(TRACE, trace) for trace in removal.events]
            kept.events.append(to_json(TRACE, removal.event))
            if removal.title is not None:
                kept.thread = replace(kept.thread, title=removal.title)
            for id in removal.pictures:
                kept.pictures.pop(id, None)
            kept.pending.clear()
            kept.written.add(removal.event.turn_id)
            self._cache.pop(user, None)
            kept.epoch += 1
            kept.gone = kept.epoch
            return True

    def purge(self, user: str, thread: str) -> dict[str, int]:
        check_user(user)
        check_thread(thread)
        with self._lock:
            kept = self._users.get(user, {}).pop(thread, None) or Kept(Thread(thread))
            self._cache.pop(user, None)
        return kept.counts

    def owe(self, user: str, debts: Iterable[str]) -> None:
        with self._lock:
            self._owed.setdefault(user, set()).update(debts)

    def owed(self, user: str) -> list[str]:
        return sorted(self._owed.get(user, ()))

    def paid(self, user: str, debts: Iterable[str]) -> None:
        with self._lock:
            self._owed.get(user, set()).difference_update(debts)

    @property
    def folder(self) -> Path | None:
        return None

    def compact(self) -> Compacted:
        return Compacted(True, "it is nowhere but in the memory of this process")

    def clear(self, user: str, thread: str) -> dict[str, int]:
        with self._lock:
            kept = self._kept(user, thread)
            self._users[user][thread] = Kept(kept.thread, epoch=kept.epoch + 1, gone=kept.epoch + 1)
            self._cache.pop(user, None)
        return kept.counts

    def erase(self, user: str) -> dict[str, int]:
        with self._lock:
            gone = self._users.pop(user, {})
            self._settings.pop(user, None)
            self._cache.pop(user, None)
            experiments = self._erase_experiments(user)
        turns = sum(len(kept.turns) for kept in gone.values())
        return {
            "threads": len(gone),
            "turns": turns,
            "pictures": sum(len(kept.pictures) for kept in gone.values()),
            "experiments": experiments,
            "remembered": self.shelf.erase(user),
            "documents": self.shelf.documents.erase(user),
        }
