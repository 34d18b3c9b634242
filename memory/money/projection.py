"""What a conversation will have cost after N turns with each memory, with prompt caching and without: arithmetic alone.

    >>> of = Averages(system=300, user=80, assistant=200, summary=250, template=150)
    >>> buffer, window = (project(load().memory(one), of, 200, "openai:gpt-5-mini") for one in ("buffer", "window:k=5"))
    >>> crossings(buffer.costs_uncached, window.costs_uncached)        # the buffer is the dearer from turn 7 on
    [Crossing(turn=7, dearer=0)]
    >>> crossings(buffer.costs, window.costs)[-1]                      # and with what a cache spares only from turn 98
    Crossing(turn=98, dearer=0)

Every turn is taken for an average one. A hit rate under 1 and pauses longer than a cache lives are shares of turns;
such a turn is billed in full. Costs are cumulative, in dollars, None where a price is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from memory.base import Memory
from memory.errors import BadInput
from memory.models import context_window
from memory.money.averages import Averages
from memory.money.growth import Shape, assumption, common, growth
from memory.money.prices import Usage, price
from memory.money.prompt_cache import cache_rule, usage

MOST_TURNS = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """One memory's projection: `prompts` are the tokens of each turn's prompt, `cached` what a cache may hold of them.

    `costs` and `costs_uncached` add up prompts, answers and the memory's own calls to each turn; `own` is what the own
    calls come to in all, `own_input` and `own_output` their tokens, `answers` those of the replies. From turn `full` on
    the model's window is full and old turns stay out; None where it never is.
    """

    memory: Memory
    prompts: tuple[int, ...]
    cached: tuple[int, ...]
    costs: tuple[Decimal, ...] | None
    costs_uncached: tuple[Decimal, ...] | None
    own: Decimal | None
    own_calls: int
    own_input: int
    own_output: int
    answers: int
    full: int | None
    assumption: str

    @property
    def input_tokens(self) -> int:
        """All that is sent in all turns, own calls included."""
        return sum(self.prompts) + self.own_input

    @property
    def output_tokens(self) -> int:
        """All that is answered, own calls included."""
        return self.answers + self.own_output


@dataclass(frozen=True, slots=True)
class Crossing:
    """From turn `turn` (counted from 1) on the line number `dearer` (0 or 1) is the dearer one."""

    turn: int
    dearer: int


def project(
    memory: Memory,
    of: Averages,
    turns: int,
    model: str,
    hit_rate: float = 1.0,
    pauses: float = 0.0,
    memory_model: str = "",
) -> Line:
    """Project a conversation of `turns` turns; raises BadInput for what cannot be projected.

    `hit_rate` is the share of prompts of which a cache holds what it can, `pauses` the share of turns that come after
    the cache has gone. `memory_model` prices the memory's own calls (default: the same).
    """
    _check(of, turns, hit_rate, pauses)
    hit = Decimal(str(hit_rate)) * (1 - Decimal(str(pauses)))
    window = context_window(model)
    # As a turn does: a quarter of the window, 1,024 tokens at most, is the answer's.
    room = 10**9 if window is None else max(0, window - of.system - of.user - min(1024, window // 4))
    prompts: list[int] = []
    cached: list[int] = []
    costs: list[Decimal | None] = []
    without: list[Decimal | None] = []
    own: list[Decimal | None] = []
    asked_for: list[tuple[int, int]] = []
    before: Shape | None = None
    full: int | None = None
    for number, shape in zip(range(1, turns + 1), growth(memory, of, room), strict=False):
        size = shape.tokens(of)
        shared = common(before, shape, of) if before else 0
        held = usage(model, size, shared, of.assistant)
        missed = usage(model, size, 0, of.assistant)
        asked = _cost(memory_model or model, Usage(*shape.own)) if any(shape.own) else Decimal(0)
        prompts.append(size)
        cached.append(held.cached)
        own.append(asked)
        asked_for.append(shape.own)
        costs.append(_sum(_part(_cost(model, held), hit), _part(_cost(model, missed), 1 - hit), asked))
        without.append(_sum(_cost(model, Usage(size, of.assistant)), asked))
        crowded = size - of.system - of.user + of.turn > room and shape.first > (before.first if before else 0)
        full = full or (number if crowded else None)
        before = shape
    return Line(
        memory,
        tuple(prompts),
        tuple(cached),
        _cumulative(costs),
        _cumulative(without),
        _total(own),
        sum(map(any, asked_for)),
        sum(one[0] for one in asked_for),
        sum(one[1] for one in asked_for),
        turns * of.assistant,
        full,
        assumption(memory, of),
    )


def crossings(one: Sequence[Decimal], other: Sequence[Decimal]) -> list[Crossing]:
    """Find where of two cumulative costs the other one becomes the larger; as long as they are equal neither is.

    One that is the larger from the first turn on has crossed nothing by it.
    """
    found: list[Crossing] = []
    dearer: int | None = None
    for turn, (a, b) in enumerate(zip(one, other, strict=True), 1):
        now = None if a == b else int(a < b)
        if now is not None and now != dearer:
            if turn > 1:
                found.append(Crossing(turn, now))
            dearer = now
    return found


def unknown(model: str) -> list[str]:
    """Say what of a model is not known that a projection would need, a sentence each."""
    said = []
    if _cost(model, Usage(1_000, 100)) is None:
        said.append(f"The price of {model} is not known.")
    elif cache_rule(model) is None:
        said.append(f"No rule of prompt caching is known for {model}: nothing is counted as cached.")
    return said


def _check(of: Averages, turns: int, hit_rate: float, pauses: float) -> None:
    if not 1 <= turns <= MOST_TURNS:
        raise BadInput(f"{turns:,} turns cannot be projected: name 1 to {MOST_TURNS:,}")
    for name, share in (("the hit rate", hit_rate), ("the share of pauses", pauses)):
        if not 0 <= share <= 1:
            raise BadInput(f"{name} {share:g} is no share: name 0 to 1")
    for name in ("system", "user", "assistant", "summary", "template", "note"):
        size = getattr(of, name)
        if not 0 <= size <= 1_000_000:
            raise BadInput(f"{name} {size:,} is no size of a text: name 0 to 1,000,000 tokens")
    if of.turn < 1:
        raise BadInput("a turn has at least one token: name the sizes of user and assistant")


@lru_cache(maxsize=100_000)
def _cost(model: str, spent: Usage) -> Decimal | None:
    known = price(model, spent)
    return known.total if known else None


def _part(cost: Decimal | None, share: Decimal) -> Decimal | None:
    return None if cost is None else cost * share


def _sum(*costs: Decimal | None) -> Decimal | None:
    return _total(costs)


def _total(costs: Sequence[Decimal | None]) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


def _cumulative(costs: Sequence[Decimal | None]) -> tuple[Decimal, ...] | None:
    total, sums = Decimal(0), []
    for cost in costs:
        if cost is None:
            return None
        total += cost
        sums.append(total)
    return tuple(sums)
