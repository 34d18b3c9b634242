"""Keeps the newest message in view from when something is said until it is answered, also on a busy machine.

    >>> follow(thread, said=5)      # a fifth message was sent: what is drawn from now on stays in view

Streamlit scrolls to the end by itself, but not always to the end of what comes late, as a notice below an answer does.
Whoever scrolls up meanwhile reads on undisturbed until the next message; a turn that was searched for is led to
instead.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st


def follow(thread: str, said: int) -> None:
    """Follow what is drawn when `said`, the number of messages of a thread, is another than before."""
    found = st.session_state.get("chat_found_turn") is not None
    _guide()(data={"of": f"{thread}.{said}", "found": found}, key="chat_newest")


@cache
def _guide() -> Any:
    return st.components.v2.component("chat_newest", html=_HTML, js=_JS)


# On several lines: a string of one line might be taken for a path.
_HTML = """
<span
  hidden></span>
"""

_JS = """
const PAGE = "[data-testid=stAppScrollToBottomContainer]"

function keep(page) {
  const content = page.querySelector("[data-testid=stMainBlockContainer]")
  const grown = new ResizeObserver(() => { page.scrollTop = page.scrollHeight })
  const moves = ["wheel", "touchmove", "keydown", "pointerdown"]
  const stop = () => {
    grown.disconnect()
    for (const one of moves) page.removeEventListener(one, moved)
  }
  const moved = event => {
    // What is done in the box below is no wish to read further up.
    if (event.target.closest?.("[data-testid=stBottom], textarea, input")) return
    if (event.type === "wheel" && event.deltaY > 0) return
    if (event.type === "keydown" && !["PageUp", "ArrowUp", "Home"].includes(event.key)) return
    stop()
  }
  for (const one of moves) page.addEventListener(one, moved, { passive: true })
  grown.observe(content)
  return stop
}

export default function (component) {
  const { data, parentElement } = component
  if (parentElement.of === data.of) return
  parentElement.of = data.of
  parentElement.stop?.()
  if (data.found) return
  // With the first message the page becomes one that scrolls a moment later.
  const begin = left => {
    const page = document.querySelector(PAGE)
    if (parentElement.of !== data.of) return
    if (page) parentElement.stop = keep(page)
    else if (left) setTimeout(() => begin(left - 1), 100)
  }
  begin(30)
}
"""
