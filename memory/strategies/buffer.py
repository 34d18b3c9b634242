"""ConversationBufferMemory: every turn, word for word. Forgets nothing; its cost grows with every turn.

    turn 1   human: My name is Alex.          prompt: My name is Alex.
    turn 2   human: What is my name?          prompt: My name is Alex. | Hello Alex! | What is my name?

Differs from classic only in holding to a budget: when the model's window is full, the oldest turns stay out.
"""

from __future__ import annotations

from collections.abc import Sequence

from memory.base import Memory, Recall, Services, State, Turn
from memory.common.fit import newest


class ConversationBufferMemory(Memory):
    """Sends every turn, in order."""

    short = "buffer"
    label = "Buffer"
    place = 1
    keeps = "every turn, word for word"
    forgets = "nothing"
    costs = "more with every turn"

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        return newest(transcript, 0, budget, services.encoding, "every turn is sent")
