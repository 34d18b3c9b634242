"""The questions that a column missed, near misses first, and for each missing message why it was not sent.

    draw_misses(marks, rows, results, recordings, key)       # session key f"{key}_column" says whose

A near miss is one that a little more would have found: a part of its evidence was sent, or what is missing came shortly
behind what was taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from memory.compare.figures import Row
from memory.compare.misses import Missed, Told, misses
from memory.compare.results import AskedRow, Results
from memory.formats.recording import Recording
from pages.ui.compare.charts import percent
from pages.ui.compare.marks import Mark
from pages.ui.words import badge, escaped, plural, tokens

PAGE = 10
"""How many questions a page has."""
WORDS = 400
"""Characters of a message that are shown."""
NEAR = 2.0
"""Up to this multiple of the ranks that were sent, a message was nearly sent."""
_RANK = re.compile(r"rank ([\d,]+)(?: of top ([\d,]+))?")
_TOP = 20
"""Behind so many a rank counts as far where nothing says how many were sent."""


def draw_misses(
    marks: Sequence[Mark], rows: Sequence[Row], results: Results, recordings: Sequence[Recording], key: str
) -> None:
    """Draw whose questions are listed, a filter by category, and a page of them."""
    asked = [row.number for row in rows if any((place, row.number) in results for place in range(len(recordings)))]
    if not asked:
        return
    with st.container(gap="xsmall"):
        st.markdown("##### Questions missed, and why")
        number = st.selectbox(
            "Missed by",
            asked,
            _foremost(rows, asked),
            format_func=lambda place: marks[place].name,
            key=f"{key}_column",
            width=340,
        )
        missed = sorted(misses(number, results, recordings), key=nearness)
        count = sum(bool(one.found or one.missing) for one in _asked(number, results, recordings))
        _listed(marks[number], missed, count, several=len(recordings) > 1, key=f"{key}_{number}")


def _foremost(rows: Sequence[Row], asked: Sequence[int]) -> int:
    """Return the place of the column that found the most without finding everything."""
    recalls = {row.number: row.recall for row in rows}
    found = [recall if (recall := recalls[number]) is not None and recall < 1 else -1.0 for number in asked]
    return found.index(max(found))


def nearness(missed: Missed) -> tuple[float, float]:
    """Order by how near a question came: ranks shortly behind the last that was sent, then what was found of it."""
    return min(map(_distance, missed.missing), default=float("inf")), -missed.share


def near(told: Told) -> bool:
    """Say whether a message came shortly behind what was sent."""
    return _distance(told) <= NEAR


def _distance(told: Told) -> float:
    rank = _RANK.search(told.why)
    if rank:
        at, top = (int((number or "0").replace(",", "")) for number in rank.groups())
        return at / (top or _TOP) + (0 if top else NEAR)
    return 1.0 if told.why.startswith("shortened") else float("inf")


def _asked(number: int, results: Results, recordings: Sequence[Recording]) -> list[AskedRow]:
    runs = (results.get((place, number)) for place in range(len(recordings)))
    return [row for run in runs if run for row in run.questions]


def _listed(mark: Mark, missed: Sequence[Missed], count: int, *, several: bool, key: str) -> None:
    if not count:
        st.markdown("No question with evidence was asked.")
        return
    if not missed:
        st.markdown(
            f"{badge('gray', '✓ nothing missed')} {escaped(mark.name)} sent all evidence of {_questions(count)}."
        )
        return
    partly = sum(bool(one.found) for one in missed)
    st.markdown(
        f"{len(missed):,} of {_questions(count)} missed something; {partly:,} of them found a part. Near misses first."
    )
    names = list(dict.fromkeys(map(_category, missed)))
    if len(names) > 1:
        picked = st.pills(
            "Category of question",
            sorted(names),
            selection_mode="multi",
            format_func=lambda name: escaped(f"category {name}" if name.isdigit() else name),
            key=f"{key}_category",
        )
        missed = [one for one in missed if not picked or _category(one) in picked]
    pages = -(-len(missed) // PAGE)
    at = st.pagination(pages, max_visible_pages=5, key=f"{key}_page_{pages}") if pages > 1 else 1
    for one in missed[(at - 1) * PAGE : at * PAGE]:
        _question(one, several=several)


def _category(one: Missed) -> str:
    return "none" if one.category is None else str(one.category)


def _question(one: Missed, *, several: bool) -> None:
    wanted = len(one.found) + len(one.missing)
    found = badge("red", f"✕ {len(one.found):,} of {wanted:,} found")
    category = "" if one.category is None else badge("gray", f"category {one.category}")
    where = f" · {escaped(one.conversation)}" if several else ""
    notes = "" if one.overlap is None else f" · {percent(one.overlap)} of its words in notes"
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{escaped(one.text)}** {found} {category}")
        for told in one.missing:
            turned = badge("orange", "near miss") + " " if near(told) else ""
            said = f"turn {told.turn + 1:,}, {escaped(told.speaker or 'unknown')}: “{escaped(_cut(told.words))}”"
            st.markdown(f"{turned}{said}  \nnot sent: {escaped(told.why)}")
        st.caption(f"{tokens(one.tokens)} sent from memory{notes}{where}")


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WORDS else f"{line[: WORDS - 1]}…"


def _questions(count: int) -> str:
    return plural(count, "question")
