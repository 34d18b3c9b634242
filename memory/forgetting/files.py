"""Looks for words in the bytes of every file of a folder: the last proof that they are gone.

    >>> scan(data_folder(), ["Zanzibar"], user="alex")
    {'redis': 2, 'chroma': 0}

A word is found as UTF-8 and as JSON writes it with escapes, in any letter case of ASCII. In the files of a Redis
server a row names its owner: what another user said is not counted.
"""

from __future__ import annotations

import mmap
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

_BEFORE = rb"(?:(?<![A-Za-z0-9_])|(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{4}))"
_FACTS = 5000
"""How many bytes before a saved fact its owner stands at most."""
_OWNER = re.compile(rb"mi:\{([A-Za-z0-9_-]+)\}")


def forms(word: str) -> set[bytes]:
    """Write a word in each way in which a file can hold it."""
    escaped = "".join(char if char.isascii() else _escape(char) for char in word)
    return {form.encode("utf-8", "replace") for form in (word, word.lower(), word.casefold(), escaped)}


def _escape(char: str) -> str:
    pair = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{pair[place] * 256 + pair[place + 1]:04x}" for place in range(0, len(pair), 2))


def pattern(words: Sequence[str]) -> re.Pattern[bytes] | None:
    """Return an expression that finds any of some words, None where there are none."""
    all_forms = sorted({form for word in words for form in forms(word)}, key=len, reverse=True)
    if not all_forms:
        return None
    return re.compile(_BEFORE + b"(?:" + b"|".join(map(re.escape, all_forms)) + rb")(?![A-Za-z0-9_])", re.IGNORECASE)


def scan(folder: Path, words: Sequence[str], user: str) -> dict[str, int]:
    """Count what is found by the first part of the files' paths: "redis", "chroma", or a file's own name."""
    found: dict[str, int] = {}
    for path in _files(folder):
        place = path.relative_to(folder).parts[0]
        found.setdefault(place, 0)
        own = _own_words(path) if path.name == "chroma.sqlite3" else set()
        if wanted := pattern([word for word in words if word.casefold() not in own]):
            found[place] += _count(path, wanted, user)
    return found


def settled(folder: Path, words: Sequence[str], user: str, patience: float = 10.0) -> dict[str, int]:
    """Scan until nothing is found, at most so many seconds: a server removes its old files a moment later."""
    deadline = time.monotonic() + patience
    while True:
        found = scan(folder, words, user)
        if not any(found.values()) or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _count(path: Path, wanted: re.Pattern[bytes], user: str) -> int:
    try:
        with open(path, "rb") as file:
            if not path.stat().st_size:
                return 0
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if path.name.startswith("key-value"):
                    owner = user.encode()
                    return sum(
                        data.find(owner, max(0, match.start() - _FACTS), match.start()) >= 0
                        for match in wanted.finditer(data)
                    )
                return sum(_owner(data, match.start()) in (None, user) for match in wanted.finditer(data))
    except (OSError, ValueError):
        return 0  # gone in between, or a socket


def _owner(data: mmap.mmap, place: int) -> str | None:
    """Return whose row a place in a server's file is in, None where that is not to be seen."""
    start = data.rfind(b"mi:{", 0, place)
    found = _OWNER.match(data[start : start + 120]) if start >= 0 else None
    return found[1].decode() if found else None


def _own_words(path: Path) -> set[str]:
    """Return the words of Chroma's own: how it made its tables stands in its file."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
            rows = db.execute("SELECT sql FROM sqlite_master UNION ALL SELECT sql FROM migrations").fetchall()
            rows += db.execute("SELECT config_json_str || coalesce(schema_str, '') FROM collections").fetchall()
    except sqlite3.Error:
        return set()
    return {word for (text,) in rows for word in re.findall(r"\w+", (text or "").casefold())}
