"""What the memories that summarise the old and send the new have in common: both in one budget, no turn lost.

    turn 9   prompt: summary of turns 1 to 5 | turns 6 to 8 | query

A memory of this kind says how much may be sent (`_limit`) and when turns move into the summary (`_cover`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from memory.base import Item, LeftOut, Memory, Recall, Services, State, Turn
from memory.common.fit import newest, note_item, note_left_out
from memory.common.place import placed
from memory.errors import ModelFailed
from memory.tokens import count_tokens


class SummarizedMemory(Memory):
    """Sends a summary of the old turns, then the newest whole turns."""

    stateful = True
    settings: Any  # with `memory_place`

    @abstractmethod
    def _limit(self, budget: int) -> tuple[int, str]:
        """Return how many tokens summary and turns may have together, and why the turns that fit are there."""

    @abstractmethod
    def _cover(self, state: State, transcript: Sequence[Turn], length: int, services: Services) -> State:
        """Take in one more turn; raises ModelFailed where a summary was needed and could not be had."""

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        limit, why = self._limit(budget)
        note, first = state.notes.get("summary"), 0
        items: list[Item] = []
        left: list[LeftOut] = []
        if note is not None:
            first = note.turns[1]
            room = limit // 2 if first < len(transcript) else limit
            size = count_tokens(note.text, services.encoding)
            item = note_item(note.ref, note.text, f"summary of turns 1 to {first}", room, services.encoding, size)
            if item:
                items.append(item)
                left.append(LeftOut((0, first), f"merged into summary v{note.version}", "summary"))
            else:
                left.append(note_left_out(note, (0, first)))
        recent = newest(transcript, first, limit - sum(item.tokens for item in items), services.encoding, why)
        found = Recall((*items, *recent.items), (*left, *recent.left_out))
        return placed(found, self.settings.memory_place)

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        try:
            while state.covered < len(transcript):
                state = self._cover(state, transcript, state.covered + 1, services)
        except ModelFailed as error:
            services.failed(error)
        return state
