"""Chat models by name, and what went wrong with them in one sentence.

    >>> model = chat_model("demo")                       # built in: no key, no network
    >>> model = chat_model("echo")                       # built in: repeats the last message
    >>> model = chat_model("gpt-5-mini", api_key=typed)  # OpenAI, or the server at OPENAI_BASE_URL
    >>> model = chat_model("anthropic:claude-opus-5")    # any provider whose LangChain package is installed
    >>> try:
    ...     answer = sum_chunks(model.stream(messages))
    ... except Exception as error:
    ...     raise explain(error, model="gpt-5-mini") from None

Three rules hold here. The address of a server is the operator's (`OPENAI_BASE_URL`), never a visitor's.
A call ends in bounded time: no retries of its own, 5 seconds to connect, `MODEL_TIMEOUT` (60) seconds of
silence. A key is in no message: `from None` keeps the provider's own text, which may quote it, out of logs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from memory.errors import ModelFailed, explain, flaw
from memory.money.prices import Usage, model_info
from memory.tokens import BUILT_IN, split_model

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

__all__ = [
    "chat_model",
    "context_window",
    "describe",
    "explain",
    "flaw",
    "key_name",
    "provider_of",
    "sum_chunks",
    "usage_of",
]

BUILT_IN_WINDOW = 8_192
CONNECT_SECONDS = 5.0
OPENAI_ADDRESS = "https://api.openai.com/v1"

# Providers whose LangChain class takes `timeout` and `max_retries` under these names.
_BOUNDED = (
    "anthropic",
    "azure_openai",
    "mistralai",
    "groq",
    "deepseek",
    "xai",
    "google_genai",
    "together",
    "openrouter",
)


def chat_model(name: str, *, api_key: str | None = None, delay: float = 0.0) -> BaseChatModel:
    """Make the chat model of that name, ready to be called.

    `api_key` is a visitor's own, for this session; without it the provider's environment variable holds.
    `delay` is the built-in models' pause before each piece of an answer, in seconds. What stands in the way
    (no key, no such provider, a missing package) is raised as `ModelFailed`.
    """
    provider, model = split_model(name)
    if provider == "demo":
        from memory.demo import DemoChatModel

        return DemoChatModel(delay=delay)
    if provider == "echo":
        from memory.demo.echo import EchoChatModel

        return EchoChatModel(delay=delay)
    if not provider or not model:
        raise ModelFailed(
            f'"{name}" names no provider: write provider:name, such as openai:gpt-5-mini '
            "(openai also for a server that speaks its protocol).",
            kind="unknown_model",
        )
    key = _clean(api_key)
    if provider == "openai":
        return _openai(model, key)
    try:
        from langchain.chat_models import init_chat_model

        options: dict[str, Any] = {"timeout": _seconds(), "max_retries": 0} if provider in _BOUNDED else {}
        if key:
            options["api_key"] = key
        made: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
    except Exception as error:
        raise explain(error, model=name, keys=(key,)) from None
    return made


def _openai(model: str, key: str | None) -> BaseChatModel:
    address = os.environ.get("OPENAI_BASE_URL", "").strip()
    if address and urlsplit(address).scheme not in ("http", "https"):
        raise ModelFailed(
            "OPENAI_BASE_URL is not an address: it must begin with http:// or https:// and usually ends in /v1.",
            kind="connection",
        )
    # A server of one's own seldom asks for a key, but the client insists on sending one.
    key = key or _clean(os.environ.get("OPENAI_API_KEY")) or ("not-needed" if address else None)
    if key is None:
        raise ModelFailed(
            f"There is no key for openai:{model}: enter one in Settings, set OPENAI_API_KEY, or use the demo model.",
            kind="key",
        )
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    seconds = _seconds()
    return ChatOpenAI(
        model=model,
        api_key=SecretStr(key),
        # Always given, so that no other variable of a library can name another server.
        base_url=address or OPENAI_ADDRESS,
        # connect, read, write, pool; a tuple, since httpx's own class would cost a new connection pool per model.
        timeout=(CONNECT_SECONDS, seconds, seconds, CONNECT_SECONDS),
        max_retries=0,
        stream_usage=True,
        # OpenAI has models that answer only on its newer interface; other servers have only the older one.
        use_responses_api=False if address else None,
    )


def _seconds() -> float:
    text = os.environ.get("MODEL_TIMEOUT", "").strip() or "60"
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3_600:
        raise ModelFailed(f'MODEL_TIMEOUT must be a number of seconds up to 3600, not "{text}".', kind="timeout")
    return seconds


def _clean(key: str | None) -> str | None:
    """Strip a key; one that cannot be sent is refused here, as the client's own error would quote it."""
    key = (key or "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ModelFailed("The key contains a space or a character that no key has: copy it again.", kind="key")
    return key or None


def provider_of(name: str) -> str:
    """Name a model's provider as LangChain does: demo, echo, openai, anthropic ...; "" for a bare name of nobody's."""
    return split_model(name)[0]


def key_name(name: str) -> str | None:
    """Name the environment variable that holds the key of a model's provider; None where none is needed."""
    provider = provider_of(name)
    return None if provider in ("", *BUILT_IN, "ollama") else f"{provider.upper()}_API_KEY"


def describe(name: str) -> str:
    """Say in a few words what answers under that name, without an address's password."""
    provider, model = split_model(name)
    if provider == "demo":
        return "demo, the built-in model: no key, no network; it knows nothing but its prompt"
    if provider == "echo":
        return "echo, built in: it repeats the last message, without a key or a network; it takes no tools"
    if provider == "openai" and (address := os.environ.get("OPENAI_BASE_URL", "").strip()):
        parts = urlsplit(address)
        return f"{model} at {parts.hostname}{f':{parts.port}' if parts.port else ''} (OPENAI_BASE_URL)"
    return f"{model} by {provider}" if provider else model


def context_window(name: str) -> int | None:
    """Return how many tokens a model can read at once; None when nobody says."""
    if provider_of(name) in BUILT_IN:
        return BUILT_IN_WINDOW
    info = model_info(name)
    return info.context_window if info else None


def sum_chunks(chunks: Iterable[AIMessageChunk]) -> AIMessageChunk:
    """Join the pieces of a streamed answer into one message, and refuse one that did not arrive whole."""
    pieces = list(chunks)
    if not pieces:
        raise ModelFailed("The model sent no answer at all: try again.", kind="broken_stream")
    # Adding them one by one takes ten times as long for a long answer.
    whole: AIMessageChunk = pieces[0] + pieces[1:] if pieces[1:] else pieces[0]
    if failed := flaw(whole):
        raise failed
    return whole


def usage_of(message: BaseMessage | AIMessage) -> Usage | None:
    """Read the provider's own token counts from an answer; None when it sent none."""
    counts: Any = getattr(message, "usage_metadata", None)
    if not counts:
        return None
    details, outputs = counts.get("input_token_details") or {}, counts.get("output_token_details") or {}
    cached, written = _sum(details, "cache_read"), _sum(details, "cache_creation")
    # Anthropic's writes by duration stand in place of their sum.
    written = written or sum(count or 0 for kind, count in details.items() if kind.startswith("ephemeral_"))
    return Usage(
        # Some servers leave the cached tokens out of the input.
        input=max(counts.get("input_tokens") or 0, cached + written),
        output=counts.get("output_tokens") or 0,
        cached=cached,
        cache_write=written,
        reasoning=_sum(outputs, "reasoning"),
    )


def _sum(details: dict[str, int | None], kind: str) -> int:
    # A service tier is put before the name: priority_cache_read, flex_reasoning.
    return sum(count or 0 for name, count in details.items() if name == kind or name.endswith(f"_{kind}"))
