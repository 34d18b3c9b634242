"""What reached a column's prompt and what did not, folded under its answer; the whole view opens in a window."""

from __future__ import annotations

import streamlit as st

from memory.compare.live import Live
from memory.inspection.inspect import Inspection
from memory.inspection.missed import Run, runs_of
from pages.ui import strip
from pages.ui.chat_state import Chat
from pages.ui.compare.marks import Mark
from pages.ui.edit import edit_dialog
from pages.ui.forget import forget_dialog
from pages.ui.note_actions import EDIT, FORGET, Target
from pages.ui.panel import panel
from pages.ui.receipt import receipt_dialog
from pages.ui.words import COLOURS, badge, escaped, literal, note_name, plural, segment, turns

RUNS = 5
"""How many reasons are listed at most; the whole list stands in the window."""


def what_reached(live: Live, place: int, seen: Inspection, mark: Mark, slot: str) -> None:
    """Draw the turns by their fate, the sources of the prompt and what was left out, when it is asked for."""
    trace = seen.trace
    if trace.kind != "turn":
        return
    key = f"compare_live_prompt_{slot}"
    more = st.expander("What reached the prompt", type="compact", key=key, on_change="rerun")
    if not more.open:
        return
    with more, st.container(gap="xsmall"):
        if trace.read_length:
            strip.draw_still(seen, trace.read_length, f"{key}_strip")
        sums = [(COLOURS[of], segment(of, [trace]), count) for of, count in trace.segments.items() if count]
        said = " ".join(badge(colour, f"{name} {count:,}") for colour, name, count in sums)
        st.markdown(f"{said} tokens")
        brought = [item for item in trace.items if item.turns is None]
        for item in brought[:RUNS]:
            st.caption(f"{literal(note_name(item.ref, seen.named))}: {escaped(item.why)}")
        st.caption("**Left out, and why**  \n" + "  \n".join(_left_out(seen)))
        if st.button("Look closer", icon=":material/search:", key=f"{key}_more", help="Every view of the side panel"):
            _window(live, place, mark, seen)


def dialogs(live: Live) -> None:
    """Draw the dialog for forgetting or editing that was asked for in the window, on the column it speaks of."""
    if not any(name in st.session_state for name in (FORGET, EDIT)):
        receipt_dialog()
    for name, dialog in ((FORGET, forget_dialog), (EDIT, edit_dialog)):
        target: Target | None = st.session_state.get(name)
        column = next((one for one in live.columns if target and one.thread == target.thread), None)
        thread = live.experiments.store.thread(live.experiments.user, column.thread) if column else None
        if column and thread:
            preferences = live.preferences.but(model=column.model or live.preferences.model)
            dialog(Chat(live.experiments.store, live.experiments.user, thread, column.open(), False, preferences))


def _left_out(seen: Inspection) -> list[str]:
    runs = runs_of(seen.trace)
    if not runs:
        return ["Nothing was left out."]
    rows = [_reason(run) for run in runs[:RUNS]]
    rest = sum(map(len, runs[RUNS:]))
    return [*rows, f"and {plural(rest, 'more turn')}"] if rest else rows


def _reason(run: Run) -> str:
    name = turns(run.turns)
    part = "" if run.left.message is None else f", message {run.left.message + 1}"
    return f"{name[:1].upper()}{name[1:]}{part}: {escaped(run.left.why)}"


def _window(live: Live, place: int, mark: Mark, seen: Inspection) -> None:
    """Open the views of the chat's side panel for this column."""
    state = st.session_state
    state["panel_known"] = (seen.thread, seen.length)
    state["panel_turn_kept"] = seen.trace.turn + 1

    @st.dialog(f"{mark.letter} {mark.label}", width="large")
    def look() -> None:
        panel(live.experiments.store, live.experiments.user, seen.thread, seen.length, live.retrieval)

    look()
