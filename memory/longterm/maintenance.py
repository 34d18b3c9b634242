"""What a maintenance pass would do to the facts of a user, worked out without doing it.

    >>> [(action.kind, action.why) for action in plan(rows, recalls, now)]
    [('merge', 'They say the same.'), ('lower', 'Not recalled in 20 turns that recalled others: importance 5 → 2.')]

merge     what says the same becomes one fact, with the sources of both
resolve   of two that contradict each other the newer holds, the older becomes its history
lower     what is not recalled weighs half as much
propose   what weighs little and still is not recalled might be forgotten: nothing is done until somebody says so

By rules alone it sees what is said in the same words; `verdicts` are a model's on what is said in others. An action
rests on those before it, and a second pass after the first finds nothing to do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from memory.longterm.facts import Fact, from_row, to_value
from memory.longterm.merging import joined, mergeable, repeated, same_place
from memory.longterm.recalls import Recalls
from memory.longterm.rows import Row, field_of

NAMESPACE = ("maintenance",)
"""Where the log is, and what is known of the last pass."""
CHANCES = 20
"""After how many turns that recalled others a fact counts as not recalled."""
FAINT = 2
"""The importance up to which what is not recalled is proposed to be forgotten."""
MOST = 200
"""Actions of one pass; a pass that has more to do says so."""

Kind = Literal["merge", "resolve", "lower", "propose", "forget"]
Relation = Literal["same", "contradiction"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model says of two facts, by their keys."""

    one: str
    other: str
    relation: Relation


@dataclass(frozen=True, slots=True)
class Step:
    """An item before and after an action, by its value; None where it is not there. `index` are its embedded paths."""

    namespace: tuple[str, ...]
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    index: tuple[str, ...] | None = None

    @property
    def field(self) -> str:
        return field_of(self.namespace, self.key)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a pass does, and why, in words without any of what the facts say."""

    kind: Kind
    steps: tuple[Step, ...]
    why: str


Declined = Sequence[tuple[Kind, frozenset[str], float]]
"""What a person has taken back or not wanted: what was done, to which keys, and when that was said."""


def plan(
    rows: Iterable[Row], recalls: Recalls, now: float, verdicts: Sequence[Verdict] = (), declined: Declined = ()
) -> list[Action]:
    """Return what is to be done, in its order, `MOST` actions at most; `declined` is not done again.

    Items that expire, or that are no facts, stay as they are.
    """
    kept = [row for row in rows if row.expires is None and row.namespace != NAMESPACE]
    work = _Work([(fact, row) for row in kept if (fact := from_row(row))], declined)
    for one, other in repeated(work.facts.values()):
        work.join(one.key, other.key, "same", "They say the same.")
    for verdict in sorted(verdicts, key=lambda verdict: verdict.relation != "same"):
        why = "They say the same in other words." if verdict.relation == "same" else "Only one of them can hold."
        work.join(verdict.one, verdict.other, verdict.relation, why)
    _weigh(work, recalls, now)
    return work.actions[:MOST]


class _Work:
    """The facts as the actions so far leave them; a key that went into another one leads there."""

    def __init__(self, facts: Sequence[tuple[Fact, Row]], declined: Declined) -> None:
        often = Counter(fact.key for fact, _ in facts)
        # A key that stands in two namespaces names neither of them.
        own = [(fact, row) for fact, row in facts if often[fact.key] == 1]
        self.facts = {fact.key: fact for fact, _ in own}
        self.declined = declined
        self.actions: list[Action] = []
        self._values: dict[str, Mapping[str, Any]] = {row.key: row.value for _, row in own}
        self._indexes = {row.key: row.index for _, row in own}
        self._went: dict[str, str] = {}

    def join(self, one: str, other: str, relation: Relation, why: str) -> None:
        kind: Kind = "merge" if relation == "same" else "resolve"
        if any(did == kind and {one, other} <= keys for did, keys, _ in self.declined):
            return
        first, second = self.facts.get(self._now(one)), self.facts.get(self._now(other))
        if not first or not second or first.key == second.key or not same_place(first, second):
            return
        if not (mergeable(first) and mergeable(second)):
            return
        made = joined(first, second, longest=relation == "same")
        gone = second if made.key == first.key else first
        newer = "" if relation == "same" else " The newer one holds."
        kept = first if made.key == first.key else second
        self._do(kind, [self._step(kept, made), self._step(gone, None)], why + newer)
        self._went[gone.key] = made.key

    def weigh(self, fact: Fact, kind: Kind, after: Fact, why: str) -> None:
        self._do(kind, [self._step(fact, after)], why)

    def _do(self, kind: Kind, steps: list[Step], why: str) -> None:
        self.actions.append(Action(kind, tuple(steps), why))
        for step in steps:
            if step.after is None:
                self.facts.pop(step.key)

    def _step(self, fact: Fact, after: Fact | None) -> Step:
        before, made = self._values[fact.key], to_value(after) if after else None
        if after == fact:
            made = dict(before)
        if after and made is not None:
            self.facts[fact.key], self._values[fact.key] = after, made
        return Step(fact.namespace, fact.key, before, made, self._indexes[fact.key])

    def _now(self, key: str) -> str:
        while key in self._went:
            key = self._went[key]
        return key


def _weigh(work: _Work, recalls: Recalls, now: float) -> None:
    """Lower what is not recalled, and propose to forget what weighs little already."""
    places = {key: fact.namespace for fact in work.facts.values() for key in (fact.key, *fact.merged)}
    turns: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for at, keys in sorted(recalls.turns, key=lambda turn: turn[0]):
        for place in {places[key] for key in keys if key in places}:
            turns[place].append(at)
    said = {key: at for _, named, at in sorted(work.declined, key=lambda one: one[2]) for key in named}
    for fact in sorted(work.facts.values(), key=lambda fact: (fact.at, fact.key)):
        own = (fact.key, *fact.merged)
        since = max(fact.at, fact.created, fact.weighed, said.get(fact.key, 0.0))
        chances = len(turns[fact.namespace]) - bisect_right(turns[fact.namespace], since)
        if chances < CHANCES or recalls.since(since, *own):
            continue
        why = f"Not recalled in {chances:,} turns that recalled others"
        if fact.importance > FAINT:
            after = replace(fact, importance=max(1, fact.importance // 2), weighed=now)
            work.weigh(fact, "lower", after, f"{why}: importance {fact.importance} → {after.importance}.")
        else:
            work.weigh(fact, "propose", fact, f"{why}, and of importance {fact.importance}.")
