"""A column's memory, settings and model, changed in mid-conversation; columns are added, removed and brought back.

header(live, place, mark, busy, asked=True)     # the card's title with its menu
question(live); switching(); undo(live)         # what a change asks, how far it is, and the way back
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import streamlit as st

from memory import catalog
from memory.base import Memory
from memory.compare.experiment import LEAST_COLUMNS, Column
from memory.compare.live import Live
from memory.conversation import BLOCK, Estimate
from memory.errors import BadInput, InspectorError
from memory.money.prices import dollars
from memory.switch import Switch
from pages.ui import controls
from pages.ui.chat_state import open_thread
from pages.ui.compare import live_state
from pages.ui.compare.marks import Mark
from pages.ui.memory_bar import AT_ONCE, pick
from pages.ui.security import inert, inert_label
from pages.ui.settings_models import offered, trouble
from pages.ui.words import escaped, label_of, literal, model_name, plural

USUAL = "as in Settings"


@dataclass(frozen=True)
class Asked:
    """A change that calls a model for earlier turns, and what that costs; `place` is None for a new column."""

    place: int | None
    column: Column
    estimate: Estimate


def header(live: Live, place: int, mark: Mark, busy: bool, asked: bool) -> None:
    """Draw a card's title, and behind a button what can be done with the column."""
    slot = live_state.slot(live, place)
    look = {"horizontal": True, "vertical_alignment": "center", "horizontal_alignment": "distribute", "gap": "xsmall"}
    with st.container(**look, wrap=False):
        st.markdown(f"**{mark.letter} · {literal(mark.label)}** :gray[{literal(mark.setting)}]", width="stretch")
        menu = st.popover(
            f"Change {mark.letter}",
            icon=":material/tune:",
            type="tertiary",
            disabled=busy,
            help=f"Memory, settings and model of {mark.letter} {inert_label(mark.label)}",
            key=f"compare_live_menu_{slot}_{place}_{_opened()}",
            on_change="rerun",
        )
    # A control that is drawn while its menu is shut would show its least value when it opens.
    if menu.open and not busy:
        with menu:
            _menu(live, place, slot, asked)


def _menu(live: Live, place: int, slot: str, asked: bool) -> None:
    column = live.columns[place]
    try:
        memory = column.open()
    except BadInput as error:
        st.markdown(f":red[:material/error:] {inert(str(error))}")
        return
    _settings(live, place, memory, slot)
    _model(live, place, memory, slot)
    with st.expander("Another memory", type="compact", key=f"compare_live_other_{slot}_{memory.name}"):
        name = pick(memory.family, memory.name, "compare_live", f"{slot}_{memory.name}_{_opened()}")
        if name and name != memory.name:
            _request(live, place, catalog.load().make(name, {}), column.model)
    with st.container(horizontal=True):
        if asked and st.button(
            "Open in the chat",
            icon=":material/forum:",
            key=f"compare_live_chat_{slot}",
            help="A copy of this column's conversation becomes one of the chat's; the comparison stays whole",
        ):
            _into_chat(live, place)
        if len(live.columns) > LEAST_COLUMNS and st.button(
            "Remove", icon=":material/close:", key=f"compare_live_remove_{slot}"
        ):
            _remove(live, place)


def _settings(live: Live, place: int, memory: Memory, slot: str) -> None:
    state = st.session_state
    for name, field in type(memory.settings).model_fields.items():
        value, kind = getattr(memory.settings, name), controls.kind_of(field)
        key = f"compare_live_set_{slot}_{memory.name}_{_opened()}_{name}"
        if key not in state or state.get(f"{key}_drawn", ...) != value:
            # It changed by another way than this control: another tab, a column that took this one's place.
            state[key] = controls.shown(value, kind)
            state[f"{key}_drawn"] = value
        new = controls.draw(name, kind, value, key, field.description, False, roomy=True)
        if new == value:
            continue
        try:
            changed = catalog.load().make(memory.name, {**memory.settings.model_dump(), name: new})
        except BadInput as error:
            said = str(error).replace("Value error, ", "").removeprefix(f"{memory.name}: {name}: ")
            st.caption(f":red[:material/error:] {inert(said[:1].upper() + said[1:])} The setting stays as it was.")
            continue
        _request(live, place, changed, live.columns[place].model)


def _model(live: Live, place: int, memory: Memory, slot: str) -> None:
    """Let a model of the column's own answer in it."""
    now = live.columns[place].model
    usual = f"{USUAL}: {model_name(live.experiment.model)}"
    key = f"compare_live_model_{slot}_{now}_{_opened()}"
    options = list(dict.fromkeys([usual, *([now] if now else []), *offered()]))
    chosen = st.selectbox(
        "Model that answers here",
        options,
        index=options.index(now) if now else 0,
        key=key,
        accept_new_options=True,
        help="Choose one, or type provider:name, such as openai:llama3 for a server of your own.",
    )
    new = "" if not chosen or chosen == usual else chosen.strip()
    if new and (why := trouble(new)):
        st.caption(f":material/block: Not ready. {inert(why)}")
    if new != now:
        try:
            live.preferences.but(model=new or "demo")
        except BadInput as error:
            st.caption(f":red[:material/error:] {inert(str(error))}")
            return
        _request(live, place, memory, new)


# --- changes ----------------------------------------------------------------------------------------------------------


