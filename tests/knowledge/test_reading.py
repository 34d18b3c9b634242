"""Reading files of every kind, and those that cannot be read.

python -m pytest tests/knowledge/test_reading.py
"""

from __future__ import annotations

import gzip
import zlib

import pytest

from memory.errors import BadInput
from memory.knowledge import apart
from memory.knowledge.reading import name_of, read_file
from tests.knowledge.files import locked, pdf, zip_bomb


def test_plain_text_and_markdown_are_read_as_they_are_with_their_lines() -> None:
    read = read_file("gates.md", b"# Gates\r\n\r\nThe east gate opens at nine.\r\n")
    assert read.text == "# Gates\n\nThe east gate opens at nine.\n"
    assert read.place(0, 7) == "line 1"
    assert read.place(0, 30) == "lines 1–3"
    assert read.place(8, 37) == "line 3"


def test_a_pdf_is_read_page_by_page() -> None:
    read = read_file("gates.pdf", pdf(["The east gate opens at nine.", "The west gate \\(old\\) is closed."]))
    assert read.text.startswith("The east gate opens at nine.")
    at = read.text.index("The west gate")
    assert (read.place(0, 10), read.place(at, at + 10), read.place(0, at + 1)) == ("page 1", "page 2", "pages 1–2")


def test_html_is_read_as_its_text_alone() -> None:
    data = b"""<!doctype html><html><head><title>no</title><script>alert('no')</script><style>no{}</style></head>
<body><h1>Gates &amp; walls</h1>
<p onclick="no()">The <b>east</b> gate<br>opens at <i>nine</i>.</p><script>no()</script><ul><li>one<li>two</ul>
<template>no</template><noscript>no</noscript><p>An end <p>without an end"""
    read = read_file("a.html", data)
    assert read.text == "Gates & walls\n\nThe east gate\nopens at nine.\n\none\ntwo\n\nAn end\n\nwithout an end"
    at = read.text.index("opens")
    assert read.place(at, at + 5) == "line 3"


def test_html_that_names_its_encoding_is_read_in_it() -> None:
    data = '<meta charset="iso-8859-2"><p>Łódź ma bramę.</p>'.encode("iso-8859-2")
    assert read_file("a.htm", data).text == "Łódź ma bramę."


def test_rows_of_csv_are_lines_that_name_their_columns() -> None:
    read = read_file("gates.csv", b'gate,opens,\neast,9,x\n"west, old","never\nagain",\n,,\nnorth\n')
    assert read.text.splitlines() == [
        "gate: east; opens: 9; column 3: x",
        "gate: west, old; opens: never again",
        "gate: north",
    ]
    at = read.text.index("north")
    assert read.place(at, at + 5) == "row 5"
    assert read_file("a.csv", b"gate;opens\neast;9\n").text == "gate: east; opens: 9"
    assert read_file("a.csv", b"only a header\n").text == "only a header"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_text_that_marks_its_encoding_is_read_in_it(encoding: str) -> None:
    read = read_file("a.txt", "Café 日本".encode(encoding))
    assert (read.text, read.told) == ("Café 日本", "")


def test_western_text_that_is_not_utf_8_is_read_and_says_so() -> None:
    read = read_file("a.txt", "The café opens at nine – every day.".encode("cp1252"))
    assert read.text == "The café opens at nine – every day."
    assert "Windows-1252" in read.told


REFUSED = {
    "a broken pdf": ("a.pdf", pdf(["text"])[:60], "broken"),
    "a pdf of noise": ("a.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 40, "broken"),
    "a locked pdf": ("a.pdf", locked(pdf(["text"]), "secret"), "without one"),
    "a scan": ("a.pdf", pdf(["", ""]), "OCR"),
    "no pdf": ("a.pdf", b"just words", "no pdf"),
    "a pdf under another name": ("a.txt", pdf(["text"]), "rename it"),
    "a zip bomb as txt": ("a.txt", zip_bomb(), "zip archive"),
    "a zip bomb as pdf": ("a.pdf", zip_bomb(), "zip archive"),
    "a zip bomb as csv": ("a.csv", zip_bomb(), "zip archive"),
    "gzip as md": ("a.md", gzip.compress(bytes(10_000_000)), "gzip"),
    "a picture": ("a.html", b"\x89PNG\r\n\x1a\n" + bytes(100), "picture"),
    "binary": ("a.txt", bytes(range(256)) * 10, "no text"),
    "controls": ("a.txt", b"\x01\x02\x03\x04" * 50, "no text"),
    "Japanese in another encoding": ("a.txt", "日本語の文章です。".encode("euc-jp") * 20, "UTF-8"),
    "broken UTF-16": ("a.txt", b"\xff\xfea", "UTF-8"),
    "nothing": ("a.txt", b"", "empty"),
    "blanks": ("a.md", b" \n\t ", "empty"),
    "html without text": ("a.html", b"<script>alert(1)</script>", "no text"),
    "another kind": ("a.docx", b"words", "save it as"),
    "no ending": ("README", b"words", "save it as"),
    "many columns": ("a.csv", b",".join(b"c%d" % n for n in range(600)) + b"\n1", "columns"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence_with_the_remedy(case: str) -> None:
    name, data, says = REFUSED[case]
    with pytest.raises(BadInput, match=says) as told:
        read_file(name, data)
    assert "\n" not in str(told.value)
    assert str(told.value).endswith(".")
    assert ":" in str(told.value)


def test_a_file_of_100_mb_is_refused_before_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match=r"100\.0 MB and a file may have 20\.0 MB"):
        read_file("a.txt", b"x" * 100_000_000)
    monkeypatch.setenv("DOCUMENT_MB", "0.001")
    with pytest.raises(BadInput, match="may have"):
        read_file("a.txt", b"x" * 1_001)
    monkeypatch.setenv("DOCUMENT_MB", "many")
    with pytest.raises(BadInput, match="DOCUMENT_MB"):
        read_file("a.txt", b"x")


def test_a_pdf_that_unfolds_to_hundreds_of_megabytes_is_refused_in_its_own_process() -> None:
    packed = zlib.compress(b"BT /F1 12 Tf 72 720 Td (" + b"a" * 400_000_000 + b") Tj ET")
    with pytest.raises(BadInput, match=r"save it|cut it|first"):
        read_file("bomb.pdf", pdf(["x"], packed))


def test_a_file_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 0.01)
    with pytest.raises(BadInput, match="took more than"):
        read_file("a.pdf", pdf(["text"]))


def test_a_name_is_shown_without_folders_and_without_what_cannot_be_seen() -> None:
    assert name_of("C:\\secret\\a\u202egpj.txt") == "a gpj.txt"
    assert name_of("../../etc/passwd.txt") == "passwd.txt"
    assert len(name_of("x" * 500 + ".md")) == 120
    assert name_of("x" * 500 + ".md").endswith("….md")
    assert name_of("\n") == "document"
