"""Spreadsheets run what begins like a formula: nothing that anybody wrote does, in a file or in a table of the page.

python -m pytest tests/attack/test_sheets.py
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from memory.compare.report import sheet
from pages.ui.tables import inert_cells

ROOT = Path(__file__).resolve().parents[2]
FORMULAS = [
    *(f"{sign}HYPERLINK(\"https://evil.example\")" for sign in "=+-@|%＝＋－＠"),
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\ufeff=1+1",
    "Hello;=cmd|'/C calc'!A0;you",
    "a;-1+1",
]  # fmt: skip
RUN = re.compile(r"[\s\ufeff]*[=+\-@|%＝＋－＠]")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_file_is_run_where_commas_or_semicolons_part_the_cells(text: str) -> None:
    (row,) = csv.reader(io.StringIO(sheet([["a", text, "b"]])))
    assert len(row) == 3
    assert not any(RUN.match(part) for cell in row for part in cell.split(";"))


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_table_that_is_downloaded_is_run_and_on_the_screen_it_looks_as_it_did(text: str) -> None:
    text = text.lstrip("\ufeff")
    (drawn,) = inert_cells({"a": [text]})["a"]
    assert not any(RUN.match(part) for part in drawn.split(";"))
    assert drawn.replace("\u200b", "") == text


def test_figures_pass_as_they_are() -> None:
    table = inert_cells({"a": [-1, None], "b": ["–", "12 %"]})
    assert table["a"].dropna().tolist() == [-1]
    assert table["b"].tolist() == ["–", "12 %"]
    assert sheet([[-1.5, None, "plain"]]) == "-1.5,,plain\r\n"


def test_there_is_one_place_that_writes_sheets_and_every_table_of_words_is_inert() -> None:
    writers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("memory", "pages")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"csv import .*writer|csv\.(Dict)?[wW]riter|\.to_csv\(", path.read_text())
    ]
    assert writers == ["memory/compare/report.py"]
    # The table of prices holds names of models that are known, and no words.
    bare = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pages").rglob("*.py")
        if re.search(r"\.dataframe\((?!\s*inert_cells\()", path.read_text())
    ]
    assert bare == ["pages/ui/settings_prices.py"]
