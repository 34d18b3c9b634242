"""What the Redis store's parts share: the names of its keys, and the two ways to the server.

>>> keys_of("alex", "t1")[:2]
['mi:{alex}:t1:meta', 'mi:{alex}:t1:turns']
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

from redis import Redis, WatchError
from redis.client import Pipeline
from redis.commands.core import Script

from memory.errors import StoreUnavailable, ThreadGone
from memory.server.addresses import is_cluster
from memory.store import check_thread, check_user
from memory.stores.compact import Caller

T = TypeVar("T")
REPLICA_MS = 400
"""How many milliseconds replicas are waited for: well under the 800 after which a server is taken to be silent."""
_NEVER_WAIT = {"open", "state_at", "heads", "items_since", "claim", "spend", "put_cached"}
"""Scripts that read, or whose writes nobody is told of."""
NAMES = ("meta", "turns", "traces", "ids", "heads", "notes", "texts", "pending", "events", "totals")
_LUA = Path(__file__).parent / "lua"


class RedisCalls:
    """Commands and scripts by one connection; a commit counts when so many `replicas` have it as well."""

    def __init__(self, connection: Caller, expire_days: float = 180, replicas: int = 0) -> None:
        self._connection, self._expire_days, self._replicas = connection, expire_days, replicas
        self._ttl = int(expire_days * 86_400_000)
        shared = (_LUA / "shared" / "notes.lua").read_bytes()
        self._scripts = {file.stem: Script(cast(Any, None), shared + file.read_bytes()) for file in _LUA.glob("*.lua")}

    def _call(self, fn: Callable[[Redis], T]) -> T:
        return self._connection.call(fn)

    def _run(self, script: str, keys: list[str], args: list[Any]) -> Any:
        def run(client: Redis) -> Any:
            done = self._scripts[script](keys=keys, args=args, client=client)
            if self._replicas and script not in _NEVER_WAIT:
                replicated(client, keys[0], self._replicas)
            return done

        return self._call(run)


def keys_of(user: str, thread: str) -> list[str]:
    check_thread(thread)
    return [f"{index_of(user, thread)}:{name}" for name in NAMES]


def pictures_of(user: str, thread: str) -> str:
    """Name the key of a thread's pictures, which comes and goes with the others and is no part of most commits."""
    check_thread(thread)
    return f"{index_of(user, thread)}:pictures"


def index_of(user: str, name: str) -> str:
    check_user(user)
    return f"mi:{{{user}}}:{name}"


def replicated(client: Redis, key: str, replicas: int) -> None:
    """Wait until so many replicas of the server that has a key have all of it; raises StoreUnavailable.

    By a small write and WAIT behind it, so that it also tells where a commit is repeated and writes nothing anew.
    """
    found: Any = client
    server = found.get_redis_connection(found.get_node_from_key(key)) if is_cluster(client) else found
    with server.pipeline(transaction=False) as pipe:
        pipe.set(f"{key[: key.index('}') + 1]}:replicated", 1, px=60_000)
        pipe.execute_command("WAIT", replicas, REPLICA_MS)
        _, have = pipe.execute()
    if int(have) < replicas:
        raise StoreUnavailable(
            f"Redis has it, but only {int(have)} of {replicas} replicas that REDIS_REPLICAS asks for: it counts as "
            "saved when they have it too."
        )


def while_there(client: Redis, meta: str, write: Callable[[Pipeline], None]) -> None:
    """Write in one transaction, unless the thread is deleted before it ends; raises ThreadGone."""
    with client.pipeline(transaction=True) as pipe:
        while True:
            try:
                pipe.watch(meta)  # type: ignore[no-untyped-call]
                known: Any = pipe.hmget(meta, ["thread", "deleted"])
                if known[0] is None or known[1] is not None:
                    raise gone()
                pipe.multi()
                write(pipe)
                pipe.execute()
                return
            except WatchError:
                continue  # the thread was renamed, or is deleted: the next look tells


def new_revision() -> str:
    return uuid.uuid4().hex[:12]


def same_revision(read: str, event: str, written: Iterable[bytes]) -> str:
    """Name what an event writes over the revision that was read."""
    return hashlib.sha256(b"\n".join([read.encode(), event.encode(), *written])).hexdigest()[:12]


def gone() -> ThreadGone:
    return ThreadGone(
        "This conversation has been deleted. Restore it from the menu within ten minutes, or start a new one."
    )
