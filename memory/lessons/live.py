"""A lesson's live state, as it stands or stood at the end of a step: whose threads, how long, read by which memory.

    >>> live = stage.live()
    >>> live.traces()[-1].prompt_tokens, live.inspect(4).left      # turn 4, counted from 1 as on the page
    (61, (0,))
    >>> live.conversation("bob").memory.name
    'ConversationBufferMemory'

All of it is read from the store when it is asked for; whatever a lesson says of memory and prompt is measured on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memory import worker
from memory.base import Memory, Turn
from memory.catalog import load
from memory.compare.results import RunResult
from memory.conversation import Conversation
from memory.forgetting.receipt import Receipt
from memory.forgetting.remembered import remembered
from memory.inspection.inspect import Inspection, inspect
from memory.lessons.lesson import Lesson, Person
from memory.lint.report import Report
from memory.longterm.facts import Fact
from memory.longterm.feedback import KIND as FEEDBACK
from memory.models import provider_of
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store
from memory.trace import Trace
from memory.worker import Job

FIRST = "first"
"""The name of a person's conversation where the lesson names none."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A conversation of a lesson: whose, its name there, its id in the store, how many turns count, what reads it.

    With one `coming` the next turn was paused before its answer came.
    """

    person: str
    name: str
    id: str
    length: int
    memory: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    coming: bool = False

    def open(self) -> Memory:
        """Make the memory; raises BadInput where it is not known (any more)."""
        return load().make(self.memory, self.settings)


@dataclass(frozen=True, slots=True)
class Reread:
    """What a process found that read everything from the store alone: turns, notes, and facts of all people."""

    turns: int
    notes: int
    facts: int


@dataclass(frozen=True)
class Live:
    """The state of a lesson; `person` and `thread` name who spoke last and where.

    `users` are the store's names of the people, `lints` the reports by the memory as the lesson writes it (several
    where LangChain's own is tried over more than one history), `compared` the results of the newest comparison by
    memory, over `scenario`; `receipts` are those of what was forgotten. `until` is when things stood so, None where
    they do now; `figures` are those of the step's texts as they were written then, by `name:turn`.
    """

    store: Store
    lesson: Lesson
    users: Mapping[str, str]
    spots: tuple[Spot, ...]
    person: str
    thread: str
    models: Models
    retrieval: Retrieval = field(repr=False)
    lints: Mapping[str, tuple[Report, ...]] = field(default_factory=dict)
    compared: Mapping[str, RunResult] = field(default_factory=dict)
    scenario: str = ""
    receipts: tuple[Receipt, ...] = ()
    reread: Reread | None = None
    until: float | None = None
    figures: Mapping[str, str] = field(default_factory=dict)

    @property
    def demo(self) -> bool:
        """Whether the demo model speaks, in the conversation and for its memory."""
        return {provider_of(self.models.chat), provider_of(self.models.memory_name)} == {"demo"}

    @property
    def user(self) -> str:
        """The store's name of who spoke last."""
        return self.users[self.person]

    @property
    def threads(self) -> Mapping[tuple[str, str], str]:
        """The ids of the conversations by person and name."""
        return {(spot.person, spot.name): spot.id for spot in self.spots}

    def spot(self, person: str | None = None, thread: str | None = None) -> Spot | None:
        """Return a conversation; None where nobody has spoken there. Without a name: where that person spoke last."""
        who = person or self.person
        own = [spot for spot in self.spots if spot.person == who]
        if thread is None and who == self.person:
            thread = self.thread
        # The newest stands last.
        return next((spot for spot in reversed(own) if thread in (None, spot.name)), None)

    @property
    def length(self) -> int:
        """How many turns the conversation has in which somebody spoke last."""
        spot = self.spot()
        return spot.length if spot else 0

    def who(self, person: str | None = None) -> Person:
        """Return a person of the lesson."""
        return next(one for one in self.lesson.people if one.id == (person or self.person))

    def conversation(self, person: str | None = None, thread: str | None = None) -> Conversation | None:
        """Return a conversation as its memory reads it; None where nobody has spoken there."""
        spot = self.spot(person, thread)
        return self.talk(spot) if spot else None

    def talk(self, spot: Spot, memory: Memory | None = None) -> Conversation:
        """Return a conversation as its own memory reads it, or another one."""
        return Conversation(
            self.store,
            self.users[spot.person],
            spot.id,
            memory or spot.open(),
            self.models,
            self.lesson.instructions,
            self.lesson.budget,
            self.retrieval,
            self.who(spot.person).labels,
        )

    def turns(self, person: str | None = None, thread: str | None = None) -> list[Turn]:
        """Return the turns of a conversation."""
        spot = self.spot(person, thread)
        return self.store.turns(self.users[spot.person], spot.id, 0, spot.length) if spot else []

    def traces(self, person: str | None = None, thread: str | None = None) -> list[Trace]:
        """Return the traces of a conversation's turns."""
        spot = self.spot(person, thread)
        return self.store.traces(self.users[spot.person], spot.id, 0, spot.length) if spot else []

    def inspect(
        self, turn: int | None = None, person: str | None = None, thread: str | None = None
    ) -> Inspection | None:
        """Look at a turn, counted from 1 (default: the newest), as the side panel does; None where it is not there."""
        spot = self.spot(person, thread)
        if spot is None or not 1 <= (turn or spot.length) <= spot.length:
            return None
        index = (turn or spot.length) - 1
        return inspect(self.store, self.users[spot.person], spot.id, index, spot.length, self.retrieval)

    def facts(self, person: str | None = None) -> list[Fact]:
        """Return what was remembered of a person across conversations; what was said of answers is none of it."""
        found = remembered(self.store, self.users[person or self.person]).values()
        then = found if self.until is None else filter(None, (fact.as_of(self.until) for fact in found))
        return [fact for fact in then if fact.kind != FEEDBACK]

    @property
    def job(self) -> Job | None:
        """The answer that is on its way, or paused, where somebody spoke last."""
        spot = self.spot()
        jobs = worker.running(self.users[spot.person], spot.id) if spot else []
        return jobs[-1] if jobs else None
