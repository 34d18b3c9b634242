"""ConversationSummaryBufferMemory: the gist of the old, the words of the new, both within one limit.

    max_token_limit=60, turn 9   prompt: summary of turns 1 to 5 (18 tokens) | turns 6 to 8 (39 tokens) | query

Agrees with classic until the first overflow. From there it counts the summary against the limit, and it moves
turns into the summary in blocks of `summarize_block` tokens, so that not every turn calls the model (classic: 88
calls in 100 turns). Turns leave only after their summary has been written: a failed call loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from memory.base import Memory, Services, State, Turn
from memory.common.place import Place
from memory.common.summarize import summarize
from memory.common.summarized import SummarizedMemory
from memory.tokens import count_tokens


class ConversationSummaryBufferMemory(SummarizedMemory):
    """Sends a summary of what no longer fits, then the newest whole turns."""

    short = "summary_buffer"
    label = "Summary buffer"
    place = 5
    keeps = "the gist of the old turns, the words of the new"
    forgets = "details of old turns"
    costs = "the budget, and a call of its own now and then"
    state_settings = ("max_token_limit", "summarize_block")

    class Settings(Memory.Settings):
        max_token_limit: int = Field(
            2000, ge=20, le=1_000_000, description="At most so many tokens, summary and turns together"
        )
        summarize_block: int | None = Field(
            None, ge=1, le=1_000_000, description="Tokens of turns merged at a time (empty: a quarter of the limit)"
        )
        memory_place: Place = "before"

    settings: Settings

    @property
    def _block(self) -> int:
        return self.settings.summarize_block or max(1, self.settings.max_token_limit // 4)

    def _limit(self, budget: int) -> tuple[int, str]:
        limit = min(self.settings.max_token_limit, budget)
        return limit, f"among the newest turns within {limit} tokens"

    def _cover(self, state: State, transcript: Sequence[Turn], length: int, services: Services) -> State:
        """Take in one more turn, merging the oldest kept ones when summary and turns are over the limit."""
        limit, encoding = self.settings.max_token_limit, services.encoding
        note = state.notes.get("summary")
        first = note.turns[1] if note else 0
        spent = count_tokens(note.text, encoding) if note else 0
        sizes = [turn.count(encoding) for turn in transcript[first:length]]
        if spent + sum(sizes) <= limit:
            return replace(state, covered=length)
        # The next summary may be as long as a quarter of the limit, so what is kept leaves it that room.
        room = max(1, limit // 4)
        kept, moved, end = sum(sizes), 0, first
        while end < length - 1 and (kept > limit - room or moved < self._block):
            kept, moved, end = kept - sizes[end - first], moved + sizes[end - first], end + 1
        if end == first:
            return replace(state, covered=length)
        text = summarize(services, note.text if note else "", transcript[first:end], room)
        return replace(state.with_note("summary", text, (0, end), since=length), covered=length)
