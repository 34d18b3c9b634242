"""The first half of a turn: the thread is read, the memory recalls, the prompt is put together; no model is asked.

    >>> reply = conversation.reply("What is my name?")          # a Reply is a Reading that goes on to the model
    >>> next(iter(reply)), reply.recall.items[0].ref, reply.prompt.tokens
    ('Your', 'turns:0-3', 61)

With a gate it stops before it reads, before it puts the prompt together and before that is sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

from memory.base import Recall, State, Turn
from memory.edited_prompt import as_sent, edited, room, said
from memory.edits.events import state_at
from memory.errors import BadInput, InspectorError, StoreUnavailable, ThreadGone
from memory.models import context_window
from memory.observing.phases import Phases
from memory.pictures.album import take_back
from memory.pictures.picture import Picture
from memory.pictures.sight import said_with
from memory.prompt import Prompt, PromptMessage, assemble
from memory.services import DEFAULT_WINDOW, ModelServices
from memory.steps import Before, BeforeModel, Gate, TurnLeft, before_model, before_prompt, before_read
from memory.store import Opened, Pending, Store
from memory.tokens import count_tokens, well_formed
from memory.trace import StateRef, Trace, reference, with_prompt

if TYPE_CHECKING:
    from memory.conversation import Conversation

LET_GO_SECONDS = 600.0
"""How long a store that is away is asked to let go of a message that was not sent."""
_PAUSE = 1.0


class Reading:
    """A turn up to the model: `recall`, `prompt` and the beginning of its `trace`."""

    def __init__(
        self,
        conversation: Conversation,
        query: str,
        turn_id: str,
        replaces: str | None,
        gate: Gate | None = None,
        pictures: tuple[Picture, ...] = (),
    ) -> None:
        self.conversation = conversation
        self.pictures = pictures
        self.query = well_formed(query)
        self.turn_id = turn_id
        self.trace: Trace | None = None
        self.turn: Turn | None = None
        self.recall = Recall()
        self.prompt: Prompt | None = None
        self.saved = False
        self.phases = Phases()
        self._gate = gate or (lambda make: False)
        self._replaces = replaces
        self._replaced: Turn | None = None
        self._back: dict[str, State] = {}
        self._services: ModelServices = conversation.services()
        self._texts: dict[str, str] = {}
        self._appended = False
        self._index = -1

    def _read(self) -> None:
        """Read the thread, ask the memory and put the prompt together."""
        talk = self.conversation
        try:
            waiting = Pending(
                self.turn_id, self.query, beat=time.time(), replaces=self._replaces, pictures=self.pictures
            )
            if self._open(waiting):
                return
            budget = self._budget()
            while self._gate(lambda: before_read(talk, self._state, self._transcript, self.query, budget)):
                # Others may have written here while it waited; with the store away it goes on to wait.
                with suppress(StoreUnavailable):
                    if self._open(None):
                        return
                    break
            budget = self._budget()
            self._recall(budget)
            length = len(self._transcript)
            self._pause(lambda: before_prompt(talk, self._state, self.recall, length, self.query))
            if not self.saved:
                self._assemble(budget)
                self._pause(self._before_model)
        except Exception as error:
            # Nothing was asked of the model: the message stays with whoever typed it, and nobody waits for an answer.
            if not (isinstance(error, TurnLeft) and not error.withdrawn):
                self._let_go()
            raise

    def _let_go(self) -> None:
        """Take the message back; where the store is away, as soon as it is there, and nobody waits for that."""
        talk = self.conversation
        try:
            with suppress(ThreadGone):
                take_back(talk.store, talk.user, talk.thread, self.turn_id, self.pictures)
        except StoreUnavailable:
            Thread(target=self._let_go_late, name=f"let-go-{self.turn_id}", daemon=True).start()

    def _let_go_late(self) -> None:
        talk, deadline = self.conversation, time.monotonic() + LET_GO_SECONDS
        while time.monotonic() < deadline:
            time.sleep(_PAUSE)
            try:
                take_back(talk.store, talk.user, talk.thread, self.turn_id, self.pictures)
                # A frozen server was sent the message before, and may take it down only now, after this.
                time.sleep(_PAUSE)
                talk.store.drop_pending(talk.user, talk.thread, self.turn_id)
            except StoreUnavailable:
                continue
            except ThreadGone:
                pass  # and the message with it
            return

    def _open(self, pending: Pending | None) -> bool:
        """Read the thread, noting the message; says whether another process has answered it."""
        talk = self.conversation
        self._opened = talk.opened(pending, self._services)
        self._edits = self._opened.edits
        if self._answered(self._opened):
            return True
        self._encoding, self._exact = talk.models.encoding()
        self._transcript = talk.transcript(self._opened)
        self._state = self._opened.state
        if self._replaces:
            # An answer that is given again rests on the thread without its last turn.
            self._step_back()
        return False

    def _answered(self, opened: Opened) -> bool:
        """Whether another process has answered this very turn; only what has no answer yet is noted as pending."""
        if any(one.turn_id == self.turn_id for one in opened.pending):
            return False
        talk = self.conversation
        turns = talk.store.turns(talk.user, talk.thread, 0, opened.length)
        index = next((turn.index for turn in turns if turn.id == self.turn_id), None)
        if index is None:
            raise BadInput(
                "While the turn was paused its message was discarded, or something in the conversation was forgotten. "
                "Nothing was sent; send it again if you still want to."
            )
        self._adopt(index)
        return True

    def _pause(self, make: Callable[[], Before]) -> None:
        """Wait at the gate; raises BadInput where what was read no longer holds. With the store away it waits on."""
        while self._gate(make):
            with suppress(StoreUnavailable):
                opened = self.conversation.opened()
                if self._answered(opened):
                    return
                if opened.epoch != self._opened.epoch:
                    raise BadInput(
                        "Something in this conversation was forgotten or answered again while the turn was paused. "
                        "Nothing was sent; send the message again."
                    )
                return

    def _budget(self) -> int:
        """Return how many tokens may be recalled; raises BadInput where not even the message fits."""
        talk = self.conversation
        fixed = count_tokens(talk.instructions, self._encoding) + count_tokens(self.query, self._encoding)
        fixed += sum(filter(None, self._services.pictures.with_query(self.pictures).values()))
        space = room(self._window) - fixed
        if space < 0:
            raise BadInput(
                f"Message and instructions have {fixed:,} tokens; {talk.models.chat} takes "
                f"{self._window:,} with its answer. "
                "Shorten the message or choose a model with a larger window."
            )
        return space if talk.budget is None else min(space, talk.budget)

    @property
    def _window(self) -> int:
        return context_window(self.conversation.models.chat) or DEFAULT_WINDOW

    def _recall(self, budget: int) -> None:
        """Ask the memory what to send; raises BadInput for what cannot be answered."""
        talk = self.conversation
        try:
            self.recall = talk.memory.read(self._state, self._transcript, self.query, self._services, budget)
        except InspectorError:
            raise
        except Exception as error:
            raise BadInput(
                f"{talk.memory.label} failed to read this conversation ({type(error).__name__}: {error}). "
                "Choose another memory; nothing was sent."
            ) from error

    def _assemble(self, budget: int) -> None:
        """Put the prompt together and begin the trace."""
        talk = self.conversation
        shown = self._services.pictures.with_query(self.pictures)
        why = said_with(self.pictures, shown, talk.models.chat)
        self.prompt = assemble(talk.instructions, self.recall, self._transcript, self.query, self._encoding, shown, why)
        items, hashes, self._texts = reference(self.recall, self._state, talk.instructions)
        self.trace = Trace(
            "turn",
            len(self._transcript),
            self.turn_id,
            time.time(),
            talk.memory.name,
            talk.key,
            talk.memory.settings.model_dump(mode="json"),
            talk.models.chat,
            talk.models.priced_as(talk.models.chat),
            self._encoding,
            self._exact,
            context_window(talk.models.chat),
            budget,
            len(self._transcript),
            items,
            self.recall.left_out,
            self.prompt.segments(),
            self.prompt.hash(),
            hashes,
            before=StateRef.of(self._state),
            shares=self.recall.shares,
            pictures=shown,
            counts=self.prompt.counts,
        )
        self._recalled = self.prompt

    def _before_model(self) -> BeforeModel:
        assert self.trace
        assert self.prompt
        recalled = as_sent(self._recalled, self._encoding)
        edited = self.prompt is not self._recalled
        messages = self.prompt.messages if edited else recalled
        return before_model(self.trace, messages, recalled, self._window, edited)

    def edit(self, messages: Sequence[PromptMessage]) -> BeforeModel:
        """Send these messages instead of what was recalled, while it waits before the model.

        The turn keeps the message as it was typed. Raises BadInput for what a model would refuse; the prompt then
        stays as it was.
        """
        assert self.trace
        recalled = as_sent(self._recalled, self._encoding)
        if list(map(said, messages)) == list(map(said, recalled)):
            self.prompt = self._recalled
        else:
            self.prompt = edited(recalled, messages, self._encoding, self._window, self.conversation.models.chat)
        self.trace, self._texts = with_prompt(self.trace, self._texts, self.prompt, self.prompt is not self._recalled)
        return self._before_model()

    def _step_back(self) -> None:
        talk, last = self.conversation, self._transcript[-1] if len(self._transcript) else None
        if last is None or last.id != self._replaces:
            raise BadInput(
                "Only the last answer can be given again; another message has come since. Edit that message instead."
            )
        if last.status == "forgotten":
            raise BadInput("This message has been forgotten, so it cannot be answered again: write another one.")
        self._transcript = self._transcript.head(len(self._transcript) - 1)
        self._replaced = last
        # Every memory's state goes back, not only this one's, so that switching to it stays instant.
        self._back = rewound(talk.store, talk.user, talk.thread, len(self._transcript))
        if self._state.reach > len(self._transcript):
            self._state = self._back.get(talk.key, State())
        if talk.memory.stateful:
            self._back[talk.key] = self._state

    def _stored(self, index: int) -> Turn:
        return self.conversation.store.turns(self.conversation.user, self.conversation.thread, index, index + 1)[0]

    def _adopt(self, index: int) -> None:
        """Take the answer that another process stored under this turn's id; its memory writes there."""
        talk = self.conversation
        self.turn = self._stored(index)
        self.trace = talk.store.traces(talk.user, talk.thread, index, index + 1)[0]
        self._appended = self.saved = True
        self._index = index


def rewound(store: Store, user: str, thread: str, length: int) -> dict[str, State]:
    """Return the states of all memories of a thread as they were when it had `length` turns, by memory key."""
    events = store.events(user, thread)
    return {key: state_at(store, user, thread, key, length, events) for key in store.state_keys(user, thread)}
