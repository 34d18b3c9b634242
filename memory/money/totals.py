"""What a thread has cost so far, kept as counters so that nobody adds up ten thousand turns.

Money is counted in whole picodollars (10^-12 $), which holds a millionth of a cent of any price exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from memory.trace import Call

_PICO = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Sum:
    """Tokens and cost of some calls; `cost` is None where the price of any of them is unknown.

    `cost_uncached` is what they would have cost with nothing cached.
    `reused` answers were known from an earlier call and cost nothing; `saved` is what they would have, as far as known.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cost: Decimal | None = Decimal(0)
    reused: int = 0
    saved: Decimal = Decimal(0)
    cost_uncached: Decimal | None = Decimal(0)


@dataclass(frozen=True, slots=True)
class Totals:
    """The replies' sum and that of the memory's own calls."""

    reply: Sum = field(default_factory=Sum)
    own: Sum = field(default_factory=Sum)

    @classmethod
    def of(cls, counters: Mapping[str, int]) -> Totals:
        """Read the counters that `additions` made."""

        def part(name: str) -> Sum:
            def get(key: str) -> int:
                return counters.get(f"{name}.{key}", 0)

            cost = None if get("unknown") else Decimal(get("cost")) / _PICO
            without = None if get("unknown") else Decimal(get("cost") + get("by_cache")) / _PICO
            saved = Decimal(get("saved")) / _PICO
            tokens = (get("input"), get("output"), get("cached"), get("cache_write"))
            return Sum(get("calls"), *tokens, cost, get("reused"), saved, without)

        return cls(part("reply"), part("own"))

    @property
    def cost(self) -> Decimal | None:
        """Both sums together, None where one is unknown."""
        return None if self.reply.cost is None or self.own.cost is None else self.reply.cost + self.own.cost

    @property
    def cost_uncached(self) -> Decimal | None:
        """What both together would have cost with nothing cached, None where one is unknown."""
        reply, own = self.reply.cost_uncached, self.own.cost_uncached
        return None if reply is None or own is None else reply + own


def additions(calls: Iterable[Call]) -> dict[str, int]:
    """Say what calls add to the counters, by field."""
    sums: dict[str, int] = {}
    for call in calls:
        name = "reply" if call.purpose == "reply" else "own"
        amounts = {
            "calls": int(not call.reused),
            "reused": int(call.reused),
            "saved": int(call.saved * _PICO) if call.saved is not None else 0,
            "input": call.input_tokens,
            "output": call.output_tokens,
            "cached": call.cached_tokens,
            "cache_write": call.cache_write_tokens,
            "cost": int(call.cost * _PICO) if call.cost is not None else 0,
            # What caching spared, less than nothing where writing to the cache cost more than it brought.
            "by_cache": int((call.cost_uncached - call.cost) * _PICO)
            if call.cost is not None and call.cost_uncached is not None
            else 0,
            # A failed call that never got an answer costs nothing, whatever the price.
            "unknown": int(call.cost is None and (call.error is None or call.input_tokens + call.output_tokens > 0)),
        }
        for key, amount in amounts.items():
            if amount:
                sums[f"{name}.{key}"] = sums.get(f"{name}.{key}", 0) + amount
    return sums
