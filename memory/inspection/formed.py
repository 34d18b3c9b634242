"""What a turn left in what is remembered of its user: each thing that was made of it, and what that said before.

    >>> [(one.ref, one.before, one.after) for one in formed(seen)]
    [('fact:9d1d36a549148e2a:2', 'The user works at Acme.', 'The user works at Globex now.')]

It may have been made later, when the conversation had rested; what was merged of several turns is none of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from memory.catalog import load
from memory.forgetting.remembered import remembered
from memory.inspection.inspect import Inspection
from memory.longterm.facts import Fact, Version
from memory.longterm.feedback import KIND as FEEDBACK
from memory.longterm.prompt_store import KIND as INSTRUCTIONS
from memory.longterm.prompt_store import prompt_of


@dataclass(frozen=True, slots=True)
class Formed:
    """A version of something remembered, by its ref; `before` is "" where it was new."""

    ref: str
    before: str
    after: str


def formed(seen: Inspection) -> list[Formed]:
    """Return what was made of the turn and is still kept, in the order of its making; raises StoreUnavailable."""
    cls = load().memories.get(seen.trace.memory)
    if cls is None or (cls.scope != "user" and cls.family != "composed"):
        return []
    found: list[tuple[float, Formed]] = []
    for fact in remembered(seen.store, seen.user).values():
        if fact.kind == FEEDBACK:
            continue
        versions = (*fact.history, Version(fact.content, fact.sources, fact.at, 0.0))
        for place, version in enumerate(versions):
            if [(one.thread, one.turn) for one in version.sources] == [(seen.thread, seen.turn.id)]:
                before = _told(_as(fact, versions, place - 1)) if place else ""
                now = _as(fact, versions, place)
                found.append((version.at, Formed(now.ref, before, _told(now))))
                break  # one that was made to hold again later is no second one
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _told(fact: Fact) -> str:
    """Write what it says; of instructions what is sent, and not the feedback that caused them."""
    return prompt_of(fact).text if fact.kind == INSTRUCTIONS else fact.text


def _as(fact: Fact, versions: tuple[Version, ...], place: int) -> Fact:
    """Return a fact as one of its versions was."""
    return replace(fact, content=versions[place].content, history=versions[:place])
