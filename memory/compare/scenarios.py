"""Scripted conversations that ship with the project, each for one difference between memories that is worth knowing.

    >>> moved = scenarios()["moved"]
    >>> moved.title, moved.suggested[:2], moved.recording.questions[0].evidence
    ('Moved from Oslo to Lisbon', ('buffer', 'window:k=5'), ('lisbon',))
    >>> print(moved.claims[0])
    Question 1, buffer: found

Each is a file of `memory/formats/scenario.py` with four members more: `about` tells a newcomer what the difference is
and what to watch, `suggested` names two to six memories, and `claims` say what comes of it, which is measured by the
project's tests. Teachers put files of their own into a folder that MEMORY_INSPECTOR_SCENARIOS names: they stand behind
the shipped ones. One that is broken is named with its error and stops nothing else.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from memory.catalog import Broken, Catalog
from memory.catalog import load as load_catalog
from memory.compare.claims import Claim, read_claim
from memory.errors import BadInput
from memory.exchange.bounded_json import parse
from memory.exchange.bounds import ID
from memory.formats.node import Node
from memory.formats.reading import read_files
from memory.formats.recording import Recording
from memory.formats.scenario import refused

SHIPPED = Path(__file__).parent / "scenarios"
FEWEST, MOST = 2, 6
"""How many memories a scenario suggests."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scripted conversation; `about` is two sentences, `suggested` are memories as the command line writes them."""

    name: str
    title: str
    about: str
    recording: Recording
    suggested: tuple[str, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Scenarios:
    """All by name, the shipped ones first; and the files that could not be read, and why."""

    found: dict[str, Scenario]
    broken: tuple[Broken, ...] = ()


def scenarios() -> dict[str, Scenario]:
    """Return every scenario that can be read, by its name."""
    return dict(load().found)


def load(folder: Path | None = None) -> Scenarios:
    """Load the shipped scenarios and those of a folder (default: MEMORY_INSPECTOR_SCENARIOS; none where it is empty).

    Looks again when a file changed.
    """
    named = os.environ.get("MEMORY_INSPECTOR_SCENARIOS", "")
    folder = folder or (Path(named) if named else None)
    files = [*_files(SHIPPED), *(_files(folder) if folder else ())]
    missing = (
        ()
        if folder is None or folder.is_dir()
        else (Broken(str(folder), "there is no such folder; name one in MEMORY_INSPECTOR_SCENARIOS"),)
    )
    known = _load(tuple((file, _changed(file)) for file in files), tuple(load_catalog().memories))
    return Scenarios(known.found, (*missing, *known.broken))


def scenario(name: str) -> Scenario:
    """Return one by its name; raises BadInput that lists the names."""
    known = scenarios()
    if name not in known:
        near = difflib.get_close_matches(name[:100], known, 1)
        hint = f"did you mean {near[0]}? There are" if near else "choose"
        raise BadInput(f"There is no scenario {name[:60]!r}; {hint} {', '.join(known)}.")
    return known[name]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def _changed(file: Path) -> int:
    """Say when a file was changed last, 0 for one that cannot be asked; reading it says why."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=8)
def _load(files: tuple[tuple[Path, int], ...], memories: tuple[str, ...]) -> Scenarios:
    """Read files as they were at a time, with the memories that there were then."""
    found: dict[str, Scenario] = {}
    broken: list[Broken] = []
    catalog = load_catalog()
    for file, _ in files:
        try:
            new = _read(file, catalog)
            if new.name in found:
                raise BadInput(f"{file}: scenario: {new.name} is taken; choose another name")
        except BadInput as error:
            broken.append(Broken(file.name, str(error).removeprefix(f"{file}: ")))
        else:
            found[new.name] = new
    return Scenarios(found, tuple(broken))


def _read(file: Path, catalog: Catalog) -> Scenario:
    """Read one; raises BadInput with the file, the place and the remedy."""
    (recording,) = read_files(file, "scenario")
    root = Node(parse(file.read_bytes()))

    def known(spec: Node) -> str:
        written = spec.text()
        try:
            catalog.memory(written)
        except BadInput as error:
            raise refused(spec, str(error)) from None
        return written

    try:
        name = root.get("scenario").text()
        if not ID.fullmatch(name):
            raise refused(root.get("scenario"), "is no name; write up to 100 letters, digits and hyphens")
        title, about = root.get("title").text(), root.get("about").text()
        specs = root.get("suggested").rows()
        if not FEWEST <= len(specs) <= MOST:
            raise refused(root.get("suggested"), f"has {len(specs)}; name {FEWEST} to {MOST} memories")
        suggested = tuple(map(known, specs))
        claims = root.get("claims").rows() if root.get("claims").value is not None else []
        asked = len(recording.questions)
        return Scenario(
            name,
            title,
            about,
            recording,
            suggested,
            tuple(read_claim(claim.object(), asked, known) for claim in claims),
        )
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from None
