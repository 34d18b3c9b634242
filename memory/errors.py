"""What can go wrong, in words for the reader of the screen: what happened and what to do.

    >>> explain(ConnectionRefusedError(), model="openai:llama3").kind
    'connection'

`explain` turns the exception of any provider into a `ModelFailed`; `flaw` finds what is wrong with an answer
that arrived without one, such as a stream that ends in the middle as if it were complete.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any


class InspectorError(Exception):
    """The base: `str(error)` is one sentence shown to the user, with the remedy in it."""


class BadInput(InspectorError):
    """What the user gave cannot be used as it is; nothing was changed."""


class StoreUnavailable(InspectorError):
    """Redis does not answer; nothing was saved and the same action can be tried again."""


class LimitReached(InspectorError):
    """Somebody has done as much as this server takes for now; nothing was done. `wait` is in seconds."""

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


class ThreadGone(InspectorError):
    """The conversation was deleted while it was in use."""


class ExperimentGone(InspectorError):
    """The experiment was deleted while it was in use."""


class ModelFailed(InspectorError):
    """A chat model refused, limited, broke off or was not reached.

    `kind` is one of key, quota, rate_limit, context, connection, timeout, server, broken_stream, unknown_model,
    refused; `retry_after` is in seconds where the provider named it.
    """

    def __init__(self, message: str, *, kind: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after

    @property
    def can_retry(self) -> bool:
        """Say whether the same call can succeed a moment later, with nothing changed."""
        return self.kind in ("rate_limit", "connection", "timeout", "server", "broken_stream")


_CONTEXT = re.compile(
    r"context[_ ](length|window|size)|maximum context|prompt is too long|(input|too many) tokens|number of tokens", re.I
)
_CONTENT = re.compile(r"content[_ ](policy|filter|management)|usage polic|flagged|safety", re.I)
_NO_TOOLS = re.compile(
    r"support(?:s|ed)? (?:tool|function call)|(?:tools?|functions)['\"]? (?:is|are) not supported"
    r"|\btools? (?:choice|param) requires",
    re.I,
)
_BROKEN = {"RemoteProtocolError", "ReadError", "IncompleteRead", "ChunkedEncodingError", "ConnectionResetError"}
_UNREACHED = {"ConnectTimeout", "ConnectError", "UnsupportedProtocol", "APIConnectionError", "ModelConnectionError"}
_LATE = {"APITimeoutError", "ModelTimeoutError", "TimeoutError", "TimeoutException"}


def explain(error: BaseException, *, model: str | None = None, keys: tuple[str | None, ...] = ()) -> ModelFailed:
    """Turn what a provider's client raised into one sentence with its remedy.

    `model` is named in the sentence; `keys` are blotted out of what is quoted (keys in the environment and in
    the request are known anyway). Raise the result `from None`, as the original may quote the key.
    """
    if isinstance(error, ModelFailed):
        return error
    chain = list(_causes(error))
    names = {cls.__name__ for cause in chain for cls in type(cause).__mro__}
    status = next((code for cause in chain if isinstance(code := getattr(cause, "status_code", None), int)), None)
    said = " ".join(str(part) for part in (getattr(error, "code", ""), getattr(error, "type", ""), error) if part)
    the_model = model or "the model"

    def failed(kind: str, sentence: str, wait: float | None = None) -> ModelFailed:
        # A model's name keeps its small letters.
        begun = sentence if model and sentence.startswith(model) else sentence[:1].upper() + sentence[1:]
        return ModelFailed(begun, kind=kind, retry_after=wait)

    if type(error) is NotImplementedError or _NO_TOOLS.search(said):
        return failed(
            "refused",
            f"{the_model} cannot fill in forms (it takes no tools), which this memory needs: choose another model for "
            "the memory in Settings, or another memory.",
        )
    if status in (401, 403):
        if status == 403:
            return failed("key", f"{the_model} may not be used with this key or from here: choose another in Settings.")
        return failed(
            "key", f"the key for {the_model} was refused: enter a valid one in Settings, or use the demo model."
        )
    if "insufficient_quota" in said or status == 402:
        return failed(
            "quota", f"the account that pays for {the_model} has no credit left: add some, or use another key."
        )
    if status == 429 or "rate_limit" in said:
        wait = _retry_after(error)
        return failed("rate_limit", f"{the_model} accepts no more requests for now: try again {_in(wait)}.", wait)
    if status == 413 or (status in (400, 422, 500, None) and _CONTEXT.search(said)):
        return failed(
            "context",
            f"the prompt is longer than {the_model} can read: lower the budget, choose a memory that sends less, "
            "or a model with a larger window.",
        )
    if status == 404:
        if "model" in said.lower():
            return failed(
                "unknown_model", f"the provider knows no model by the name of {the_model}: choose another in Settings."
            )
        return failed(
            "connection", "there is no chat service at this address: check OPENAI_BASE_URL, which usually ends in /v1."
        )
    if status in (400, 409, 422):
        if _CONTENT.search(said):
            return failed(
                "refused",
                f"{the_model} refused this prompt because of its content: change the message and send it again.",
            )
        return failed(
            "refused",
            f"{the_model} refused the request ({_quote(error, chain, keys)}): change the prompt or the model.",
        )
    if status is not None and status >= 500:
        wait = _retry_after(error)
        return failed(
            "server", f"the provider of {the_model} has trouble of its own ({status}): try again {_in(wait)}.", wait
        )
    if names & {"ConnectTimeout"}:
        return failed(
            "connection", f"{the_model} could not be reached: check the network and OPENAI_BASE_URL, then try again."
        )
    if names & _BROKEN:
        return failed(
            "broken_stream", f"the connection to {the_model} broke off before the answer was complete: try again."
        )
    if names & _LATE:
        return failed("timeout", f"{the_model} kept silent for too long: try again, or raise MODEL_TIMEOUT.")
    if names & _UNREACHED or "ConnectionError" in names:
        return failed(
            "connection", f"{the_model} could not be reached: check the network and OPENAI_BASE_URL, then try again."
        )
    if isinstance(error, ImportError):
        package = re.search(r"langchain[-_][\w-]+", str(error))
        name = package[0].replace("_", "-") if package else "of this provider"
        return failed(
            "unknown_model", f"{the_model} needs the package {name}: install it (pip install), or choose another model."
        )
    if "UnicodeEncodeError" in names:
        return failed(
            "refused", "the prompt holds half a character (a lone surrogate), which cannot be sent: remove it."
        )
    if "No generation chunks" in said or "Unexpected response type" in said:
        return failed(
            "connection",
            "what answers at this address is no chat service: check OPENAI_BASE_URL, which usually ends in /v1.",
        )
    if re.search(r"api[_ ]?key|credential|_TOKEN\b", said, re.I):
        return failed("key", f"there is no key for {the_model}: enter one in Settings, or use the demo model.")
    if "Unsupported provider" in said or "model_provider" in said:
        return failed("unknown_model", f"nobody provides {the_model}: write provider:name, such as openai:gpt-5-mini.")
    if "APIError" in names:
        return failed("server", f"{the_model} reported an error in the middle of its answer: try again.")
    return failed(
        "server", f"{the_model} could not answer ({_quote(error, chain, keys)}): try again, or choose another model."
    )


def flaw(message: Any) -> ModelFailed | None:
    """Find what is wrong with an answer that arrived without an exception; None for a good one.

    A connection that is closed in the middle looks like the end of an answer, but for the missing finish reason.
    """
    told: dict[str, Any] = message.response_metadata or {}
    finish = told.get("finish_reason") or told.get("stop_reason")
    if finish in ("content_filter", "refusal", "SAFETY") or (message.additional_kwargs or {}).get("refusal"):
        return ModelFailed("The model refused to answer because of the content: change the message.", kind="refused")
    if told.get("model_provider") == "openai" and not finish and not told.get("status"):
        return ModelFailed("The connection broke off before the answer was complete: try again.", kind="broken_stream")
    # A call whose arguments were cut off is completed by LangChain and looks whole.
    if finish == "length" and message.tool_calls:
        return ModelFailed("The model used up its output in the middle of a tool call: allow it more.", kind="refused")
    if not message.text and not message.tool_calls and not message.invalid_tool_calls:
        if finish == "length":
            return ModelFailed("The model used up its output before it began to answer: allow it more.", kind="refused")
        return ModelFailed("The model sent an empty answer: try again.", kind="server")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _retry_after(error: BaseException) -> float | None:
    """Read the wait in seconds from the headers, or from the provider's words."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    for name, unit in (("retry-after-ms", 1_000.0), ("retry-after", 1.0)):
        if re.fullmatch(r"\d+(\.\d+)?", text := headers.get(name, "")):
            return float(text) / unit
    said = re.search(r"try again in (\d+(?:\.\d+)?)(ms|s|m)\b", str(error))
    return float(said[1]) * {"ms": 0.001, "s": 1.0, "m": 60.0}[said[2]] if said else None


def _in(wait: float | None) -> str:
    if wait is None:
        return "in a moment"
    seconds = max(1, round(wait))
    return f"in {seconds} second{'s' * (seconds != 1)}" if seconds < 120 else f"in {round(seconds / 60)} minutes"


def _quote(error: BaseException, chain: list[BaseException], keys: tuple[str | None, ...]) -> str:
    """Quote the first line of an exception, short and without any key."""
    secrets = {key for key in keys if key}
    secrets |= {
        value for name, value in os.environ.items() if name.endswith(("_API_KEY", "_TOKEN", "_SECRET")) and value
    }
    for cause in chain:
        headers = getattr(getattr(cause, "__dict__", {}).get("request"), "headers", None) or {}
        secrets.add(headers.get("authorization", "").removeprefix("Bearer "))
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[key]")
    text = re.sub(r"\b(sk|pk|gsk|xai|key)-[\w*.-]{6,}|Bearer \S+|AIza[\w-]{10,}", "[key]", text)
    text = re.sub(r"^Error code: \d+ - ", "", text)
    return (text if len(text) <= 200 else text[:199] + "…").rstrip(".")
