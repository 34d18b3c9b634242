"""Has a Redis server write its files anew: until it does, they hold what was removed.

    >>> compact(connection).said
    'the append-only file was written anew'

An append-only file grows by every command, and a deletion is one more: the words stay until it is rewritten. A server
that this app did not start is asked to; whether its replicas and backups follow is not to be seen from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from redis import Redis
from redis.exceptions import ResponseError

from memory.server.addresses import is_cluster, servers
from memory.server.append_only import DAMAGED, remove_copies
from memory.stores.removal import Compacted

T = TypeVar("T")

PATIENCE = 120.0
"""How many seconds a rewriting is waited for."""
ELSEWHERE = "its replicas and backups are not to be seen from here: whoever runs it must see to them"


class Caller(Protocol):
    """Runs a function on a ready client and turns its failures into StoreUnavailable (`memory/server/connect.py`)."""

    def call(self, fn: Callable[[Any], T]) -> T: ...

    @property
    def folder(self) -> Path | None:
        """The folder of the server's files where this app started it, else None."""


def compact(connection: Caller, patience: float = PATIENCE) -> Compacted:
    """Write the files of each server anew and wait until it is done; raises StoreUnavailable.

    Of a cluster it tells what its first server to fail says, else what all of them do.
    """
    every = [_compact(_One(connection, server), patience) for server in connection.call(servers)]
    return next((one for one in every if not one.done), every[0])


def _compact(connection: Caller, patience: float) -> Compacted:
    info = _persistence(connection)
    if int(info.get("aof_enabled", 0)):
        done = _rewritten(connection, patience, "aof_rewrite", "aof_last_bgrewrite_status", _rewrite)
        said = "the append-only file was written anew" if done else "the append-only file could not be written anew now"
    elif _saves(connection):
        done = _rewritten(connection, patience, "rdb_bgsave", "rdb_last_bgsave_status", _save)
        said = "the snapshot was written anew" if done else "the snapshot could not be written anew now"
    else:
        done, said = True, "the server keeps nothing on disk"
    here = connection.folder is not None
    if connection.folder and done and remove_copies(connection.folder / "redis" / DAMAGED):
        said += ", and the copies of damaged ones were deleted"
    return Compacted(done, said if here else f"{said}; {ELSEWHERE}", here)


@dataclass(frozen=True)
class _One:
    """One server of a connection; where that is the only one, whatever it became meanwhile."""

    connection: Caller
    server: Redis

    def call(self, fn: Callable[[Any], T]) -> T:
        return self.connection.call(lambda client: fn(self.server if is_cluster(client) else client))

    @property
    def folder(self) -> Path | None:
        return self.connection.folder


def _persistence(connection: Caller) -> dict[str, Any]:
    found: dict[str, Any] = connection.call(lambda client: client.info("persistence"))
    return found


def _saves(connection: Caller) -> bool:
    """Whether the server writes snapshots; one that was never asked for would be a new copy."""

    def ask(client: Redis) -> bool:
        found: Any = client.config_get("save")
        return bool(found.get("save"))

    return connection.call(ask)


def _rewrite(client: Redis) -> None:
    client.bgrewriteaof()


def _save(client: Redis) -> None:
    client.bgsave()


def _rewritten(connection: Caller, patience: float, name: str, status: str, begin: Callable[[Redis], None]) -> bool:
    """Begin and wait. One that runs already began before the removal, so that another follows it."""
    deadline, begun = time.monotonic() + patience, False
    while time.monotonic() < deadline:
        info = _persistence(connection)
        busy = int(info.get(f"{name}_in_progress", 0)) or int(info.get(f"{name}_scheduled", 0))
        if not busy and begun:
            return bool(info.get(status) == "ok")
        if not busy:
            try:
                connection.call(begin)
                begun = True
            except ResponseError as error:
                # While another child of the server's works, as for a snapshot, it lets nobody begin.
                if "progress" not in str(error) and "child" not in str(error).lower():
                    return False
        time.sleep(0.02)
    return False
