"""Services of a replay: what several memories ask about the same conversation is worked out once.

>>> services = models.services(user, retrieval, Answers(), ReplayServices)
>>> services.share(replay.rankings)              # among all runs over the same words
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from memory.base import Search, Turn
from memory.retrieval.ranking import Ranking
from memory.services import ModelServices
from memory.trace import Call

Rankings = dict[tuple[int, str, str, Search | None], tuple[Ranking, tuple[Call, ...]]]
"""Rankings by the length and the last of what is searched, the query and the search, each with the calls it took."""


@dataclass(slots=True)
class Answers:
    """What a memory's model answered, kept for one run."""

    rows: dict[str, bytes] = field(default_factory=dict)
    epoch: str = ""

    def get(self, key: str) -> bytes | None:
        """Return what was kept under a key."""
        return self.rows.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Keep an answer."""
        self.rows[key] = value


class ReplayServices(ModelServices):
    """Services that remember rankings; each memory is billed for its own as if it had asked alone."""

    _rankings: Rankings | None = None

    def share(self, rankings: Rankings) -> None:
        """Use the rankings of other runs over the same words, and leave it one's own."""
        self._rankings = rankings

    def rank(self, transcript: Sequence[Turn], query: str, search: Search | None = None) -> Ranking:
        if self._rankings is None:
            return super().rank(transcript, query, search)
        last = transcript[-1].id if len(transcript) else ""
        key = len(transcript), last, query, search
        if key in self._rankings:
            ranking, calls = self._rankings[key]
            self.calls += calls
            return ranking
        before, failed = len(self.calls), len(self.errors)
        ranking = super().rank(transcript, query, search)
        if len(self.errors) == failed:
            self._rankings[key] = ranking, tuple(self.calls[before:])
        return ranking
