"""Long-term memory in the chat: the tools that the model called with their price, the reflection to come and the last.

traces = longterm_chat.called(chat, turns)
longterm_chat.draw_calls(turn, traces.get(turn.id))
longterm_chat.draw_reflection(chat, length)
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from memory import reflection
from memory.base import Span, Turn
from memory.errors import InspectorError
from memory.longterm.facts import Fact, from_row
from memory.longterm.feedback import KIND as FEEDBACK
from memory.reply import AFTER_TOOLS
from memory.trace import Call, Trace
from pages.ui import words
from pages.ui.chat_state import Chat
from pages.ui.cost_calls import total
from pages.ui.security import inert
from pages.ui.words import escaped, literal, plural, priced_as, seconds

EVERY = 1.0
"""Seconds between two looks at a reflection that is to come."""
LONGEST = 2_000
"""Characters of a tool's arguments and answer that are drawn."""


# --- what the model called --------------------------------------------------------------------------------------------


def called(chat: Chat, turns: Sequence[Turn]) -> dict[str, Trace]:
    """Return the traces of those turns in which the model called tools, by the turn's id."""
    found = [turn.index for turn in turns if _calls(turn)]
    if not found or not chat.thread:
        return {}
    traces = chat.store.traces(chat.user, chat.thread.id, found[0], found[-1] + 1)
    return {trace.turn_id: trace for trace in traces}


def draw_calls(turn: Turn, trace: Trace | None = None) -> None:
    """Draw the tools that the model called before it answered, folded: name, arguments, answer, time and cost."""
    calls = _calls(turn)
    if not calls:
        return
    answers = {message.tool_call_id: message.content for message in turn.messages if message.role == "tool"}
    names = ", ".join(dict.fromkeys(literal(str(call.get("name", ""))[:60]) for call in calls))
    with st.expander(
        f"Called {names}{_price(trace)}", icon=":material/build:", type="compact", key=f"chat_calls_{turn.id}"
    ):
        for call in calls:
            st.markdown(f"**{literal(str(call.get('name', ''))[:60])}**")
            given = json.dumps(call.get("args") or {}, ensure_ascii=False, indent=1)
            st.code(_cut(given), "json", wrap_lines=True)
            answer = answers.get(call.get("id"))
            st.caption("Its answer:" if answer is not None else "It was not answered.")
            if answer is not None:
                st.code(_cut(answer), None, wrap_lines=True)


def _calls(turn: Turn) -> list[dict[str, Any]]:
    return [dict(call) for message in turn.messages if message.role == "ai" for call in message.tool_calls]


def _price(trace: Trace | None) -> str:
    """Say how much later the answer came for the calls, and what they cost."""
    more = [call for call in trace.calls if call.purpose == AFTER_TOOLS] if trace else []
    if not trace or not more:
        return ""
    later = seconds(sum(call.seconds for call in more))
    return f": the answer came {later} later and cost {escaped(_cost(more, trace))} more"


def _cost(calls: Sequence[Call], trace: Trace) -> str:
    as_of = next(filter(None, map(priced_as, calls)), "")
    return f"{total(calls, trace)} {as_of}".rstrip() if calls else "nothing"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


# --- the reflection ---------------------------------------------------------------------------------------------------


def draw_reflection(chat: Chat, length: int) -> None:
    """Say when a memory that forms in the background reflects on this conversation, or what it wrote of it."""
    if not chat.thread or not chat.memory.rests or not length:
        return
    covered = chat.conversation(chat.thread.id).opened().state.covered
    last = _last(chat)
    if covered < length:
        _waits(chat, covered, length)
        for error in dict.fromkeys(error for event in last for error in event.errors):
            st.caption(f":orange[:material/warning:] The last reflection was not whole: {inert(error)}")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="chat_reflected"):
        st.caption(f":material/psychology: {_done(chat, last)}", width="content")
        if st.button("See what is remembered", type="tertiary", icon=":material/list:", key="chat_reflected_see"):
            _show(chat.thread.id)


def _last(chat: Chat) -> list[Trace]:
    """Return the events of the last reflection, which takes a long conversation in block by block."""
    assert chat.thread
    talk = chat.conversation(chat.thread.id)
    own = (event for event in chat.store.events(chat.user, chat.thread.id) if event.memory_key == talk.key)
    found = [event for event in own if event.kind == "reflect"]
    return [event for event in found if event.turn == found[-1].turn]


def _done(chat: Chat, events: Sequence[Trace]) -> str:
    """Say what the last reflection read, wrote and cost."""
    spans = [(event.before.covered, event.after.covered) for event in events if event.before and event.after]
    if not spans or not chat.thread:
        return "Reflected: all turns of this conversation are taken in."
    span = (spans[0][0], spans[-1][1])
    items = chat.retrieval().items(chat.store.shelf, chat.user, lambda call: None)
    new, changed = written(filter(None, map(from_row, items.snapshot()[1])), chat.thread.id, span)
    wrote = [f"wrote {plural(new, 'item')}"] * bool(new) + [f"changed {plural(changed, 'item')}"] * bool(changed)
    calls = [call for event in events for call in event.calls]
    price = f"{plural(len(calls), 'call')}, {escaped(_cost(calls, events[-1]))}"
    return f"Reflected on {words.turns(span)}: {' and '.join(wrote) or 'nothing of it is remembered'}; {price}."


def written(facts: Iterable[Fact], thread: str, span: Span) -> tuple[int, int]:
    """Count what rests on a span of turns as it is now: what is new by them, and what they changed."""
    turns = range(*span)
    told = [fact for fact in facts if fact.kind != FEEDBACK]
    found = [fact for fact in told if any(one.thread == thread and one.index in turns for one in fact.sources)]
    changed = sum(bool(fact.history) for fact in found)
    return len(found) - changed, changed


def _show(thread: str) -> None:
    """Go to what this conversation has left."""
    state = st.session_state
    state.longterm_thread, state.longterm_query, state.longterm_key = thread, "", ""
    for name in ("longterm_kind", "longterm_place", "longterm_tab", "longterm_importance", "longterm_since"):
        state.pop(name, None)
    st.switch_page("pages/longterm.py")


@st.fragment(run_every=EVERY)
def _waits(chat: Chat, covered: int, length: int) -> None:
    assert chat.thread
    talk = chat.conversation(chat.thread.id)
    try:
        # It was drawn as it was then; another process may have taken turns in, too.
        if talk.opened().state.covered != covered:
            st.rerun(scope="app")
        reflection.opened(talk, covered, length)
    except InspectorError:
        return  # the page says by itself that the store is away
    left = reflection.waiting(chat.user, chat.thread.id)
    turns = plural(length - covered, "turn")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="chat_reflection"):
        if left == 0.0:
            st.caption(f":material/psychology: Reflecting on {turns} …")
            return
        soon = f"Waiting until the conversation has rested: reflection on {turns} in {math.ceil(left or 0)} s"
        st.caption(f":material/psychology: {soon}", width="content")
        if st.button("Reflect now", type="tertiary", icon=":material/bolt:", key="chat_reflect_now"):
            reflection.rested(talk, 0.0)
            st.rerun(scope="fragment")
