"""A lesson's comparison, drawn by the charts of the page Compare, and the way to go on with it there.

draw_compared(live)
open_in_compare(user, live)
"""

from __future__ import annotations

import streamlit as st

from memory.catalog import load
from memory.compare.bounds import bounds_over
from memory.compare.experiment import Column, Experiment, Listed, Source
from memory.compare.figures import summaries
from memory.compare.frontier import points_of
from memory.compare.results import Results
from memory.compare.scenarios import scenario
from memory.compare.sweeps import groups_of
from memory.lessons.live import Live
from memory.tokens import encoding_for
from pages.ui.compare import replay_draft, replay_source
from pages.ui.compare.charts_costs import draw_turns
from pages.ui.compare.charts_frontier import draw_frontier
from pages.ui.compare.charts_table import draw_notes, draw_table
from pages.ui.compare.marks import marks_of
from pages.ui.compare.misses import draw_misses
from pages.ui.compare.takeaway import draw_code
from pages.ui.words import escaped


def draw_compared(live: Live) -> None:
    """Draw what the memories came to: the table, the frontier, cost by turn, and the code of each."""
    made, results = experiment(live)
    recording, marks, rows = scenario(live.scenario).recording, marks_of(made.columns), summaries(made, results)
    key = f"lessons_{live.lesson.lesson}_compared"
    chosen = st.session_state.get(f"{key}_missed_column")

    def look_at(number: int) -> None:
        st.session_state[f"{key}_missed_column"] = number

    with st.container(key=key):
        st.markdown(f"**{escaped(made.title)}**: {escaped(scenario(live.scenario).about)}")
        draw_table(marks, rows, f"{key}_table", look_at)
        draw_notes(marks, rows)
        if points := points_of(rows):
            limits = bounds_over([recording], encoding_for(made.price_as).name)
            draw_frontier(marks, points, made.sweeps, limits, f"{key}_frontier", look_at, chosen)
        draw_misses(marks, rows, results, [recording], f"{key}_missed")
        draw_turns(made, results, marks, key)
        code = st.expander(
            "Leave with code", type="compact", icon=":material/code:", key=f"{key}_code", on_change="rerun"
        )
        if code.open:
            with code:
                draw_code(made, [recording], marks, f"{key}_code")


def experiment(live: Live) -> tuple[Experiment, Results]:
    """Put a lesson's comparison together as Compare has one."""
    chosen = scenario(live.scenario)
    recording = chosen.recording
    listed = Listed(recording.id, recording.title, len(recording.turns), 0, len(recording.questions))
    columns = tuple(Column.of(load().memory(spec)) for spec in live.compared)
    made = Experiment(
        f"lesson-{live.lesson.lesson}-{live.scenario}",
        chosen.title,
        "replay",
        columns,
        source=Source("scenario", chosen.name),
        conversations=(listed,),
        status="done",
    )
    return made, {(0, place): result for place, result in enumerate(live.compared.values())}


def open_in_compare(user: str, live: Live) -> None:
    """Put the lesson's memories and its scenario in place on the page Compare."""
    state = st.session_state
    state.compare_half, state.compare_opened = "Replay", ""
    if live.compared:
        made, _ = experiment(live)
        draft = replay_draft.again(user, made, (), groups_of(made))
        replay_source.take_scenario(draft, live.scenario)
