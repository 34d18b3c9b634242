"""How threads in Redis are forgotten: a turn or a note, a whole thread, everything of a user."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from redis import Redis

from memory.base import State
from memory.longterm.shelf import RedisShelf
from memory.store import THREAD, TRACE, to_json, turn_json
from memory.stores.compact import compact
from memory.stores.note_rows import head_of, row_of, state_of
from memory.stores.redis_calls import gone, index_of, keys_of, new_revision, pictures_of
from memory.stores.redis_experiments import RedisExperiments, erase_experiments
from memory.stores.redis_pictures import RedisPictures
from memory.stores.removal import Compacted, Heads, Removal

COUNTED = ("turns", "notes", "texts", "events", "pictures")


class RedisForgetting(RedisExperiments, RedisPictures):
    """The part of the store that takes away."""

    @cached_property
    def shelf(self) -> RedisShelf:
        """What is kept of its users across conversations."""
        return RedisShelf(self._connection, self._expire_days)

    def heads(self, user: str, thread: str) -> Heads:
        keys = [*keys_of(user, thread), index_of(user, "cache")]
        found, deleted, epoch, writes, length, pending, cached, *rows = self._run("heads", keys, [])
        if found is None or deleted is not None:
            raise gone()
        states, revisions = dict[str, State](), dict[str, str]()
        for name, head, notes in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
            revision, _, state = head.partition(b" ")
            states[name.decode()], revisions[name.decode()] = state_of(state, notes), revision.decode()
        read = (epoch or b"").decode()
        return Heads(THREAD.validate_json(found), read, length, int(writes or 0), states, revisions, pending, cached)

    def forget(self, user: str, thread: str, removal: Removal) -> bool:
        read, turn = removal.read, removal.turn
        heads = {key: f"{new_revision()} {head_of(state).decode()}" for key, state in removal.states.items()}
        written = {field: row_of(note).decode() for field, note in removal.written.items()}
        traces = {index: to_json(TRACE, trace).decode() for index, trace in removal.traces.items()}
        events = [to_json(TRACE, trace).decode() for trace in removal.events]
        title = "" if removal.title is None else to_json(THREAD, replace(read.thread, title=removal.title))
        args: list[Any] = [read.epoch, read.length, read.writes, removal.event.turn_id]
        args += [to_json(TRACE, removal.event), title]
        parts = (dict(read.revisions), heads, written, dict(removal.kept), removal.notes, removal.texts, traces, events)
        args += [json.dumps(part) for part in (*parts, dict(removal.edits), removal.pictures)]
        if turn and removal.trace:
            args += [turn.index, turn.id, turn_json(turn), to_json(TRACE, removal.trace)]
        keys = [*keys_of(user, thread), index_of(user, "cache"), pictures_of(user, thread)]
        done = self._run("forget", keys, args)
        if done < 0:
            raise gone()
        return bool(done)

    def purge(self, user: str, thread: str) -> dict[str, int]:
        keys = keys_of(user, thread)

        def remove(client: Redis) -> dict[str, int]:
            pipe = client.pipeline(transaction=True)
            pipe.llen(keys[1])
            pipe.hlen(keys[5])
            pipe.hlen(keys[6])
            pipe.llen(keys[8])
            pipe.hlen(pictures_of(user, thread))
            pipe.unlink(*keys, index_of(user, "cache"), pictures_of(user, thread))
            for index in ("threads", "deleted"):
                pipe.zrem(index_of(user, index), thread)
            return dict(zip(COUNTED, pipe.execute(), strict=False))

        return self._call(remove)

    def owe(self, user: str, debts: Iterable[str]) -> None:
        rows = list(debts)

        def write(client: Redis) -> None:
            pipe = client.pipeline(transaction=True)
            pipe.sadd(index_of(user, "owed"), *rows)
            pipe.pexpire(index_of(user, "owed"), self._ttl)
            pipe.execute()

        if rows:
            self._call(write)

    def owed(self, user: str) -> list[str]:
        rows: Any = self._call(lambda client: client.smembers(index_of(user, "owed")))
        return sorted(row.decode() for row in rows)

    def paid(self, user: str, debts: Iterable[str]) -> None:
        rows = list(debts)
        if rows:
            self._call(lambda client: client.srem(index_of(user, "owed"), *rows))

    @property
    def folder(self) -> Path | None:
        return self._connection.folder

    def compact(self) -> Compacted:
        return compact(self._connection)

    def clear(self, user: str, thread: str) -> dict[str, int]:
        were = self._run("clear", [*keys_of(user, thread), index_of(user, "cache"), pictures_of(user, thread)], [])
        if not were:
            raise gone()
        return dict(zip(COUNTED, were, strict=True))

    def erase(self, user: str) -> dict[str, int]:
        def remove(client: Redis) -> dict[str, int]:
            gone = turns = pictures = 0
            indexes = [index_of(user, name) for name in ("threads", "deleted")]
            # One that is made meanwhile stands in an index again, and goes with the next round.
            while names := sorted({name for index in indexes for name in _names(client, index)}):
                for name in names:
                    keys, pipe = keys_of(user, name), client.pipeline(transaction=True)
                    pipe.llen(keys[1])
                    pipe.hlen(pictures_of(user, name))
                    pipe.unlink(*keys, pictures_of(user, name))
                    for index in indexes:
                        pipe.zrem(index, name)
                    counts = pipe.execute()
                    turns, pictures = turns + counts[0], pictures + counts[1]
                gone += len(names)
            client.unlink(*(index_of(user, name) for name in ("settings", "cache")))
            experiments = erase_experiments(client, user)
            return {"threads": gone, "turns": turns, "pictures": pictures, "experiments": experiments}

        return {
            **self._call(remove),
            "remembered": self.shelf.erase(user),
            "documents": self.shelf.documents.erase(user),
        }


def _names(client: Redis, index: str) -> list[str]:
    rows: Any = client.zrange(index, 0, -1)
    return [name.decode() for name in rows]
