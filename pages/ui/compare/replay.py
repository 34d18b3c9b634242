"""The replayed comparison: a recorded conversation through many memories, chosen, run and kept.

draw()    # the half of the page under the switch Live | Replay

Parts: `replay_draft.py` (what is being put together), `replay_source.py`, `replay_memories.py`, `replay_options.py`
(its three choices), `replay_run.py` (one that is kept) and `replay_list.py` (all that are kept).
"""

from __future__ import annotations

import streamlit as st

from memory.compare.experiment import Experiment
from memory.compare.keeping import Experiments
from memory.compare.link import from_query
from memory.compare.sweeps import groups_of
from memory.errors import BadInput, InspectorError
from pages.ui import connections
from pages.ui.compare import (
    replay_draft,
    replay_list,
    replay_memories,
    replay_options,
    replay_run,
    replay_source,
)
from pages.ui.identity import owner_id
from pages.ui.security import inert

HONEST = (
    "A replay counts whether the messages that hold an answer reached the prompt. That is not the same as a right "
    "answer: a model can overlook what it was sent, and can guess what it was not."
)


def draw() -> None:
    """Draw the half of the page that replays recordings."""
    user = owner_id().id
    try:
        experiments = Experiments(connections.store(), user)
        _follow_link(user)
        _draw(experiments)
    except InspectorError as error:
        st.error(inert(str(error)), icon=":material/error:")


def linked() -> bool:
    """Say whether the page was opened by a link that holds settings."""
    return replay_run.PARAMETER in st.query_params


def going() -> bool:
    """Say whether a replay of this browser is on its way, as after a reload."""
    try:
        found = Experiments(connections.store(), owner_id().id).listed()
    except InspectorError:
        return False
    return any(one.kind == "replay" and one.status == "running" for one in found)


def _draw(experiments: Experiments) -> None:
    state = st.session_state
    if refused := replay_draft.fresh("refused"):
        st.error(inert(refused), icon=":material/error:")
    replay_list.undo(experiments)
    experiment = _opened(experiments)
    replay_list.kept(experiments)
    if experiment:
        replay_run.opened(experiments, experiment)
        return
    replay_draft.let_go()
    st.caption(HONEST)
    draft = replay_draft.current(experiments.user)
    replay_source.choose(draft, experiments.user)
    replay_memories.choose(draft)
    replay_options.options(draft)
    made, trouble = None, ""
    try:
        made = draft.experiment(draft.title or _title(draft))
        if not made.columns:
            made, trouble = None, "Choose a memory first."
    except BadInput as error:
        trouble = str(error)
    if replay_options.go(draft, made, trouble) and made:
        try:
            with st.spinner("Keeping what is replayed"):
                kept = experiments.create(made, draft.taken)
            state.compare_opened = kept.id
            # What was read of a file is in the store now.
            state.pop("compare_draft")
            replay_run.begin(experiments, kept.id)
        except InspectorError as error:
            state.compare_refused = str(error)
        st.rerun()


def _opened(experiments: Experiments) -> Experiment | None:
    """Return the experiment that is shown: at a first visit the one that runs, then what was opened last."""
    state = st.session_state
    if "compare_opened" not in state:
        going = [one for one in experiments.listed() if one.kind == "replay" and one.status == "running"]
        state.compare_opened = going[0].id if going else ""
    found = experiments.get(state.compare_opened) if state.compare_opened else None
    if found is None:
        state.compare_opened = ""
    return found


def _title(draft: replay_draft.Draft) -> str:
    """Name a comparison after its one conversation, else after where all of them come from."""
    taken, source = draft.taken, draft.source
    if len(taken) == 1 and (taken[0].title or source is None):
        return taken[0].title or taken[0].id
    return source.name if source else ""


def _follow_link(user: str) -> None:
    """Take the settings of a link over, once; the address is then the page's own again."""
    if not linked():
        return
    text = st.query_params[replay_run.PARAMETER]
    del st.query_params[replay_run.PARAMETER]
    try:
        experiment = from_query(text)
        draft = replay_draft.again(user, experiment, (), groups_of(experiment))
        if draft.wanted and draft.wanted.kind == "scenario":
            replay_source.take_scenario(draft, draft.wanted.name)
    except InspectorError as error:
        st.session_state.compare_refused = str(error)
