"""Compare memories over recorded conversations: tokens, cost and the evidence that each one found.

    $ python -m memory compare chat.json
    $ python -m memory compare locomo.json --memory buffer --memory vector:k=10 --markdown report.md
    $ python -m memory compare locomo.json --sweep window:k=1..20 --sweep 'vector:k=2|5|10' --json result.json
    $ python -m memory compare chat.json --memory vector:k=8 --require 'recall>=0.8' --require 'tokens<=1500'

FILE is what replay reads too; "-" is standard input and scenario:NAME a scenario that ships with the project. Several
files are taken together: every figure is over all their conversations. Without --memory and --sweep all memories are
compared that call no model. A sweep has one setting over a range (1..20, or 5..50..5 in steps of 5) or a list (2|5|10,
in quotation marks for the shell); 40 memories and settings are the most.

Recorded answers are kept, as in replay. The table stands on standard output, unless --json, --markdown, --csv or
--csv-by-turn is to go there (-). "cost" holds all turns with the memory's own calls, with prompt caching as the
provider's rule has it; "uncached" is without. Recall is the mean share of a question's messages of evidence whose whole
text was in its prompt, full the share of questions with all of it; overlap, the share of the evidence's words in
summaries and notes, is a measure of its own. Evidence in the prompt is not answer accuracy.

--require holds every memory to a limit, with >=, <=, >, < or = and a number or, for shares, percent: recall, full,
overlap, tokens (mean of a turn's prompt), question_tokens, largest_prompt, input_tokens, output_tokens, cost,
cost_uncached, own_calls, own_tokens, failed_calls, seconds; or lint, which checks the rules as the command lint does.
What is not known does not hold. Exit code 1 where a limit does not hold, a run failed or a model did.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from memory.commands._files import shown_name
from memory.commands._given import SCENARIO, all_recordings, check_embedding, check_turns, output, parse_turns
from memory.commands._options import add_options, check_budget, fill_labels, models_of
from memory.commands._table import Progress, can_write, terminal_width
from memory.common.words import plural
from memory.errors import BadInput

if TYPE_CHECKING:
    from memory.commands._compare_chosen import Chosen
    from memory.commands._compare_run import Work
    from memory.compare.experiment import Experiment
    from memory.compare.figures import Row
    from memory.compare.require import Requirement
    from memory.compare.results import Results
    from memory.formats import Recording

_FILES = ("json", "markdown", "csv", "csv_by_turn")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", nargs="+", help="recorded conversations; - for standard input")
    add_options(parser, "--memory")
    add("--sweep", metavar="SPEC", action="append", help="a memory with one setting over a range or a list; repeatable")
    add("--require", metavar="LIMIT", action="append", help="what every memory is held to; may be given several times")
    add_options(
        parser,
        "--organisation",
        "--application",
        "--model",
        "--memory-model",
        "--price-model",
        "--embeddings",
        "--budget",
        "--conversation",
        "--turns",
        "--questions",
        "--answer",
        "--no-prompts",
        "--format",
        "--json",
        conversation="one conversation of files that hold several",
        no_prompts="leave the words of questions, messages and answers out of what is written",
        json="write everything as JSON; - for standard output",
    )
    add("--markdown", metavar="FILE", help="write a report for people; - for standard output")
    add("--csv", metavar="FILE", help="write a row for each memory; - for standard output")
    add("--csv-by-turn", metavar="FILE", help="write a row for each memory and turn; - for standard output")


def run(options: argparse.Namespace) -> int:
    check_budget(options.budget)
    fill_labels(options)
    turns = parse_turns(options.turns)
    if sum(getattr(options, name) == "-" for name in _FILES) > 1:
        raise BadInput("only one of --json, --markdown, --csv and --csv-by-turn can go to standard output: name files")

    from memory.commands._compare_chosen import chosen
    from memory.commands._compare_run import Work
    from memory.commands._model_names import check_asked
    from memory.compare.figures import summaries

    required = [_parsed(text) for text in options.require or ()]
    models = models_of(options, "model", "memory_model", "price_model")
    check_embedding(options.embeddings)
    choice = chosen(options.memory or (), options.sweep or ())
    recordings = all_recordings(options.file, options.format, options.conversation)
    check_turns(turns, recordings, options.turns)
    check_asked(models, recordings, [column.open() for column in choice.columns], options.answer)
    experiment = _experiment(options, recordings, choice, turns)
    work = Work(experiment, recordings, choice.names, models, turns, options.questions == "all")
    with ExitStack() as stack:
        files = {name: stack.enter_context(output(getattr(options, name))) for name in _FILES}
        results = _run(work)
        rows = summaries(experiment, results)
        _notices(work, rows)
        _write(work, results, rows, files, not options.no_prompts)
    return 0 if _required(work, rows, required) and _sound(rows) else 1


def _parsed(text: str) -> Requirement:
    from memory.compare.require import Requirement

    try:
        return Requirement.parse(text)
    except BadInput as error:
        raise BadInput(f"--require {error}") from None


def _experiment(
    options: argparse.Namespace, recordings: Sequence[Recording], choice: Chosen, turns: tuple[int, int] | None
) -> Experiment:
    from memory.compare.experiment import Experiment, Source
    from memory.compare.keeping import listing

    end = turns[1] if turns else None
    listed = (replace(listing(one), turns=len(one.turns[:end])) for one in recordings)
    now = time.time()
    names = ", ".join(
        name.removeprefix(SCENARIO) if name.startswith(SCENARIO) else _file(name) for name in options.file
    )
    only = recordings[0].title if len(recordings) == 1 else ""
    kind: Literal["scenario", "file"] = "scenario" if all(one.startswith(SCENARIO) for one in options.file) else "file"
    return Experiment(
        "",
        only or names,
        "replay",
        choice.columns,
        now,
        now,
        Source(kind, names),
        tuple(listed if options.questions == "all" else (replace(one, questions=0) for one in listed)),
        choice.sweeps,
        options.model,
        options.memory_model,
        options.price_model,
        options.embeddings or "",
        options.budget,
        options.answer,
        "done",
    )


def _file(name: str) -> str:
    return shown_name(name) if name == "-" else Path(name).name


def _run(work: Work) -> Results:
    from memory.commands._compare_run import run_all, schedule_of

    progress = Progress(schedule_of(work).total)
    try:
        return run_all(work, progress)
    finally:
        progress.close()


def _notices(work: Work, rows: Sequence[Row]) -> None:
    """Say on standard error what the figures do not tell."""
    from memory.commands._notices import notices
    from memory.replay import lacks_answer

    end = work.turns[1] if work.turns else None
    answered = sum(lacks_answer(one, index) for one in work.recordings for index in range(len(one.turns[:end])))
    unpriced = any(row.cost is None for row in rows if row.finished)
    for line in notices(work.recordings, answered, work.models, unpriced):
        print(line, file=sys.stderr)
    for name, row in zip(work.names, rows, strict=True):
        if row.errors:
            kinds = plural(len(row.errors), "kind")
            print(f"{name} met with {kinds} of trouble and went on; at first {row.errors[0]}", file=sys.stderr)


def _write(work: Work, results: Results, rows: Sequence[Row], files: Mapping[str, TextIO | None], words: bool) -> None:
    from memory.commands._compare_table import written
    from memory.compare.bounds import bounds_over
    from memory.compare.report import csv, csv_by_turn, markdown
    from memory.compare.written import to_json
    from memory.retrieval.embeddings import embedding
    from memory.tokens import encoding_for

    one, end = work.experiment, work.turns[1] if work.turns else None
    said = [replace(recording, turns=recording.turns[:end]) for recording in work.recordings]
    if not work.ask:
        said = [replace(recording, questions=()) for recording in said]
    searched = embedding(one.embedding or None).label
    texts: dict[str, Callable[[], str]] = {
        "json": lambda: to_json(one, results, said, searched, words),
        "markdown": lambda: markdown(one, results, said, searched, words),
        "csv": lambda: csv(one, results),
        "csv_by_turn": lambda: csv_by_turn(one, results),
    }
    for name, text in texts.items():
        if file := files[name]:
            file.write(text())
    if sys.stdout not in files.values():
        found = bounds_over(said, encoding_for(one.price_as).name)
        plain = not can_write(sys.stdout, "█░–")
        print(written(one, work.names, rows, found, terminal_width(sys.stdout), plain))


def _required(work: Work, rows: Sequence[Row], required: Sequence[Requirement]) -> bool:
    """Say on standard error which memory does not keep to which limit; whether all keep to all."""
    from memory.commands._compare_lint import broken_rules
    from memory.compare.require import LINT

    broken = broken_rules(work) if any(one.name == LINT for one in required) else [None] * len(rows)
    failing = [
        f"{name}: {limit.text} does not hold: {limit.told(row, rules)}"
        for limit in required
        for name, row, rules in zip(work.names, rows, broken, strict=True)
        if not limit.holds(row, rules)
    ]
    for line in failing:
        print(line, file=sys.stderr)
    return not failing


def _sound(rows: Sequence[Row]) -> bool:
    """Whether no run and no model failed; a run that did is told below the table."""
    return not any(row.failed or row.failed_calls for row in rows)
