"""What the controls of the settings show and what is stored of them, brought together in every run of the page.

keep(store, user, Preferences.load(store, user))    # before the controls are drawn

A control that was changed by hand is saved, alone: what another tab changed meanwhile stays and is shown here too.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from memory.errors import InspectorError
from memory.preferences import Preferences
from memory.store import Store

FIELDS = ("model", "memory_model", "price_as", "instructions", "budget", "organisation", "application")


def keep(kept: Store | None, user: str, loaded: Preferences) -> None:
    """Save what was changed by hand, or show what is stored; while the store is away, changes wait where they are."""
    state = st.session_state
    if any(_widget(field) not in state for field in FIELDS):
        _draw_from(loaded)
    elif not (changed := _changes()):
        # Set only when needed: a control that is set loses what is being typed into it.
        if loaded != state.settings_drawn:
            _draw_from(loaded)
    elif kept:
        try:
            saved = loaded.but(**changed)
            saved.save(kept, user)
            _draw_from(saved)
            state.settings_said = "Saved."
        except InspectorError as error:
            state.settings_wrong = str(error)


def _widget(field: str) -> str:
    return f"settings_{field}"


def _draw_from(preferences: Preferences) -> None:
    """Make the controls show these preferences from the next time they are drawn."""
    st.session_state.settings_drawn = preferences
    for field in FIELDS:
        st.session_state[_widget(field)] = getattr(preferences, field)


def _changes() -> dict[str, Any]:
    """What was changed by hand since the controls were filled: only that is saved, whatever another tab does."""
    values = {field: st.session_state[_widget(field)] for field in FIELDS}
    return {
        field: value
        for field, value in values.items()
        if value != getattr(st.session_state.settings_drawn, field) and (value is not None or field == "budget")
    }
