"""A lesson on the page: the step at the left, the live conversation at the right, the panel in the sidebar.

draw(at, user)
"""

from __future__ import annotations

import streamlit as st

from memory.errors import InspectorError
from memory.lessons.lesson import Action
from memory.lessons.live import Live, Spot
from memory.lessons.playing import Playing
from memory.worker import Job
from pages.ui.answering import Mirror
from pages.ui.lessons import state, talk, text
from pages.ui.lessons.compared import draw_compared
from pages.ui.lessons.cycle import cycle, on_its_way
from pages.ui.lessons.ends import draw_go_on, draw_try
from pages.ui.lessons.head import draw_head
from pages.ui.lessons.highlight import SIDEBAR, highlight
from pages.ui.lessons.keys import keys
from pages.ui.lessons.leading import lead_focus
from pages.ui.lessons.presenting import with_large_text
from pages.ui.lessons.side import draw_side
from pages.ui.lessons.sources import draw_sources
from pages.ui.lessons.state import Opened
from pages.ui.security import inert

TICK = 0.25
"""Seconds between two looks at something on its way that is no answer."""


def draw(at: Opened, user: str) -> None:
    """Draw the lesson; what is on its way is followed to its end, and the page drawn again."""
    going = _going(at)
    if at.view.presenter:
        with_large_text()
        keys(lambda way: _turned(at, way))
    draw_head(at, going is not None)
    _told(at, going)
    live, measured = _lives(at, going)
    left, right = st.columns([5, 6], gap="medium")
    with right, st.container(border=True, gap="small", key="lessons_talk"):
        spot, mirror = _talk(at, live, going)
        under = st.empty()
    with left:
        text.draw_step(at, measured, going is not None)
        _end(at, user, measured, going is not None)
    if live.compared and at.over and at.compares:
        draw_compared(live)
    if at.shows("source"):
        draw_sources(at.lesson)
    with st.sidebar:
        draw_side(at, live, spot)
    highlight(at.marked, (".st-key-lessons_talk", SIDEBAR))
    _lead(at, going)
    if mirror:
        mirror.follow()
    if going:
        _wait(going, under)


# --- what is shown ----------------------------------------------------------------------------------------------------


def _lives(at: Opened, going: Playing | None) -> tuple[Live, Live]:
    """Return what is shown in the conversation, and what the texts of the step are measured on."""
    stage, progress = at.stage, at.progress
    trying = bool(st.session_state.get("lessons_trying")) and at.last and (going is None or not going.step)
    if trying and (tried := stage.tried()):
        return tried[1], stage.live(progress=progress)
    if going or at.newest:
        now = stage.live(progress=progress)
        return now, now
    shown = stage.live(at.number, progress)
    # What a paused turn came to is only known where it has gone on.
    number = at.number
    while number < max(progress.played) and _pauses(stage.step(number).play):
        number += 1
    return shown, shown if number == at.number else stage.live(number, progress)


def _pauses(actions: list[Action]) -> bool:
    stops = [action.until or action.go for action in actions if action.say or action.go]
    return bool(stops) and stops[-1] not in (None, "end")


def _talk(at: Opened, live: Live, going: Playing | None) -> tuple[Spot | None, Mirror | None]:
    """Draw the conversation; return which one, and the answer on its way in it."""
    job = going.job if going else _paused(at, live)
    spot = talk.draw_head(live, job)
    here = job if job and (spot is None or job.conversation.thread == spot.id) else None
    stored = bool(here and spot and _stored(live, spot, here))
    above = st.container()
    with st.container(gap=None):
        coming = going is None and here is None and at.step.play and not at.played and not at.missing
        compares = any(action.compare for action in at.step.play)
        talk.draw_turns(live, spot, at.marked, here is not None or bool(coming) or compares)
        if compares and spot is None:
            st.caption("In this step nobody speaks here: memories are run over a recorded conversation.")
        mirror = talk.draw_job(here, stored) if here and not (stored and here.done) else None
        if coming:
            waits = "Waits for your prediction." if at.open_question else "Waits for you to send it."
            talk.draw_coming(at.step.play, waits)
    with above:
        _cycle(live, spot, here)
    return spot, mirror if here and not here.done else None


def _paused(at: Opened, live: Live) -> Job | None:
    """Return the answer that waits at a stop, where the newest step is looked at."""
    job = live.job if at.newest else None
    return job if job and job.status == "paused" else None


def _stored(live: Live, spot: Spot, job: Job) -> bool:
    turns = live.store.turns(live.users[spot.person], spot.id, max(0, spot.length - 1), spot.length)
    return any(turn.id == job.id for turn in turns)


def _cycle(live: Live, spot: Spot | None, job: Job | None) -> None:
    """Draw the four stations of the turn on its way, else of the newest one."""
    if job:
        cycle(*on_its_way(job))
        return
    traces = live.traces(spot.person, spot.name)[-1:] if spot else []
    if traces and traces[0].kind == "turn":
        cycle(traces[0], traces[0].turn_id)


def _end(at: Opened, user: str, live: Live, busy: bool) -> None:
    """Draw what stands below the last step: what to try, and where to go on."""
    if at.last and at.over and not at.view.presenter:
        draw_try(at, busy)
        draw_go_on(at, user, live, busy)


def _lead(at: Opened, going: Playing | None) -> None:
    """Lead the focus to the step that has come, or to what came of it when it was played."""
    session = st.session_state
    if going:
        session.lessons_watched = at.arrival
    elif at.over and session.get("lessons_watched") == at.arrival:
        lead_focus(".st-key-lessons_outcome", f"{at.arrival}.{at.number}.over")
        return
    lead_focus(".st-key-lessons_text h3", f"{at.arrival}.{bool(at.missing)}", top=True)


# --- what is on its way -----------------------------------------------------------------------------------------------


def _going(at: Opened) -> Playing | None:
    """Return what is being played now; steps that are to be caught up with follow one another."""
    going = at.stage.playing
    wanted = st.session_state.get("lessons_catching_up")
    if going is None and wanted == at.number and at.missing and not (state.playing() and state.playing().error):
        going = st.session_state.lessons_played = at.stage.play(at.missing[0])
    if going is None and wanted:
        st.session_state.pop("lessons_catching_up", None)
    if going:
        st.session_state.lessons_played = going
    return going


def _told(at: Opened, going: Playing | None) -> None:
    """Say what went wrong with what was played last, and what was survived."""
    session = st.session_state
    if said := session.pop("lessons_told", None):
        st.caption(f":material/check: {inert(said)}")
    last = state.playing()
    if going or last is None:
        return
    if last.error:
        st.error(inert(str(last.error)), icon=":material/error:")
    for notice in last.notices:
        st.caption(f":orange[:material/warning:] {inert(notice)}")


def _wait(going: Playing, place: object) -> None:
    """Show how far something is that is no answer, and draw the page again when that changes."""
    first = going.job
    while not going.done and going.job is first:
        if going.label:
            place.progress(going.share, inert(going.label))
        going.wait(TICK)
    st.rerun()


def _turned(at: Opened, way: int) -> None:
    """Go on as a clicker does: what is to be played is played, else the next step comes; and one step back."""
    if at.stage.playing:
        return
    try:
        if way > 0 and at.step.play and not at.played and not at.missing:
            text.play(at)
        else:
            state.turn_to(at, at.number + way)
    except InspectorError as error:
        st.session_state.lessons_told = str(error)
