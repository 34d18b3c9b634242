"""Maintenance of what is remembered, on demand and in the background: duplicates, contradictions, what nobody recalls.

    >>> upkeep = Upkeep(store, "alex", models, retrieval)
    >>> upkeep.estimate().calls, upkeep.run(ask=True).actions
    (1, 3)

Its rules cost nothing; asking the memory's model as well, which sees what says the same in other words, costs what
`estimate` says. In the background it runs once a day at most, however many processes there are. What it did stands in
the log (`memory/longterm/maintenance_log.py`) with an undo.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from langgraph.store.base import PutOp
from pydantic import TypeAdapter, ValidationError

from memory.base import Memory
from memory.conversation import Conversation, Estimate
from memory.errors import InspectorError, ModelFailed, StoreUnavailable
from memory.longterm.base_store import UserStore
from memory.longterm.facts import Fact, from_row
from memory.longterm.judging import FRESH, NEAR, PURPOSE, Near, groups, judged
from memory.longterm.maintenance import NAMESPACE, Verdict, plan
from memory.longterm.maintenance_log import declined, entries, logged
from memory.longterm.merging import mergeable
from memory.longterm.recalls import recalls
from memory.longterm.rows import Row
from memory.longterm.taking_in import RACES
from memory.preferences import Preferences
from memory.reflection import claim, release
from memory.retrieval.index import Retrieval
from memory.services import EstimatingServices, Models, ModelServices
from memory.store import Store
from memory.strategies.combined import CombinedMemory

REST_SECONDS = 60.0
"""How long a user is silent before what is remembered of them is looked through."""
EVERY_SECONDS = 86_400.0
"""How long after a pass the next one comes by itself, at the earliest."""
LAST, JUDGED = "last", "judged"
"""The keys under which it stands what the last pass did, and up to when the model has seen what there is."""
CLAIM = "maintenance"

_timers: dict[str, threading.Timer] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Done:
    """What a pass did: how many `actions`, and what asking the memory's model cost in dollars; None where unknown.

    It is priced as `priced_as`; "" where at the model's own price. `left` is how many new facts wait for the model to
    see them in the next pass.
    """

    at: float
    asked: bool
    actions: int = 0
    calls: int = 0
    tokens: int = 0
    cost: Decimal | None = Decimal(0)
    priced_as: str = ""
    left: int = 0
    errors: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Upkeep:
    """The maintenance of one user's items by the memory's model of `models`."""

    store: Store
    user: str
    models: Models
    retrieval: Retrieval

    def estimate(self) -> Estimate:
        """Price asking the model, without calling it; no call where nothing is new since it was asked last."""
        services = self._services(EstimatingServices)
        rows = services.items.snapshot()[1]
        facts, fresh = _facts(rows), _fresh(rows)[:FRESH]
        # Which facts are alike would cost a search; how many calls there are rests on how many are shown.
        judged(services, groups(facts, {fact.key for _, fact in fresh}, lambda fact: [one.key for one in facts]))
        return Estimate.of(len(fresh), services)

    def last(self) -> Done | None:
        """Return what the last pass did; None where there was none."""
        return _last(self._services().items.snapshot()[1])

    def run(self, ask: bool, every: float = 0.0) -> Done | None:
        """Do a pass, and ask the model as well or not; None where another process does one.

        Nor is anything done within `every` seconds after the last pass. A model that fails is told of in `errors`,
        and what needs none is done. May raise StoreUnavailable.
        """
        services, token = self._services(), uuid.uuid4().hex
        items = services.items
        if _recent(items.snapshot()[1], every):
            return None
        if not claim(items, CLAIM, token):
            return None
        try:
            return self._run(services, items, ask, every)
        finally:
            release(items, CLAIM, token)

    def _run(self, services: ModelServices, items: UserStore, ask: bool, every: float) -> Done | None:
        looked = _Looked()
        for attempt in range(RACES):
            seen, rows = items.snapshot()
            if _recent(rows, every):
                return None  # somebody was faster
            if ask and not attempt:
                looked = _look(services, items, rows)
            now, log = time.time(), entries(rows)
            actions = plan(rows, recalls(self.store, self.user), now, looked.verdicts, declined(log))
            done = _done(services, now, ask, len(actions), looked.left)
            puts = [
                *logged(actions, log, now),
                PutOp(NAMESPACE, LAST, _DONE.dump_python(done, mode="json"), index=False),
            ]
            if looked.until is not None:
                # Put last it is the newest: what this pass itself wrote is not new to the model. What others wrote
                # while the model looked is.
                kept = {"until": looked.until} if attempt or looked.left else {}
                puts.append(PutOp(NAMESPACE, JUDGED, kept, index=False))
            if items.commit(puts, seen):
                return replace(done, errors=tuple(services.errors))
        raise StoreUnavailable("Others kept writing, and nothing was changed: try again in a moment.")

    def _services(self, kind: type[ModelServices] = ModelServices) -> ModelServices:
        return self.models.services(self.user, self.retrieval, None, kind, self.store.shelf)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the model said, up to which change of the items it saw them, and how many new ones it did not see."""

    verdicts: Sequence[Verdict] = ()
    until: float | None = None
    left: int = 0


