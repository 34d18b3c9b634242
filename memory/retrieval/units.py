"""The unit of retrieval: a turn, or in an import with ids for its messages a single message.

    >>> turn = Turn("a1", (Message("human", "I ran my first marathon.", name="Ana", source="D1:3"),), at=1e9, index=7)
    >>> units_of(turn, session=0)
    [Unit(turn=7, message=0, speaker='Ana', text='I ran my first marathon.', at=1000000000.0, session=0)]

Turns without a rest between them are one session: its units may stand in for one another's context, and it has one
date line in the prompt. Imports give every turn of a session the same time, so there each new date begins one; in a
live chat a rest of three hours does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from memory.base import Message, Turn
from memory.common.quote import SPEAKERS

REST = 3 * 3600.0
"""Seconds without a turn after which the next one begins a session: longer than a meal, shorter than a night."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is found as one: `message` is the place of a message in its turn, None for the whole turn.

    `speaker` is empty where the text holds several messages, each on a line of its own behind its speaker's name.
    `at` is in seconds (UTC); `session` counts from 0.
    """

    turn: int
    message: int | None
    speaker: str
    text: str
    at: float
    session: int


def speaker_of(message: Message) -> str:
    """Name who speaks: the message's own name, else its role."""
    return message.name or SPEAKERS[message.role]


def passage(unit: Unit) -> str:
    """Return what a unit's vector is made of: its text behind its speaker's name."""
    return f"{unit.speaker}: {unit.text}" if unit.speaker else unit.text


def units_of(turn: Turn, session: int) -> list[Unit]:
    """Cut a turn into its units: one, or where any message has an id from an import one for each message with text.

    Tool messages and calls are not searched; a turn that says nothing has no unit.
    """
    said = [(place, m) for place, m in enumerate(turn.messages) if m.role != "tool" and m.content.strip()]
    if any(message.source is not None for _, message in said):
        return [Unit(turn.index, place, speaker_of(m), m.content, turn.at, session) for place, m in said]
    if not said:
        return []
    text = "\n".join(f"{speaker_of(message)}: {message.content}" for _, message in said)
    return [Unit(turn.index, None, "", text, turn.at, session)]


def session_after(at: float, before: float | None, session: int) -> int:
    """Number the session of a turn at `at` whose predecessor, at `before`, is in `session`; the first turn is in 0."""
    return session if before is None or abs(at - before) < REST else session + 1


def all_units(turns: Iterable[Turn]) -> Iterator[Unit]:
    """Cut turns into units, session by session, from the first turn of a thread on."""
    session, before = 0, None
    for turn in turns:
        session = session_after(turn.at, before, session)
        before = turn.at
        yield from units_of(turn, session)
