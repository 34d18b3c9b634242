"""The turns of a conversation as chat messages, the last ones only; earlier ones on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import streamlit as st

from memory import rates, threads, worker
from memory.base import Role, Turn
from memory.errors import InspectorError
from memory.longterm.feedback import Feedback
from memory.models import provider_of
from memory.pictures import album
from memory.pictures.picture import typed, worded
from memory.tokens import BUILT_IN
from memory.trace import Trace
from pages.ui import connections, found_turn, longterm_chat, longterm_thumbs, steps
from pages.ui.chat_state import Chat, Shown, open_thread
from pages.ui.note_actions import turn_actions
from pages.ui.pictures import draw_pictures
from pages.ui.security import inert
from pages.ui.words import escaped, literal, measured, money, number, plural, priced_as, unseen

LONGEST = 20_000
"""Characters of a message that are drawn; the rest is there to download."""
USER, MODEL, OTHER = ":material/person:", ":material/smart_toy:", ":material/face:"


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read once for all turns that are drawn: by index when one was forgotten, by id thumbs and traces."""

    forgotten: Mapping[int, str]
    thumbs: Mapping[str, Feedback] | None
    called: Mapping[str, Trace]


def draw_turns(shown: Shown, turns: Sequence[Turn], busy: bool, paused: bool = False) -> None:
    """Draw some of the turns that are shown, and under the last one of the thread its figures.

    While an answer is on its way nothing can be changed; where it is `paused`, a message can still go into a fork.
    """
    chat = shown.chat
    if chat is None or not turns:
        return
    known = _Known(_forgotten(chat, turns), longterm_thumbs.said(chat), longterm_chat.called(chat, turns))
    for turn in turns:
        with found_turn.place(turn):
            _turn(chat, turn, shown, busy, paused, known)


def _turn(chat: Chat, turn: Turn, shown: Shown, busy: bool, paused: bool, known: _Known) -> None:
    newest = turn.index == shown.length - 1
    if turn.status == "forgotten":
        st.caption(f":material/ink_eraser: Turn {turn.index + 1:,}: {known.forgotten.get(turn.index, 'forgotten')}")
        return
    _human(chat, turn, busy and not paused)
    _answer(chat, turn, shown.last if newest else None, newest, busy, known)


def _forgotten(chat: Chat, turns: Sequence[Turn]) -> dict[int, str]:
    """Say of the turns that were forgotten when that was."""
    if not chat.thread or all(turn.status != "forgotten" for turn in turns):
        return {}
    events = [event for event in chat.store.events(chat.user, chat.thread.id) if event.kind == "forget"]
    return {
        index: f"forgotten on {datetime.fromtimestamp(event.at, UTC):%-d %b %Y}"
        for event in events
        for left in event.left_out
        for index in range(*left.turns)
    }


def draw_text(text: str, key: str) -> None:
    """Draw a message's text as inert Markdown, a very long one by its beginning."""
    if len(text) <= LONGEST:
        st.markdown(inert(text))
        return
    st.text(text[:LONGEST])
    st.caption(f"{len(text) - LONGEST:,} more characters are stored and sent, but not drawn.")
    st.download_button("Download the whole message", text, "message.txt", key=f"chat_long_{key}", on_click="ignore")


def draw_said(turn: Turn, role: Role) -> None:
    """Draw what one side of a turn said, under the names that an import gave its speakers."""
    spoken = [message for message in turn.messages if message.role == role and message.content]
    for place, (name, run) in enumerate(groupby(spoken, key=lambda message: message.name)):
        if name:
            st.caption(f"**{literal(name)}**")
        words = "\n\n".join(typed(message.content, message.pictures) for message in run)
        if words.strip():
            draw_text(words, f"{turn.id}_{role}_{place}")


def _human(chat: Chat, turn: Turn, busy: bool) -> None:
    if not turn.human:
        return
    with st.chat_message("user", avatar=USER):
        if st.session_state.get("chat_editing") == turn.id and not busy:
            _edit(chat, turn)
            return
        with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
            with st.container():
                draw_said(turn, "human")
                if chat.thread:
                    draw_pictures(chat.store, chat.user, chat.thread.id, turn.pictures)
            if chat.thread and st.button(
                unseen(f"Edit message {turn.index + 1:,}"),
                icon=":material/edit:",
                key=f"chat_edit_{turn.id}",
                type="tertiary",
                disabled=busy,
                help=f"Edit message {turn.index + 1}: go on from there in a fork; this conversation stays as it is",
            ):
                st.session_state.chat_editing = turn.id
                st.rerun()
            if chat.thread and not busy:
                turn_actions(chat.thread.id, turn, "chat", compact=True)


