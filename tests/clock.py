"""A clock that busy cores do not move: it counts what a piece of work takes of itself.

with Clock() as clock:
    connection.close()
assert clock.seconds < 1
"""

from __future__ import annotations

import time
from pathlib import Path


class Clock:
    """Counts the seconds inside of `with`, without those in which this thread could have run and had no core."""

    def __enter__(self) -> Clock:
        self.seconds, self._begin, self._stood = 0.0, time.monotonic(), _stood()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._begin - (_stood() - self._stood)


def _stood() -> float:
    """Return the seconds that this thread has stood in line for a core so far; 0 where the system does not tell."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0
