"""Threads in Redis: lists and hashes under one `{user}` hash tag, each commit one Lua script.

    mi:{user}:threads             sorted set: thread id → last use       (deleted ones: mi:{user}:deleted)
    mi:{user}:settings            JSON
    mi:{user}:cache               hash: what memories' models answered, by the hash of what they were asked
    mi:{user}:experiments         sorted set, and with it experiments' own keys (redis_experiments.py)
    mi:{user}:owed                set: vectors that are still to be deleted
    mi:{user}:replicated          what replicas are waited for to have, for a minute
    mi:{user}:<thread>:meta       hash: thread (JSON), deleted, epoch: how often turns were taken away or replaced
                       :turns     list of JSON, appended only
                       :traces    list of JSON, one a turn
                       :ids       hash: turn id → index, so that a repeated commit adds nothing
                       :heads     hash: memory key → "revision state", the state by reference to its valid notes
                       :notes     hash: memory key/id:version → every version of every note (note_rows.py)
                       :texts     hash: hash → instructions and plug-ins' texts
                       :pending   hash: turn id → a message whose answer is on its way
                       :events    list of JSON: traces of switches, edits and what was forgotten
                       :totals    hash: tokens and cost so far, the reply's and the memory's own
                       :pictures  hash: hash of a picture → its bytes (redis_pictures.py)

No SCAN, no modules, no pickle; the keys of a user share a slot, so that the scripts run on a cluster as well.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, cast

from redis import Redis
from redis.client import Pipeline

from memory.base import Note, State, Turn, rewind
from memory.errors import BadInput
from memory.money.totals import Totals, additions
from memory.store import (
    FORGOTTEN_SINCE,
    MOST_CACHED,
    NOT_LAST,
    PENDING,
    THREAD,
    TRACE,
    TURN,
    UNDO_SECONDS,
    Appended,
    Opened,
    Pending,
    Thread,
    edits_of,
    is_edit,
    to_json,
    turn_json,
    versions,
)
from memory.stores.note_rows import head_of, note_of, notes_of, row_of, state_of
from memory.stores.redis_calls import (
    gone,
    index_of,
    keys_of,
    new_revision,
    pictures_of,
    same_revision,
    while_there,
)
from memory.stores.redis_forgetting import RedisForgetting
from memory.stores.redis_rates import RedisRates
from memory.trace import Trace, silent

_EVENTS = 20
"""Events read at a time from the newest back."""
_BLOCK = 500
"""Rows written or read at a time by an import, so that no command holds the server up."""


class RedisStore(RedisForgetting, RedisRates):
    """The store that keeps: everything of a user expires `expire_days` after its last use."""

    # Threads

    def threads(self, user: str, deleted: bool = False) -> list[Thread]:
        index = index_of(user, "deleted" if deleted else "threads")
        since = time.time() - UNDO_SECONDS if deleted else "-inf"

        def read(client: Redis) -> list[Thread]:
            rows: Any = client.zrange(index, "+inf", since, desc=True, byscore=True, withscores=True)
            pipe = client.pipeline(transaction=False)
            for id, _ in rows:
                pipe.hget(keys_of(user, id.decode())[0], "thread")
            found = zip(rows, pipe.execute(), strict=True) if rows else ()
            return [replace(THREAD.validate_json(row), updated=score) for (_, score), row in found if row]

        return self._call(read)

    def thread(self, user: str, thread: str) -> Thread | None:
        row, deleted = self._call(lambda client: client.hmget(keys_of(user, thread)[0], ["thread", "deleted"]))
        return None if row is None or deleted is not None else THREAD.validate_json(row)

    def put_thread(self, user: str, thread: Thread, create: bool = True) -> None:
        keys = [*keys_of(user, thread.id), index_of(user, "threads")]
        now = thread.updated or time.time()
        if self._run("put_thread", keys, [to_json(THREAD, thread), now, self._ttl, thread.id, int(create)]) < 0:
            raise gone()

    def delete_thread(self, user: str, thread: str) -> None:
        self._run("delete", _deleting(user, thread), [thread, time.time(), UNDO_SECONDS * 1000, 1])

    def restore_thread(self, user: str, thread: str) -> bool:
        return bool(self._run("delete", _deleting(user, thread), [thread, time.time(), self._ttl, 0]))

    # Reading

    def open(self, user: str, thread: str, memory_key: str, tail: int = 16, pending: Pending | None = None) -> Opened:
        noted = (pending.turn_id, to_json(PENDING, pending)) if pending else ("", "")
        row = self._run("open", keys_of(user, thread), [memory_key, tail, *noted, 0])
        if row[0] is None:
            raise gone()
        _, _, length, turns, head, waiting, epoch, edits, notes = row
        revision, _, state = (head or b"").partition(b" ")
        return Opened(
            THREAD.validate_json(row[0]),
            length,
            _turns(turns, length - len(turns)),
            state_of(state, notes) if state else State(),
            f"{epoch.decode()}:{revision.decode()}" if epoch else revision.decode(),
            tuple(PENDING.validate_json(one) for one in waiting),
            int(edits or 0),
        )

    def turns(self, user: str, thread: str, first: int, end: int) -> list[Turn]:
        rows: Any = (
            self._call(lambda client: client.lrange(keys_of(user, thread)[1], first, end - 1)) if first < end else ()
        )
        return list(_turns(rows, first))

    def traces(self, user: str, thread: str, first: int, end: int) -> list[Trace]:
        rows: Any = (
            self._call(lambda client: client.lrange(keys_of(user, thread)[2], first, end - 1)) if first < end else ()
        )
        return [_at(TRACE.validate_json(row), first + place) for place, row in enumerate(rows)]

    def state_keys(self, user: str, thread: str) -> list[str]:
        rows: Any = self._call(lambda client: client.hkeys(keys_of(user, thread)[4]))
        return [row.decode() for row in rows]

    def state_at(self, user: str, thread: str, memory_key: str, length: int) -> State:
        head, rows = self._run("state_at", keys_of(user, thread), [memory_key, length])
        if head:
            return state_of(head.partition(b" ")[2], rows)
        return rewind(notes_of(rows), length)

    def cached(self, user: str, key: str) -> bytes | None:
        row: Any = self._call(lambda client: client.hget(index_of(user, "cache"), key))
        return cast("bytes | None", row)

    def put_cached(self, user: str, key: str, value: bytes, thread: str, epoch: str) -> None:
        keys = [keys_of(user, thread)[0], index_of(user, "cache")]
        self._run("put_cached", keys, [epoch, key, value, MOST_CACHED, self._ttl])

    def totals(self, user: str, thread: str) -> Totals:
        rows: Any = self._call(lambda client: client.hgetall(keys_of(user, thread)[9]))
        return Totals.of({field.decode(): int(amount) for field, amount in rows.items()})

    def events(self, user: str, thread: str, first: int = 0) -> list[Trace]:
        key, found = keys_of(user, thread)[8], list[Trace]()
        if first <= 0:
            rows: Any = self._call(lambda client: client.lrange(key, 0, -1))
            return [TRACE.validate_json(row) for row in rows]
        while True:
            end = -1 - len(found)
            rows = self._call(partial(Redis.lrange, name=key, start=end - _EVENTS + 1, end=end))
            found = [*map(TRACE.validate_json, rows), *found]
            if len(rows) < _EVENTS or found[0].turn < first:
                return [event for event in found if event.turn >= first]

    def notes(self, user: str, thread: str, refs: Iterable[str]) -> dict[str, Note]:
        fields = list(dict.fromkeys(refs))
        rows: Any = self._call(lambda client: client.hmget(keys_of(user, thread)[5], fields)) if fields else ()
        return {ref: note_of(row) for ref, row in zip(fields, rows, strict=True) if row}

    def texts(self, user: str, thread: str, hashes: Iterable[str]) -> dict[str, str]:
        fields = list(dict.fromkeys(hashes))
        rows: Any = self._call(lambda client: client.hmget(keys_of(user, thread)[6], fields)) if fields else ()
        return {name: row.decode() for name, row in zip(fields, rows, strict=True) if row is not None}

    def everything(self, user: str, thread: str) -> tuple[dict[str, Note], dict[str, str]]:
        keys = keys_of(user, thread)

        def read(client: Redis) -> tuple[dict[str, Note], dict[str, str]]:
            pipe = client.pipeline(transaction=False)
            pipe.hgetall(keys[5])
            pipe.hgetall(keys[6])
            notes, texts = pipe.execute()
            return (
                {ref.decode(): note_of(row) for ref, row in notes.items()},
                {name.decode(): row.decode() for name, row in texts.items()},
            )

        return self._call(read)

    # Writing

    def beat(self, user: str, thread: str, pending: Pending) -> None:
        self._run("open", keys_of(user, thread), ["", 0, pending.turn_id, to_json(PENDING, pending), 1])

    def drop_pending(self, user: str, thread: str, turn_id: str) -> None:
        self._call(lambda client: client.hdel(keys_of(user, thread)[7], turn_id))

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
        back = {key: f"{new_revision()} {head_of(state).decode()}" for key, state in rollback.items()}
        args = [turn.id, turn_json(turn), to_json(TRACE, trace), time.time(), self._ttl, thread, replaces or ""]
        args += [json.dumps(back), json.dumps(additions(trace.calls)), "any" if epoch is None else epoch]
        args += [part for pair in texts.items() for part in pair]
        keys = [*keys_of(user, thread), index_of(user, "threads"), index_of(user, "settings")]
        keys.append(pictures_of(user, thread))
        index, *repeated = self._run("append", keys, args)
        if index == -1:
            raise gone()
        if index == -2:
            raise BadInput(NOT_LAST)
        if index == -3:
            raise BadInput(FORGOTTEN_SINCE)
        return Appended(index, bool(repeated[0]))

    def extend(
        self, user: str, thread: str, turns: Sequence[Turn], traces: Sequence[Trace], events: Sequence[Trace] = ()
    ) -> None:
        keys = keys_of(user, thread)
        sums, edits = additions([call for trace in (*traces, *events) for call in trace.calls]), edits_of(events)

        def block(pipe: Pipeline, first: int) -> None:
            turn_rows, trace_rows = turns[first : first + _BLOCK], traces[first : first + _BLOCK]
            pipe.rpush(keys[1], *map(turn_json, turn_rows))
            pipe.rpush(keys[2], *[to_json(TRACE, trace) for trace in trace_rows])
            pipe.hset(keys[3], mapping={turn.id: first + place for place, turn in enumerate(turn_rows)})
            for key in keys[1:4]:  # with the rows, so that none stays for ever where this process dies
                pipe.pexpire(key, self._ttl)

        def rest(pipe: Pipeline) -> None:
            if events:
                pipe.rpush(keys[8], *[to_json(TRACE, trace) for trace in events])
            if sums:
                pipe.hset(keys[9], mapping={name: str(amount).encode() for name, amount in sums.items()})
            if edits:
                pipe.hset(keys[0], mapping={f"edits:{key}": str(count).encode() for key, count in edits.items()})
            for key in keys:
                pipe.pexpire(key, self._ttl)

        def write(client: Redis) -> None:
            client.delete(keys[1], keys[2], keys[3], keys[8], keys[9])
            for first in range(0, len(turns), _BLOCK):
                while_there(client, keys[0], partial(block, first=first))
            while_there(client, keys[0], rest)

        if len(turns) != len(traces):
            raise ValueError(f"{len(turns)} turns with {len(traces)} traces")
        self._call(write)

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
        head = head_of(state) if state else b""
        rows = [(f"{memory_key}/{note.ref}", row_of(note)) for note in (versions(state) if state else ())]
        # The same write has the same revision: where its acknowledgement was lost it is known when it comes again.
        new = same_revision(revision, trace.turn_id if trace else "", [head, *(row for _, row in rows)])
        epoch, colon, read = revision.rpartition(":")
        args: list[Any] = [memory_key, read, new, head]
        args += [trace.turn_id, to_json(TRACE, trace)] if trace else ["", ""]
        args += ["" if trace is None or trace.kind in ("turn", "import") else "edit" if is_edit(trace) else "event"]
        args += [json.dumps(additions(trace.own_calls) if trace else {})]
        args += [state.reach if state else 0, epoch, json.dumps(dict(texts)), "any" if since is None else since]
        plain = silent(trace) if trace else None
        args += ["" if plain is None or plain == trace else to_json(TRACE, plain)]
        args += [part for row in rows for part in row]
        result = self._run("put_state", keys_of(user, thread), args)
        if result < 0:
            raise gone()
        return f"{epoch}{colon}{new}" if result else None

    def put_notes(self, user: str, thread: str, notes: Mapping[str, Note], texts: Mapping[str, str]) -> None:
        keys = keys_of(user, thread)

        def write(pipe: Pipeline) -> None:
            if notes:
                pipe.hset(keys[5], mapping={ref: row_of(note) for ref, note in notes.items()})
            if texts:
                pipe.hset(keys[6], mapping={name: text.encode() for name, text in texts.items()})
            for key in keys[5:7]:
                pipe.pexpire(key, self._ttl)

        self._call(lambda client: while_there(client, keys[0], write))

    # The user

    def settings(self, user: str) -> dict[str, Any]:
        row: Any = self._call(lambda client: client.get(index_of(user, "settings")))
        return json.loads(row) if row else {}

    def put_settings(self, user: str, settings: Mapping[str, Any]) -> None:
        self._call(lambda client: client.set(index_of(user, "settings"), json.dumps(settings), px=self._ttl))


def _turns(rows: Iterable[bytes], first: int) -> tuple[Turn, ...]:
    return tuple(_at_turn(TURN.validate_json(row), first + place) for place, row in enumerate(rows))


def _at_turn(turn: Turn, index: int) -> Turn:
    # The record was made a moment ago and nobody has it yet: setting its place is cheaper than a copy of it.
    object.__setattr__(turn, "index", index)
    return turn


def _at(trace: Trace, index: int) -> Trace:
    object.__setattr__(trace, "turn", index)
    return trace


def _deleting(user: str, thread: str) -> list[str]:
    indexes = (index_of(user, name) for name in ("threads", "deleted", "cache"))
    return [*keys_of(user, thread), *indexes, pictures_of(user, thread)]
