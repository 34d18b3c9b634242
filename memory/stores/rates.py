"""How a store counts what a user does in a stretch of time, for all processes together.

>>> store.spend("alex", "turns", amount=1, most=2, seconds=60)
0.0
>>> store.spend("alex", "turns", amount=2, most=2, seconds=60)    # how long to wait, and nothing is counted
59.98
"""

from __future__ import annotations

from typing import Protocol


class RateStore(Protocol):
    """The part of a store that counts; may raise StoreUnavailable."""

    def spend(self, user: str, what: str, amount: int, most: int, seconds: float) -> float:
        """Count `amount` more, and return 0; or return the seconds to wait where that would be over `most`.

        What was counted longer than `seconds` ago counts no more. `amount` may be `most` at most.
        """
