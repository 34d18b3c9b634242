"""List the lessons, or check the files of some: all that is wrong with them, and whether all that they say holds.

    $ python -m memory lessons
    $ python -m memory lessons check memory/lessons/shipped/04-window.toml

A lesson is one TOML file (memory/lessons/lesson.py says what may stand in it). Those of your own go into a folder that
MEMORY_INSPECTOR_LESSONS names. check says what is wrong with a file, with its place; one with nothing wrong is played
with the demo model, and each of its claims and figures is measured. Exit code 1 where something is wrong or does not
hold. --figures lists the figures and the words of the glossary that a text can name.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from memory.commands._options import add_options
from memory.commands._table import table
from memory.common.words import plural

if TYPE_CHECKING:
    from memory.lessons.lesson import Lesson
    from memory.retrieval.index import Retrieval


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--figures", action="store_true", help="list the figures and words that a lesson can name")
    actions = parser.add_subparsers(dest="action", metavar="check")
    check = actions.add_parser("check", help="check files of lessons", description="Check files of lessons.")
    check.add_argument("files", nargs="+", metavar="FILE", type=Path)
    add_options(check, "--embeddings")


def run(options: argparse.Namespace) -> int:
    if options.figures:
        return _figures()
    return _check(options.files, options.embeddings) if options.action else _list()


def _list() -> int:
    from memory.lessons.loading import load

    known = load()
    rows = [
        (str(one.number), one.lesson, one.title, one.memory, str(len(one.steps)), f"{one.minutes} min")
        for one in known.found.values()
    ]
    print(table(("", "lesson", "title", "memory", "steps", "takes"), rows, "><<<>>"))
    for broken in known.broken:
        print(f"{broken.file}: {broken.error}", file=sys.stderr)
    return 1 if known.broken else 0


def _figures() -> int:
    from memory.lessons.figures import FIGURES
    from memory.lessons.glossary import glossary

    print(table(("figure", "unit", ""), [(name, one.unit, one.about) for name, one in FIGURES.items()], "<<<"))
    print("\nwords: " + ", ".join(term.name for term in glossary().values()))
    return 0


def _check(files: list[Path], setting: str | None) -> int:
    from memory.commands._given import check_embedding
    from memory.lessons.loading import look_into
    from memory.retrieval.embeddings import embedding
    from memory.retrieval.index import Retrieval

    check_embedding(setting)
    sound = True
    for file in files:
        found, faults = look_into(file)
        for fault in faults:
            print(f"{file}: {fault}")
        if found and not faults:
            sound = _played(file, found, Retrieval(embedding(setting))) and sound
        sound = sound and not faults
    return 0 if sound else 1


def _played(file: Path, lesson: Lesson, retrieval: Retrieval) -> bool:
    """Play a lesson, and print what does not hold of it, or that all does."""
    from memory.lessons.trial import trial

    held = count = 0
    sound = True
    for step in trial(lesson, retrieval=retrieval):
        for number, (claim, verdict) in enumerate(zip(step.claims, step.verdicts, strict=True), 1):
            count += 1
            held += bool(verdict.held)
            if not verdict.held:
                what = "does not hold" if verdict.held is False else "cannot be measured"
                print(f"{file}: steps[{step.number}].claims[{number}] “{claim.says}” {what}: {verdict.measured}")
        for trouble in step.troubles:
            print(f"{file}: {trouble}")
        sound = sound and step.sound
    print(f"{file}: {held:,} of {plural(count, 'claim')} hold" + ("" if sound else "; see above"))
    return sound
