"""The live comparisons that this browser keeps: begun, opened, renamed, linked, and deleted with a way back."""

from __future__ import annotations

import time
from dataclasses import replace

import streamlit as st

from memory import catalog
from memory.compare.experiment import MOST_COLUMNS
from memory.compare.keeping import TITLE
from memory.compare.link import to_query
from memory.compare.live import Live
from memory.errors import BadInput, InspectorError
from pages.ui.compare import live_column, live_state
from pages.ui.compare.replay_run import PARAMETER, typed
from pages.ui.memory_bar import pick
from pages.ui.security import inert, inert_label
from pages.ui.words import plural


def buttons(live: Live, busy: bool) -> None:
    """Draw what can be done with the whole comparison, in the row of the page's title."""
    opened, count = st.session_state.get("compare_live_opened", 0), len(live.columns)
    with st.popover(
        "Add a memory",
        icon=":material/add:",
        disabled=busy or count >= MOST_COLUMNS,
        help=f"At most {MOST_COLUMNS} stand side by side" if count >= MOST_COLUMNS else None,
        key=f"compare_live_adding_{live.experiment.id}_{count}_{opened}",
    ):
        family = next(iter(catalog.load().memories.values())).family
        if name := pick(family, None, "compare_live_add", f"{live.experiment.id}_{count}_{opened}"):
            live_column.add(live, name)
    menu = st.popover(
        "Comparisons",
        icon=":material/view_column:",
        disabled=busy,
        key=f"compare_live_list_{opened}",
        on_change="rerun",
    )
    if not menu.open or busy:
        return
    with menu:
        if st.button("New comparison", icon=":material/add:", key="compare_live_new"):
            live_state.go_to("")
            st.rerun()
        try:
            if live.experiment.id:
                _this(live)
            _others(live)
        except InspectorError as error:
            st.markdown(f":red[:material/error:] {inert(str(error))}")


def _this(live: Live) -> None:
    experiment = live.experiment
    key = f"compare_live_title_{experiment.id}_{experiment.title}"
    title = st.text_input("Title", experiment.title, max_chars=TITLE, key=key)
    if title.strip() and title.strip() != experiment.title:
        live.rename(title.strip())
        st.rerun()
    if st.button("Delete", icon=":material/delete:", key="compare_live_delete"):
        live.delete()
        live_state.go_to("")
        st.session_state.compare_live_deleted = (experiment.id, experiment.title)
        st.session_state.pop("compare_live")
        st.rerun()
    if st.button(
        "New with these columns",
        icon=":material/content_copy:",
        key="compare_live_same",
        help="The same memories, settings and models over an empty conversation",
    ):
        live_state.go_to("", tuple(replace(column, thread="") for column in live.columns))
        st.rerun()
    with st.expander("A link to these columns", type="compact", icon=":material/link:", key="compare_live_link"):
        try:
            address = (st.context.url or "").partition("?")[0]
            st.code(f"{address}?{PARAMETER}={to_query(experiment)}", language=None, wrap_lines=True)
            st.caption(
                "It holds memories, settings, models and prices: no word of the conversation, and no key."
                + typed(live.columns)
            )
        except BadInput as error:
            st.markdown(inert(str(error)))


def _others(live: Live) -> None:
    others = [one for one in live.experiments.listed() if one.kind == "live" and one.id != live.experiment.id]
    if others:
        st.caption(f"{plural(len(others), 'other live comparison')}")
    for one in others:
        when = time.strftime("%d %b", time.localtime(one.updated))
        if st.button(
            inert_label(f"{one.title} · {plural(len(one.columns), 'column')}, {when}"),
            key=f"compare_live_open_{one.id}",
            type="tertiary",
            icon=":material/view_column:",
        ):
            live_state.go_to(one.id)
            st.rerun()


def undo(live: Live) -> None:
    """Offer to undo the deletion that has just been made."""
    if not (deleted := st.session_state.get("compare_live_deleted")):
        return
    id, title = deleted
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="compare_live_undo_notice"):
        st.markdown(f"Deleted “{inert(title)}” with its conversations. It can be restored for ten minutes.")
        if st.button("Undo", icon=":material/undo:", key="compare_live_undo"):
            st.session_state.pop("compare_live_deleted")
            _restore(live, id)
            st.rerun()
        if st.button("Close", type="tertiary", key="compare_live_undo_close"):
            st.session_state.pop("compare_live_deleted")
            st.rerun()


def _restore(live: Live, id: str) -> None:
    try:
        gone = next((one for one in live.experiments.listed(deleted=True) if one.id == id), None)
        if gone is None or not replace(live, experiment=gone).restore():
            live_state.tell("It was deleted more than ten minutes ago and is gone.")
            return
        live_state.go_to(id)
    except InspectorError as error:
        live_state.tell(str(error))
