"""What each memory sends after something was said anew: the new word, the old one, both or neither.

draw_contradictions(marks, contradictions(results, recordings), "compare_e1_anew")
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from memory.compare.misses import Contradiction, Told
from pages.ui.compare.charts_table import SHOWN
from pages.ui.compare.marks import Mark
from pages.ui.tables import inert_cells
from pages.ui.words import escaped, plural

WORDS = 160
"""Characters of a message that are shown."""
QUESTIONS = 20
"""How many contradictions are told one by one."""
_SENT = {"new": "✓ new", "old": "✕ old", "both": "± both", "neither": "– neither"}


def draw_contradictions(marks: Sequence[Mark], found: Sequence[Contradiction], key: str) -> None:
    """Draw what was said before and after, and a table of what each column sent and what its notes say."""
    if not found:
        return
    with st.container(gap="xsmall"):
        st.markdown(
            "**Said anew: which of the two was sent**  \nWords of the conversation that were sent whole; notes beside "
            "them, where a memory takes some."
        )
        for number, one in enumerate(found[:QUESTIONS], 1):
            st.markdown(
                f"**{number}. {escaped(one.text)}**  \nold: {_said(one.old)}  \nnew: {_said(one.new)}",
            )
        if len(found) > QUESTIONS:
            st.caption(f"{plural(len(found) - QUESTIONS, 'further question')} in the table alone.")
        table = contradictions_table(marks, found)
        st.dataframe(
            inert_cells(table),
            key=key,
            hide_index=True,
            row_height=27,
            height=37 + 27 * min(len(table), SHOWN),
            placeholder="",
            alt="What each memory sent of two contradicting statements: new, old, both or neither",
            column_config={
                " ": st.column_config.TextColumn(width=38),
                "memory": st.column_config.TextColumn(width=190),
                **{name: st.column_config.TextColumn(width=150) for name in table.columns[2:]},
            },
        )


def contradictions_table(marks: Sequence[Mark], found: Sequence[Contradiction]) -> pd.DataFrame:
    """Make a row for each column that asked, with a cell for each question."""
    asked = sorted({column for one in found for column in one.sent if column < len(marks)})
    cells = {f"question {number}": [_cell(one, column) for column in asked] for number, one in enumerate(found, 1)}
    return pd.DataFrame(
        {
            " ": [marks[column].letter for column in asked],
            "memory": [marks[column].name.partition(" ")[2] for column in asked],
            **cells,
        }
    )


def _cell(one: Contradiction, column: int) -> str:
    if column not in one.sent:
        return ""
    noted = one.noted.get(column)
    return f"{_SENT[one.sent[column]]}{f', in notes {noted}' if noted else ''}"


def _said(messages: Sequence[Told]) -> str:
    parts = []
    for told in messages:
        words = " ".join(told.words.split())
        words = words if len(words) <= WORDS else f"{words[: WORDS - 1]}…"
        parts.append(f"turn {told.turn + 1:,}, {escaped(told.speaker or 'unknown')}: “{escaped(words)}”")
    return "; ".join(parts) or "not in the conversation"
