"""What a search returns: all turns of a transcript, the likest first; or their vectors in the plane.

    >>> ranking[0].turn, ranking[0].rank, ranking[0].score
    (12, 1, 0.71)

A ranking keeps arrays and makes a `Hit` of what is looked at: of hundreds of turns few are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.base import Search
from memory.retrieval.fusion import Scores
from memory.retrieval.units import Unit

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn, or the message of a turn at the place `message`, by its rank from 1; `score` is from 0 to 1.

    `tokens` is its size when it is quoted; `parts` are what the score is made of.
    """

    turn: int
    message: int | None
    at: float
    rank: int
    score: float
    tokens: int
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Searched:
    """What was searched, as it was: the units, and of each its turn, its message (-1: the whole turn) and its time.

    Of `prices` each has a row: its tokens when it is quoted, its day (UTC, counted from 1970), and the tokens of a line
    for that day, 0 where the time is not known.
    """

    units: tuple[Unit, ...]
    times: Scores
    turns: Numbers
    messages: Numbers
    prices: Numbers


@dataclass(frozen=True, eq=False)
class Ranking(Sequence[Hit]):
    """All turns of a transcript, the likest first; `search` is how they were compared.

    `scores` stand in the order of the units, as do those of each of `parts`. Those that have nothing in common with the
    query have the score 0.
    """

    search: Search
    searched: Searched
    scores: Scores
    parts: Mapping[str, Scores]

    @cached_property
    def order(self) -> Numbers:
        """The places of the units by rank; of equals the newer comes first."""
        order: Numbers = (-self.scores[::-1]).argsort(kind="stable")
        return np.subtract(len(order) - 1, order, out=order)

    def rescored(self, scores: Scores, parts: Mapping[str, Scores]) -> Ranking:
        """Rank the same units by other scores."""
        return Ranking(self.search, self.searched, scores, {**self.parts, **parts})

    @property
    def units(self) -> tuple[Unit, ...]:
        return self.searched.units

    def parts_at(self, places: Numbers) -> list[dict[str, float]]:
        """Return what the scores of the units at some places are made of."""
        if not self.parts:
            return [{} for _ in range(len(places))]
        # Cosines are of half the digits, and 0.4431 rounded among those is 0.44310000538.
        columns = [values[places].astype(float).round(4).tolist() for values in self.parts.values()]
        return [dict(zip(self.parts, row, strict=True)) for row in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = int(self.order[index])
        unit, score, tokens = self.units[place], float(self.scores[place]), int(self.searched.prices[place, 0])
        (parts,) = self.parts_at(self.order[[index]])
        return Hit(unit.turn, unit.message, unit.at, index + 1, score, tokens, parts)

    def __iter__(self) -> Iterator[Hit]:
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True, slots=True)
class Space:
    """Vectors in the plane, seen from where they are widest: a point for each unit that has one, and the query's."""

    points: tuple[tuple[float, float], ...]
    units: tuple[Unit, ...]
    query: tuple[float, float]
    embedding: str
