"""A comparison as a report for people (Markdown) and as tables for spreadsheets (CSV).

    >>> print(markdown(experiment, results, recordings))
    # Trip to Paris
    …
    | memory | tokens per turn | largest | recall | … |

Titles, settings and words of conversations are anybody's: in Markdown they are plain text of one line, in a spreadsheet
no cell that somebody wrote is a formula. `written.py` has all of it as JSON.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from csv import writer
from decimal import Decimal
from typing import Any

from memory.common.words import plural
from memory.compare.bounds import Bounds, bounds_over
from memory.compare.claimed import claimed, differs, scenario_of
from memory.compare.experiment import Column, Experiment
from memory.compare.figures import Row, summaries
from memory.compare.frontier import frontier, points_of
from memory.compare.lines import Crossed, crossed, lines_of
from memory.compare.misses import Missed, contradictions, misses
from memory.compare.results import Results
from memory.formats import Recording
from memory.formats.recording import clipped
from memory.money.prices import dollars, price_date
from memory.money.prompt_cache import cache_rule
from memory.services import Models
from memory.tokens import BUILT_IN, encoding_for

NOT_ACCURACY = (
    "Evidence in the prompt is not answer accuracy: it says that the words were there for the model to use, not that "
    "an answer would have been right."
)
WORST, MESSAGES, CROSSINGS = 3, 3, 20
"""How many missed questions of a memory a report has, how many messages of each, and how many crossings."""

_HEAD = (
    "memory",
    "tokens per turn",
    "largest",
    "input tokens",
    "output tokens",
    "cost",
    "without caching",
    "own calls",
    "own tokens",
    "seconds",
    "tokens per question",
    "recall",
    "full",
    "overlap",
)


def markdown(
    experiment: Experiment,
    results: Results,
    recordings: Sequence[Recording] = (),
    embedding: str = "",
    words: bool = True,
) -> str:
    """Write the report; without `recordings` it has no bounds, and without `words` not what was missed.

    `embedding` says what searched, for one that the experiment leaves to the app.
    """
    rows = summaries(experiment, results)
    found = bounds_over(recordings, encoding_for(experiment.price_as).name)
    parts = [
        f"# {plain(experiment.title)}",
        "\n".join(f"- {line}" for line in _about(experiment, embedding)),
        "## Figures",
        *_figures(rows),
        *_categories(rows),
        *_frontier(rows, found),
        *_crossings(experiment, results),
        *_claims(experiment, results, recordings),
        *(_contradictions(experiment, results, recordings) if words else ()),
        *(_misses(experiment, results, recordings) if words else ()),
    ]
    return "\n\n".join(parts) + "\n"


def csv(experiment: Experiment, results: Results) -> str:
    """Write a row for each column; shares are from 0 to 1, costs in dollars, what is not known is empty."""
    rows = summaries(experiment, results)
    categories = list(dict.fromkeys(name for row in rows for name in row.by_category))
    head = [
        "number", "memory", "settings", "model", "conversations", "finished", "turns", "tokens_per_turn",
        "largest_prompt", "input_tokens", "output_tokens", "cost", "cost_uncached", "own_calls", "own_tokens",
        "failed_calls", "seconds", "questions", "question_tokens", "recall", "full", "overlap", "note",
    ]  # fmt: skip
    lines: list[list[Any]] = [
        [*head, *(f"{figure}, category {name}" for name in categories for figure in ("recall", "full"))]
    ]
    for row in rows:
        settings = json.dumps(dict(row.column.settings), ensure_ascii=False)
        model = row.column.model or experiment.model
        known = [row.by_category.get(name) for name in categories]
        lines.append(
            [
                row.number + 1, row.column.memory, settings, model, row.recordings, row.finished, row.turns,
                row.tokens_per_turn, row.largest_prompt, row.input_tokens, row.output_tokens, row.cost,
                row.cost_uncached, row.own_calls, row.own_tokens, row.failed_calls, round(row.seconds, 4),
                row.questions, row.question_tokens, row.recall, row.full, row.overlap, row.note,
                *(share for one in known for share in ((one.recall, one.full) if one else (None, None))),
            ]
        )  # fmt: skip
    return sheet(lines)


def csv_by_turn(experiment: Experiment, results: Results) -> str:
    """Write a row for each column and turn (counted from 1), with the figures that `lines.py` explains."""
    head = [
        "number", "memory", "turn", "conversations", "prompt_tokens", "own_tokens", "cost", "cost_uncached",
        "cumulative_cost", "cumulative_cost_uncached",
    ]  # fmt: skip
    lines: list[list[Any]] = [head]
    for line in lines_of(experiment, results):
        spec = experiment.columns[line.number].spec
        lines += [
            [line.number + 1, spec, *figures]
            for figures in zip(
                line.turns, line.reached, line.tokens, line.own_tokens, line.costs, line.costs_uncached,
                line.cumulative, line.cumulative_uncached, strict=True,
            )
        ]  # fmt: skip
    return sheet(lines)


def plain(text: str, length: int = 300) -> str:
    """Write anybody's text so that Markdown shows it as it is: one line, no end of a cell, no HTML, no link.

    Where nothing can be seen of it, it is a dash.
    """
    return _SPECIAL.sub(lambda sign: _ENTITIES.get(sign[0], f"\\{sign[0]}"), clipped(text, length)) or "–"


_SPECIAL = re.compile(r"[\\`*_\[\]<>|~&$@#!]|:(?=//)|(?<=www)\.", re.IGNORECASE)
# Some readers draw HTML also behind a backslash, or look for cells and addresses before they look for backslashes.
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;", "@": "&#64;", ":": "&#58;", ".": "&#46;"}


def _about(experiment: Experiment, embedding: str) -> Iterator[str]:
    told = experiment.conversations
    if experiment.source:
        kinds = {"scenario": "scenario", "file": "file", "thread": "conversation of the chat"}
        yield f"Source: {kinds[experiment.source.kind]} {plain(experiment.source.name)}"
    for one in told[:20]:
        counts = plural(one.turns, "turn"), plural(one.messages, "message"), plural(one.questions, "question")
        yield f"Conversation: {plain(one.title or one.id)} ({', '.join(counts)})"
    if len(told) > 20:
        yield f"… and {plural(len(told) - 20, 'conversation')} more"
    priced = experiment.price_as
    exact = "its tokenizer's tokens" if encoding_for(priced).exact else "tokens that are about its own (≈)"
    yield f"Counted and priced as {plain(priced)}: {exact}, prices as of {price_date():%Y-%m-%d}"
    if cache_rule(priced) is None:
        yield f"No rule of prompt caching is known for {plain(priced)}: nothing is counted as cached"
    else:
        yield "What a prompt cache spares is estimated by the provider's rule"
    usual = Models(experiment.model, experiment.memory_model, priced)
    speaking = [column.models(usual) for column in experiment.columns] or [usual]
    yield f"Memories' own calls: {', '.join(dict.fromkeys(plain(one.memory_name) for one in speaking))}"
    yield f"Searched with: {plain(embedding or experiment.embedding or 'the embedding that the app is set to')}"
    if experiment.budget is not None:
        yield f"Budget: {plural(experiment.budget, 'token')} at most"
    yield "Recorded answers are kept: every memory saw the same conversation"
    if experiment.answer:
        yield f"Questions were answered by {', '.join(dict.fromkeys(answered_by(one.chat) for one in speaking))}"
    yield NOT_ACCURACY


def answered_by(model: str) -> str:
    """Name the model that answers, in Markdown; a built-in one as what it is."""
    if model not in BUILT_IN:
        return plain(model)
    return f"the built-in {model} model, which is no language model: its answers say nothing of a real one's"


def _figures(rows: Sequence[Row]) -> Iterator[str]:
    yield table(_HEAD, [_cells(row) for row in rows])
    yield (
        "Tokens per turn are the mean of the prompts, costs are of all turns with the memory's own calls. Recall is "
        "the mean share of a question's messages of evidence whose whole text was sent, full the share of questions of "
        "which all of it was. Overlap is another measure: what share of the evidence's words stands in summaries and "
        "notes; it is not part of recall."
    )
    notes = [f"- {plain(row.spec)}: {plain(row.note, 500)}" for row in rows if row.note]
    if notes:
        yield "\n".join(notes)


def _cells(row: Row) -> list[str]:
    if not row.finished:
        return [plain(row.spec), *["–"] * (len(_HEAD) - 1)]
    return [
        plain(row.spec),
        rounded(row.tokens_per_turn),
        f"{row.largest_prompt:,}",
        f"{row.input_tokens:,}",
        f"{row.output_tokens:,}",
        dollars(row.cost),
        dollars(row.cost_uncached),
        f"{row.own_calls:,}",
        f"{row.own_tokens:,}",
        f"{row.seconds:,.2f}",
        rounded(row.question_tokens),
        percent(row.recall),
        percent(row.full),
        percent(row.overlap),
    ]


def _categories(rows: Sequence[Row]) -> Iterator[str]:
    names = list(dict.fromkeys(name for row in rows for name in row.by_category))
    if len(names) < 2:
        return
    counts = {name: max(row.by_category[name].questions for row in rows if name in row.by_category) for name in names}
    head = ["memory", *(f"{plain(name)} ({counts[name]:,})" for name in names)]
    cells = []
    for row in rows:
        found = [row.by_category.get(name) for name in names]
        cells.append([plain(row.spec), *(percent(one.recall if one else None) for one in found)])
    yield "## Recall by category"
    yield "In parentheses the number of questions."
    yield table(head, cells)


def _frontier(rows: Sequence[Row], found: Bounds) -> Iterator[str]:
    points = points_of(rows)
    if not points:
        return
    yield "## Frontier"
    yield "Evidence found against tokens per question; no other memory finds as much for as few tokens as these do:"
    best = [
        f"- {plain(rows[point.number].spec)}: {percent(point.recall)} for {rounded(point.tokens)} tokens"
        for point in frontier(points)
    ]
    if found.oracle is not None and found.full is not None:
        best.append(f"- bound: the evidence alone, {percent(found.recall)} for {rounded(found.oracle)} tokens")
        best.append(f"- bound: the whole conversation, {percent(found.recall)} for {rounded(found.full)} tokens")
    yield "\n".join(best)


def _crossings(experiment: Experiment, results: Results) -> Iterator[str]:
    lines = lines_of(experiment, results)
    told = [(words, crossed(lines, cached)) for words, cached in (("with", True), ("without", False))]
    if not any(found for _, found in told):
        return
    yield "## Where costs cross"
    for words, found in told:
        # Of two lines that cross often the last crossing is the one that stays.
        last = {frozenset((one.dearer, one.cheaper)): one for one in found}
        crosses = [_crossing(experiment, one) for one in sorted(last.values(), key=lambda one: one.turn)[:CROSSINGS]]
        if more := len(last) - len(crosses):
            crosses.append(f"- … and {plural(more, 'pair')} more")
        yield f"Added up turn by turn {words} prompt caching:"
        yield "\n".join(crosses) or "- no two cross"


def _crossing(experiment: Experiment, one: Crossed) -> str:
    dearer, cheaper = (plain(experiment.columns[number].spec) for number in (one.dearer, one.cheaper))
    return f"- from turn {one.turn:,} on {dearer} has cost more than {cheaper}"


def _claims(experiment: Experiment, results: Results, recordings: Sequence[Recording]) -> Iterator[str]:
    scenario = scenario_of(experiment, recordings)
    measured = [one for one in claimed(scenario, experiment, results) if one.verdict] if scenario else []
    if not measured:
        return
    yield "## What the scenario says will happen"
    if otherwise := differs(experiment):
        yield (
            f"It says so of the demo model and its usual prices; here with {plain(', '.join(otherwise))}: a claim may "
            "fail for that alone."
        )
    cells = [
        [plain(str(one.claim)), plain(one.verdict.measured), "held" if one.verdict.held else "did not hold"]
        for one in measured
        if one.verdict
    ]
    yield table(("claim", "measured", "in this run"), cells)


def _contradictions(experiment: Experiment, results: Results, recordings: Sequence[Recording]) -> Iterator[str]:
    found = contradictions(results, recordings)
    if not found:
        return
    yield "## What was said anew"
    yield (
        "Questions whose answer contradicts what was said before: which of the two each memory sent word for word, and "
        "which stands in its summaries and notes."
    )
    for one in found:
        cells = [
            [plain(experiment.columns[column].spec), sent, one.noted.get(column) or "–"]
            for column, sent in one.sent.items()
            if column < len(experiment.columns)
        ]
        new, old = ("; ".join(f"“{plain(said.words, 200)}”" for said in of) for of in (one.new, one.old))
        yield f"**{plain(one.text)}** New: {new}. Old: {old}."
        yield table(("memory", "sent", "in its notes"), cells)


def _misses(experiment: Experiment, results: Results, recordings: Sequence[Recording]) -> Iterator[str]:
    said = []
    for number, column in enumerate(experiment.columns):
        found = misses(number, results, recordings)
        if found:
            worst = sorted(found, key=lambda one: (one.share, one.recording, one.number))[:WORST]
            said.append(f"### {plain(column.spec)}: {plural(len(found), 'question')} not found whole")
            said.append("\n".join(line for one in worst for line in _miss(experiment, column, one)))
    if said:
        yield "## Worst misses"
        yield from said


def _miss(experiment: Experiment, column: Column, one: Missed) -> Iterator[str]:
    of = f" ({plain(one.conversation, 80)})" if len(experiment.conversations) > 1 else ""
    yield f"- **{plain(one.text)}**{of}: {percent(one.share)} of its evidence"
    for message in one.missing[:MESSAGES]:
        where = f"{plain(message.id)}, turn {message.turn + 1:,}, {plain(message.speaker or 'nobody', 60)}"
        yield f"  - {where}: “{plain(message.words, 200)}”: {plain(message.why)}"
    if (more := len(one.missing) - MESSAGES) > 0:
        yield f"  - … and {plural(more, 'message')} more"
    if one.answer is not None:
        label = "demo answer" if (column.model or experiment.model) in BUILT_IN else "answer"
        yield f"  - {label}: “{plain(one.answer)}”"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown, its first column to the left; cells are `plain` already."""
    sides = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, sides, *rows))


def rounded(value: float | None) -> str:
    """Write a mean of tokens, "–" where there is none."""
    return "–" if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """Write a share, "–" where there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


# Where a comma is a decimal sign, spreadsheets part cells at semicolons: a formula may stand behind one as well.
FORMULA = re.compile(r"(^\s*|;)(?=[=+\-@|%＝＋－＠])")
"""Stands before what a spreadsheet would run, where a cell begins."""


def sheet(lines: Sequence[Sequence[Any]]) -> str:
    """Write CSV in which no text is a formula and what is not known is empty."""
    text = io.StringIO()
    writer(text).writerows([_cell(value) for value in line] for line in lines)
    return text.getvalue()


def _cell(value: Any) -> str:
    """Write a cell; what somebody wrote begins no formula, for spreadsheets run them."""
    if isinstance(value, str):
        return FORMULA.sub(r"\1'", clipped(value, 10_000))
    if isinstance(value, Decimal):
        return f"{value:f}"
    return "" if value is None else str(round(value, 6) if isinstance(value, float) else value)
