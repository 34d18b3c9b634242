"""Notices by itself, within seconds, that Redis went away or came back, or that the conversation went on elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

import streamlit as st

from memory.errors import InspectorError, StoreUnavailable
from memory.store import Pending
from pages.ui import connections, runs
from pages.ui.answering import lost
from pages.ui.chat_state import Shown
from pages.ui.security import inert

EVERY = 2.5
SLOW = 0.2
"""Seconds a call from which on one is told that the store is slow."""
Waiting = tuple[tuple[str, str, bool], ...]


def banner(error: StoreUnavailable) -> None:
    """Say that the store is away; what is drawn below it is what was last read."""
    st.error(
        f"{inert(str(error))} This page goes on by itself as soon as it can. What you type stays in the box.",
        icon=":material/cloud_off:",
    )


def slowly() -> None:
    """Say that the store answers slowly, where it does so without an error."""
    if slow():
        st.caption(
            f":material/hourglass_top: Redis answers slowly: each question takes about "
            f"{connections.connection().seconds:.1f} s, and a page asks several. What is shown as stored is stored."
        )


def slow() -> bool:
    """Whether the store answers slowly."""
    return connections.connection().seconds >= SLOW


def broken_off(error: StoreUnavailable) -> None:
    """Draw the page again where the store failed in the middle of it: half of it would take the box along.

    What was to be done is said to be in doubt. Where it happens twice in a row, only the outage is drawn.
    """
    state = st.session_state
    if not state.get("watch_broken"):
        # A server that keeps silent may do it all the same, later.
        told = "What you were about to do may not have been done: look before you do it again."
        state.watch_broken, state.watch_notice = True, f"{error} {told}"
        st.rerun()
    whole()
    banner(error)
    _again(time.monotonic())


def whole() -> None:
    """Note that the page was drawn to its end."""
    st.session_state.pop("watch_broken", None)


def notice() -> None:
    """Say what could not be done; of several places on a page the first one does."""
    if said := st.session_state.pop("watch_notice", None):
        st.error(inert(said), icon=":material/cloud_off:")


def store(away: bool) -> None:
    """Draw the page again when the store comes back, which is `away` as the page is drawn, or goes away."""
    _look(away, time.monotonic())


@st.fragment(run_every=EVERY)
def _look(away: bool, drawn: float) -> None:
    if _just(drawn):
        return
    try:
        ready = connections.connection().ping() == "ready"
    except InspectorError:
        ready = False
    if ready == away:
        st.rerun(scope="app")


@st.fragment(run_every=EVERY)
def _again(drawn: float) -> None:
    if not _just(drawn):
        st.rerun(scope="app")


def _just(drawn: float) -> bool:
    """Whether the page is being drawn at this moment, and has asked the store itself."""
    return time.monotonic() - drawn < EVERY / 2


def drawn(pending: Iterable[Pending]) -> Waiting:
    """Return what the page shows of messages without an answer: their text so far, and whether it comes at all."""
    return tuple(sorted((one.turn_id, one.text, lost(one)) for one in pending))


@st.fragment(run_every=EVERY)
def watch(shown: Shown | None, waiting: Waiting = ()) -> None:
    """Draw the page again when what it shows no longer holds; `shown` is None while the store is away.

    `waiting` is what `drawn` said of the messages without an answer when the page was drawn.
    """
    changed = partial(_changed, shown, waiting, connections.connection().ping)
    runs.where(changed)
    try:
        again = changed()
    except InspectorError:
        again = True
    if again:
        if shown is None:
            st.session_state.pop("chat_away", None)
        st.rerun(scope="app")


def _changed(shown: Shown | None, waiting: Waiting, ping: Callable[[], str]) -> bool:
    chat = shown.chat if shown else None
    if shown is None or chat is None:
        return ping() == "ready"
    if chat.thread is None:
        return ping() != "ready"
    opened = chat.store.open(chat.user, chat.thread.id, "", 0)
    return opened.length != shown.length or drawn(opened.pending) != waiting
