"""Finds out what a file is and reads it.

>>> [recording.id for recording in read_files("locomo.json")]
['conv-26', 'conv-30']
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from memory.errors import BadInput
from memory.exchange.bounded_json import parse
from memory.formats import beam, chatgpt, inspector, langchain, locomo, longmemeval, openai, scenario, text
from memory.formats.node import Node
from memory.formats.recording import Recording, clipped
from memory.formats.source import Source, look


class Format(Protocol):
    """A module of this folder."""

    def fits(self, source: Source) -> bool:
        """Say whether a file looks like one of this format; never raises."""

    def read(self, source: Source) -> tuple[Recording, ...]:
        """Read all of a file; raises BadInput."""


FORMATS: Mapping[str, Format] = {
    "inspector": inspector,
    "scenario": scenario,
    "chatgpt": chatgpt,
    "longmemeval": longmemeval,
    "locomo": locomo,
    "beam": beam,
    "langchain": langchain,
    "openai": openai,
    "text": text,
}
"""The formats by name, in the order in which a file is tried."""


def read(data: bytes, name: str = "the file", format: str = "auto") -> tuple[Recording, ...]:
    """Read every conversation of a file, or none: raises BadInput, one line with the file, the place and the remedy.

    `name` is what errors call the file; it says nothing about the format.
    """
    try:
        return recordings(look(data), format)
    except BadInput as error:
        raise _named(error, name) from None


def read_files(path: str | Path, format: str = "auto") -> tuple[Recording, ...]:
    """Read a file from disk; to a chat of BEAM its questions, where they stand beside it."""
    path = Path(path)
    data = _bytes(path)
    found = read(data, str(path), format)
    chat = format == "beam" or (format == "auto" and format_of(look(data)) == "beam")
    beside = beam.questions_beside(path) if chat and len(found) == 1 and not found[0].questions else None
    if beside is None:
        return found
    try:
        asked = beam.asked(Node(parse(_bytes(beside))).object())
    except BadInput as error:
        raise _named(error, str(beside)) from None
    return (beam.with_questions(found[0], asked),)


def recordings(source: Source, format: str = "auto") -> tuple[Recording, ...]:
    """Read a file that was looked at; each conversation has an id of its own."""
    if format == "auto":
        format = format_of(source)
    elif format not in FORMATS:
        near = difflib.get_close_matches(format.lower(), FORMATS, 1, 0.3)
        hint = f"did you mean {near[0]}?" if near else f"choose auto, {', '.join(FORMATS)}."
        raise BadInput(f"There is no format {clipped(format, 60)!r}: {hint}")
    found = FORMATS[format].read(source)
    if format != "inspector" and not any(recording.turns for recording in found):
        raise BadInput(f"The file holds no message (read as {format}): choose one that holds a conversation.")
    return tuple(_told_apart(found))


def _told_apart(found: Iterable[Recording]) -> Iterator[Recording]:
    """Give each an id of its own, of one short line; the first of several keeps the one that it has."""
    taken: set[str] = set()
    for number, recording in enumerate(found, 1):
        id = clipped(recording.id, 100) or f"conversation-{number}"
        while id in taken:
            id = f"{id}-{number}"
        taken.add(id)
        yield replace(recording, id=id, title=clipped(recording.title, 200))


def format_of(source: Source) -> str:
    """Name a file's format by what is in it; raises BadInput where it is none that is known."""
    found = next((name for name, module in FORMATS.items() if module.fits(source)), None)
    if found is None:
        raise BadInput(
            "The file is no conversation that can be read here: give an export of the Memory Inspector or of ChatGPT, "
            "messages of OpenAI or LangChain, a file of LoCoMo, LongMemEval or BEAM, or text with User: and AI: lines."
        )
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{clipped(str(path), 200)}: {said.lower()}: give a file that can be read.") from None


def _named(error: BadInput, name: str) -> BadInput:
    name, said = clipped(name, 200), str(error)
    return BadInput(f"{name}{said.removeprefix('The file')}" if said.startswith("The file ") else f"{name}: {said}")
