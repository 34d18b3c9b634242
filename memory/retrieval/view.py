"""Draws what was retrieved: the scores with their near misses, and the vectors as a map with the query in it.

>>> scores_of(recall).rows[0]
Ranked(turn=12, message=None, rank=1, score=0.71, sent=True, why='rank 1, score 0.71', parts={})
"""

from __future__ import annotations

from memory.base import Recall
from memory.retrieval.ranking import Space
from memory.views import Point, Ranked, Scores, VectorMap


def place_of(ref: str) -> int | None:
    """Return the place of a message that a reference names, None where it names whole turns."""
    return int(ref.partition(".")[2]) if ref.startswith("message:") else None


def scores_of(recall: Recall, bars: tuple[str, ...] = ()) -> Scores | None:
    """List what a recall says with scores, sent and not, best first; None where it says none."""
    sent = [
        (item.score, -item.turns[0], item.turns[0], place_of(item.ref), True, item.why, item.parts)
        for item in recall.items
        if item.turns and item.score is not None
    ]
    near = [
        (left.score, -left.turns[0], left.turns[0], left.message, False, left.why, left.parts)
        for left in recall.left_out
        if left.score is not None
    ]
    rows = sorted([*sent, *near], key=lambda row: (-row[0], row[1]))
    ranked = tuple(
        Ranked(turn, message, rank, score, was_sent, why, parts)
        for rank, (score, _, turn, message, was_sent, why, parts) in enumerate(rows, 1)
    )
    return Scores(ranked, bars) if ranked else None


def map_of(recall: Recall, space: Space | None) -> VectorMap | None:
    """Draw the vectors in the plane, those sent marked; None where there are none."""
    if space is None:
        return None
    sent = {(turn, place_of(item.ref)) for item in recall.items if item.turns for turn in range(*item.turns)}
    points = tuple(
        Point(x, y, unit.turn, unit.message, bool({(unit.turn, unit.message), (unit.turn, None)} & sent))
        for (x, y), unit in zip(space.points, space.units, strict=True)
    )
    return VectorMap(points, space.query, space.embedding)
