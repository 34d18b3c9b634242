"""Which turns of the conversation are drawn, and the way to one of them that was searched for.

    >>> open_at(thread, 7_412, 10_000)          # from the menu: draws turns 7,408 to 7,432, goes to 7,413 and frames it
    >>> shown(10_000, answering=False)
    (7407, 7432)

The newest turns are drawn, and earlier ones on demand; around a turn that was found far back there is a window of its
own, so that ten thousand turns are never drawn at once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import streamlit as st

from memory.base import Turn
from pages.ui import panel
from pages.ui.chat_state import Shown, open_thread
from pages.ui.forms.chart import open_turn
from pages.ui.player import pause

TURNS_SHOWN = 25
"""Turns drawn at first and added by a click: 50 messages."""
BEFORE = 5
"""Turns drawn before one that was found."""
GOAL = "chat_found_turn_place"


def open_at(thread: str, turn: int, length: int) -> None:
    """Open a thread of `length` turns at one of them, and its card in the panel; for a click, before the page runs."""
    state = st.session_state
    open_thread(thread)
    state.chat_found_turn = turn
    if turn < length - TURNS_SHOWN:
        first = max(0, turn - BEFORE)
        state.chat_window = (first, first + TURNS_SHOWN)
    # The panel begins anew with another thread, but for the turn whose card is to be open.
    for key in panel.OF_THREAD:
        state.pop(key, None)
    state["panel_known"], state["panel_turn_kept"] = (thread, length), length
    state["panel_view"] = panel.NOW
    pause()
    open_turn(turn)


def shown(length: int, answering: bool) -> tuple[int, int]:
    """Return the index of the first turn that is drawn and that after the last; an answer is drawn after the newest."""
    state = st.session_state
    window = state.get("chat_window")
    if window is None or answering:
        return max(0, length - state.get("chat_shown", TURNS_SHOWN)), length
    return min(window[0], length), min(window[1], length)


def to_newest() -> None:
    """Draw the newest turns again, as when a message is sent."""
    for key in ("chat_window", "chat_found_turn"):
        st.session_state.pop(key, None)


def earlier_button(first: int, shown: Shown) -> None:
    """Draw the button that shows turns before the first one that is drawn."""
    if first <= 0:
        return
    earlier = max(0, first - 2 * TURNS_SHOWN)
    _button(f"Show turns {earlier + 1:,} to {first:,}", "expand_less", _widen, earlier, None, shown)


def later_buttons(end: int, shown: Shown) -> None:
    """Draw the buttons that show turns after the last one that is drawn, where it is not the newest."""
    if end >= shown.length:
        return
    later = min(shown.length, end + 2 * TURNS_SHOWN)
    with st.container(horizontal=True):
        _button(f"Show turns {end + 1:,} to {later:,}", "expand_more", _widen, None, later, shown)
        _button(f"Go to the newest, turn {shown.length:,}", "vertical_align_bottom", to_newest)


def _button(label: str, icon: str, click: Callable[..., None], *args: Any) -> None:
    # What a click means is what the button said when it was drawn, though another message has come since.
    st.button(label, icon=f":material/{icon}:", type="tertiary", on_click=click, args=args, key=f"chat_{icon}")


def _widen(first: int | None, end: int | None, shown: Shown) -> None:
    state = st.session_state
    begun, ended = state.get("chat_window", (0, shown.length))
    first, end = begun if first is None else first, ended if end is None else end
    # Whoever reads on has found what was looked for: the page stays where it is.
    state.pop("chat_found_turn", None)
    if end >= shown.length:
        state.pop("chat_window", None)
        state.chat_shown = shown.length - first
    else:
        state.chat_window = (first, end)


def place(turn: Turn) -> AbstractContextManager[Any]:
    """Return what a turn is drawn in: a frame around the one that was found."""
    if st.session_state.get("chat_found_turn") != turn.index:
        return nullcontext()
    frame = st.container(border=True, key=GOAL, gap=None)
    frame.caption(f":material/search: Found: turn {turn.index + 1:,}")
    return frame


def lead_there() -> None:
    """Bring the turn that was found into view, once for each time that it is opened."""
    if (turn := st.session_state.get("chat_found_turn")) is not None:
        _guide()(data={"goal": GOAL, "of": f"{turn}.{st.session_state.get('chat_opened', 0)}"}, key="chat_found_guide")


@cache
def _guide() -> Any:
    return st.components.v2.component("chat_found_guide", html=_HTML, js=_JS)


# On several lines: a string of one line might be taken for a path.
_HTML = """
<span
  hidden></span>
"""

# The page scrolls to its newest message by itself while it is drawn, so the way is gone again until somebody moves.
_JS = """
export default function (component) {
  const { data, parentElement } = component
  if (parentElement.led === data.of) return
  parentElement.led = data.of
  let moved = false
  const stop = () => { moved = true }
  for (const sign of ["wheel", "touchstart", "keydown", "pointerdown"]) addEventListener(sign, stop, { once: true })
  const until = Date.now() + 2500
  const go = () => {
    if (moved) return
    const there = document.querySelector(`.st-key-${data.goal}`)
    if (there) {
      if (there.tabIndex !== -1) {
        there.tabIndex = -1
        there.focus({ preventScroll: true })
      }
      const tall = there.getBoundingClientRect().height > innerHeight / 2
      there.scrollIntoView({ block: tall ? "start" : "center" })
    }
    if (Date.now() < until) setTimeout(go, there ? 250 : 80)
  }
  setTimeout(go, 50)
}
"""
