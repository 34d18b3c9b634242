"""AttentionMemory: softmax weights over the turns, as a transformer weighs its tokens; the heaviest that fit are sent.

    temperature=0.1, half_life=50   weights of turns 1 to 4: 0.61, 0.02, 0.05, 0.32     prompt: turns 1 and 4 | query

    weight(turn) = exp(similarity / temperature) · 0.5^(age / half_life), divided by the sum of all

A low temperature gives all the weight to the best, a high one spreads it; the half-life is counted in turns. Without
the decay this is exactly retrieval by likeness; with it old facts fade, whatever is asked: on a long conversation that
costs recall. After Vaswani et al. (2017), with turns in the place of tokens and without any training.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import Field

from memory.base import Memory, Recall, Services, State, Turn
from memory.common.retrieved import RetrievedMemory, Searched
from memory.retrieval.ranking import Ranking
from memory.retrieval.select import choose
from memory.retrieval.view import scores_of
from memory.views import Form, Weights


class AttentionMemory(RetrievedMemory):
    """Sends the turns with the largest softmax weights that fit its budget."""

    short = "attention"
    label = "Attention"
    place = 4
    keeps = "the turns with the largest weights: alike and not too old"
    forgets = "old turns, as their weight decays"

    class Settings(Memory.Settings):
        max_token_limit: int = Field(1000, ge=20, le=1_000_000, description="Filled with the heaviest turns that fit")
        temperature: float = Field(0.1, gt=0, le=10, description="Low: all weight on the best; high: evenly spread")
        half_life: float = Field(50, gt=0, le=1_000_000, description="After so many turns a weight is halved")
        search: Searched = None

    settings: Settings

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        limit = min(self.settings.max_token_limit, budget)
        weighed = self._weighed(transcript, query, services)
        return choose(weighed, transcript, services.encoding, limit, taken=services.taken)

    def _weighed(self, transcript: Sequence[Turn], query: str, services: Services) -> Ranking:
        """Rank by weight; what has nothing in common with the query keeps the score 0, however new it is."""
        ranking: Ranking = services.rank(transcript, query, self.settings.search)
        if not len(ranking):
            return ranking
        similarity = ranking.scores
        age = len(transcript) - 1 - ranking.searched.turns
        recency = 0.5 ** (age / self.settings.half_life)
        # Less the largest, so that no exponential overflows; the quotient is the same.
        weights = np.exp((similarity - similarity.max()) / self.settings.temperature) * recency
        weights = np.where(similarity > 0, weights, 0.0)
        weights = weights / (weights.sum() or 1.0)
        return ranking.rescored(weights, {"similarity": similarity, "recency": recency})

    def _forms(
        self, recall: Recall, transcript: Sequence[Turn], query: str, services: Services
    ) -> Iterable[Form | None]:
        values = [0.0] * len(transcript)
        weighed = self._weighed(transcript, query, services)
        for unit, weight in zip(weighed.units, weighed.scores, strict=True):
            values[unit.turn] += float(weight)
        sent = tuple(sorted({item.turns[0] for item in recall.items if item.turns}))
        return (Weights(tuple(values), sent) if any(values) else None), scores_of(recall, ("similarity", "recency"))
