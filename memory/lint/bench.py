"""What every check of one of our memories stands on: the turns, services that are watched, and what is sent, counted.

>>> bench = Bench(memory, turns, Models(), Retrieval())
>>> recall = memory.read(State(), bench.transcript(8), "Where do I live?", bench.services(), bench.budget)
>>> sent_tokens(bench.prompt(recall, 8, "Where do I live?"), bench.encoding)
412
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from memory.base import Memory, Note, Recall, State, Turn
from memory.lint.watch import Watch
from memory.longterm.shelf import InMemoryShelf, Shelf
from memory.models import context_window
from memory.prompt import Prompt, assemble
from memory.replay_services import Answers
from memory.retrieval.embeddings import Embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.services import DEFAULT_WINDOW, Models, ModelServices
from memory.store import STATE, to_json
from memory.tokens import BUILT_IN, count_tokens
from memory.transcript import Transcript

THREAD = "lint"


class Answered(Answers):
    """What the memory's model said, so that the same is paid for once; it gives nothing back while the model fails."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def get(self, key: str) -> bytes | None:
        """Return what was kept under a key."""
        return None if self._watch.fails else super().get(key)


class Bench:
    """A memory with its turns; `budget` is the most tokens that it may send.

    `fetched` counts the turns that were asked for beyond those that come with a thread.
    """

    def __init__(
        self,
        memory: Memory,
        turns: Sequence[Turn],
        models: Models,
        embedding: Embedding | None = None,
        budget: int | None = None,
    ) -> None:
        self.memory, self.models = memory, models
        self.encoding, _ = models.encoding()
        self.turns = [counted(replace(turn, index=index), self.encoding) for index, turn in enumerate(turns)]
        window = context_window(models.price_as if models.chat in BUILT_IN else models.chat) or DEFAULT_WINDOW
        self.budget = min(window, window if budget is None else budget)
        own = getattr(memory.settings, "max_token_limit", None)
        self.limit = self.budget if own is None else min(self.budget, own)
        self.user = f"lint{uuid.uuid4().hex[:12]}"
        self.watch = Watch(self.encoding)
        self.answers = Answered(self.watch)
        self.shelf = InMemoryShelf()
        self.embedding = embedding
        self.vectors = InMemoryVectors()
        self.retrieval = self.searching()
        self.fetched = 0

    @property
    def key(self) -> str:
        """Name the state, as a conversation does."""
        return f"{self.memory.key},{self.retrieval.name}" if self.memory.retrieves else self.memory.key

    @property
    def last_query(self) -> str:
        return next((turn.human for turn in reversed(self.turns) if turn.human), "What did we speak of?")

    def searching(self) -> Retrieval:
        """Return a search as a process has it that has just been started, over the vectors that there are."""
        return Retrieval(self.embedding, self.vectors, threads=8)

    def services(self, user: str = "", retrieval: Retrieval | None = None, shelf: Shelf | None = None) -> ModelServices:
        """Return what the memory may use; its model is watched."""
        models, name = self.models, self.models.memory_name
        services = ModelServices(
            lambda: self.watch.over(models.open_memory()),
            name,
            models.priced_as(name),
            self.encoding,
            models.keys,
            user or self.user,
            retrieval or self.retrieval,
            self.answers,
            shelf or self.shelf,
        )
        services.now = 0.0
        services.reflecting = True  # as if the conversation had rested after each turn
        return services

    def transcript(self, length: int, epoch: str = "live") -> Transcript:
        """Return the first `length` turns as a thread gives them: the tail at once, the rest when it is asked for."""

        def fetch(first: int, end: int) -> list[Turn]:
            self.fetched += end - first
            return self.turns[first:end]

        known = self.turns[max(0, length - self.memory.tail) : length]
        return Transcript(length, fetch, known, (self.user, THREAD, epoch))

    def prompt(self, recall: Recall, length: int, query: str, turns: Sequence[Turn] | None = None) -> Prompt:
        """Put together what would be sent, without instructions."""
        return assemble("", recall, (turns or self.turns)[:length], query, self.encoding)

    def write(
        self,
        state: State,
        transcript: Sequence[Turn],
        services: ModelServices,
        recall: Recall | None = None,
        memory: Memory | None = None,
    ) -> State:
        """Let the memory write as a conversation does: a mistake of its own leaves the state where it was."""
        try:
            return (memory or self.memory).write(state, transcript, services, recall)
        except Exception as error:
            services.failed(error)
            return state


def counted(turn: Turn, encoding: str) -> Turn:
    """Return a turn with its tokens counted, as a stored one has them."""
    messages = (
        replace(message, tokens={**message.tokens, encoding: message.count_content(encoding)})
        for message in turn.messages
    )
    return replace(turn, messages=tuple(messages))


def sent_tokens(prompt: Prompt, encoding: str) -> int:
    """Count what the memory put into a prompt, from the very messages that a model is sent; the query is not its."""
    return sum(message_tokens(message, encoding) for message in prompt.langchain()[:-1])


def message_tokens(message: BaseMessage, encoding: str) -> int:
    """Count a message's text, and its tool calls as JSON."""
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    written = [{name: call.get(name) for name in ("name", "args", "id")} for call in calls]
    extra = count_tokens(json.dumps(written, ensure_ascii=False, default=str), encoding) if written else 0
    return count_tokens(message.text, encoding) + extra


def parted(messages: Iterable[BaseMessage]) -> str | None:
    """Say which tool call lacks its result or which result its call; None where all stand together."""
    open_calls: list[str] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in open_calls:
                return f"the result of {message.tool_call_id or 'a call'} was sent without its call"
            open_calls.remove(message.tool_call_id)
            continue
        if open_calls:
            return f"the call {open_calls[0]} was sent without its result"
        open_calls = [call["id"] or "" for call in message.tool_calls] if isinstance(message, AIMessage) else []
    return f"the call {open_calls[0]} was sent without its result" if open_calls else None


def state_json(state: State) -> str:
    """Return a state byte for byte as it is stored."""
    return to_json(STATE, state).decode()


def told(state: State) -> str:
    """Write a state for whoever compares two: how far it reaches, and each note by its name."""
    notes: list[Note] = sorted(state.notes.values(), key=lambda note: note.id)
    lines = [f"covers {state.covered} turns", *(f"part {part}: {done}" for part, done in state.parts.items())]
    return "\n".join([*lines, *(f"{note.ref} (turns {note.turns[0]}–{note.turns[1]}): {note.text}" for note in notes)])
