"""A scripted conversation with its questions, as `memory/compare/scenarios/` holds them and teachers write their own.

    {"scenario": "moved",
     "talk": [{"at": "2026-03-02 18:05"},
              {"human": "I live in Oslo.", "id": "oslo"}, {"ai": "A fine city!"},
              {"at": "2026-04-11 09:30"},
              {"human": "I moved to Lisbon.", "id": "lisbon"}, {"ai": "Congratulations!"}],
     "questions": [{"ask": "Where do I live?", "evidence": ["lisbon"], "outdated": ["oslo"],
                    "now": "Lisbon", "before": "Oslo"}]}

A date begins a session. A message without an id is named by its number: m1, m2 and so on. What else may stand in it
(title, about, suggested, claims) is for `memory/compare/scenarios.py`. A word too many or an id that names no message
is refused with its place, since such a file is written by hand.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection

from memory.base import Role
from memory.errors import BadInput
from memory.exchange.bounds import name_of
from memory.formats.dates import seconds
from memory.formats.node import Node
from memory.formats.recording import Question, Recording, Talk, clipped
from memory.formats.source import Source

MEMBERS = ("scenario", "title", "about", "talk", "questions", "suggested", "claims")
_SPEAKERS: tuple[Role, ...] = ("human", "ai")
_ASKED = ("ask", "evidence", "outdated", "now", "before", "answer", "category", "at")


def fits(source: Source) -> bool:
    """Say whether it is an object that names a scenario and has a talk."""
    return source.root.has("scenario", "talk")


def read(source: Source) -> tuple[Recording, ...]:
    """Read the one conversation; raises BadInput with the place of the first thing that is wrong."""
    root = source.root.object()
    only(root, MEMBERS)
    talk, at, number = Talk(), 0.0, 0
    for row in root.get("talk").rows():
        only(row.object(), ("at", "human", "ai", "id"))
        if row.get("at").value is not None:
            talk.end_session()
            at = _date(row.get("at"))
        role, words = _said(row)
        if words is not None:
            number += 1
            id = row.get("id").text_or(f"m{number}")
            if id in talk.sources:
                raise refused(row.get("id"), f"{clipped(id, 60)} names an earlier message as well; choose another id")
            talk.say(role, words, at, id)
    turns = talk.turns()
    if not turns:
        raise refused(root.get("talk"), 'holds no message; write the first as {"human": "…"}')
    rows = root.get("questions").rows() if root.get("questions").value is not None else []
    questions = tuple(_question(row.object(), talk.sources) for row in rows)
    name = root.get("scenario").text()
    return (Recording(name, root.get("title").text_or(name), turns, questions, talk.notices),)


def only(node: Node, known: Collection[str]) -> None:
    """Refuse an object with a member that is not known, and name the nearest that is."""
    for key, member in node.members():
        if key not in known:
            near = difflib.get_close_matches(key[:100], known, 1)
            raise refused(member, f"is not known; {f'did you mean {near[0]}?' if near else 'use ' + ', '.join(known)}")


def refused(node: Node, what: str) -> BadInput:
    """Make the error that names a place of a file written by hand; `what` ends with the remedy."""
    place = clipped(name_of(node.path), 160)
    return BadInput(f"{place or 'The file'}: {what}")


def _said(row: Node) -> tuple[Role, str | None]:
    """Tell who says what in a line of the talk; None in one that holds a date alone."""
    said: list[tuple[Role, Node]] = [(role, row.get(role)) for role in _SPEAKERS if row.get(role).value is not None]
    if not said and row.get("at").value is not None and row.get("id").value is None:
        return "human", None
    if len(said) != 1:
        raise refused(row, 'must have one speaker; write {"human": "…"} or {"ai": "…"}, or {"at": "…"} alone')
    role, words = said[0]
    if not words.text().strip():
        raise refused(words, "says nothing; write what is said or take the line out")
    return role, words.text()


def _question(row: Node, known: Collection[str]) -> Question:
    only(row, _ASKED)
    category = row.get("category")
    return Question(
        row.get("ask").text(),
        category.text_or_number(),
        _ids(row.get("evidence"), known),
        (),
        row.get("answer").text_or_number(),
        _date(row.get("at")) if row.get("at").value is not None else 0.0,
        _ids(row.get("outdated"), known),
        row.get("now").text_or(),
        row.get("before").text_or(),
    )


def _ids(node: Node, known: Collection[str]) -> tuple[str, ...]:
    ids = node.rows() if node.value is not None else []
    for id in ids:
        if id.text() not in known:
            near = difflib.get_close_matches(id.text()[:100], list(known)[:1_000], 1, 0.7)
            hint = f"did you mean {near[0]}?" if near else "give that message this id, or name it by its number (m1)"
            raise refused(id, f"{clipped(id.text(), 60)} names no message; {hint}")
    return tuple(dict.fromkeys(id.text() for id in ids))


def _date(node: Node) -> float:
    at = seconds(node.text())
    if at is None:
        raise refused(node, f"{clipped(node.text(), 60)} is no date; write 2026-03-02 18:05")
    return at
