"""The presenter view: large text, the keys of a clicker, and nothing at the side but the panel.

with_large_text()
"""

from __future__ import annotations

import streamlit as st

LARGE, FIGURES, USUAL = 21, 17, 15
"""Pixels of body text, which all of Streamlit's sizes follow, of the cycle's, and of the theme's body text."""


def with_large_text() -> None:
    """Enlarge the whole page."""
    st.html(
        f"<style>html {{ font-size: {LARGE}px !important; }}"
        f".lesson-cycle {{ font-size: {FIGURES}px !important; line-height: 1.4 !important; }}"
        ".lesson-cycle { max-width: none !important; }"
        # What is drawn apart, as the prompt is, has its sizes in pixels of its own.
        f"[data-testid=stBidiComponentIsolated] {{ zoom: {LARGE / USUAL:.2f}; }}"
        # The panel keeps its width: its four views stand side by side in it.
        f"[data-testid=stSidebar] [data-testid=stButtonGroup] button {{ padding: 0 0.4rem; }}"
        f"[data-testid=stSidebar] [data-testid=stButtonGroup] p {{ font-size: {FIGURES}px !important; }}"
        "@media (min-width: 800px) { [data-testid=stMainBlockContainer] {"
        " max-width: none !important; padding-left: 2rem !important; padding-right: 2rem !important; } }</style>"
    )
