"""An answer on its way: the page mirrors the worker's job and owns nothing of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Thread

import streamlit as st

from memory import forgetting, rates, worker
from memory.errors import BadInput, LimitReached, StoreUnavailable
from memory.pictures.album import take_back, take_in
from memory.pictures.picture import typed, worded
from memory.store import Pending
from memory.worker import Job
from pages.ui import connections, pictures, runs, steps
from pages.ui.chat_state import Chat
from pages.ui.messages import MODEL, USER, draw_text
from pages.ui.pictures import Read, draw_pictures
from pages.ui.security import inert

_FIRST_WORDS = 0.15
"""Seconds that the rest of the page waits for the first words of an answer."""
SILENT = 1.5
"""Seconds without a word from which on that is told."""
_LOST_AFTER = 10.0
"""Seconds without a sign of life after which an answer's process is taken to be gone."""


class Mirror:
    """An answer as it comes; `follow` draws it until it is stored or paused, then the whole page again.

    What is `stored` already is drawn among the turns, and here only the steps that are left. `card` draws where a
    stepped one is, and `ended` takes note of one that has ended.
    """

    def __init__(
        self,
        job: Job,
        stored: bool = False,
        card: Callable[[Job], None] = steps.card,
        ended: Callable[[Job], None] = steps.told,
    ) -> None:
        if job.stepped:
            job.wait(_FIRST_WORDS)
        self._job, self._drawn, self._stored, self._told = job, job.before, stored, ended
        talk, below = st.container(gap=None), st.container()
        with talk:
            self._place = self._note = st.empty()
            if not stored:
                self._messages()
        if job.stepped:
            with below:
                card(job)
        # What a quick model has said by now; the page does not wait for a slow one.
        job.wait(_FIRST_WORDS)
        if job.text and not stored:
            self._place.markdown(inert(job.text))

    def _messages(self) -> None:
        job = self._job
        with st.chat_message("user", avatar=USER):
            draw_text(typed(job.query, job.pictures), f"{job.id}_query")
            talk = job.conversation
            draw_pictures(talk.store, talk.user, talk.thread, job.pictures)
        if job.status == "paused" and not job.text:
            return
        with st.chat_message("assistant", avatar=MODEL):
            self._place = st.empty()
            self._place.caption("…")
            if job.status == "running" and not job.stepped:
                # Streamlit keeps each button of a visit with its arguments: one for all answers, and names alone.
                told = (talk.user, talk.thread, job.id)
                st.button("Stop", icon=":material/stop_circle:", on_click=_stop, args=told, key="chat_stop")
            self._note = st.empty()

    def follow(self) -> None:
        """Draw the answer to its end or to its next stop; one that is paused is looked at again by itself."""
        job = self._job
        if job.status == "paused" and job.before is self._drawn:
            steps.watch(job, job.before)
            return
        self.mirror()
        if job.done:
            self._told(job)
        st.rerun()

    def mirror(self) -> None:
        """Draw the answer until it is stored, has failed or is paused."""
        job, text, told = self._job, "", ""
        for piece in job.follow():
            text += piece
            if piece and not self._stored:
                self._place.markdown(inert(text) or "…")
            if told != (told := silence(job)) and self._note is not self._place:
                self._note.caption(told) if told else self._note.empty()
        while not job.done and job.status != "paused":
            if job.status == "saving":
                self._note.warning(unsaved(job.trouble), icon=":material/cloud_off:")
            time.sleep(0.1)


def _stop(user: str, thread: str, of: str) -> None:
    for job in worker.running(user, thread):
        if job.id == of:
            job.stop()


def silence(job: Job) -> str:
    """Say that nothing has come of an answer for some time, "" where it goes on."""
    if job.silence < SILENT:
        return ""
    kept = "what there is of it" if job.text else "your message"
    return f":material/hourglass_top: Nothing new for {job.silence:.0f} s. Stop ends the answer and keeps {kept}."


def unsaved(trouble: StoreUnavailable | None) -> str:
    """Say that what was made is not stored yet, and why."""
    why = inert(str(trouble or "Redis does not answer."))
    return f"Not saved yet: {why} What was made is kept here and stored by itself as soon as that is over."


def submitted() -> None:
    """Keep what was sent; the page takes it up at the beginning of the run."""
    with runs.uninterrupted():
        st.session_state.chat_submitted = st.session_state.chat_message


def lost(pending: Pending) -> bool:
    """Whether the process that was answering is gone; a sign of life yet to come is of a clock that was set back."""
    return abs(time.time() - pending.beat) >= _LOST_AFTER


def waiting(chat: Chat, pending: Pending) -> None:
    """Draw a message whose answer another process is giving, or gave up when it was stopped."""
    with st.chat_message("user", avatar=USER):
        draw_text(typed(pending.query, pending.pictures), f"{pending.turn_id}_query")
        if chat.thread:
            draw_pictures(chat.store, chat.user, chat.thread.id, pending.pictures)
    with st.chat_message("assistant", avatar=MODEL):
        if pending.text:
            draw_text(pending.text, f"{pending.turn_id}_text")
        if not lost(pending):
            if pending.step:
                st.caption(
                    f"This turn is paused {steps.STOPPED[pending.step]}, by another process of the server; nothing was "
                    "sent yet."
                )
            else:
                st.caption("The answer is on its way; this page follows it.")
                return
        elif pending.step:
            st.markdown(
                f":material/pause_circle: This turn was paused {steps.STOPPED[pending.step]} and left there. Nothing "
                "was sent; your message is kept."
            )
        else:
            st.markdown(
                ":red[:material/error:] The server stopped before this answer was finished. Your message is kept."
            )
        with st.container(horizontal=True):
            if chat.thread and st.button("Send again", icon=":material/refresh:", key=f"chat_again_{pending.turn_id}"):
                worker.resume(chat.conversation(chat.thread.id), pending, steps.stepping())
                st.rerun()
            if chat.thread and st.button("Discard", type="tertiary", key=f"chat_drop_{pending.turn_id}"):
                take_back(chat.store, chat.user, chat.thread.id, pending.turn_id, pending.pictures)
                st.rerun()


def send(chat: Chat, text: str, title: str, read: Sequence[Read] = ()) -> Job | None:
    """Hand a message with its pictures to a worker; what is not taken now goes back into the box."""
    try:
        if read:
            rates.admit(connections.store(), chat.user, "uploads", len(read))
        rates.admit(connections.store(), chat.user, "turns")
        thread = chat.begin(title)
        if not chat.temporary and forgetting.unsettled(chat.store, chat.user):
            owed = (chat.store, chat.retrieval(), chat.user)
            Thread(target=forgetting.settle, args=owed, name="settle", daemon=True).start()
        shown = take_in(chat.store, chat.user, thread.id, read)
        talk, said = chat.conversation(thread.id), worded(text, shown)
        job = worker.start(talk, said, stepped=steps.stepping(), pictures=shown)
        pictures.sent(job, read)
        # One that is refused at once has ended before the page draws it.
        st.session_state.chat_step_job = job
        return job
    except (StoreUnavailable, LimitReached, BadInput) as error:
        st.session_state.chat_notice = str(error)
        st.session_state.chat_restore = text
        pictures.keep(read)
        return None
