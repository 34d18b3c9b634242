"""From a server into a backup, and from a backup into any other: embedded, named, cluster or behind Sentinels.

    >>> counts = back_up(connection, Path("all.jsonl.gz"))
    >>> counts.users, counts.keys
    (12, 431)
    >>> restore(other, Path("all.jsonl.gz"))

The keys of one conversation are read in one transaction, so that a turn and its trace are in a backup together or not
at all while the app runs on. What is only a search index (vectors, the lexical index) is left out: it is made again
from the store. Only here is a server asked for all of its keys; it takes a while and holds nobody up.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from redis import Redis

from memory.backup.file import Counts, Part, Writer, check, opened, parts
from memory.catalog import load
from memory.errors import BadInput
from memory.server.addresses import servers
from memory.server.connect import Connection
from memory.store import check_user

ROWS, BYTES = 500, 1_000_000
"""Rows, and about how many bytes, of one line and of one command."""
TRANSIENT = ("comparing",)
"""Keys that say who is at work now."""
INDEXES = ("threads", "deleted", "experiments", "experiments-deleted", "settings")
"""Keys that lead to the others: written last, so that nothing half restored is on a page."""
_NAME = re.compile(rb"mi:\{([A-Za-z0-9_-]+)\}:(.+)", re.DOTALL)


def back_up(
    connection: Connection, path: Path, user: str | None = None, told: Callable[[Counts], None] | None = None
) -> Counts:
    """Write everything of one user, or of all, into a file; what was there before stays until the new one is whole.

    `told` hears after each user what is written so far. Raises BadInput where the file cannot be written or nothing is
    kept of the user, StoreUnavailable.
    """
    found = _keys(connection, user)
    if user is not None and not found:
        raise BadInput(f"--user {user[:60]}: nothing is kept of this user: the id is on the page Settings.")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}: name another file.") from None
    os.close(handle)
    made = Path(name)
    try:
        with opened(made, "wb") as stream:
            writer = Writer(stream)
            for one in sorted(found):
                for part in _of_user(connection, one, found[one]):
                    writer.put(part)
                if told:
                    told(writer.counts)
            writer.end()
        made.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}: free some space or name another file.") from None
    finally:
        made.unlink(missing_ok=True)
    return writer.counts


def restore(
    connection: Connection,
    path: Path,
    user: str | None = None,
    replace: bool = False,
    told: Callable[[Counts], None] | None = None,
) -> Counts:
    """Write a backup, or what it holds of one user, into a server; returns what was written.

    The file is read whole before anything is written. Raises BadInput where it is damaged, where it holds nothing of
    the user, and where the server keeps something of its users already, unless that is to be replaced.
    """
    check(path)
    held = {part.user for part in parts(path)}
    if user is not None and user not in held:
        raise BadInput(f"{path}: it holds nothing of the user {user[:60]}.")
    wanted = held if user is None else {user}
    there = {one: keys for one, keys in _keys(connection).items() if one in wanted}
    if there and not replace:
        some = ", ".join(sorted(there)[:3])
        raise BadInput(
            f"The server already keeps something of {len(there):,} of the users ({some}): nothing was written;"
            " with --replace the backup takes the place of it."
        )
    counts = Counts()
    for one, rows in groupby((part for part in parts(path) if part.user in wanted), lambda part: part.user):
        _write_user(connection, one, there.get(one, []), rows, counts)
        if told:
            told(counts)
    return counts


def _keys(connection: Connection, user: str | None = None) -> dict[str, list[str]]:
    """List the keys by user."""
    if user is not None:
        check_user(user)
    match = f"mi:{{{user or '*'}}}:*"

    def scan(client: Redis) -> dict[str, list[str]]:
        found: dict[str, set[str]] = {}
        for server in servers(client):
            for key in server.scan_iter(match=match, count=2_000):
                if name := _NAME.fullmatch(key):
                    found.setdefault(name[1].decode(), set()).add(name[2].decode())
        return {one: sorted(keys) for one, keys in found.items()}

    return connection.call(scan)


def _of_user(connection: Connection, user: str, keys: list[str]) -> Iterator[Part]:
    lasting = [key for key in keys if key not in TRANSIENT]
    for _, group in groupby(sorted(lasting, key=_conversation), key=_conversation):
        yield from _together(connection, user, list(group))
    for name, cls in load().memories.items():
        if rows := cls.copied(user):
            yield Part(user, rows, memory=name)


def _conversation(key: str) -> str:
    return key.rpartition(":")[0]


def _together(connection: Connection, user: str, keys: list[str]) -> Iterator[Part]:
    """Read keys that belong together in one transaction; one that has gone since is left out."""
    names = [f"mi:{{{user}}}:{key}" for key in keys]

    def types(client: Redis) -> list[str]:
        pipe = client.pipeline(transaction=True)
        for name in names:
            pipe.type(name)
        return [kind.decode() for kind in pipe.execute()]

    def read(client: Redis) -> list[Any]:
        pipe: Any = client.pipeline(transaction=True)
        for name, kind in zip(names, kinds, strict=True):
            ask: Callable[[Any, str], Any] = _READ.get(kind, _nothing)
            ask(pipe, name)
            pipe.pexpiretime(name)
        answers: list[Any] = pipe.execute()
        return answers

    kinds = connection.call(types)
    answers = connection.call(read)
    for key, kind, value, expires in zip(keys, kinds, answers[::2], answers[1::2], strict=True):
        if kind in _READ and expires != -2:
            for rows in _chunks(_rows(kind, value)):
                yield Part(user, rows, key, kind, expires if expires >= 0 else None)


_READ: dict[str, Callable[[Any, str], Any]] = {
    "list": lambda pipe, name: pipe.lrange(name, 0, -1),
    "hash": lambda pipe, name: pipe.hgetall(name),
    "zset": lambda pipe, name: pipe.zrange(name, 0, -1, withscores=True),
    "set": lambda pipe, name: pipe.smembers(name),
    "string": lambda pipe, name: pipe.get(name),
}


def _nothing(pipe: Any, name: str) -> None:
    pipe.exists(name)


def _rows(kind: str, value: Any) -> list[Any]:
    if kind == "hash":
        return sorted(value.items())
    if kind == "set":
        return sorted(value)
    return [value] if kind == "string" else list(value)


def _chunks(rows: list[Any]) -> Iterator[list[Any]]:
    held: list[Any] = []
    size = 0
    for row in rows:
        held.append(row)
        size += sum(len(one) for one in (row if isinstance(row, tuple) else (row,)) if isinstance(one, bytes))
        if len(held) >= ROWS or size >= BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def _write_user(connection: Connection, user: str, there: list[str], rows: Iterable[Part], counts: Counts) -> None:
    if there:
        gone = [f"mi:{{{user}}}:{key}" for key in there]
        connection.call(lambda client: client.unlink(*gone))
    for cls in load().memories.values():
        cls.erase(user)
    last: list[Part] = []
    begun: set[str] = set()
    for part in rows:
        counts.add(part)
        if part.memory:
            if keeper := load().memories.get(part.memory):
                keeper.take_copied(user, part.rows)
        elif part.key in INDEXES:
            last.append(part)
        else:
            _write(connection, part, part.key not in begun)
            begun.add(part.key)
    for part in last:
        _write(connection, part, part.key not in begun)
        begun.add(part.key)


def _write(connection: Connection, part: Part, first: bool) -> None:
    name = f"mi:{{{part.user}}}:{part.key}"
    # A list is appended to: done twice, where an answer was lost, a part would be in it twice.
    start = 0 if first else connection.call(lambda client: client.llen(name)) if part.type == "list" else 0

    def write(client: Redis) -> None:
        pipe = client.pipeline(transaction=True)
        if first:
            pipe.unlink(name)
        rows: Any = part.rows
        if part.type == "list":
            if not first:
                pipe.ltrim(name, 0, start - 1)
            pipe.rpush(name, *rows)
        elif part.type == "hash":
            pipe.hset(name, mapping=dict(rows))
        elif part.type == "zset":
            pipe.zadd(name, dict(rows))
        elif part.type == "set":
            pipe.sadd(name, *rows)
        else:
            pipe.set(name, rows[0])
        if part.expires is not None:
            pipe.pexpireat(name, part.expires)
        pipe.execute()

    connection.call(write)
