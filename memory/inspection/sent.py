"""A prompt written out: word for word what the model was sent, as messages in JSON or as plain text.

    >>> print(as_text(prompt))
    system: Be brief.
    <BLANKLINE>
    user: Where was I born?

Both are for reading and copying. The JSON has the messages in OpenAI's form, quotes joined into the one message that
they are sent as. `with_sources` has each span apart, with where it came from, why, and its tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

from memory.prompt import Prompt, PromptMessage

ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}


def as_json(prompt: Prompt) -> str:
    """Write a prompt as the messages that were sent."""
    return _written([_row(message) for message in prompt.langchain(fetch=str.encode)])


def as_text(prompt: Prompt) -> str:
    """Write a prompt as text, each message behind its role; a message that calls tools has the calls as JSON."""
    parts = []
    for message in prompt.langchain():
        row = _row(message)
        calls = [json.dumps(call, ensure_ascii=False, default=str) for call in row.get("tool_calls", ())]
        said = "\n".join(filter(None, [str(row["content"] or ""), *calls]))
        parts.append(f"{row.get('name') or row['role']}: {said}")
    return "\n\n".join(parts)


def with_sources(prompt: Prompt, name: Callable[[PromptMessage], str]) -> str:
    """Write each span of a prompt with its source, named by `name` for a reader, and by its own reference."""
    rows = []
    for message in prompt.messages:
        row: dict[str, Any] = {"source": name(message), "item": message.item, "why": message.why}
        if message.turn is not None:
            row["turn"] = message.turn + 1
        row |= {"tokens": message.tokens, "role": ROLES[message.type], "content": message.content}
        if message.shortened:
            row["shortened"] = True
        if message.tool_calls:
            row["tool_calls"] = [dict(call) for call in message.tool_calls]
        rows.append(row)
    return _written(rows)


def _written(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, indent=1, default=str)


def _row(message: BaseMessage) -> dict[str, Any]:
    row: dict[str, Any] = {"role": ROLES[message.type], "content": message.text}
    if isinstance(message.content, list):
        # The bytes of a picture are nothing to read.
        shown = {"type": "image", "base64": "the bytes of the picture, not shown here"}
        row["content"] = [part if part["type"] == "text" else shown for part in message.content]  # type: ignore[index]
    if message.name:
        row["name"] = message.name
    if calls := getattr(message, "tool_calls", None):
        row["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["args"], ensure_ascii=False)},
            }
            for call in calls
        ]
    if isinstance(message, ToolMessage):
        row["tool_call_id"] = message.tool_call_id
    return row
