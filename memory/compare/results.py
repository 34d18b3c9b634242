"""What one memory made of one recording: the figures of each turn, and what each question found.

    >>> result = results[(0, 2)]                       # the first conversation, the third column
    >>> result.tokens[-1], result.questions[7].missing
    (412, (Missing('D4:7', 'rank 31 of top 20', 14, 0),))

No word of the conversation stands in it: questions and messages are named by their places in the recording.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import TypeAdapter

from memory.evidence import Evidence, Missing, Noted
from memory.replay import Totals


@dataclass(frozen=True, slots=True)
class AskedRow:
    """A question by its place in the recording; `tokens` is what the memory put into its prompt.

    `found` and `missing` are its messages of evidence; `overlap` is the share of their words that stand in summaries
    and notes, None where none was sent or nothing is asked for. `outdated` are messages that were sent though the
    evidence contradicts them; `noted` is which of the two stands in the notes. `answer` is the model's, where it was
    asked.
    """

    number: int
    tokens: int
    found: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    overlap: float | None = None
    outdated: tuple[str, ...] = ()
    answer: str | None = None
    noted: Noted = ""

    @property
    def share(self) -> float | None:
        """The share of its evidence that was sent, None for a question without evidence."""
        count = len(self.found) + len(self.missing)
        return len(self.found) / count if count else None


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run: for each turn from `first` on the tokens of its prompt and of the memory's own calls, and its costs.

    `costs` are in dollars with the estimated prompt cache and `costs_uncached` without, both with the memory's own
    calls; None where a price is not known. `failed` says why there is no more of it.
    """

    first: int = 0
    tokens: tuple[int, ...] = ()
    own_tokens: tuple[int, ...] = ()
    costs: tuple[Decimal | None, ...] = ()
    costs_uncached: tuple[Decimal | None, ...] = ()
    totals: Totals = field(default_factory=Totals)
    evidence: Evidence = field(default_factory=Evidence)
    questions: tuple[AskedRow, ...] = ()
    errors: tuple[str, ...] = ()
    failed: str = ""


Results = dict[tuple[int, int], RunResult]
"""Results by the place of the recording and of the column; those that are not there yet are missing."""

RESULT: TypeAdapter[RunResult] = TypeAdapter(RunResult)
