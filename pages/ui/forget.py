"""The dialog in which something is forgotten: what is removed, where else it stands, what rebuilding costs.

with st.sidebar:
    forget_dialog(chat)
"""

from __future__ import annotations

import streamlit as st

from memory import forgetting, worker
from memory.conversation import Conversation, Estimate
from memory.errors import InspectorError
from memory.forgetting import Place, Plan, Receipt
from memory.money.prices import dollars
from memory.switch import Switch
from memory.tokens import BUILT_IN
from pages.ui.chat_state import Chat
from pages.ui.compare import replay_draft
from pages.ui.note_actions import FORGET, Target
from pages.ui.receipt import keep_receipt
from pages.ui.security import inert
from pages.ui.words import escaped, label_of, literal, model_name, plural

MOST_PLACES = 30
"""How many places that repeat it are offered at once, those that repeat most."""
EXCERPT = 90
"""Characters of a turn that say which one it is."""
AT_ONCE = 0.3
"""Seconds that a rebuilding may take before its progress is shown."""


def forget_dialog(chat: Chat) -> None:
    """Draw the dialog while something is to be forgotten."""
    target: Target | None = st.session_state.get(FORGET)
    if target is not None and target.item:
        _item_dialog(chat, target)
    elif target is None or not chat.thread or target.thread != chat.thread.id:
        _close()
    elif target.index is not None:
        _turn_dialog(chat, target)
    else:
        _note_dialog(chat, target)


def _close() -> None:
    for name in (FORGET, "forget_plan"):
        st.session_state.pop(name, None)


@st.dialog("Forget a turn", width="medium", icon=":material/ink_eraser:", on_dismiss=_close)
def _turn_dialog(chat: Chat, target: Target) -> None:
    _body(chat, target)


@st.dialog("Forget a note", width="medium", icon=":material/ink_eraser:", on_dismiss=_close)
def _note_dialog(chat: Chat, target: Target) -> None:
    _body(chat, target)


@st.dialog("Forget what is remembered", width="medium", icon=":material/ink_eraser:", on_dismiss=_close)
def _item_dialog(chat: Chat, target: Target) -> None:
    _body(chat, target)


def _body(chat: Chat, target: Target) -> None:
    try:
        plan, price = _planned(chat, target)
        include = _offer(chat, target, plan, price)
        _buttons(chat, target, include, price)
    except InspectorError as error:
        st.markdown(f":red[:material/error:] {inert(str(error))}")


def _planned(chat: Chat, target: Target) -> tuple[Plan, Estimate | None]:
    """Return the plan, worked out once for each opening, and what rebuilding the memory in use costs."""
    kept = st.session_state.get("forget_plan")
    if kept is None or kept[0] != target:
        with st.spinner("Looking where it stands"):
            kept = (target, _plan(chat, target), _price(chat, target))
        st.session_state["forget_plan"] = kept
    return kept[1], kept[2]


def _plan(chat: Chat, target: Target) -> Plan:
    if target.index is not None:
        return forgetting.plan_turn(chat.store, chat.user, target.thread, target.index)
    if target.item:
        return forgetting.plan_item(chat.store, chat.user, target.item)
    if target.fact:
        return forgetting.plan_fact(chat.store, chat.user, target.memory, target.fact)
    return forgetting.plan_note(chat.store, chat.user, target.thread, target.key, target.note)


def _price(chat: Chat, target: Target) -> Estimate | None:
    if target.index is None:
        return None
    return forgetting.price(chat.conversation(target.thread), target.index)


