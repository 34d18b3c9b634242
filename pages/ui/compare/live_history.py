"""The earlier turns of a live comparison: each message with the columns' answers, folded small."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from memory.compare.live import ROUNDS, Live, Round
from memory.compare.live_figures import Track
from pages.ui.compare.live_ask import said
from pages.ui.compare.live_cards import figures_line
from pages.ui.compare.marks import Mark, marks_of
from pages.ui.words import escaped

BEGAN = 160
"""Characters of an answer's beginning."""


def earlier(live: Live, tracks: Sequence[Track | None], rounds: Sequence[Round], asked: Round, length: int) -> None:
    """Draw the rounds but the one that is looked at, the newest first, and a button for those before them."""
    others = [one for one in reversed(rounds) if one.id != asked.id]
    if not others:
        return
    state = st.session_state
    more = st.expander("Other turns", type="compact", icon=":material/history:", key="compare_live_history")
    with more:
        marks = marks_of(live.columns)
        for one in others:
            _round(one, marks, tracks)
        shown = state.get("compare_live_shown", ROUNDS)
        if length > shown and st.button("Show earlier ones", icon=":material/expand_more:", type="tertiary"):
            state.compare_live_shown = shown + 2 * ROUNDS
            st.rerun()


def _round(one: Round, marks: Sequence[Mark], tracks: Sequence[Track | None]) -> None:
    with st.container(gap="xxsmall", border=True, key=f"compare_live_round_{one.id}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{one.number:,}** · {said(one)}", width="stretch")
            if st.button(
                "Look at it",
                icon=":material/visibility:",
                type="tertiary",
                key=f"compare_live_look_{one.id}",
                help=f"Show turn {one.number:,} in the columns",
            ):
                st.session_state.compare_live_at = one.id
                st.rerun()
        places = st.columns(len(marks), gap="small")
        for mark, turn, track, into in zip(marks, one.turns, tracks, places, strict=False):
            text = " ".join((turn.ai or turn.error or "no answer").split()) if turn else "not reached"
            text = text if len(text) <= BEGAN else f"{text[:BEGAN].rstrip()} …"
            place = track.place(one.id) if track else None
            figures = figures_line(track.figures[place]) if track and place is not None else ""
            into.caption(f"**{mark.letter}** {escaped(text)}" + (f"  \n{figures}" if figures else ""))
