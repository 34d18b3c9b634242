"""One turn of a lesson as it can be measured: its prompt, what was recalled and left out, its figures.

    >>> at = of(live, turn=4)
    >>> sorted(at.sent), at.reasons(1), at.segments["history"]
    ([2, 3], ('outside the last k=2 turns',), 31)

Turns count from 1, as a lesson's do. A turn that is stopped before the model can be measured as far as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from memory.base import Item, LeftOut, Note, Segment, Turn
from memory.inspection.changes import listed, merged
from memory.inspection.held import after
from memory.inspection.inspect import Inspection
from memory.lessons.live import Live, Spot
from memory.prompt import Prompt, PromptMessage
from memory.steps import BeforeModel, BeforePrompt
from memory.trace import Trace
from memory.worker import Job


@dataclass(frozen=True)
class At:
    """A turn of a conversation of the lesson; `job` is the answer where the turn is still on its way."""

    live: Live
    spot: Spot
    turn: int
    job: Job | None = None

    @cached_property
    def seen(self) -> Inspection | None:
        """The turn as the side panel sees it; None as long as it is on its way."""
        return None if self.job else self.live.inspect(self.turn, self.spot.person, self.spot.name)

    @cached_property
    def traces(self) -> list[Trace]:
        """The traces up to this turn."""
        user = self.live.users[self.spot.person]
        return self.live.store.traces(user, self.spot.id, 0, min(self.turn, self.spot.length))

    @property
    def trace(self) -> Trace | None:
        return self.seen.trace if self.seen else None

    @cached_property
    def prompt(self) -> Prompt | None:
        """What was sent, word for word; None where it is not put together yet, or can be no longer."""
        if self.job:
            before = self.job.stops.get("model")
            return Prompt(before.messages) if isinstance(before, BeforeModel) else None
        rebuilt = self.seen.rebuilt if self.seen else None
        return rebuilt.prompt if rebuilt and rebuilt.exact else None

    @property
    def brought(self) -> list[PromptMessage]:
        """What a memory put into the prompt."""
        return [one for one in self.prompt.messages if one.segment in ("memory", "history")] if self.prompt else []

    @cached_property
    def segments(self) -> Mapping[Segment, int]:
        """The tokens of the prompt by what they are; nothing where it is not put together yet."""
        if self.trace:
            return self.trace.segments
        return self.prompt.segments() if self.prompt else {}

    @cached_property
    def items(self) -> tuple[Item, ...] | None:
        """What was recalled; None where nothing was yet."""
        if self.trace:
            return self.trace.items
        before = self.job.stops.get("prompt") if self.job else None
        return before.recall.items if isinstance(before, BeforePrompt) else None

    @cached_property
    def left_out(self) -> tuple[LeftOut, ...]:
        if self.trace:
            return self.trace.left_out
        before = self.job.stops.get("prompt") if self.job else None
        return before.recall.left_out if isinstance(before, BeforePrompt) else ()

    @cached_property
    def sent(self) -> frozenset[int]:
        """The turns that were sent word for word; one that was shortened is none of them."""
        whole = merged(item.turns for item in self.items or () if item.turns and item.shortened is None)
        return frozenset(turn + 1 for turn in listed(whole))

    @cached_property
    def earlier(self) -> list[Turn]:
        """The turns that are stored before this one and were not forgotten."""
        user = self.live.users[self.spot.person]
        turns = self.live.store.turns(user, self.spot.id, 0, self.turn - 1)
        return [turn for turn in turns if turn.messages]

    def reasons(self, turn: int) -> tuple[str, ...]:
        """Say why an earlier turn was not sent."""
        return tuple(left.why for left in self.left_out if left.turns[0] < turn <= left.turns[1])

    @cached_property
    def notes(self) -> Mapping[str, Note] | None:
        """The notes that hold after the turn, of the memory that is chosen then; None while it is on its way."""
        if self.seen is None:
            return None
        talk = self.live.talk(self.spot)
        if self.turn == self.spot.length and talk.key != self.seen.trace.memory_key:
            state = self.live.store.state_at(talk.user, talk.thread, talk.key, self.spot.length)
        else:
            state = after(self.seen).state
        return {id: note for id, note in state.notes.items() if note.text}


def of(live: Live, turn: int | None = None, person: str | None = None, thread: str | None = None) -> At | None:
    """Return a turn (default: the newest, also one that is on its way); None where it is not there yet."""
    spot = live.spot(person, thread)
    if spot is None:
        return None
    job = live.job if spot == live.spot() else None
    coming = job if job and job.reply.turn is None else None
    turn = turn or spot.length + (coming is not None)
    if coming and turn == spot.length + 1:
        return At(live, spot, turn, coming)
    return At(live, spot, turn) if 1 <= turn <= spot.length else None
