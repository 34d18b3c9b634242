"""What a page no longer draws is forgotten, so that a visit of many turns takes no more memory than one of few.

    gone_widgets.free()          # once, in the server's process, before the first visit

Streamlit 1.67 forgets the values of widgets that are gone, but keeps what it knows of each that a visit ever had, with
all that is to be called when it changes: several buttons and a slider for every turn, until the browser is closed.
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.state.session_state import WStates, _is_stale_widget

FREED = ("trigger_value", "double_array_value")
"""Buttons and sliders of numbers or dates, of which a chat draws new ones with each turn. Not all parts of a component
count as drawn, so those are left alone."""


def free() -> None:
    """Have a run that came to its end forget the buttons and sliders whose values Streamlit forgets then."""
    remove = WStates.remove_stale_widgets
    if hasattr(remove, "__wrapped__"):
        return

    @wraps(remove)
    def remove_stale_widgets(self: WStates, active: frozenset[str], fragments: list[str] | None) -> None:
        remove(self, active, fragments)
        known = self.widget_metadata
        gone = [id for id, one in known.items() if one.value_type in FREED and _is_stale_widget(one, active, fragments)]
        for id in gone:
            del known[id]

    WStates.remove_stale_widgets = remove_stale_widgets  # type: ignore[method-assign]
