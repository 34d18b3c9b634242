"""Every lesson, found by looking into a folder; one that is broken is named with its place and stops nothing else.

    >>> load().found["window"].title
    'Window: the last k turns'
    >>> load().broken
    (Broken(file='31-mine.toml', error='steps[3].predict.right (in the step that begins in line 41): ...'),)

The shipped ones stand in `shipped/`; teachers put files of their own into a folder that MEMORY_INSPECTOR_LESSONS names,
and they stand behind the shipped ones. Steps, claims and actions are counted from 1, as turns are.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from memory.catalog import Broken
from memory.catalog import load as load_catalog
from memory.errors import BadInput
from memory.lessons.checking import faults_of
from memory.lessons.lesson import Lesson

SHIPPED = Path(__file__).parent / "shipped"
LARGEST = 200_000
"""Bytes of a lesson's file."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """All by their id, in the order of their numbers, the shipped ones first; and the files that are broken."""

    found: dict[str, Lesson]
    broken: tuple[Broken, ...] = ()


def load(folder: Path | None = None) -> Lessons:
    """Load the shipped lessons and those of a folder (default: MEMORY_INSPECTOR_LESSONS; none where it is empty).

    Looks again when a file changed.
    """
    named = os.environ.get("MEMORY_INSPECTOR_LESSONS", "")
    folder = folder or (Path(named) if named else None)
    files = [*_files(SHIPPED), *(_files(folder) if folder else ())]
    known = _load(tuple((file, _changed(file)) for file in files), tuple(load_catalog().memories))
    if folder is None or folder.is_dir():
        return known
    missing = Broken(str(folder), "there is no such folder; name one in MEMORY_INSPECTOR_LESSONS")
    return Lessons(known.found, (missing, *known.broken))


def lesson(name: str) -> Lesson:
    """Return one by its id; raises BadInput that names the nearest."""
    known = load().found
    if name not in known:
        near = difflib.get_close_matches(name[:100], known, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose {', '.join(known) or 'none: there is no lesson'}."
        raise BadInput(f"There is no lesson {name[:60]!r}; {hint}")
    return known[name]


def read(file: Path) -> Lesson:
    """Read a lesson's file; raises BadInput with the place of the first thing that is wrong, and the remedy."""
    found, faults = look_into(file)
    if found is None or faults:
        raise BadInput(faults[0])
    return found


def look_into(file: Path) -> tuple[Lesson | None, list[str]]:
    """Read a lesson's file and say all that is wrong with it; None where it cannot even be read as a lesson."""
    try:
        written = _text(file)
        row = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        # What a text left open is only found out at the end.
        hint = "; a text between three quotes may not be closed" if "end of document" in said else ""
        return None, [f"The file is no TOML: {said[:1].lower()}{said[1:]}{hint}; correct it there."]
    except RecursionError:
        return None, ["The file is no lesson: it is nested too deeply."]
    except BadInput as error:
        return None, [str(error)]
    try:
        found = Lesson.model_validate(row)
    except ValidationError as error:
        faults = [(tuple(one["loc"]), _said(one)) for one in error.errors(include_url=False, include_input=False)[:20]]
        return None, [_sentence(place, said, written) for place, said in faults]
    return found, [_sentence(place, said, written) for place, said in faults_of(found)]


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"The file cannot be read ({error.strerror}): make it readable.") from None
    if len(data) > LARGEST:
        raise BadInput(f"The file has {len(data):,} bytes and a lesson at most {LARGEST:,}: make two of it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInput(f"The file is not written in UTF-8 (line {line}): save it as UTF-8.") from None


def _said(error: Any) -> str:
    """Say what a member of the file is not, with the remedy."""
    if error["type"] == "extra_forbidden":
        return "is not known here; take it out or look its name up in memory/lessons/lesson.py"
    if error["type"] == "missing":
        return "is missing; write it"
    said: str = error["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{said[:1].lower()}{said[1:]}; correct it there"


def _sentence(place: Sequence[str | int], said: str, written: str) -> str:
    """Name a place as a teacher counts, and in which line its step begins."""
    name = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
    return f"{name or 'The file'}{_line(place, written)}: {said}"


def _line(place: Sequence[str | int], written: str) -> str:
    if len(place) > 1 and place[0] == "steps" and isinstance(place[1], int):
        begun = list(re.finditer(r"^[ \t]*\[\[\s*steps\s*\]\]", written, re.M))
        if place[1] < len(begun):
            line = written.count("\n", 0, begun[place[1]].start()) + 1
            return f" (in the step that begins in line {line})"
    return ""


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []


def _changed(file: Path) -> int:
    """Say when a file was changed last, 0 for one that cannot be asked; reading it says why."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=8)
def _load(files: tuple[tuple[Path, int], ...], memories: tuple[str, ...]) -> Lessons:
    """Read files as they were at a time, with the memories that there were then."""
    found: dict[str, tuple[Lesson, Path]] = {}
    broken: list[Broken] = []
    for file, _ in files:
        try:
            new = read(file)
            if new.lesson in found:
                raise BadInput(f"lesson: {new.lesson} is the id of {found[new.lesson][1].name} too; choose another")
        except BadInput as error:
            broken.append(Broken(file.name, str(error)))
        else:
            found[new.lesson] = (new, file)
    ordered = sorted(found.values(), key=lambda one: (one[1].parent != SHIPPED, one[0].number, one[0].lesson))
    return Lessons({one.lesson: one for one, _ in ordered}, tuple(broken))
