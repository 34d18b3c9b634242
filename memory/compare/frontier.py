"""Evidence found against tokens per question: a point for each memory, and those that no other beats.

    >>> points = points_of(summaries(experiment, results))
    >>> [experiment.columns[one.number].spec for one in frontier(points)]
    ['VectorStoreRetrieverMemory:k=5', 'ConversationBufferMemory']

One point beats another that has no more recall and takes no fewer tokens, unless both are the same in both. What finds
nothing is on no frontier, however few tokens it takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memory.compare.figures import Row


@dataclass(frozen=True, slots=True)
class Point:
    """A column by its number: the mean tokens of a question's prompt, and the mean share of its evidence in it."""

    number: int
    tokens: float
    recall: float

    def beats(self, other: Point) -> bool:
        """Say whether it finds as much for as few tokens, and more or for fewer."""
        if (self.tokens, self.recall) == (other.tokens, other.recall):
            return False
        return self.tokens <= other.tokens and self.recall >= other.recall


def points_of(rows: Iterable[Row]) -> list[Point]:
    """Make the points of the rows that are whole and have questions with evidence; others are not comparable."""
    return [
        Point(row.number, row.question_tokens, row.recall)
        for row in rows
        if row.whole and row.recall is not None and row.question_tokens is not None
    ]


def frontier(points: Iterable[Point]) -> list[Point]:
    """Return what finds something and nothing beats, by tokens from few to many, equal ones in the order of columns."""
    best: list[Point] = []
    for point in sorted((one for one in points if one.recall), key=lambda one: (one.tokens, -one.recall, one.number)):
        if not best or not best[-1].beats(point):
            best.append(point)
    return best
