"""Lessons: every memory learned by watching it, beside a real conversation."""

from __future__ import annotations

import streamlit as st

from memory.errors import BadInput, InspectorError, StoreUnavailable
from pages.ui import watch
from pages.ui.identity import owner_id
from pages.ui.lessons import page, state
from pages.ui.lessons.overview import overview
from pages.ui.security import inert

user = owner_id().id
try:
    try:
        state.follow_link()
    except BadInput as error:
        st.error(inert(str(error)), icon=":material/link_off:")
    at = state.opened(user)
    state.write_address(at)
    away = False
    if at:
        page.draw(at, user)
    else:
        away = not overview(user)
    watch.store(away)
except StoreUnavailable:
    raise  # it is drawn again as a whole
except InspectorError as error:
    st.error(inert(str(error)), icon=":material/error:")
    if st.button("All lessons", icon=":material/arrow_back:", key="lessons_back"):
        state.open_lesson("")
        st.rerun()
