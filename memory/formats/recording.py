"""What every format is read into: recordings, made of turns, with the questions that are asked about them.

    >>> talk = Talk()
    >>> talk.say("human", "I am Alex.", source="D1:1")
    >>> talk.say("ai", "Hello Alex.", source="D1:2")
    >>> talk.end_session()
    >>> Recording("conv-1", "Alex", talk.turns())

A turn is a run of the human's messages and the run of the other's that follows; the end of a session ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from memory.base import Message, Role, Turn
from memory.errors import BadInput
from memory.exchange.bounded_json import MAX_TEXT
from memory.exchange.package import Content
from memory.prompt import message_of
from memory.tokens import DEFAULT_ENCODING

MAX_MESSAGES = 500_000
"""Messages of one recording."""
MAX_NOTICES = 50
"""Notices of one recording; beyond them one says that there was more."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something asked about a recording, and the messages that hold its answer, each by its `source`.

    `unknown_evidence` are ids that name no message; `outdated` are messages that the evidence contradicts. `at` is
    when it is asked, in UTC seconds, 0 where nobody says. `answer` is the right one; what a trick question wants to
    hear instead is none. `now` is the word that the answer hangs on ("Lisbon") and `before` the one of what is outdated
    or taken for it ("Oslo"): by them notes are told apart, which repeat no message; empty where nobody says.
    """

    text: str
    category: int | str | None = None
    evidence: tuple[str, ...] = ()
    unknown_evidence: tuple[str, ...] = ()
    answer: str | None = None
    at: float = 0.0
    outdated: tuple[str, ...] = ()
    now: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """One conversation of a file; `notices` say what of it is no turn or was left out, a sentence each.

    `content` is there for our own export alone: its traces and notes.
    """

    id: str
    title: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...] = ()
    notices: tuple[str, ...] = ()
    content: Content | None = None

    @property
    def messages(self) -> int:
        return sum(len(turn.messages) for turn in self.turns)


class Talk:
    """Takes messages in their order and makes turns of them."""

    def __init__(self) -> None:
        self._turns: list[Turn] = []
        self._open: list[Message] = []
        self._at = 0.0
        self._count = 0
        self._notes: dict[str, None] = {}
        self.sources: dict[str, int] = {}
        """How often each id of a message was given."""

    def say(
        self, role: Role, content: str, at: float = 0.0, source: str | None = None, name: str = "", **more: Any
    ) -> None:
        """Add a message; `at` is its time or its session's, `more` its tool_calls and tool_call_id."""
        self._count += 1
        if self._count > MAX_MESSAGES:
            raise BadInput(
                f"The file has a conversation of more than {MAX_MESSAGES:,} messages: split it, nothing was imported."
            )
        if len(content) > MAX_TEXT:
            raise BadInput(
                f"The file has a message of {len(content):,} characters and a message may have {MAX_TEXT:,}: "
                "shorten it, nothing was imported."
            )
        if role == "human" and self._open and self._open[-1].role != "human":
            self.end_session()
        if source is not None:
            self.sources[source] = self.sources.get(source, 0) + 1
        self._at = self._at or at
        shown = clipped(name, 100) or None
        self._open.append(message_of(role, content, DEFAULT_ENCODING, source=source, name=shown, **more))

    def end_session(self) -> None:
        """End the turn, whichever side it may still lack."""
        if self._open:
            index = len(self._turns)
            self._turns.append(Turn(f"turn-{index}", tuple(self._open), at=self._at, index=index))
        self._open, self._at = [], 0.0

    def turns(self) -> tuple[Turn, ...]:
        """End the last session and return all turns; asked for once."""
        self.end_session()
        twice = sum(count > 1 for count in self.sources.values())
        if twice:
            self.note(f"{twice:,} id{'s name' if twice != 1 else ' names'} more than one message.")
        return tuple(self._turns)

    def note(self, sentence: str) -> None:
        """Add a notice, once."""
        if len(self._notes) < MAX_NOTICES:
            self._notes[sentence] = None
        else:
            self._notes["More was left out than is told here."] = None

    @property
    def notices(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def system(self, text: str) -> None:
        """Note a system prompt, which is no turn."""
        if text.strip():
            self.note(f"Its system prompt is no turn and was left out: “{clipped(text, 300)}”")


def evidence(ids: Iterable[str], known: Mapping[str, object]) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """Tell ids that name a message from those that do not, each once; and say how many were only spelled otherwise.

    Nothing but leading zeros is mended: `D30:05` is `D30:5` where that is a message, `D:11:26` is nothing.
    """
    found: dict[str, None] = {}
    unknown: dict[str, None] = {}
    mended = 0
    for id in ids:
        if id in known:
            found[id] = None
        elif (plain := re.sub(r"(?<!\d)0+(?=\d)", "", id)) in known:
            found[plain] = None
            mended += 1
        else:
            unknown[id] = None
    return tuple(found), tuple(unknown), mended


def evidence_notices(questions: Iterable[Question], mended: int) -> list[str]:
    """Say how many ids of evidence name no message, and how many were read with other zeros."""
    unknown = [id for question in questions for id in question.unknown_evidence]
    listed = ", ".join(unknown[:5]) + (", …" if len(unknown) > 5 else "")
    notices = []
    if unknown:
        notices.append(
            f"{len(unknown):,} id{'s name' if len(unknown) != 1 else ' names'} no message as evidence: {listed}."
        )
    if mended:
        notices.append(f"{mended:,} id{'s' * (mended != 1)} of evidence had leading zeros and were read without.")
    return [clipped(notice, 500) for notice in notices]


def clipped(text: str, length: int) -> str:
    """Write a text of anybody's as one line of at most `length` characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * length]).split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
