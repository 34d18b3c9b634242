"""A prompt that was edited in step mode: the messages as they are sent, changed, removed or added, and kept by hash.

    >>> messages = as_sent(prompt, encoding)
    >>> mine = (*messages[:-1], added("system", "Answer in French.", encoding), messages[-1])
    >>> edited(messages, mine, encoding, window=8192, model="demo").tokens
    47

What is sent then stands in no turn and no note, so the thread keeps it whole among its texts: `to_text` writes it,
and a trace names it under "prompt". Each message keeps the source that it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from memory.base import Message, Segment
from memory.errors import BadInput
from memory.prompt import Prompt, PromptMessage
from memory.tokens import count_tokens, well_formed

EDITED = "prompt"
"""Under which name a trace's `texts` has the hash of an edited prompt."""
ADDED = "added"
"""The item of a message that somebody wrote in step mode."""
EDITED_WHY = "edited in step mode"
_ROWS: TypeAdapter[tuple[PromptMessage, ...]] = TypeAdapter(tuple[PromptMessage, ...])


def as_sent(prompt: Prompt, encoding: str) -> tuple[PromptMessage, ...]:
    """Return the messages as a model gets them: what is quoted in one go is one message."""
    sent: list[PromptMessage] = []
    for quoted, run in groupby(prompt.messages, key=lambda message: message.quoted):
        if not quoted:
            sent += run
            continue
        lines = list(run)
        text = "".join(line.content for line in lines).rstrip("\n")
        size, cut = count_tokens(text, encoding), any(line.shortened for line in lines)
        sent.append(PromptMessage("system", text, lines[0].segment, "quotes", size, "quoted turns", shortened=cut))
    return tuple(sent)


def reworded(message: PromptMessage, content: str, encoding: str) -> PromptMessage:
    """Return a message with another text."""
    text = well_formed(content)
    if text == message.content:
        return message
    why = message.why if message.item == ADDED else EDITED_WHY
    return _counted(replace(message, content=text, why=why, shortened=False), encoding)


def added(type: Literal["system", "human", "ai"], content: str, encoding: str) -> PromptMessage:
    """Return a message that no memory recalled."""
    segment: Segment = "instructions" if type == "system" else "query"
    return _counted(PromptMessage(type, well_formed(content), segment, ADDED, 0, "added in step mode"), encoding)


def said(message: PromptMessage) -> tuple[object, ...]:
    """Return what of a message reaches the model; two that say the same are the same to it."""
    return message.type, message.content, message.name, message.tool_calls, message.tool_call_id, message.pictures


def room(window: int) -> int:
    """Return how many tokens of a context window a prompt may take; the rest is the answer's."""
    return window - min(1024, window // 4)


def edited(
    before: Sequence[PromptMessage], after: Sequence[PromptMessage], encoding: str, window: int, model: str
) -> Prompt:
    """Return the prompt to send instead of `before`; raises BadInput for what a model would refuse.

    A tool's result goes with its call. `window` is what the model takes, in tokens.
    """
    messages = _paired(after, encoding)
    known = {id(message) for message in before}
    for number, message in enumerate(messages, 1):
        if not message.content.strip() and not message.tool_calls and id(message) not in known:
            raise BadInput(f"Message {number} of the prompt is empty: write something into it or remove it.")
    if not any(message.type == "human" and message.content.strip() for message in messages):
        raise BadInput("A prompt needs at least one message of the user: models refuse one without. Add one.")
    prompt = Prompt(tuple(messages))
    if prompt.tokens > room(window):
        raise BadInput(
            f"The edited prompt has {prompt.tokens:,} tokens; {model} takes {window:,} with its answer, which leaves "
            f"{room(window):,}. Shorten or remove a message."
        )
    return prompt


def to_text(prompt: Prompt) -> str:
    """Write a prompt as JSON: each message with its type, content and source."""
    return _ROWS.dump_json(prompt.messages, exclude_defaults=True).decode()


def from_text(text: str, encoding: str) -> Prompt | None:
    """Read what `to_text` wrote, its tokens counted anew; None where it cannot be read, as an import may hold."""
    try:
        rows = _ROWS.validate_json(text)
    except ValidationError:
        return None
    return Prompt(tuple(_counted(row, encoding) for row in rows))


def _counted(message: PromptMessage, encoding: str) -> PromptMessage:
    calls = Message("ai", "", tool_calls=message.tool_calls).count_calls(encoding)
    return replace(message, tokens=count_tokens(message.content, encoding) + calls + message.picture_tokens)


def _paired(messages: Sequence[PromptMessage], encoding: str) -> list[PromptMessage]:
    """Drop tool results that do not follow their call, and calls without a result: providers refuse both."""
    kept: list[PromptMessage] = []
    place = 0
    while place < len(messages):
        message = messages[place]
        end = place = place + 1
        while end < len(messages) and messages[end].type == "tool":
            end += 1
        if message.type == "tool":
            continue
        results, place = messages[place:end], end
        asked = {call.get("id") for call in message.tool_calls}
        results = [result for result in results if result.tool_call_id in asked]
        given = {result.tool_call_id for result in results}
        if asked != given:
            calls = tuple(call for call in message.tool_calls if call.get("id") in given)
            message = _counted(replace(message, tool_calls=calls), encoding)
            if not calls and not message.content:
                continue
        kept += [message, *results]
    return kept
