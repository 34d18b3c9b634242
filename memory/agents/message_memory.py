"""A memory over LangChain's messages, as an agent or a graph keeps them; what it knows is JSON beside them.

    >>> remembered = MessageMemory(load().memory("summary"), Models("openai:gpt-5-mini"))
    >>> answer = model.invoke(remembered.prompt(messages, kept))       # before the model is asked
    >>> kept = remembered.write([*messages, answer], kept)             # after its answer

Nothing of `messages` is changed. Of the earlier turns the memory chooses what is sent; the current turn, its query and
all that the agent did for it, is sent as it is. Whatever went wrong in a write is in `kept["errors"]`, and the next
write catches up.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables.config import RunnableConfig, ensure_config, set_config_context
from pydantic import TypeAdapter, ValidationError

from memory.agents.message_turns import fingerprint, query_of, sent_messages, start_of, turns_of
from memory.base import Memory, Recall, State, Turn
from memory.edits.events import Edit, write
from memory.errors import BadInput, InspectorError, ModelFailed
from memory.longterm.shelf import InMemoryShelf, Shelf, packed, unpack
from memory.models import context_window
from memory.prompt import Prompt, assemble
from memory.retrieval.index import Retrieval
from memory.services import DEFAULT_WINDOW, Models, ModelServices
from memory.store import STATE
from memory.tokens import BUILT_IN, count_tokens, encoding_for, well_formed
from memory.trace import Call
from memory.transcript import Transcript

MOST = 256
"""How many threads' latest recalls and turns are kept in the process, to be asked once in a run."""

