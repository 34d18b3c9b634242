"""What a person gives on the command line, read and checked: conversations, memories, turns, and where the JSON goes.

>>> parse_turns("0:50"), memory_of("window:k=3").settings.k
((0, 50), 3)
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from memory.common.words import plural
from memory.errors import BadInput, InspectorError

if TYPE_CHECKING:
    from memory.base import Memory
    from memory.formats import Recording

SCENARIO = "scenario:"
"""What the name of a shipped conversation begins with in the place of a file's."""


def parse_turns(text: str | None) -> tuple[int, int] | None:
    """Read A:B, :B or A: as the first turn and the one after the last; raises BadInput."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{0,9}):(\d{0,9})", text, re.ASCII)
    first, end = (int(found[1] or 0), int(found[2] or 10**9)) if found else (0, 0)
    if first >= end:
        raise BadInput(f"--turns {text}: write A:B with A smaller than B, such as 0:50 for the first fifty turns")
    return first, end


def check_turns(turns: tuple[int, int] | None, recordings: tuple[Recording, ...], text: str | None) -> None:
    """Refuse turns that no conversation has."""
    longest = max((len(one.turns) for one in recordings), default=0)
    if turns and turns[0] >= longest:
        what = "the longest conversation" if len(recordings) > 1 else "the conversation"
        raise BadInput(
            f"--turns {text} leaves no turn: {what} has {plural(longest, 'turn')}, counted from 0; "
            f"begin at {max(0, longest - 1)} or before"
        )


def memory_of(spec: str) -> Memory:
    """Build a memory from its SPEC; raises BadInput."""
    from memory.catalog import load

    try:
        return load().memory(spec)
    except BadInput as error:
        raise BadInput(f"--memory {spec}: {error}") from None


def check_embedding(setting: str | None) -> None:
    """Refuse an embedding that cannot be."""
    from memory.retrieval.embeddings import embedding

    try:
        embedding(setting)
    except BadInput as error:
        raise BadInput(f"--embeddings {setting}: {error}" if setting else str(error)) from None


def recordings_of(name: str, format: str, wanted: str | None) -> tuple[Recording, ...]:
    """Read the conversations of a file, of standard input ("-") or a scenario; of several the one that is wanted."""
    from memory.formats import read, read_files

    if name.startswith(SCENARIO):
        from memory.compare.scenarios import scenario

        found: tuple[Recording, ...] = (scenario(name.removeprefix(SCENARIO)).recording,)
    else:
        found = read(sys.stdin.buffer.read(), "standard input", format) if name == "-" else read_files(name, format)
    return found if wanted is None else _wanted(found, wanted, "standard input" if name == "-" else name)


def all_recordings(names: Sequence[str], format: str, wanted: str | None) -> tuple[Recording, ...]:
    """Read the conversations of several files; those with the id that is wanted, in whichever files they are."""
    if len(names) == 1:
        return recordings_of(names[0], format, wanted)
    found = tuple(one for name in names for one in recordings_of(name, format, None))
    return found if wanted is None else _wanted(found, wanted, f"{len(names):,} files")


def _wanted(found: tuple[Recording, ...], wanted: str, shown: str) -> tuple[Recording, ...]:
    chosen = tuple(one for one in found if one.id == wanted)
    if not chosen:
        ids = [one.id for one in found]
        near = difflib.get_close_matches(wanted, ids, 1, 0.4)
        held = f"it has {', '.join(ids[:5])}{', …' if ids[5:] else ''}"
        remedy = f"did you mean {near[0]}? ({held})" if near else held
        raise BadInput(f"{shown}: --conversation {wanted}: there is no such conversation; {remedy}")
    return chosen


@contextmanager
def output(name: str | None) -> Iterator[TextIO | None]:
    """Open where the JSON goes; a file is there whole or as it was before."""
    if name is None or name == "-":
        if name and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8")
        yield sys.stdout if name else None
        return
    path = Path(name)
    # A pipe or a device cannot be replaced.
    direct = path.exists() and not path.is_file()
    part = path if direct else path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        file = part.open("w", encoding="utf-8")
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise BadInput(f"{name}: {said}: name a file in a folder that can be written") from None
    try:
        with file:
            yield file
        if not direct:
            part.replace(path)
    except OSError as error:
        raise InspectorError(f"{name} could not be written: {error.strerror or error}") from None
    finally:
        if not direct:
            with suppress(OSError):
                part.unlink()
