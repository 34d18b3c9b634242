"""What a scenario says will come of it, and whether it did: each claim is measured by a replay, none is believed.

    >>> claim = Claim("window:k=3", "evidence", question=1, says="missing")
    >>> held(claim, {"window:k=3": result})
    Verdict(held=True, measured='missing')

In a scenario's file:

    {"memory": "window:k=3", "question": 1, "evidence": "missing"}     found · part · missing
    {"memory": "vector:k=2", "question": 1, "why": "rank 5"}           stands in why a message was not sent
    {"memory": "buffer", "question": 1, "outdated": "sent"}            sent · unsent
    {"memory": "summary", "question": 1, "notes": "new"}               new · old · both · neither
    {"memory": "summary", "question": 1, "overlap": [0.6, 1.0]}        from, to
    {"memory": "buffer", "question": 1, "tokens": [480, 500]}          of what it put into that prompt
    {"memory": "summary", "calls": [12, 12]}                           calls · tokens · largest · cost · cost_uncached
    {"memory": "buffer", "beside": "window:k=3", "cost": [0.5, 0.9]}   its share of the other's
    {"memory": "buffer", "crosses": "window:k=3", "cost": [14, 16]}    the last turn from which it is the dearer
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, get_args

from memory.compare.results import AskedRow, RunResult
from memory.formats.node import Node
from memory.formats.scenario import only, refused
from memory.money.projection import crossings

Figure = Literal["calls", "tokens", "largest", "cost", "cost_uncached"]
About = Literal[
    "evidence", "why", "outdated", "notes", "overlap", "calls", "tokens", "largest", "cost", "cost_uncached"
]
_FIGURES: tuple[Figure, ...] = get_args(Figure)
_SAYS: Mapping[str, tuple[str, ...]] = {
    "evidence": ("found", "part", "missing"),
    "why": (),
    "outdated": ("sent", "unsent"),
    "notes": ("new", "old", "both", "neither"),
}
_NAMES: Mapping[str, str] = {
    "calls": "own calls",
    "tokens": "tokens of all prompts",
    "largest": "tokens of the largest prompt",
    "cost": "cost with caching",
    "cost_uncached": "cost without caching",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that holds for a memory: of question `question` (from 1), or of the whole conversation (0).

    `says` is what is measured, or for a number `least` and `most` are: the number itself, its share of that of the
    memory `beside`, or the last turn from which on it is more than that of the memory `crosses`.
    """

    memory: str
    about: About
    question: int = 0
    says: str = ""
    least: float = 0.0
    most: float = 0.0
    beside: str = ""
    crosses: str = ""

    @property
    def memories(self) -> tuple[str, ...]:
        """All that must run for it to be measured."""
        return tuple(filter(None, (self.memory, self.beside, self.crosses)))

    @property
    def statement(self) -> str:
        """What is claimed, without of whom and of which question."""
        if self.says:
            what = {"why": "not sent, as", "outdated": "what is outdated is", "notes": "its notes hold"}.get(self.about)
            return f"{what + ' ' if what else ''}{self.says}"
        between = f"{self.least:,g}" if self.least == self.most else f"{self.least:,g} to {self.most:,g}"
        if self.about == "overlap":
            return f"share of its words in the notes {between}"
        name = "tokens of this prompt" if self.question else _NAMES[self.about]
        if self.crosses:
            return f"{name} is more than that of {self.crosses} from turn {between} on"
        return f"{name} {between}{f' times that of {self.beside}' if self.beside else ''}"

    def __str__(self) -> str:
        return f"{f'Question {self.question}, ' if self.question else ''}{self.memory}: {self.statement}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim holds, and what was measured."""

    held: bool
    measured: str


