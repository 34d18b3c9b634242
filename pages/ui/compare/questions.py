"""All questions with the right answer, where the file has one, and what each column found or answered.

draw_questions(experiment, marks, results, recordings, "compare_e1_questions")
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from memory.compare.experiment import Experiment
from memory.compare.results import AskedRow, Results
from memory.formats.recording import Recording
from memory.tokens import BUILT_IN
from pages.ui.compare.charts_table import SHOWN
from pages.ui.compare.marks import Mark
from pages.ui.tables import inert_cells
from pages.ui.words import escaped, model_name, plural

_FOUND, _ANSWERED = "evidence", "answers"


def draw_questions(
    experiment: Experiment, marks: Sequence[Mark], results: Results, recordings: Sequence[Recording], key: str
) -> None:
    """Draw the table, when it is asked for."""
    count = sum(len(recording.questions) for recording in recordings)
    if not count:
        return
    more = st.expander(f"All {plural(count, 'question')}", type="compact", key=key, on_change="rerun")
    if not more.open:
        return
    answered = any(row.answer is not None for run in results.values() for row in run.questions)
    with more:
        of = _FOUND
        if answered:
            of = st.segmented_control(
                "What of each question", [_FOUND, _ANSWERED], default=_ANSWERED, required=True, key=f"{key}_of"
            )
            if of == _ANSWERED:
                st.caption(_answerers(experiment))
        table = questions_table(marks, results, recordings, answers=of == _ANSWERED)
        wide = {"question": 300, "right answer": 180, "category": 100, "conversation": 120}
        st.dataframe(
            inert_cells(table),
            key=f"{key}_table",
            hide_index=True,
            row_height=27,
            height=37 + 27 * min(len(table), SHOWN),
            placeholder="",
            alt="Every question, the right answer, and what each memory found of its evidence or answered",
            column_config={
                name: st.column_config.TextColumn(width=wide.get(name, 200 if of == _ANSWERED else 80))
                for name in table.columns
            },
        )


def questions_table(
    marks: Sequence[Mark], results: Results, recordings: Sequence[Recording], *, answers: bool
) -> pd.DataFrame:
    """Make a row for each question and a cell for each column: the evidence it found, or its answer."""
    questions = [(place, number) for place, one in enumerate(recordings) for number in range(len(one.questions))]
    asked = [recordings[place].questions[number] for place, number in questions]
    table = {
        "conversation": [recordings[place].title or recordings[place].id for place, _ in questions],
        "question": [" ".join(question.text.split()) for question in asked],
        "category": ["" if question.category is None else str(question.category) for question in asked],
        "right answer": [question.answer or "" for question in asked],
    }
    if len(recordings) < 2:
        del table["conversation"]
    table = {name: cells for name, cells in table.items() if any(cells)}
    for column, mark in enumerate(marks):
        rows = {
            (place, row.number): row
            for place in range(len(recordings))
            if (place, column) in results
            for row in results[place, column].questions
        }
        table[mark.name] = [_cell(rows.get(one), answers=answers) for one in questions]
    return pd.DataFrame(table)


def _cell(row: AskedRow | None, *, answers: bool) -> str:
    if row is None:
        return ""
    if answers:
        return row.answer or ""
    wanted = len(row.found) + len(row.missing)
    if not wanted:
        return "none asked for"
    return "found" if not row.missing else f"{len(row.found):,} of {wanted:,}"


def _answerers(experiment: Experiment) -> str:
    """Say which models answered, and that a demo answer is one."""
    models = list(dict.fromkeys(column.model or experiment.model for column in experiment.columns))
    said = f"Answered by {escaped(', '.join(map(model_name, models)))}."
    if any(model in BUILT_IN for model in models):
        said += (
            " :gray-badge[demo answers] come from the built-in demo model, which finds sentences and turns them round: "
            "they say nothing of a real model's."
        )
    return said
