"""What was removed, place by place, and what a second look has found of it; a receipt repeats no word of it.

>>> receipt = forget_turn(store, retrieval, user, thread, 3)
>>> [(row.place, row.there, row.left) for row in receipt.rows][0]
('turn 4: its messages', 2, 0)
>>> receipt.left, receipt.owed
(0, ())
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from typing import Any

IN_FILES = ("files: redis", "files: chroma", "other files")
"""Rows that count lines which the files of the data folder repeat."""
NAMED = 5
"""How many of the places that were kept are named in one sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """One place: how many things were `there`, and how many of them are `left`, None where nobody here can look.

    `said` is what else there is to know; `owed` says that it is still to be removed, and when it will be. What is
    `kept` repeats it, and was not chosen to go.
    """

    place: str
    there: int
    left: int | None = 0
    said: str = ""
    owed: bool = False
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a forgetting removed. `what` names it without its words; `at` is in seconds since the epoch."""

    what: str
    rows: tuple[Row, ...] = ()
    at: float = field(default_factory=time.time)

    @property
    def left(self) -> int:
        """How many things a second look has found of what was to go; what is owed or kept is not among them."""
        return sum(row.left or 0 for row in self.rows if not (row.owed or row.kept))

    @property
    def kept(self) -> int:
        """In how many places its words still stand, as nobody chose these."""
        return sum(row.left or 0 for row in self.rows if row.kept)

    @property
    def standing(self) -> str:
        """Say where its words still stand as nobody chose these places, empty where there is none."""
        if not self.kept:
            return ""
        names = [row.place for row in self.rows if row.kept]
        named = ", ".join(names[:NAMED]) + (" and others" if len(names) > NAMED else "")
        where = f"{self.kept:,} place{'s' * (self.kept != 1)} that you kept"
        return f"words of it still stand in {where} ({named}), and so in files and in what memories make of it"

    @property
    def owed(self) -> tuple[Row, ...]:
        """What is still to be removed."""
        return tuple(row for row in self.rows if row.owed)

    @property
    def unseen(self) -> tuple[Row, ...]:
        """Where nobody here can look: another's server, its replicas and backups."""
        return tuple(row for row in self.rows if row.left is None and not row.owed)

    @property
    def removed(self) -> int:
        """How many things were removed; lines that were found in files are these things once more, and not counted."""
        return sum(
            row.there - (row.left or 0) for row in self.rows if not (row.owed or row.kept or row.place in IN_FILES)
        )

    def there(self, place: str) -> int:
        """How many things were in a place, 0 where it is not on the receipt."""
        return next((row.there for row in self.rows if row.place == place), 0)

    def __str__(self) -> str:
        told = f"{self.what}: {self.removed:,} thing{'s' * (self.removed != 1)} removed"
        nothing = "nothing left of what was chosen" if self.kept else "nothing left"
        told += f", {self.left:,} left" if self.left else f", {nothing}"
        told += f"; {self.standing}" if self.kept else ""
        return told + (f", {len(self.owed):,} still to be removed" if self.owed else "") + "."

    def json(self) -> str:
        """Write it as JSON, to be kept by whoever asked for it."""
        body: dict[str, Any] = {"what": self.what, "at": self.at, "left": self.left, "kept": self.kept}
        body["rows"] = [asdict(row) for row in self.rows]
        return json.dumps(body, ensure_ascii=False, indent=1)
