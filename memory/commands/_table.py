"""Tables and a progress bar in plain text.

>>> print(table(("memory", "tokens"), [("window:k=3", "312"), ("buffer", "14,616")], "<>"))
memory      tokens
window:k=3     312
buffer      14,616
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from typing import TextIO

_WIDTH = 30
_PAUSE = 0.1
"""Seconds between two drawings of the bar."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Write rows under a head; `align` has "<" or ">" for each column."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = (
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)).rstrip()
        for row in (head, *rows)
    )
    return "\n".join(lines)


def terminal_width(out: TextIO) -> int:
    """Say how many characters a line has; 0 where `out` is no terminal."""
    return shutil.get_terminal_size((80, 24)).columns if out.isatty() else 0


def can_write(out: TextIO, text: str) -> bool:
    """Say whether a stream's encoding has some characters."""
    try:
        text.encode(out.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


class Progress:
    """A bar on standard error where that is a terminal, nothing elsewhere."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._total, self._done, self._drawn = max(1, total), 0, 0.0

    def step(self, label: str) -> None:
        """Count one of the total; the bar is drawn ten times a second at most."""
        self.to(self._done + 1, label)

    def to(self, done: int, label: str) -> None:
        """Say how many of the total are done."""
        self._done = done
        if self._shown and (time.monotonic() - self._drawn > _PAUSE or self._done == self._total):
            self._drawn = time.monotonic()
            full = _WIDTH * self._done // self._total
            bar = "█" * full + "░" * (_WIDTH - full)
            self._stream.write(f"\r{bar} {100 * self._done // self._total:3d} %  {label[:40]:40}")
            self._stream.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._shown:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._shown = False
