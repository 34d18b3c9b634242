"""ConversationBufferWindowMemory: the last k turns. Forgets all before them; its cost stays level.

    k=1, turn 3   human: What is my name?     prompt: turn 2 | What is my name?      (turn 1 held the name)

Over the buffer it adds one number, k. With `step` s > 1 the window slides only every s turns (between k and
k+s-1 turns are kept), so that the prompt's beginning stays the same for s turns and a provider can cache it.
Agrees with classic for step 1 where turns are one human and one AI message (classic counts 2k messages).
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from memory.base import LeftOut, Memory, Recall, Services, State, Turn
from memory.common.fit import newest


class ConversationBufferWindowMemory(Memory):
    """Sends the last k turns."""

    short = "window"
    label = "Window"
    place = 2
    keeps = "the last k turns, word for word"
    forgets = "everything before them"
    costs = "the same each turn: k turns"

    class Settings(Memory.Settings):
        k: int = Field(5, ge=0, le=1000, description="How many of the last turns are sent")
        step: int = Field(1, ge=1, le=100, description="The window slides only every so many turns")

    settings: Settings

    @property
    def tail(self) -> int:
        return min(200, self.settings.k + self.settings.step - 1)

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        k, step = self.settings.k, self.settings.step
        first = max(0, len(transcript) - k) // step * step if k else len(transcript)
        recall = newest(transcript, first, budget, services.encoding, f"one of the last k={k} turns")
        outside = LeftOut((0, first), f"outside the last k={k} turns")
        return Recall(recall.items, ((outside,) if first else ()) + recall.left_out)
