"""Where the keyboard stands when a step comes or was played: the button that was pressed is gone by then.

lead_focus(".st-key-lessons_text h3", "window.3", top=True)
"""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st


def lead_focus(goal: str, of: str, top: bool = False) -> None:
    """Lead the focus to what a CSS selector names, once for each `of`; to the `top` of the page with it."""
    _leader()(data={"goal": goal, "of": of, "top": top}, key="lessons_leader")


@cache
def _leader() -> Any:
    return st.components.v2.component("lessons_leader", html=_HTML, js=_JS)


# On several lines: a string of one line might be taken for a path.
_HTML = """
<span
  hidden></span>
"""

# Whoever has moved on meanwhile, to a field or another button, is left there.
_JS = """
let led = "", ledTo = null

export default function (component) {
  const { data } = component
  if (led === data.of) return
  led = data.of
  const until = Date.now() + 2500
  const go = () => {
    if (led !== data.of) return
    const there = document.querySelector(data.goal)
    if (there) {
      const at = document.activeElement
      if (!data.top && at && at !== document.body && at !== ledTo && at.isConnected) return
      there.tabIndex = -1
      there.style.outline = "none"
      there.focus({ preventScroll: true })
      ledTo = there
      if (data.top) document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0)
      else {
        there.style.scrollMarginTop = "5rem" // the bar of the pages stands above it
        there.style.scrollMarginBottom = "7rem" // the way on stands below it
        there.scrollIntoView({ block: "nearest" })
      }
    } else if (Date.now() < until) setTimeout(go, 80)
  }
  setTimeout(go, 50)
}
"""
