"""From which turn on one memory costs more than another, when a conversation goes on as it is.

    >>> crossing_turn(at, "buffer", "window:k=2", caching=False)
    4

Arithmetic over the averages of the conversation so far (`memory/money/projection.py`); nothing is asked of a model.
"""

from __future__ import annotations

from memory.catalog import load
from memory.lessons.at import At
from memory.money.averages import averages
from memory.money.projection import crossings, project

TURNS = 500
"""How many turns are projected."""


def crossing_turn(at: At, one: str, other: str, caching: bool) -> int | None:
    """Return from which turn on the first memory stays the dearer; 0 where it does not become so within `TURNS`.

    None where no turn has an answer yet or a price is not known. Raises BadInput for a memory that cannot be projected.
    """
    seen = at.seen
    sizes = averages(at.traces, seen.events) if seen else None
    if seen is None or sizes is None:
        return None
    lines = [project(load().memory(spec), sizes, TURNS, seen.trace.priced_as) for spec in (one, other)]
    costs = [line.costs if caching else line.costs_uncached for line in lines]
    if costs[0] is None or costs[1] is None:
        return None
    found = crossings(costs[0], costs[1])
    return found[-1].turn if found and found[-1].dearer == 0 else 0
