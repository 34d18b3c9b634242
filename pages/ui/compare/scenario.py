"""What a replayed scenario is for, and each thing that it says will come of it, with whether that held in this run.

draw_scenario(scenario, experiment, results, marks, "compare_e1_claims")
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from memory.catalog import load
from memory.compare.claimed import Claimed, claimed, differs
from memory.compare.experiment import Column, Experiment
from memory.compare.results import Results
from memory.compare.scenarios import Scenario
from pages.ui.compare.charts_table import SHOWN
from pages.ui.compare.marks import Mark, settings_of
from pages.ui.tables import inert_cells
from pages.ui.words import escaped, label_of, plural

_HELD = {True: "✓ held", False: "✕ did not hold", None: "– not in this run"}
_WIDE = {"memory": 180, "question": 220, "it says": 330, "measured": 130, "in this run": 130}


def draw_scenario(
    scenario: Scenario, experiment: Experiment, results: Results, marks: Sequence[Mark], key: str
) -> None:
    """Draw what to watch, how many claims hold, and on demand a table of all of them."""
    with st.container(gap="xsmall", key=f"{key}_scenario"):
        st.markdown(f"**What this scenario is for**  \n{escaped(scenario.about)}")
        found = claimed(scenario, experiment, results)
        if not found:
            return
        more = st.expander(_summary(found), type="compact", key=key, on_change="rerun")
        if not more.open:
            return
        with more:
            if otherwise := differs(experiment):
                st.caption(
                    f"Measured with the demo model and its usual prices; here with {escaped(', '.join(otherwise))}: "
                    "a claim may fail for that alone."
                )
            table = claims_table(scenario, found, marks)
            st.dataframe(
                inert_cells(table),
                key=f"{key}_table",
                hide_index=True,
                row_height=27,
                height=37 + 27 * min(len(table), SHOWN),
                placeholder="",
                alt="Each claim of the scenario, what was measured, and whether it held",
                column_config={name: st.column_config.TextColumn(width=width) for name, width in _WIDE.items()},
            )


def claims_table(scenario: Scenario, found: Sequence[Claimed], marks: Sequence[Mark]) -> pd.DataFrame:
    """Make a row for each claim; those that were measured come first."""
    rows = []
    for one in sorted(found, key=lambda one: one.verdict is None):
        number = one.claim.question
        rows.append(
            {
                "memory": _named(one.claim.memory) if one.column is None else marks[one.column].name,
                "question": f"{number}. {scenario.recording.questions[number - 1].text}" if number else "all turns",
                "it says": one.claim.statement,
                "measured": one.verdict.measured if one.verdict else "",
                "in this run": _HELD[one.verdict.held if one.verdict else None],
            }
        )
    return pd.DataFrame(rows)


def _named(spec: str) -> str:
    column = Column.of(load().memory(spec))
    return " ".join(filter(None, (label_of(column.memory), settings_of(column))))


def _summary(found: Sequence[Claimed]) -> str:
    verdicts = [one.verdict for one in found if one.verdict]
    held, without = sum(one.held for one in verdicts), len(found) - len(verdicts)
    said = f"What it says will happen: {held:,} of {plural(len(verdicts), 'claim')} held in this run"
    return said + (f", {without:,} are of memories that are not in it" if without else "")
