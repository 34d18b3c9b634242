"""What a team asks of a memory, so that its own CI can hold it to it.

    >>> wanted = Requirement.parse("recall>=0.8")
    >>> wanted.holds(row), wanted.told(row)
    (False, 'recall is 0.61')
    >>> Requirement.parse("recal>=0.8")
    Traceback (most recent call last):
    memory.errors.BadInput: recal>=0.8: there is no figure named recal; did you mean recall?

What is not known does not hold: a price nobody has, a recall where no question has evidence, a run that did not reach
its end. `lint` asks that no rule of `memory/lint` is broken.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from memory.compare.figures import Row
from memory.errors import BadInput

LINT = "lint"
_Figure = int | float | Decimal | None


@dataclass(frozen=True, slots=True)
class Known:
    """A figure that can be asked for: what it is in plain words, its value in a row, whether it is a share (0 to 1)."""

    about: str
    of: Callable[[Row], _Figure]
    share: bool = False
    lacks: str = "nothing was measured"


_NO_PRICE = "a price is not known"
_NO_EVIDENCE = "no question has evidence"

FIGURES: dict[str, Known] = {
    "recall": Known("mean share of a question's evidence in its prompt", lambda row: row.recall, True, _NO_EVIDENCE),
    "full": Known("share of the questions with all evidence in it", lambda row: row.full, True, _NO_EVIDENCE),
    "overlap": Known(
        "share of the evidence's words in summaries and notes", lambda row: row.overlap, True, "no notes were sent"
    ),
    "tokens": Known("mean tokens of a turn's prompt", lambda row: row.tokens_per_turn, lacks="no turn was replayed"),
    "question_tokens": Known(
        "mean tokens that the memory put into a question's prompt",
        lambda row: row.question_tokens,
        lacks=_NO_EVIDENCE,
    ),
    "largest_prompt": Known("tokens of the largest prompt", lambda row: row.largest_prompt),
    "input_tokens": Known("all tokens sent, own calls included", lambda row: row.input_tokens),
    "output_tokens": Known("all tokens answered, own calls included", lambda row: row.output_tokens),
    "cost": Known("dollars of all turns, with prompt caching", lambda row: row.cost, lacks=_NO_PRICE),
    "cost_uncached": Known(
        "dollars of all turns, without prompt caching", lambda row: row.cost_uncached, lacks=_NO_PRICE
    ),
    "own_calls": Known("model calls of the memory's own", lambda row: row.own_calls),
    "own_tokens": Known("tokens of those calls, in and out", lambda row: row.own_tokens),
    "failed_calls": Known("those of them that failed", lambda row: row.failed_calls),
    "seconds": Known("seconds that the memory took to read and write", lambda row: row.seconds),
}
"""What can be asked for, by its name on the command line."""

_HOLDS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_FORM = re.compile(r"\s*([A-Za-z_]+)\s*([<>=!~]+)\s*([^<>=!~\s]+)\s*")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A limit on one figure, or `lint`, whose `sign` is "". `text` is as it was written."""

    text: str
    name: str
    sign: str = ""
    limit: Decimal = Decimal(0)

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read `figure>=number` (also <=, >, <, = and a share in percent), or `lint`; raises BadInput."""
        shown = " ".join(text.split())[:80]
        if shown == LINT:
            return cls(shown, LINT)
        found = _FORM.fullmatch(text)
        if not found:
            name = shown if shown.isidentifier() else ""
            if name and name not in FIGURES:
                raise BadInput(f"{shown}: {_unknown(name)}")
            raise BadInput(f"{shown}: write a figure, a sign and a number, such as {name or 'recall'}>=0.8, or lint.")
        name, sign, number = found.groups()
        if name not in FIGURES:
            raise BadInput(f"{shown}: {_unknown(name)}")
        sign = "=" if sign == "==" else sign
        if sign not in _HOLDS:
            near = difflib.get_close_matches(sign, [">=", "<="], 1, 0.1)
            hint = f"did you mean {name}{near[0]}{number}?" if near else "write >=, <=, >, < or =."
            raise BadInput(f"{shown}: {sign} is no sign; {hint}")
        return cls(shown, name, sign, _limit(shown, number, FIGURES[name].share))

    def value(self, row: Row) -> Decimal | None:
        """Return the figure that is asked for; None where it is not known. Means are rounded to nine decimals."""
        value = FIGURES[self.name].of(row) if row.whole else None
        # A mean of 0.8 is stored as a trifle more or less than that.
        return None if value is None else Decimal(str(round(value, 9) if isinstance(value, float) else value))

    def holds(self, row: Row, broken: Sequence[str] | None = None) -> bool:
        """Say whether a row keeps to it; for `lint`, `broken` are the rules that are broken, None if none was tried."""
        if self.name == LINT:
            return broken is not None and not broken
        value = self.value(row)
        return value is not None and _HOLDS[self.sign](value, self.limit)

    def told(self, row: Row, broken: Sequence[str] | None = None) -> str:
        """Say what there is instead of what was asked for, as in "recall is 0.61"."""
        if self.name == LINT:
            return "; ".join(broken) if broken else "the rules were not checked"
        value = self.value(row)
        if value is None:
            return f"{self.name} is not known: {FIGURES[self.name].lacks if row.whole else row.note}"
        return f"{self.name} is {_written(value, self)}"


def _unknown(name: str) -> str:
    names = [*FIGURES, LINT]
    near = difflib.get_close_matches(name.lower(), names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}."
    return f"there is no figure named {name}; {hint}"


def _limit(shown: str, number: str, share: bool) -> Decimal:
    percent = number.endswith("%")
    try:
        limit = Decimal(number.removesuffix("%").removeprefix("$").replace("_", ""))
    except InvalidOperation:
        limit = Decimal("NaN")
    if not limit.is_finite() or abs(limit.adjusted()) > 30:
        raise BadInput(f"{shown}: {number} is no number; write one such as 0.8, 1500 or 80%.")
    if percent and not share:
        raise BadInput(f"{shown}: this figure is no share; write a number without %.")
    limit = limit / 100 if percent else limit
    if share and not 0 <= limit <= 1:
        raise BadInput(f"{shown}: this figure is a share from 0 to 1; write 0.8 or 80%.")
    return limit


def _written(value: Decimal, wanted: Requirement) -> str:
    """Write a value as short as it can be without seeming to lie on the other side of the limit."""
    holds = _HOLDS[wanted.sign]
    shorter = (round(value, digits) for digits in (2, 3, 4, 6, 9))
    alike = (
        one for one in shorter if bool(one) == bool(value) and holds(one, wanted.limit) == holds(value, wanted.limit)
    )
    rounded = next(alike, value)
    plain = f"{rounded:,f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
