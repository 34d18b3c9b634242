"""Makes one of two facts: what says the same is said once, what is contradicted stays as history.

    >>> one = joined(Fact("f1", ("facts",), "Memory", {"content": "The user lives in Oslo."}, at=1.0),
    ...              Fact("f2", ("facts",), "Memory", {"content": "The user lives in Lisbon."}, at=2.0))
    >>> one.key, one.text, one.history[0].content, one.merged
    ('f1', 'The user lives in Lisbon.', {'content': 'The user lives in Oslo.'}, ('f2',))

Every version keeps its own sources: forgetting a turn takes out what that turn said, and the other still says it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from memory.longterm.facts import MOST_HISTORY, WRITTEN_ANEW, Fact, Version
from memory.longterm.feedback import NAMESPACE as FEEDBACK

_MARKS = re.compile(r"[^\w\s]+")


def mergeable(fact: Fact) -> bool:
    """Whether a fact is a sentence that can be held against another: no document of fields, no instructions."""
    return fact.plain and fact.kind not in WRITTEN_ANEW and fact.namespace != FEEDBACK


def same_place(one: Fact, other: Fact) -> bool:
    """Whether two facts may become one: labels keep facts apart, and so do kinds."""
    return (one.namespace, one.kind) == (other.namespace, other.kind)


def age(fact: Fact) -> tuple[float, float, int, str]:
    """Order facts by when they were said, the older first."""
    last = fact.sources[-1].index if fact.sources else -1
    return fact.at, fact.created, last, fact.key


def digest(fact: Fact) -> tuple[tuple[str, ...], str, str]:
    """Tell sentences that say the same in the same words: case, spaces and marks make no difference."""
    words = " ".join(_MARKS.sub(" ", fact.text.casefold()).split())
    # What is written in marks alone says different things by them.
    return fact.namespace, fact.kind, words or fact.text


def repeated(facts: Iterable[Fact]) -> list[tuple[Fact, Fact]]:
    """Return the pairs that say the same in the same words, each with the oldest of them."""
    alike: defaultdict[tuple[tuple[str, ...], str, str], list[Fact]] = defaultdict(list)
    for fact in sorted(facts, key=age):
        if mergeable(fact):
            alike[digest(fact)].append(fact)
    return [(first, other) for first, *others in alike.values() for other in others]


def joined(one: Fact, other: Fact, longest: bool = False) -> Fact:
    """Return what is left of two facts under the older one's key; the newer statement holds.

    With `longest` the one that says more holds, as where they say the same.
    """
    older, newer = sorted((one, other), key=age)
    said = [*older.history, _now(older, newer.at), *newer.history]
    holds, weight, sure = newer, newer.importance, newer.confidence
    if longest:
        weight, sure = max(older.importance, newer.importance), max(older.confidence, newer.confidence)
        if _words(older.content) > _words(newer.content):
            holds = older
            said.append(_now(newer, newer.at))
    return replace(
        older,
        content=holds.content,
        sources=holds.sources,
        at=newer.at,
        importance=weight,
        confidence=sure,
        history=tuple(sorted(said, key=lambda version: version.at))[-MOST_HISTORY:],
        merged=tuple(dict.fromkeys((*older.merged, newer.key, *newer.merged))),
        weighed=0.0,
    )


def _now(fact: Fact, until: float) -> Version:
    return Version(fact.content, fact.sources, fact.at, max(fact.at, until))


def _words(content: Mapping[str, object]) -> int:
    return len(str(content.get("content", "")).split())
