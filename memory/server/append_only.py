"""The append-only file of the embedded server, where its end was torn: cut to what is whole, with a copy kept.

    >>> damage = look(folder / "appendonlydir" / "appendonly.aof.1.incr.aof")
    >>> damage.whole, damage.size, damage.after        # bytes that are whole, all bytes, commands after the damage
    (48211, 48230, 0)
    >>> repair(damage, folder / "damaged")
    'The end of appendonly.aof.1.incr.aof was torn, as after a power cut: …'

A write that was cut off, or the zeros that a file system leaves after a power cut, had been acknowledged to nobody.
Damage with whole commands after it is another thing, and so is any in a file that is not the newest, which was whole
once: cutting there would take away what was acknowledged, and that is left to whoever has read what it costs.
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from memory.server.data_folder import make_private, private

DAMAGED = "damaged"
"""The folder of the copies, beside that of the files."""
KEPT_DAYS = 30
"""Days for which copies are kept. Whoever has something forgotten has them deleted at once."""
_SAID = ".txt"
_COUNT, _LENGTH = re.compile(rb"\*([1-9]\d{0,8})\r\n"), re.compile(rb"\$(\d{1,10})\r\n")
_DIED_OF = re.compile(
    r"(?:Bad file format|Unexpected end of file) reading the append only file (\S+?)[.:]? (?:You can|make a backup)"
)


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a file stops being whole: `whole` and `size` in bytes, `after` the commands that can be read behind it.

    `newest` says whether it is the file that was written to last.
    """

    file: Path
    whole: int
    size: int
    after: int
    newest: bool = True

    @property
    def torn(self) -> bool:
        """Whether only what was acknowledged to nobody is damaged."""
        return self.newest and not self.after


def died_of(log: str) -> str | None:
    """Return the name of the file that a server could not read, by what it said when it ended."""
    found = _DIED_OF.search(log)
    return found[1] if found else None


def look(file: Path) -> Damage | None:
    """Read a file of plain commands to its end; None where all of it is whole. About a second for 100 MB."""
    size = file.stat().st_size
    if not size:
        return None
    with open(file, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at, begun = 0, None
        while at < size:
            end = _command(data, at)
            if end is None:
                break
            head = data[at : at + 16].upper()
            # What a transaction did before it was cut off counts for nothing: a server leaves all of it out.
            if head.startswith(b"*1\r\n$5\r\nMULTI"):
                begun = at
            elif head.startswith(b"*1\r\n$4\r\nEXEC"):
                begun = None
            at = end
        whole = at if begun is None else begun
        return None if whole == size else Damage(file, whole, size, _after(data, at), _is_newest(file))


def repair(damage: Damage, folder: Path) -> str:
    """Cut off what is not whole, and all after it; returns what was done in a sentence or two.

    The file as it was is kept in `folder`. All is on disk before it returns. The server must not run.
    """
    make_private(folder)
    copy = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{damage.file.name}"
    draft = copy.with_name(copy.name + ".new")
    with open(damage.file, "rb") as source, open(draft, "wb", opener=private) as target:
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())
    draft.replace(copy)
    with open(damage.file, "r+b") as file:
        file.truncate(damage.whole)
        os.fsync(file.fileno())
    cut = damage.size - damage.whole
    what = (
        f"The end of {damage.file.name} was torn, as after a power cut: its last {cut:,} bytes, part of a write "
        "that nobody was told was done, were cut off, and everything before them is there."
        if damage.torn
        else f"{damage.file.name} was cut off where it was damaged: its last {cut:,} bytes are gone from it, with "
        f"{damage.after:,} whole writes after the damage."
    )
    said = f"{what} The file as it was is kept in {copy} for {KEPT_DAYS} days."
    with open(copy.with_name(copy.name + _SAID), "w", encoding="utf-8", opener=private) as note:
        note.write(said)
    return said


def told(folder: Path) -> str:
    """Return what the last repair said, empty where no copy is kept any more."""
    notes = sorted(folder.glob(f"*{_SAID}"))
    return notes[-1].read_text(encoding="utf-8") if notes else ""


def remove_copies(folder: Path, older: float = 0.0) -> int:
    """Delete the copies that are at least so many days old; returns how many there were."""
    removed = 0
    for path in folder.glob("*"):
        if time.time() - path.stat().st_mtime >= older * 86_400:
            path.unlink(missing_ok=True)
            removed += path.suffix != _SAID
    return removed


def _is_newest(file: Path) -> bool:
    """Say whether a file is the last that the list beside it names; also where there is no list."""
    for listed in file.parent.glob("*.manifest"):
        names = re.findall(r"^file (\S+) seq \d+ type [bi]", listed.read_text(errors="replace"), re.MULTILINE)
        return not names or names[-1] == file.name
    return True


def _command(data: mmap.mmap, at: int) -> int | None:
    """Return where the command at a place ends; None where there is no whole one."""
    if not (count := _COUNT.match(data, at)):
        return None
    at = count.end()
    for _ in range(int(count[1])):
        if not (length := _LENGTH.match(data, at)):
            return None
        at = length.end() + int(length[1])
        if data[at : at + 2] != b"\r\n":
            return None
        at += 2
    return at


def _after(data: mmap.mmap, at: int) -> int:
    """Count the whole commands behind a place at which there is none."""
    found = 0
    while (start := data.find(b"\n*", at)) >= 0:
        end = _command(data, start + 1)
        found, at = (found, start + 1) if end is None else (found + 1, end - 1)
    return found
