"""The conversation as it went, turn by turn: back, play or pause, next, and how fast; in the panel alone.

The time between two turns passes in the browser: a script that waited would hold up what is clicked meanwhile. No
model is asked, since each turn is drawn from its trace.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

SPEEDS = {"4 s a turn": 4.0, "2 s a turn": 2.0, "1 s a turn": 1.0}
NORMAL = "2 s a turn"


def draw_player(turn: int, length: int) -> None:
    """Draw the controls for a thread of which `turn` is shown, counted from 1."""
    state = st.session_state
    playing = bool(state.get("panel_playing")) and turn < length
    state["panel_playing"] = playing
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        _button("Back", ":material/skip_previous:", turn > 1, go, turn - 1)
        if playing:
            _button("Pause", ":material/pause:", True, pause)
        else:
            _button("Play", ":material/play_arrow:", True, play, turn, length)
        _button("Next", ":material/skip_next:", turn < length, go, turn + 1)
        st.selectbox(
            "Speed of the play",
            list(SPEEDS),
            index=list(SPEEDS).index(NORMAL),
            key="panel_speed",
            persist_state="session",
            label_visibility="collapsed",
            width=118,
        )
    if playing:
        wait = 1000 * SPEEDS[state.get("panel_speed") or NORMAL]
        _ticker()(data={"turn": turn, "wait": wait}, key="panel_ticker", on_tick_change=tick)


def _button(label: str, icon: str, enabled: bool, click: Any, *args: int) -> None:
    key = "panel_play" if label in ("Play", "Pause") else f"panel_{label.lower()}"
    st.button(label, icon=icon, type="tertiary", key=key, disabled=not enabled, on_click=click, args=args)


def go(turn: int) -> None:
    """Show a turn and play no more."""
    st.session_state["panel_turn_kept"] = turn
    pause()


def play(turn: int, length: int) -> None:
    """Go on from the turn that is shown; from the last one begin again."""
    st.session_state["panel_turn_kept"] = turn if turn < length else 1
    st.session_state["panel_playing"] = True


def pause() -> None:
    st.session_state["panel_playing"] = False


def tick() -> None:
    """Show the next turn, unless the time that is over was that of another turn."""
    state = st.session_state
    if state.get("panel_playing") and state["panel_ticker"].tick == state["panel_turn_kept"]:
        state["panel_turn_kept"] += 1


@cache
def _ticker() -> Any:
    return st.components.v2.component("panel_ticker", html=_HTML, js=_JS)


# On several lines: a string of one line might be taken for a path.
_HTML = """
<span
  hidden></span>
"""

_JS = """
const timers = new WeakMap()

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  clearTimeout(timers.get(parentElement))
  timers.set(parentElement, setTimeout(() => setTriggerValue("tick", data.turn), data.wait))
  return () => clearTimeout(timers.get(parentElement))
}
"""
