"""Between what any memory lies: the evidence alone in the prompt, and the whole conversation in it.

    >>> found = bounds(recording, "o200k_base")
    >>> found.oracle, found.full                       # tokens per question; both find everything
    (58.4, 14616.0)

The oracle knows the question's evidence beforehand and sends nothing else, so no memory finds as much for less. The
full buffer sends every message, so it finds everything; a memory that sends more gains nothing by it. Neither looks at
a budget or at a model's window.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memory.evidence import places_of
from memory.formats import Recording
from memory.money.prompt_cache import Sizes


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sums over the questions that have evidence: how many, the oracle's tokens, the full buffer's, and what is found.

    `found` is the sum of the shares of evidence that were said before the replay's end: all, where it is not cut off.
    """

    questions: int = 0
    oracle_sum: int = 0
    full_sum: int = 0
    found: float = 0.0

    @property
    def oracle(self) -> float | None:
        """The oracle's tokens, mean over the questions; None where no question has evidence."""
        return self.oracle_sum / self.questions if self.questions else None

    @property
    def full(self) -> float | None:
        """The tokens of the whole conversation, mean over the questions; None where no question has evidence."""
        return self.full_sum / self.questions if self.questions else None

    @property
    def recall(self) -> float | None:
        """The mean share of evidence that both find: 1.0 unless the replay ends before some of it was said."""
        return self.found / self.questions if self.questions else None

    def __add__(self, other: Bounds) -> Bounds:
        """Take the questions of two conversations together."""
        return Bounds(
            self.questions + other.questions,
            self.oracle_sum + other.oracle_sum,
            self.full_sum + other.full_sum,
            self.found + other.found,
        )


def bounds(recording: Recording, encoding: str, end: int | None = None) -> Bounds:
    """Measure a recording in an encoding's tokens; `end` is the turn before which the replay stops, None for the last.

    Questions without evidence count nowhere. A message that is evidence for several questions counts for each.
    """
    turns = recording.turns[:end]
    places, full = places_of(turns), Sizes(turns, encoding).span(0, len(turns))
    found = Bounds()
    for question in recording.questions:
        if not question.evidence:
            continue
        said = [id for id in question.evidence if id in places]
        # An id that two messages have is found with either: the oracle sends the shorter one.
        sizes = (
            min(turns[turn].messages[place].count(encoding) for turn, place in places[id]) for id in dict.fromkeys(said)
        )
        found += Bounds(1, sum(sizes), full, len(said) / len(question.evidence))
    return found


def bounds_over(recordings: Iterable[Recording], encoding: str, end: int | None = None) -> Bounds:
    """Measure several recordings together: means over all their questions, as the figures of a memory are."""
    return sum((bounds(recording, encoding, end) for recording in recordings), Bounds())
