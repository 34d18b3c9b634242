"""The comparisons that this browser keeps: opened again, and deleted with a way back.

kept(experiments)     # the list, folded away
undo(experiments)     # the notice after a deletion
"""

from __future__ import annotations

import time

import streamlit as st

from memory.compare.experiment import Experiment
from memory.compare.keeping import MOST_EXPERIMENTS, Experiments
from memory.errors import InspectorError
from pages.ui.compare import replay_draft
from pages.ui.words import literal, plural

STATES = {
    "new": "not run yet",
    "running": "running",
    "stopped": "not finished",
    "failed": "failed",
    "done": "done",
}
KINDS = {"scenario": "scenario", "file": "file", "thread": "chat"}


def kept(experiments: Experiments) -> None:
    """Draw the list of replays; the newest stands first."""
    found = [one for one in experiments.listed() if one.kind == "replay"]
    if not found:
        return
    with st.expander(f"Kept comparisons: {len(found)}", icon=":material/inventory_2:", key="compare_kept"):
        for one in found:
            with st.container(
                horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="xsmall"
            ):
                with st.container(gap=None, width="content"):
                    if st.button(
                        literal(one.title),
                        key=f"compare_open_{one.id}",
                        type="tertiary",
                        icon=":material/query_stats:",
                    ):
                        st.session_state.compare_opened = one.id
                        st.rerun()
                    st.caption(about(one))
                if st.button(
                    "Delete",
                    key=f"compare_delete_{one.id}",
                    type="tertiary",
                    icon=":material/delete:",
                    help=f"Delete {literal(one.title)}",
                ):
                    delete(experiments, one)
        st.caption(f"At most {MOST_EXPERIMENTS} are kept, live ones included.")


def about(experiment: Experiment) -> str:
    """Say where an experiment comes from, when it was made, of how many memories, and how far it is, as Markdown."""
    source = experiment.source
    whence = f"{KINDS[source.kind]} {literal(source.name)} · " if source else ""
    several = len(experiment.conversations)
    over = f" over {plural(several, 'conversation')}" if several > 1 else ""
    when = time.strftime("%d %b %Y, %H:%M", time.localtime(experiment.created))
    return (
        f"{whence}{when} · {len(experiment.columns)} memor{'y' if len(experiment.columns) == 1 else 'ies'}"
        f"{over} · {STATES[experiment.status]}"
    )


def delete(experiments: Experiments, experiment: Experiment) -> None:
    """Delete an experiment, stopping it where it runs, and offer the way back."""
    from memory.compare import job

    state = st.session_state
    if running := job.running(experiments.user, experiment.id):
        running.stop()
        running.join(5.0)
    experiments.delete(experiment.id)
    state.compare_deleted = (experiment.id, experiment.title)
    if state.get("compare_opened") == experiment.id:
        state.compare_opened = ""
    replay_draft.let_go()
    st.rerun()


def undo(experiments: Experiments) -> None:
    """Offer to undo the deletion that has just been made."""
    if not (deleted := st.session_state.get("compare_deleted")):
        return
    id, title = deleted
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="compare_undo_notice"):
        st.markdown(f"Deleted the comparison “{literal(title)}”. It can be restored for ten minutes.")
        if st.button("Undo", icon=":material/undo:", key="compare_undo"):
            st.session_state.pop("compare_deleted")
            try:
                back = experiments.restore(id)
            except InspectorError as error:
                st.session_state.compare_refused = str(error)
            else:
                if back:
                    st.session_state.compare_opened = id
                else:
                    st.session_state.compare_refused = "It was deleted more than ten minutes ago and is gone."
            st.rerun()
        if st.button("Close", type="tertiary", key="compare_undo_close"):
            st.session_state.pop("compare_deleted")
            st.rerun()