def held(claim: Claim, results: Mapping[str, RunResult]) -> Verdict:
    """Measure a claim on the results of its memories, by their specs."""
    result = results[claim.memory]
    if result.failed:
        return Verdict(False, result.failed)
    if claim.question and claim.about != "tokens":
        return _asked(claim, result.questions[claim.question - 1])
    value = _figure(claim, result)
    if claim.beside:
        other = _figure(claim, results[claim.beside])
        value = value / other if value is not None and other else None
    elif claim.crosses:
        value = _crossing(claim, result, results[claim.crosses])
    return _between(claim, value)


def _asked(claim: Claim, row: AskedRow) -> Verdict:
    if claim.about == "overlap":
        return _between(claim, row.overlap)
    if claim.about == "why":
        whys = "; ".join(missing.why for missing in row.missing)
        return Verdict(claim.says in whys, whys or "found")
    if claim.about == "evidence":
        measured = {None: "nothing is asked for", 1.0: "found", 0.0: "missing"}.get(row.share, "part")
    elif claim.about == "outdated":
        measured = "sent" if row.outdated else "unsent"
    else:
        measured = row.noted or "no note"
    return Verdict(measured == claim.says, measured)


def _figure(claim: Claim, result: RunResult) -> float | None:
    totals = result.totals
    if claim.question:
        return result.questions[claim.question - 1].tokens
    money = {"cost": totals.cost, "cost_uncached": totals.cost_uncached}
    if claim.about in money:
        cost = money[claim.about]
        return None if cost is None else float(cost)
    return {"calls": totals.own_calls, "tokens": totals.prompt_tokens}.get(claim.about, totals.largest_prompt)


def _crossing(claim: Claim, one: RunResult, other: RunResult) -> float | None:
    lines = []
    for result in (one, other):
        row = result.costs_uncached if claim.about == "cost_uncached" else result.costs
        lines.append(list(accumulate(cost for cost in row if cost is not None)))
    found = crossings(*lines)
    return float(found[-1].turn) if found and found[-1].dearer == 0 else None


def _between(claim: Claim, value: float | None) -> Verdict:
    if value is None:
        return Verdict(False, "not known")
    return Verdict(claim.least <= value <= claim.most, f"{value:,.4g}" if value < 1_000 else f"{value:,.0f}")


def read_claim(row: Node, questions: int, spec: Callable[[Node], str]) -> Claim:
    """Read a claim of a scenario's file; `spec` checks a memory. Raises BadInput with its place."""
    only(row, ("memory", "question", "beside", "crosses", *get_args(About)))
    about: list[About] = [name for name in get_args(About) if row.get(name).value is not None]
    if len(about) != 1:
        raise refused(row, f"must say one thing; give one of {', '.join(get_args(About))}")
    name, value = about[0], row.get(about[0])
    beside, crosses = (spec(row.get(key)) if row.get(key).value is not None else "" for key in ("beside", "crosses"))
    claim = Claim(spec(row.get("memory")), name, _number(row, questions, name), "", 0.0, 0.0, beside, crosses)
    if name in _SAYS:
        known = _SAYS[name]
        if known and value.text() not in known:
            raise refused(value, f"{value.text()[:40]!r} cannot be measured; write {', '.join(known)}")
        return Claim(claim.memory, name, claim.question, value.text())
    ends = value.rows()
    if len(ends) != 2 or any(isinstance(end.value, bool) or not isinstance(end.value, (int, float)) for end in ends):
        raise refused(value, "must be two numbers; write [from, to]")
    if (beside and crosses) or (crosses and not name.startswith("cost")):
        raise refused(row, "compares in a way that is not known; give beside, or crosses with cost or cost_uncached")
    return Claim(claim.memory, name, claim.question, "", float(ends[0].value), float(ends[1].value), beside, crosses)


def _number(row: Node, questions: int, about: About) -> int:
    """Return which question a claim is about, from 1; 0 for one about the whole conversation."""
    node = row.get("question")
    if about in _FIGURES and (node.value is None or about != "tokens"):
        if node.value is not None:
            raise refused(node, f"take it out, since {about} is measured of the whole conversation")
        return 0
    number = node.value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= questions:
        raise refused(node, f"must be the number of a question; write 1 to {questions}")
    return number
