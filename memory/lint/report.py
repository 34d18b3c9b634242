"""What a lint says: one check for each thing that the rules ask for, with its verdict and the evidence.

>>> check = broken("limit", "16,483 of 2,000 tokens were sent before turn 103", turns=(102,), sent=16483, limit=2000)
>>> check.rule, check.name, check.verdict
(2, 'What is sent keeps to its limit, notes included', 'broken')
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["holds", "broken", "not known"]
Progress = Callable[[float, str], None]
"""Is told the share that is done, from 0 to 1, and what goes on; an exception that it raises ends the lint."""

RULES: dict[str, tuple[int, str]] = {
    "transcript": (1, "The transcript stays as it was"),
    "limit": (2, "What is sent keeps to its limit, notes included"),
    "newest": (2, "The turn just spoken is never silently lost"),
    "read": (3, "Reading changes nothing and gives the same twice"),
    "twice": (3, "The same turn written twice leaves one trace"),
    "restart": (4, "A restart loses nothing"),
    "replay": (5, "The transcript alone rebuilds what it knows"),
    "async": (5, "Saving asynchronously does the same"),
    "failure": (6, "A failing model loses no turn"),
    "clear": (7, "What is cleared is gone"),
    "forget": (7, "A turn that is forgotten is gone"),
    "owner": (8, "Another owner sees nothing of it"),
    "tools": (9, "Tool calls and their results stay together"),
    "roles": (9, "Nothing that is typed passes for another speaker"),
    "sources": (10, "Every earlier turn is sent, or left out with a reason"),
    "calls": (11, "The memory's own model calls are recorded"),
    "growth": (12, "The work of a turn does not grow with the conversation"),
}
"""Each check by its id: the rule that it belongs to, and what it asks for in plain words."""

MOST_TURNS = 5
"""How many turns a check names at most: the first that show it."""
MOST_DIFF = 2000
"""Characters of a difference that are kept."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried; `said` is the evidence in words, or why nothing is known.

    `turns` are the indexes (from 0) of the first turns that show it, `sent` and `limit` are tokens, `diff` shows two
    texts that should have been the same.
    """

    id: str
    verdict: Verdict
    said: str
    turns: tuple[int, ...] = ()
    sent: int | None = None
    limit: int | None = None
    diff: str = ""

    @property
    def rule(self) -> int:
        return RULES[self.id][0]

    @property
    def name(self) -> str:
        return RULES[self.id][1]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "id": self.id,
            "rule": self.rule,
            "name": self.name,
            "verdict": self.verdict,
            "evidence": self.said,
            "turns": list(self.turns),
            "sent": self.sent,
            "limit": self.limit,
            "diff": self.diff,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one memory over one conversation, in the order of the rules.

    `made_by` is "ours" or "LangChain"; `history` is where LangChain's class kept its messages, "" for ours. `turns` is
    how many turns the conversation has; where it was ended before them, `tried` is how many it was told, `stopped` why.
    """

    memory: str
    settings: Mapping[str, Any]
    turns: int
    checks: tuple[Check, ...]
    made_by: Literal["ours", "LangChain"] = "ours"
    history: str = ""
    tried: int | None = None
    stopped: str = ""

    @property
    def title(self) -> str:
        """Name it with its settings, and whose it is: window (k=3), or LangChain's own over Redis."""
        values = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        whose = " of LangChain" if self.made_by == "LangChain" else ""
        where = {"Redis": " over Redis", "in memory": " over a history in memory"}.get(self.history, "")
        return f"{self.memory}({values}){whose}{where}"

    def count(self, verdict: Verdict) -> int:
        return sum(check.verdict == verdict for check in self.checks)

    def check(self, id: str) -> Check | None:
        return next((check for check in self.checks if check.id == id), None)

    @property
    def sound(self) -> bool:
        """Whether nothing is broken."""
        return not self.count("broken")

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "memory": self.memory,
            "made_by": self.made_by,
            "history": self.history or None,
            "settings": dict(self.settings),
            "turns": self.turns,
            "tried": self.turns if self.tried is None else self.tried,
            "stopped": self.stopped or None,
            "holds": self.count("holds"),
            "broken": self.count("broken"),
            "not_known": self.count("not known"),
            "checks": [check.to_json() for check in self.checks],
        }


def holds(id: str, said: str, **more: Any) -> Check:
    return Check(id, "holds", said, **more)


def broken(id: str, said: str, turns: Iterable[int] = (), **more: Any) -> Check:
    return Check(id, "broken", said, tuple(turns)[:MOST_TURNS], **more)


def not_known(id: str, said: str) -> Check:
    return Check(id, "not known", said)


def difference(expected: str, found: str) -> str:
    """Write the lines in which two texts differ, "-" before those that were expected and "+" before those found."""
    lines = difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=1)
    text = "\n".join(list(lines)[:200])
    return text if len(text) <= MOST_DIFF else f"{text[:MOST_DIFF]} …"


@dataclass(slots=True)
class Findings:
    """Collects what a check finds turn by turn; one of them is told, of the others where they are."""

    id: str
    said: str = ""
    place: int = 0
    turns: list[int] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    def add(self, turn: int, said: str, worse: bool = False, **more: Any) -> None:
        """Note what was found at a turn; the first is told, or one that is `worse` than those before."""
        if worse or not self.turns:
            self.said, self.place, self.more = said, turn, more
        if turn not in self.turns[-1:]:
            self.turns.append(turn)

    def check(self, otherwise: str) -> Check:
        """Return the check: broken where something was found, else holding with these words."""
        if not self.turns:
            return holds(self.id, otherwise)
        times = len(self.turns)
        also = f"; at {times:,} turns in all" if times > 1 else ""
        others = (turn for turn in self.turns if turn != self.place)
        return broken(self.id, f"{self.said}{also}", [self.place, *others], **self.more)


def ordered(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Sort checks as the rules go."""
    places = list(RULES)
    return tuple(sorted(checks, key=lambda check: places.index(check.id)))
