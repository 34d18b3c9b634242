"""Fields whose description names what may stand in them: "such as oak, ash or old pine".

    >>> examples("the wood that the user works in, such as oak, ash or old pine")
    ('old pine', 'ash', 'oak')
    >>> chosen("I prefer Oak to ash.", ("old pine", "ash", "oak"))
    'Oak'

What the user says they use, prefer or write in is a value of the field that knows the word; nothing is known of words
but what the schema says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from memory.demo import words as w

_LIST = re.compile(r"\bsuch as (.+?)(?:[.;:]|$)")
_VERBS = frozenset(map(w.key, ("use", "prefer", "write", "code", "program", "develop", "work", "choose", "pick", "is")))
_AS_MY = re.compile(r"(?i)\b(?:use|have|chose|choose|picked|prefer|took|take) (.+?) as my ([\w ]+)")


def examples(description: str) -> tuple[str, ...]:
    """Return the values that a description names, the longest first."""
    found = _LIST.search(description)
    parts = re.split(r",\s*(?:or\s+)?|\s+or\s+", found[1]) if found else []
    return tuple(sorted({part.strip() for part in parts if part.strip()}, key=lambda part: (-len(part), part)))[:40]


def chosen(text: str, known: Sequence[str]) -> str:
    """Return the first of the known values that a statement of the user's chooses, as it was written; else ""."""
    verbs = [match for match in re.finditer(r"[\w'’]+", text) if w.key(match[0]) in _VERBS]
    hits = [
        match
        for value in known
        for match in [re.search(rf"(?i)(?<!\w){re.escape(value)}(?!\w)", text)]
        if match and any(verb.start() < match.start() for verb in verbs)
    ]
    return min(hits, key=lambda match: (match.start(), -len(match[0])))[0] if hits else ""


def named_as(text: str) -> tuple[str, str]:
    """Return what the user takes as which thing of theirs, two empty texts where they say of none.

    >>> named_as("I use Glimp as my editor")
    ('Glimp', 'editor')
    """
    found = _AS_MY.search(text)
    return (found[1], found[2]) if found else ("", "")
