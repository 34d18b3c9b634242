"""Words that a lesson speaks of, marked wherever they stand in the conversation and in the panel.

    highlight(["blue"], (".st-key-lessons_talk",))

The marks lie over the page and change nothing of it, so that no text of a model's is read as anything but text. A
browser without the CSS Custom Highlight API shows none: what is marked is always told in words, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import streamlit as st

SIDEBAR = "[data-testid=stSidebarContent]"


def highlight(words: Sequence[str], places: Sequence[str]) -> None:
    """Mark words, in either case, in the elements that these CSS selectors name; no words: no marks."""
    _marks()(data={"words": list(words), "places": list(places)}, key="lessons_marks")


@cache
def _marks() -> Any:
    return st.components.v2.component("lessons_marks", html=_HTML, js=_JS)


# On several lines: a string of one line might be taken for a path.
_HTML = """
<span
  hidden></span>
"""

_JS = """
const NAME = "lesson-words"
const SKIPPED = "button, input, textarea, select, svg, style, script, [hidden]"
const running = new WeakMap()

// Shadow roots have style sheets of their own.
function styled(root, sheet) {
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet]
}

function pattern(words) {
  const escaped = words.map(word => word.replace(/[.*+?^${}()|[\\]\\\\]/g, "\\\\$&"))
  const edge = "[\\\\p{L}\\\\p{N}]"
  return new RegExp(`(?<!${edge})(?:${escaped.join("|")})(?!${edge})`, "giu")
}

function* texts(node, roots) {
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) yield child
    else if (child.nodeType === Node.ELEMENT_NODE && !child.matches(SKIPPED)) {
      if (child.shadowRoot) {
        roots.add(child.shadowRoot)
        yield* texts(child.shadowRoot, roots)
      }
      yield* texts(child, roots)
    }
  }
}

export default function (component) {
  const { data, parentElement } = component
  running.get(parentElement)?.()
  if (!window.Highlight || !CSS.highlights) return
  const clear = () => CSS.highlights.delete(NAME)
  if (!data.words.length) {
    clear()
    return
  }
  const wanted = pattern(data.words), sheet = new CSSStyleSheet(), seen = new Set()
  let waiting = 0
  const observer = new MutationObserver(() => { waiting ||= setTimeout(paint, 120) })
  const observe = root => {
    if (seen.has(root)) return
    seen.add(root)
    observer.observe(root, { childList: true, characterData: true, subtree: true })
  }

  function paint() {
    waiting = 0
    const look = getComputedStyle(document.querySelector("[data-testid=stApp]"))
    sheet.replaceSync(`::highlight(${NAME}) {
      color: ${look.color};
      background-color: color-mix(in srgb, ${look.color} 22%, ${look.backgroundColor});
      text-decoration: underline 2px;
    }`)
    const found = new Highlight(), roots = new Set()
    for (const place of data.places)
      for (const element of document.querySelectorAll(place))
        for (const text of texts(element, roots))
          for (const match of text.data.matchAll(wanted)) {
            const range = new Range()
            range.setStart(text, match.index)
            range.setEnd(text, match.index + match[0].length)
            found.add(range)
          }
    CSS.highlights.set(NAME, found)
    styled(document, sheet)
    for (const root of roots) {
      styled(root, sheet)
      observe(root)
    }
  }

  observe(document.body)
  paint()
  const stop = () => {
    clearTimeout(waiting)
    observer.disconnect()
    clear()
    for (const root of [document, ...seen])
      if (root.adoptedStyleSheets) root.adoptedStyleSheets = root.adoptedStyleSheets.filter(one => one !== sheet)
  }
  running.set(parentElement, stop)
  return stop
}
"""