_DONE: TypeAdapter[Done] = TypeAdapter(Done)


def rested(conversation: Conversation, seconds: float = REST_SECONDS) -> None:
    """Look after what is remembered of a user when they have been silent for so many seconds from now on.

    Where the conversation's memory remembers nothing across conversations, or the user does not want it, nothing is
    done.
    """
    if not remembers(conversation.memory):
        return
    timer = threading.Timer(seconds, due, (conversation,))
    timer.daemon = True
    with _lock:
        if planned := _timers.pop(conversation.user, None):
            planned.cancel()
        _timers[conversation.user] = timer
    timer.start()


def due(conversation: Conversation) -> None:
    """Do the pass of the day, as the user wants it; where it fails the next turn has it tried again."""
    with _lock:
        _timers.pop(conversation.user, None)
    try:
        wanted = Preferences.load(conversation.store, conversation.user).maintenance
        if wanted != "off":
            made = Upkeep(conversation.store, conversation.user, conversation.models, conversation.retrieval)
            made.run(wanted == "model", EVERY_SECONDS)
    except InspectorError:
        pass


def remembers(memory: Memory) -> bool:
    """Say whether a memory, or a part of one, writes what outlives a thread."""
    if isinstance(memory, CombinedMemory):
        return any(map(remembers, memory.parts))
    return memory.scope == "user" and memory.stateful


def _look(services: ModelServices, items: UserStore, rows: Sequence[Row]) -> _Looked:
    fresh = _fresh(rows)
    shown = fresh[:FRESH]
    try:
        together = groups(_facts(rows), {fact.key for _, fact in shown}, _near(items))
        left = len(fresh) - len(shown)
        until = shown[-1][0] if left else max((row.updated for row in rows), default=0.0)
        return _Looked(judged(services, together), until, left)
    except ModelFailed as error:
        services.failed(error)
        return _Looked()


def _near(items: UserStore) -> Near:
    """Return the search for the facts that are most like one."""

    def near(fact: Fact) -> Iterable[str]:
        return [item.key for item in items.search(fact.namespace, query=fact.text, limit=2 * NEAR)]

    return near


def _facts(rows: Iterable[Row]) -> list[Fact]:
    return [fact for row in rows if row.expires is None and row.namespace != NAMESPACE and (fact := from_row(row))]


def _fresh(rows: Sequence[Row]) -> list[tuple[float, Fact]]:
    """Return the facts that have changed since the model was asked, the oldest change first, each with its time."""
    mark = next((row for row in rows if row.namespace == NAMESPACE and row.key == JUDGED), None)
    until = 0.0 if mark is None else float(mark.value.get("until", mark.updated))
    changed = ((row.updated, fact) for row in rows for fact in _facts([row]) if row.updated > until)
    return sorted(((at, fact) for at, fact in changed if mergeable(fact)), key=lambda pair: (pair[0], pair[1].key))


def _last(rows: Iterable[Row]) -> Done | None:
    row = next((row for row in rows if row.namespace == NAMESPACE and row.key == LAST), None)
    try:
        return _DONE.validate_python(dict(row.value)) if row else None
    except ValidationError:
        return None


def _recent(rows: Iterable[Row], every: float) -> bool:
    last = _last(rows)
    return last is not None and abs(time.time() - last.at) < every


def _done(services: ModelServices, now: float, ask: bool, actions: int, left: int) -> Done:
    spent = Estimate.of(0, services)
    calls = [call for call in services.calls if call.purpose == PURPOSE]
    priced = next((call.priced_as for call in calls if call.priced_as != call.model), "")
    return Done(now, ask, actions, len(calls), spent.tokens, spent.cost, priced, left)
