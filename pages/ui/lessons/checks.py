"""The statements of a step, each with whether it holds on the live state, and what was measured.

draw_checks(step.claims, verdicts, says)

The verdicts are those of when the step ended: what a later step forgets was there then. `says` makes a text of the
lesson Markdown that is safe to draw, with its figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from memory.lessons.lesson import Claim
from memory.lessons.verdict import Verdict
from pages.ui.words import escaped

_LOOK: dict[bool | None, tuple[str, str]] = {
    True: (":material/check:", "holds"),
    False: (":red[:material/close:]", "does not hold"),
    None: (":material/remove:", "not judged here"),
}


def draw_checks(claims: Sequence[Claim], verdicts: Sequence[Verdict], says: Callable[[str], str]) -> None:
    """Draw each claim as a line, with what came of it."""
    if not claims:
        return
    with st.expander(_summary(verdicts), type="compact", icon=":material/fact_check:", key="lessons_checks"):
        for claim, verdict in zip(claims, verdicts, strict=True):
            icon, word = _LOOK[verdict.held]
            with st.container(gap=None):
                st.markdown(f"{icon} {says(claim.says)}")
                st.caption(f"{word}: {escaped(verdict.measured)}")


def _summary(verdicts: Sequence[Verdict]) -> str:
    judged = [verdict for verdict in verdicts if verdict.held is not None]
    held = sum(bool(verdict.held) for verdict in judged)
    if not judged:
        return "Checked on the live state: none could be judged here"
    return f"Checked on the live state: {held} of {len(judged)} hold"
