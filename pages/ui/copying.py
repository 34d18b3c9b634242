"""Copying a text to the clipboard: the script that any component of ours uses, and a button of its own.

    copy_button("Copy the whole text", text, key="panel_json_copy")

The text goes to the browser with the button, so that a click copies it at once, as browsers demand. It is set as text
and never read as HTML.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

# `live` is the element of a component that tells a screen reader what happened.
COPY = """
const copier = (live) => async (text, button) => {
  const label = button.textContent
  let done = true
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    // Over plain HTTP from another machine there is no clipboard but the old way.
    const area = document.createElement("textarea")
    area.value = text
    document.body.append(area)
    area.select()
    done = document.execCommand("copy")
    area.remove()
    button.focus()
  }
  button.textContent = live.textContent = done ? "Copied" : "The browser does not let this page copy"
  setTimeout(() => { button.textContent = label; live.textContent = "" }, 1600)
}
"""


def copy_button(label: str, text: str, key: str) -> None:
    """Draw a button that copies a text."""
    _component()(data={"label": label, "text": text}, key=key)


@cache
def _component() -> Any:
    return st.components.v2.component("copy_button", html=_HTML, css=_CSS, js=COPY + _JS)


_HTML = """
<button type="button"></button>
<div class="live" role="status"></div>
"""

_CSS = """
button {
  min-height: 2.5rem; padding: 0.25rem 0.75rem; font: 400 0.875rem/1.6 var(--st-font); cursor: pointer;
  color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 1px; }
.live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""

_JS = """
export default function (component) {
  const { data, parentElement } = component
  const button = parentElement.querySelector("button")
  const copy = copier(parentElement.querySelector(".live"))
  button.textContent = data.label
  button.onclick = () => copy(data.text, button)
}
"""
