"""What a browser may do in a minute or an hour, for a server that anybody may use; nothing is limited by itself.

    >>> os.environ["TURNS_PER_MINUTE"] = "10"
    >>> admit(store, "alex", "turns")
    >>> admit(store, "alex", "turns", 10)
    Traceback (most recent call last):
    memory.errors.LimitReached: This server takes 10 messages a minute from a browser: try again in 60 s.

It is counted in the store, so for all processes together. A browser that gives its cookie away is another one: who is
to be limited by address is limited by the balancer.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from memory.common.words import plural
from memory.errors import BadInput, LimitReached
from memory.stores.rates import RateStore

What = Literal["turns", "uploads", "comparisons"]
MOST = 100_000


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit: the variable that sets it, the seconds in which so many may be done, and how both are called."""

    variable: str
    seconds: float
    name: str
    stretch: str

    @property
    def most(self) -> int | None:
        """How many may be done, None where nothing is said; raises BadInput for what is no number."""
        text = os.environ.get(self.variable, "").strip()
        if not text:
            return None
        if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST:
            raise BadInput(f'{self.variable} must be a number from 1 to {MOST:,}, not "{text[:40]}": correct it.')
        return int(text)


RATES: Mapping[What, Rate] = {
    "turns": Rate("TURNS_PER_MINUTE", 60.0, "message", "a minute"),
    "uploads": Rate("UPLOADS_PER_HOUR", 3600.0, "file", "an hour"),
    "comparisons": Rate("COMPARISONS_PER_HOUR", 3600.0, "comparison", "an hour"),
}


def admit(store: RateStore, user: str, what: What, amount: int = 1) -> None:
    """Count what is about to be done; raises LimitReached, and then nothing is counted.

    What is more than may be done at all is counted as that much, so that it is taken once and not never.
    """
    rate = RATES[what]
    if (most := rate.most) is None:
        return
    wait = store.spend(user, what, min(amount, most), most, rate.seconds)
    if wait > 0:
        raise LimitReached(
            f"This server takes {plural(most, rate.name)} {rate.stretch} from a browser: try again in "
            f"{math.ceil(wait):,} s.",
            wait,
        )
