"""Who still knew it: whether a thing that was said early stands in the prompt of a later message, column by column.

    >>> said = ["I am allergic to hazelnuts.", "I have three days in Lisbon.", "My hotel is near the river."]
    >>> suggest(said, "What am I allergic to?")
    0
    >>> knew(seen, 0).state, knew(seen, 0).why
    ('missing', 'outside the last k=2 turns')

What stands in a prompt is certain; whether the model made anything of it is not said here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from memory.common.quote import SPEAKERS
from memory.inspection.inspect import Inspection
from memory.retrieval.lexical import LexicalIndex
from memory.retrieval.units import Unit
from memory.retrieval.words import ends_as_question, terms

GIST = 0.5
"""The share of the fact's words that must stand in notes for them to hold it."""


@dataclass(frozen=True, slots=True)
class Knew:
    """What a prompt held of a turn: its words ("sent"), some of them in notes alone ("gist"), or neither ("missing").

    `why` is the trace's reason and `overlap` the share, from 0 to 1, of its words that stand in the notes that were
    sent; None where none were. "ahead" is a fact that was said after the message that asks for it.
    """

    state: Literal["sent", "gist", "missing", "ahead"]
    why: str = ""
    overlap: float | None = None


def suggest(said: Sequence[str], query: str) -> int | None:
    """Return the place of the message that most likely answers a question, by its words.

    None where it is no question, or no message that is none itself shares a word with it.
    """
    asked = set(terms(query)) if ends_as_question(query) else set()
    told = [place for place, text in enumerate(said) if not ends_as_question(text) and asked & set(terms(text))]
    if not told:
        return None
    scores = _index(tuple(said)).scores(query)
    return max(told, key=lambda place: (scores[place], -place))


def fact_in(rounds: Sequence[str], said: Sequence[str], round: str, chosen: Mapping[str, str]) -> int | None:
    """Return the place of the earlier message that one asks for: as chosen by hand, by rounds, else the likeliest.

    `said` are the messages of the `rounds` of a column. None where it asks for none, or "" was chosen.
    """
    place = rounds.index(round) if round in rounds else 0
    hand = chosen.get(round)
    if hand == "":
        return None
    if hand in rounds[:place]:
        return rounds.index(hand)
    return suggest(said[:place], said[place]) if place else None


@lru_cache(maxsize=8)
def _index(said: tuple[str, ...]) -> LexicalIndex:
    return LexicalIndex(Unit(place, 0, SPEAKERS["human"], text, 0.0, 0) for place, text in enumerate(said))


def knew(seen: Inspection, index: int) -> Knew:
    """Say what the prompt of a turn held of what the user said in the turn at an index."""
    trace = seen.trace
    if index >= trace.read_length:
        return Knew("ahead")
    said = seen.transcript[index].human
    spoken = [message for message in seen.rebuilt.prompt.messages if message.segment != "query"]
    notes = {term for one in spoken if one.turn is None and one.segment == "memory" for term in terms(one.content)}
    stems = set(terms(said))
    overlap = len(stems & notes) / len(stems) if notes and stems else None
    if said and any(one.turn == index and _flat(said) in _flat(one.content) for one in spoken):
        why = next((item.why for item in trace.items if item.turns and item.turns[0] <= index < item.turns[1]), "")
        return Knew("sent", why, overlap)
    cut = any(one.turn == index and one.shortened for one in spoken)
    over = [left for left in trace.left_out if left.turns[0] <= index < left.turns[1]]
    exact = [left for left in over if left.message == 0] or [left for left in over if left.message is None] or over
    why = "only a part of its words" if cut else exact[0].why if exact else ""
    return Knew("gist" if overlap is not None and overlap >= GIST else "missing", why, overlap)


def _flat(text: str) -> str:
    return " ".join(text.split())
