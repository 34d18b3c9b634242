"""A replay that is kept: how far it is, stopped and gone on with, and what came of it.

opened(experiments, experiment)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from memory import rates
from memory.catalog import load
from memory.compare.experiment import Column, Experiment
from memory.compare.keeping import TITLE, Experiments
from memory.compare.link import to_query
from memory.compare.results import Results
from memory.compare.sweeps import groups_of
from memory.errors import BadInput, InspectorError
from memory.exchange import bring_in
from memory.formats import Recording, to_package
from pages.ui import connections, controls
from pages.ui.chat_state import open_thread
from pages.ui.compare import replay_draft, replay_list
from pages.ui.compare.replay_source import told_apart
from pages.ui.compare.results import draw_results
from pages.ui.security import inert
from pages.ui.words import escaped, label_of, literal, plural

EVERY = 1.0
"""Seconds between two looks at a run that is on its way."""
PARAMETER = "settings"
"""The name under which a link holds an experiment's settings."""


def opened(experiments: Experiments, experiment: Experiment) -> None:
    """Draw a kept experiment."""
    _bar(experiments, experiment)
    from memory.compare import job

    running = job.running(experiments.user, experiment.id)
    if running and running.status == "running":
        _progress(experiments, experiment.id)
        return
    if experiment.status == "running":
        _elsewhere(experiments, experiment)
        return
    results = _stopped(experiments, experiment)
    try:
        recordings = _recordings(experiments, experiment)
    except InspectorError as error:
        st.error(inert(str(error)), icon=":material/error:")
        return
    if results:
        draw_results(experiment, results, recordings)


def begin(experiments: Experiments, id: str) -> None:
    """Run what has no result yet; raises BadInput where this browser runs another one, and LimitReached."""
    from memory.compare import job

    rates.admit(experiments.store, experiments.user, "comparisons")
    job.start(experiments, id, connections.api_key)
    replay_draft.let_go()


# --- how far it is ----------------------------------------------------------------------------------------------------


@st.fragment(run_every=EVERY)
def _progress(experiments: Experiments, id: str) -> None:
    """Draw how far a run is, by itself; the page is drawn anew when it ends."""
    from memory.compare import job

    running = job.running(experiments.user, id)
    if running is None or running.status != "running":
        st.rerun()
    left = running.seconds_left
    said = f"{running.share:.0%} · {running.done:,} of {plural(running.total, 'step')}".replace("%", " %", 1)
    with st.container(border=True, gap="xsmall", key="compare_progress"):
        st.progress(min(1.0, max(0.0, running.share)), said)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(f"{literal(running.label)} · {_left(left)}", width="stretch")
            if st.button("Stop", icon=":material/stop:", key="compare_stop", help="What is done is kept"):
                running.stop()
                running.join(5.0)
                st.rerun()
        st.caption("It goes on while you are on another page, and when you reload or close this one.")


@st.fragment(run_every=EVERY)
def _elsewhere(experiments: Experiments, experiment: Experiment) -> None:
    """Say that nobody here runs it, and what is waited for; the page is drawn anew when that is over."""
    from memory.compare.job import HELD

    try:
        now, finished = experiments.get(experiment.id), experiments.finished(experiment.id)
    except InspectorError as error:
        st.caption(f":material/error: {inert(str(error))}")
        return
    if now is None or now.status != "running":
        st.rerun()
    whole = len(now.columns) * len(now.conversations)
    with st.container(border=True, gap="xsmall", key="compare_elsewhere"):
        st.markdown(
            f":material/hourglass_top: Waiting for who ran this last: {len(finished):,} of {plural(whole, 'run')} "
            f"{'is' if len(finished) == 1 else 'are'} there."
        )
        st.caption(
            f"It goes on elsewhere, or was cut off by a restart of the server. When nobody has said for {HELD:.0f} s "
            "that it goes on, a button appears here to go on with it."
        )


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "time left not known yet"
    if seconds < 60:
        return f"about {max(1, round(seconds))} s left"
    return f"about {seconds / 60:.0f} min left"


def _stopped(experiments: Experiments, experiment: Experiment) -> Results:
    """Say what ended it early and offer to go on; return what came of it."""
    results = _results(experiments, experiment)
    whole = len(experiment.columns) * len(experiment.conversations)
    if experiment.status == "done" and len(results) >= whole:
        return results
    said = {
        "failed": f"It failed: {inert(experiment.error)}",
        "new": "It has not been run yet.",
    }.get(experiment.status, "It was stopped, or interrupted as by a restart of the server.")
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="compare_interrupted"):
        st.markdown(
            f":material/pause_circle: {said} {len(results):,} of {plural(whole, 'run')} "
            f"{'is' if len(results) == 1 else 'are'} there, each one memory over one conversation."
        )
        if st.button("Go on", icon=":material/play_arrow:", key="compare_go_on"):
            try:
                begin(experiments, experiment.id)
            except InspectorError as error:
                st.session_state.compare_refused = str(error)
            st.rerun()
    return results


