"""A prompt in pieces of which only those are read that somebody looks at, so that 10,000 turns cost what 100 do.

    >>> laid = lay_out(seen, Look())                    # a buffer's prompt after 9,999 turns
    >>> laid.parts[6], len(laid.pieces)                 # nothing between its turns 6 and 9,906 was read
    (Run(turns=(6, 9905), tokens=1184213), 101)

A span of at most `WHOLE` turns is read whole, and the prompt checked by its hash. Of a longer one the turns at its ends
are read, and those that somebody went to; the rest are runs. Their tokens are those of the trace less all that was
read, so that the sum is the prompt's to the token. That a prompt with runs is what was sent is told by what can be seen
without reading them: what was forgotten since, and the tokens of all that is no run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from memory.base import Item, Recall, Span
from memory.common.fit import span_ref
from memory.edited_prompt import EDITED
from memory.inspection.changes import merged, minus, sent
from memory.inspection.inspect import Inspection
from memory.inspection.pieces import Piece, pieces
from memory.prompt import Counts, Prompt, assemble

WHOLE = 100
"""Turns of one span that are read whole, and as many of a longer one."""
FIRST = 6
LAST = 34
"""How many pieces of a long prompt are shown from its beginning and from its end."""
MORE = 100
"""How many more are shown at a time."""
BEFORE, AFTER = 5, 15
"""How many turns are shown around one that somebody went to."""


@dataclass(frozen=True, slots=True)
class Look:
    """What of a long prompt is shown: its first pieces, its `last` ones, and those of `turns` between."""

    last: int = LAST
    turns: Span = (0, 0)

    def at(self, turn: int) -> Look:
        """Look at a turn and those around it."""
        return replace(self, turns=(max(0, turn - BEFORE), max(0, turn) + 1 + AFTER))

    def shows(self, part: Piece | Run, place: int, count: int) -> bool:
        """Say whether a part of a prompt of `count` pieces is shown; a run never is."""
        if isinstance(part, Run):
            return False
        if place < FIRST or place >= count - self.last:
            return True
        turn = part.spans[0].turn
        return part.kind == "turn" and turn is not None and self.turns[0] <= turn < self.turns[1]


@dataclass(frozen=True, slots=True)
class Run:
    """Turns that were sent one after the other and that nobody looks at, with their tokens; none of them was read."""

    turns: Span
    tokens: int

    @property
    def length(self) -> int:
        return self.turns[1] - self.turns[0]


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A prompt from its beginning to its end, as far as it was read.

    `exact` says that it is what was sent: by its hash, or, where it has runs, that nothing tells of a change. `counts`
    are of its messages, none where they are not known.
    """

    parts: tuple[Piece | Run, ...]
    exact: bool
    edited: bool
    counts: Counts

    @property
    def pieces(self) -> list[Piece]:
        """What was read."""
        return [part for part in self.parts if isinstance(part, Piece)]

    @property
    def unread(self) -> int:
        """How many turns were not."""
        return sum(part.length for part in self.parts if isinstance(part, Run))

    @property
    def places(self) -> list[int]:
        """The place of each part among all pieces of the prompt, each turn of a run being one; last, how many."""
        sizes = (part.length if isinstance(part, Run) else 1 for part in self.parts)
        return list(accumulate(sizes, initial=0))


@dataclass(frozen=True, slots=True)
class _Cut:
    """An item, and of a long span of turns what is read of it and what is not."""

    item: Item
    read: tuple[Span, ...] = ()
    hidden: tuple[Span, ...] = ()

    def items(self) -> Iterator[Item]:
        if not self.hidden:
            yield self.item
        for span in self.read if self.hidden else ():
            yield replace(self.item, ref=span_ref(*span), turns=span)


