"""A live comparison: one message goes to every column, and each answers it in a thread of its own.

    >>> live = Live(Experiments(store, user), experiment, speak, retrieval)
    >>> jobs = live.send("What am I allergic to?")
    >>> live.read().rounds[-1].turns
    (Turn(...), Turn(...), None)                  # the third column could not be read, so nothing was asked there

A message is a round. Its turns have the round's id in every column, so that columns stay side by side also where one of
them missed a message, was added later or answered again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from memory import forgetting, threads, worker
from memory.base import Memory, Turn
from memory.compare.experiment import LEAST_COLUMNS, MOST_COLUMNS, Column, Experiment
from memory.compare.keeping import Experiments
from memory.conversation import Conversation, Estimate
from memory.errors import BadInput, ThreadGone
from memory.pictures import album
from memory.pictures.picture import Picture, worded
from memory.preferences import Preferences
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import NOT_LAST, Opened, Thread
from memory.upkeep import remembers
from memory.worker import Job

ROUNDS = 6
"""How many of the newest messages are read at first."""
MOST_FACTS = 200
"""For how many messages the fact that was chosen by hand is kept, the newest choices."""
_SLACK = 4


@dataclass(frozen=True, slots=True)
class Round:
    """One message and what came of it in each column: None where it is not (or not yet) stored there."""

    id: str
    query: str
    turns: tuple[Turn | None, ...]
    coming: tuple[Picture, ...] = ()
    """The pictures of one that is being answered."""

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures that came with the message."""
        return next((turn.pictures for turn in self.turns if turn), self.coming)

    @property
    def number(self) -> int:
        """Its place in the conversation, from 1."""
        return max(turn.index for turn in self.turns if turn) + 1


@dataclass(frozen=True, slots=True)
class Seen:
    """A comparison as one read sees it; `opened` is None where a column's thread is not (or no longer) there."""

    opened: tuple[Opened | None, ...] = ()
    rounds: tuple[Round, ...] = ()

    @property
    def length(self) -> int:
        """How many turns the longest column has."""
        return max((one.length for one in self.opened if one), default=0)