def _recordings(experiments: Experiments, experiment: Experiment) -> list[Recording]:
    """Read what was recorded, once for as long as it is shown."""
    kept = st.session_state.get("compare_loaded")
    if not kept or kept[0] != experiment.id:
        with st.spinner("Reading what was recorded"):
            read = [experiments.recording(experiment.id, place) for place in range(len(experiment.conversations))]
        kept = st.session_state.compare_loaded = (experiment.id, read)
    recordings: list[Recording] = kept[1]
    return recordings


def _results(experiments: Experiments, experiment: Experiment) -> Results:
    """Read what came of it; once for as long as it is shown, where nothing is added any more: that takes seconds."""
    if experiment.status != "done":
        return experiments.results(experiment.id)
    at = experiment.id, experiment.updated
    kept = st.session_state.get("compare_results")
    if not kept or kept[0] != at:
        with st.spinner("Reading the results"):
            kept = st.session_state.compare_results = (at, experiments.results(experiment.id))
    results: Results = kept[1]
    return results


# --- what can be done with it -----------------------------------------------------------------------------------------


def _bar(experiments: Experiments, experiment: Experiment) -> None:
    state = st.session_state
    with st.container(gap=None):
        st.subheader(literal(experiment.title))
        st.caption(replay_list.about(experiment))
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="compare_bar"):
        if st.button("New comparison", icon=":material/add:", key="compare_new"):
            replay_draft.begin(experiments.user)
            st.rerun()
        if st.button(
            "Change and run again",
            icon=":material/tune:",
            key="compare_again",
            help="A new comparison with these settings; this one stays",
        ):
            recordings = _recordings(experiments, experiment)
            replay_draft.again(experiments.user, experiment, recordings, groups_of(experiment))
            st.rerun()
        _link(experiment)
        _into_the_chat(experiments, experiment)
        with st.popover("Rename", icon=":material/edit:", key=f"compare_renaming_{experiment.title}"):
            name = st.text_input(
                "Title", experiment.title, max_chars=TITLE, key=f"compare_title_{experiment.id}_{experiment.title}"
            )
            if name.strip() and name.strip() != experiment.title:
                fresh = experiments.get(experiment.id)
                if fresh:
                    experiments.put(replace(fresh, title=name.strip()))
                st.rerun()
        if st.button("Delete", icon=":material/delete:", type="tertiary", key="compare_delete"):
            replay_list.delete(experiments, experiment)
    if said := state.pop("compare_said", None):
        st.caption(f":material/check: {inert(said)}")


def _link(experiment: Experiment) -> None:
    with st.popover("Copy link", icon=":material/link:", key="compare_link"):
        try:
            text = to_query(experiment)
        except BadInput as error:
            st.markdown(inert(str(error)))
            return
        address = (st.context.url or "").partition("?")[0]
        st.code(f"{address}?{PARAMETER}={text}", language=None, wrap_lines=True)
        st.caption(
            "Whoever opens it finds these memories, settings, ranges, models and prices ready to run. It holds no word "
            "of the conversation, only what the scenario or the file is called, and no key." + typed(experiment.columns)
        )


def typed(columns: Sequence[Column]) -> str:
    """Say, with a space before it, whose settings hold what somebody typed, as facts: a link holds that as well."""
    named = []
    for column in columns:
        cls = load().memories.get(column.memory)
        kinds = [controls.kind_of(cls.Settings.model_fields[name]) for name in column.settings] if cls else []
        if any(kind.type is dict or (kind.type is str and not kind.choices) for kind in kinds):
            named.append(label_of(column.memory))
    if not named:
        return ""
    of = escaped(", ".join(dict.fromkeys(named)))
    return f" **What was typed into the settings of {of} is in it**, for anybody who has the link to read."


def _into_the_chat(experiments: Experiments, experiment: Experiment) -> None:
    listed = experiment.conversations
    with st.popover("Open in the chat", icon=":material/forum:", key="compare_to_chat"):
        st.caption("The conversation comes into the chat as one of yours, to be looked at and gone on with.")
        place = 0
        if len(listed) > 1:
            names = told_apart(listed)
            chosen = st.selectbox(
                "Which one",
                range(len(listed)),
                format_func=names.__getitem__,
                key=f"compare_chat_which_{experiment.id}",
            )
            place = chosen or 0
        if st.button("Open it", icon=":material/arrow_forward:", key="compare_chat_open"):
            try:
                recording = experiments.recording(experiment.id, place)
                with st.spinner("Bringing it in"):
                    receipt = bring_in(experiments.store, experiments.user, to_package([recording]))
            except InspectorError as error:
                st.session_state.compare_refused = str(error)
                st.rerun()
            open_thread(receipt.threads[0])
            st.switch_page("pages/chat.py")
