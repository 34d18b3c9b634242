"""TimeWeightedMemory: likeness plus freshness, where a turn is fresh again whenever it is recalled.

    decay_rate=0.01   turn 3: similarity 0.40 + recency 0.99 (recalled an hour ago)   before
                      turn 9: similarity 0.60 + recency 0.08 (250 hours old)          in the prompt

    score = similarity + (1 - decay_rate)^(hours since the turn was last recalled, or else said)

What is used stays, what is never asked for fades. The rule is LangChain's TimeWeightedVectorStoreRetriever's, after
Park et al., "Generative Agents" (2023), without their third term, importance. Its scores run to 2; the halves shown
here are from 0 to 1. Which turns a turn recalled is written down after it, in one small note, and rebuilt by reading
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from pydantic import Field

from memory.base import Memory, Note, Recall, Services, State, Turn
from memory.common.draft import Draft, kept, taken
from memory.common.retrieved import RetrievedMemory, Searched
from memory.errors import InspectorError
from memory.retrieval.ranking import Numbers, Ranking
from memory.retrieval.select import choose
from memory.retrieval.view import scores_of
from memory.transcript import head
from memory.views import Form

HOUR = 3600.0


class Recalled:
    """Which turn each turn was last recalled by."""

    def __init__(self, notes: Mapping[str, Note]) -> None:
        self._by = np.arange(64)
        for note in notes.values():
            if note.text:
                self.add(note)

    def add(self, note: Note) -> None:
        # A note without a list is of one turn alone; one of an import may list anything.
        span, listed = range(*note.turns), note.data.get("turns")
        turns = [int(turn) for turn in listed if turn in span] if isinstance(listed, list) else list(span)
        if turns:
            self.last(max(turns) + 1)
            self._by[turns] = np.maximum(self._by[turns], note.since - 1)

    def last(self, length: int) -> Numbers:
        """Return for each of so many turns the turn that recalled it last, else the turn itself."""
        if length > len(self._by):
            self._by = np.concatenate([self._by, np.arange(len(self._by), 2 * length)])
        return self._by[:length]


class TimeWeightedMemory(RetrievedMemory):
    """Sends the turns with the highest sum of likeness and freshness."""

    short = "time_weighted"
    label = "Time-weighted"
    place = 3
    keeps = "what is alike, and what was recalled not long ago"
    forgets = "what nobody has asked for in a long time"
    costs = "k turns; an embedding of each turn where it searches by meaning"
    state_settings = ("search", "decay_rate", "k")

    class Settings(Memory.Settings):
        decay_rate: float = Field(0.01, ge=0, le=1, description="How much of its freshness a turn loses in an hour")
        k: int = Field(4, ge=0, le=1000, description="How many turns are recalled at most")
        search: Searched = None

    settings: Settings

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        recalled = taken(state.notes, Recalled)
        ranking = self._weighed(recalled, transcript, query, services, services.now)
        kept(state.notes, recalled)
        return choose(ranking, transcript, services.encoding, budget, self.settings.k, taken=services.taken)

    def _weighed(
        self, recalled: Recalled, transcript: Sequence[Turn], query: str, services: Services, now: float
    ) -> Ranking:
        """Rank by half the sum of likeness and freshness."""
        ranking: Ranking = services.rank(transcript, query, self.settings.search)
        turns = ranking.searched.turns
        at = np.full(len(transcript), now)
        at[turns] = ranking.searched.times
        last = at[recalled.last(len(transcript))[turns]]
        # Rounded, so that a moment more or less does not turn equals round.
        recency = np.round((1 - self.settings.decay_rate) ** (np.maximum(0.0, now - last) / HOUR), 6)
        scores = (ranking.scores + recency) / 2
        return ranking.rescored(scores, {"similarity": ranking.scores, "recency": recency})

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        """Note for each new turn which turns it recalls, and when.

        They are ranked again and not taken from `recall`, which a small budget may have cut: so it is the same
        whether a turn is written when it is said or later. Every turn is compared with all before it, by how rare its
        words were then: that is what this memory is, so a block of turns cannot be ranked at once, and a turn costs
        some ten microseconds more for each hundred before it.
        """
        try:
            services.take_in(transcript, self.settings.search)
        except InspectorError as error:
            services.failed(error)
            return state
        if state.covered == len(transcript):
            return state
        draft, recalled = Draft(state), taken(state.notes, Recalled)
        for index in range(state.covered, len(transcript)):
            turn, earlier = transcript[index], head(transcript, index)
            if turn.human:
                ranking = self._weighed(recalled, earlier, turn.human, services, turn.at)
                turns = sorted({hit.turn for hit in ranking[: self.settings.k]})
                if turns:
                    span = turns[0], turns[-1] + 1
                    recalled.add(draft.note(f"recalled-{index}", "recalled", span, index + 1, {"turns": turns}))
            draft.covered = index + 1
        kept(draft.notes, recalled)
        return draft.state()

    def _forms(
        self, recall: Recall, transcript: Sequence[Turn], query: str, services: Services
    ) -> Iterable[Form | None]:
        return [scores_of(recall, ("similarity", "recency"))]
