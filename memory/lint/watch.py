"""Looks at a memory's model from outside: each call with its prompt, also one that nobody was to know of.

>>> watch = Watch()
>>> model = watch.over(DemoChatModel())
>>> with watch.looking():
...     memory.write(state, transcript, services, None)
>>> len(watch.calls), watch.hidden
(1, 0)

While `watch.fails` is set every call fails as a model does that cannot be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tracers.context import register_configure_hook
from pydantic import ConfigDict

from memory.tokens import count_tokens


@dataclass(frozen=True, slots=True)
class Seen:
    """A call of the memory's model: what it was sent, in tokens as well, and whether it failed."""

    prompt: str
    tokens: int
    failed: bool = False


@dataclass
class Watch:
    """What was seen; `hidden` counts calls of other models than the one it is laid over, `counted` the messages that
    a class had counted in tokens."""

    encoding: str = "o200k_base"
    calls: list[Seen] = field(default_factory=list)
    hidden: int = 0
    counted: int = 0
    fails: bool = False
    inside: int = field(default=0, repr=False)

    def over(self, model: BaseChatModel) -> Watched:
        """Return the model with this watch laid over it."""
        return Watched(inner=model, watch=self)

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Count nothing twice while a call is passed on to the model behind."""
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    @contextmanager
    def looking(self) -> Iterator[None]:
        """See also the calls of models that it is not laid over, made in this block and thread."""
        token = _handler.set(_Handler(self))
        try:
            yield
        finally:
            _handler.reset(token)


class Watched(BaseChatModel):
    """A chat model that passes everything on and is seen doing it; counts tokens as this project does."""

    inner: Any
    watch: Any

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    def _llm_type(self) -> str:
        return "watched"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools to the model behind."""
        return self.bind(tools=list(tools), **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        model = self._seen(messages, kwargs)
        with self.watch.passing():
            for chunk in model.stream(messages, stop=stop):
                yield ChatGenerationChunk(message=chunk)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        model = self._seen(messages, kwargs)
        with self.watch.passing():
            return ChatResult(generations=[ChatGeneration(message=model.invoke(messages, stop=stop))])

    def _seen(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> Any:
        """Note a call; return the model that is to answer it, or fail as it was told to."""
        watch: Watch = self.watch
        texts = [message.text for message in messages]
        tokens = sum(count_tokens(text, watch.encoding) for text in texts)
        watch.calls.append(Seen("\n".join(texts), tokens, watch.fails))
        if watch.fails:
            raise ConnectionError("the model cannot be reached: it was made to fail")
        tools = kwargs.pop("tools", None)
        return self.inner.bind_tools(tools, **kwargs) if tools else self.inner

    def get_num_tokens(self, text: str) -> int:
        """Count a text's tokens."""
        return count_tokens(text, self.watch.encoding)

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Count what messages say, each with its speaker, as LangChain does where a model has no count of its own."""
        self.watch.counted += len(messages)
        names = {"human": "Human", "ai": "AI", "system": "System", "tool": "Tool"}
        return sum(self.get_num_tokens(f"{names.get(one.type, one.type)}: {one.text}") for one in messages)


class _Handler(BaseCallbackHandler):
    """Counts what any model of LangChain's is asked, but for what the watched one passes on."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any
    ) -> None:
        """Count a call of a chat model."""
        if not self._watch.inside and (kwargs.get("invocation_params") or {}).get("_type") != "watched":
            self._watch.hidden += 1

    def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, **kwargs: Any) -> None:
        """Count a call of a model that completes texts."""
        self._watch.hidden += 1


_handler: ContextVar[_Handler | None] = ContextVar("memory_lint_handler", default=None)
register_configure_hook(_handler, inheritable=True)
