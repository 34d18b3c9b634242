"""LangChain's messages as turns, and back again: what an agent keeps as a list, a memory reads as turns.

    >>> start = start_of(messages)                     # where the current turn begins: its query and all that follows
    >>> turns_of(messages[:start])[0].human
    'My name is Alex.'

A turn is a run of human messages and all that follows until the next one. A turn's id is made of its place and its
words, so that one which was edited is another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import groupby

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from memory.base import Message, Role, Turn
from memory.prompt import Prompt
from memory.tokens import well_formed

_ROLES: dict[str, Role] = {"human": "human", "ai": "ai", "tool": "tool", "function": "tool"}


def start_of(messages: Sequence[BaseMessage], id: str | None = None) -> int:
    """Return where the current turn begins: at the message of this id, else at the last run of human messages."""
    if id:
        for place, message in enumerate(messages):
            if message.id == id:
                return place
    place = len(messages)
    while place and messages[place - 1].type != "human":
        place -= 1
    while place and messages[place - 1].type == "human":
        place -= 1
    return place


def turns_of(messages: Sequence[BaseMessage], times: Mapping[str, float] | None = None) -> list[Turn]:
    """Part messages into turns; system messages are instructions and in none. `times` are seconds by a turn's id."""
    runs: list[list[Message]] = []
    for message in messages:
        if message.type == "system":
            continue
        said = _message(message)
        if not runs or (said.role == "human" and runs[-1][-1].role != "human"):
            runs.append([])
        runs[-1].append(said)
    turns = []
    for index, run in enumerate(runs):
        id = _id(index, run)
        turns.append(Turn(id, tuple(run), at=(times or {}).get(id, 0.0), index=index))
    return turns


def query_of(messages: Sequence[BaseMessage]) -> str:
    """Return what the human asks in the messages of a turn: all that stands before the first answer."""
    run = next((list(group) for human, group in groupby(messages, lambda m: m.type == "human") if human), [])
    return "\n".join(well_formed(str(message.text)) for message in run)


def fingerprint(turns: Sequence[Turn]) -> str:
    """Name turns by all that was said in them."""
    return hashlib.sha256("".join(turn.id for turn in turns).encode()).hexdigest()[:16]


def sent_messages(prompt: Prompt, earlier: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return a prompt's messages as LangChain's; one that is sent whole is the very message of `earlier`.

    So what a text alone cannot hold, an image or a provider's own block, is sent again.
    """
    rows = _by_turn(earlier)
    sent: list[BaseMessage] = []
    for quoted, run in groupby(prompt.messages, key=lambda message: message.quoted):
        part = tuple(run)
        made = Prompt(part).langchain()
        if quoted:
            sent += made
        else:
            sent += [_original(one, rows.get(source.turn, [])) for one, source in zip(made, part, strict=True)]
    return sent


def _by_turn(messages: Sequence[BaseMessage]) -> dict[int | None, list[BaseMessage]]:
    """Return the messages of each turn by its index, parted as `turns_of` parts them."""
    rows: dict[int | None, list[BaseMessage]] = {}
    index, last = -1, ""
    for message in messages:
        if message.type == "system":
            continue
        if index < 0 or (message.type == "human" and last != "human"):
            index += 1
        last = message.type
        rows.setdefault(index, []).append(message)
    return rows


def _original(made: BaseMessage, row: list[BaseMessage]) -> BaseMessage:
    """Take the message out of a turn's that says the same; what was made where there is none, as where it was cut."""
    for place, message in enumerate(row):
        if _same(made, message):
            return row.pop(place)
    return made


def _same(made: BaseMessage, message: BaseMessage) -> bool:
    if made.type != message.type or made.text != well_formed(str(message.text)):
        return False
    if isinstance(made, AIMessage) and isinstance(message, AIMessage):
        return made.tool_calls == message.tool_calls
    return getattr(made, "tool_call_id", None) == getattr(message, "tool_call_id", None)


def _message(message: BaseMessage) -> Message:
    calls = tuple(dict(call) for call in message.tool_calls) if isinstance(message, AIMessage) else ()
    return Message(
        _ROLES.get(message.type, "ai"),
        well_formed(str(message.text)),
        name=message.name,
        tool_calls=calls,
        tool_call_id=message.tool_call_id if isinstance(message, ToolMessage) else None,
    )


def _id(index: int, run: Sequence[Message]) -> str:
    said = [[m.role, m.content, m.name, list(m.tool_calls), m.tool_call_id] for m in run]
    text = json.dumps([index, said], ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
