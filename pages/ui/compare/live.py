"""The live comparison: one message to several memories, each answering in a column of its own.

live.draw(bar)      # `bar` is the row of the page's title, for the buttons

Parts: `live_state.py` (which comparison), `live_ask.py` (the message and the fact asked for), `live_cards.py` (the
columns), `live_column.py` (their settings), `live_history.py`, `live_lines.py`, `live_list.py`, `live_sample.py`,
`live_takeaway.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from memory import rates
from memory.compare.live import ROUNDS, Live, Round, Seen, round_of
from memory.compare.live_figures import Track
from memory.errors import InspectorError, StoreUnavailable
from memory.pictures.reading import ENDINGS
from memory.worker import Job
from pages.ui import pictures, watch
from pages.ui.compare import (
    live_ask,
    live_cards,
    live_column,
    live_history,
    live_lines,
    live_list,
    live_prompt,
    live_sample,
    live_state,
    live_takeaway,
    live_watch,
)
from pages.ui.compare.charts_pictures import hide_own_download
from pages.ui.given_back import anew
from pages.ui.identity import owner_id
from pages.ui.security import inert

PLACE = "compare_live"
"""Begins the session keys of the pictures that wait for the next message."""
HONEST = (
    "One message goes to every column; each answers it from what its own memory sends. What stood in a prompt is "
    "certain; whether an answer is right is for you to judge."
)


@dataclass(frozen=True)
class Drawn:
    """What a run of the page draws."""

    live: Live
    seen: Seen
    tracks: tuple[Track | None, ...]


def draw(bar: DeltaGenerator) -> None:
    """Draw the half of the page that compares live."""
    state, user = st.session_state, owner_id().id
    outage: StoreUnavailable | None = None
    shown: Drawn | None = None
    jobs: list[Job | None] = []
    try:
        live = live_state.current(user)
        jobs = live.jobs()
        seen = live.read(state.get("compare_live_shown", ROUNDS))
        shown = state.compare_live_seen = Drawn(live, seen, _tracks(live, seen))
        state.pop("compare_live_away", None)
    except StoreUnavailable as error:
        outage, state.compare_live_away = error, True
        shown = state.get("compare_live_seen")
        jobs = shown.live.jobs() if shown else []
    except InspectorError as error:
        st.error(inert(str(error)), icon=":material/error:")
        return
    away, answering = outage is not None, any(jobs)
    said, read = pictures.taken(state.pop("compare_live_submitted", None), PLACE) if shown else ("", [])
    if shown and (said.strip() or read):
        shown, jobs = _send(shown, said, read, blocked=away or answering)
        answering = any(jobs)
    places = _page(shown, jobs, bar, away) if shown else {}
    # The box always has the same place: moved, it would lose what is typed in it.
    with st.bottom, st.container():
        if outage:
            watch.banner(outage)
        if "compare_live_restore" in state:
            state.compare_live_message = anew(state.pop("compare_live_restore"), PLACE)
        without_words = pictures.draw_waiting(PLACE)
        st.chat_input(
            "Message to all columns",
            key="compare_live_message",
            disabled=answering,
            on_submit=_submitted,
            accept_file="multiple",
            file_type=list(ENDINGS),
            max_upload_size=pictures.largest(),
        )
    if without_words:
        state.compare_live_submitted = ""
        state.compare_live_without_words = True
        st.rerun()
    if shown and answering and not away:
        live_cards.follow(shown.live, [job for job in jobs if job], places)
    elif shown and not away and live_sample.play():
        st.rerun()
    live_watch.watch_page(None if away or not shown else shown.live, shown.seen if shown else None)


def _page(shown: Drawn, jobs: list[Job | None], bar: DeltaGenerator, away: bool) -> live_cards.Places:
    """Draw everything above the box; return where the answers on their way are drawn."""
    state, live, seen = st.session_state, shown.live, shown.seen
    busy = away or any(jobs)
    with bar:
        live_list.buttons(live, busy)
    if notice := state.pop("compare_live_notice", None):
        st.error(inert(notice), icon=":material/error:")
    live_list.undo(live)
    if not away:
        live_column.undo(live)
        live_column.switching()
        live_column.question(live)
    rounds = list(seen.rounds)
    if asked := _coming(live, rounds, jobs):
        rounds = [one for one in rounds if one.id != asked.id] + [asked]
    elif rounds:
        asked = next((one for one in rounds if one.id == state.get("compare_live_at")), rounds[-1])
    if asked is None:
        live_sample.welcome(live, busy)
        _remembering(live)
        live_cards.empty(live, busy)
        return {}
    last = asked is rounds[-1]
    fact = live_ask.asked(live, asked, shown.tracks, jobs, last, seen.length)
    places = live_cards.cards(live, seen, shown.tracks, asked, jobs, fact, last=last, busy=busy, away=away)
    if not any(jobs):
        live_sample.after(live, asked, last)
        st.caption(HONEST)
        _remembering(live)
    live_history.earlier(live, shown.tracks, rounds, asked, seen.length)
    with st.container(key="compare_live_lines"):
        live_lines.lines(live, shown.tracks)
        hide_own_download("compare_live_lines")
    if not busy:
        live_takeaway.takeaway(live)
    if not busy:
        live_prompt.dialogs(live)
    return places


def _remembering(live: Live) -> None:
    """Say of columns with a long-term memory that it is the user's own, and one for all of them."""
    if labels := live.lasting():
        st.caption(
            f":material/history_edu: **{inert(', '.join(labels))}:** what is said here is remembered of you beyond "
            "this comparison, as in the chat, and each of these columns knows what was remembered before. The page "
            "Long-term memory shows it, and deletes it."
        )


def _submitted() -> None:
    st.session_state.compare_live_submitted = st.session_state.compare_live_message


def _send(shown: Drawn, text: str, read: list[pictures.Read], blocked: bool) -> tuple[Drawn, list[Job | None]]:
    """Ask all columns; what cannot be sent now goes back into the box."""
    state = st.session_state
    for key in ("compare_live_at", "compare_live_removed", "compare_live_errors"):
        state.pop(key, None)
    if not blocked:
        try:
            kept = shown.live.experiments
            if read:
                rates.admit(kept.store, kept.user, "uploads", len(read))
            rates.admit(kept.store, kept.user, "turns", len(shown.live.columns))
            live, jobs = shown.live.send(text, read)
            live_state.use(live)
            return Drawn(live, shown.seen, shown.tracks), list(jobs)
        except InspectorError as error:
            live_state.tell(str(error))
    state.compare_live_restore = text
    pictures.keep(read, PLACE)
    state.pop("compare_live_sample", None)
    return shown, shown.live.jobs()


def _coming(live: Live, rounds: list[Round], jobs: list[Job | None]) -> Round | None:
    """Return the round that is being answered, None where none is."""
    going = next((job for job in jobs if job), None)
    if going is None:
        return None
    id = round_of(going.id)
    known = next((one for one in rounds if one.id == id), None)
    return known or Round(id, going.query, (None,) * len(live.columns), going.pictures)


def _tracks(live: Live, seen: Seen) -> tuple[Track | None, ...]:
    """Read what is new of every column's figures."""
    kept: dict[str, Track] = live_state.kept("tracks", {})
    store, user = live.experiments.store, live.experiments.user
    found: list[Track | None] = []
    for opened in seen.opened:
        if opened is None:
            found.append(None)
            continue
        track = kept.get(opened.thread.id, Track()).up_to(store, user, opened)
        kept[opened.thread.id] = track
        found.append(track)
    return tuple(found)
