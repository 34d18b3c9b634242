"""The chat: the conversation, and beside it what its memory holds, sends, leaves out and costs."""

from __future__ import annotations

from contextlib import nullcontext

import streamlit as st

from memory import worker
from memory.errors import InspectorError, StoreUnavailable
from memory.pictures.reading import ENDINGS
from pages.ui import (
    chat_state,
    connections,
    found_turn,
    importing,
    longterm_chat,
    pictures,
    runs,
    steps,
    talk,
    watch,
)
from pages.ui.answering import submitted, waiting
from pages.ui.chat_state import Shown
from pages.ui.edit import edit_dialog
from pages.ui.forget import forget_dialog
from pages.ui.given_back import give_back
from pages.ui.identity import owner_id
from pages.ui.lint_button import lint_button
from pages.ui.memory_bar import memory_bar
from pages.ui.security import inert
from pages.ui.threads_menu import threads_menu, undo_notice
from pages.ui.welcome import after_sample, play_sample, welcome

state = st.session_state
user = owner_id().id
shown = Shown()
jobs: list[worker.Job] = []
outage: StoreUnavailable | None = None

# What is not drawn before the first st.* call cannot be half drawn when the store goes away.
try:
    chat = chat_state.current(user)
    shown = Shown(chat)
    if chat.thread:
        jobs = worker.running(user, chat.thread.id)
        opened = chat.store.open(user, chat.thread.id, "", found_turn.TURNS_SHOWN)
        length = opened.length
        first, end = found_turn.shown(length, bool(jobs) or "chat_submitted" in state)
        known = end == length and first >= length - len(opened.tail)
        turns = opened.tail if known else chat.store.turns(user, chat.thread.id, first, end)
        last = next(iter(chat.store.traces(user, chat.thread.id, length - 1, length)), None) if length else None
        shown = Shown(chat, tuple(turns), length, last)
    state.chat_seen = shown
    state.pop("chat_away", None)
except StoreUnavailable as error:
    outage, state.chat_away = error, True
    shown = state.get("chat_seen", shown)
if steps.settle():
    # The conversation that was read above may be gone with the turn.
    st.rerun()
chat, length, last = shown.chat, shown.length, shown.last
away = "chat_away" in state
answering = bool(jobs)
busy = answering or away
empty = chat is not None and chat.thread is None and not jobs and not state.get("chat_sample")

heard = "chat_submitted" in state
sent, job = talk.say(chat, busy)
if sent and (job is None or empty):
    st.rerun()
if job:
    jobs = [job]
shown.loud = talk.loud()

above, conversation, below = st.container(), st.container(gap=None), st.container()
# The box always has the same place, whatever comes and goes above it: moved, it would lose what is typed in it.
with st.bottom:
    low = st.container()
with low:
    # Beside the box, where it is seen however far the conversation goes, and before all that is drawn at length.
    watch.notice()
    if notice := state.pop("chat_notice", None):
        st.error(inert(notice), icon=":material/error:")
    if outage:
        watch.banner(outage)
    else:
        watch.slowly()
# The answer's first words come before the browser gets again what it has on the page already.
with conversation:
    turns_place, coming_place = st.container(gap=None), st.container(gap=None)
with coming_place:
    answer = talk.coming(shown, jobs[-1] if jobs else None)

with above:
    if chat:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            if not away:
                threads_menu(chat, busy)
            if last and last.context_window:
                with st.container(width=260):
                    talk.context(shown)
        undo_notice(chat)
        # A place that is emptied at once: else the first answer would stream below what is left of the empty page.
        place = st.empty()
        if empty:
            with place.container():
                welcome(chat)

if chat:
    with turns_place:
        talk.turns(shown, busy, paused=answering and not away and jobs[-1].status == "paused")
        found_turn.lead_there()
    with st.sidebar:
        if away:
            st.caption("The panel reads from the store, which does not answer; it comes back by itself.")
        else:
            talk.side(shown)
        if chat.thread and not away:
            try:
                lint_button(chat, length)
                forget_dialog(chat)
                edit_dialog(chat)
            except InspectorError as error:
                st.warning(inert(str(error)))
    with below:
        if chat.thread and not away:
            own = {job.id for job in jobs}
            for pending in opened.pending:
                if pending.turn_id not in own:
                    waiting(chat, pending)
        if not busy:
            longterm_chat.draw_reflection(chat, length)
            after_sample(chat)
            # Where the page scrolls to, as an imported conversation is opened at its end.
            importing.outcome(connections.store(), user)
with low:
    if chat and not outage:
        memory_bar(chat, busy, jobs, last)
    without_words = pictures.draw_waiting()

give_back(disabled=answering)
# At the root of the page the box makes it scroll to the newest answer; the empty page stays at its top.
with st.bottom if empty else nullcontext():
    text = st.chat_input(
        "Message",
        key=runs.BOX,
        disabled=answering,
        on_submit=submitted,
        accept_file="multiple",
        file_type=list(ENDINGS),
        max_upload_size=pictures.largest(),
    )
if without_words:
    state.chat_submitted = ""
    state.chat_without_words = True
    st.rerun()
if text and not heard:
    # A tab that has just found its server again speaks in its first run, when no callback is known yet.
    state.chat_submitted = text
    st.rerun()
if answer:
    answer.follow()
elif chat and not away and play_sample(chat):
    st.rerun()

waiting_for = watch.drawn(opened.pending) if chat and chat.thread and not away else ()
watch.watch(None if away else shown, waiting_for)
