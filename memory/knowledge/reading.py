"""Reads a file that somebody uploaded: its text, and the page, line or row that each place of it stands on.

    >>> read = read_file("gates.md", b"# Gates\n\nThe east gate opens at nine.\n")
    >>> read.text, read.place(9, 38)
    ('# Gates\n\nThe east gate opens at nine.\n', 'line 3')

What a file is called is not believed: what it begins with and what it holds decide whether it is what it says. A pdf
and a page of html are read in a process of their own, with limits of time and memory (`apart.py`). A file that cannot
be read raises BadInput, one sentence with the remedy.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field

from memory.errors import BadInput
from memory.knowledge.limits import limits, size_words

KINDS = {"txt": "txt", "text": "txt", "md": "md", "markdown": "md", "pdf": "pdf", "html": "html", "htm": "html"}
KINDS |= {"csv": "csv", "tsv": "csv"}
ACCEPTED = "txt, md, pdf, html or csv"
LONGEST_NAME = 120
MOST_COLUMNS = 500

_MAGIC = (
    (b"PK\x03\x04", "a zip archive (or a file of Word, Excel or the like)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive"),
    (b"Rar!", "a rar archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"{\\rtf", "a file of rich text"),
    (b"SQLite format 3", "a database"),
)


@dataclass(frozen=True, slots=True)
class Read:
    """The text of a file; `unit` says what `marks` count, pairs of an offset and the number that begins there.

    Without marks the lines of the text are counted. `told` is what a reader should know of how it was read. `starts`
    are the offsets alone, found when they are first asked for.
    """

    text: str
    unit: str = "line"
    marks: tuple[tuple[int, int], ...] = ()
    told: str = ""
    starts: Annotated[list[int], Field(exclude=True)] = field(default_factory=list, compare=False, repr=False)

    def place(self, start: int, end: int) -> str:
        """Name where a span of the text stands: "page 2" or "lines 3–9"."""
        # What begins or ends between two lines is named by what can be read of it.
        piece = self.text[start:end]
        begun = len(piece) - len(piece.lstrip())
        start, end = (start + begun, start + len(piece.rstrip())) if begun < len(piece) else (start, end)
        first, last = self._number(start), self._number(max(start, end - 1))
        return f"{self.unit} {first:,}" if first == last else f"{self.unit}s {first:,}–{last:,}"

    def _number(self, at: int) -> int:
        if not self.starts:
            self.starts.extend(
                [offset for offset, _ in self.marks] or [0, *(match.end() for match in re.finditer("\n", self.text))]
            )
        place = max(0, bisect_right(self.starts, at) - 1)
        return self.marks[place][1] if self.marks else place + 1


def name_of(name: str) -> str:
    """Return a file's name without folders, marks that turn the direction of writing, and what cannot be seen."""
    plain = PurePosixPath(name.replace("\\", "/")).name
    plain = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in plain).split())
    if len(plain) > LONGEST_NAME:
        stem, dot, ending = plain.rpartition(".")
        ending = dot + ending if len(ending) <= 8 else ""
        plain = f"{(stem or plain)[: LONGEST_NAME - 1 - len(ending)]}…{ending}"
    return plain or "document"


