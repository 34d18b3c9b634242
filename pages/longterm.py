"""Long-term memory: what is remembered of a user across conversations, to be searched, changed and taken back."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from memory.errors import InspectorError, StoreUnavailable
from pages.ui import (
    chat_state,
    longterm_browser,
    longterm_graph,
    longterm_prompts,
    longterm_store,
    longterm_upkeep,
    watch,
)
from pages.ui.chat_state import Chat
from pages.ui.forget import forget_dialog
from pages.ui.identity import owner_id
from pages.ui.longterm_store import View
from pages.ui.receipt import draw_receipt
from pages.ui.security import inert

TABS: dict[str, Callable[[Chat, View], None]] = {
    "What is remembered": longterm_browser.draw,
    "Instructions": longterm_prompts.draw,
    "Graph": longterm_graph.draw,
    "Maintenance": longterm_upkeep.draw,
}

user = owner_id().id
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
    st.title("Long-term memory", width="content")
    first = next(iter(TABS))
    tab = st.segmented_control(
        "What of it",
        TABS,
        default=None if "longterm_tab" in st.session_state else first,
        required=True,
        key="longterm_tab",
        label_visibility="collapsed",
        wrap=True,
        persist_state="session",
    )
outage: StoreUnavailable | None = None
try:
    chat = chat_state.current(user)
    view = longterm_store.opened(chat)
except StoreUnavailable as error:
    outage = error
    watch.banner(error)
if outage is None:
    try:
        if chat.temporary:
            told = "You are in a temporary chat: this is what it remembers, and it ends with it."
            st.info(told, icon=":material/timer:")
        draw_receipt()
        TABS[tab or first](chat, view)
        forget_dialog(chat)
    except StoreUnavailable:
        raise  # it is drawn again as a whole
    except InspectorError as error:
        st.error(inert(str(error)), icon=":material/error:")
watch.store(away=outage is not None)
