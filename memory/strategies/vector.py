"""VectorStoreRetrieverMemory: the turns that are most like what is asked, however long ago. Forgets nothing for good.

    k=1, turn 40   human: Which library did we talk about?     prompt: quoted turn 3 (score 0.71) | query

Over the window it adds a question: not "how old is a turn?" but "how alike is it?". It recalls by words (lexical), by
meaning (dense), or both (hybrid); what it does not find is not sent, and a turn that is the best of a bad lot is.
Classic keeps copies of turns in a vector store, returns them by likeness without dates or scores, stores the same turn
twice and cannot clear it; ours keeps vectors alone, quotes the turns oldest first under their dates, and says scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, model_validator

from memory.base import Memory, Recall, Services, State, Turn
from memory.common.retrieved import RetrievedMemory, Searched
from memory.retrieval.select import choose

MOST = 1000


class VectorStoreRetrieverMemory(RetrievedMemory):
    """Sends the earlier turns that are most like the query."""

    short = "vector"
    label = "Vector store"
    place = 1
    keeps = "every turn, found by likeness"
    forgets = "what is not like the question"
    costs = "k turns; an embedding of each turn where it searches by meaning"

    class Settings(Memory.Settings):
        k: int = Field(4, ge=0, le=MOST, description="How many turns are recalled at most")
        max_token_limit: int | None = Field(
            None, ge=20, le=1_000_000, description="Filled with the best that fit (empty: no limit but the budget)"
        )
        score_threshold: float | None = Field(None, ge=0, le=1, description="Only turns with at least this score")
        neighbours: int = Field(0, ge=0, le=10, description="So many turns before and after each are sent as well")
        search: Searched = None

        @model_validator(mode="before")
        @classmethod
        def _limit_alone(cls, given: Any) -> Any:
            """A limit that is given without a count is filled."""
            if isinstance(given, Mapping) and given.get("max_token_limit") and "k" not in given:
                return {**given, "k": MOST}
            return given

    settings: Settings

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        chosen = self.settings
        return choose(
            services.rank(transcript, query, chosen.search),
            transcript,
            services.encoding,
            min(budget, chosen.max_token_limit or budget),
            chosen.k if chosen.k < MOST else None,
            chosen.score_threshold,
            chosen.neighbours,
            taken=services.taken,
        )
