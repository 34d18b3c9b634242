"""How recalled turns are quoted: lines "Speaker: text" under their date, in one block of the prompt's instructions.

    >>> "".join(quoted([turns[12], turns[40]]))
    'Quoted from earlier in this conversation:\n8 May 2023:\nCaroline: I passed the interviews!\n9 June 2023:\n...'

Turns that are recalled out of their order are quoted and not sent as messages of their own, since a model takes those
for a conversation without gaps. A message's further lines are indented, so that none can pose as a speaker. Every
line ends with a line feed and none begins with a space, so that the tokens of the lines add up to those of the block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from memory.base import Item, Message, Turn
from memory.tokens import count_tokens

INTRODUCTION = "Quoted from earlier in this conversation:\n"
SPEAKERS = {"human": "Human", "ai": "AI", "tool": "Tool"}
"""Who speaks where a message names nobody, in every text that quotes one."""


def line_of(message: Message) -> str:
    """Quote a message as one line, empty where it says nothing."""
    if not message.content.strip():
        return ""
    # A token may hold the end of a line and slashes after it, but nothing else of the next line.
    name = " ".join((message.name or "").split()).lstrip("/ ") or SPEAKERS[message.role]
    return f"{name}: " + "\n    ".join(message.content.strip().splitlines()) + "\n"


@lru_cache(maxsize=4096)
def date_line(at: float) -> str:
    """Write the date (UTC) of a time in seconds as a line of its own, empty where the time is not known."""
    if at <= 0:
        return ""
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day} {day:%B} {day.year}:\n"


@lru_cache(maxsize=4096)
def heading_tokens(line: str, encoding: str) -> int:
    """Count the tokens of an introduction or a date line; there are few of them."""
    return count_tokens(line, encoding)


def headings(items: Iterable[Item], transcript: Sequence[Turn], encoding: str) -> list[int]:
    """Count what each quoted item pays for in the block: the first for the introduction, any for a date that is new."""
    costs: list[int] = []
    dated = ""
    for item in items:
        assert item.turns
        first, end = item.turns
        cost = 0 if costs else heading_tokens(INTRODUCTION, encoding)
        for turn in transcript[first:end] if end > first + 1 else (transcript[first],):
            if (date := date_line(turn.at)) and date != dated:
                dated, cost = date, cost + heading_tokens(date, encoding)
        costs.append(cost)
    return costs
