"""The tab Maintenance of the page Long-term memory: a pass with its price, what it proposes, and its log with undo.

longterm_upkeep.draw(chat, view)

Session keys: `longterm_price` (what asking the model would cost, for which items) and `longterm_logged` (how many
entries are drawn).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from memory.conversation import Estimate
from memory.errors import InspectorError
from memory.longterm.facts import Fact
from memory.longterm.maintenance import MOST, Kind, Step
from memory.longterm.maintenance_log import Entry, accept, entries, keep, undo
from memory.money.prices import dollars
from memory.upkeep import Done, Upkeep
from pages.ui import connections, longterm_items
from pages.ui.chat_state import Chat
from pages.ui.longterm_sources import when
from pages.ui.longterm_store import View
from pages.ui.note_actions import FORGET, Target, open_dialog
from pages.ui.words import badge, escaped, literal, model_name, plural

AT_ONCE = 20
"""Entries drawn at first and added by a click."""
LONGEST = 400
"""Characters of a fact that are drawn."""
DID: dict[Kind, tuple[str, str]] = {
    "merge": ("blue", "merged"),
    "resolve": ("violet", "contradiction resolved"),
    "lower": ("gray", "lowered"),
    "propose": ("orange", "proposed to be forgotten"),
    "forget": ("orange", "deleted"),
}
BY_ITSELF = {
    "off": "Off",
    "rules": "Once a day, by rules that cost nothing",
    "model": "Once a day, with the memory's model",
}


def draw(chat: Chat, view: View) -> None:
    """Draw the tab."""
    longterm_items.notices(view)
    seen, rows = view.items.snapshot()
    log = entries(rows)
    made = Upkeep(view.store, view.user, chat.models(), chat.retrieval())
    st.markdown(
        "Keeps what is remembered in order: what is there twice becomes one, of two that contradict each other the "
        "newer holds and the older becomes its history, and what is never recalled weighs less until it is proposed "
        "to be forgotten. Each step stands in the log below and can be undone."
    )
    st.caption(
        "Only single facts are merged. A profile and instructions are one document each, which every conversation "
        "updates by itself; an episode tells of one time, and a second like it is a second example; what goes by "
        "itself after some days is left to go."
    )
    if not view.rows():
        st.caption("Nothing is remembered yet, so there is nothing to keep in order.")
    else:
        _pass(chat, made, seen)
    _by_itself(chat)
    proposed = [entry for entry in log if entry.state == "proposed"]
    if proposed:
        st.subheader(f"Might be forgotten ({len(proposed):,})", anchor=False)
        for entry in proposed[:AT_ONCE]:
            with st.container(border=True, gap="xsmall", key=f"longterm_proposed_{entry.id}"):
                _proposal(view, entry)
    _log(view, [entry for entry in log if entry.state != "proposed"])


# --- a pass -----------------------------------------------------------------------------------------------------------


def _pass(chat: Chat, made: Upkeep, seen: int) -> None:
    estimate = _estimate(made, seen)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if estimate.calls:
            label, told = "Run with the model", _price(chat, estimate)
            asked = st.button(label, icon=":material/cleaning_services:", key="longterm_run_model")
            ruled = st.button("Run the rules alone, at no cost", icon=":material/rule:", key="longterm_run_rules")
        else:
            asked, told = False, "Nothing is new since the memory's model looked last: the rules alone do what is left."
            ruled = st.button("Run", icon=":material/cleaning_services:", key="longterm_run_rules")
    st.caption(told)
    if asked or ruled:
        _run(made, asked)
    if last := made.last():
        st.caption(f"The last pass: {when(last.at)}, {_did(last)}.")


def _estimate(made: Upkeep, seen: int) -> Estimate:
    """Price asking the model once for what there is now."""
    state, name = st.session_state, (made.user, seen, made.models)
    if state.get("longterm_price", (None,))[0] != name:
        state.longterm_price = (name, made.estimate())
    found: Estimate = state.longterm_price[1]
    return found


def _price(chat: Chat, estimate: Estimate) -> str:
    models = chat.models()
    priced = models.priced_as(models.memory_name)
    named = f" as {model_name(priced)}" if priced != models.memory_name else ""
    cost = "cost unknown" if estimate.cost is None else f"≈ {dollars(estimate.cost)}{named}"
    return (
        f"{plural(estimate.turns, 'fact')} new to the memory's model, which also finds what is said in other words: "
        f"{plural(estimate.calls, 'call')}, ≈ {plural(estimate.tokens, 'token')} in, {escaped(cost)}."
    )


def _run(made: Upkeep, asked: bool) -> None:
    state = st.session_state
    try:
        with st.spinner("The memory's model looks through what is new" if asked else "Looking through what there is"):
            done = made.run(asked)
    except InspectorError as error:
        state.longterm_notice = str(error)
        st.rerun()
    if done is None:
        state.longterm_notice = "Another tab or process does it just now: its log appears here when it is done."
        st.rerun()
    if done.errors:
        state.longterm_notice = " ".join(done.errors)
    more = " There is more to do: run it again." if done.actions >= MOST or done.left else ""
    found = f"{plural(done.actions, 'thing')} done or proposed; see the log." if done.actions else "All is in order."
    state.longterm_told = found + more
    st.rerun()


def _did(last: Done) -> str:
    found = plural(last.actions, "action")
    if not last.asked:
        return f"{found}, by rules alone"
    named = f" as {model_name(last.priced_as)}" if last.priced_as else ""
    spent = escaped("cost unknown" if last.cost is None else f"≈ {dollars(last.cost)}{named}")
    return f"{found}, {plural(last.calls, 'call')} of the memory's model, {plural(last.tokens, 'token')} in, {spent}"


def _by_itself(chat: Chat) -> None:
    chosen = st.selectbox(
        "By itself, when you have been silent for a minute",
        list(BY_ITSELF),
        index=list(BY_ITSELF).index(chat.preferences.maintenance),
        format_func=BY_ITSELF.__getitem__,
        key=f"longterm_by_itself_{chat.preferences.maintenance}",
        disabled=chat.temporary,
        help="After a turn whose memory remembers across conversations, in whichever of them, once for all tabs.",
        width=340,
    )
    if chosen != chat.preferences.maintenance:
        chat.preferences.but(maintenance=chosen).save(connections.store(), chat.user)
        st.rerun()


# --- what is proposed -------------------------------------------------------------------------------------------------


def _proposal(view: View, entry: Entry) -> None:
    st.text(_told(entry.steps[0].before))
    st.caption(entry.why)
    with st.container(horizontal=True, gap="small"):
        if st.button("Keep it", icon=":material/check:", key=f"longterm_keep_{entry.id}"):
            _decide(lambda: keep(view.items, entry.id, time.time()), "It stays.")
        if st.button("Delete", icon=":material/delete:", key=f"longterm_accept_{entry.id}", help="Can be undone below"):
            _decide(lambda: accept(view.items, entry.id, time.time()), "Deleted: the log below can undo it.")
        if st.button(
            "Forget…",
            icon=":material/ink_eraser:",
            type="tertiary",
            key=f"longterm_drop_{entry.id}",
            help="For good, with its versions, its vectors and the copies of it in prompts; see first what goes",
        ):
            open_dialog(FORGET, Target("", item=entry.steps[0].key))


def _decide(how: Callable[[], object], told: str) -> None:
    try:
        how()
        st.session_state.longterm_told = told
    except InspectorError as error:
        st.session_state.longterm_notice = str(error)
    st.rerun()


# --- the log ----------------------------------------------------------------------------------------------------------


def _log(view: View, log: Sequence[Entry]) -> None:
    st.subheader(f"Log ({len(log):,})" if log else "Log", anchor=False)
    if not log:
        st.caption("Nothing was done yet.")
        return
    state = st.session_state
    shown = state.get("longterm_logged", AT_ONCE)
    for entry in log[:shown]:
        with st.container(border=True, gap="xsmall", key=f"longterm_entry_{entry.id}"):
            _entry(view, entry)
    if len(log) > shown and st.button(f"Show {min(AT_ONCE, len(log) - shown):,} more", key="longterm_log_more"):
        state.longterm_logged = shown + AT_ONCE
        st.rerun()


def _entry(view: View, entry: Entry) -> None:
    colour, did = DID[entry.kind]
    states = {"undone": badge("gray", "undone"), "kept": badge("green", "you keep it")}
    st.markdown(f"{badge(colour, did)} {states.get(entry.state, '')} :small[{when(entry.at)}]")
    first = entry.steps[0]
    if entry.kind in ("merge", "resolve"):
        _joined(entry.kind, entry.steps)
    else:
        st.text(_told(first.before))
    st.caption(entry.why)
    if entry.state == "done" and st.button(
        "Undo", icon=":material/undo:", type="tertiary", key=f"longterm_undo_{entry.id}"
    ):
        _decide(lambda: undo(view.items, entry.id, time.time()), "Undone: all is as it was before.")


def _joined(kind: Kind, steps: Sequence[Step]) -> None:
    """Draw what is left of two facts, and what they were."""
    left = _told(steps[0].after)
    st.text(left)
    for told in dict.fromkeys(told for step in steps if (told := _told(step.before)) != left):
        st.markdown(f"{'Superseded' if kind == 'resolve' else 'Was also'}: ~~{literal(told)}~~")


def _told(value: Mapping[str, Any] | None) -> str:
    """Write what an item says, on one line."""
    content = dict(value.get("content") or {}) if value else {}
    said = " ".join(Fact("", (), "", content).text.split())
    return said if len(said) <= LONGEST else f"{said[:LONGEST].rstrip()} …"