_CALL: TypeAdapter[Call] = TypeAdapter(Call)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose messages they are; without a thread nothing that is made of them outlives the call."""

    user: str = "nobody"
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What was recalled for a turn after `length` others, and what that cost.

    `instructions` are all system messages beside it.
    """

    instructions: str
    state: State
    recall: Recall
    prompt: Prompt
    length: int
    budget: int
    window: int
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a memory is asked with: what it knows, the earlier turns and their name, and what is sent beside them."""

    state: State
    transcript: Sequence[Turn]
    version: str
    system: tuple[BaseMessage, ...]
    now: tuple[BaseMessage, ...]
    tools: tuple[str, ...] = ()


class MessageMemory:
    """A memory that is asked before the model and told after it, for any number of threads at once.

    `models` are whose tokens are counted and who serves the memory's own calls: names, or a chat model; without it the
    calls go to the model that is given to `prompt`. `budget` is the most tokens that the memory may send, besides what
    fits the model's window. `clock` gives the time of a turn in seconds since the epoch.
    """

    def __init__(
        self,
        memory: Memory,
        models: Models | BaseChatModel | None = None,
        *,
        retrieval: Retrieval | None = None,
        budget: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.memory, self.budget, self.clock = memory, budget, clock
        self.retrieval = retrieval or Retrieval()
        self._models = models if isinstance(models, Models) else None
        self._own = models if isinstance(models, BaseChatModel) else None
        self._seen: BaseChatModel | None = None
        # In the names of its transcripts, as the search may be shared.
        self._id = uuid.uuid4().hex[:8]
        self.encoding = self._models.encoding()[0] if self._models else encoding_for("")[0]
        self._shelf = InMemoryShelf()
        self._recalls: OrderedDict[tuple[Any, ...], Shown] = OrderedDict()
        self._epochs: OrderedDict[Owner, tuple[int, list[str]]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def key(self) -> str:
        """Name the state as `Conversation.key` does."""
        return f"{self.memory.key},{self.retrieval.name}" if self.memory.retrieves else self.memory.key

    def use(self, model: BaseChatModel | None) -> None:
        """Take note of the model that answers: without another it serves the memory's own calls."""
        self._seen = model or self._seen

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
        """Return what the model is sent: instructions, what was recalled of earlier turns, the current turn whole.

        System messages are instructions. `model` is who will read it, `tools` what else it is sent, `start` the id of
        the current turn's first message. Raises BadInput where the memory itself fails.
        """
        place, owner = start_of(messages, start), owner or Owner()
        self.use(model)
        self._unpack(kept, owner)
        earlier, now = messages[:place], messages[place:]
        system = [message for message in earlier if message.type == "system"]
        turns = turns_of(earlier, (kept or {}).get("times"))
        state = self._valid(turns, kept) or State()
        asked = Asked(
            state, self._transcript(turns, owner), fingerprint(turns), tuple(system), tuple(now), tuple(tools)
        )
        shown = self._recalled(asked, model, owner)
        return [*system, *sent_messages(shown.prompt, earlier), *now]

    def lags(self, messages: Sequence[BaseMessage], kept: Mapping[str, Any] | None, start: str | None = None) -> bool:
        """Say whether it has not been told of turns that were there before it, or that have been changed since."""
        earlier = turns_of(messages[: start_of(messages, start)])
        return self.memory.stateful and bool(earlier) and self._valid(earlier, kept) is None

    def write(
        self,
        messages: Sequence[BaseMessage],
        kept: Mapping[str, Any] | None = None,
        *,
        start: str | None = None,
        owner: Owner | None = None,
        complete: bool = True,
    ) -> dict[str, Any]:
        """Have the memory take in every turn that it has not; return what is to be kept, as JSON.

        Where the turn is not `complete` those before it are taken in. A model that fails costs no turn.
        """
        if not self.memory.stateful:
            return {}
        place, owner = start_of(messages, start), owner or Owner()
        self._unpack(kept, owner)
        before = len(turns_of(messages[:place]))
        now, times = self.clock(), dict((kept or {}).get("times", {}))
        turns = turns_of(messages if complete else messages[:place], times)
        for turn in turns[before:]:
            times[turn.id] = now
        turns = [replace(turn, at=times.get(turn.id, 0.0)) for turn in turns]
        services = self._services(owner)
        state = self._written(self._valid(turns, kept) or State(), self._transcript(turns, owner), services)
        present = {turn.id for turn in turns}
        return {
            "key": self.key,
            "state": STATE.dump_python(state, mode="json", exclude_defaults=True),
            "of": fingerprint(turns[: state.reach]),
            "times": {id: at for id, at in times.items() if id in present},
            "calls": [_CALL.dump_python(call, mode="json", exclude_defaults=True) for call in services.calls],
            "errors": list(services.errors),
            **({"items": items} if (items := self._packed(owner)) else {}),
        }

    def _packed(self, owner: Owner) -> dict[str, str]:
        """Return what is remembered of the owner and stands in no store: it goes along with the state."""
        return packed(self._shelf, owner.user)

    def _unpack(self, kept: Mapping[str, Any] | None, owner: Owner) -> None:
        unpack(self._shelf, owner.user, (kept or {}).get("items", {}), self.clock())

    def _valid(self, turns: Sequence[Turn], kept: Mapping[str, Any] | None) -> State | None:
        """Return the state that is kept; None where it is another memory's or turns that it covers are changed."""
        if not kept or kept.get("key") != self.key:
            return None
        try:
            state = STATE.validate_python(kept["state"])
        except (KeyError, ValidationError):
            return None
        covers = state.reach <= len(turns) and fingerprint(turns[: state.reach]) == kept.get("of")
        return state if covers else None

    def _transcript(self, turns: list[Turn], owner: Owner) -> Transcript:
        """Return turns under a name in which they are only added: another branch of a thread is another name."""
        if not owner.thread:
            return Transcript(len(turns), lambda first, end: turns[first:end], turns)
        ids = [turn.id for turn in turns]
        with self._lock:
            epoch, known = self._epochs.pop(owner, (0, []))
            both = min(len(ids), len(known))
            if ids[:both] != known[:both]:
                epoch, known = epoch + 1, ids
            self._epochs[owner] = epoch, max(ids, known, key=len)
            while len(self._epochs) > MOST:
                self._epochs.popitem(last=False)
        of = (owner.user, owner.thread, f"{self._id}.{epoch}")
        return Transcript(len(turns), lambda first, end: turns[first:end], turns, of)

    def _recalled(self, asked: Asked, model: BaseChatModel | None, owner: Owner) -> Shown:
        """Ask the memory, once in a run: what it recalled holds for as long as it fits beside what the agent did."""
        query, window = query_of(asked.now), self._window(model)
        fixed = sum(self._size(message) for message in (*asked.system, *asked.now))
        fixed += sum(count_tokens(tool, self.encoding) for tool in asked.tools)
        space = max(0, window - fixed - min(1024, window // 4))
        budget = space if self.budget is None else min(space, self.budget)
        key = owner, query, asked.version, STATE.dump_json(asked.state)
        with self._lock:
            shown = self._recalls.get(key)
        if shown is None or shown.recall.tokens > budget:
            services = self._services(owner)
            recall = self._asked(asked.state, asked.transcript, query, services, budget)
            prompt = assemble("", recall, asked.transcript, query, self.encoding)
            instructions = "\n\n".join(str(message.text) for message in asked.system)
            # The query itself is among the messages of the current turn.
            sent, length = Prompt(prompt.messages[:-1]), len(asked.transcript)
            shown = Shown(instructions, asked.state, recall, sent, length, budget, window, tuple(services.calls))
        with self._lock:
            self._recalls[key] = shown
            self._recalls.move_to_end(key)
            while len(self._recalls) > MOST:
                self._recalls.popitem(last=False)
        return shown

    def _asked(
        self, state: State, transcript: Sequence[Turn], query: str, services: ModelServices, budget: int
    ) -> Recall:
        try:
            recall = self.memory.read(state, transcript, query, services, budget)
        except InspectorError:
            raise
        except Exception as error:
            raise BadInput(
                f"{self.memory.label} failed to read this conversation ({type(error).__name__}: {error}). "
                "Choose another memory; nothing was sent."
            ) from error
        self._tell(services)
        return recall

    def _written(
        self, state: State, transcript: Sequence[Turn], services: ModelServices, made: Sequence[Edit] = ()
    ) -> State:
        try:
            state = _unstreamed(write, self.memory, state, transcript, services, None, made)
        except Exception as error:
            # A plug-in's own mistake loses no turn either.
            said = str(error) if isinstance(error, InspectorError) else f"{type(error).__name__}: {error}"
            services.errors.append(f"{self.memory.label} failed to take this turn in ({said.rstrip('.')}).")
        self._tell(services)
        return state

    def _tell(self, services: ModelServices) -> None:
        for error in services.errors:
            _log.warning("%s: %s", self.memory.name, error)

    @property
    def shelf(self) -> Shelf:
        """What is kept of its users across conversations: here with the process, and with the state of each thread."""
        return self._shelf

    def _services(self, owner: Owner) -> ModelServices:
        if self._models:
            services = self._models.services(owner.user, self.retrieval, shelf=self.shelf)
        else:
            name, shelf = self._own_name, self.shelf
            services = ModelServices(
                self._opened, name, name, self.encoding, (), owner.user, self.retrieval, shelf=shelf
            )
        services.now = self.clock()
        services.reflecting = True  # a run of an agent has ended when its memory writes
        return services

    @property
    def _own_name(self) -> str:
        own = self._own or self._seen
        return name_of(own) if own else ""

    @property
    def _name(self) -> str:
        """Name the model that answers."""
        return name_of(self._seen) if self._seen else self._models.chat if self._models else ""

    def _opened(self) -> BaseChatModel:
        own = self._own or self._seen
        if own is None:
            raise ModelFailed("No model for the memory's own calls is known yet: name one.", kind="unknown_model")
        return own

    def _window(self, model: BaseChatModel | None) -> int:
        profile: Mapping[str, Any] = getattr(model or self._seen, "profile", None) or {}
        name = name_of(model) if model else self._name
        return profile.get("max_input_tokens") or context_window(name) or DEFAULT_WINDOW

    def _size(self, message: BaseMessage) -> int:
        turns = turns_of([message])
        return turns[0].count(self.encoding) if turns else count_tokens(str(message.text), self.encoding)


def _unstreamed(call: Callable[..., State], *arguments: Any) -> State:
    """Call what asks a model of its own: its words are no answer, so a graph's stream of messages leaves them out."""
    config = ensure_config()
    config["tags"] = [*config.get("tags", ()), "nostream"]
    with set_config_context(config) as context:
        return context.run(call, *arguments)


def name_of(model: BaseChatModel) -> str:
    """Name a chat model as `provider:name`."""
    told = model._get_ls_params()
    provider, name = told.get("ls_provider", ""), told.get("ls_model_name", "")
    return provider if provider in BUILT_IN else f"{provider}:{name}"


def owner_of(config: RunnableConfig, user: object = None) -> Owner:
    """Say whose conversation a run of a graph is: its config's `user_id` (else `user`) and `thread_id`."""
    named = config.get("configurable", {})
    user, thread = named.get("user_id") or user, named.get("thread_id")
    return Owner(safe_name(user) if user else "nobody", safe_name(thread) if thread else "")


def safe_name(text: object) -> str:
    """Return a user's or a thread's name as stores take it: letters, digits, - and _; of any other a number."""
    name = well_formed(str(text))
    if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name):
        return name
    return f"x{hashlib.sha256(name.encode()).hexdigest()[:40]}"
