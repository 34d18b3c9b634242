"""A memory over LangChain's messages whose turns, notes and traces are in a store of ours, as a chat's are.

    >>> remembered = StoredMemory(memory, models, store=store)
    >>> answer = model.invoke(remembered.prompt(messages, owner=Owner("alex", "t1")))
    >>> remembered.write([*messages, answer], owner=Owner("alex", "t1"))
    {}

The store's thread is the history that the memory recalls of: turns that the messages have beyond it are taken over,
unless something of it was forgotten, and messages that hold the current turn alone are enough.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from memory.agents.message_memory import MOST, Asked, MessageMemory, Owner, Shown
from memory.agents.message_turns import query_of, sent_messages, start_of, turns_of
from memory.base import Memory, State, Turn
from memory.conversation import Conversation
from memory.edits.events import edits
from memory.errors import BadInput
from memory.longterm.shelf import Shelf
from memory.models import usage_of
from memory.prompt import Prompt, PromptMessage
from memory.reply import RACES
from memory.services import Models, record
from memory.store import Opened, Store, Thread
from memory.threads import title_of
from memory.tokens import count_tokens
from memory.trace import Call, StateRef, Trace, reference
from memory.transcript import Transcript

_log = logging.getLogger(__name__)


class StoredMemory(MessageMemory):
    """A `MessageMemory` that keeps everything in a store; what it is given as `kept` is not looked at.

    Raises BadInput where no thread is named, StoreUnavailable where the store is away.
    """

    def __init__(
        self, memory: Memory, models: Models | BaseChatModel | None = None, *, store: Store, **more: Any
    ) -> None:
        super().__init__(memory, models, **more)
        self.store = store
        self._epochs_read: OrderedDict[tuple[Owner, str | None], str] = OrderedDict()
        self._sent: OrderedDict[tuple[Owner, str | None], Shown] = OrderedDict()

    def lags(self, messages: Sequence[BaseMessage], kept: Mapping[str, Any] | None, start: str | None = None) -> bool:
        """Say no: what is new to the memory is taken over when a turn begins."""
        return False

    def prompt(
        self,
        messages: Sequence[BaseMessage],
        kept: Mapping[str, Any] | None = None,
        *,
        model: BaseChatModel | None = None,
        tools: Sequence[str] = (),
        start: str | None = None,
        owner: Owner | None = None,
    ) -> list[BaseMessage]:
        """Return what the model is sent, as `MessageMemory.prompt` does, of the turns that are stored."""
        owner, place = _named(owner), start_of(messages, start)
        self.use(model)
        earlier, now = messages[:place], messages[place:]
        system = [message for message in earlier if message.type == "system"]
        if all(message.type == "human" for message in now):
            self._begin(earlier, query_of(now), owner)
        opened = self._opened_thread(owner)
        self._read_at(owner, now, opened.epoch)
        shown = self._recalled(self._question(opened, owner, system, now, tools), model, owner)
        self._keep(self._sent, (owner, now[0].id if now else None), shown)
        # Messages are those of the stored turns only where they begin with the same.
        same = len(turns_of(earlier)) == shown.length
        return [*system, *sent_messages(shown.prompt, earlier if same else ()), *now]

    def write(
        self,
        messages: Sequence[BaseMessage],
        kept: Mapping[str, Any] | None = None,
        *,
        start: str | None = None,
        owner: Owner | None = None,
        complete: bool = True,
    ) -> dict[str, Any]:
        """Append the current turn with its trace, once however often it is tried, and have the memory take it in."""
        owner, place = _named(owner), start_of(messages, start)
        earlier, now = messages[:place], messages[place:]
        system = [message for message in earlier if message.type == "system"]
        if not now:
            return {}
        opened = self._opened_thread(owner)
        id = hashlib.sha256(f"{now[0].id or opened.length}".encode()).hexdigest()[:16]
        # Asked again it might recall something else than was sent: another turn may have come, or less room be left.
        shown = self._sent.pop((owner, now[0].id), None)
        shown = shown or self._recalled(self._question(opened, owner, system, now), None, owner)
        trace, texts = self._trace(shown, now, id, opened.length)
        said = tuple(message for turn in turns_of(now) for message in turn.messages)
        counted = tuple(replace(one, tokens={self.encoding: one.count_content(self.encoding)}) for one in said)
        turn = Turn(id, counted, at=self.clock(), index=opened.length)
        epoch = self._epochs_read.pop((owner, now[0].id), None)
        try:
            index = self.store.append(owner.user, owner.thread, turn, trace, texts, epoch=epoch).index
        except BadInput as error:
            # What it was answered from has been forgotten meanwhile: so is the turn.
            _log.warning("%s", error)
            return {}
        if self.memory.stateful:
            self._take_in(replace(trace, turn=index), owner, opened.epoch if epoch is None else epoch)
        return {}

    def _begin(self, earlier: Sequence[BaseMessage], query: str, owner: Owner) -> None:
        """Make the thread where there is none; take over what the store lacks, and what the memory does."""
        if self.store.thread(owner.user, owner.thread) is None:
            now = self.clock()
            settings = self.memory.settings.model_dump(mode="json")
            thread = Thread(owner.thread, title_of(query), now, now, self.memory.name, settings)
            self.store.put_thread(owner.user, thread)
        opened = self._opened_thread(owner)
        # Where turns were taken away, what a checkpoint still has of them is not to come back.
        for turn in [] if opened.epoch else turns_of(earlier)[opened.length :]:
            trace = Trace("import", turn.index, turn.id, turn.at)
            self.store.append(owner.user, owner.thread, turn, trace, {})
        opened = self._opened_thread(owner)
        if self.memory.stateful and opened.length and opened.state == State():
            models = self._models or Models()
            talk = Conversation(
                self.store, owner.user, owner.thread, self.memory, models, retrieval=self.retrieval, budget=self.budget
            )
            talk.catch_up(self._services(owner))

    @property
    def shelf(self) -> Shelf:
        return self.store.shelf

    def _read_at(self, owner: Owner, now: Sequence[BaseMessage], epoch: str) -> None:
        """Note as of when the thread was first read in this run."""
        key = owner, now[0].id if now else None
        self._keep(self._epochs_read, key, self._epochs_read.get(key, epoch))

    def _keep(self, kept: OrderedDict[Any, Any], key: tuple[Owner, str | None], value: Any) -> None:
        """Keep something of a run until it is written; of runs that never end the oldest go."""
        with self._lock:
            kept[key] = value
            while len(kept) > MOST:
                kept.popitem(last=False)

    def _question(
        self,
        opened: Opened,
        owner: Owner,
        system: Sequence[BaseMessage],
        now: Sequence[BaseMessage],
        tools: Sequence[str] = (),
    ) -> Asked:
        version = f"{opened.epoch}:{opened.length}"
        return Asked(opened.state, self._stored(opened, owner), version, tuple(system), tuple(now), tuple(tools))

    def _opened_thread(self, owner: Owner) -> Opened:
        return self.store.open(owner.user, owner.thread, self.key, self.memory.tail)

    def _stored(self, opened: Opened, owner: Owner) -> Transcript:
        user, thread = owner.user, owner.thread
        of = user, thread, opened.epoch
        return Transcript(opened.length, lambda a, b: self.store.turns(user, thread, a, b), opened.tail, of)

    def _trace(self, shown: Shown, now: Sequence[BaseMessage], id: str, index: int) -> tuple[Trace, dict[str, str]]:
        """Make the record of the turn, with the agent's own calls; and the texts that stand in no turn and no note."""
        instructions = shown.instructions
        items, hashes, texts = reference(shown.recall, shown.state, instructions)
        query, length = query_of(now), shown.length
        size = count_tokens(instructions, self.encoding)
        told = PromptMessage("system", instructions, "instructions", "instructions", size, "your system prompt")
        asked = PromptMessage(
            "human", query, "query", "query", count_tokens(query, self.encoding), "what you just said"
        )
        prompt = Prompt((*((told,) if instructions else ()), *shown.prompt.messages, asked))
        model = self._name
        priced = self._models.priced_as(model) if self._models else model
        calls: list[Call] = []
        sent = prompt.tokens
        for message in now:
            if isinstance(message, AIMessage):
                calls.append(record("reply", model, priced, sent, self._size(message), usage_of(message), 0.0))
            # The next call of the run is sent what came before it as well.
            sent += self._size(message) if message.type in ("ai", "tool") else 0
        trace = Trace(
            "turn",
            index,
            id,
            self.clock(),
            self.memory.name,
            self.key,
            self.memory.settings.model_dump(mode="json"),
            model,
            priced,
            self.encoding,
            context_window=shown.window,
            budget=shown.budget,
            read_length=length,
            items=items,
            left_out=shown.recall.left_out,
            segments=prompt.segments(),
            prompt_hash=prompt.hash(),
            texts=hashes,
            calls=(*calls, *shown.calls),
            before=StateRef.of(shown.state),
            counts=prompt.counts,
        )
        return trace, texts

    def _take_in(self, trace: Trace, owner: Owner, since: str) -> None:
        """Let the memory write and store what it made; who loses the race for the state reads and writes again.

        `since` is the epoch in which the turn was begun.
        """
        services = self._services(owner)
        for _ in range(RACES):
            opened = self._opened_thread(owner)
            lacks = opened.state.edits < opened.edits
            made = edits(self.store, owner.user, owner.thread, self.key) if lacks else ()
            after = self._written(opened.state, self._stored(opened, owner), services, made)
            done = replace(
                trace,
                after=StateRef.of(after, opened.state),
                calls=(*trace.calls, *services.calls),
                errors=(*trace.errors, *services.errors),
            )
            changed = after if after != opened.state else None
            if self.store.put_state(owner.user, owner.thread, self.key, opened.revision, changed, done, since=since):
                return
        lost = f"{self.memory.label} did not take this turn in, as others kept writing here; the next turn catches up."
        _log.warning("%s", lost)
        errors = (*trace.errors, *services.errors, lost)
        done = replace(trace, calls=(*trace.calls, *services.calls), errors=errors)
        self.store.put_state(owner.user, owner.thread, self.key, "", None, done, since=since)


def _named(owner: Owner | None) -> Owner:
    if owner is None or not owner.thread:
        raise BadInput('A store needs a thread: invoke the agent with {"configurable": {"thread_id": "…"}}.')
    return owner
