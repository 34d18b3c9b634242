"""The first tab of the page Long-term memory: what is remembered, to be searched, filtered, added to and changed."""

from __future__ import annotations

import streamlit as st

from pages.ui import longterm_forms, longterm_items, longterm_store
from pages.ui.chat_state import Chat
from pages.ui.longterm_store import View


def draw(chat: Chat, view: View) -> None:
    """Draw the namespaces and their items, or what to do where there are none."""
    rows = view.rows()
    longterm_items.notices(view)
    if not rows:
        longterm_forms.add_button()
        longterm_forms.draw_add(view, ())
        longterm_items.empty()
        return
    left, right = st.columns([1, 3], gap="medium")
    with left:
        place = longterm_store.tree(rows)
    with right:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            wanted = longterm_store.asked()
            longterm_forms.add_button()
        longterm_forms.draw_add(view, place)
        longterm_items.draw(view, longterm_store.chosen(view, rows, place, wanted))
