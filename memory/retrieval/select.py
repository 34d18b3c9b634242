"""Chooses from a ranking what is sent: by count, by tokens or both; and says of every other turn why it is not.

    >>> recall = choose(ranking, transcript, "o200k_base", limit=1000, k=4)
    >>> recall.items[0].ref, recall.items[0].why, recall.left_out[0].why
    ('turns:12-12', 'rank 1, score 0.71', 'rank 5 of top 4')

A limit is filled in the order of the ranks, passing over what no longer fits. What is sent stands oldest first, under
one line for each date, which counts as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from memory.base import Item, LeftOut, Recall, Turn
from memory.common.quote import INTRODUCTION, date_line, heading_tokens, line_of
from memory.common.spans import Marks, marks, runs
from memory.retrieval.ranking import Ranking
from memory.retrieval.units import Unit
from memory.tokens import count_tokens, shorten

NEAR = 20
"""How many of those that are not sent are named one by one, the best ranked first."""
Kind = Literal["rule", "budget"]
NOTHING_ALIKE = "nothing in it is like what was asked"


def choose(
    ranking: Ranking,
    transcript: Sequence[Turn],
    encoding: str,
    limit: int,
    k: int | None = None,
    threshold: float | None = None,
    neighbours: int = 0,
    until: int | None = None,
    taken: Collection[int] = (),
) -> Recall:
    """Recall the best `k` (None: as many as fit) within `limit` tokens, each with its neighbours in the conversation.

    Only turns before the index `until` and none of those `taken` are ranked; the others are the caller's to explain.
    """
    among = len(transcript) if until is None else until
    rows = Rows(ranking, transcript, among, taken)
    choice = Choice(rows, encoding, limit, k, threshold, neighbours)
    return Recall(choice.items(), (*choice.left_out(), *rows.silent()))


class Rows:
    """The units that are ranked, by rank from 0: those of turns before the index `among`, and not `taken`."""

    def __init__(self, ranking: Ranking, transcript: Sequence[Turn], among: int, taken: Collection[int] = ()) -> None:
        self.ranking, self.units, self.transcript = ranking, ranking.units, transcript
        self.among, self._taken = among, taken
        order, turns = ranking.order, ranking.searched.turns
        if among < len(transcript) or taken:
            ranked = np.zeros(len(transcript) + 1, dtype=bool)
            ranked[:among] = True
            ranked[list(taken)] = False
            order = order[ranked[turns[order]]]
        self.order, self.turns = order, turns[order]
        # `take` is three times as fast as an index where rows are taken.
        self.scores, self.prices = ranking.scores[order], ranking.searched.prices.take(order, axis=0)
        # A few of hundreds are looked at one by one: their values as Python's own.
        self.score: Callable[[int], float] = self.scores.item

    def __len__(self) -> int:
        return len(self.order)

    def alike(self, threshold: float) -> int:
        """Count the first that have anything in common with the query, and at least this score."""
        return int(np.count_nonzero((self.scores > 0) & (self.scores >= threshold)))

    def unit(self, rank: int) -> Unit:
        return self.units[self.order.item(rank)]

    def items(self, ranks: Sequence[int], tokens: Sequence[int], why: Callable[[int], str]) -> list[Item]:
        """Make an item of each of these ranks."""
        items: list[Item] = []
        for rank, cost, (unit, score, parts) in zip(ranks, tokens, self._looked_at(ranks), strict=True):
            turn = unit.turn
            ref = f"turns:{turn}-{turn}" if unit.message is None else f"message:{turn}.{unit.message}"
            items.append(Item(ref, "memory", why(rank), cost, (turn, turn + 1), None, score, None, True, parts))
        return items

    def left(self, ranks: Sequence[int], why: Callable[[int], tuple[str, Kind]]) -> list[LeftOut]:
        """Explain each of these ranks."""
        return [
            LeftOut((unit.turn, unit.turn + 1), *why(rank), rank + 1, score, unit.message, parts)
            for rank, (unit, score, parts) in zip(ranks, self._looked_at(ranks), strict=True)
        ]

    def _looked_at(self, ranks: Sequence[int]) -> Iterator[tuple[Unit, float, dict[str, float]]]:
        """Return the unit of each rank, its score and what that is made of: all at once, as arrays are read."""
        ranked = np.array(ranks, dtype=np.int64)
        places = self.order[ranked]
        units = [self.units[place] for place in places.tolist()]
        return zip(units, self.scores[ranked].round(4).tolist(), self.ranking.parts_at(places), strict=True)

    def silent(self) -> list[LeftOut]:
        """Explain the turns that have no unit."""
        known = marks(self.among, self.turns)
        known[[turn for turn in self._taken if turn < self.among]] = True
        return [] if known.all() else _spans(~known, "it says nothing that could be searched")


class Choice:
    """Which of the ranked are sent, and what they take."""

    def __init__(
        self,
        rows: Rows,
        encoding: str,
        limit: int,
        k: int | None = None,
        threshold: float | None = None,
        neighbours: int = 0,
    ) -> None:
        self.rows, self.encoding, self.limit, self.k, self.threshold = rows, encoding, limit, k, threshold
        self.alike = rows.alike(0.0 if threshold is None else threshold)
        self.chosen: list[int] = []
        self._budget = _Budget(limit, encoding)
        self._over: set[int] = set()
        self._too_long = f"over the budget of {limit:,} tokens"
        self._choose(len(rows) if k is None else k)
        self._beside = self._with_neighbours(neighbours) if neighbours else frozenset[int]()
        self._costs = self._counted()
        while sum(self._costs) > limit:
            # Times that go to and fro, as an import may have them, need more date lines than there are dates.
            worst = max(self.chosen)
            self.chosen.remove(worst)
            self._over.add(worst)
            self._costs = self._counted()
        self._cut = self._shortened() if not self.chosen and k != 0 and self.alike else None

    @property
    def tokens(self) -> int:
        """What is sent takes so many tokens."""
        return self._cut.tokens if self._cut else sum(self._costs)

    def _choose(self, most: int) -> None:
        """Fill the limit in the order of the ranks, passing over what does not fit."""
        budget, prices = self._budget, self.rows.prices
        begin = 0
        # In blocks that grow: of what comes late hardly anything fits what is left, and arrays pass over it at once.
        while begin < self.alike and len(self.chosen) < most:
            end = min(self.alike, 4 * begin + NEAR)
            (fit,) = (prices[begin:end, 0] <= budget.left).nonzero()
            if len(fit):
                fit += begin
                self.chosen += budget.fill(fit.tolist(), prices.take(fit, axis=0).tolist(), most - len(self.chosen))
            begin = end
        # From here on it is the count that keeps out, and not the limit.
        self._full = len(self.rows) if len(self.chosen) < most else self.chosen[-1] if most else -1

    def _with_neighbours(self, neighbours: int) -> frozenset[int]:
        """Choose as well what stands beside what was chosen, the neighbours of the best first, and return it."""
        rank_at = np.full(len(self.rows.units), -1)
        rank_at[self.rows.order] = np.arange(len(self.rows))
        sent, beside = set(self.chosen), set[int]()
        for middle in self.rows.order[self.chosen].tolist():
            around = rank_at[max(0, middle - neighbours) : middle + neighbours + 1]
            for rank in around[around >= 0].tolist():
                if rank not in sent | beside and self._budget.fill([rank], [self.rows.prices[rank].tolist()], 1):
                    beside.add(rank)
                    self.chosen.append(rank)
        return frozenset(beside)

    def _counted(self) -> list[int]:
        """Put what is chosen in the order of the conversation and count each; who brings a new date pays for it."""
        ranks = np.array(self.chosen, dtype=np.int64)
        ranks = ranks[np.argsort(self.rows.order[ranks])]
        self.chosen = ranks.tolist()
        costs: list[int] = []
        dated = None
        for cost, day, heading in self.rows.prices[ranks].tolist():
            if heading and day != dated:
                cost, dated = cost + heading, day
            costs.append(cost)
        if costs:
            costs[0] += heading_tokens(INTRODUCTION, self.encoding)
        return costs

    def _shortened(self) -> Item | None:
        """Cut the best where not even it fits, so that it is not silently lost."""
        rows, unit = self.rows, self.rows.unit(0)
        heading = sum(heading_tokens(line, self.encoding) for line in (INTRODUCTION, date_line(unit.at)) if line)
        turn = rows.transcript[unit.turn]
        said = turn.messages if unit.message is None else (turn.messages[unit.message],)
        room = self.limit - heading
        cut = shorten("".join(map(line_of, said)), room, self.encoding) if room > 0 else ""
        if not cut:
            return None
        why = f"rank 1, score {rows.score(0):.2f}; shortened to the budget of {self.limit:,} tokens"
        (item,) = rows.items([0], [heading + count_tokens(cut, self.encoding)], lambda rank: why)
        return replace(item, shortened=room)

    def items(self) -> tuple[Item, ...]:
        """Return what is sent, oldest first."""
        if self._cut:
            return (self._cut,)

        score = self.rows.score

        def why(rank: int) -> str:
            said = f"rank {_number(rank + 1)}, score {score(rank):.2f}"
            return f"beside one that was found, {said}" if rank in self._beside else said

        return tuple(self.rows.items(self.chosen, self._costs, why))

    def left_out(self) -> list[LeftOut]:
        """Explain those that are not sent: the best ranked one by one, the others together."""
        rows, sent = self.rows, [0] if self._cut else self.chosen
        (unsent,) = (~marks(len(rows), sent)).nonzero()
        done = len(rows) if len(unsent) <= NEAR else unsent.item(NEAR)
        near = [*unsent[:NEAR].tolist(), *(rank for rank in self._over if rank >= done)]
        named = rows.left(near, self._why)
        turns, alone = rows.turns[sent], rows.ranking.searched.messages[rows.order[sent]] >= 0
        parted = marks(rows.among, turns[alone])
        beyond = marks(rows.among, rows.turns[done:]) & ~parted
        beyond[turns] = False
        beyond[rows.turns[near]] = False
        below = _spans(beyond, why := f"ranked below the {NEAR} next best")
        # Of a turn that is sent in part each other message has a reason of its own.
        rest = unsent[NEAR:]
        others = [rank for rank in rest[parted[rows.turns[rest]]].tolist() if rank not in self._over]
        return named + below + rows.left(others, lambda rank: (why, "rule"))

    def _why(self, rank: int) -> tuple[str, Kind]:
        """Say why one that is not sent is not."""
        score = self.rows.score(rank)
        if rank in self._over:
            return self._too_long, "budget"
        if score <= 0:
            return NOTHING_ALIKE, "rule"
        if rank >= self.alike:
            return f"score {score:.2f} is under the threshold of {self.threshold:g}", "rule"
        if rank > self._full:
            return f"rank {_number(rank + 1)} of top {self.k:,}", "rule"
        return f"rank {_number(rank + 1)}, {self._too_long}", "budget"


class _Budget:
    """Counts what is taken with the introduction and a line for each date."""

    def __init__(self, limit: int, encoding: str) -> None:
        self.left = limit - heading_tokens(INTRODUCTION, encoding)
        self.days = set[int]()

    def fill(self, ranks: Sequence[int], prices: Sequence[Sequence[int]], most: int) -> list[int]:
        """Take of these, in their order, what fits, at most so many; return what was taken. See `Searched.prices`."""
        taken, days = list[int](), self.days
        for rank, (size, day, heading) in zip(ranks, prices, strict=True):
            cost = size if day in days else size + heading
            if cost <= self.left and len(taken) < most:
                self.left -= cost
                days.add(day)
                taken.append(rank)
        return taken


def _number(count: int) -> str | int:
    """Set the commas of a number; most ranks have none, and to look for them takes as long as the rest of a reason."""
    return count if count < 1000 else f"{count:,}"


def _spans(turns: Marks, why: str) -> list[LeftOut]:
    return [LeftOut(span, why) for span in runs(turns)]
