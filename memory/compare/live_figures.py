"""The figures of a live column, turn by turn, read from its traces once and then only what is new.

>>> track = Track().up_to(store, user, opened)
>>> track.figures[-1].input_tokens, track.figures[-1].cost
(412, Decimal('0.00021'))
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from memory.compare.lines import Line
from memory.compare.live import round_of
from memory.inspection.changes import sent
from memory.store import Opened, Store
from memory.trace import Call, Trace


@dataclass(frozen=True, slots=True)
class Figures:
    """What a turn sent and what that took; money is in dollars with the memory's own calls, None where not known.

    `sent` are earlier turns that reached the prompt, `recalled` those of them that were quoted out of their order,
    `gist` those that only a note speaks of, `left_out` all the others. `embeddings` are among the `own_calls`. `exact`
    is False where tokens are estimates.
    """

    input_tokens: int
    output_tokens: int
    exact: bool
    sent: int
    recalled: int
    gist: int
    left_out: int
    own_calls: int
    own_tokens: int
    seconds: float
    cost: Decimal | None
    cost_uncached: Decimal | None
    cached_tokens: int
    cache_measured: bool
    model: str = ""
    priced_as: str = ""
    embeddings: int = 0

    @classmethod
    def of(cls, trace: Trace) -> Figures | None:
        """Read them from a trace; None where no prompt was made."""
        if trace.kind != "turn":
            return None
        reply, own = trace.reply, [call for call in trace.own_calls if not call.reused]
        reached = sum(end - first for first, end in sent(trace))
        quoted = {turn for item in trace.items if item.quoted and item.turns for turn in range(*item.turns)}
        gist = {turn for left in trace.left_out if left.kind == "summary" for turn in range(*left.turns)}
        gist -= {turn for span in sent(trace) for turn in range(*span)}
        return cls(
            reply.input_tokens if reply and reply.input_tokens else trace.prompt_tokens,
            reply.output_tokens if reply else 0,
            trace.exact or bool(reply and reply.measured),
            reached,
            len(quoted),
            len(gist),
            trace.read_length - reached - len(gist),
            len(own),
            sum(call.input_tokens + call.output_tokens for call in own),
            sum(call.seconds for call in trace.calls),
            _sum(call.cost for call in _paid(trace.calls)),
            _sum(call.cost_uncached for call in _paid(trace.calls)),
            reply.cached_tokens if reply else 0,
            bool(reply and reply.cache_measured),
            trace.model,
            trace.priced_as,
            sum(call.purpose == "embedding" for call in own),
        )


@dataclass(frozen=True, slots=True)
class Track:
    """A column from its first turn on: the round of each, what the user said, its figures and its switches' costs.

    `first` is how many turns it took over when it was added: those are another column's figures.
    """

    thread: str = ""
    epoch: str = ""
    first: int = 0
    rounds: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    figures: tuple[Figures | None, ...] = ()
    switches: tuple[tuple[int, Decimal | None], ...] = ()

    def up_to(self, store: Store, user: str, opened: Opened) -> Track:
        """Return it with what has come since; where turns were taken away or replaced it is read anew."""
        thread, length = opened.thread.id, opened.length
        # The last one is always read again: its trace is whole only when its memory has written.
        kept = max(0, len(self.rounds) - 1) if (self.thread, self.epoch) == (thread, opened.epoch) else 0
        turns, traces = store.turns(user, thread, kept, length), store.traces(user, thread, kept, length)
        events = store.events(user, thread)
        first = opened.thread.forked_at or 0
        return Track(
            thread,
            opened.epoch,
            first,
            (*self.rounds[:kept], *(round_of(turn.id) for turn in turns)),
            (*self.said[:kept], *(turn.human for turn in turns)),
            (*self.figures[:kept], *map(Figures.of, traces)),
            tuple((event.turn, _sum(call.cost for call in _paid(event.calls))) for event in events if event.calls),
        )

    def place(self, round: str) -> int | None:
        """Return the index of a round's turn here, None where the column missed it."""
        return self.rounds.index(round) if round in self.rounds else None

    def tokens(self) -> list[int | None]:
        """Return the input tokens of its own turns, in order."""
        return [one.input_tokens if one else None for one in self.figures[self.first :]]

    def spent(self, cached: bool) -> list[Decimal | None]:
        """Return what it has cost in all after each of its own turns, with caching or without; None from an unknown on.

        What taking earlier turns in has cost is counted with the turn after it.
        """
        total: Decimal | None = Decimal(0)
        found = []
        for index in range(self.first, len(self.figures)):
            one = self.figures[index]
            parts = [cost for turn, cost in self.switches if max(turn, self.first) == index]
            parts.append(Decimal(0) if one is None else one.cost if cached else one.cost_uncached)
            total = _sum([total, *parts])
            found.append(total)
        return found

    def line(self, number: int) -> Line:
        """Return its own turns as the line of a column; a turn without a prompt has no tokens."""
        own = self.figures[self.first :]
        turns = tuple(range(self.first + 1, len(self.figures) + 1))
        return Line(
            number,
            (self.first,),
            (),
            turns,
            (1,) * len(own),
            tuple(float(one.input_tokens) if one else 0.0 for one in own),
            tuple(float(one.own_tokens) if one else 0.0 for one in own),
            tuple(one.cost if one else Decimal(0) for one in own),
            tuple(one.cost_uncached if one else Decimal(0) for one in own),
            tuple(self.spent(True)),
            tuple(self.spent(False)),
        )


def _paid(calls: Iterable[Call]) -> list[Call]:
    """Leave out calls that never got an answer: they cost nothing, whatever the price."""
    return [call for call in calls if call.error is None or call.input_tokens + call.output_tokens]


def _sum(costs: Iterable[Decimal | None]) -> Decimal | None:
    known = list(costs)
    return None if None in known else sum((cost for cost in known if cost is not None), Decimal(0))