@dataclass(frozen=True)
class Live:
    """A live comparison of one browser; `speak` gives the models for a column's own model, "" for the usual one.

    What changes it is kept at once and returns it as it is now. An experiment without an id is not kept yet: it is with
    its first message.
    """

    experiments: Experiments
    experiment: Experiment
    speak: Callable[[str], Models]
    preferences: Preferences = field(default_factory=Preferences)
    retrieval: Retrieval = field(default_factory=Retrieval)

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.experiment.columns

    def lasting(self) -> list[str]:
        """Return the labels of the memories here that write into what is remembered of the user beyond a thread."""
        labels: list[str] = []
        for column in self.columns:
            with suppress(BadInput):  # its column says what is wrong with it
                memory = column.open()
                labels += [memory.label] if remembers(memory) and memory.label not in labels else []
        return labels

    def conversation(self, column: Column, memory: Memory | None = None, thread: str = "") -> Conversation:
        """Return a column's thread as its memory, or another one, reads it."""
        return Conversation(
            self.experiments.store,
            self.experiments.user,
            thread or column.thread,
            memory or column.open(),
            self.speak(column.model),
            self.preferences.instructions,
            self.preferences.budget,
            self.retrieval,
            self.preferences.labels,
        )

    # --- reading

    def read(self, count: int = ROUNDS) -> Seen:
        """Read the newest `count` rounds of every column."""
        opened = tuple(self._opened(column, count + _SLACK) for column in self.columns)
        rounds = rounds_of([one.tail if one else () for one in opened])
        return Seen(opened, tuple(rounds[-count:]))

    def jobs(self) -> list[Job | None]:
        """Return the answer on its way in each column."""
        running = (worker.running(self.experiments.user, column.thread) for column in self.columns)
        return [found[-1] if found else None for found in running]

    def _opened(self, column: Column, tail: int) -> Opened | None:
        if not column.thread:
            return None
        try:
            return self.experiments.store.open(self.experiments.user, column.thread, "", tail)
        except ThreadGone:
            return None

    # --- asking

    def send(self, text: str, read: Sequence[tuple[Picture, bytes]] = ()) -> tuple[Live, list[Job]]:
        """Ask all columns at once, each in a thread of its own; a comparison that is not kept yet is kept.

        Every column is given the pictures that were `read` with the message.
        """
        live, id = self._begun(text if text.strip() else read[0][0].name), uuid.uuid4().hex[:16]
        talks = [live.conversation(column) for column in live.columns]
        came = [album.take_in(talk.store, talk.user, talk.thread, read) for talk in talks]
        return live, [
            worker.start(talk, worded(text, pictures), turn_id=id, pictures=pictures)
            for talk, pictures in zip(talks, came, strict=True)
        ]

    def again(self, place: int, asked: Round) -> Job:
        """Ask one column again; raises BadInput where it has answered a later message already."""
        column, turn = self.columns[place], asked.turns[place]
        opened = self._opened(column, 1)
        if turn and opened and turn.index != opened.length - 1:
            raise BadInput(NOT_LAST)
        self._kept_thread(column)
        id = f"{asked.id}-{uuid.uuid4().hex[:6]}"
        talk, pictures = self.conversation(column), asked.pictures
        if pictures and turn is None:
            album.copy_between(talk.store, talk.user, [one.thread for one in self.columns], talk.thread, pictures)
        return worker.start(talk, asked.query, turn.id if turn else None, turn_id=id, pictures=pictures)

    def _begun(self, text: str) -> Live:
        """Keep the comparison and the threads of its columns; one whose thread is gone for good begins anew."""
        live = self
        if not self.experiment.id:
            id = uuid.uuid4().hex[:16]
            columns = tuple(replace(column, thread=uuid.uuid4().hex[:16]) for column in self.columns)
            made = replace(self.experiment, id=id, columns=columns, title=threads.title_of(text))
            live = replace(self, experiment=self.experiments.create(made))
        else:
            # Its record goes as its conversations do, so long after its last use; and the list has that used last.
            self.experiments.put(self.experiment)
        for column in live.columns:
            live._kept_thread(column)
        return live

    def _kept_thread(self, column: Column) -> None:
        """Bring a column's thread back where it was deleted, or create it, so that what is asked next can be stored."""
        store, user = self.experiments.store, self.experiments.user
        if store.thread(user, column.thread) is None and not store.restore_thread(user, column.thread):
            store.put_thread(user, self._thread(column))

    def _thread(self, column: Column) -> Thread:
        memory, now = column.open(), time.time()
        settings = memory.settings.model_dump(mode="json")
        title = f"{self.experiment.title} · {memory.label}"
        return Thread(column.thread, title, now, now, memory.name, settings, experiment=self.experiment.id)

    # --- columns

    def joining(self, column: Column) -> Estimate | None:
        """Price what a new column's memory must take in; None where there is nothing to take in or it costs nothing."""
        first = self.columns[0]
        if not self.experiment.id or not column.open().stateful or self._opened(first, 0) is None:
            return None
        estimate = self.conversation(column, thread=first.thread).estimate()
        return estimate if estimate.calls else None

    def add(self, column: Column) -> Live:
        """Add a column; its thread is a fork of the first column's. Raises BadInput where there is no room."""
        if len(self.columns) >= MOST_COLUMNS:
            raise BadInput(f"There are {MOST_COLUMNS} columns, which is as many as stand side by side: remove one.")
        if self.experiment.id:
            column = replace(column, thread=self._forked(column))
        return self._with((*self.columns, column))

    def _forked(self, column: Column) -> str:
        """Return the id of a thread that has the first column's turns and is read by the new column's memory."""
        store, user = self.experiments.store, self.experiments.user
        first = self._opened(self.columns[0], 0)
        if first is None:
            return uuid.uuid4().hex[:16]
        copy = threads.fork(store, user, first.thread.id, first.length, retrieval=self.retrieval)
        made = self._thread(replace(column, thread=copy.id))
        store.put_thread(user, replace(made, parent=copy.parent, forked_at=copy.forked_at))
        return copy.id

    def remove(self, place: int) -> Live:
        """Remove a column; its thread can be restored for ten minutes (`put_back`). Raises BadInput below two."""
        if len(self.columns) <= LEAST_COLUMNS:
            raise BadInput(f"A comparison has at least {LEAST_COLUMNS} columns: add another before you remove one.")
        column = self.columns[place]
        live = self._with((*self.columns[:place], *self.columns[place + 1 :]))
        if column.thread:
            live._drop(column)
        return live

    def put_back(self, place: int, column: Column) -> Live:
        """Undo a removal; raises BadInput where it is too late or no room is left."""
        if len(self.columns) >= MOST_COLUMNS:
            raise BadInput(f"There are {MOST_COLUMNS} columns again: remove one before you bring this one back.")
        if column.thread and not self.experiments.store.restore_thread(self.experiments.user, column.thread):
            raise BadInput("It was removed more than ten minutes ago and is gone.")
        return self._with((*self.columns[:place], column, *self.columns[place:]))

    def change(self, place: int, memory: Memory, model: str) -> Live:
        """Read a column with another memory, other settings or another model from the next message on."""
        column = Column.of(memory, model, self.columns[place].thread)
        store, user = self.experiments.store, self.experiments.user
        if column.thread and (thread := store.thread(user, column.thread)):
            settings = memory.settings.model_dump(mode="json")
            store.put_thread(user, replace(thread, memory=memory.name, settings=settings))
        return self._with((*self.columns[:place], column, *self.columns[place + 1 :]))

    def into_chat(self, place: int) -> Thread:
        """Copy a column's conversation into one of the chat's; the comparison stays whole."""
        store, user = self.experiments.store, self.experiments.user
        opened = self._opened(self.columns[place], 0)
        if opened is None:
            raise BadInput("This column has no conversation yet: send a message first.")
        return threads.fork(store, user, opened.thread.id, opened.length, opened.thread.title, self.retrieval)

    def _with(self, columns: Iterable[Column]) -> Live:
        changed = replace(self.experiment, columns=tuple(columns))
        if changed.id:
            self.experiments.put(changed)
        return replace(self, experiment=changed)

    # --- the whole

    def ask_for(self, round: str, fact: str) -> Live:
        """Keep which earlier round holds what a message asks for; "" is none."""
        facts = {**self.experiment.facts, round: fact}
        changed = replace(self.experiment, facts=dict(list(facts.items())[-MOST_FACTS:]))
        self.experiments.put(changed)
        return replace(self, experiment=changed)

    def rename(self, title: str) -> Live:
        changed = replace(self.experiment, title=title)
        self.experiments.put(changed)
        return replace(self, experiment=changed)

    def delete(self) -> None:
        """Delete the comparison with its columns' threads; `restore` brings them back for ten minutes."""
        for job in filter(None, self.jobs()):
            job.stop()
        self.experiments.delete(self.experiment.id)
        for column in self.columns:
            self._drop(column)

    def restore(self) -> bool:
        """Undo a deletion; False where it is too late."""
        store, user = self.experiments.store, self.experiments.user
        if not self.experiments.restore(self.experiment.id):
            return False
        restored = [store.restore_thread(user, column.thread) for column in self.columns]
        return all(restored)

    def _drop(self, column: Column) -> None:
        store, user = self.experiments.store, self.experiments.user
        if store.thread(user, column.thread) is not None:
            forgetting.delete(store, self.retrieval, user, column.thread)


def round_of(turn_id: str) -> str:
    """Name the round of a turn; an answer that was given again has a part of its own behind it."""
    return turn_id.partition("-")[0]


def rounds_of(columns: Sequence[Sequence[Turn]]) -> list[Round]:
    """Put the turns of all columns side by side, in the order of the conversation."""
    order: list[str] = []
    known: list[dict[str, Turn]] = []
    for turns in columns:
        after = 0
        for turn in turns:
            id = round_of(turn.id)
            if id in order:
                after = order.index(id) + 1
            else:
                order.insert(after, id)
                after += 1
        known.append({round_of(turn.id): turn for turn in turns})
    found = []
    for id in order:
        turns_of = tuple(column.get(id) for column in known)
        query = next((turn.human for turn in turns_of if turn and turn.human), "")
        found.append(Round(id, query, turns_of))
    return found
