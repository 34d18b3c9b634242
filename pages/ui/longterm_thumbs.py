"""Thumbs under an answer, and the word of feedback by which a memory's model rewrites its instructions.

thumbs = longterm_thumbs.said(chat)         # None where the memory does not learn from what is said of answers
longterm_thumbs.draw_thumbs(chat, turn, thumbs, busy)

Session keys: `chat_thumb_…`, `chat_said_form_…` and `chat_said_how_…`, each with the id of a turn.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import streamlit as st

from memory.base import Turn
from memory.conversation import Estimate
from memory.errors import InspectorError
from memory.longterm import feedback
from memory.longterm.base_store import UserStore
from memory.longterm.facts import Source
from memory.longterm.feedback import Feedback
from memory.longterm.optimizer import Optimizer
from memory.longterm.rewriting import prices
from memory.money.prices import dollars
from memory.strategies.combined import learner
from pages.ui.chat_state import Chat, make
from pages.ui.security import inert
from pages.ui.words import escaped, literal, model_name, plural

HOW: dict[Optimizer, str] = {
    "prompt_memory": "at once",
    "metaprompt": "after steps of thought",
    "gradient": "after a critique",
}
"""The optimizers in words."""


def said(chat: Chat) -> dict[str, Feedback] | None:
    """Return what was said of the thread's answers, by the turn's id; None where its memory does not learn from it."""
    if not chat.thread or not learner(chat.memory):
        return None
    return feedback.given(_items(chat), chat.thread.id)


def draw_thumbs(chat: Chat, turn: Turn, given: Mapping[str, Feedback] | None, busy: bool) -> None:
    """Draw the thumbs under an answer, and the words of the one that was given."""
    if given is None or not turn.ai or turn.status == "forgotten" or not chat.thread:
        return
    now = given.get(turn.id)
    key = f"chat_thumb_{turn.id}_{now.at if now else 0}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"chat_said_{turn.id}"):
        thumb = st.feedback("thumbs", default=None if now is None else int(now.good), key=key, disabled=busy)
        if now:
            used = "the instructions were rewritten by it" if now.used else "it is read after the next answer"
            words = f"“{literal(now.words)}”, " if now.words else ""
            st.caption(f"You said: {'helpful' if now.good else 'not helpful'}, {words}{used}.", width="content")
            if now.used and st.button(
                "See the instructions", icon=":material/rule:", type="tertiary", key=f"chat_rules_{turn.id}"
            ):
                _show_instructions()
    if now and thumb is None:
        _take_back(chat, turn)
    elif thumb is not None and not busy and (now is None or bool(thumb) != now.good):
        _ask(chat, turn, bool(thumb))


def _ask(chat: Chat, turn: Turn, good: bool) -> None:
    memory = learner(chat.memory)
    if not chat.thread or not memory:
        return
    found = prices(chat.conversation(chat.thread.id, memory), turn, memory.settings.max_reflection_steps)
    names = list(HOW)
    with st.form(f"chat_said_form_{turn.id}"):
        words = st.text_input(
            "What was good about it?" if good else "What should it do instead?",
            placeholder="Show me a practical example instead",
            help="A few words, if you like: the memory's model rewrites its instructions by them.",
        )
        how = st.radio(
            "How the instructions are rewritten",
            names,
            index=names.index(memory.settings.optimizer),
            format_func=lambda name: f"{HOW[name].capitalize()} ({name})",
            captions=[_price(chat, found[name]) for name in names],
            key=f"chat_said_how_{turn.id}_{memory.settings.optimizer}",
        )
        done = st.form_submit_button("Send", icon=":material/thumb_up:" if good else ":material/thumb_down:")
    if not done:
        return
    try:
        with st.spinner("The memory's model rewrites the instructions"):
            feedback.give(_items(chat), Source(chat.thread.id, turn.id, turn.index), good, words, time.time())
            chosen = make(memory.name, {**memory.settings.model_dump(mode="json"), "optimizer": how})
            chat.conversation(chat.thread.id, chosen).catch_up(kind="reflect")
    except InspectorError as error:
        st.error(inert(str(error)), icon=":material/error:")
        return
    st.rerun()


def _price(chat: Chat, of: Estimate) -> str:
    """Say what one of the ways would take."""
    models = chat.models()
    priced = models.priced_as(models.memory_name)
    as_of = f" as {escaped(model_name(priced))}" if priced != models.memory_name else ""
    cost = "cost unknown" if of.cost is None else f"≈ {dollars(of.cost)}{as_of}"
    return f"{plural(of.calls, 'call')}, ≈ {plural(of.tokens, 'token')} in, {cost}"


def _take_back(chat: Chat, turn: Turn) -> None:
    if chat.thread:
        feedback.take_back(_items(chat), Source(chat.thread.id, turn.id, turn.index))
        st.rerun()


def _show_instructions() -> None:
    state = st.session_state
    state.longterm_kind, state.longterm_query, state.longterm_key = "Instructions", "", ""
    for name in ("longterm_thread", "longterm_place", "longterm_tab", "longterm_importance", "longterm_since"):
        state.pop(name, None)
    st.switch_page("pages/longterm.py")


def _items(chat: Chat) -> UserStore:
    return chat.retrieval().items(chat.store.shelf, chat.user, lambda call: None)
