"""What the memories that extract have in common: notes on what the query mentions, beside the last k turns.

    turn 1   human: Sam works at Acme.      notes: Sam, Acme
    turn 9   human: Where does Sam work?    prompt: the notes on Sam | turns 6 to 8 | query

A memory of this kind says which notes a query brings (`_about`) and what a turn adds to them (`_take_in`). Both find
notes by an index, which grows with them: a turn costs no more where many are known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from memory.base import Item, Memory, Note, Recall, Services, State, Turn
from memory.common.draft import Draft, kept, taken
from memory.common.extract import beside_notes
from memory.common.fit import note_item
from memory.common.place import placed
from memory.errors import ModelFailed
from memory.tokens import count_tokens


class Index(ABC):
    """What a memory finds its notes by: made of all that hold, then told of each that is made."""

    def __init__(self, notes: Mapping[str, Note]) -> None:
        for note in sorted(notes.values(), key=lambda note: note.since):
            if note.text:
                self.add(note)

    @abstractmethod
    def add(self, note: Note) -> None:
        """Take in a note, or its next version."""


Known = TypeVar("Known", bound=Index)


class ExtractedMemory(Memory, Generic[Known]):
    """Sends the notes on what the query mentions, and the last k turns."""

    family = "extracted"
    forgets = "what is in no note, after k turns"
    costs = "one call of its own each turn"
    stateful = True
    index: type[Known]
    settings: Any  # with `k` and `memory_place`

    @property
    def tail(self) -> int:
        return min(200, int(self.settings.k))

    @abstractmethod
    def _about(self, known: Known, notes: Mapping[str, Note], query: str) -> Iterable[tuple[Note, str]]:
        """Return the notes that a query brings, each with why, the most wanted first."""

    @abstractmethod
    def _take_in(self, turn: Turn, index: int, draft: Draft, known: Known, services: Services) -> None:
        """Note what a turn tells; raises ModelFailed before anything is noted."""

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        encoding, k = services.encoding, self.settings.k
        limit = rest = budget // 2 if k and len(transcript) else budget
        known = taken(state.notes, self.index)
        about = [*self._about(known, state.notes, query)]
        kept(state.notes, known)
        chosen: list[tuple[Note, Item]] = []
        for note, why in about:
            size = count_tokens(note.text, encoding)
            if size <= rest:
                chosen.append((note, Item(note.ref, "memory", why, size, text=note.text)))
                rest -= size
        if about and not chosen:
            # Not even one fits: the first is cut and not silently lost.
            note, why = about[0]
            item = note_item(note.ref, note.text, why, limit, encoding, count_tokens(note.text, encoding))
            chosen = [(note, item)] if item else []
        # Of two that contradict each other the later one is to stand later.
        chosen.sort(key=lambda pair: pair[0].since)
        items = [item for _, item in chosen]
        spent = sum(item.tokens for item in items)
        recent = beside_notes([note for note, _ in chosen], transcript, k, budget - spent, encoding)
        return placed(Recall((*items, *recent.items), recent.left_out), self.settings.memory_place)

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        if state.covered == len(transcript):
            return state
        draft, known = Draft(state), taken(state.notes, self.index)
        try:
            for index, turn in enumerate(transcript[state.covered :], state.covered):
                self._take_in(turn, index, draft, known, services)
                draft.covered = index + 1
        except ModelFailed as error:
            services.failed(error)
        kept(draft.notes, known)
        return draft.state()
