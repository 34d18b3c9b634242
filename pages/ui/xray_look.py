"""The component that draws the x-ray of a prompt: a bar, pieces that tell where they came from, and what was missed.

    component()(data=xray_data(seen, laid, found, look), key="panel_xray", on_lead_change=lead)

It reports `lead` (the source that was chosen), `more` (from which end of a gap more is drawn, or a turn in it) and
`whole` (the id of a long text). Whatever a user or a model wrote is set as text and never read as HTML; its colours are
the theme's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

from pages.ui.xray_script import SCRIPT


@cache
def component() -> Any:
    """Return the component; Streamlit knows it by its name."""
    return st.components.v2.component("prompt_xray", html=_HTML, css=_CSS, js=SCRIPT)


# Each on several lines: a string of one line might be taken for a path.
_HTML = """
<div class="bar" aria-hidden="true"></div>
<ol class="pieces"></ol>
<section class="missed" hidden></section>
<div class="live" role="status"></div>
"""

_CSS = """
:host, .bar, ol, section { font-family: var(--st-font); color: var(--st-text-color); }
.bar { display: flex; gap: 2px; height: 14px; margin: 2px 0 8px; }
.bar span { position: relative; min-width: 2px; flex-basis: 0; border-radius: 2px; background: var(--fill); }
.bar.many { gap: 0; }
.bar.many span { min-width: 1px; border-radius: 0; }
.bar.many span:nth-child(even) { opacity: 0.75; }
.bar span.gap {
  background: repeating-linear-gradient(90deg, var(--fill) 0 3px, transparent 3px 5px);
}
.bar span.on { outline: 2px solid var(--st-text-color); outline-offset: 1px; }
.bar i {
  position: absolute; inset: 0 auto 0 0;
  background: repeating-linear-gradient(135deg, var(--st-background-color) 0 1.5px, transparent 1.5px 5px);
}
ol { list-style: none; margin: 0; padding: 0; }
li { position: relative; padding: 5px 8px 6px 14px; border-bottom: 1px solid var(--st-border-color); font-size: 13px; }
.pieces > li:last-child { border-bottom: 0; }
li::before {
  content: ""; position: absolute; left: 0; top: 5px; bottom: 5px; width: 4px; border-radius: 2px;
  background: var(--fill);
}
li.piece:hover, li.piece.on, li.piece.open {
  background-color: color-mix(in srgb, var(--st-text-color) 6%, transparent);
}
li.cached, .line.cached {
  background-image: repeating-linear-gradient(135deg,
    color-mix(in srgb, var(--st-text-color) 9%, transparent) 0 1px, transparent 1px 8px);
}
.line:focus-visible, button:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 1px; }
button { padding: 0; border: 0; font: inherit; text-align: left; color: inherit; background: none; cursor: pointer; }
.head { display: flex; justify-content: space-between; gap: 8px; width: 100%; line-height: 18px; border-radius: 2px; }
.source { color: var(--ink); font-weight: 600; }
.size { white-space: nowrap; font-variant-numeric: tabular-nums; }
.chip {
  display: inline-block; margin-left: 6px; padding: 0 5px; border: 1px solid var(--st-text-color); border-radius: 3px;
  font: 11px/14px var(--st-font); font-weight: 400; color: var(--st-text-color); vertical-align: 1px;
  user-select: none;
}
.text {
  font-family: var(--st-code-font); line-height: 17px; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 15em;
  overflow-y: auto;
}
.role { font-weight: 600; color: var(--ink); user-select: none; }
.role::after { content: ": "; }
mark {
  color: inherit; background: none; font-weight: 600;
  text-decoration: underline 2px var(--ink); text-underline-offset: 3px;
}
.line {
  position: relative; font-family: var(--st-code-font); line-height: 17px; white-space: pre-wrap;
  overflow-wrap: anywhere; border-radius: 2px; cursor: pointer;
}
.line.heading { color: var(--ink); }
.line:hover, .line:focus, .line.on, .line.open {
  background-color: color-mix(in srgb, var(--fill) 22%, transparent);
}
.line > .why { right: 0; top: 100%; max-width: 92%; white-space: normal; font-family: var(--st-font); }
.line:hover > .why, .line:focus > .why { display: block; }
.whole {
  display: block; font-family: var(--st-font); text-decoration: underline; text-underline-offset: 2px;
}
.rest { font-family: var(--st-font); font-style: italic; }
.why {
  position: absolute; right: 82px; top: 5px; z-index: 2; max-width: 62%; padding: 1px 8px; border-radius: 3px;
  font-size: 12px; line-height: 17px; display: none; pointer-events: none;
  color: var(--st-background-color); background: var(--st-text-color);
}
li:hover > .why, li:has(> .head:focus-visible) > .why { display: block; }
li.lines:not(:has(> .head:hover)):not(:has(> .head:focus-visible)) > .why,
li.quiet > .why, li.open > .why, .line.quiet > .why, .line.open > .why { display: none !important; }
.about {
  margin: 4px 0 2px; padding: 6px 8px; border: 1px solid var(--st-border-color); border-radius: 5px;
  background: var(--st-background-color); font: 13px/18px var(--st-font); overflow-wrap: anywhere;
}
.about p { margin: 0 0 2px; }
.go { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; margin-top: 5px; }
.go .copy { margin-left: auto; }
.go button {
  padding: 2px 8px; border: 1px solid var(--st-text-color); border-radius: 5px; line-height: 18px;
  overflow-wrap: anywhere;
}
.go button:hover { background: color-mix(in srgb, var(--st-text-color) 10%, transparent); }
.break {
  display: flex; align-items: center; gap: 8px; padding: 4px 0; border: 0; font: 12px/17px var(--st-font);
  color: var(--st-text-color);
}
li.break::before, .break::before, .break::after {
  content: ""; position: static; flex: 1; min-width: 18px; width: auto; height: 0; border-radius: 0; background: none;
  border-top: 2px dashed var(--st-text-color);
}
.break span { max-width: 78%; text-align: center; }
.more .row { display: flex; justify-content: space-between; gap: 8px; width: 100%; }
.to { display: flex; align-items: center; gap: 6px; margin-top: 4px; }
.to input {
  width: 9.5em; padding: 2px 6px; font: inherit; color: inherit; background: var(--st-background-color);
  border: 1px solid var(--st-gray-color); border-radius: 5px;
}
.to input:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 1px; }
.to button { padding: 2px 8px; border: 1px solid var(--st-text-color); border-radius: 5px; line-height: 18px; }
.more .hint { text-decoration: underline; text-underline-offset: 2px; }
section.missed { margin-top: 10px; font-size: 13px; }
section.missed[hidden] { display: none; }
section.missed .title { font-weight: 600; margin-bottom: 4px; }
section.missed li { padding: 0; border: 0; margin-bottom: 4px; }
section.missed li::before { display: none; }
section.missed button {
  width: 100%; padding: 3px 8px; border: 1px dashed var(--st-gray-color); border-radius: 5px; line-height: 18px;
}
section.missed button:hover { background: color-mix(in srgb, var(--st-text-color) 6%, transparent); }
section.missed .began {
  display: block; font-family: var(--st-code-font); overflow: hidden; white-space: nowrap; text-overflow: ellipsis;
}
.live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""
