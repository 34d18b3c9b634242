"""Forgets a turn or a note everywhere: in its thread at once, then where else it stands, then in the files.

    >>> plan = plan_turn(store, user, thread, 3)
    >>> [place.what for place in plan.places]
    ['turn 5 of “Trip to Paris”']
    >>> receipt = forget_turn(store, retrieval, user, thread, 3, include=[plan.places[0].id])
    >>> receipt.left
    0

The places that are included go first and the turn itself last, so that one that was interrupted is done by doing it
again: until the turn is gone, its words are still known. Afterwards its memories are rebuilt by `catch_up`, which
`price` estimates beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from memory.base import Turn
from memory.catalog import load
from memory.conversation import Conversation, Estimate
from memory.edits.events import state_at, write
from memory.errors import BadInput, ThreadGone
from memory.forgetting.documents import take_out_document
from memory.forgetting.experiments import take_out_experiment
from memory.forgetting.maintained import LOG, entries_of, every_entry, resting_entries, take_out_entries
from memory.forgetting.owed import look_again, vector_ids, with_vectors
from memory.forgetting.places import Place, every_text, named, outside, places
from memory.forgetting.receipt import Receipt, Row
from memory.forgetting.remembered import (
    FACTS,
    remembered_as,
    resting_on,
    set_back,
    take_out_facts,
    take_out_remembered,
    told,
)
from memory.forgetting.removal import Done, note_removal, take_out_note, take_out_turn, turn_at, turn_removal
from memory.forgetting.said import Words, answered_in, asked_in, probes, said_in
from memory.forgetting.settings import take_out_settings, without
from memory.forgetting.written_anew import written_anew
from memory.retrieval.index import Retrieval
from memory.services import EstimatingServices
from memory.store import UNTITLED, Store
from memory.transcript import Transcript

KEPT = "kept, as you did not choose it"
UNKNOWN = "it was forgotten before: what it said is no longer known, and cannot be looked for"
MOST_KEPT = 50
"""How many places that were kept have a row of their own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a forgetting would remove by itself, and the places that it offers to take along, which repeat `words`.

    Among what goes by itself are `edits` that a person made of notes and that repeat it: they are quoted before.
    """

    there: Mapping[str, int]
    places: tuple[Place, ...]
    turn: Turn | None = None
    words: Words = field(default_factory=lambda: Words(()))
    edits: tuple[Place, ...] = ()


def plan_turn(store: Store, user: str, thread: str, index: int) -> Plan:
    """Say what forgetting a turn would remove; raises BadInput where there is no such turn."""
    turn = turn_at(store, user, thread, index)
    if turn.status == "forgotten":
        return Plan({}, (), turn)
    taken = turn_removal(store, user, thread, index, "plan")
    but = (f"{thread}/turn:{index}", *([f"{thread}/title"] if taken.removal.title is not None else []))
    every = every_text(store, user)
    words = Words(asked_in(turn), [place.text for place in every], answered_in(turn))
    gone = [ref.rpartition(":")[0] for ref in taken.removal.notes]
    own = [name for name, kept in outside(user).items() if kept.turn_id == turn.id]
    saved, resting = len(own), resting_on(store, user, thread, turn)
    own += [f"item:{key}" for key in resting]
    log = every_entry(store, user)
    logged = {*entries_of(log, resting), *resting_entries(log, thread, turn)}
    own += [f"log:{id}" for id in logged]
    there = {
        **taken.there,
        **({"facts saved by it": saved} if saved else {}),
        **({FACTS: len(resting)} if resting else {}),
        **({LOG: len(logged)} if logged else {}),
    }
    elsewhere = places(every, words, (*but, *own, *(f"{thread}/note:{ref}" for ref in gone)))
    edits = tuple(Place("edit", one.what, one.text, one.shared) for one in taken.edits)
    return Plan(there, tuple(elsewhere), turn, words, edits)


def plan_note(store: Store, user: str, thread: str, memory_key: str, id: str) -> Plan:
    """Say what forgetting a note would remove; the turns that it came from still say it, and are offered."""
    taken = note_removal(store, user, thread, memory_key, id, "plan")
    every = every_text(store, user)
    words = Words(taken.said, [place.text for place in every])
    found = places(every, words, (f"{thread}/note:{memory_key}/{id}",))
    return Plan(taken.there, tuple(found), words=words)


def price(talk: Conversation, index: int) -> Estimate:
    """Estimate what rebuilding this memory costs once a turn is forgotten; no model is called."""
    opened, services = talk.opened(), talk.models.services(talk.user, talk.retrieval, None, EstimatingServices)
    if not talk.memory.stateful:
        return Estimate.of(0, services)
    events = talk.store.events(talk.user, talk.thread)
    state = opened.state
    if state.reach > index:
        state = state_at(talk.store, talk.user, talk.thread, talk.key, index, events)

    def fetch(first: int, end: int) -> list[Turn]:
        turns = talk.store.turns(talk.user, talk.thread, first, end)
        return [replace(turn, messages=(), status="forgotten") if turn.index == index else turn for turn in turns]

    transcript = Transcript(opened.length, fetch)
    write(talk.memory, state, transcript, services, edits=talk.edits(state, opened.edits))
    # A search whose vectors are made in this process asks no model.
    services.calls[:] = [call for call in services.calls if call.purpose != "embedding" or call.cost != 0]
    again = transcript[state.covered : opened.length]
    return Estimate.of(sum(turn.status != "forgotten" for turn in again), services)


def forget_turn(
    store: Store, retrieval: Retrieval, user: str, thread: str, index: int, include: Iterable[str] = ()
) -> Receipt:
    """Forget a turn, and the places of its plan that are included; raises BadInput where there is no such turn.

    One that is forgotten already has its vectors and the files looked after once more.
    """
    turn = turn_at(store, user, thread, index)
    work = _Work(store, retrieval, user, thread, plan_turn(store, user, thread, index))
    work.also(include)
    own = [name for name, kept in outside(user).items() if kept.turn_id == turn.id]
    work.also(own, chosen=False)
    work.turn(thread, index)
    if turn.status == "forgotten":
        work.rows.append(Row("other places", 0, None, UNKNOWN))
    return work.receipt(f"turn {index + 1:,}{work.more()}")


def forget_note(
    store: Store,
    retrieval: Retrieval,
    user: str,
    thread: str,
    memory_key: str,
    id: str,
    include: Iterable[str] = (),
) -> Receipt:
    """Forget a note with all of its versions, and the places of its plan that are included."""
    work = _Work(store, retrieval, user, thread, plan_note(store, user, thread, memory_key, id))
    work.also(include)
    work.note(thread, memory_key, id)
    return work.receipt(f"a note of {memory_key.partition(',')[0].partition('(')[0]}{work.more()}")


def forget_fact(
    store: Store, retrieval: Retrieval, user: str, memory: str, name: str, include: Iterable[str] = ()
) -> Receipt:
    """Forget something that a memory keeps outside of the store, and places that are included."""
    work = _Work(store, retrieval, user, "", plan_fact(store, user, memory, name))
    work.also(include)
    work.also([f"fact:{memory}/{name}"], chosen=False)
    return work.receipt(f"a fact that {memory} saved{work.more()}")


def plan_fact(store: Store, user: str, memory: str, name: str) -> Plan:
    """Say what forgetting such a thing would remove, and where else it stands."""
    id = f"fact:{memory}/{name}"
    kept = outside(user).get(id)
    if kept is None:
        raise BadInput("It is kept no longer: look at what the memory holds and choose one of those.")
    every = every_text(store, user)
    words = Words([kept.text], [place.text for place in every])
    return Plan({f"a fact that {memory} saved": 1}, tuple(places(every, words, (id,))), words=words)


def forget_item(store: Store, retrieval: Retrieval, user: str, key: str, include: Iterable[str] = ()) -> Receipt:
    """Forget something that is remembered across conversations with all of its versions, and places of its plan."""
    work = _Work(store, retrieval, user, "", plan_item(store, user, key))
    work.also(include)
    work.also([f"item:{key}"], chosen=False)
    return work.receipt(f"something remembered of you{work.more()}")


def plan_item(store: Store, user: str, key: str) -> Plan:
    """Say what forgetting such a thing would remove; the turns that it came from still say it, and are offered."""
    changes = remembered_as(store, user, key)
    if not changes:
        raise BadInput("It is remembered no longer: look at what there is and choose one of those.")
    said = [text for fact, _ in changes.values() for text in told(fact).splitlines()]
    every = every_text(store, user)
    words = Words(said, [place.text for place in every])
    logged = entries_of(every_entry(store, user), [key, *(one for fact, _ in changes.values() for one in fact.merged)])
    there = {"remembered": 1, **({LOG: len(logged)} if logged else {})}
    but = (f"item:{key}", *(f"log:{id}" for id in logged))
    return Plan(there, tuple(places(every, words, but)), words=words)


class _Work:
    """A forgetting on its way: what it took out so far, and what was said with it; `plan` says what it is after."""

    def __init__(self, store: Store, retrieval: Retrieval, user: str, thread: str, plan: Plan) -> None:
        self.store, self.retrieval, self.user = store, retrieval, user
        self._thread, self._plan, self._words = thread, plan, plan.words
        self._chosen: set[str] = set()
        self.rows: list[Row] = []
        self.said: list[str] = []

    def also(self, names: Iterable[str], chosen: bool = True) -> None:
        """Take out places by their names; one that is gone by now is passed over."""
        names = list(names)
        self._chosen.update(names if chosen else ())
        # Turns first: what was made of them goes with them.
        for name in sorted(dict.fromkeys(names), key=lambda name: "/turn:" not in name):
            thread, _, rest = name.partition("/")
            kind, _, own = rest.partition(":")
            if name.startswith("fact:"):
                self._fact(name)
            elif name.startswith("item:"):
                found = remembered_as(self.store, self.user, name.partition(":")[2])
                self._taken(take_out_facts(self.store, self.retrieval, self.user, found))
            elif name.startswith("log:"):
                self._taken(take_out_entries(self.store, self.retrieval, self.user, [name.partition(":")[2]]))
            elif name.startswith("experiment:"):
                self._taken(take_out_experiment(self.store, self.user, name.partition(":")[2], self._words))
            elif name.startswith("document:"):
                self._taken(take_out_document(self.store, self.retrieval, self.user, name.partition(":")[2]))
            elif name.startswith("setting:"):
                self._setting(name.partition(":")[2])
            elif kind == "turn" and own.isdecimal():
                self.turn(thread, int(own), prefix=f"{named(name, self._thread)}: ")
            elif kind == "note":
                key, _, id = own.rpartition("/")
                with suppress(BadInput):
                    self.note(thread, key, id)
            elif rest == "title":
                self._title_of(thread)
            elif rest == "settings":
                self._settings_of(thread)
            elif rest == "deleted":
                self._deleted(thread)
            else:
                raise BadInput(f"{name!r} is no place of a plan: choose among those that it offers.")

    def turn(self, thread: str, index: int, prefix: str = "") -> None:
        turn = turn_at(self.store, self.user, thread, index)
        if turn.status != "forgotten":
            self._taken(take_out_remembered(self.store, self.retrieval, self.user, thread, turn), prefix)
            set_back(self.store, self.user, thread, index)
        done = take_out_turn(self.store, self.user, thread, index)
        self._done(done, prefix)
        if done.turn:
            row = with_vectors(self.store, self.retrieval, self.user, thread, vector_ids(done.turn))
            self.rows.append(replace(row, place=f"{prefix}{row.place}"))

    def note(self, thread: str, memory_key: str, id: str) -> None:
        self._done(take_out_note(self.store, self.user, thread, memory_key, id), "")

    def more(self) -> str:
        """Name what was chosen to go as well: turns of the same conversation by number, the rest by how many."""
        names = [named(id, self._thread) for id in sorted(self._chosen)]
        turns = [name for name in names if name.startswith("turn ")]
        rest = len(names) - len(turns)
        turns += [f"{rest:,} other place{'s' * (rest != 1)}"] * bool(rest)
        return "".join(f", {name}" for name in turns[:-1]) + (f" and {turns[-1]}" if turns else "")

    def receipt(self, what: str) -> Receipt:
        """Have the files written anew, look through them, and say what became of everything."""
        look_again(self.user)
        now = {place.id: place.text for place in every_text(self.store, self.user)}
        rows = written_anew(self.store, self.retrieval, self.user, probes(self.said, list(now.values())))
        return Receipt(what, (*self.rows, *self._kept(now), *rows))

    def _kept(self, now: Mapping[str, str]) -> list[Row]:
        """Return rows of the places that were offered, were not chosen, and repeat it still."""
        offered = [place.id for place in self._plan.places if place.id not in self._chosen]
        kept = [id for id in offered if id in now and self._words.shared(now[id])]
        rows = [Row(named(id, self._thread), 1, 1, KEPT, kept=True) for id in kept[:MOST_KEPT]]
        if more := len(kept) - len(rows):
            rows.append(Row("further places", more, more, KEPT, kept=True))
        return rows

    def _done(self, done: Done, prefix: str) -> None:
        self.rows += [replace(row, place=f"{prefix}{row.place}") for row in done.rows]
        self.said += done.said

    def _taken(self, taken: tuple[list[Row], list[str]], prefix: str = "") -> None:
        rows, said = taken
        self.rows += [replace(row, place=f"{prefix}{row.place}") for row in rows]
        self.said += said

    def _fact(self, name: str) -> None:
        memory, _, own = name.removeprefix("fact:").partition("/")
        cls = load().memories.get(memory)
        kept = outside(self.user).get(name)
        if cls is None or kept is None:
            return
        count = cls.remove(self.user, [own])
        self.said.append(kept.text)
        self.rows.append(Row(f"a fact that {memory} saved", count, int(name in outside(self.user))))

    def _setting(self, name: str) -> None:
        settings = self.store.settings(self.user)
        if name in settings:
            texts = [place.text for place in every_text(self.store, self.user) if place.id == f"setting:{name}"]
            self.store.put_settings(self.user, {key: value for key, value in settings.items() if key != name})
            self.said += texts
            self.rows.append(
                Row(f"the setting {name.replace('_', ' ')}", 1, int(name in self.store.settings(self.user)))
            )

    def _title_of(self, thread: str) -> None:
        found = self.store.thread(self.user, thread)
        if found and found.title != UNTITLED:
            with suppress(ThreadGone):
                self.store.put_thread(self.user, replace(found, title=UNTITLED), create=False)
            self.said.append(found.title)
            now = self.store.thread(self.user, thread)
            self.rows.append(Row("a conversation's title", 1, int(now is not None and now.title == found.title)))

    def _settings_of(self, thread: str) -> None:
        found = self.store.thread(self.user, thread)
        if found is None:
            return
        settings = without(found.memory, found.settings, self._words)
        if settings != found.settings:
            with suppress(ThreadGone):
                self.store.put_thread(self.user, replace(found, settings=settings), create=False)
            now = self.store.thread(self.user, thread)
            self.rows.append(Row("a memory's settings", 1, int(now is not None and now.settings == found.settings)))
        with suppress(ThreadGone):
            self.rows += take_out_settings(self.store, self.user, thread, self._words)

    def _deleted(self, thread: str) -> None:
        with suppress(ThreadGone):
            turns = self.store.turns(self.user, thread, 0, 100_000)
            self.said += [text for turn in turns for text in said_in(turn)]
        count = self.store.purge(self.user, thread)
        left = sum(one.id == thread for one in self.store.threads(self.user, deleted=True))
        self.rows.append(Row("a deleted conversation that could be restored", max(1, count["turns"]), left))
        self.rows.append(with_vectors(self.store, self.retrieval, self.user, thread))
