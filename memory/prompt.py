"""The exact prompt: instructions, what the memory recalled, the query; each message with its source and tokens.

    >>> [(message.segment, message.item, message.tokens) for message in prompt.messages]
    [('instructions', 'instructions', 24), ('history', 'turn:4', 9), ('history', 'turn:4', 12), ('query', 'query', 6)]

Roles are fields and never part of a text, so nothing that a user types can forge one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from memory.base import Item, Message, Recall, Segment, Turn
from memory.common.fit import shorten_turn
from memory.common.quote import INTRODUCTION, date_line, line_of
from memory.pictures.sight import block
from memory.tokens import BUILT_IN, count_tokens, shorten, split_model, well_formed

ANYWHERE = ("", "openai", "azure_openai", *BUILT_IN)
"""The providers that take a system message at any place; "" stands for none in particular."""


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message as it is sent; `item` names its source, `turn` is the index of the turn it comes from.

    Those `quoted` one after the other are sent as one: each is some lines of it. `pictures` are the ids of those that
    are sent with it, `picture_tokens` of `tokens` theirs, as far as these are known.
    """

    type: Literal["system", "human", "ai", "tool"]
    content: str
    segment: Segment
    item: str
    tokens: int
    why: str
    turn: int | None = None
    shortened: bool = False
    name: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    tool_call_id: str | None = None
    quoted: bool = False
    pictures: tuple[str, ...] = ()
    picture_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages a prompt is sent as, how many of them bear a name, and how many tool calls they hold."""

    messages: int = 0
    named: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is sent, in order."""

    messages: tuple[PromptMessage, ...]

    @property
    def tokens(self) -> int:
        """The tokens of all contents and tool calls; a provider adds a few for each message."""
        return sum(message.tokens for message in self.messages)

    def segments(self) -> dict[Segment, int]:
        """Sum the tokens by segment."""
        sums: dict[Segment, int] = {"instructions": 0, "memory": 0, "history": 0, "query": 0}
        for message in self.messages:
            sums[message.segment] += message.tokens
        return sums

    @property
    def counts(self) -> Counts:
        """Count what a provider puts tokens of its own around; what is quoted in one go is sent as one message."""
        runs = groupby(self.messages, key=lambda message: message.quoted)
        return Counts(
            sum(1 if quoted else sum(1 for _ in run) for quoted, run in runs),
            sum(message.name is not None for message in self.messages),
            sum(len(message.tool_calls) for message in self.messages),
        )

    def hash(self) -> str:
        """Name the prompt's exact bytes, so that a prompt rebuilt from references can be checked."""
        rows = [
            [m.type, m.content, m.name, list(m.tool_calls), m.tool_call_id, *([list(m.pictures)] if m.pictures else [])]
            for m in self.messages
        ]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=True, sort_keys=True).encode()).hexdigest()[:16]

    def langchain(self, model: str = "", fetch: Callable[[str], bytes | None] | None = None) -> list[BaseMessage]:
        """Return the messages as LangChain's, as the provider of a model takes them.

        Most take system messages at the beginning alone: what stands later is sent to them in the user's role. `fetch`
        gives the bytes of a picture by its id; without it, or of one that is kept no longer, the words alone are sent.
        """
        sent: list[BaseMessage] = []
        for quoted, run in groupby(self.messages, key=lambda message: message.quoted):
            if quoted:
                sent.append(SystemMessage("".join(message.content for message in run).rstrip("\n")))
            else:
                sent += [_langchain(message, fetch) for message in run]
        if split_model(model)[0] in ANYWHERE:
            return sent
        first = next((at for at, message in enumerate(sent) if message.type != "system"), 0)
        late = [HumanMessage(message.text) if message.type == "system" else message for message in sent[first:]]
        return sent[:first] + late


def assemble(
    instructions: str,
    recall: Recall,
    transcript: Sequence[Turn],
    query: str,
    encoding: str,
    pictures: Mapping[str, int | None] = MappingProxyType({}),
    why: str = "what you just said",
) -> Prompt:
    """Put a prompt together: instructions first, then the recalled items in their order, the query last.

    `pictures` are those sent with the query, by id, with the tokens of each; None where nobody knows them.
    """
    messages: list[PromptMessage] = []
    instructions = well_formed(instructions)
    if instructions:
        tokens = count_tokens(instructions, encoding)
        messages.append(
            PromptMessage("system", instructions, "instructions", "instructions", tokens, "your system prompt")
        )
    for quoted, items in groupby(recall.items, key=lambda item: item.quoted):
        if quoted:
            messages += _quotes(items, transcript, encoding)
        else:
            messages += [message for item in items for message in _item(item, transcript, encoding)]
    seen = sum(filter(None, pictures.values()))
    size = count_tokens(query, encoding) + seen
    messages.append(
        PromptMessage("human", query, "query", "query", size, why, pictures=tuple(pictures), picture_tokens=seen)
    )
    return Prompt(tuple(messages))


