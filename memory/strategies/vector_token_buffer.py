"""ConversationVectorStoreTokenBufferMemory: the newest turns word for word, and of the older ones those that fit.

    max_token_limit=60, k=1, turn 40     prompt: quoted turn 3 (14 tokens) | turns 36 to 39 (41 tokens) | query

Over the token buffer it adds the vector store for what has fallen out of it. Both together stay within the limit: what
is recalled takes at most half of it from the newest turns, and nothing from the very last. Classic counts the newest
turns alone, cuts recalled ones by characters, and hands out a list of single letters unless it is told to return
messages.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from memory.base import Memory, Recall, Services, State, Turn
from memory.common.fit import newest
from memory.common.place import Place, placed
from memory.common.retrieved import RetrievedMemory, Searched
from memory.retrieval.select import Choice, Rows


class ConversationVectorStoreTokenBufferMemory(RetrievedMemory):
    """Sends the newest turns that fit, and of the older ones those most like the query."""

    short = "vector_token_buffer"
    label = "Vector store and token buffer"
    place = 2
    keeps = "the newest turns; every older one, found by likeness"
    forgets = "older turns that are not like the question"

    class Settings(Memory.Settings):
        max_token_limit: int = Field(
            2000, ge=20, le=1_000_000, description="At most so many tokens, newest and recalled turns together"
        )
        k: int = Field(4, ge=0, le=1000, description="How many older turns are recalled at most")
        search: Searched = None
        memory_place: Place = "before"

    settings: Settings

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        limit, k, encoding = min(self.settings.max_token_limit, budget), self.settings.k, services.encoding
        why = f"among the newest turns within {limit:,} tokens"
        recent = newest(transcript, 0, limit, encoding, why)
        if not recent.left_out or not k:
            return recent
        # What is recalled takes its room from the oldest of the newest turns, which may then be recalled themselves.
        ranking = services.rank(transcript, query, self.settings.search)
        last = transcript[-1].count(encoding)
        room = limit // 2 if last > limit else min(limit // 2, limit - last)
        older = Rows(ranking, transcript, _first(recent, transcript), services.taken)
        for _ in range(2):
            wanted = Choice(older, encoding, room, k).tokens
            recent = newest(transcript, 0, limit - wanted, encoding, why)
            if (first := _first(recent, transcript)) == older.among:
                break
            older = Rows(ranking, transcript, first, services.taken)
        choice = Choice(older, encoding, limit - recent.tokens, k)
        cut = (one for one in recent.left_out if one.turns[0] >= older.among)
        found = Recall((*choice.items(), *recent.items), (*choice.left_out(), *older.silent(), *cut))
        return placed(found, self.settings.memory_place)


def _first(recent: Recall, transcript: Sequence[Turn]) -> int:
    """Return the oldest turn that is sent."""
    return min((item.turns[0] for item in recent.items if item.turns), default=len(transcript))
