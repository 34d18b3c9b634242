"""When each phase of a turn began, and how long it took.

>>> with phases("read"):
...     recall = memory.read(state, transcript, query, services, budget)
>>> phases.taken
[Phase(name='read', at=1795305600.1, seconds=0.002)]
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Phase(NamedTuple):
    """`at` is the Unix time at which it began."""

    name: str
    at: float
    seconds: float


class Phases:
    """The phases of one turn in their order: read, model (once for each round of tools), store, write.

    A turn in step mode waits within them.
    """

    def __init__(self) -> None:
        self.taken: list[Phase] = []

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Take down what is done within, also where it fails."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.ended(name, time.monotonic() - began)

    def ended(self, name: str, seconds: float) -> None:
        """Take down a phase that ends now."""
        self.taken.append(Phase(name, time.time() - seconds, seconds))
