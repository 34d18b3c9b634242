"""Threads in this process alone: for temporary threads, which are never stored, and for tests.

It keeps the same JSON as Redis would, so that what survives there survives here.
"""

from __future__ import annotations

import copy
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from memory.base import Note, State, Turn, rewind
from memory.errors import BadInput, ThreadGone
from memory.money.totals import Totals, additions
from memory.store import (
    FORGOTTEN_SINCE,
    MOST_CACHED,
    NOT_LAST,
    STATE,
    TRACE,
    TURN,
    Appended,
    Opened,
    Pending,
    Thread,
    edits_of,
    to_json,
    turn_json,
    versions,
)
from memory.stores.inmemory_forgetting import InMemoryForgetting, Kept
from memory.stores.inmemory_rates import InMemoryRates
from memory.trace import Trace, silent


class InMemoryStore(InMemoryRates, InMemoryForgetting):
    """A store that is gone with its process."""

    # Threads

    def threads(self, user: str, deleted: bool = False) -> list[Thread]:
        with self._lock:
            kept = [self._find(user, thread, deleted) for thread in list(self._users.get(user, {}))]
            found = [one.thread for one in kept if one]
        return sorted(found, key=lambda thread: -thread.updated)

    def thread(self, user: str, thread: str) -> Thread | None:
        kept = self._find(user, thread)
        return kept.thread if kept else None

    def put_thread(self, user: str, thread: Thread, create: bool = True) -> None:
        with self._lock:
            known = self._find(user, thread.id)
            if self._find(user, thread.id, deleted=True) or (not known and not create):
                raise ThreadGone("This conversation has been deleted. Restore it from the menu, or start a new one.")
            thread = thread if thread.updated else replace(thread, updated=time.time())
            if known:
                known.thread = replace(thread, updated=known.thread.updated)
            else:
                self._users.setdefault(user, {})[thread.id] = Kept(thread)

    def delete_thread(self, user: str, thread: str) -> None:
        with self._lock:
            if kept := self._find(user, thread):
                kept.deleted = time.time()
                self._cache.pop(user, None)

    def restore_thread(self, user: str, thread: str) -> bool:
        if kept := self._find(user, thread, deleted=True):
            kept.deleted = None
        return self._find(user, thread) is not None

    # Reading

    def open(self, user: str, thread: str, memory_key: str, tail: int = 16, pending: Pending | None = None) -> Opened:
        with self._lock:
            kept = self._kept(user, thread)
            if pending and pending.turn_id not in kept.ids:
                kept.pending[pending.turn_id] = pending
            length = len(kept.turns)
            _, state = kept.heads.get(memory_key, ("", b"{}"))
            newest = self.turns(user, thread, max(0, length - tail), length)
            return Opened(
                kept.thread,
                length,
                tuple(newest),
                STATE.validate_json(state),
                kept.revision(memory_key),
                tuple(kept.pending.values()),
                edits_of(TRACE.validate_json(row) for row in kept.events).get(memory_key, 0),
            )

    def turns(self, user: str, thread: str, first: int, end: int) -> list[Turn]:
        rows = self._kept(user, thread).turns[first:end]
        return [replace(TURN.validate_json(row), index=first + place) for place, row in enumerate(rows)]

    def traces(self, user: str, thread: str, first: int, end: int) -> list[Trace]:
        rows = self._kept(user, thread).traces[first:end]
        return [replace(TRACE.validate_json(row), turn=first + place) for place, row in enumerate(rows)]

    def state_keys(self, user: str, thread: str) -> list[str]:
        return list(self._kept(user, thread).heads)

    def state_at(self, user: str, thread: str, memory_key: str, length: int) -> State:
        kept = self._kept(user, thread)
        head = STATE.validate_json(kept.heads.get(memory_key, ("", b"{}"))[1])
        if head.reach <= length:
            return head
        return rewind((note for ref, note in kept.notes.items() if ref.startswith(f"{memory_key}/")), length)

    def cached(self, user: str, key: str) -> bytes | None:
        return self._cache.get(user, {}).get(key)

    def put_cached(self, user: str, key: str, value: bytes, thread: str, epoch: str) -> None:
        with self._lock:
            kept = self._find(user, thread)
            if kept is None or kept.read != epoch:
                return
            cache = self._cache.setdefault(user, {})
            if len(cache) >= MOST_CACHED:
                cache.clear()
            cache[key] = value

    def totals(self, user: str, thread: str) -> Totals:
        return Totals.of(self._kept(user, thread).totals)

    def events(self, user: str, thread: str, first: int = 0) -> list[Trace]:
        every = (TRACE.validate_json(row) for row in reversed(self._kept(user, thread).events))
        return list(takewhile(lambda event: event.turn >= first, every))[::-1]

    def notes(self, user: str, thread: str, refs: Iterable[str]) -> dict[str, Note]:
        notes = self._kept(user, thread).notes
        return {ref: notes[ref] for ref in refs if ref in notes}

    def texts(self, user: str, thread: str, hashes: Iterable[str]) -> dict[str, str]:
        texts = self._kept(user, thread).texts
        return {name: texts[name] for name in hashes if name in texts}

    def everything(self, user: str, thread: str) -> tuple[dict[str, Note], dict[str, str]]:
        kept = self._kept(user, thread)
        return dict(kept.notes), dict(kept.texts)

    # Writing

    def beat(self, user: str, thread: str, pending: Pending) -> None:
        with self._lock:
            kept = self._find(user, thread)
            if kept and pending.turn_id in kept.pending:
                kept.pending[pending.turn_id] = pending

    def drop_pending(self, user: str, thread: str, turn_id: str) -> None:
        if kept := self._find(user, thread):
            kept.pending.pop(turn_id, None)

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
        with self._lock:
            kept = self._kept(user, thread)
            if turn.id in kept.ids:
                return Appended(kept.ids[turn.id], True)
            if epoch is not None and int(epoch or 0) < kept.gone:
                if turn.id not in kept.refused:
                    kept.refused.add(turn.id)
                    kept.add(additions(trace.calls))
                kept.pending.pop(turn.id, None)
                raise BadInput(FORGOTTEN_SINCE)
            if replaces is None:
                index = len(kept.turns)
                kept.turns.append(turn_json(turn))
                kept.traces.append(to_json(TRACE, trace))
            else:
                index = len(kept.turns) - 1
                if kept.ids.get(replaces) != index:
                    raise BadInput(NOT_LAST)
                kept.turns[index], kept.traces[index] = turn_json(turn), to_json(TRACE, trace)
                del kept.ids[replaces]
                kept.epoch += 1
                reach = {key: STATE.validate_json(head[1]).reach for key, head in kept.heads.items()}
                kept.heads = {key: head for key, head in kept.heads.items() if reach[key] <= index}
                # No version that speaks of the replaced turn stays, else a fork would take it for valid.
                kept.notes = {ref: note for ref, note in kept.notes.items() if note.since <= index}
                for key, state in rollback.items():
                    if key not in kept.heads or state.reach >= reach[key]:
                        kept.heads[key] = (uuid.uuid4().hex, to_json(STATE, state))
            kept.ids[turn.id] = index
            kept.pending.pop(turn.id, None)
            kept.texts.update(texts)
            kept.add(additions(trace.calls))
            kept.thread = replace(kept.thread, updated=time.time())
            return Appended(index, False)

    def extend(
        self, user: str, thread: str, turns: Sequence[Turn], traces: Sequence[Trace], events: Sequence[Trace] = ()
    ) -> None:
        with self._lock:
            kept = self._kept(user, thread)
            kept.turns = [turn_json(turn) for turn in turns]
            kept.traces = [to_json(TRACE, trace) for trace in traces]
            kept.ids = {turn.id: place for place, turn in enumerate(turns)}
            kept.events = [to_json(TRACE, trace) for trace in events]
            kept.totals = {}
            kept.add(additions([call for trace in (*traces, *events) for call in trace.calls]))

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
        with self._lock:
            kept = self._kept(user, thread)
            if state and (kept.revision(memory_key) != revision or state.reach > len(kept.turns)):
                return None
            new = uuid.uuid4().hex
            if state:
                kept.heads[memory_key] = (new, to_json(STATE, state))
                notes = versions(state)
                kept.notes.update({f"{memory_key}/{note.ref}": note for note in notes})
            if trace and since is not None and int(since or 0) < kept.gone:
                trace = silent(trace)
            if trace:
                kept.writes += 1
                kept.texts.update(texts)
            if trace and trace.kind not in ("turn", "import"):
                if trace.turn_id not in kept.written:
                    kept.events.append(to_json(TRACE, trace))
            elif trace and trace.turn_id in kept.ids and trace.turn_id not in kept.forgotten:
                kept.traces[kept.ids[trace.turn_id]] = to_json(TRACE, trace)
            if trace and trace.turn_id not in kept.written:
                kept.written.add(trace.turn_id)
                kept.add(additions(trace.own_calls))
            return kept.revision(memory_key) if state else new

    def put_notes(self, user: str, thread: str, notes: Mapping[str, Note], texts: Mapping[str, str]) -> None:
        kept = self._kept(user, thread)
        kept.notes.update(notes)
        kept.texts.update(texts)

    # Pictures

    def put_pictures(self, user: str, thread: str, pictures: Mapping[str, bytes]) -> None:
        self._kept(user, thread).pictures.update(pictures)

    def picture(self, user: str, thread: str, id: str) -> bytes | None:
        kept = self._find(user, thread)
        return kept.pictures.get(id) if kept else None

    def picture_ids(self, user: str, thread: str) -> list[str]:
        kept = self._find(user, thread)
        return sorted(kept.pictures) if kept else []

    def drop_pictures(self, user: str, thread: str, ids: Iterable[str]) -> int:
        kept = self._find(user, thread)
        return sum(kept.pictures.pop(id, None) is not None for id in ids) if kept else 0

    # The user

    def settings(self, user: str) -> dict[str, Any]:
        return copy.deepcopy(self._settings.get(user, {}))

    def put_settings(self, user: str, settings: Mapping[str, Any]) -> None:
        self._settings[user] = copy.deepcopy(dict(settings))
