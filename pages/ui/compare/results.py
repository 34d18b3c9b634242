"""What a replayed comparison came to: the table, the charts, the questions missed, and what can be taken away.

    draw_results(experiment, experiments.results(experiment.id), recordings)

Columns that are not run yet are named as such; what is there is drawn while others are still on their way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from memory.compare.bounds import Bounds, bounds_over
from memory.compare.claimed import scenario_of
from memory.compare.experiment import Experiment
from memory.compare.figures import Row, summaries, swept
from memory.compare.frontier import points_of
from memory.compare.misses import contradictions
from memory.compare.results import Results
from memory.formats.recording import Recording
from memory.tokens import encoding_for
from pages.ui.compare.charts_costs import draw_turns
from pages.ui.compare.charts_frontier import draw_frontier
from pages.ui.compare.charts_pictures import hide_own_download
from pages.ui.compare.charts_sweep import draw_sweep
from pages.ui.compare.charts_table import NOTES, draw_categories, draw_notes, draw_table
from pages.ui.compare.contradictions import draw_contradictions
from pages.ui.compare.marks import marks_of
from pages.ui.compare.misses import draw_misses
from pages.ui.compare.questions import draw_questions
from pages.ui.compare.scenario import draw_scenario
from pages.ui.compare.takeaway import draw_takeaway
from pages.ui.words import escaped, model_name

HONEST = (
    "Evidence in the prompt is not answer accuracy: it says whether the words that hold the answer were sent, not what "
    "a model makes of them. A model may overlook what it was sent, and guess what it was not."
)


def draw_results(experiment: Experiment, results: Results, recordings: Sequence[Recording]) -> None:
    """Draw everything under a replayed experiment; `recordings` are its conversations, in their order."""
    if not results:
        st.caption("No result yet.")
        return
    key = f"compare_{experiment.id}"
    marks, rows = marks_of(experiment.columns, experiment.sweeps), summaries(experiment, results)
    go = partial(_look_at, key)
    with st.container(gap="small", key=f"{key}_results"):
        st.caption(HONEST)
        if scenario := scenario_of(experiment, recordings):
            draw_scenario(scenario, experiment, results, marks, f"{key}_claims")
        draw_table(marks, rows, f"{key}_table", go)
        chosen = st.session_state.get(f"{key}_missed_column")
        if chosen is not None and st.session_state[f"{key}_table"].selection.rows:
            st.caption(f"What {escaped(marks[chosen].name)} missed is [listed below](#questions-missed-and-why).")
        draw_notes(marks, rows)
        st.caption(_about(experiment, rows))
        points, charts = points_of(rows), draw_turns(experiment, results, marks, key)
        if points:
            limits = _bounds(experiment, recordings)
            draw_frontier(marks, points, experiment.sweeps, limits, f"{key}_frontier", go, chosen)
            charts[f"{key}_frontier"] = "Evidence found against tokens"
        draw_misses(marks, rows, results, recordings, f"{key}_missed")
        for place, sweep in enumerate(experiment.sweeps):
            charts |= draw_sweep(marks, swept(sweep, experiment, rows), sweep, f"{key}_sweep_{place}")
        draw_categories(marks, rows, f"{key}_categories")
        draw_questions(experiment, marks, results, recordings, f"{key}_questions")
        draw_contradictions(marks, contradictions(results, recordings), f"{key}_anew")
        draw_takeaway(experiment, results, recordings, marks, charts, f"{key}_take")
        hide_own_download(f"{key}_results")


def _look_at(key: str, number: int) -> None:
    """Choose whose missed questions are listed."""
    st.session_state[f"{key}_missed_column"] = number


def _about(experiment: Experiment, rows: Sequence[Row]) -> str:
    """Say whose prices and tokens the figures are, and what a column of its own means."""
    said = [f"Select a row for the questions it missed. Tokens and costs as {model_name(experiment.price_as)}."]
    if any(row.overlap is not None for row in rows):
        said.append(f"In notes: {NOTES[0].lower()}{NOTES[1:]}")
    return " ".join(said)


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs={Experiment: lambda one: one.id})
def _kept_bounds(experiment: Experiment, _recordings: Sequence[Recording], encoding: str) -> Bounds:
    return bounds_over(_recordings, encoding)


def _bounds(experiment: Experiment, recordings: Sequence[Recording]) -> Bounds:
    return _kept_bounds(experiment, recordings, encoding_for(experiment.price_as).name)
