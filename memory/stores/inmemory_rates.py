"""The count of what a user does in a stretch of time, in this process alone."""

from __future__ import annotations

import threading
import time

from memory.store import check_user


class InMemoryRates:
    """The count of one process: the part of the store that counts."""

    def __init__(self) -> None:
        super().__init__()
        self._spent: dict[tuple[str, str], list[float]] = {}
        self._counting = threading.Lock()

    def spend(self, user: str, what: str, amount: int, most: int, seconds: float) -> float:
        check_user(user)
        now = time.monotonic()
        with self._counting:
            spent = [at for at in self._spent.get((user, what), []) if at > now - seconds]
            over = len(spent) + amount - most
            if over > 0:
                return spent[over - 1] + seconds - now
            self._spent[user, what] = spent + [now] * amount
            return 0.0
