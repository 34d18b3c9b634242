"""The count of what a user does in a stretch of time, in Redis: a sorted set for each thing, one → when (ms).

mi:{user}:spent-turns
"""

from __future__ import annotations

import time
import uuid

from memory.stores.redis_calls import RedisCalls, index_of


class RedisRates(RedisCalls):
    """The part of the store that counts."""

    def spend(self, user: str, what: str, amount: int, most: int, seconds: float) -> float:
        # A number of its own, so that a call whose answer was lost is not counted twice when it is repeated.
        args = [int(time.time() * 1000), int(seconds * 1000), most, amount, uuid.uuid4().hex[:12]]
        return float(self._run("spend", [index_of(user, f"spent-{what}")], args)) / 1000
