"""How often each fact was recalled, and when: counted from the traces, so that no read writes anything.

    >>> found = recalls(store, "alex")
    >>> found.count("f1"), found.last("f1"), found.count("f2")
    (3, 1763742600.0, 0)

A turn's trace names what was sent in it, and is committed with the turn. What stood in a conversation that is deleted
is counted no longer.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from memory.errors import ThreadGone
from memory.longterm.facts import REFS
from memory.store import Store

_FACT = re.compile(rf"^(?:\d+\.)*(?:fact|{'|'.join(REFS.values())}):([^:]+):\d+$")
BLOCK = 500
"""Traces that are read at a time."""


@dataclass(frozen=True)
class Recalls:
    """The turns that recalled facts: `turns` are their times in seconds since the epoch, each with the facts' keys."""

    turns: Sequence[tuple[float, frozenset[str]]] = field(default_factory=tuple)

    @cached_property
    def _times(self) -> Mapping[str, list[float]]:
        found: defaultdict[str, list[float]] = defaultdict(list)
        for at, keys in sorted(self.turns, key=lambda turn: turn[0]):
            for key in keys:
                found[key].append(at)
        return found

    def count(self, *keys: str) -> int:
        """Return how often a fact was recalled, under all keys that it ever had."""
        return sum(len(self._times.get(key, ())) for key in keys)

    def last(self, *keys: str) -> float | None:
        """Return when it was recalled last; None for never."""
        return max((self._times[key][-1] for key in keys if self._times.get(key)), default=None)

    def since(self, at: float, *keys: str) -> int:
        """Return how often it was recalled after a time."""
        return sum(len(times) - bisect_right(times, at) for key in keys if (times := self._times.get(key)))


def recalls(store: Store, user: str) -> Recalls:
    """Count what was recalled in the conversations that are kept; raises StoreUnavailable."""
    turns: list[tuple[float, frozenset[str]]] = []
    for thread in store.threads(user):
        try:
            start, length = 0, store.heads(user, thread.id).length
            while start < length:
                block = store.traces(user, thread.id, start, start + BLOCK)
                found = (
                    (trace.at, frozenset(key for item in trace.items if (key := key_in(item.ref)))) for trace in block
                )
                turns += [(at, keys) for at, keys in found if keys]
                start += BLOCK
        except ThreadGone:
            continue
    return Recalls(tuple(turns))


def key_in(ref: str) -> str | None:
    """Return the key of what is remembered that a reference names; None where it names something else."""
    hit = _FACT.match(ref)
    return hit[1] if hit else None
