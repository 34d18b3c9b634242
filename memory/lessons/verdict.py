"""What came of a claim: whether it holds, and what was measured for it.

>>> Verdict(None, "not measured yet").held is None      # unknown, which is neither true nor false
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from memory.common.words import plural


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim holds, None where it cannot be measured (yet), and what was measured, in words.

    `measured` may quote what users, models and files wrote.
    """

    held: bool | None
    measured: str


NOT_YET = Verdict(None, "not measured yet")


def turns(numbers: Iterable[int]) -> str:
    """Name turns: no turn, turn 3, turns 1, 2 and 5."""
    names = [f"{number:,}" for number in sorted(numbers)]
    if not names:
        return "no turn"
    listed = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    return f"turn{'s' * (len(names) > 1)} {listed}"


def holds_word(text: str, words: str) -> bool:
    """Say whether words stand in a text as whole words, whatever the case."""
    return re.search(rf"(?<!\w){_spaced(words)}(?!\w)", text, re.I) is not None


def holds_part(text: str, words: str) -> bool:
    """Say whether words stand in a text, be it as a part of others, whatever the case."""
    return re.search(_spaced(words), text, re.I) is not None


def all_there(wanted: Iterable[str], texts: Iterable[str], where: str) -> Verdict:
    """Measure that each of some words stands, whole, in one of the texts."""
    texts = list(texts)
    missing = [words for words in wanted if not any(holds_word(text, words) for text in texts)]
    looked = f"looked through {plural(len(texts), 'text')} {where}"
    return Verdict(not missing, f"{_quoted(missing)} not found; {looked}" if missing else f"found; {looked}")


def none_there(wanted: Iterable[str], texts: Iterable[str], where: str) -> Verdict:
    """Measure that none of some words stands in any of the texts, not even as a part of others."""
    texts = list(texts)
    found = [words for words in wanted if any(holds_part(text, words) for text in texts)]
    looked = f"looked through {plural(len(texts), 'text')} {where}"
    return Verdict(not found, f"{_quoted(found)} found; {looked}" if found else f"not found; {looked}")


def _spaced(words: str) -> str:
    return r"\s+".join(re.escape(word) for word in words.split())


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"“{one}”" for one in words)
