"""What a run no longer draws is forgotten, so that a visit of many turns takes no more memory than one of few.

    gone_widgets.free()          # once, in the server's process, before the first visit

Streamlit 1.67 keeps what it knows of every button that a visit ever had, with all that is to be called when it is
pressed: each turn's Stop would keep its answer, prompt and trace until the browser is closed, about 50 KB.
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.state.session_state import WStates


def free() -> None:
    """Have a run of the whole page that came to its end forget all widgets but its own."""
    remove = WStates.remove_stale_widgets
    if hasattr(remove, "__wrapped__"):
        return

    @wraps(remove)
    def remove_stale_widgets(self: WStates, active: frozenset[str], fragments: list[str] | None) -> None:
        remove(self, active, fragments)
        if not fragments:
            self.widget_metadata = {name: known for name, known in self.widget_metadata.items() if name in active}

    WStates.remove_stale_widgets = remove_stale_widgets  # type: ignore[method-assign]
