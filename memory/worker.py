"""A worker owns the model call and the write; pages only mirror it.

So a click, a reload or a closed tab in mid-answer loses nothing: the answer goes on and is stored, and whoever
opens the thread meanwhile follows the same job.

    >>> job = start(conversation, "What is my name?")
    >>> for text in job.follow(): print(text, end="")
    Your name is Alex.
    >>> job.status, job.reply.turn.index
    ('complete', 7)

A stepped one is paused before each of the four steps until it is told to go on (see `memory/steps.py`):

    >>> job = start(conversation, "What is my name?", stepped=True)
    >>> job.status, job.before.step
    ('paused', 'read')
    >>> job.next()
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Literal

from langchain_core.messages import BaseMessage

from memory import reflection, upkeep
from memory.conversation import Conversation
from memory.errors import BadInput, InspectorError, StoreUnavailable
from memory.models import explain
from memory.observing import metrics, turns
from memory.pictures.picture import Picture
from memory.prompt import PromptMessage
from memory.reply import Reply
from memory.steps import Before, BeforeModel, TurnLeft
from memory.store import Pending
from memory.switch import SAVE_SECONDS, Switch, switching
from memory.trace import Step

Status = Literal["running", "paused", "writing", "saving", "complete", "failed", "withdrawn", "left"]

HOLD_SECONDS = 1800.0
"""How long a turn is paused at one step. Then it is left where nothing was sent yet; an answered one goes on."""
MOST_HELD = 500
"""How many turns are paused in this process at most; one more ends the pause of the oldest."""
_TICK = 0.06
_BEAT = 1.0


class Job:
    """One answer on its way; `status` is "running" while the model speaks and "writing" while the memory does.

    It is "saving" while the store does not take the answer, with `trouble` saying why, "failed" with `error` set. A
    `turn_id` that is given is appended once, whoever else answers under it. A `stepped` one is "paused" before each
    step, with `before` saying what that will do, and `stops` keeping what was said at each; it ends as "withdrawn"
    where it was stopped before anything was sent, and as "left" where its message waits in the store to be sent again.
    """

    def __init__(
        self,
        conversation: Conversation,
        query: str,
        replaces: str | None = None,
        turn_id: str | None = None,
        stepped: bool = False,
        pictures: tuple[Picture, ...] = (),
    ) -> None:
        self.pictures = pictures
        self.id = turn_id or uuid.uuid4().hex[:16]
        self.conversation = conversation
        self.query = query
        self.replaces = replaces
        self.parts: list[str] = []
        self.status: Status = "running"
        self.error: InspectorError | None = None
        self.trouble: StoreUnavailable | None = None
        self.started = time.time()
        self.stepped = stepped
        self.before: Before | None = None
        self.stops: dict[Step, Before] = {}
        self._leaving = False
        self._beaten = self._heard = time.monotonic()
        self._stop = threading.Event()
        gate = self._hold if stepped else None
        self.reply: Reply = conversation.reply(query, self.id, replaces, self._pump, gate, pictures)
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"answer-{self.id}", daemon=True)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def silence(self) -> float:
        """For how many seconds an answer that is on its way has not gone on."""
        return time.monotonic() - self._heard if self.status == "running" else 0.0

    @property
    def done(self) -> bool:
        return self.status in ("complete", "failed", "withdrawn", "left")

    def next(self, at: Step | None = None) -> None:
        """Go on with the next step; where `at` is given, only from there: another tab may have gone on already."""
        with self._news:
            if self.before and self.status == "paused" and at in (None, self.before.step):
                self.status = "writing" if self.before.step == "write" else "running"
                self.before, self._heard = None, time.monotonic()
                self._news.notify_all()

    def run_on(self) -> None:
        """Leave step mode: go on to the end."""
        self.stepped = False
        self.next()

    def give_up(self) -> None:
        """End a pause that nobody ends: what was answered is written, else the message waits to be sent again."""
        if self.before and self.before.step == "write":
            self.run_on()
        else:
            self.stop(leave=True)

    def edit(self, messages: Sequence[PromptMessage]) -> None:
        """Send other messages; raises BadInput where a model would refuse them, or where it is not asked next."""
        with self._news:
            if self.status != "paused" or not isinstance(self.before, BeforeModel):
                raise BadInput("The prompt can be edited while the turn is paused before the model; it has gone on.")
            self.before = self.stops["model"] = self.reply.edit(messages)

    def stop(self, leave: bool = False) -> None:
        """End the answer now, even where the model is silent; what there is of it is kept.

        A paused one sends nothing more: before the model its message is taken back or, with `leave`, waits in the
        store; before the write the turn is kept as it is.
        """
        self._leaving = leave
        # The reply's first: a stream that ends without it would count as a whole answer.
        self.reply.stop()
        self._stop.set()
        self._ended()

    def join(self, timeout: float | None = None) -> None:
        self._thread.join(timeout)

    def wait(self, timeout: float) -> None:
        """Wait for the answer's first words or its end, at most so many seconds."""
        with self._news:
            self._news.wait_for(lambda: bool(self.parts) or self.status != "running", timeout)

    def follow(self) -> Iterator[str]:
        """Yield the answer from its beginning, in pieces of a tick each, until the model has ended.

        While nothing comes an empty piece is yielded twice a second.
        """
        seen = 0
        while True:
            with self._news:
                self._news.wait_for(partial(self._beyond, seen), timeout=0.5)
                parts, seen, status = self.parts[seen:], len(self.parts), self.status
            if not parts and status != "running":
                return
            yield "".join(parts)
            time.sleep(_TICK)  # so that an answer is sent in pieces of words and not of letters

    def _beyond(self, seen: int) -> bool:
        return len(self.parts) > seen or self.status != "running"

    def _run(self) -> None:
        try:
            try:
                self._answer()
            except StoreUnavailable as error:
                self.trouble = error
            self._save()
            self._set("complete")
            reflection.rested(self.conversation)
            upkeep.rested(self.conversation)
        except TurnLeft as left:
            self._set("withdrawn" if left.withdrawn else "left")
        except InspectorError as error:
            self.error = error
            self._set("failed")
        except Exception as error:
            self.error = explain(error, model=self.conversation.models.chat, keys=self.conversation.models.keys)
            self._set("failed")
            raise
        finally:
            _forget(self)
            turns.ended(self)

    def _answer(self) -> None:
        for part in self.reply:
            with self._news:
                self.parts.append(part)
                self._heard = time.monotonic()
                self._news.notify_all()

    def _hold(self, describe: Callable[[], Before]) -> bool:
        """Wait before a step until somebody wants it; says whether it waited."""
        if self._stop.is_set() and self.reply.turn is None:
            raise TurnLeft(not self._leaving)
        if self._stop.is_set() or not self.stepped:
            return False
        before, until = describe(), time.monotonic() + HOLD_SECONDS
        with self._news:
            self.before = self.stops[before.step] = before
        self._set("paused")
        self._beaten = 0.0
        while self.status == "paused" and not self._stop.is_set():
            if self.reply.turn is None:
                self._beat(3)
            with self._news:
                self._news.wait_for(lambda: self.status != "paused" or self._stop.is_set(), _BEAT / 2)
            if time.monotonic() > until:
                self.give_up()
        if self._stop.is_set():
            raise TurnLeft(not self._leaving)
        return True

    def _beat(self, rests: int = 1) -> None:
        """Note that the answer goes on, also while the model is silent, so that no other process takes it for lost."""
        if time.monotonic() - self._beaten > rests * _BEAT:
            self._beaten, talk = time.monotonic(), self.conversation
            with suppress(InspectorError):
                step = self.before.step if self.before else None
                pending = Pending(self.id, self.query, self.text, time.time(), self.replaces, step, self.pictures)
                talk.store.beat(talk.user, talk.thread, pending)

    def _save(self) -> None:
        """Try again to store an answer that the store did not take; the commit can be repeated."""
        if self.reply.turn is None:
            # The message was not even taken down: nothing was asked of the model.
            raise StoreUnavailable(f"{self.trouble} Your message is kept, nothing was sent.") from self.trouble
        deadline = time.monotonic() + SAVE_SECONDS
        while not self.reply.saved:
            self._set("saving")
            try:
                self.reply.commit()
            except StoreUnavailable as error:
                self.trouble = error
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _set(self, status: Status) -> None:
        with self._news:
            self.status = status
            self._news.notify_all()

    def _ended(self) -> None:
        """The model has ended; what is left is to store the answer and to let the memory write."""
        with self._news:
            if self.status in ("running", "paused"):
                self.status = "writing"
            self.before = None
            self._news.notify_all()

    def _pump(self, stream: Iterator[BaseMessage]) -> Iterator[BaseMessage]:
        """Read the model in a thread of its own, so that stopping does not wait for a silent one."""
        pieces: queue.SimpleQueue[BaseMessage | Exception | None] = queue.SimpleQueue()

        def read() -> None:
            try:
                for piece in stream:
                    if self._stop.is_set():
                        return
                    pieces.put(piece)
                pieces.put(None)
            except Exception as error:
                pieces.put(error)

        threading.Thread(target=read, name=f"model-{self.id}", daemon=True).start()
        try:
            while not self._stop.is_set():
                self._beat()
                try:
                    piece = pieces.get(timeout=0.05)
                except queue.Empty:
                    continue
                if piece is None:
                    return
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self._ended()


