"""KeyValueMemory: facts that you save by name, in a file of its own. Keeps them for ever, forgets everything else.

    turn 1   human: /remember city = Oslo      prompt: /remember city = Oslo
    turn 2   human: Where do I live?           prompt: "city: Oslo" | Where do I live?
    turn 3   human: /forget city               prompt: "city: Oslo" | /forget city

They stand in an SQLite file and outlive every conversation, a row for each owner and name: an example, for one
machine, of a memory that keeps something outside of the store. MEMORY_KEY_VALUE_FILE names the file.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from memory.base import Item, Kept, LeftOut, Memory, Recall, Services, State, Turn
from memory.common.names import one_line
from memory.errors import BadInput, StoreUnavailable
from memory.server.data_folder import data_folder, private
from memory.tokens import count_tokens, well_formed

MAX_NAME, MAX_VALUE = 100, 2000
"""How many characters a name and a value may have."""
WAIT = 5.0
"""How many seconds another process is waited for that writes into the file."""

# SQLite lets those who wait try again by chance, and one of them in vain for long; within a process they stand in line.
_LINE = threading.Lock()
# The name is told from the value afterwards: an expression for both takes minutes over a line of many blanks.
_COMMAND = re.compile(r"\s*/(remember|forget)\s+(\S.*)")
# A forgotten name stays as a row without a value, so that an old conversation that is read again brings nothing back.
# Each owner's facts are numbered by themselves: a number tells nobody how much others have saved.
_TABLE = """CREATE TABLE IF NOT EXISTS saved (
    owner TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT, at REAL NOT NULL, turn TEXT NOT NULL,
    PRIMARY KEY (owner, id), UNIQUE (owner, name))"""
_SAVE = """INSERT INTO saved (owner, id, name, value, at, turn)
    VALUES (?1, (SELECT COALESCE(MAX(id), 0) + 1 FROM saved WHERE owner = ?1), ?2, ?3, ?4, ?5)
    ON CONFLICT (owner, name) DO UPDATE SET value = excluded.value, at = excluded.at, turn = excluded.turn
    WHERE excluded.at >= saved.at"""
_SAVED = "SELECT id, name, value FROM saved WHERE owner = ? AND value IS NOT NULL ORDER BY at DESC, id DESC"


class KeyValueMemory(Memory):
    """Sends the facts that you saved by name, the newest first."""

    short = "key_value"
    label = "Key value"
    family = "custom"
    keeps = "what you save by /remember name = value"
    forgets = "all that is said; a fact by /forget name"
    costs = "the saved facts"
    stateful = True

    @property
    def tail(self) -> int:
        return 0

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        rows: list[tuple[int, str, str]] = []
        try:
            with facts() as db:
                rows = db.execute(_SAVED, (services.user,)).fetchall()
        except StoreUnavailable as error:
            services.failed(error)
        items: list[Item] = []
        over: list[str] = []
        rest = budget
        for id, name, value in rows:
            text = f"{name}: {value}"
            if (size := count_tokens(text, services.encoding)) <= rest:
                items.append(Item(f"fact:{id}", "memory", "a fact that you saved", size, text=text))
                rest -= size
            else:
                over.append(str(id))
        why = "it sends only the facts that you saved"
        if over:
            # By their numbers: a trace holds no word that was said.
            why += f", and over the budget of {budget:,} tokens not {_few(over)} of them"
        return Recall(tuple(items), (LeftOut((0, len(transcript)), why),) if len(transcript) else ())

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        rows: list[tuple[str, str, str | None, float, str]] = []
        for turn in transcript[state.covered :]:
            for name, value in commands(turn.human):
                if len(name) > MAX_NAME or len(value or "") > MAX_VALUE:
                    services.failed(BadInput(f"{name[:40]!r} was not saved, as it is too long: shorten it."))
                else:
                    rows.append((services.user, name, value, turn.at, turn.id))
        if rows and not services.estimates:
            try:
                with facts() as db:
                    db.executemany(_SAVE, rows)
            except StoreUnavailable as error:
                services.failed(error)
                return state
        return replace(state, covered=len(transcript))

    @classmethod
    def kept(cls, user: str) -> Mapping[str, Kept]:
        """Return all rows of a user, by their number; raises StoreUnavailable."""
        if not file().exists():
            return {}
        with facts() as db:
            rows = db.execute("SELECT id, name, value, turn FROM saved WHERE owner = ?", (user,)).fetchall()
        return {str(id): Kept(f"{name}: {value or ''}", turn) for id, name, value, turn in rows}

    @classmethod
    def reword(cls, user: str, name: str, text: str) -> bool:
        """Write "name: value" into a row; raises BadInput for what is none, StoreUnavailable."""
        called, _, value = (one_line(part) for part in well_formed(text).partition(":"))
        if not called or not value or len(called) > MAX_NAME or len(value) > MAX_VALUE:
            raise BadInput(f"Write it as name: value, at most {MAX_NAME} and {MAX_VALUE:,} characters long.")
        if not name.isdecimal() or not file().exists():
            return False
        try:
            with facts(vacuum=True) as db:
                row = (called, value, user, int(name))
                return db.execute("UPDATE saved SET name = ?, value = ? WHERE owner = ? AND id = ?", row).rowcount > 0
        except StoreUnavailable as error:
            if isinstance(error.__cause__, sqlite3.IntegrityError):
                raise BadInput(f"{called!r} has a fact of its own: edit that one, or choose another name.") from None
            raise

    @classmethod
    def remove(cls, user: str, names: Iterable[str]) -> int:
        """Remove rows of a user by their number, and their bytes from the file; raises StoreUnavailable."""
        numbers = [(user, int(name)) for name in names if name.isdecimal()]
        if not numbers or not file().exists():
            return 0
        with facts(vacuum=True) as db:
            return db.executemany("DELETE FROM saved WHERE owner = ? AND id = ?", numbers).rowcount

    @classmethod
    def copied(cls, user: str) -> list[list[Any]]:
        """Return all rows of a user: name, value, time, turn; raises StoreUnavailable."""
        if not file().exists():
            return []
        with facts() as db:
            asked = "SELECT name, value, at, turn FROM saved WHERE owner = ? ORDER BY id"
            return [list(row) for row in db.execute(asked, (user,))]

    @classmethod
    def take_copied(cls, user: str, rows: list[Any]) -> None:
        try:
            saved = [(user, str(name), value, float(at), str(turn)) for name, value, at, turn in rows]
        except (TypeError, ValueError):
            raise BadInput("A saved fact in the backup is damaged: take another copy of it.") from None
        with facts() as db:
            db.executemany(_SAVE, saved)

    @classmethod
    def erase(cls, user: str) -> int:
        """Remove all rows of a user; raises StoreUnavailable."""
        if not file().exists():
            return 0
        with facts(vacuum=True) as db:
            return db.execute("DELETE FROM saved WHERE owner = ?", (user,)).rowcount


def _few(ids: Sequence[str]) -> str:
    """Name some facts by their numbers, the first of very many."""
    more = f" and {len(ids) - 10:,} more" if len(ids) > 10 else ""
    return f"{'fact' if len(ids) == 1 else 'facts'} {', '.join(ids[:10])}{more}"


def commands(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield each name that a message saves, with its value, or forgets, with None; a command is a line of its own."""
    for line in well_formed(text).splitlines():
        command = _COMMAND.fullmatch(line)
        if command and command[1] == "forget":
            yield one_line(command[2]), None
        elif command:
            name, value = map(one_line, command[2].split("=", 1)) if "=" in command[2] else ("", "")
            if name and value:
                yield name, value


def file() -> Path:
    """Return the place of the file: MEMORY_KEY_VALUE_FILE, else in the folder of all local data."""
    named = os.environ.get("MEMORY_KEY_VALUE_FILE")
    return Path(named).expanduser() if named else data_folder() / "key-value.sqlite"


def _opened(place: Path) -> sqlite3.Connection:
    # In the line as well: to close a file takes away every lock that this process holds on it.
    os.close(private(str(place), os.O_RDWR | os.O_CREAT))
    return sqlite3.connect(place, timeout=WAIT)


@contextmanager
def facts(vacuum: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the file for one transaction, after which it can be written anew without what was deleted.

    Raises StoreUnavailable, and then nothing was changed.
    """
    place = file()
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _LINE, closing(_opened(place)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            # What is overwritten or deleted leaves no trace in the pages, and the checkpoint none in the journal.
            db.execute("PRAGMA secure_delete = ON")
            with db:
                db.execute(_TABLE)
                yield db
            if vacuum:
                db.execute("VACUUM")
            if db.total_changes:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(
            f"The file of the saved facts, {place}, cannot be used ({error}): make it a writable SQLite file, or set "
            "MEMORY_KEY_VALUE_FILE to another place."
        ) from error
