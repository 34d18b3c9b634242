"""The columns of a live comparison, each a card: who answers, what its prompt held, what it took, what it said."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from memory import rates, worker
from memory.base import Turn
from memory.compare.live import Live, Round, Seen, round_of
from memory.compare.live_figures import Figures, Track
from memory.errors import InspectorError
from memory.inspection.inspect import Inspection, inspect
from memory.models import provider_of
from memory.money.prices import dollars
from memory.pictures.picture import typed
from memory.store import Opened, Pending
from memory.worker import Job
from pages.ui import pictures
from pages.ui.answering import lost, silence, unsaved
from pages.ui.compare import live_column, live_state
from pages.ui.compare.live_ask import Fact, badge_of
from pages.ui.compare.live_prompt import what_reached
from pages.ui.compare.marks import marks_of
from pages.ui.messages import draw_text
from pages.ui.security import inert
from pages.ui.words import badge, escaped, model_name, number, plural, seconds

ABREAST = 3
"""How many columns stand side by side; of four two do, so that none is alone."""
TICK = 0.06
"""Seconds between two looks at the answers that are on their way."""
Places = dict[str, tuple[DeltaGenerator, DeltaGenerator]]
"""Where the answer on its way in a thread is drawn, and a note under it."""


def cards(
    live: Live,
    seen: Seen,
    tracks: Sequence[Track | None],
    asked: Round,
    jobs: Sequence[Job | None],
    fact: Fact | None,
    *,
    last: bool,
    busy: bool,
    away: bool,
) -> Places:
    """Draw a card for every column with its answer to one round; return where `follow` draws those on their way."""
    drawn: Places = {}
    marks, places = marks_of(live.columns), _grid(len(live.columns))
    for place, (mark, into) in enumerate(zip(marks, places, strict=True)):
        opened = seen.opened[place] if place < len(seen.opened) else None
        with into.container(border=True, gap="xsmall", height="stretch", key=f"compare_live_card_{mark.letter}"):
            live_column.header(live, place, mark, busy, asked=True)
            job, turn = jobs[place], asked.turns[place]
            if job is not None:
                drawn[job.conversation.thread] = _coming(job)
                continue
            looked = None if away else _inspected(live, opened, turn)
            with st.container(gap=None):
                _badges(tracks[place], turn, looked, fact)
            _answer(live, place, asked, turn, opened, retry=last and not busy)
            if looked is not None and turn is not None:
                what_reached(live, place, looked, mark, live_state.slot(live, place))
    return drawn


def empty(live: Live, busy: bool) -> None:
    """Draw the columns of a comparison in which nothing was said yet."""
    for place, (mark, into) in enumerate(zip(marks_of(live.columns), _grid(len(live.columns)), strict=True)):
        with into.container(border=True, gap="xsmall", height="stretch", key=f"compare_live_card_{mark.letter}"):
            live_column.header(live, place, mark, busy, asked=False)
            memory = live.columns[place].open()
            st.caption(f"keeps {inert(memory.keeps)}  \nforgets {inert(memory.forgets)}  \ncosts {inert(memory.costs)}")


def _grid(count: int) -> list[DeltaGenerator]:
    abreast = 2 if count in (2, 4) else ABREAST
    places: list[DeltaGenerator] = []
    while len(places) < count:
        places += st.columns(abreast, gap="small")
    return places[:count]


# --- answers on their way ---------------------------------------------------------------------------------------------


def _coming(job: Job) -> tuple[DeltaGenerator, DeltaGenerator]:
    place, note = st.empty(), st.empty()
    place.markdown(inert(job.text) or "…")
    return place, note


def follow(live: Live, jobs: Sequence[Job], drawn: Places) -> None:
    """Draw all answers as they come, in one loop, to the end of the last; then the page is drawn again."""
    shown: dict[str, tuple[str, str, str]] = {}
    while True:
        ended = all(job.done for job in jobs)
        for job in jobs:
            now, thread = (job.text, job.status, silence(job)), job.conversation.thread
            if thread not in drawn or shown.get(thread) == now:
                continue
            shown[thread] = now
            place, note = drawn[thread]
            place.markdown(inert(job.text) or "…")
            _note(note, job)
        if ended:
            break
        time.sleep(TICK)
    _keep_errors(live, jobs)
    st.rerun()


def _note(note: DeltaGenerator, job: Job) -> None:
    """Say how far a column is that has said all it has to say."""
    if job.status == "saving":
        note.warning(unsaved(job.trouble), icon=":material/cloud_off:")
    elif job.status == "running":
        note.caption(told) if (told := silence(job)) else note.empty()
    elif job.status == "writing":
        note.caption("Its memory takes the turn in …")
    elif job.status == "complete":
        note.caption(":material/check: Done; the others are still on their way.")
    elif job.status == "failed":
        note.markdown(f":red[:material/error:] {inert(str(job.error))}")


def _keep_errors(live: Live, jobs: Sequence[Job]) -> None:
    """Keep why a column has no turn of this round; a message that reached none goes back into the box."""
    errors: dict[tuple[str, str], str] = live_state.kept("errors", {})
    unsent = [job for job in jobs if job.status in ("failed", "left", "withdrawn") and job.reply.turn is None]
    for job in unsent:
        errors[(round_of(job.id), job.conversation.thread)] = str(job.error or "It was stopped before it was sent.")
    if len(unsent) == len(jobs) == len(live.columns):
        st.session_state.compare_live_restore = typed(jobs[0].query, jobs[0].pictures)
        store, user = live.experiments.store, live.experiments.user
        kept = ((one, store.picture(user, jobs[0].conversation.thread, one.id)) for one in jobs[0].pictures)
        pictures.keep([(one, data) for one, data in kept if data], "compare_live")
        st.session_state.pop("compare_live_sample", None)
        live_state.tell(str(jobs[0].error or "It was stopped before it was sent."))
    elif any(job.status == "failed" for job in jobs) or any(
        job.reply.turn and job.reply.turn.status == "failed" for job in jobs
    ):
        st.session_state.pop("compare_live_sample", None)


# --- what was said ----------------------------------------------------------------------------------------------------


def _inspected(live: Live, opened: Opened | None, turn: Turn | None) -> Inspection | None:
    if opened is None or turn is None or turn.status == "forgotten":
        return None
    store, user = live.experiments.store, live.experiments.user
    return inspect(store, user, opened.thread.id, turn.index, opened.length, live.retrieval)


def _answer(live: Live, place: int, asked: Round, turn: Turn | None, opened: Opened | None, retry: bool) -> None:
    key, column = f"compare_live_{live_state.slot(live, place)}", live.columns[place]
    pending = _pending(opened, asked)
    if turn is None and pending is not None:
        _waiting(live, place, pending, retry)
        return
    if turn is None:
        errors: dict[tuple[str, str], str] = st.session_state.get("compare_live_errors", {})
        why = errors.get((asked.id, column.thread), "This message did not reach this column.")
        st.markdown(f":red[:material/error:] {inert(why)}")
    elif turn.status == "forgotten":
        st.caption(":material/ink_eraser: This turn was forgotten.")
    else:
        if turn.ai:
            draw_text(turn.ai, f"{key}_ai")
        if turn.status == "stopped":
            st.caption(
                ":material/stop_circle: You stopped this answer" + (" here." if turn.ai else " before its first word.")
            )
        if turn.status == "failed":
            st.markdown(f":red[:material/error:] {inert(turn.error or 'The model gave no answer.')}")
    missed = turn is None or turn.status in ("failed", "stopped")
    if missed and retry and st.button("Try again", icon=":material/refresh:", type="tertiary", key=f"{key}_again"):
        try:
            rates.admit(live.experiments.store, live.experiments.user, "turns")
            live.again(place, asked)
        except InspectorError as error:
            live_state.tell(str(error))
        st.rerun()


def _pending(opened: Opened | None, asked: Round) -> Pending | None:
    waiting = opened.pending if opened else ()
    return next((one for one in waiting if round_of(one.turn_id) == asked.id), None)


def _waiting(live: Live, place: int, pending: Pending, retry: bool) -> None:
    """Draw an answer that another process is giving, or gave up when it was stopped."""
    if pending.text:
        draw_text(pending.text, f"compare_live_{pending.turn_id}_{place}")
    if not lost(pending):
        st.caption("The answer is on its way; this page follows it.")
        return
    st.markdown(":red[:material/error:] The server stopped before this answer was finished. Your message is kept.")
    if retry and st.button("Send again", icon=":material/refresh:", key=f"compare_live_resume_{place}"):
        worker.resume(live.conversation(live.columns[place]), pending)
        st.rerun()


# --- figures ----------------------------------------------------------------------------------------------------------


def _badges(track: Track | None, turn: Turn | None, seen: Inspection | None, fact: Fact | None) -> None:
    """Draw the badges of one column: the fact, what was sent, what it took."""
    if track is None or turn is None:
        return
    if fact:
        st.markdown(badge_of(seen, track, fact))
    index = turn.index
    figures = track.figures[index] if index < len(track.figures) else None
    if figures is None:
        return
    if index < track.first:
        st.caption("This turn is the first column's: this one was added later.")
    st.markdown(" ".join(_sent(figures)))
    st.markdown(" ".join(_took(figures)))


def _sent(of: Figures) -> list[str]:
    quoted = of.recalled >= of.sent > 0
    parts = [badge("orange" if quoted else "blue", f"{'recalled' if quoted else 'sent'}: {plural(of.sent, 'turn')}")]
    if of.gist:
        parts.append(badge("violet", f"only in a note: {of.gist:,}"))
    if of.left_out:
        parts.append(badge("gray", f"not sent: {of.left_out:,}"))
    parts.append(badge("gray", f"{number(of.input_tokens, of.exact)} tokens in"))
    return [*parts, badge("gray", "demo answer")] if provider_of(of.model) == "demo" else parts


def _took(of: Figures) -> list[str]:
    named = f" as {model_name(of.priced_as)}" if of.priced_as and of.priced_as != of.model else ""
    parts = [_money(of.cost_uncached, of.exact) + named]
    if of.cost is not None:
        parts.append(f"{_money(of.cost, of.exact)} with caching")
    parts.append(seconds(of.seconds))
    if of.own_calls:
        noun = "embedding" if of.embeddings == of.own_calls else "own call"
        parts.append(f"{plural(of.own_calls, noun)}, {of.own_tokens:,} tokens")
    if of.cache_measured:
        parts.append(f"{of.cached_tokens:,} cached by the provider")
    return [badge("gray", part) for part in parts]


def _money(cost: Decimal | None, exact: bool) -> str:
    return "cost unknown" if cost is None else f"{'' if exact else '≈ '}{dollars(cost)}"


def figures_line(of: Figures | None) -> str:
    """Say a column's figures of a turn in few words."""
    if of is None:
        return ""
    return escaped(
        f"{number(of.input_tokens, of.exact)} tokens in · {_money(of.cost, of.exact)} · {seconds(of.seconds)}"
    )