def _edit(chat: Chat, turn: Turn) -> None:
    with st.form(f"chat_edit_form_{turn.id}", border=False):
        text = st.text_area("Your message", typed(turn.human, turn.pictures), height="content")
        if turn.pictures:
            st.caption(
                f"{plural(len(turn.pictures), 'picture')} of it {'goes' if len(turn.pictures) == 1 else 'go'} along."
            )
        with st.container(horizontal=True):
            send = st.form_submit_button("Send as a fork", icon=":material/fork_right:")
            cancel = st.form_submit_button("Cancel", type="tertiary")
    if cancel:
        st.session_state.pop("chat_editing")
        st.rerun()
    if send and (text.strip() or turn.pictures) and chat.thread:
        try:
            rates.admit(connections.store(), chat.user, "turns")
        except InspectorError as error:
            st.error(inert(str(error)), icon=":material/error:")  # the form keeps what was typed
            return
        said = worded(text, turn.pictures)
        fork = threads.fork(chat.store, chat.user, chat.thread.id, turn.index, threads.title_of(said), chat.retrieval())
        album.copy(chat.store, chat.user, chat.thread.id, chat.store, fork.id, [turn])
        open_thread(fork.id, chat.temporary)
        worker.start(chat.conversation(fork.id), said, stepped=steps.stepping(), pictures=turn.pictures)
        st.rerun()


def _answer(chat: Chat, turn: Turn, trace: Trace | None, newest: bool, busy: bool, known: _Known) -> None:
    # In what two people said to each other the other one is no machine.
    named = any(message.name for message in turn.messages if message.role == "ai")
    with st.chat_message("assistant", avatar=OTHER if named else MODEL):
        longterm_chat.draw_calls(turn, known.called.get(turn.id))
        if turn.ai:
            draw_said(turn, "ai")
        draw_ended(turn)
        if turn.earlier:
            with st.expander(
                f"{len(turn.earlier)} earlier answer{'s' if len(turn.earlier) > 1 else ''} to this message"
            ):
                for place, text in enumerate(turn.earlier):
                    draw_text(text, f"{turn.id}_earlier_{place}")
        if newest:
            if turn.pictures and trace and trace.kind == "turn" and not trace.pictures:
                st.caption(
                    f":material/hide_image: {inert(trace.model)} is not known to take pictures: it was told in words "
                    "what can be read off the file."
                    + ("" if provider_of(trace.model) in BUILT_IN else " If it takes them, say so in Settings.")
                )
            not_done(turn, trace)
            _below(chat, turn, trace, busy)
        else:
            st.empty()  # what was below it goes at once, and not when the whole run has ended
        longterm_thumbs.draw_thumbs(chat, turn, known.thumbs, busy)


def draw_ended(turn: Turn) -> None:
    """Say what kept an answer from its end, where something did."""
    if turn.status == "stopped":
        st.caption(
            ":material/stop_circle: You stopped this answer here."
            if turn.ai
            else ":material/stop_circle: You stopped this answer before its first word."
        )
    if turn.status == "failed":
        st.markdown(f":red[:material/error:] {inert(turn.error or 'The model gave no answer.')}")
        if turn.ai:
            st.caption("This is what had come of the answer. Your message is kept.")


def not_done(turn: Turn, trace: Trace | None) -> None:
    """Say what the memory could not do in a turn that was answered all the same, each thing once."""
    errors = trace.errors[1:] if trace and turn.status == "failed" else trace.errors if trace else ()
    for error in dict.fromkeys(errors):
        st.caption(f":orange[:material/warning:] The memory could not do all that it should: {inert(error)}")


def _below(chat: Chat, turn: Turn, trace: Trace | None, busy: bool) -> None:
    """Draw the last turn's figures and what can be done with its answer."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if trace and trace.kind == "turn":
            st.caption(figures(trace))
        # One group, so that where there is no room beside the figures they stand below them together.
        with st.container(horizontal=True, wrap=False, gap="small", width="content"):
            if chat.thread and turn.human and not busy:
                label = "Try again" if turn.status == "failed" else "Regenerate" if turn.ai else "Have it answered"
                if st.button(label, icon=":material/refresh:", type="tertiary", key="chat_regenerate"):
                    talk, stepped = chat.conversation(chat.thread.id), steps.stepping()
                    try:
                        rates.admit(connections.store(), chat.user, "turns")
                        worker.start(talk, turn.human, turn.id, stepped, pictures=turn.pictures)
                    except InspectorError as error:
                        st.session_state.chat_notice = str(error)
                    st.rerun()
            if turn.ai:
                with st.popover("Copy", icon=":material/content_copy:", type="tertiary", key="chat_copy"):
                    st.code(turn.ai[:LONGEST], language=None, wrap_lines=True)


def figures(trace: Trace) -> str:
    """Say what a turn took: tokens in and out and their cost."""
    reply = trace.reply
    if reply is None:
        return f"Turn {trace.turn + 1}"
    exact = measured(reply, trace)
    counts = f"{number(reply.input_tokens, exact)} in, {number(reply.output_tokens, exact)} out"
    named = priced_as(reply)
    cost = (
        "cost unknown" if reply.cost is None else escaped(money(reply, trace)) + (f" {escaped(named)}" if named else "")
    )
    if trace.own_calls:
        cost += f", and {plural(len(trace.own_calls), 'own call')} of the memory: see Cost"
    return f"Turn {trace.turn + 1} · {counts} · {cost}"