def _request(live: Live, place: int, memory: Memory, model: str) -> None:
    """Change a column at once, or ask first where its memory must call a model for turns that it has not seen."""
    thread = live.columns[place].thread
    column = Column.of(memory, model, thread)
    try:
        estimate = None
        if thread and memory.stateful and live.experiments.store.thread(live.experiments.user, thread):
            estimate = live.conversation(column).estimate()
        if estimate and estimate.calls and estimate.cost != 0:
            st.session_state.compare_live_ask = Asked(place, column, estimate)
            _close_menus()
        else:
            _change(live, Asked(place, column, estimate or Estimate(0, 0, 0, None)))
    except InspectorError as error:
        live_state.tell(str(error))
    st.rerun()


def add(live: Live, name: str) -> None:
    """Add a column of this memory, or ask first where taking the conversation in costs something."""
    column = Column(name)
    _close_menus()
    try:
        estimate = live.joining(column)
        if estimate and estimate.cost != 0:
            st.session_state.compare_live_ask = Asked(None, column, estimate)
        else:
            _change(live, Asked(None, column, estimate or Estimate(0, 0, 0, None)))
    except InspectorError as error:
        live_state.tell(str(error))
    st.rerun()


def _change(live: Live, asked: Asked) -> None:
    """Do it; what a memory has to take in for it goes on in the background."""
    if asked.place is None:
        live = live.add(asked.column)
        place = len(live.columns) - 1
    else:
        place = asked.place
        live = live.change(place, asked.column.open(), asked.column.model)
    live_state.use(live)
    column, estimate = live.columns[place], asked.estimate
    if estimate.calls:
        expected = max(estimate.calls, math.ceil(estimate.turns / BLOCK))
        switch = Switch(live.conversation(column), expected)
        switch.join(AT_ONCE)
        st.session_state.compare_live_switching = switch


def question(live: Live) -> None:
    """Say what a change costs before it is made."""
    asked: Asked | None = st.session_state.get("compare_live_ask")
    if asked is None:
        return
    models = live.speak(asked.column.model)
    built_in = f" as {model_name(models.priced_as(models.memory_name))}" if models.memory_name == "demo" else ""
    estimate = asked.estimate
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="compare_live_question"):
        st.markdown(
            f"**{literal(label_of(asked.column.memory))}** has not seen {plural(estimate.turns, 'turn')} of this "
            f"conversation. Taking them in calls its model about {plural(estimate.calls, 'time')}: about "
            f"{estimate.tokens:,} tokens in, {escaped(dollars(estimate.cost) + built_in)}."
        )
        if st.button("Add it" if asked.place is None else "Change it", icon=":material/check:", key="compare_live_yes"):
            st.session_state.pop("compare_live_ask")
            try:
                _change(live, asked)
            except InspectorError as error:
                live_state.tell(str(error))
            st.rerun()
        if st.button("Leave it as it is", type="tertiary", key="compare_live_no"):
            st.session_state.pop("compare_live_ask")
            st.rerun()


def _opened() -> int:
    """Number the menus and what stands in them: under another number they are shut and as they were."""
    return int(st.session_state.get("compare_live_opened", 0))


def _close_menus() -> None:
    """The browser would go on to show what was chosen and is only asked about yet."""
    st.session_state.compare_live_opened = _opened() + 1


def switching() -> None:
    """Show how far a memory is with the earlier turns; it goes on in the background whatever the page does."""
    switch: Switch | None = st.session_state.get("compare_live_switching")
    if switch is None:
        return
    place, label = st.empty(), inert_label(switch.conversation.memory.label)
    while not switch.done:
        share = min(1.0, switch.calls / max(1, switch.expected))
        place.progress(share, f"{label} takes the earlier turns in: step {switch.calls} of about {switch.expected:,}")
        time.sleep(0.1)
    st.session_state.pop("compare_live_switching")
    if switch.errors:
        live_state.tell(
            f"Not everything was taken in: {switch.errors[0]} What was done is kept; the next turn goes on from there."
        )
    st.rerun()


# --- removed, and into the chat ---------------------------------------------------------------------------------------


def _remove(live: Live, place: int) -> None:
    try:
        live_state.use(live.remove(place))
        st.session_state.compare_live_removed = (live.experiment.id, place, live.columns[place])
    except InspectorError as error:
        live_state.tell(str(error))
    st.rerun()


def undo(live: Live) -> None:
    """Offer to bring back the column that was just removed."""
    removed = st.session_state.get("compare_live_removed")
    if not removed or removed[0] != live.experiment.id:
        return
    _, place, column = removed
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="compare_live_removed_notice"):
        st.markdown(f"Removed the column {literal(label_of(column.memory))}.")
        if st.button("Undo", icon=":material/undo:", key="compare_live_put_back"):
            st.session_state.pop("compare_live_removed")
            try:
                live_state.use(live.put_back(place, column))
            except InspectorError as error:
                live_state.tell(str(error))
            st.rerun()
        if st.button("Close", type="tertiary", key="compare_live_removed_close"):
            st.session_state.pop("compare_live_removed")
            st.rerun()


def _into_chat(live: Live, place: int) -> None:
    try:
        thread = live.into_chat(place)
    except InspectorError as error:
        live_state.tell(str(error))
        st.rerun()
    open_thread(thread.id)
    st.switch_page("pages/chat.py")
