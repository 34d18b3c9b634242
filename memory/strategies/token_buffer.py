"""ConversationTokenBufferMemory: the newest whole turns within a number of tokens. Forgets the older ones.

    max_token_limit=20, turn 4   human: What is my name?     prompt: turns 2 and 3 (18 tokens) | What is my name?

Over the window it adds a budget instead of a count: few long turns or many short ones. Where classic would keep
half a turn, or empty itself because one message is over the limit, this one keeps whole turns and shortens.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from memory.base import Memory, Recall, Services, State, Turn
from memory.common.fit import newest


class ConversationTokenBufferMemory(Memory):
    """Sends the newest whole turns that fit the limit."""

    short = "token_buffer"
    label = "Token buffer"
    place = 3
    keeps = "the newest turns that fit a budget"
    forgets = "older turns"
    costs = "the same each turn: the budget"

    class Settings(Memory.Settings):
        max_token_limit: int = Field(2000, ge=0, le=1_000_000, description="At most so many tokens of history are sent")

    settings: Settings

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        limit = min(self.settings.max_token_limit, budget)
        return newest(transcript, 0, limit, services.encoding, f"among the newest turns within {limit} tokens")