def lay_out(seen: Inspection, look: Look, count: Callable[[Span], int] | None = None) -> LaidOut:
    """Lay out the prompt of a turn as somebody looks at it.

    `count` returns the tokens of turns before or after those that are looked at between, by default by reading them
    (`tokens_of`): whoever draws the same again keeps what it gave.
    """
    trace = seen.trace
    cuts = [_cut(item, look) for item in trace.items]
    if EDITED in trace.texts or not any(cut.hidden for cut in cuts):
        whole = seen.rebuilt
        return LaidOut(tuple(pieces(whole.prompt)), whole.exact, whole.edited, whole.prompt.counts)
    prompt = seen.rebuild(replace(trace, items=tuple(item for cut in cuts for item in cut.items()))).prompt
    long = [cut for cut in cuts if cut.hidden]
    runs = _runs(seen, long, prompt, count or (lambda span: tokens_of(seen, span)))
    exact = _unchanged(seen, prompt, {cut.item.segment for cut in long})
    return LaidOut(tuple(_joined(pieces(prompt), runs)), exact, False, trace.counts)


def tokens_of(seen: Inspection, span: Span) -> int:
    """Count the tokens of turns as they are sent, which reads them."""
    item = Item(span_ref(*span), "history", "", 0, span)
    return assemble("", Recall((item,)), seen.transcript, "", seen.trace.encoding).tokens


def _cut(item: Item, look: Look) -> _Cut:
    if not item.turns or not item.whole or item.turns[1] - item.turns[0] <= WHOLE:
        return _Cut(item)
    first, end = item.turns
    between = max(first, look.turns[0]), min(end, look.turns[1])
    last = max(first, end - max(look.last, WHOLE - FIRST))
    read = merged([(first, first + FIRST), between, (last, end)])
    return _Cut(item, tuple(read), tuple(minus([item.turns], read)))


def _runs(
    seen: Inspection, cuts: Sequence[_Cut], prompt: Prompt, count: Callable[[Span], int]
) -> list[tuple[Run, int]]:
    """Give each run its tokens, with the turn before which its span ends; together they are what was not read."""
    runs: list[tuple[Run, int]] = []
    rest = max(0, seen.trace.prompt_tokens - prompt.tokens)
    for cut in cuts:
        assert cut.item.turns
        own = rest
        if cut is not cuts[-1]:
            read = sum(turn.count(seen.trace.encoding) for span in cut.read for turn in seen.transcript[slice(*span)])
            own = min(rest, max(0, cut.item.tokens - read))
        rest -= own
        longest = max(cut.hidden, key=lambda span: span[1] - span[0])
        sizes = {span: min(own, count(span)) for span in cut.hidden if span != longest}
        sizes[longest] = max(0, own - sum(sizes.values()))
        runs += [(Run(span, sizes[span]), cut.item.turns[1]) for span in cut.hidden]
    return runs


def _joined(read: Sequence[Piece], runs: Sequence[tuple[Run, int]]) -> Iterator[Piece | Run]:
    """Put each run before the first piece that follows it in its span; a turn that was forgotten has no piece."""
    waiting = list(runs)
    for piece in read:
        turn = piece.spans[0].turn
        while waiting and turn is not None and piece.kind == "turn":
            run, end = waiting[0]
            if not run.turns[1] <= turn < end or not piece.item.startswith("turn:"):
                break
            yield waiting.pop(0)[0]
        if piece.kind == "query":
            yield from (run for run, _ in waiting)
            waiting = []
        yield piece


def _unchanged(seen: Inspection, prompt: Prompt, partly: Collection[str]) -> bool:
    """Say whether nothing tells that what was sent has changed since; of the segments `partly` not all was read."""
    trace = seen.trace
    held = sent(trace)
    for event in seen.events_since(trace.turn):
        gone = [left.turns for left in event.left_out] if event.kind == "forget" and event.at > trace.at else []
        if any(minus([span], minus([span], held)) for span in gone):
            return False
    read = prompt.segments().items()
    sizes = [(size, trace.segments.get(segment, 0), segment in partly) for segment, size in read]
    return bool(trace.prompt_hash) and all(now <= then if part else now == then for now, then, part in sizes)
