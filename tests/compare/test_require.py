"""Limits that a memory is held to: how they are written, when they hold, and what is said where they do not."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from memory.compare.figures import Row, summaries
from memory.compare.require import FIGURES, Requirement
from memory.errors import BadInput
from tests.compare.small import experiment, run_all, talk


@pytest.fixture(scope="module")
def row() -> Row:
    of = experiment(["window:k=2"], [talk()])
    [row] = summaries(of, run_all(of, [talk()]))
    return row


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("recall>=0.75", True),
        ("recall > 75%", False),
        ("recall=0.75", True),
        ("recall==75%", True),
        ("full<=0.5", True),
        ("own_calls<1", True),
        ("cost<=$0.01", True),
        ("largest_prompt<=1_000", True),
    ],
)
def test_a_limit_holds_by_its_sign(row: Row, text: str, holds: bool) -> None:
    assert Requirement.parse(text).holds(row) is holds


def test_a_mean_that_is_a_trifle_off_as_it_is_stored_holds(row: Row) -> None:
    assert Requirement.parse("recall>=0.8").holds(replace(row, recall=0.8 - 1e-16))


def test_every_figure_can_be_asked_for(row: Row) -> None:
    for name in FIGURES:
        assert Requirement.parse(f"{name}>=0").holds(row) is (name != "overlap")


@pytest.mark.parametrize(
    ("text", "change", "said"),
    [
        ("overlap>=0", {}, "overlap is not known: no notes were sent"),
        ("cost<=1", {"cost": None}, "cost is not known: a price is not known"),
        ("recall>=0", {"recall": None}, "recall is not known: no question has evidence"),
        ("tokens<=9999", {"finished": 0}, "tokens is not known: 0 of 1 conversation done"),
        ("recall>=0.9", {}, "recall is 0.75"),
        ("recall>=0.9", {"recall": 0.8999}, "recall is 0.8999"),
        ("cost<=0.0000001", {"cost": Decimal("0.00002")}, "cost is 0.00002"),
        ("tokens<=1500", {"prompt_tokens": 15003}, "tokens is 5,001"),
    ],
)
def test_what_does_not_hold_says_what_there_is(row: Row, text: str, change: dict[str, object], said: str) -> None:
    wanted, changed = Requirement.parse(text), replace(row, **change)  # type: ignore[arg-type]
    assert not wanted.holds(changed)
    assert wanted.told(changed) == said


def test_lint_holds_where_the_rules_were_checked_and_none_is_broken(row: Row) -> None:
    lint = Requirement.parse("lint")
    assert lint.holds(row, [])
    assert (lint.holds(row), lint.told(row)) == (False, "the rules were not checked")
    assert (lint.holds(row, ["rule 2 is broken"]), lint.told(row, ["rule 2 is broken"])) == (False, "rule 2 is broken")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recal>=0.8", "there is no figure named recal; did you mean recall?"),
        ("lnt", "there is no figure named lnt; did you mean lint?"),
        ("zebra>=1", "there are recall, full"),
        ("recall=>0.8", "did you mean recall>=0.8?"),
        ("recall", "such as recall>=0.8"),
        ("recall>=", "write a figure, a sign and a number"),
        ("recall>=many", "many is no number"),
        ("recall>=nan", "nan is no number"),
        ("recall>=1e99999", "1e99999 is no number"),
        ("recall>=80", "write 0.8 or 80%"),
        ("tokens<=80%", "this figure is no share"),
        ("", "write a figure, a sign and a number"),
        ("recall>=0.8>=0.9", "write a figure, a sign and a number"),
        ("__class__>=1", "there is no figure named __class__"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_remedy(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        Requirement.parse(text)
