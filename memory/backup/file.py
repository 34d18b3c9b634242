"""The file of a backup: JSON Lines, text as text, and a last line by which one that was cut is told from a whole one.

    {"backup": 1, "made": "2026-11-21T20:04:11+00:00"}
    {"user": "3f9c…", "key": "8b1e…:turns", "type": "list", "expires": 1795000000000, "rows": ["{\\"id\\":…}", …]}
    {"user": "3f9c…", "memory": "KeyValueMemory", "rows": [["city", "Oslo", 1763750000.0, "0f2a…"]]}
    {"end": {"users": 1, "keys": 12, "rows": 214, "sha256": "…"}}

A key's rows are in order: a list's members, a hash's [field, value], a sorted set's [member, score], a set's members,
a string's one value. A long key goes over several lines. Bytes that are no text stand as {"b64": "…"}. `expires` is in
milliseconds since 1970, null for never. A name that ends in .gz is compressed.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from memory.errors import BadInput
from memory.store import check_user

VERSION = 1
LONGEST = 64_000_000
"""Bytes of one line; a row of the store is far below (a picture has 5 MB, a picture in base64 7)."""
TYPES = ("list", "hash", "zset", "set", "string")
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,300}")
_REMEDY = "make the backup again, or take another copy of it"


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of one key of a user, or with `memory` what that memory keeps of the user outside of the store."""

    user: str
    rows: list[Any]
    key: str = ""
    type: str = ""
    expires: int | None = None
    memory: str = ""

    def line(self) -> dict[str, Any]:
        if self.memory:
            return {"user": self.user, "memory": self.memory, "rows": self.rows}
        rows = [_encoded(row) for row in self.rows]
        return {"user": self.user, "key": self.key, "type": self.type, "expires": self.expires, "rows": rows}


@dataclass
class Counts:
    """What a backup holds."""

    users: int = 0
    keys: int = 0
    rows: int = 0
    _user: str = field(default="", repr=False)
    _key: str = field(default="", repr=False)

    def add(self, part: Part) -> None:
        """Count a part; those of a user, and of a key, follow each other."""
        self.users += part.user != self._user
        if not part.memory:
            self.keys += (part.user, part.key) != (self._user, self._key)
        self._user, self._key = part.user, part.key
        self.rows += len(part.rows)


class Writer:
    """Writes a backup line by line."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._sum, self.counts = stream, hashlib.sha256(), Counts()
        self._write({"backup": VERSION, "made": datetime.now(UTC).isoformat(timespec="seconds")})

    def put(self, part: Part) -> None:
        self.counts.add(part)
        self._write(part.line())

    def end(self) -> None:
        counts = {"users": self.counts.users, "keys": self.counts.keys, "rows": self.counts.rows}
        self._write({"end": {**counts, "sha256": self._sum.hexdigest()}})

    def _write(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._sum.update(line)
        self._stream.write(line)


@contextmanager
def opened(path: Path, mode: str) -> Iterator[IO[bytes]]:
    """Open a file, compressed where its name ends in .gz; raises BadInput with the reason where it cannot be."""
    try:
        stream = gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode)  # noqa: SIM115
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}: name another file.") from None
    with stream:
        yield cast("IO[bytes]", stream)


def parts(path: Path) -> Iterator[Part]:
    """Go through a backup from beginning to end; raises BadInput that names the line where it is damaged or cut.

    Whoever must not begin with a damaged file goes through it once before (`check`).
    """
    sum_, counts, ended = hashlib.sha256(), Counts(), False
    with opened(path, "rb") as stream:
        for number, line in enumerate(_lines(stream, path), 1):
            if ended:
                raise BadInput(f"{path}, line {number:,}: there is something after its end: {_REMEDY}.")
            row = _row(line, path, number)
            if number == 1:
                _first(row, path)
            elif "end" in row:
                ended = True
                said = {"users": counts.users, "keys": counts.keys, "rows": counts.rows, "sha256": sum_.hexdigest()}
                if row["end"] != said:
                    raise BadInput(f"{path}: it is damaged (its sum differs): {_REMEDY}.")
            else:
                part = _part(row, path, number)
                counts.add(part)
                yield part
            sum_.update(line)
    if not ended:
        raise BadInput(f"{path}: it is cut: its end is missing: {_REMEDY}.")


def check(path: Path) -> Counts:
    """Read a backup whole and say what it holds; raises BadInput as `parts`."""
    counts = Counts()
    for part in parts(path):
        counts.add(part)
    return counts


def _lines(stream: IO[bytes], path: Path) -> Iterator[bytes]:
    try:
        while line := stream.readline(LONGEST + 1):
            if len(line) > LONGEST:
                raise BadInput(f"{path}: a line has over {LONGEST:,} bytes: it is no backup of this program.")
            yield line
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: it cannot be read to its end ({error}): {_REMEDY}.") from None


def _row(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise BadInput(f"{path}, line {number:,}: it is no JSON object: {_REMEDY}.")
    return row


def _first(row: dict[str, Any], path: Path) -> None:
    if "backup" not in row:
        raise BadInput(f"{path}: it is no backup: a conversation's file is imported on the page Chat.")
    if row["backup"] != VERSION:
        raise BadInput(f"{path}: it is of version {str(row['backup'])[:20]}, this program reads {VERSION}: update it.")


def _part(row: dict[str, Any], path: Path, number: int) -> Part:
    try:
        user, rows = row["user"], row["rows"]
        check_user(user)
        if not isinstance(rows, list):
            raise TypeError("rows must be a list")
        if "memory" in row:
            return Part(user, rows, memory=str(row["memory"]))
        key, kind, expires = row["key"], row["type"], row["expires"]
        if not _KEY.fullmatch(key) or kind not in TYPES or not (expires is None or isinstance(expires, int)):
            raise ValueError("the key, its type or its expiry cannot be")
        return Part(user, [_decoded(one, kind) for one in rows], key, kind, expires)
    except (KeyError, TypeError, ValueError, BadInput) as error:
        raise BadInput(f"{path}, line {number:,}: {error}: {_REMEDY}.") from None


def _encoded(row: Any) -> Any:
    if isinstance(row, bytes):
        try:
            return row.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(row).decode()}
    return [_encoded(one) for one in row] if isinstance(row, (list, tuple)) else row


def _decoded(row: Any, kind: str) -> Any:
    if kind == "hash":
        name, value = row
        return (_bytes(name), _bytes(value))
    if kind == "zset":
        member, score = row
        if isinstance(score, bool) or not isinstance(score, (int, float)):
            raise TypeError("a score must be a number")
        return (_bytes(member), float(score))
    return _bytes(row)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "strict")
    return base64.b64decode(value["b64"], validate=True)