def _offer(chat: Chat, target: Target, plan: Plan, price: Estimate | None) -> list[str]:
    """Show what is removed and what rebuilding costs; return the places that are ticked to go as well."""
    if plan.turn is not None:
        said = " ".join(plan.turn.human.split()) or "It has no message."
        st.markdown(f"**Turn {plan.turn.index + 1:,}**")
        st.text(said if len(said) <= EXCERPT else f"{said[:EXCERPT].rstrip()} …")
    if not plan.there:
        st.markdown("It is forgotten already.")
    else:
        removed = ", ".join(f"{place} ({count:,})" for place, count in plan.there.items())
        st.markdown(f"Removed for good: {inert(removed)}, and its vectors where there are any.")
        st.caption(
            "Then the files are written anew and searched for its words, and you get a receipt. It cannot be undone."
        )
    if plan.edits:
        st.markdown(f"**{plural(len(plan.edits), 'edit')} of yours will go with it:**")
        with st.container(gap="xsmall"):
            for edit in plan.edits[:MOST_PLACES]:
                st.markdown(literal(edit.why))
                st.text(edit.excerpt)
    if price is not None:
        st.markdown(_priced(chat, price))
    if not plan.places:
        st.markdown("It is repeated nowhere else.")
        return []
    st.markdown(f"**It is repeated in {plural(len(plan.places), 'other place')}.** Tick what is to go as well:")
    shown = plan.places[:MOST_PLACES]
    with st.container(height=260 if len(shown) > 4 else "content", border=len(shown) > 4, gap="xsmall"):
        ticked = [place.id for number, place in enumerate(shown) if _tick(place, number)]
    if len(plan.places) > len(shown):
        st.caption(f"{plural(len(plan.places) - len(shown), 'more place')} that repeat less of it are not listed.")
    return ticked


def _tick(place: Place, number: int) -> bool:
    with st.container(gap=None):
        what = f"{place.what[:1].upper()}{place.what[1:]}"
        ticked = st.checkbox(literal(what), key=f"forget_place_{number}")
        st.text(place.excerpt)
    return ticked


def _priced(chat: Chat, price: Estimate) -> str:
    """Say what the memory in use takes in again, and what that costs."""
    label = escaped(label_of(chat.memory.name))
    if not price.calls:
        return f"{label} has nothing to rebuild with a model."
    models = chat.models()
    named = model_name(models.priced_as(models.memory_name))
    cost = escaped(dollars(price.cost) + (f" as {named}" if models.memory_name in BUILT_IN else ""))
    told = f"Rebuilding: {label} takes {plural(price.turns, 'turn')} in again, about "
    told += f"{plural(price.calls, 'call')} of its model with {price.tokens:,} tokens in, {cost}."
    return f"{told} Other memories do so when you switch to them."


def _buttons(chat: Chat, target: Target, include: list[str], price: Estimate | None) -> None:
    busy = bool(worker.running(chat.user, target.thread))
    if busy:
        st.caption("An answer is on its way, and could repeat it: wait until it has come.")
    with st.container(horizontal=True):
        more = f" and {plural(len(include), 'place')}" if include else ""
        forget = st.button(f"Forget it{more}", icon=":material/ink_eraser:", disabled=busy)
        if st.button("Keep it", type="tertiary"):
            _close()
            st.rerun()
    if forget:
        with st.spinner("Removing it, writing the files anew, looking through every one"):
            receipt = _forget(chat, target, include)
            told = _rebuild(chat.conversation(target.thread), price) if price else ""
        # A conversation that was taken to be replayed holds it as well.
        replay_draft.let_go(draft=True)
        keep_receipt(receipt, told)
        _close()
        st.rerun()


def _forget(chat: Chat, target: Target, include: list[str]) -> Receipt:
    store, retrieval, user = chat.store, chat.retrieval(), chat.user
    if target.index is not None:
        return forgetting.forget_turn(store, retrieval, user, target.thread, target.index, include)
    if target.item:
        return forgetting.forget_item(store, retrieval, user, target.item, include)
    if target.fact:
        return forgetting.forget_fact(store, retrieval, user, target.memory, target.fact, include)
    return forgetting.forget_note(store, retrieval, user, target.thread, target.key, target.note, include)


def _rebuild(talk: Conversation, price: Estimate | None) -> str:
    """Have the memory take the later turns in again; what takes long goes on in the background."""
    if price is None or not talk.memory.stateful:
        return ""
    switch = Switch(talk, price.calls)
    switch.join(AT_ONCE)
    if not switch.done:
        st.session_state.chat_switching = switch
        return ""
    return f"Not everything was taken in again: {switch.errors[0]}" if switch.errors else ""
