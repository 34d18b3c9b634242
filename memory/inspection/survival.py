"""Which words of a turn survive in a summary or note that speaks of it, and which are lost.

    >>> found = survival("I was born in Oslo in 1987 and have a cat.", "The user was born in Oslo.")
    >>> found.kept, found.lost
    (('born', 'Oslo'), ('1987', 'cat'))

Looked at are words of content (`content.py`), each once. No model is asked. A word survives where the summary
has it, whichever turn brought it there; a word that a synonym stands for is counted as lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from memory.base import Note, Turn
from memory.common.extract import sources_of
from memory.inspection.content import content, runs


@dataclass(frozen=True, slots=True)
class Survival:
    """A turn's words of content in the order in which it has them, each with whether it survives."""

    words: tuple[tuple[str, bool], ...]

    @property
    def kept(self) -> tuple[str, ...]:
        return tuple(word for word, survives in self.words if survives)

    @property
    def lost(self) -> tuple[str, ...]:
        return tuple(word for word, survives in self.words if not survives)


def survival(said: str, gist: str) -> Survival:
    """Compare what was said with what a summary says of it."""
    known = {word.key for word in content(gist)}
    once = list({word.key: word for word in reversed(list(content(said)))}.values())
    once.sort(key=lambda word: word.start)
    return Survival(
        tuple(
            (text, survives)
            for survives, run in groupby(once, key=lambda word: word.key in known)
            for text, _ in runs(run, said)
        )
    )


def turn_survival(turn: Turn, notes: Sequence[Note]) -> Survival:
    """Compare what a turn said with the notes that tell of it, taken together."""
    said = "\n".join(message.content for message in turn.messages if message.content)
    return survival(said, "\n".join(note.text for note in notes))


def tell_of(notes: Iterable[Note], index: int) -> list[Note]:
    """Return the notes that tell of the turn at an index: by the turns that they name, else by the span they cover."""
    found = []
    for note in notes:
        named = sources_of(note)
        if note.text and (index in named if named else note.turns[0] <= index < note.turns[1]):
            found.append(note)
    return found
