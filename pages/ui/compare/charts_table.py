"""The figures of all columns as a table that can be sorted, and their evidence found by category.

    draw_table(marks, rows, key, go)

Numbers are numbers, so that a click on a heading sorts them; who is the best at something says so in a word of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from memory.compare.figures import Row
from pages.ui.compare.marks import Mark
from pages.ui.tables import inert_cell, inert_cells
from pages.ui.words import escaped

SHOWN = 14
"""Rows of a table before it scrolls."""
NOTES = (
    "The share of the words of the evidence that stands in the summaries and notes that were sent. A note says a thing "
    "in other words, so this is a measure of its own and adds nothing to the evidence found."
)
_HELP = {
    "tokens a turn": "The mean of a turn's prompt",
    "tokens a question": "What the memory put into the prompt of a question, on average",
    "evidence found": "The mean share of a question's messages of evidence that were sent word for word",
    "found whole": "The share of questions of which every message of evidence was sent",
    "in notes": NOTES,
    "cost": "Prompts, answers and the memory's own calls in dollars, with what a prompt cache spares (estimated)",
    "no cache": "The same in dollars, every prompt billed in full",
    "own calls": "How often the memory itself asked a model",
    "seconds": "What the memory took to read and write, all turns together",
}
_WIDTHS = {
    "memory": 170,
    "best at": 132,
    "tokens a turn": 92,
    "tokens a question": 118,
    "evidence found": 100,
    "found whole": 86,
    "in notes": 68,
    "cost": 76,
    "no cache": 76,
    "own calls": 70,
    "seconds": 66,
}


def draw_table(marks: Sequence[Mark], rows: Sequence[Row], key: str, go: Callable[[int], None]) -> None:
    """Draw a row for each column; a selected row calls `go` with its number, also by keyboard."""
    table = figures_table(marks, rows)

    def selected() -> None:
        picked = st.session_state[key].selection.rows
        if picked and picked[0] < len(rows):
            go(rows[picked[0]].number)

    formats = dict.fromkeys(("evidence found", "found whole", "in notes"), "%.0f %%")
    formats |= dict.fromkeys(("cost", "no cache"), "$%.5f")
    st.dataframe(
        inert_cells(table),
        key=key,
        hide_index=True,
        row_height=27,
        height=37 + 27 * min(len(rows), SHOWN),
        on_select=selected,
        selection_mode="single-row",
        placeholder="–",
        alt="The figures of every memory: tokens, evidence found, cost, calls and time",
        column_config={
            " ": st.column_config.TextColumn(width=38),
            "memory": st.column_config.TextColumn(width=_WIDTHS["memory"]),
            "best at": st.column_config.TextColumn(width=_WIDTHS["best at"]),
            **{
                name: st.column_config.NumberColumn(
                    width=_WIDTHS[name], format=formats.get(name, "localized"), help=_HELP[name]
                )
                for name in table.columns
                if name in _HELP
            },
        },
    )


def figures_table(marks: Sequence[Mark], rows: Sequence[Row]) -> pd.DataFrame:
    """Make the table, with the columns that some row has a figure for."""
    best = best_at(rows)
    table = pd.DataFrame(
        {
            " ": [marks[row.number].letter for row in rows],
            "memory": [" ".join(filter(None, (marks[row.number].label, marks[row.number].setting))) for row in rows],
            "best at": [", ".join(best.get(row.number, [])) for row in rows],
            "tokens a turn": [_round(row.tokens_per_turn) for row in rows],
            "tokens a question": [_round(row.question_tokens) for row in rows],
            "evidence found": [_percent(row.recall) for row in rows],
            "found whole": [_percent(row.full) for row in rows],
            "in notes": [_percent(row.overlap) for row in rows],
            "cost": [_dollars(row.cost) for row in rows],
            "no cache": [_dollars(row.cost_uncached) for row in rows],
            "own calls": [row.own_calls if row.finished else None for row in rows],
            "seconds": [round(row.seconds, 2) if row.finished else None for row in rows],
        }
    )
    kept = [name for name in table if name in (" ", "memory", "best at") or table[name].notna().any()]
    whole = [name for name in ("tokens a turn", "tokens a question", "own calls") if name in kept]
    return table[kept].astype(dict.fromkeys(whole, "Int64"))


def best_at(rows: Sequence[Row]) -> dict[int, list[str]]:
    """Say of each column what it is the best at, by number; where all are the same nobody is.

    Only rows over all recordings are held against each other; fewest tokens count among those that found something.
    """
    whole = [row for row in rows if row.whole]
    found = [row for row in whole if row.recall]
    measures: tuple[tuple[str, Sequence[Row], Callable[[Row], Any]], ...] = (
        ("evidence", whole, lambda row: None if row.recall is None else -row.recall),
        ("notes", whole, lambda row: None if row.overlap is None else -row.overlap),
        ("tokens", found, lambda row: row.question_tokens),
        ("cost", whole, lambda row: row.cost),
        ("uncached cost", whole, lambda row: row.cost_uncached),
    )
    best: dict[int, list[str]] = {}
    for words, of, measure in measures:
        values = [(measure(row), row) for row in of]
        known = [value for value, _ in values if value is not None]
        if len(known) < 2 or min(known) == max(known):
            continue
        for value, row in values:
            # Who is the cheapest in both is so once.
            if value == min(known) and not (words == "uncached cost" and "cost" in best.get(row.number, [])):
                best.setdefault(row.number, []).append(words)
    return best


def draw_notes(marks: Sequence[Mark], rows: Sequence[Row]) -> None:
    """Say which runs failed or are not done, and why."""
    for row in rows:
        if row.note:
            icon = ":material/error:" if row.failed else ":material/info:"
            st.caption(f"{icon} **{escaped(marks[row.number].name)}** {escaped(row.note)}")


def draw_categories(marks: Sequence[Mark], rows: Sequence[Row], key: str) -> None:
    """Draw the evidence found by category of question, where there are several."""
    names = list(dict.fromkeys(name for row in rows for name in row.by_category))
    if len(names) < 2:
        return
    counts = {name: max(row.by_category[name].questions for row in rows if name in row.by_category) for name in names}
    st.markdown("**Evidence found by category of question**  \nThe mean share, with the number of questions.")
    heads = {name: inert_cell(f"{name} ({counts[name]:,})") for name in names}
    table = pd.DataFrame(
        {
            " ": [marks[row.number].letter for row in rows],
            "memory": [marks[row.number].name.partition(" ")[2] for row in rows],
            **{
                heads[name]: [
                    _percent(row.by_category[name].recall if name in row.by_category else None) for row in rows
                ]
                for name in names
            },
        }
    )
    st.dataframe(
        inert_cells(table),
        key=key,
        hide_index=True,
        row_height=27,
        height=37 + 27 * min(len(rows), SHOWN),
        placeholder="–",
        alt="Evidence found by memory and category of question",
        column_config={
            " ": st.column_config.TextColumn(width=38),
            "memory": st.column_config.TextColumn(width=_WIDTHS["memory"]),
            **{head: st.column_config.NumberColumn(format="%.0f %%", width=100) for head in heads.values()},
        },
    )


def _round(value: float | None) -> int | None:
    return None if value is None else round(value)


def _dollars(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)
