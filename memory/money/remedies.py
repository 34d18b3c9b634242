"""What two remedies would have spared in the last turns of a conversation: worked out from its traces, without a model.

    >>> found = stepped(traces, transcript, step=5)
    >>> found.now, found.then                       # the last 20 turns as they were sent, and in a window of five steps
    (Decimal('0.0214'), Decimal('0.0121'))

A stepped window sends more turns and keeps its beginning; a memory after the history leaves the history where a cache
finds it. Both sides are estimated alike: by the provider's rule, with the pauses that there were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from memory.base import Item, State, Turn
from memory.catalog import load
from memory.errors import InspectorError
from memory.looking_back import FreeServices
from memory.money.prefix import alive, last_sent
from memory.money.prices import price
from memory.money.prompt_cache import Sent, Sizes, common_tokens, usage
from memory.trace import Trace, text_hash
from memory.transcript import head

LAST = 20
"""Over how many of the last turns a remedy is worked out."""
STEPS = (2, 5, 10, 20)
"""Which steps of a window are tried."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What `turns` turns cost as they were sent (`now`) and would have with a setting at a value (`then`), in dollars.

    `cached_now` and `cached_then` are how many of their tokens a cache would have held.
    """

    setting: str
    value: str
    turns: int
    now: Decimal
    then: Decimal
    cached_now: int
    cached_then: int


def remedies(traces: Sequence[Trace], transcript: Sequence[Turn]) -> list[Remedy]:
    """Work out what the memory's own remedies would have spared; none where it has none, or nothing can be said.

    `traces` are the last ones of a conversation in their order. May raise what the transcript raises.
    """
    run = _run(traces)
    if len(run) < 2:
        return []
    cls = load().memories[run[-1].memory]
    found: list[Remedy | None] = []
    if "step" in cls.Settings.model_fields:
        found += [stepped(run, transcript, step) for step in STEPS if step > int(run[-1].settings.get("step", 1))]
    if run[-1].settings.get("memory_place") == "before":
        found.append(placed_after(run, transcript))
    return [one for one in found if one]


def stepped(traces: Sequence[Trace], transcript: Sequence[Turn], step: int) -> Remedy | None:
    """Work out a window that slides only every `step` turns."""

    def items(trace: Trace) -> tuple[Item, ...]:
        memory = load().make(trace.memory, {**trace.settings, "step": step})
        past, services = head(transcript, trace.read_length), FreeServices.at(trace, "nobody", None)
        return memory.read(State(), past, transcript[trace.turn].human, services, trace.budget).items

    return _compared(traces, transcript, "step", str(step), items)


def placed_after(traces: Sequence[Trace], transcript: Sequence[Turn]) -> Remedy | None:
    """Work out a memory that stands behind the turns that are sent word for word."""

    def items(trace: Trace) -> tuple[Item, ...]:
        history = tuple(item for item in trace.items if item.segment == "history")
        return (*history, *(item for item in trace.items if item.segment != "history"))

    return _compared(traces, transcript, "memory_place", "after", items)


def _run(traces: Sequence[Trace]) -> list[Trace]:
    """Return the newest turns that one memory answered with the same settings, at one model's prices."""
    run: list[Trace] = []
    for trace in reversed(traces):
        last = run[-1] if run else trace
        same = (trace.memory, trace.settings, trace.model) == (last.memory, last.settings, last.model)
        if last_sent([trace]) is None or not same or len(run) > LAST or trace.memory not in load().memories:
            break
        run.append(trace)
    return run[::-1]


class _Sizes(Sizes):
    """Sizes of the turns that are asked for, and of no others: the first of a long thread are not read."""

    def __init__(self, turns: Sequence[Turn], encoding: str) -> None:
        super().__init__(turns, encoding)
        self._of: dict[int, int] = {}

    def span(self, first: int, end: int) -> int:
        if missing := [turn for turn in range(first, end) if turn not in self._of]:
            for turn in self.turns[missing[0] : missing[-1] + 1]:
                self._of[turn.index] = turn.count(self.encoding)
        return sum(self._of[turn] for turn in range(first, end))


def _compared(
    traces: Sequence[Trace],
    transcript: Sequence[Turn],
    setting: str,
    value: str,
    items: Callable[[Trace], tuple[Item, ...]],
) -> Remedy | None:
    """Price turns as they were sent and as they would have been; the first only says what the second begins with."""
    sizes = _Sizes(transcript, traces[-1].encoding)
    try:
        now = _priced(traces, transcript, sizes, lambda trace: trace.items)
        then = _priced(traces, transcript, sizes, items)
    except InspectorError:
        return None
    if now is None or then is None:
        return None
    return Remedy(setting, value, len(traces) - 1, now[0], then[0], now[1], then[1])


def _priced(
    traces: Sequence[Trace],
    transcript: Sequence[Turn],
    sizes: Sizes,
    items: Callable[[Trace], tuple[Item, ...]],
) -> tuple[Decimal, int] | None:
    total, cached = Decimal(0), 0
    before: tuple[Trace, Sent] | None = None
    for trace in traces:
        sent = Sent((*_instructions(trace), *map(_named, items(trace))), transcript[trace.turn].human)
        size = sum(map(sizes.item, sent.items)) + trace.segments.get("query", 0)
        if before:
            shared = common_tokens(before[1], sent, sizes) if alive(before[0], trace) else 0
            output = trace.reply.output_tokens if trace.reply else 0
            spent = usage(trace.priced_as, size, shared, output)
            cost = price(trace.priced_as, spent)
            if cost is None:
                return None
            total, cached = total + cost.total, cached + spent.cached
        before = trace, sent
    return total, cached


def _instructions(trace: Trace) -> tuple[Item, ...]:
    """Return the instructions as an item of their own, named by their hash."""
    if "instructions" not in trace.texts:
        return ()
    ref = f"instructions:{trace.texts['instructions']}"
    return (_named(Item(ref, "instructions", "", trace.segments.get("instructions", 0))),)


def _named(item: Item) -> Item:
    """Give what stands in no turn a text of its own instead of its words: another version of it is another text."""
    return item if item.turns else replace(item, text=text_hash(item.ref))
