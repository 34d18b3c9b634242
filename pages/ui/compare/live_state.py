"""Which live comparison is on the page: the one opened, else the last one, else a new one that is not kept yet.

Session keys begin with `compare_live`: `compare_live` itself is the id of the one that is open, "" for a new one;
`compare_live_draft` is the new one, `compare_live_at` the round that is looked at (None: the newest).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from memory import catalog
from memory.compare.experiment import Column, Experiment
from memory.compare.keeping import Experiments
from memory.compare.link import from_query
from memory.compare.live import Live
from memory.errors import BadInput
from memory.preferences import Preferences
from memory.services import Models
from pages.ui import connections
from pages.ui.chat_state import DEMO_DELAY
from pages.ui.compare.replay_run import PARAMETER

BEGIN = (
    Column("ConversationBufferMemory"),
    Column("ConversationBufferWindowMemory", {"k": 2}),
    Column("VectorStoreRetrieverMemory", {"k": 2}),
)
"""The columns of a new comparison: all of it, the newest of it, what is like the question."""
OF_ONE = ("compare_live_at", "compare_live_errors", "compare_live_shown", "compare_live_tracks")
OF_ONE += (
    "compare_live_ask",
    "compare_live_removed",
    "compare_live_sample",
    "compare_live_seen",
    "compare_live_message",
)
"""What is kept of one comparison and means nothing in another."""


def current(user: str) -> Live:
    """Find the comparison that this tab is in."""
    state = st.session_state
    experiments = Experiments(connections.store(), user)
    preferences = Preferences.load(experiments.store, user)
    if "compare_live" not in state:
        lives = [one for one in experiments.listed() if one.kind == "live"]
        state.compare_live = max(lives, key=lambda one: one.updated).id if lives else ""
    found = experiments.get(state.compare_live) if state.compare_live else None
    if found is None:
        state.compare_live = ""
        found = state.setdefault("compare_live_draft", new())

    def speak(model: str) -> Models:
        return connections.models(preferences.but(model=model) if model else preferences, DEMO_DELAY)

    usual = {name: getattr(preferences, name) for name in ("model", "price_as", "budget")}
    found = replace(found, **usual, memory_model=preferences.memory_model or preferences.model)
    return Live(experiments, found, speak, preferences, connections.retrieval())


def linked() -> bool:
    """Take over a link's columns, where the page was opened by one to a live comparison; it is no replay's then."""
    if PARAMETER not in st.query_params:
        return False
    try:
        experiment = from_query(st.query_params[PARAMETER])
    except BadInput:
        return False
    if experiment.kind != "live":
        return False
    del st.query_params[PARAMETER]
    go_to("", experiment.columns)
    return True


def new(columns: tuple[Column, ...] = ()) -> Experiment:
    """Return a new comparison; without columns it has three that differ in what they forget."""
    known = catalog.load().memories
    usual = tuple(column for column in BEGIN if column.memory in known)
    return Experiment("", "", "live", columns or usual)


def use(live: Live) -> None:
    """Go on with a comparison as it is now."""
    st.session_state.compare_live = live.experiment.id
    if not live.experiment.id:
        st.session_state.compare_live_draft = live.experiment
    else:
        st.session_state.pop("compare_live_draft", None)


def go_to(id: str, columns: tuple[Column, ...] = ()) -> None:
    """Open another comparison; "" begins a new one."""
    state = st.session_state
    for key in OF_ONE:
        state.pop(key, None)
    state.compare_live = id
    # Under another name a menu is closed: open, it would cover the comparison that one goes to.
    state.compare_live_opened = state.get("compare_live_opened", 0) + 1
    if not id:
        state.compare_live_draft = new(columns)


def tell(text: str) -> None:
    """Keep a sentence that the next run shows above the columns."""
    st.session_state.compare_live_notice = text


def kept(name: str, usual: Any) -> Any:
    """Return a thing that this comparison keeps in the session, made where it is not there yet."""
    return st.session_state.setdefault(f"compare_live_{name}", usual)


def slot(live: Live, place: int) -> str:
    """Name a column in the keys of its widgets."""
    return live.columns[place].thread or f"new{place}"
