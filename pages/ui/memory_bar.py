"""The bar above the message box: which memory reads this conversation, with its settings, switched at once."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import streamlit as st
from pydantic.fields import FieldInfo

from memory import catalog
from memory.base import Memory
from memory.conversation import BLOCK, Conversation, Estimate
from memory.errors import BadInput, InspectorError
from memory.money.prices import dollars
from memory.switch import Switch
from memory.trace import Trace
from memory.worker import Job
from pages.ui import controls, steps
from pages.ui.answering import unsaved
from pages.ui.chat_state import Chat
from pages.ui.security import inert, inert_label
from pages.ui.words import escaped, model_name, plural

BESIDE = 2
"""How many settings stand in the bar; of more the first one does, so that a phone keeps its room."""
AT_ONCE = 1.0
"""Seconds that a switch may take before its progress is shown."""


def memory_bar(chat: Chat, busy: bool, jobs: Sequence[Job] = (), last: Trace | None = None) -> None:
    """Draw the selector, the settings and the switch of step mode, which the `jobs` on their way obey.

    A change switches the memory, or asks first where that calls a model. `last` is the trace of the newest turn.
    """
    _come_back(chat)
    _switching(chat)
    _question(chat)
    if last and last.kind == "import" and not busy:
        _imported(chat, last)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover(f"Memory: {inert_label(chat.memory.label)}", icon=":material/memory:", disabled=busy):
            _selector(chat)
        _settings(chat, busy)
        steps.switch(jobs)
    if refused := st.session_state.pop("chat_refused", None):
        st.caption(f":red[:material/error:] {inert(refused)}")
        st.session_state.chat_seen.loud = True


def _selector(chat: Chat) -> None:
    known = catalog.load()
    # The browser would go on to show what was chosen and then not wanted; under another name it begins anew.
    kept = st.session_state.get("chat_kept", 0)
    chosen = pick(chat.memory.family, chat.memory.name, "chat", f"{chat.memory.name}_{kept}")
    for broken in known.broken:
        st.caption(f":red[Not loaded:] {inert(broken.file)}: {inert(broken.error)}")
    if chosen and chosen != chat.memory.name:
        _request(chat, known.make(chosen, {}))


def pick(family: str, name: str | None, page: str, kept: str) -> str | None:
    """Draw the families and the memories of the one that is chosen; return the memory that is chosen.

    `family` and `name` are chosen at first; `page` begins the session keys and `kept` ends them: under another the
    choice begins anew.
    """
    known = catalog.load()
    families = list(dict.fromkeys(cls.family for cls in known.memories.values()))
    chosen = st.pills(
        "Family",
        families,
        default=family,
        format_func=str.capitalize,
        required=True,
        key=f"{page}_family_{kept}",
    )
    members = [cls for cls in known.memories.values() if cls.family == chosen]
    names = [cls.__name__ for cls in members]
    return st.radio(
        "Memory",
        names,
        index=names.index(name) if name in names else None,
        format_func=lambda one: inert_label(known.memories[one].label),
        captions=[inert_label(f"keeps {cls.keeps}; forgets {cls.forgets}; costs {cls.costs}") for cls in members],
        label_visibility="collapsed",
        key=f"{page}_choice_{kept}_{chosen}",
    )


def _settings(chat: Chat, busy: bool) -> None:
    """Draw the settings; where there are many, those after the first wait behind a button."""
    fields = list(type(chat.memory.settings).model_fields.items())
    beside = len(fields) if len(fields) <= BESIDE else BESIDE - 1
    for name, field in fields[:beside]:
        with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", width="content", wrap=False):
            _control(chat, name, field, busy)
    if fields[beside:]:
        with st.popover("More", icon=":material/tune:", disabled=busy, help="The other settings of this memory"):
            for name, field in fields[beside:]:
                _control(chat, name, field, busy, roomy=True)


def _control(chat: Chat, name: str, field: FieldInfo, busy: bool, roomy: bool = False) -> None:
    value, kind = getattr(chat.memory.settings, name), controls.kind_of(field)
    key = f"chat_setting_{chat.memory.name}_{name}"
    state = st.session_state
    if key not in state or state.get(f"{key}_drawn", ...) != value:
        # The setting changed by another way than this control: a switch, another thread, another tab.
        state[key] = controls.shown(value, kind)
        state[f"{key}_drawn"] = value
    new = controls.draw(name, kind, value, key, field.description, busy, roomy)
    if new == value or busy:
        return
    try:
        memory = catalog.load().make(chat.memory.name, {**chat.memory.settings.model_dump(), name: new})
    except BadInput as error:
        said = str(error).replace("Value error, ", "").removeprefix(f"{chat.memory.name}: {name}: ")
        st.session_state.chat_refused = f"{said[:1].upper()}{said[1:].rstrip('.')}. The setting stays as it was."
        return
    _request(chat, memory)


def _request(chat: Chat, memory: Memory) -> None:
    """Switch at once, or ask first where the new memory must call its model for the turns it has not seen."""
    try:
        _prepare(chat, memory)
    except InspectorError as error:
        # A plug-in's own mistake: the memory that was there stays.
        st.session_state.chat_notice = str(error)
        _forget_controls()
        st.rerun()


def _prepare(chat: Chat, memory: Memory) -> None:
    if chat.thread and memory.stateful:
        conversation = chat.conversation(chat.thread.id, memory)
        estimate = conversation.estimate()
        if estimate.cost != 0:
            asked = st.session_state.get("chat_switch")
            if not asked or asked[0].key != memory.key:
                st.session_state.chat_switch = (memory, estimate)
                st.rerun()
            return
        _take_in(conversation, estimate)
    st.session_state.pop("chat_switch", None)
    chat.use(memory)
    st.rerun()


def _take_in(conversation: Conversation, estimate: Estimate) -> None:
    """Take in what costs nothing, as vectors by a model of this computer; what takes long goes on in the background."""
    expected = max(estimate.calls, math.ceil(estimate.turns / BLOCK)) if estimate.calls else 0
    switch = Switch(conversation, expected)
    switch.join(AT_ONCE)
    if not switch.done:
        st.session_state.chat_switching = switch
    elif switch.error:
        raise switch.error
    elif switch.errors:
        st.session_state.chat_notice = _not_all(switch)


def _come_back(chat: Chat) -> None:
    """Make again what a thread that was restored or kept has lost, where that costs nothing."""
    if st.session_state.pop("chat_came_back", None) and chat.thread and chat.memory.retrieves:
        conversation = chat.conversation(chat.thread.id)
        try:
            estimate = conversation.estimate()
            if estimate.calls and estimate.cost == 0:
                _take_in(conversation, estimate)
        except InspectorError:
            pass  # the next turn does it


def _question(chat: Chat) -> None:
    if not (asked := st.session_state.get("chat_switch")) or not chat.thread:
        return
    memory, estimate = asked
    same = memory.name == chat.memory.name
    unseen = "with this setting has not seen" if same else "has not seen"
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="chat_switch_question"):
        st.markdown(f"**{inert(memory.label)}** {unseen} {estimate.turns:,} of these turns. {_calls(chat, estimate)}")
        if st.button("Change it" if same else "Switch", icon=":material/check:"):
            st.session_state.pop("chat_switch")
            st.session_state.chat_switching = Switch(chat.conversation(chat.thread.id, memory), estimate.calls)
            chat.use(memory)
            st.rerun()
        if st.button("Keep the setting" if same else f"Keep {inert_label(chat.memory.label)}", type="tertiary"):
            st.session_state.pop("chat_switch")
            _forget_controls()
            st.rerun()


def _imported(chat: Chat, last: Trace) -> None:
    """Say what the next message costs beside its answer, where the memory takes in turns that came from a file."""
    state = st.session_state
    if not chat.thread or not chat.memory.stateful or "chat_switch" in state:
        return
    conversation = chat.conversation(chat.thread.id)
    known = (chat.thread.id, conversation.key, last.turn, chat.models())
    if state.get("chat_unseen", ("",))[0] != known:
        try:
            with st.spinner("Working out what it costs to take these turns in"):
                state.chat_unseen = (known, conversation.estimate())
        except InspectorError:
            return  # the turn itself says what is wrong
    estimate: Estimate = state.chat_unseen[1]
    if not estimate.calls or estimate.cost == 0:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="chat_imported_question"):
        st.markdown(
            f"**{inert(chat.memory.label)}** has not seen {estimate.turns:,} of these turns; with your next message it "
            f"takes them in. {_calls(chat, estimate)} Another memory may need none: choose one below."
        )
        if st.button("Take them in now", icon=":material/check:"):
            state.pop("chat_unseen")
            state.chat_switching = Switch(conversation, estimate.calls)
            st.rerun()


def _calls(chat: Chat, estimate: Estimate) -> str:
    """Say what taking turns in asks of the memory's model, and what that costs."""
    models = chat.models()
    named = model_name(models.priced_as(models.memory_name))
    cost = escaped(dollars(estimate.cost) + (f" as {named}" if models.memory_name == "demo" else ""))
    return (
        f"Taking them in calls its model about {plural(estimate.calls, 'time')}: "
        f"about {estimate.tokens:,} tokens in, {cost}."
    )


def _switching(chat: Chat) -> None:
    """Show how far a switch is; it goes on in the background whatever the page does."""
    switch: Switch | None = st.session_state.get("chat_switching")
    if switch is None:
        return
    place = st.empty()
    while not switch.done:
        share = min(1.0, switch.calls / max(1, switch.expected))
        label = switch.conversation.memory.label
        far = f": step {switch.calls} of about {switch.expected:,}" if switch.expected else " …"
        if switch.trouble:
            place.warning(unsaved(switch.trouble), icon=":material/cloud_off:")
        else:
            place.progress(share, f"{inert_label(label)} takes the earlier turns in{far}")
        time.sleep(0.1)
    place.empty()
    st.session_state.pop("chat_switching")
    if switch.errors:
        st.session_state.chat_notice = _not_all(switch)
    st.rerun()


def _not_all(switch: Switch) -> str:
    return f"Not everything was taken in: {switch.errors[0]} What was done is kept; the next turn goes on from there."


def _forget_controls() -> None:
    st.session_state.chat_kept = st.session_state.get("chat_kept", 0) + 1
    for key in [key for key in st.session_state if str(key).startswith("chat_setting_")]:
        del st.session_state[key]
