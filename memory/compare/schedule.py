"""Which memory over which recording comes next, and how many steps of all are done.

    >>> schedule = Schedule(experiment.conversations, columns=3)
    >>> schedule.next(held=None, others=[])           # the first column over the first recording
    (0, 0)
    >>> schedule.next(held=None, others=[0])          # another worker begins with another recording
    (1, 0)

A worker keeps to its recording while there is something left to run over it, as what several memories ask of it is
worked out once; when all recordings are taken, it helps with the one that has most left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from memory.compare.experiment import Listed

Place = tuple[int, int]
"""A recording and a column, by their places in the experiment."""


class Schedule:
    """Runs that wait, that are on their way and that are finished; a step is a turn or a question."""

    def __init__(self, conversations: Sequence[Listed], columns: int) -> None:
        self._sizes = [one.turns + one.questions for one in conversations]
        self._waiting = [deque(range(columns)) for _ in conversations]
        self._running: dict[Place, int] = {}
        self._finished = 0
        self.total = sum(self._sizes) * columns

    @property
    def done(self) -> int:
        """Steps that are done, those of runs on their way as well."""
        return min(self.total, self._finished + sum(self._running.values()))

    @property
    def left(self) -> int:
        """Steps of the runs that wait."""
        return sum(size * len(columns) for size, columns in zip(self._sizes, self._waiting, strict=True))

    @property
    def runs(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting))

    @property
    def unfinished(self) -> bool:
        return bool(self.runs or self._running)

    def next(self, held: int | None, others: Sequence[int | None]) -> Place | None:
        """Begin a run for a worker that has a recording, by those that others have; None where none waits."""
        waiting = [number for number, columns in enumerate(self._waiting) if columns]
        if not waiting:
            return None
        if held in waiting:
            number = held
        elif fresh := [number for number in waiting if number not in others]:
            number = fresh[0]
        else:
            number = max(waiting, key=lambda number: self._sizes[number] * len(self._waiting[number]))
        place = (number, self._waiting[number].popleft())
        self._running[place] = 0
        return place

    def step(self, place: Place, count: int) -> None:
        """Count steps of a run on its way."""
        self._running[place] += count

    def finish(self, place: Place) -> None:
        """Count a run as done, to the last step also where it failed before; one that is not known is passed over."""
        number, column = place
        if self._running.pop(place, None) is None:
            with suppress(IndexError, ValueError):
                self._waiting[number].remove(column)
                self._finished += self._sizes[number]
            return
        self._finished += self._sizes[number]

    def again(self, place: Place) -> None:
        """Have a run that was lost wait again, as the first."""
        if self._running.pop(place, None) is not None:
            self._waiting[place[0]].appendleft(place[1])