def kind_of(name: str) -> str:
    """Return which kind of file a name says it is; raises BadInput for one that is not read here."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in KINDS:
        raise BadInput(f"“{name}” is not of a kind that is read here: save it as {ACCEPTED}, and upload that.")
    return KINDS[ending]


def read_file(name: str, data: bytes) -> Read:
    """Read a file of any kind; raises BadInput for one that is too large, empty, broken or not what it says."""
    name = name_of(name)
    kind = kind_of(name)
    check_file(name, kind, data)
    if kind in ("pdf", "html"):
        from memory.knowledge.apart import read_apart

        read = read_apart(name, kind, data)
    else:
        text, told = decoded(name, data)
        read = _rows(name, text, told) if kind == "csv" else Read(text, told=told)
    if not read.text.strip():
        raise BadInput(f"“{name}” holds no text: choose another file.")
    return read


def check_file(name: str, kind: str, data: bytes) -> None:
    """Raise BadInput for a file whose bytes are too many, or are not what its name says."""
    most = limits().file
    if len(data) > most:
        raise BadInput(
            f"“{name}” has {size_words(len(data))} and a file may have {size_words(most)}: cut it into several."
        )
    if not data.strip():
        raise BadInput(f"“{name}” is empty: choose another file.")
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise BadInput(f"“{name}” is {what}, whatever its name says: save its text as {ACCEPTED}.")
    is_pdf = b"%PDF-" in data[:1024]
    if kind == "pdf" and not is_pdf:
        raise BadInput(f"“{name}” is no pdf, whatever its name says: save it as a pdf again, or as txt.")
    if kind != "pdf" and data.startswith(b"%PDF-"):
        raise BadInput(f"“{name}” is a pdf, whatever its name says: rename it to end in .pdf.")


def decoded(name: str, data: bytes, declared: str = "") -> tuple[str, str]:
    """Return a file's text and how it was read where that is a guess; raises BadInput for what is no text."""
    text, told = _decoded(name, data, declared)
    # Line feeds alone end lines; what no screen shows would stand in passages unseen.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    odd = len(_CONTROL.findall(text))
    if odd > max(8, len(text) // 200):
        raise BadInput(f"“{name}” is no text, whatever its name says: save its text as {ACCEPTED}.")
    return _CONTROL.sub("", text), told


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


def _decoded(name: str, data: bytes, declared: str) -> tuple[str, str]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            try:
                return data.decode(encoding), ""
            except UnicodeDecodeError:
                raise BadInput(f"“{name}” is broken in mid-text: save it as UTF-8 again, and upload that.") from None
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        where = error.start
    if b"\x00" in data:
        raise BadInput(f"“{name}” is no text, whatever its name says: save its text as {ACCEPTED}.")
    if declared and declared not in ("utf-8", "utf8"):
        try:
            if codecs.lookup(declared)._is_text_encoding:
                return data.decode(declared), f"It was read as {declared}, as it says."
        except (LookupError, ValueError):
            pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    # Of a western text few letters are none of ASCII; of any other writing nearly all are.
    if not text or sum(byte > 127 for byte in data) > 0.2 * len(data):
        raise BadInput(
            f"“{name}” is written in an encoding that is not UTF-8 (at byte {where:,}): save it as UTF-8, "
            "and upload that."
        )
    return text, "It is not UTF-8 and was read as Windows-1252: where letters look wrong, save it as UTF-8."


def _rows(name: str, text: str, told: str) -> Read:
    """Write each row as a line that names its columns."""
    lines: list[str] = []
    marks: list[tuple[int, int]] = []
    at = 0
    csv.field_size_limit(limits().file)
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text))
    try:
        header = [" ".join(cell.split()) for cell in next(reader, [])]
        if len(header) > MOST_COLUMNS:
            raise BadInput(f"“{name}” has {len(header):,} columns and may have {MOST_COLUMNS}: leave some out.")
        number = 1
        for row in reader:
            number += 1
            if line := _row(header, row):
                marks.append((at, number))
                lines.append(line)
                at += len(line) + 1
    except csv.Error as error:
        raise BadInput(f"“{name}” breaks off in row {reader.line_num:,} ({error}): save it as csv again.") from None
    if not lines:  # a header alone, or a list of one line
        return Read(" ".join(header), "row", ((0, 1),), told)
    return Read("\n".join(lines), "row", tuple(marks), told)


def _row(header: Sequence[str], row: Sequence[str]) -> str:
    named = []
    for place, cell in enumerate(row):
        if value := " ".join(cell.split()):
            column = (header[place] if place < len(header) else "") or f"column {place + 1}"
            named.append(f"{column}: {value}")
    return "; ".join(named)


def _delimiter(text: str) -> str:
    """Return what parts the columns: the sign that stands most often in the first line."""
    first = text.lstrip("\n").partition("\n")[0]
    return max(",;\t|", key=first.count)
