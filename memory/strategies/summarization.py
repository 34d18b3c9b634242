"""SummarizationMemory: everything until it becomes much, then a summary and the newest. Forgets details of old turns.

    trigger=60, keep=4, turn 9   prompt: turns 1 to 8 (58 tokens) | query
    trigger=60, keep=4, turn 10  prompt: summary of turns 1 to 7 (15 tokens) | turns 8 and 9 | query

LangChain 1.x's SummarizationMiddleware: nothing happens until summary and turns reach the trigger; then all but the
newest `keep` messages is merged into the summary, so that many turns go by between two calls. Unlike the middleware
it looks after an answer and not before one, keeps whole turns (at most `keep` messages, at least the newest turn),
rewrites no transcript, bounds the summary (a quarter of the trigger), and a failed call loses nothing: turns leave
only after their summary has been written.
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


class SummarizationMemory(SummarizedMemory):
    """Sends all turns, until they are so many that the older ones become a summary."""

    short = "summarization"
    label = "Summarization"
    place = 6
    keeps = "everything, then the gist of the old turns"
    forgets = "details of old turns, many at a time"
    costs = "up to the trigger, and a call of its own now and then"
    state_settings = ("trigger", "keep")

    class Settings(Memory.Settings):
        trigger: int = Field(4000, ge=20, le=1_000_000, description="Summarise when this many tokens are reached")
        keep: int = Field(20, ge=1, le=1000, description="At most so many of the newest messages stay as they are")
        memory_place: Place = "before"

    settings: Settings

    def _limit(self, budget: int) -> tuple[int, str]:
        return budget, f"not summarised before {self.settings.trigger:,} tokens are reached"

    def _cover(self, state: State, transcript: Sequence[Turn], length: int, services: Services) -> State:
        """Take in one more turn; where the trigger is reached, summarise all but the kept tail."""
        trigger, encoding = self.settings.trigger, services.encoding
        note = state.notes.get("summary")
        first = note.turns[1] if note else 0
        turns = transcript[first:length]
        spent = count_tokens(note.text, encoding) if note else 0
        if spent + sum(turn.count(encoding) for turn in turns) < trigger:
            return replace(state, covered=length)
        kept, end = len(turns[-1].messages), length - 1
        while end > first and kept + len(turns[end - 1 - first].messages) <= self.settings.keep:
            kept, end = kept + len(turns[end - 1 - first].messages), end - 1
        if end == first:
            return replace(state, covered=length)
        text = summarize(services, note.text if note else "", turns[: end - first], max(1, trigger // 4))
        return replace(state.with_note("summary", text, (0, end), since=length), covered=length)
