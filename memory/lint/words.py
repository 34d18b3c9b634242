"""Words by which what was said is found again, since they stand in nothing that is always there.

>>> said = telling(turns, besides="the instructions and the settings")
>>> said
{'kleinfeld': 3, 'alexandria': 7, 'dress': 3}
>>> alone(said, turns)                                  # a later turn speaks of a dress, too
{'kleinfeld': 3, 'alexandria': 7}
>>> found(said, "The user wants a gown from Kleinfeld.")
['kleinfeld']
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from memory.base import Turn

_WORD = re.compile(r"[^\W_]{4,}")
MOST = 400
"""So many words are looked for at most, the longest of each turn first."""


def words_of(text: str) -> set[str]:
    """Return the words of four letters and more, in small letters."""
    return set(_WORD.findall(text.casefold()))


def telling(turns: Sequence[Turn], besides: str = "") -> dict[str, int]:
    """Return words of the turns, each with the index of the first that has it; none that stands in `besides`."""
    places: dict[str, int] = {}
    for index, turn in enumerate(turns):
        for word in words_of(_said(turn)):
            places.setdefault(word, index)
    known = words_of(besides)
    chosen = sorted((word for word in places if word not in known), key=lambda word: (-len(word), word))
    each = max(1, MOST // max(1, len(turns)))
    taken: dict[int, int] = {}
    kept: dict[str, int] = {}
    for word in chosen:
        index = places[word]
        if taken.get(index, 0) < each and len(kept) < MOST:
            taken[index] = taken.get(index, 0) + 1
            kept[word] = index
    return kept


def alone(words: Mapping[str, int], turns: Sequence[Turn]) -> dict[str, int]:
    """Return those of some words that one turn alone has."""
    often: dict[str, int] = {}
    for turn in turns:
        for word in words_of(_said(turn)):
            often[word] = often.get(word, 0) + 1
    return {word: place for word, place in words.items() if often.get(word) == 1}


def _said(turn: Turn) -> str:
    return "\n".join(message.content for message in turn.messages)


def found(words: Iterable[str], text: str) -> list[str]:
    """Return the words that a text has, as whole words."""
    there = words_of(text)
    return [word for word in words if word in there]


def quoted(words: Sequence[str], of: Mapping[str, int]) -> str:
    """Write some words with the turn that each comes from: “kleinfeld” (turn 4)."""
    shown = ", ".join(f"“{word}” (turn {of[word] + 1:,})" for word in words[:3])
    return f"{shown}, …" if len(words) > 3 else shown
