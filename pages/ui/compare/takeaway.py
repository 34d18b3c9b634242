"""Take away: the figures as files, the charts as pictures, and a memory as code that runs without this app.

    draw_takeaway(experiment, results, recordings, marks, {"compare_e1_frontier": "Evidence found"}, "compare_e1_take")

Files are made when they are asked for. Code is made by `memory.export` with the conversation as its test.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from memory.compare.experiment import Column, Experiment
from memory.compare.report import csv, csv_by_turn, markdown
from memory.compare.results import Results
from memory.compare.written import to_json
from memory.errors import BadInput, InspectorError
from memory.export import FORMS, export, main_file
from memory.formats.recording import Recording
from pages.ui.compare.charts_pictures import draw_pictures
from pages.ui.compare.marks import Mark
from pages.ui.compare.replay_source import told_apart
from pages.ui.words import escaped

_ON = {
    "langchain": "LangChain alone (create_agent)",
    "langgraph": "LangGraph (a StateGraph)",
    "middleware": "LangChain with our MemoryMiddleware",
}


def draw_takeaway(
    experiment: Experiment,
    results: Results,
    recordings: Sequence[Recording],
    marks: Sequence[Mark],
    charts: Mapping[str, str],
    key: str,
) -> None:
    """Draw the downloads; `charts` are the titles of those that are drawn, by their keys."""
    name = file_name(experiment.title)
    st.markdown("**Take away**")
    with st.container(horizontal=True, key=key):
        for label, make, file, mime in (
            ("JSON", partial(to_json, experiment, results, recordings), f"{name}.json", "application/json"),
            ("CSV by memory", partial(csv, experiment, results), f"{name}.csv", "text/csv"),
            ("CSV by turn", partial(csv_by_turn, experiment, results), f"{name}-by-turn.csv", "text/csv"),
            ("Report", partial(markdown, experiment, results, recordings), f"{name}.md", "text/markdown"),
        ):
            st.download_button(
                label, make, file, mime, key=f"{key}_{label}", icon=":material/download:", on_click="ignore"
            )
    pictures = st.expander("Pictures of the charts", type="compact", key=f"{key}_pictures", on_change="rerun")
    if pictures.open:
        with pictures:
            draw_pictures(charts, f"{key}_saved")
    code = st.expander("Leave with code", type="compact", key=f"{key}_code", on_change="rerun")
    if code.open:
        with code:
            draw_code(experiment, recordings, marks, f"{key}_code")


def file_name(title: str) -> str:
    """Make a file's name, without its ending, of what a comparison is called."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-") or "comparison"


def draw_code(experiment: Experiment, recordings: Sequence[Recording], marks: Sequence[Mark], key: str) -> None:
    """Let a memory, what it runs on and the conversation of its test be chosen; then make the files."""
    st.caption(
        "The memory as it is set here, as a Python file that runs, with pinned requirements and a test that replays "
        "this conversation and expects the same prompts."
    )
    left, right = st.columns(2)
    number = left.selectbox("Memory", range(len(marks)), format_func=lambda at: marks[at].name, key=f"{key}_memory")
    of = 0
    if len(recordings) > 1:
        titles = told_apart(recordings)
        of = right.selectbox("Its test replays", range(len(titles)), format_func=titles.__getitem__, key=f"{key}_of")
    column = experiment.columns[number]
    model = column.model or experiment.model
    try:
        memory = column.open()
    except BadInput as error:
        st.markdown(escaped(str(error)))
        return
    forms = [form for form in FORMS if _has(column, form, model)]
    form = st.radio("It runs on", forms, format_func=_ON.__getitem__, key=f"{key}_form")
    if missing := [_ON[one] for one in FORMS if one not in forms]:
        st.caption(f"Not on {', '.join(missing)}: this memory does what that has not.")
    made, choice = f"{key}_made", (number, of, form)
    if st.button("Make the files", icon=":material/code:", key=f"{key}_make") and form:
        try:
            with st.spinner("Replaying the conversation for the test"):
                found = export(memory, form, recordings[of], model)
            st.session_state[made] = (choice, found)
        except InspectorError as error:
            st.session_state.pop(made, None)
            st.markdown(f":red-badge[not made] {escaped(str(error))}")
    kept = st.session_state.get(made)
    if not kept or kept[0] != choice:
        return
    files, notices = kept[1].files, kept[1].notices
    st.download_button(
        f"Download {len(files)} files",
        partial(zipped, files),
        f"{re.sub(r'[^a-z0-9]+', '-', marks[number].name.lower()).strip('-')}-{form}.zip",
        "application/zip",
        key=f"{key}_download",
        icon=":material/download:",
        on_click="ignore",
    )
    for notice in notices:
        st.caption(escaped(notice))
    st.code(files["agent.py"], language="python", height=320)


def _has(column: Column, form: str, model: str) -> bool:
    try:
        main_file(column.open(), form, model)
    except BadInput:
        return False
    return True


def zipped(files: Mapping[str, str]) -> bytes:
    """Put files into an archive, by their names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()