def _item(item: Item, transcript: Sequence[Turn], encoding: str) -> list[PromptMessage]:
    if item.turns is None:
        cut, text = item.shortened is not None, well_formed(item.text or "")
        if item.picture:
            # Providers take pictures in the user's role alone.
            shown, seen = (item.picture,), item.tokens - count_tokens(text, encoding)
            of = (item.segment, item.ref, item.tokens, item.why)
            return [PromptMessage("human", text, *of, pictures=shown, picture_tokens=seen)]
        return [PromptMessage("system", text, item.segment, item.ref, item.tokens, item.why, shortened=cut)]
    turns: Sequence[Turn] = transcript[item.turns[0] : item.turns[1]]
    if item.ref.startswith("message:"):
        turns = [Turn(turns[0].id, _named(item, turns[0]), index=turns[0].index)]
    if item.shortened is not None:
        turns = [shorten_turn(turn, item.shortened, encoding) for turn in turns]
    return [
        PromptMessage(
            message.role,
            message.content,
            item.segment,
            item.ref if item.ref.startswith("message:") else f"turn:{turn.index}",
            message.count(encoding),
            item.why,
            turn.index,
            item.shortened is not None,
            message.name,
            message.tool_calls,
            message.tool_call_id,
        )
        for turn in map(_paired, turns)
        for message in turn.messages
    ]


def _named(item: Item, turn: Turn) -> tuple[Message, ...]:
    """Return the message that an item names; a turn that was forgotten since has none."""
    place = int(item.ref.partition(".")[2])
    return turn.messages[place : place + 1]


def _quotes(items: Iterable[Item], transcript: Sequence[Turn], encoding: str) -> list[PromptMessage]:
    """Quote the turns of items that follow each other, under one introduction and a line for each date."""
    messages: list[PromptMessage] = []

    def add(content: str, item: Item, name: str, turn: Turn | None, why: str) -> None:
        if messages and not messages[-1].content.endswith("\n"):
            # What was cut ends in the middle of its line; nobody else's begins there.
            ended = messages[-1].content + "\n"
            messages[-1] = replace(messages[-1], content=ended, tokens=count_tokens(ended, encoding))
        tokens, cut = count_tokens(content, encoding), item.shortened is not None and turn is not None
        index = turn.index if turn else None
        messages.append(PromptMessage("system", content, item.segment, name, tokens, why, index, cut, quoted=True))

    dated = ""
    for item in items:
        assert item.turns
        for turn in transcript[item.turns[0] : item.turns[1]]:
            if not messages:
                add(INTRODUCTION, item, "quotes", None, "says what follows")
            if (date := date_line(turn.at)) and date != dated:
                dated = date
                add(date, item, f"date:{turn.index}", None, "when the next was said")
            said = list(turn.messages)
            if item.ref.startswith("message:"):
                said = list(_named(item, turn))
            if item.shortened is not None:
                cut = shorten("".join(map(line_of, said)), item.shortened, encoding)
                add(cut, item, f"turn:{turn.index}", turn, item.why)
                continue
            for message in said:
                if line := line_of(message):
                    name = item.ref if item.ref.startswith("message:") else f"turn:{turn.index}"
                    add(line, item, name, turn, item.why)
    return messages


def _paired(turn: Turn) -> Turn:
    """Drop tool calls without a result and results without a call, as an import may hold: providers refuse both."""
    asked = {call.get("id") for message in turn.messages for call in message.tool_calls}
    given = {message.tool_call_id for message in turn.messages if message.role == "tool"}
    if asked == given:
        return turn
    messages: list[Message] = []
    for message in turn.messages:
        calls = tuple(call for call in message.tool_calls if call.get("id") in given)
        empty = bool(message.tool_calls) and not calls and not message.content
        if not empty and (message.role != "tool" or message.tool_call_id in asked):
            messages.append(replace(message, tool_calls=calls))
    return replace(turn, messages=tuple(messages))


def _langchain(message: PromptMessage, fetch: Callable[[str], bytes | None] | None = None) -> BaseMessage:
    # Providers refuse a name with spaces or brackets; the name on the screen stays as it was.
    name = re.sub(r"[^\w-]+", "_", message.name)[:64] if message.name else None
    match message.type:
        case "system":
            return SystemMessage(message.content)
        case "human":
            found = [block(data) for id in message.pictures if fetch and (data := fetch(id))]
            content: list[str | dict[str, Any]] = [{"type": "text", "text": message.content}, *found]
            return HumanMessage(content if found else message.content, name=name)
        case "tool":
            return ToolMessage(message.content, tool_call_id=message.tool_call_id or "")
        case "ai":
            return AIMessage(message.content, name=name, tool_calls=[dict(call) for call in message.tool_calls])


def message_of(role: Literal["human", "ai", "tool"], content: str, encoding: str, **more: Any) -> Message:
    """Make a message with its tokens counted; lone surrogates, which no store can carry, are replaced."""
    text = well_formed(content)
    return Message(role, text, tokens={encoding: count_tokens(text, encoding)}, **more)
