"""Which questions a column did not find whole, and why each message that is missing was not in the prompt.

    >>> [first, *_] = misses(2, results, recordings)
    >>> first.text, first.share, first.missing[0].words, first.missing[0].why
    ('Where does Alex live now?', 0.0, 'I moved to Lisbon in May.', 'rank 31 of top 20')

Results name messages by their places; the words are read from the recordings. `contradictions` tells of the questions
with messages that a later one contradicts which of the two each column sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from memory.base import Message
from memory.compare.results import AskedRow, Results
from memory.evidence import Missing, Noted, places_of
from memory.formats import Question, Recording

Sent = Literal["new", "old", "both", "neither"]


@dataclass(frozen=True, slots=True)
class Told:
    """A message of a recording: its id, its turn (counted from 0) and place in it, who said it, its words.

    `why` says why it was not sent, "" where it was or where that is not asked. `words` is "" where the recording has
    no such message any more.
    """

    id: str
    turn: int
    place: int
    speaker: str
    words: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Missed:
    """A question of which a message of evidence was missing, by the number of its recording and its own there.

    `share` of the evidence was found, the messages `found` by their ids. `overlap` is what notes have of its words.
    """

    recording: int
    conversation: str
    number: int
    text: str
    category: int | str | None
    share: float
    tokens: int
    found: tuple[str, ...]
    missing: tuple[Told, ...]
    overlap: float | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A question whose evidence (`new`) contradicts what was said before (`old`), and what each column sent of both.

    `sent` has the columns that asked it by their numbers: which messages were sent whole. `noted` is which of the two
    stands in a column's summaries and notes, by the word that tells them apart; "" where it sent none.
    """

    recording: int
    conversation: str
    number: int
    text: str
    new: tuple[Told, ...]
    old: tuple[Told, ...]
    sent: Mapping[int, Sent]
    noted: Mapping[int, Noted]


def misses(number: int, results: Results, recordings: Sequence[Recording]) -> list[Missed]:
    """List the questions of column `number` that were not found whole, by recording and in their order."""
    found = []
    for place, recording in enumerate(recordings):
        result = results.get((place, number))
        for row in result.questions if result else ():
            if row.missing and row.number < len(recording.questions):
                found.append(_missed(place, recording, row))
    return found


def contradictions(results: Results, recordings: Sequence[Recording]) -> list[Contradiction]:
    """List the questions that have outdated messages, with what every column sent that has asked them."""
    found = []
    for place, recording in enumerate(recordings):
        asked = {
            (column, row.number): row
            for (at, column), result in sorted(results.items())
            if at == place
            for row in result.questions
        }
        for number, question in enumerate(recording.questions):
            if question.outdated:
                rows = {column: row for (column, of), row in asked.items() if of == number}
                found.append(_contradiction(place, recording, number, question, rows))
    return found


def sent_of(row: AskedRow) -> Sent:
    """Say which of two contradicting statements were sent whole, one message of either being enough."""
    if row.found:
        return "both" if row.outdated else "new"
    return "old" if row.outdated else "neither"


def _missed(place: int, recording: Recording, row: AskedRow) -> Missed:
    question = recording.questions[row.number]
    return Missed(
        place,
        recording.title or recording.id,
        row.number,
        question.text,
        question.category,
        row.share or 0.0,
        row.tokens,
        row.found,
        tuple(_told(recording, one) for one in row.missing),
        row.overlap,
        row.answer,
    )


def _contradiction(
    place: int, recording: Recording, number: int, question: Question, rows: Mapping[int, AskedRow]
) -> Contradiction:
    places = places_of(recording.turns)

    def told(ids: Sequence[str]) -> tuple[Told, ...]:
        return tuple(_told(recording, Missing(id, "", *places[id][0])) for id in ids if id in places)

    return Contradiction(
        place,
        recording.title or recording.id,
        number,
        question.text,
        told(question.evidence),
        told(question.outdated),
        {column: sent_of(row) for column, row in rows.items()},
        {column: row.noted for column, row in rows.items()},
    )


def _told(recording: Recording, one: Missing) -> Told:
    message = _message(recording, one.turn, one.place)
    speaker = (message.name or message.role) if message else ""
    return Told(one.message, one.turn, one.place, speaker, message.content if message else "", one.why)


def _message(recording: Recording, turn: int, place: int) -> Message | None:
    messages = recording.turns[turn].messages if turn < len(recording.turns) else ()
    return messages[place] if place < len(messages) else None
