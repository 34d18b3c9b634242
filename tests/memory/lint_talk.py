"""What the tests of lint say: a person's turns, then numbered ones.

>>> [turn.human for turn in talk(9)][-1]
'Note number 8 is about subject 352.'
"""

from __future__ import annotations

from dataclasses import replace

from memory.base import Turn
from tests.memory.fakes import plain

SAID = (
    "My name is Alexander and I live in Stavanger.",
    "I like rooibos tea. I prefer short answers.",
    "My sister Margarethe works at the Kleinfeld bakery in Lyon.",
    "What is my name?",
    "Remember that Margarethe has a dog called Rexington.",
    "I moved to Copenhagen yesterday.",
    "Where does my sister live?",
    "I bought a turquoise cargo bicycle.",
)


def talk(length: int = 12) -> list[Turn]:
    """Make turns that begin as a person does and go on with numbers."""
    said = [*SAID, *(f"Note number {place} is about subject {place * 7919 % 1000}." for place in range(8, length))]
    turns = [plain(place, text, f"I see, reply {place}.") for place, text in enumerate(said[:length])]
    return [replace(turn, at=1000.0 + 60 * turn.index) for turn in turns]
