"""The picture of each memory's idea, by the memory's short name or its spec, and those of a few ideas beside them.

    draw_idea("window:k=2")                     # a figure with its caption
    idea("frontier").alt                        # background, namespaces, forgetting and frontier are no memories

A memory that somebody else wrote has no picture of its own and gets that of the contract. All are drawn by us with the
shapes of `shapes.py`, load nothing and hold nobody's words; their colours are the theme's and follow it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import streamlit as st

from memory.catalog import load
from pages.ui.lessons import drawn_found, drawn_longterm, drawn_notes, drawn_recent, drawn_summaries, drawn_whole
from pages.ui.lessons.shapes import Idea

IDEAS: Mapping[str, Callable[[], Idea]] = MappingProxyType(
    {
        "none": drawn_recent.none,
        "last_input": drawn_recent.last_input,
        "buffer": drawn_recent.buffer,
        "window": drawn_recent.window,
        "token_buffer": drawn_recent.token_buffer,
        "summary": drawn_summaries.summary,
        "summary_buffer": drawn_summaries.summary_buffer,
        "summarization": drawn_summaries.summarization,
        "simple": drawn_notes.simple,
        "key_value": drawn_notes.key_value,
        "entity": drawn_notes.entity,
        "kg": drawn_notes.graph,
        "vector": drawn_found.vector,
        "vector_token_buffer": drawn_found.vector_token_buffer,
        "time_weighted": drawn_found.time_weighted,
        "attention": drawn_found.attention,
        "knowledge": drawn_found.knowledge,
        "multimodal": drawn_found.multimodal,
        "profile": drawn_longterm.profile,
        "collection": drawn_longterm.collection,
        "episodic": drawn_longterm.episodic,
        "procedural": drawn_longterm.procedural,
        "background": drawn_longterm.background,
        "namespaces": drawn_longterm.namespaces,
        "combined": drawn_whole.combined,
        "contract": drawn_whole.contract,
        "forgetting": drawn_whole.forgetting,
        "frontier": drawn_whole.frontier,
    }
)


@cache
def _drawn(name: str) -> Idea:
    return IDEAS[name]()


@cache
def _window(k: int) -> Idea:
    return drawn_recent.window(k)


def idea(name: str) -> Idea:
    """Return the picture of a memory, given by its short name, its name or its spec, or of an idea by its name.

    Raises BadInput for a name that is neither.
    """
    short = name.partition(":")[0].strip()
    if short not in IDEAS:
        short = load().find(short).short
    if short == "window" and ":" in name and 1 <= (k := load().memory(name).settings.model_dump()["k"]) <= 5:
        return _window(k)
    return _drawn(short if short in IDEAS else "contract")


def draw_idea(name: str) -> None:
    """Draw the picture of an idea with its caption."""
    of = idea(name)
    _component()(data={"svg": of.svg, "caption": of.caption}, key=f"lessons_idea_{name}")


@cache
def _component() -> Any:
    return st.components.v2.component("lesson_idea", html=_HTML, css=_CSS, js=_SCRIPT)


# Each on several lines: a string of one line might be taken for a path.
_HTML = """
<figure class="figure">
<div class="drawn"></div><figcaption></figcaption>
</figure>
"""

_CSS = """
figure { margin: 0; font-family: var(--st-font); color: var(--st-text-color); }
svg { display: block; width: 100%; max-width: 440px; height: auto; font-family: var(--st-font); }
figcaption { max-width: 440px; margin-top: 4px; font-size: 13px; line-height: 18px; }
"""

_SCRIPT = """
export default function ({ data, parentElement }) {
  const drawn = new DOMParser().parseFromString(data.svg, "image/svg+xml").documentElement
  parentElement.querySelector(".drawn").replaceChildren(document.importNode(drawn, true))
  parentElement.querySelector("figcaption").textContent = data.caption
}
"""
