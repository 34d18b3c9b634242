"""By how much a turn missed the prompt: in score below the last one sent, in tokens over the budget, in turns.

    >>> missed_by(trace, left, index=3, size=52)
    Missed(score=0.13, tokens=None, turns=None)

All of it follows from the trace: what was sent has its score and its tokens there, and the limit is a setting. What no
number parts from the prompt (a memory that sends no turn at all) has missed it by nothing that can be said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memory.base import Item, LeftOut, Span
from memory.inspection.changes import minus, sent
from memory.trace import Trace


@dataclass(frozen=True, slots=True)
class Missed:
    """By how much: its `score` below the one that would have done, `tokens` over the budget, `turns` too old.

    None is what does not apply.
    """

    score: float | None = None
    tokens: int | None = None
    turns: int | None = None

    def __bool__(self) -> bool:
        return not (self.score is None and self.tokens is None and self.turns is None)


def missed_by(trace: Trace, left: LeftOut, index: int, size: int, newer: int = 0) -> Missed:
    """Say by how much the turn at an index missed the prompt.

    `size` is its tokens, `newer` those of the turns after it that were left out by the same rule and would have come
    in before it.
    """
    if left.kind == "summary":
        return Missed()
    tokens = None
    if left.kind == "budget":
        over = size + newer - room(trace)
        tokens = over if over > 0 else None
    if left.rank is not None:
        return Missed(_below(trace, left), tokens)
    first = _kept_from(trace)
    outside = left.kind == "rule" and "outside" in left.why and first is not None and index < first
    return Missed(None, tokens, first - index if outside and first is not None else None)


def room(trace: Trace) -> int:
    """Return how many tokens of the memory's limit, or of its budget, what was sent has left over."""
    own = trace.settings.get("max_token_limit")
    limit = min(trace.budget, own) if isinstance(own, int) and own else trace.budget
    return limit - sum(item.tokens for item in trace.items)


def _below(trace: Trace, left: LeftOut) -> float | None:
    """Return how far a score is below the threshold, or below the last one that was sent."""
    if left.score is None or left.kind == "budget":
        return None
    threshold = trace.settings.get("score_threshold")
    if isinstance(threshold, int | float) and left.score < threshold:
        return float(threshold) - left.score
    # Scores of two searches cannot be compared; a combined memory names the part first.
    part = left.why.partition(": ")[0]
    own = [item for item in trace.items if item.score is not None and item.why.partition(": ")[0] == part]
    better = [item.score for item in own or _scored(trace.items) if item.score is not None and item.score >= left.score]
    return min(better) - left.score if better else None


def _scored(items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item.score is not None]


def _kept_from(trace: Trace) -> int | None:
    """Return the index of the first of the newest turns that were sent, None where the newest was not."""
    first = trace.read_length
    for start, end in sorted((item.turns for item in trace.items if item.turns and not item.quoted), reverse=True):
        if end < first:
            break
        first = min(first, start)
    return first if first < trace.read_length else None


# --- as spans ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """Turns of one span that were left out for one reason; a message of a turn is a run of its own."""

    turns: Span
    left: LeftOut

    def __len__(self) -> int:
        return self.turns[1] - self.turns[0]


def runs_of(trace: Trace) -> list[Run]:
    """List what was left out: the near misses by rank, then everything else from the newest turn on."""
    reached = sent(trace)
    near = sorted((left for left in trace.left_out if left.rank is not None), key=lambda left: left.rank or 0)
    others = sorted((left for left in trace.left_out if left.rank is None), key=lambda left: left.turns, reverse=True)
    runs: list[Run] = []
    for left in (*near, *others):
        # Of a turn that is sent in part each other message has a reason of its own.
        spans = [left.turns] if left.message is not None else minus([left.turns], reached)
        runs += [Run(span, left) for span in reversed(spans)]
    return runs


def rows_of(runs: Sequence[Run], first: int, count: int) -> list[tuple[int, Run]]:
    """Return `count` turns from the one at place `first` on, each with its run, without walking over the others."""
    rows: list[tuple[int, Run]] = []
    for run in runs:
        if first >= len(run):
            first -= len(run)
            continue
        newest = run.turns[1] - 1 - first
        rows += [(index, run) for index in range(newest, max(run.turns[0], newest - count + len(rows) + 1) - 1, -1)]
        first = 0
        if len(rows) >= count:
            break
    return rows
