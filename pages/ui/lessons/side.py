"""The panel of a lesson: that of the chat, bound to the lesson's conversation and held back until one has predicted.

with st.sidebar:
    draw_side(at, live, spot)
"""

from __future__ import annotations

import streamlit as st

from memory.errors import InspectorError
from memory.lessons.lesson import Look
from memory.lessons.live import Live, Spot
from memory.steps import BeforeModel
from pages.ui.lessons.state import Opened
from pages.ui.lessons.talk import draw_waiting_prompt, spoken_of
from pages.ui.memory_now import Current
from pages.ui.panel import lead, panel
from pages.ui.security import inert


def draw_side(at: Opened, live: Live, spot: Spot | None) -> None:
    """Draw the panel of a conversation as far as it is looked at."""
    if not at.shows("panel"):
        return
    job = live.job if at.newest and spot is not None and spot == live.spot() else None
    if job and isinstance(job.before, BeforeModel):
        st.markdown(":material/pause_circle: **This turn is paused before the model.** Nothing was sent yet.")
        draw_waiting_prompt(job.before)
        return
    if spot is None or not spot.length:
        if at.compares:
            return  # nobody speaks, and the charts have the room
        st.markdown("**Nothing was sent yet.** Here you will see what the memory holds and what the model was sent.")
        return
    if at.open_question and any(action.say for action in at.step.play):
        st.markdown(f":material/visibility_off: **Turn {spot.length + 1:,} is hidden** until you predict.")
    _lead(at, live, spot)
    try:
        panel(
            live.store,
            live.users[spot.person],
            spot.id,
            spot.length,
            live.retrieval,
            _current(at, live, spot),
            only_watched=True,
            still=at.view.presenter,
        )
    except InspectorError as error:
        st.warning(inert(str(error)))


def _current(at: Opened, live: Live, spot: Spot) -> Current | None:
    """Return the memory that reads the next message, where the newest turn is looked at."""
    if not at.newest:
        return None
    return Current(spot.memory, live.talk(spot).key, dict(spot.settings))


def _lead(at: Opened, live: Live, spot: Spot) -> None:
    """Lead the panel to what the step speaks of, once; afterwards whoever reads goes where they like."""
    state, look = st.session_state, at.step.look if at.over else None
    now = (spot.id, spot.length, at.number, at.over)
    if state.get("lessons_led") == now:
        return
    state["lessons_led"] = now
    if look is None:
        lead(spot.id, spot.length, state.get("panel_view") or "Memory now", spot.length)
        return
    turn = min(look.turn or spot.length, spot.length)
    lead(spot.id, spot.length, look.view, turn, _spoken_of(live, spot, look, turn))


def _spoken_of(live: Live, spot: Spot, look: Look, turn: int) -> int | None:
    """Return the first turn before the one looked at that has the words which are marked, counted from 1."""
    said = live.store.turns(live.users[spot.person], spot.id, 0, turn - 1)
    return next((index + 1 for index in spoken_of(said, look.words)), None)
