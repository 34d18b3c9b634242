"""Which models speak, and what memories may use of them: called and recorded, or merely estimated.

    >>> services = ModelServices(open_model, "openai:gpt-5-nano", priced_as="openai:gpt-5-nano", encoding="o200k_base")
    >>> state = memory.write(state, transcript, services, recall)
    >>> [(call.purpose, call.input_tokens, call.cost) for call in services.calls]
    [('summary', 212, Decimal('0.0000106'))]

`EstimatingServices` has the same face and calls nothing: it prices a switch before it happens.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import invalid_tool_call, tool_call
from langchain_core.runnables import Runnable
from pydantic import BaseModel

from memory.base import Search, Turn
from memory.errors import InspectorError, ModelFailed, StoreUnavailable
from memory.knowledge.library import Library
from memory.longterm.base_store import UserStore
from memory.longterm.shelf import InMemoryShelf, Shelf
from memory.models import chat_model, context_window, explain, sum_chunks, usage_of
from memory.money.prices import Usage, price
from memory.money.prompt_cache import usage as estimated_usage
from memory.pictures.sight import Pictures, blocks_in, tokens_in
from memory.retrieval.index import Retrieval
from memory.retrieval.priced import Once
from memory.retrieval.ranking import Ranking, Space
from memory.tokens import BUILT_IN, count_tokens, encoding_for
from memory.trace import Call

DEFAULT_WINDOW = 8192
"""The context window in tokens that is assumed where a model's own is not known."""


def record(
    purpose: str,
    model: str,
    priced_as: str,
    estimate: int,
    output: int,
    usage: Usage | None,
    seconds: float,
    first_token: float | None = None,
    error: str | None = None,
    prefix: int | None = None,
) -> Call:
    """Make the record of a call; the provider's own usage replaces our counts where it came.

    `prefix` is how many tokens the prompt begins with that a cache can hold: what of them is cached is estimated for
    who reports no usage, and for a built-in model, which has no cache of its own. None is a call that nothing caches.
    """
    spent = usage or Usage(input=estimate, output=output)
    if prefix is not None and not spent.cached and (usage is None or model != priced_as):
        spent = estimated_usage(priced_as, spent.input, prefix, spent.output)
    cost = price(priced_as, spent)
    without = price(priced_as, Usage(input=spent.input, output=spent.output))
    return Call(
        purpose,
        model,
        spent.input,
        spent.output,
        spent.cached,
        spent.cache_write,
        usage is not None,
        estimate,
        cost.total if cost else None,
        priced_as,
        round(seconds, 4),
        None if first_token is None else round(first_token, 4),
        error,
        cost_uncached=without.total if without else None,
    )


def usage_so_far(chunks: Iterable[BaseMessage], output: int) -> Usage | None:
    """Add up the provider's counts in the pieces of an answer that broke off or was refused; None without them.

    Some providers count the input at the beginning and the output at the end: where nothing is counted of `output`
    tokens that did arrive, the bill is not whole and our own counts stand.
    """
    parts = [usage for chunk in chunks if (usage := usage_of(chunk))]
    if not parts:
        return None
    total = sum(parts[1:], parts[0])
    return None if output and not total.output else total


class Cache(Protocol):
    """Where answers are kept that can be asked for again; it may fail at any time.

    `epoch` is the time of the thread that what is put was made of.
    """

    epoch: str

    def get(self, key: str) -> bytes | None: ...
    def put(self, key: str, value: bytes) -> None: ...


