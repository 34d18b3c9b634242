"""The keys of the presenter view: → or Page Down goes on, ← or Page Up goes back, as a presenter's clicker sends them.

    keys(turned)      # turned(1) or turned(-1) is called before the page is drawn again

A field that is typed in, a slider or a choice keeps the arrows for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st


def keys(turned: Callable[[int], None]) -> None:
    """Listen on the whole page."""

    def pressed() -> None:
        turned(1 if int(st.session_state["lessons_keys"]["way"]) > 0 else -1)

    _listener()(key="lessons_keys", on_way_change=pressed)


@cache
def _listener() -> Any:
    return st.components.v2.component("lessons_keys", html=_HTML, js=_JS)


# On several lines: a string of one line might be taken for a path.
_HTML = """
<span
  hidden></span>
"""

_JS = """
const WAYS = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }
const TYPED = "textarea, select, [contenteditable=true], input:not([type=radio]):not([type=checkbox])"
const OWN = "input, [role=slider], [role=tab], [role=radio], [role=grid], [role=listbox]"
const running = new WeakMap()

export default function (component) {
  const { parentElement, setTriggerValue } = component
  running.get(parentElement)?.()
  const pressed = event => {
    const way = WAYS[event.key], at = event.composedPath()[0]
    if (!way || event.repeat || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    if (document.querySelector("[role=dialog]")) return
    if (at.closest?.(TYPED) || (event.key.startsWith("Arrow") && at.closest?.(OWN))) return
    event.preventDefault()
    setTriggerValue("way", way)
  }
  document.addEventListener("keydown", pressed)
  const stop = () => document.removeEventListener("keydown", pressed)
  running.set(parentElement, stop)
  return stop
}
"""
