"""Takes down what a replay of one memory comes to, turn by turn and question by question.

    >>> replay = Replay(recording, Models(), prompts=False)
    >>> with replay.run(load().memory("window:k=3")) as run: result = run_of(run, step=bar.step)
    >>> result.tokens[-1], result.questions[7].found
    (412, ('D4:7',))

A memory or a model that fails ends its own run and no other: what was taken down until then stays, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import TypeVar

from memory.compare.results import AskedRow, RunResult
from memory.errors import InspectorError
from memory.formats.recording import clipped
from memory.replay import Run

MOST_ERRORS = 20
"""How many sentences of what went wrong and was survived are kept."""
LONGEST = 500
"""Characters of such a sentence; it may quote a plug-in or a server."""

Row = TypeVar("Row")


def run_of(run: Run, ask: bool = True, answer: bool = False, step: Callable[[], None] | None = None) -> RunResult:
    """Iterate a run to its end and return its figures.

    `ask` asks the recording's questions, `answer` has the model answer them. `step` is called after each turn and each
    question; what it raises is raised.
    """
    failed: list[str] = []
    tokens: list[int] = []
    own_tokens: list[int] = []
    costs: list[Decimal | None] = []
    costs_uncached: list[Decimal | None] = []
    asked: list[AskedRow] = []
    for turn in _until_failed(run.turns(), failed):
        tokens.append(sum(turn.tokens.values()))
        own_tokens.append(sum(call.input_tokens + call.output_tokens for call in turn.calls))
        costs.append(_both(turn.cost, turn.own_cost))
        costs_uncached.append(_both(turn.cost_uncached, turn.own_cost))
        if step:
            step()
    if ask and not failed:
        for number, one in enumerate(_until_failed(run.questions(answer), failed)):
            check = one.check
            row = AskedRow(
                number,
                one.tokens,
                check.found,
                check.missing,
                check.overlap,
                one.outdated,
                one.answer,
                one.noted,
            )
            asked.append(row)
            if step:
                step()
    return RunResult(
        run.replay.first,
        tuple(tokens),
        tuple(own_tokens),
        tuple(costs),
        tuple(costs_uncached),
        run.totals,
        run.evidence,
        tuple(asked),
        _kinds(run.errors),
        "".join(failed),
    )


def _until_failed(rows: Iterable[Row], failed: list[str]) -> Iterator[Row]:
    """Yield what there is; note the sentence of what ended it. What the reader of the rows raises is not caught."""
    try:
        yield from rows
    except InspectorError as error:
        failed.append(clipped(str(error), LONGEST))


def _kinds(errors: Iterable[str]) -> tuple[str, ...]:
    """Return each sentence once, the first ones of many."""
    found = list(dict.fromkeys(clipped(error, LONGEST) for error in errors))
    more = len(found) - MOST_ERRORS
    if more > 0:
        found[MOST_ERRORS:] = [f"{more:,} more kinds of trouble are not listed."]
    return tuple(found)


def _both(cost: Decimal | None, own: Decimal | None) -> Decimal | None:
    return None if cost is None or own is None else cost + own
