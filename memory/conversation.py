"""One turn from beginning to end: read → prompt → model → write → one Trace.

    >>> conversation = Conversation(store, user, thread, memory, Models(chat="demo"), instructions="Be brief.")
    >>> reply = conversation.reply("What is my name?")
    >>> for text in reply: print(text, end="")
    Your name is Alex.
    >>> reply.trace.items[0].ref, reply.trace.calls[0].input_tokens
    ('turns:0-0', 31)

A turn is two commits: it is appended with its trace as soon as the answer ends, then the memory writes and its
state is stored if nobody else wrote in between; the loser of that race catches up.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from memory.base import Memory, Services, State
from memory.edits.events import Edit, edits, write
from memory.errors import BadInput, InspectorError, StoreUnavailable
from memory.pictures.picture import Picture
from memory.pictures.sight import Pictures
from memory.reply import RACES, Reply, Through
from memory.retrieval.index import Retrieval
from memory.services import EstimatingServices, Models, ModelServices
from memory.steps import Gate
from memory.store import Opened, Pending, Store, UserCache
from memory.trace import StateRef, Trace
from memory.transcript import Transcript

BLOCK = 25
"""After how many turns a memory that catches up is stored."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What taking `turns` turns into a memory would cost: `calls` of its model, `tokens` in, `cost` in dollars."""

    turns: int
    calls: int
    tokens: int
    cost: Decimal | None

    @classmethod
    def of(cls, turns: int, services: ModelServices) -> Estimate:
        """Add up what services would have called."""
        costs = [call.cost for call in services.calls]
        total = None if any(cost is None for cost in costs) else sum((cost for cost in costs if cost), Decimal(0))
        return cls(turns, len(costs), sum(call.input_tokens for call in services.calls), total)


