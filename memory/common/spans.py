"""Turns as marks in an array, and the spans of those that follow each other.

>>> runs(marks(6, [1, 2, 5]))
[(1, 3), (5, 6)]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.base import Span

Marks = NDArray[np.bool_]
_FEW = 16
"""Of fewer marks than this arrays take longer to be asked than a loop takes."""


def marks(length: int, turns: Iterable[int] | NDArray[Any]) -> Marks:
    """Return a mark for each of so many turns, set for these."""
    marked = np.zeros(length, dtype=bool)
    marked[turns if isinstance(turns, np.ndarray) else list(turns)] = True
    return marked


def runs(marked: Marks) -> list[Span]:
    """Return the spans of the turns that are marked and follow each other."""
    if len(marked) < _FEW:
        found: list[Span] = []
        for place in [place for place, mark in enumerate(marked.tolist()) if mark]:
            if found and found[-1][1] == place:
                found[-1] = (found[-1][0], place + 1)
            else:
                found.append((place, place + 1))
        return found
    framed = np.zeros(len(marked) + 2, dtype=bool)
    framed[1:-1] = marked
    edges = np.flatnonzero(framed[1:] != framed[:-1]).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