class ModelServices:
    """Services that call a model; `calls` and `errors` hold what happened.

    `waits` counts the errors that keep a turn waiting until it is tried again; what was merely lost does not.
    `unsaved` is why the store does not take what was made, as long as it is offered again and again.
    `open_model` is called at the first need: most turns ask nothing of the memory's model. `keys` are blotted out of
    what an error quotes. `cache` keeps what the memory's model answered, so that the same is asked once.
    """

    estimates = False

    def __init__(
        self,
        open_model: Callable[[], BaseChatModel],
        name: str,
        priced_as: str,
        encoding: str,
        keys: tuple[str, ...] = (),
        user: str = "nobody",
        retrieval: Retrieval | None = None,
        cache: Cache | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._open_model = open_model
        self._name = name
        self._priced_as = priced_as
        self._keys = keys
        self._cache = cache
        self._retrieval = retrieval or Retrieval()
        self._shelf = shelf or InMemoryShelf()
        self.encoding = encoding
        self.user = user
        self.now = time.time()
        self.taken: frozenset[int] = frozenset()
        self.reflecting = False
        self.labels: Mapping[str, str] | None = None
        self.pictures = Pictures()
        self.waits = 0
        self.unsaved: StoreUnavailable | None = None
        self.calls: list[Call] = []
        self._embedded = Once(self.calls.append)
        self.errors: list[str] = []

    def rest_on(self, epoch: str) -> None:
        """Say which time of the thread is read from now on: what was made of one that is past is not kept."""
        if self._cache:
            self._cache.epoch = epoch

    @property
    def input_limit(self) -> int:
        return context_window(self._name) or DEFAULT_WINDOW

    @property
    def items(self) -> UserStore:
        return self._retrieval.items(self._shelf, self.user, self._embedded)

    @property
    def library(self) -> Library:
        return self._retrieval.library(self._shelf, self.user, self._embedded)

    def ask(
        self, messages: Sequence[BaseMessage], purpose: str, max_tokens: int, tools: Sequence[type[BaseModel]] = ()
    ) -> AIMessage:
        # The limit stands in the instructions and not in the call: reasoning models count their thoughts against it.
        key = _cache_key(self._name, messages, tools)
        if known := _known(self._cache, key):
            usage = Usage(input=known.input_tokens, output=known.output_tokens)
            worth = price(self._priced_as, usage)
            call = Call(purpose, self._name, 0, 0, cost=Decimal(0), priced_as=self._priced_as, reused=True)
            self.calls.append(replace(call, saved=worth.total if worth else None, cost_uncached=Decimal(0)))
            return known.message
        answer = self._called(messages, purpose, tools)
        if self._cache:
            with suppress(InspectorError):
                self._cache.put(key, _row(answer, self.calls[-1]))
        return answer

    def _called(self, messages: Sequence[BaseMessage], purpose: str, tools: Sequence[type[BaseModel]]) -> AIMessage:
        estimate = tokens_asked(messages, tools, self.encoding, self._name)
        start = time.monotonic()
        chunks: list[AIMessageChunk] = []
        try:
            opened = self._open_model()
            model: Runnable[Any, Any] = opened.bind_tools(list(tools)) if tools else opened
            # Streamed, so that the time limit is for silence and not for the whole answer.
            for chunk in model.stream(list(messages)):
                chunks.append(chunk)
            answer = sum_chunks(chunks)
        except Exception as error:
            failure = explain(error, model=self._name, keys=self._keys)
            # Whatever came was paid for; only what never got an answer cost nothing.
            output = count_tokens("".join(chunk.text for chunk in chunks), self.encoding)
            usage = usage_so_far(chunks, output)
            self._record(purpose, estimate if chunks else 0, output, usage, start, str(failure))
            # Without its cause, whose text can quote the key.
            raise failure from None
        said = answer.text + "".join(json.dumps(call["args"]) for call in answer.tool_calls)
        self._record(purpose, estimate, count_tokens(said, self.encoding), usage_of(answer), start)
        return answer

    def _record(
        self, purpose: str, estimate: int, output: int, usage: Usage | None, start: float, error: str | None = None
    ) -> None:
        seconds = time.monotonic() - start
        call = record(purpose, self._name, self._priced_as, estimate, output, usage, seconds, error=error)
        self.calls.append(call)

    def rank(self, transcript: Sequence[Turn], query: str, search: Search | None = None) -> Ranking:
        try:
            return self._retrieval.rank(transcript, query, self.encoding, search, self._embedded)
        except (StoreUnavailable, ModelFailed) as error:
            # Without vectors words are still there to be compared.
            self.failed(error)
            return self._retrieval.rank(transcript, query, self.encoding, "lexical", self.calls.append)

    def take_in(self, transcript: Sequence[Turn], search: Search | None = None) -> None:
        self._retrieval.take_in(transcript, self.encoding, search, self._embedded)

    def space(self, transcript: Sequence[Turn], query: str) -> Space | None:
        try:
            return self._retrieval.space(transcript, query, self.encoding)
        except (StoreUnavailable, ModelFailed):
            return None

    def failed(self, error: Exception) -> None:
        self.errors.append(str(error) if isinstance(error, InspectorError) else type(error).__name__)
        self.waits += isinstance(error, StoreUnavailable | ModelFailed)


@dataclass(frozen=True, slots=True)
class _Known:
    """An answer from the cache, and what it had cost in tokens."""

    message: AIMessage
    input_tokens: int
    output_tokens: int


def _row(answer: AIMessage, call: Call) -> bytes:
    """Write an answer for the cache: its tokens, its text, its calls and those that were no JSON."""
    calls = [[one["name"], one["args"], one["id"]] for one in answer.tool_calls]
    invalid = [[one["name"], one["args"], one["id"], one["error"]] for one in answer.invalid_tool_calls]
    row = [call.input_tokens, call.output_tokens, answer.content, calls, invalid]
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")


def _known(cache: Cache | None, key: str) -> _Known | None:
    """Look an answer up; whatever is wrong with the cache is as if it held nothing."""
    try:
        row = cache.get(key) if cache else None
        if row is None:
            return None
        input_tokens, output_tokens, content, calls, invalid = json.loads(row)
        message = AIMessage(
            content,
            tool_calls=[tool_call(name=name, args=args, id=id) for name, args, id in calls],
            invalid_tool_calls=[
                invalid_tool_call(name=name, args=args, id=id, error=e) for name, args, id, e in invalid
            ],
        )
        return _Known(message, input_tokens, output_tokens)
    except (InspectorError, ValueError, KeyError, TypeError):
        return None


@lru_cache(maxsize=100)
def _schema(tool: type[BaseModel]) -> str:
    """Write a tool's schema as JSON; pydantic makes it anew each time it is asked."""
    return json.dumps(tool.model_json_schema())


def _cache_key(model: str, messages: Sequence[BaseMessage], tools: Sequence[type[BaseModel]]) -> str:
    asked = [[message.type, message.text, *blocks_in(message)] for message in messages]
    schemas = list(map(_schema, tools))
    return hashlib.sha256(json.dumps([model, asked, schemas], sort_keys=True).encode()).hexdigest()[:32]


def tokens_asked(
    messages: Sequence[BaseMessage], tools: Sequence[type[BaseModel]], encoding: str, model: str = ""
) -> int:
    """Count what a model is sent for the memory: texts, pictures by its rule, and the schemas of its tools as JSON."""
    schemas = sum(count_tokens(_schema(tool), encoding) for tool in tools)
    pictures = sum(tokens_in(message, model) for message in messages)
    return schemas + pictures + sum(count_tokens(message.text, encoding) for message in messages)


class EstimatingServices(ModelServices):
    """Services that call nothing and record what the calls would have been, every answer half as long as allowed.

    What the cache knows is answered from it, at no cost.
    """

    estimates = True

    def ask(
        self, messages: Sequence[BaseMessage], purpose: str, max_tokens: int, tools: Sequence[type[BaseModel]] = ()
    ) -> AIMessage:
        if known := _known(self._cache, _cache_key(self._name, messages, tools)):
            return known.message
        estimate, output = tokens_asked(messages, tools, self.encoding, self._name), max(1, max_tokens // 2)
        self.calls.append(record(purpose, self._name, self._priced_as, estimate, output, None, 0.0))
        return AIMessage("" if tools else " word" * output)

    def rank(self, transcript: Sequence[Turn], query: str, search: Search | None = None) -> Ranking:
        # A query's vector would be a call of its own; which turns it finds does not change how many calls there are.
        if call := self._retrieval.estimate_query(query, search):
            self.calls.append(call)
        return self._retrieval.rank(transcript, query, self.encoding, "lexical", self.calls.append)

    def take_in(self, transcript: Sequence[Turn], search: Search | None = None) -> None:
        if call := self._retrieval.estimate(transcript, self.encoding, search):
            self.calls.append(call)

    def failed(self, error: Exception) -> None:
        # What was noted in a wrong form, or is too long to be kept, is told when it is taken in and costs no more.
        if isinstance(error, StoreUnavailable | ModelFailed):
            raise error
        super().failed(error)


@dataclass(frozen=True)
class Models:
    """Which models speak: `chat` answers, `memory` serves the memory's own calls (default: the same).

    The built-in models cost nothing and are counted and priced as `price_as`. `key` is for this object alone: it is
    in no trace, no store and no representation of it. `delay` is the built-in models' pause between words in seconds.
    `pictures` says of models by name whether they take pictures, where the user has said so.
    """

    chat: str = "demo"
    memory: str = ""
    price_as: str = "openai:gpt-5-mini"
    key: str | None = field(default=None, repr=False)
    delay: float = 0.0
    pictures: Mapping[str, bool] = field(default_factory=dict, hash=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """What must be blotted out of anything that is quoted: the key as it is sent, without blanks around it."""
        return (key,) if (key := (self.key or "").strip()) else ()

    @property
    def memory_name(self) -> str:
        return self.memory or self.chat

    def priced_as(self, name: str) -> str:
        return self.price_as if name in BUILT_IN else name

    def encoding(self) -> tuple[str, bool]:
        """Return the encoding that counts for the chat model, and whether it is exact."""
        return encoding_for(self.price_as if self.chat in BUILT_IN else self.chat)

    def open_chat(self) -> BaseChatModel:
        return chat_model(self.chat, api_key=self.key, delay=self.delay)

    def open_memory(self) -> BaseChatModel:
        return chat_model(self.memory_name, api_key=self.key)

    def services(
        self,
        user: str = "nobody",
        retrieval: Retrieval | None = None,
        cache: Cache | None = None,
        kind: type[ModelServices] = ModelServices,
        shelf: Shelf | None = None,
    ) -> ModelServices:
        name = self.memory_name
        encoding, _ = self.encoding()
        return kind(self.open_memory, name, self.priced_as(name), encoding, self.keys, user, retrieval, cache, shelf)
