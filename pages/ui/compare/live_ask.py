"""The message that is looked at, above the columns, and the fact that it asks for: who still had it in the prompt.

fact = asked(live, round, tracks, jobs, last, length)
badge_of(seen, tracks[place], fact)      # "not in the prompt: turn 1, outside the last k=2 turns"
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from memory.compare.fact import fact_in, knew, suggest
from memory.compare.live import Live, Round
from memory.compare.live_figures import Track
from memory.errors import InspectorError
from memory.inspection.inspect import Inspection
from memory.pictures.picture import typed
from memory.worker import Job
from pages.ui.compare import live_state
from pages.ui.messages import USER, draw_text
from pages.ui.pictures import draw_pictures
from pages.ui.words import badge, escaped, literal, percentage

NONE = ""
BEGAN = 70
"""Characters of a message's beginning that the choice of the fact shows."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A message that holds what is asked for, by its round, with its number in the conversation."""

    round: str
    number: int
    text: str


def asked(
    live: Live,
    one: Round,
    tracks: Sequence[Track | None],
    jobs: Sequence[Job | None],
    last: bool,
    length: int,
) -> Fact | None:
    """Draw the message, with a stop for all columns or a choice of the fact; return the fact."""
    answering = [job for job in jobs if job]
    look = {"horizontal": True, "vertical_alignment": "center", "horizontal_alignment": "distribute", "gap": "small"}
    with st.container(key="compare_live_asked"), st.chat_message("user", avatar=USER), st.container(**look):
        with st.container(width="stretch"):
            draw_text(typed(one.query, one.pictures) or "…", f"compare_live_{one.id}")
            thread = next((column.thread for column, turn in zip(live.columns, one.turns, strict=True) if turn), "")
            draw_pictures(live.experiments.store, live.experiments.user, thread or live.columns[0].thread, one.pictures)
        if answering:
            st.button("Stop", icon=":material/stop_circle:", key="compare_live_stop", on_click=_stop, args=(answering,))
            return None
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            if not last and st.button("Back to the newest", icon=":material/last_page:", type="tertiary"):
                st.session_state.pop("compare_live_at", None)
                st.rerun()
            st.badge(f"turn {one.number:,} of {max(length, one.number):,}", color="gray")
            return _fact(live, one, tracks)


def _stop(jobs: Sequence[Job]) -> None:
    """End every column's answer, and a conversation that plays by itself."""
    st.session_state.pop("compare_live_sample", None)
    for job in jobs:
        job.stop()


def _fact(live: Live, one: Round, tracks: Sequence[Track | None]) -> Fact | None:
    """Let the message be chosen that holds what is asked for; the likeliest by its words is suggested."""
    track = max((track for track in tracks if track), key=lambda track: len(track.rounds), default=None)
    place = track.place(one.id) if track else None
    if track is None or not place:
        return None
    facts = {id: Fact(id, index + 1, track.said[index]) for index, id in enumerate(track.rounds[:place])}
    facts = {id: fact for id, fact in facts.items() if fact.text}
    found = suggest(track.said[:place], one.query)
    likely = track.rounds[found] if found is not None else NONE
    options = [NONE, *facts]
    at = fact_in(track.rounds, track.said, one.id, live.experiment.facts)
    now = NONE if at is None or track.rounds[at] not in facts else track.rounds[at]

    def name(id: str) -> str:
        if id == NONE:
            return "No fact to look for"
        fact = facts[id]
        began = " ".join(fact.text.split())
        began = began if len(began) <= BEGAN else f"{began[:BEGAN].rstrip()} …"
        return f"Fact: turn {fact.number:,}{' (suggested)' if id == likely else ''}: {began}"

    new = st.selectbox(
        "The fact it asks for",
        options,
        index=options.index(now),
        format_func=name,
        key=f"compare_live_fact_{one.id}",
        on_change=_choose,
        args=(live, one.id),
        label_visibility="collapsed",
        width=330,
        help="The earlier message that holds what is asked for. Each column then says whether its prompt had it.",
    )
    return facts.get(new or NONE)


def _choose(live: Live, round: str) -> None:
    """Keep which message was chosen; where that fails it holds until the page is loaded again."""
    try:
        live.ask_for(round, st.session_state[f"compare_live_fact_{round}"] or NONE)
    except InspectorError as error:
        live_state.tell(str(error))


def badge_of(seen: Inspection | None, track: Track | None, fact: Fact) -> str:
    """Say in a badge whether the prompt of a turn had the fact."""
    index = track.place(fact.round) if track else None
    at = f"turn {fact.number:,}"
    if index is None:
        return _marked("red", "close", f"never reached: {at}")
    if seen is None or seen.trace.kind != "turn":
        return badge("gray", "no prompt was sent")
    found = knew(seen, index)
    why = f", {found.why}" if found.why else ""
    if found.state == "sent":
        return _marked("gray", "check", f"in the prompt: {at}{_ranked(found.why)}")
    if found.state == "gist":
        return _marked("violet", "contrast", f"only in a note: {at}, {percentage(found.overlap or 0)} of its words")
    if found.state == "ahead":
        return badge("gray", f"{at} came after it")
    if found.overlap:
        why += f", a note has {percentage(found.overlap)} of its words"
    return _marked("red", "close", f"not in the prompt: {at}{why}")


def _marked(colour: str, icon: str, text: str) -> str:
    return f":{colour}-badge[:material/{icon}: {literal(text)}]"


def _ranked(why: str) -> str:
    """Name the rank that brought a turn in; that it was among the newest says nothing."""
    return f", {why}" if why.startswith("rank") else ""


def said(one: Round) -> str:
    """Name a round in a line."""
    began = " ".join(typed(one.query, one.pictures).split()) or ", ".join(picture.name for picture in one.pictures)
    return escaped(began if len(began) <= BEGAN else f"{began[:BEGAN].rstrip()} …")
