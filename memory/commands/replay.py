"""Run a recorded conversation through memories, turn by turn, and report what each turn's prompt held.

    $ python -m memory replay locomo.json --conversation conv-26 --memory window:k=3 --memory vector:k=10
    $ python -m memory replay chat.json --memory buffer --memory summary --json -

FILE is an export of the Memory Inspector or of ChatGPT, messages of OpenAI or LangChain, LoCoMo, LongMemEval, BEAM, a
scenario, or text with User: and AI: lines; "-" reads standard input, scenario:NAME a scenario that ships with the
project. A memory is Name or Name:setting=value,setting=value, by its name or its short name (python -m memory list). A
setting that is no single value is JSON, in quotation marks for the shell: 'simple:memories={"name":"Alex"}'.

Recorded answers are kept, whatever model is set: the memory sees the conversation as it was. --model answers only a
last turn that nobody answered (in our own export any such turn; between two people none) and, with --answer, the
questions. Everything is counted in the tokens and at the prices of --price-model, but a memory model that is not
built in (demo, echo) at its own. "cost" estimates prompt caching, "cost_uncached" does without; both, like the totals,
are in dollars, and the totals hold the memory's own calls as well.

Questions of the file are asked after the last turn. Evidence counts as found where a message's whole text is in the
prompt; what notes and summaries keep of it is measured apart, as the share of its words (evidence_by_overlap). Spans of
turns count from 0 and end before their second number, as --turns does. Long files are replayed in several processes,
one for each core. Exit code 1 where a model failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TextIO

from memory.commands._given import check_embedding, check_turns, memory_of, output, parse_turns, recordings_of
from memory.commands._options import add_options, check_memory, fill_labels, models_of
from memory.commands._table import Progress
from memory.common.words import plural

if TYPE_CHECKING:
    from memory.commands._replay_json import ReplayWriter
    from memory.commands._replay_work import Result, Work
    from memory.formats import Recording


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_options(
        parser,
        "file",
        "--memory",
        "--organisation",
        "--application",
        "--model",
        "--memory-model",
        "--price-model",
        "--embeddings",
        "--conversation",
        "--turns",
        "--questions",
        "--answer",
        "--no-prompts",
        "--json",
        "--format",
    )


def run(options: argparse.Namespace) -> int:
    check_memory(options.memory)
    fill_labels(options)
    turns = parse_turns(options.turns)

    from memory.commands._model_names import check_asked
    from memory.commands._replay_work import Work

    memories = [memory_of(spec) for spec in options.memory]
    models = models_of(options, "model", "memory_model", "price_model")
    check_embedding(options.embeddings)
    recordings = recordings_of(options.file, options.format, options.conversation)
    check_turns(turns, recordings, options.turns)
    check_asked(models, recordings, memories, options.answer)
    with output(options.json) as file:
        work = Work(
            tuple(options.memory),
            models,
            options.embeddings,
            turns,
            options.questions == "all",
            options.answer,
            prompts=file is not None and not options.no_prompts,
        )
        return _replay(work, recordings, file)


def _replay(work: Work, recordings: tuple[Recording, ...], file: TextIO | None) -> int:
    from memory.commands._replay_json import ReplayWriter
    from memory.commands._replay_table import Report

    progress = Progress(sum(map(work.steps, recordings)))
    report = Report(work.specs, work.models)
    errors: list[str] = []
    failed = 0
    try:
        with (
            ReplayWriter(file, len(recordings) > 1) if file else nullcontext() as writer,
            _results(work, recordings, writer, progress) as results,
        ):
            for recording, result in zip(recordings, results, strict=True):
                report.add(recording, result)
                errors += result.errors
                failed += sum(totals.failed_calls for totals, _ in result.runs)
    finally:
        progress.close()
    for line in report.notices():
        print(line, file=sys.stderr)
    if file is None:
        print(report)
    if errors:
        times = plural(len(errors), "time")
        print(f"{times} a memory met with trouble and went on; at first {errors[0]}", file=sys.stderr)
    return 1 if failed else 0


@contextmanager
def _results(
    work: Work, recordings: tuple[Recording, ...], writer: ReplayWriter | None, progress: Progress
) -> Iterator[Iterator[Result]]:
    """Replay every conversation, several at a time where that is worth it, and write them in the file's order."""
    from memory.commands._replay_work import processes, replay, side_by_side

    count = processes(work, recordings)
    if count == 1:
        yield (replay(work, recording, writer, progress.step) for recording in recordings)
        return
    with TemporaryDirectory() as name:
        folder = Path(name) if writer else None
        with side_by_side(work, recordings, count, folder, progress) as results:
            yield _written(results, folder, writer)


def _written(results: Iterator[Result], folder: Path | None, writer: ReplayWriter | None) -> Iterator[Result]:
    """Take over what the processes have written, and take it off the disk."""
    for number, result in enumerate(results):
        if writer and folder:
            part = folder / str(number)
            with part.open(encoding="utf-8") as text:
                writer.copy(text)
            part.unlink()
        yield result