_jobs: dict[tuple[str, str], list[Job]] = {}
_lock = threading.Lock()
metrics.waiting(lambda: sum(map(len, list(_jobs.values()))))


def start(
    conversation: Conversation,
    query: str,
    replaces: str | None = None,
    stepped: bool = False,
    turn_id: str | None = None,
    pictures: tuple[Picture, ...] = (),
) -> Job:
    """Begin an answer in the background, under a new turn's id or the one given."""
    job = Job(conversation, query, replaces, turn_id, stepped, pictures)
    with _lock:
        _jobs.setdefault((conversation.user, conversation.thread), []).append(job)
    _begin(job, stepped)
    return job


def resume(conversation: Conversation, pending: Pending, stepped: bool = False) -> Job:
    """Take over an answer whose process is gone, under the same turn: however many do, one turn comes of it."""
    key = (conversation.user, conversation.thread)
    with _lock:
        for known in _jobs.get(key, ()):
            if known.id == pending.turn_id:
                return known
        job = Job(conversation, pending.query, pending.replaces, pending.turn_id, stepped, pending.pictures)
        _jobs.setdefault(key, []).append(job)
    _begin(job, stepped)
    return job


def _begin(job: Job, stepped: bool) -> None:
    """Let a job go; one that will pause takes the place of the oldest that does, where there are too many."""
    with _lock:
        held = [one for jobs in _jobs.values() for one in jobs if one.status == "paused"]
    if stepped and len(held) >= MOST_HELD:
        min(held, key=lambda one: one.started).give_up()
    job._thread.start()


def running(user: str, thread: str) -> list[Job]:
    """Return the answers on their way in a thread, the oldest first."""
    with _lock:
        return list(_jobs.get((user, thread), ()))


def stop_all(timeout: float = 3.0) -> None:
    """End every answer, as when the server is told to stop: what there is of each is stored as stopped.

    What is paused before its model is left in the store, to be sent again.

    Switches that are on their way are waited for; what they have stored by the end of the time is kept.
    """
    with _lock:
        jobs = [job for jobs in _jobs.values() for job in jobs]
    for job in jobs:
        job.stop(leave=True)
    deadline = time.monotonic() + timeout
    waited: list[Job | Switch] = [*jobs, *switching()]
    for one in waited:
        one.join(max(0.0, deadline - time.monotonic()))


def _forget(job: Job) -> None:
    with _lock:
        key = (job.conversation.user, job.conversation.thread)
        rest = [other for other in _jobs.get(key, ()) if other is not job]
        if rest:
            _jobs[key] = rest
        else:
            _jobs.pop(key, None)
