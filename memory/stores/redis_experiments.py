"""Experiments in Redis: each a hash of its record and its parts, found by an index.

mi:{user}:experiments              sorted set: experiment id → when it was made  (deleted ones: experiments-deleted)
mi:{user}:experiment:<id>:parts    hash: record (JSON), part:<name>, size (bytes of all parts) and, of a
                                   deleted one, deleted: when it was made
mi:{user}:comparing                who runs one now, for seconds
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from redis import Redis

from memory.store import UNDO_SECONDS
from memory.stores.experiments import KeptExperiment, check_experiment, experiment_gone
from memory.stores.redis_calls import RedisCalls, index_of

_INDEXES = ("experiments", "experiments-deleted")


class RedisExperiments(RedisCalls):
    """The part of the store that keeps experiments."""

    def experiments(self, user: str, deleted: bool = False) -> list[KeptExperiment]:
        index, since = index_of(user, _INDEXES[deleted]), time.time() - UNDO_SECONDS if deleted else "-inf"

        def read(client: Redis) -> list[KeptExperiment]:
            rows: Any = client.zrange(index, "+inf", since, desc=True, byscore=True, withscores=True)
            pipe = client.pipeline(transaction=False)
            for id, _ in rows:
                pipe.hmget(_key(user, id.decode()), ["record", "size"])
            found = zip(rows, pipe.execute(), strict=True) if rows else ()
            return [KeptExperiment(id.decode(), row[0], int(row[1] or 0), at) for (id, at), row in found if row[0]]

        return self._call(read)

    def experiment(self, user: str, experiment: str) -> bytes | None:
        row: Any = self._call(lambda client: client.hmget(_key(user, experiment), ["record", "deleted"]))
        return None if row[1] is not None else row[0]

    def put_experiment(self, user: str, experiment: str, record: bytes, new: bool = False) -> None:
        self._put(user, experiment, "", record, new)

    def put_part(self, user: str, experiment: str, name: str, part: bytes, new: bool = False) -> None:
        self._put(user, experiment, name, part, new)

    def parts(self, user: str, experiment: str, names: Iterable[str]) -> dict[str, bytes]:
        key, found = _key(user, experiment), dict[str, bytes]()
        # One by one: together they may be more than one answer should hold.
        for name in names:
            row: Any = self._call(lambda client, name=name: client.hget(key, f"part:{name}"))  # type: ignore[misc]
            if row is not None:
                found[name] = row
        return found

    def part_sizes(self, user: str, experiment: str) -> Mapping[str, int]:
        key = _key(user, experiment)

        def read(client: Redis) -> dict[str, int]:
            fields: Any = client.hkeys(key)
            names = [field.decode().removeprefix("part:") for field in fields if field.startswith(b"part:")]
            pipe = client.pipeline(transaction=False)
            for name in names:
                pipe.hstrlen(key, f"part:{name}")
            return dict(zip(names, pipe.execute(), strict=True)) if names else {}

        return self._call(read)

    def delete_experiment(self, user: str, experiment: str) -> None:
        self._run("delete_experiment", _keys(user, experiment), [experiment, time.time(), UNDO_SECONDS * 1000, 1])

    def restore_experiment(self, user: str, experiment: str) -> bool:
        args = [experiment, time.time(), self._ttl, 0]
        return bool(self._run("delete_experiment", _keys(user, experiment), args))

    def purge_experiment(self, user: str, experiment: str) -> int:
        return self._call(lambda client: _purge(client, user, experiment))

    def claim(self, user: str, holder: str, seconds: float) -> str:
        held: bytes = self._run("claim", [index_of(user, "comparing")], [holder, int(seconds * 1000)])
        return held.decode()

    def claimed(self, user: str) -> str:
        held: Any = self._call(lambda client: client.get(index_of(user, "comparing")))
        return held.decode() if held else ""

    def _put(self, user: str, experiment: str, name: str, value: bytes, new: bool) -> None:
        args = [experiment, name, value, time.time(), self._ttl, UNDO_SECONDS * 1000, int(new)]
        if self._run("put_experiment", _keys(user, experiment), args) < 0:
            raise experiment_gone()


def erase_experiments(client: Redis, user: str) -> int:
    """Remove all experiments of a user at once, also those that could be restored; returns how many there were."""
    gone = 0
    indexes = [index_of(user, name) for name in _INDEXES]
    # One that is made meanwhile stands in an index again, and goes with the next round.
    while names := sorted({name for index in indexes for name in _names(client, index)}):
        gone += sum(_purge(client, user, name) > 0 for name in names)
    client.unlink(index_of(user, "comparing"))
    return gone


def _names(client: Redis, index: str) -> list[str]:
    rows: Any = client.zrange(index, 0, -1)
    return [name.decode() for name in rows]


def _purge(client: Redis, user: str, experiment: str) -> int:
    key, held, deleted = _keys(user, experiment)
    pipe = client.pipeline(transaction=True)
    pipe.hlen(key)
    pipe.hexists(key, "deleted")
    pipe.hexists(key, "size")
    pipe.unlink(key)
    pipe.zrem(held, experiment)
    pipe.zrem(deleted, experiment)
    fields, deleted_mark, size_mark, *_ = pipe.execute()
    return int(fields) - int(deleted_mark) - int(size_mark)


def _key(user: str, experiment: str) -> str:
    # A thread's keys have one part less, so that no name of a thread can reach it.
    check_experiment(experiment)
    return f"{index_of(user, 'experiment')}:{experiment}:parts"


def _keys(user: str, experiment: str) -> list[str]:
    return [_key(user, experiment), *(index_of(user, name) for name in _INDEXES)]