@dataclass(frozen=True)
class Conversation:
    """A thread, the memory it is read with, and the models that speak in it.

    `budget` is the most tokens that a memory may put into a prompt; the model's window bounds it as well. `labels` fill
    the variables of a memory's namespace (see `memory/longterm/namespace.py`).
    """

    store: Store
    user: str
    thread: str
    memory: Memory
    models: Models = field(default_factory=Models)
    instructions: str = ""
    budget: int | None = None
    retrieval: Retrieval = field(default_factory=Retrieval)
    labels: Mapping[str, str] | None = None

    @property
    def key(self) -> str:
        """Name the memory's state: the memory, the settings that shape it, and the embedding that it searches with."""
        return f"{self.memory.key},{self.retrieval.name}" if self.memory.retrieves else self.memory.key

    def services(self, kind: type[ModelServices] = ModelServices) -> ModelServices:
        """Return what the memory may use in one turn."""
        cache = UserCache(self.store, self.user, self.thread)
        services = self.models.services(self.user, self.retrieval, cache, kind, self.store.shelf)
        services.labels = self.labels
        services.pictures = Pictures(
            self.models.chat,
            self.models.memory_name,
            lambda id: self.store.picture(self.user, self.thread, id),
            self.models.pictures,
        )
        return services

    def reply(
        self,
        query: str,
        turn_id: str | None = None,
        replaces: str | None = None,
        through: Through | None = None,
        gate: Gate | None = None,
        pictures: tuple[Picture, ...] = (),
    ) -> Reply:
        """Answer a message; nothing happens until the reply is iterated.

        The same `turn_id` is appended once however often it is tried. `replaces` names the last turn, whose answer
        is given again. `through` wraps the model's stream and `gate` stops before each step (see `memory/worker.py`).
        `pictures` come with the message, whose words tell of them (`worded`), and are in the store already.
        """
        return Reply(self, query, turn_id or uuid.uuid4().hex[:16], replaces, through, gate, pictures)

    def opened(self, pending: Pending | None = None, services: ModelServices | None = None) -> Opened:
        """Read the thread; what `services` are asked from then on rests on it."""
        opened = self.store.open(self.user, self.thread, self.key, self.memory.tail, pending)
        if services:
            services.rest_on(opened.epoch)
        return opened

    def transcript(self, opened: Opened) -> Transcript:
        of = (self.user, self.thread, opened.epoch)
        return Transcript(opened.length, lambda a, b: self.store.turns(self.user, self.thread, a, b), opened.tail, of)

    def estimate(self) -> Estimate:
        """Price `catch_up` without calling a model."""
        opened = self.opened()
        services = self.services(EstimatingServices)
        if self.memory.stateful:
            self._written(opened, self.transcript(opened), services)
        return Estimate.of(opened.length - opened.state.covered, services)

    def catch_up(
        self,
        services: ModelServices | None = None,
        patience: float = 0.0,
        kind: Literal["switch", "reflect"] = "switch",
    ) -> Trace | None:
        """Take the turns that the memory does not cover yet into its state; None where there are none.

        It is stored every `BLOCK` turns with a trace of this kind that says what they cost; the last one is
        returned. A failing model leaves the state at what was done before it; BadInput where the memory itself fails.
        Whoever passes `services` can watch the calls while they are made. For `patience` seconds a store that is away
        is asked again to take what was made.
        """
        if not self.memory.stateful:
            return None
        services = services or self.services()
        trace, start, length = None, 0, 1
        while start < length:
            block = self._take_in(start, services, patience, kind)
            if block is None:
                break
            start, length, done = block
            trace = done or trace
        return trace

    def _take_in(
        self, start: int, services: ModelServices, patience: float, kind: Literal["switch", "reflect"]
    ) -> tuple[int, int, Trace | None] | None:
        """Take in a block of turns from `start` on; return where to go on, how many turns there are and its trace."""
        event, paid, failed = uuid.uuid4().hex[:16], len(services.calls), len(services.errors)
        waited, since = services.waits, None
        for _ in range(RACES):
            opened, problem = self.opened(services=services), None
            since = opened.epoch if since is None else since
            end = min(opened.length, max(start, opened.state.covered) + BLOCK)
            state = opened.state
            try:
                state = self._written(opened, self.transcript(opened).head(end), services)
            except BadInput as error:
                problem = error
            if state != opened.state or services.calls[paid:]:
                trace = Trace(
                    kind,
                    opened.length,
                    event,
                    time.time(),
                    self.memory.name,
                    self.key,
                    self.memory.settings.model_dump(mode="json"),
                    before=StateRef.of(opened.state),
                    after=StateRef.of(state, opened.state),
                    calls=tuple(services.calls[paid:]),
                    errors=(*services.errors[failed:], *([str(problem)] if problem else [])),
                )
                if not self._put(opened.revision, state, trace, services, patience, since):
                    continue
            else:
                trace = None
            if problem:
                raise problem
            # What a model noted in a wrong form is lost and told; only a call that failed keeps a turn waiting.
            stuck = services.waits > waited and state.covered < end
            return opened.length if stuck else end, opened.length, trace
        return None

    def edits(self, state: State, count: int) -> list[Edit]:
        """Return the edits of the memory's notes where a state lacks any of the `count` that there are."""
        return edits(self.store, self.user, self.thread, self.key) if state.edits < count else []

    def _written(self, opened: Opened, transcript: Transcript, services: Services) -> State:
        state = opened.state
        try:
            return write(self.memory, state, transcript, services, edits=self.edits(state, opened.edits))
        except InspectorError:
            raise
        except Exception as error:
            raise BadInput(
                f"{self.memory.label} failed to take these turns in ({type(error).__name__}: {error}). "
                "Choose another memory."
            ) from error

    def _put(
        self, revision: str, state: State, trace: Trace, services: ModelServices, patience: float, since: str
    ) -> str | None:
        deadline = time.monotonic() + patience
        while True:
            try:
                taken = self.store.put_state(self.user, self.thread, self.key, revision, state, trace, since=since)
                services.unsaved = None
                return taken
            except StoreUnavailable as error:
                services.unsaved = error
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.5)
