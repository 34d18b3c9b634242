"""Memory now: what the memory held when the turn was asked and after it, and what changed between two turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from memory.base import Item, Note, Turn
from memory.catalog import load
from memory.inspection.held import after, now
from memory.inspection.inspect import Inspection
from memory.inspection.remembered import BY_LIKENESS
from memory.tokens import count_tokens
from memory.views import Graph
from pages.ui import forms, layers
from pages.ui.changes import draw_changes, draw_since, draw_written
from pages.ui.note_actions import note_actions, turn_actions, watched
from pages.ui.strip import ALL, chosen, draw_strip
from pages.ui.survival_view import draw_survival
from pages.ui.words import badge, caveat, escaped, literal, note_name, plural, score, states, tokens, turns

LONG = 1200
"""Characters of a text that are shown at once."""
BADGES = {"sent": "blue", "not sent": "gray", "summary": "violet"}


STATUS = {
    "stopped": "You stopped this answer.",
    "failed": "This answer failed.",
    "forgotten": "This turn is forgotten.",
}
NOTES = 8
"""Up to so many notes have their cards at once; more on demand."""
MOST_NOTES = 200
MOMENTS = ("asked", "after")


@dataclass(frozen=True, slots=True)
class Current:
    """The memory that reads the thread from now on: its name in the catalogue, the key of its state, its settings."""

    name: str
    key: str
    settings: Mapping[str, Any]

    def since(self, seen: Inspection) -> bool:
        """Whether it was chosen after the newest turn, so that no message was read by it yet."""
        trace = seen.trace
        return seen.now and (trace.memory, dict(trace.settings)) != (self.name, dict(self.settings))


def draw(seen: Inspection, current: Current | None = None) -> None:
    """Draw the view; `current` is the memory that the next message is read by."""
    switched = current is not None and current.since(seen)
    moment = _moment(seen, switched)
    if moment == "after":
        held = now(seen, current.name, current.key, current.settings) if current and switched else after(seen)
        _holding(held)
        with st.container(gap="xsmall"):
            draw_since(seen, held)
        if not switched:
            with st.container(gap="xsmall"):
                draw_written(seen)
        return
    if seen.trace.kind == "import":
        turn_card(seen.turn, ":gray-badge[imported]", f"{tokens(seen.turn.count(seen.trace.encoding))}.")
    else:
        _holding(seen)
    with st.container(gap="xsmall"):
        draw_changes(seen)
    with st.container(gap="xsmall"):
        draw_written(seen)


def _moment(seen: Inspection, switched: bool) -> str:
    """Let be chosen whether the memory is shown before the turn or after it."""
    state, of = st.session_state, (seen.thread, seen.length if switched else None)
    was = state.get("panel_moment_of")
    if was != of and (switched or (was and was[1])):
        # What a switch has changed is what one wants to see; with the next message it is past.
        state["panel_moment"] = "after" if switched else "asked"
    state["panel_moment_of"] = of
    state.setdefault("panel_moment", "asked")
    words = {"asked": f"When turn {seen.trace.turn + 1:,} was asked", "after": "Now" if seen.now else "After it"}
    return st.segmented_control(
        "Moment of the turn",
        MOMENTS,
        format_func=words.__getitem__,
        required=True,
        key="panel_moment",
        label_visibility="collapsed",
        persist_state="session",
    )


def _holding(seen: Inspection) -> None:
    """Draw what is held: the turns as a strip, the forms of the memory, its notes, and the card of a turn."""
    length = seen.trace.read_length
    if length:
        with st.container(gap="xsmall"):
            source = draw_strip(seen, length)
            st.markdown(" ".join(_counts(seen)))
        for place, form in enumerate(seen.view.forms):
            with st.container(gap="xsmall"):
                forms.draw(form, seen, f"panel_form_{place}")
        for sentence in seen.view.told:
            st.caption(escaped(sentence))
    elif seen.view.notes:
        st.markdown("No turn came before this one; what is sent here was remembered before.")
    else:
        st.markdown("The memory is empty: no turn came before this one.")
    if not seen.coming:
        with st.container(gap="xsmall"):
            layers.draw(seen)
    with st.container(gap="xsmall"):
        if seen.coming:
            _behind(seen)
        _notes(seen)
        if length:
            _source_card(seen, source, length)
    if text := caveat(seen.trace):
        st.caption(f":material/info: {escaped(text)}")


def _behind(seen: Inspection) -> None:
    """Say where a memory has not taken every turn in yet."""
    cls, done, length = load().memories.get(seen.trace.memory), seen.state.covered, seen.trace.read_length
    if cls and cls.stateful and done < length:
        st.caption(f"It has taken in {done:,} of {plural(length, 'turn')}; the others follow with the next message.")


def _notes(seen: Inspection) -> None:
    """Draw the notes, those that were sent first, then the newest; of very many the others on demand."""
    graph = any(isinstance(form, Graph) for form in seen.view.forms)
    sent = {item.ref for item in seen.trace.items}
    # What a note says in parts, as a triple does, stands in the graph; one without a text holds no longer.
    notes = [note for note in seen.view.notes if note.text and not (graph and note.data)]
    if graph:
        _in_parts(seen, [note for note in seen.state.notes.values() if note.text and note.data])
    if len(notes) > NOTES:
        notes.sort(key=lambda note: (note.ref not in sent, -note.since))
    for note in notes[:NOTES]:
        _note_card(seen, note)
    if len(notes) > NOTES:
        more = st.expander(f"{len(notes) - NOTES:,} more", type="compact", key="panel_more_notes", on_change="rerun")
        if more.open:
            with more:
                for note in notes[NOTES:MOST_NOTES]:
                    _note_card(seen, note)
                if len(notes) > MOST_NOTES:
                    st.caption(f"{plural(len(notes) - MOST_NOTES, 'older note')} not drawn.")


def _in_parts(seen: Inspection, notes: list[Note]) -> None:
    """Let one of the notes that a graph draws be chosen, to be edited or forgotten."""
    if not notes or watched(seen.thread):
        return
    more = st.expander("Edit or forget a note of the graph", type="compact", key="panel_parts", on_change="rerun")
    if more.open:
        with more:
            texts = {note.ref: note.text for note in sorted(notes, key=lambda note: -note.since)}
            ref = st.selectbox("Note", list(texts), format_func=lambda ref: texts.get(ref, ref)[: LONG // 10])
            chosen_note = next((note for note in notes if note.ref == ref), notes[0])
            note_actions(seen, chosen_note, "panel_parts")


def _counts(seen: Inspection) -> list[str]:
    """Say how many turns are in each state, and what they weigh; this is the strip's legend too."""
    exact = seen.trace.exact
    badges = []
    for state, words in states(seen).items():
        of_state = [block for block in seen.view.blocks if block.state == state]
        count = sum(block.turns[1] - block.turns[0] for block in of_state)
        if not count:
            continue
        text = f"{words}: {plural(count, 'turn')}"
        if state == "sent":
            text += f", {tokens(sum(item.tokens for item in seen.trace.items if item.turns), exact)}"
        elif state == "not sent" and count <= ALL:
            weight = sum(t.count(seen.trace.encoding) for b in of_state for t in seen.transcript[slice(*b.turns)])
            text += f", {tokens(weight, exact)}"
        badges.append(badge(BADGES[state], text))
    return badges


# --- the cards --------------------------------------------------------------------------------------------------------


def _note_card(seen: Inspection, note: Note) -> None:
    """Show a note as it was when the turn was asked."""
    # What stands in no note of the state is drawn under its own name, which has no colon.
    item = next((one for one in seen.trace.items if note.ref == one.ref or note.id == one.ref.replace(":", "-")), None)
    size = count_tokens(note.text, seen.trace.encoding)
    chosen_here = st.session_state.get("panel_note") == note.ref
    with st.container(border=True, gap="xsmall", key="panel_note_card" if chosen_here else None):
        covers = badge("violet", f"covers {turns(note.turns)}") if note.turns[1] else ""
        st.markdown(
            f"**{literal(note_name(note.ref if note.since else note.id))}** {covers} {tokens(size, seen.trace.exact)}"
        )
        long_text(note.text, f"{note.ref} now")
        st.caption(f"{_fate(seen, note, item)}.{_origin(note)}{_scored(item)}")
        note_actions(seen, note, "panel")


def _fate(seen: Inspection, note: Note, item: Item | None) -> str:
    """Say whether a note was sent, or will be."""
    if seen.coming and item and item.why == BY_LIKENESS:
        return "Kept: sent with a message that it fits"
    if seen.coming:
        return "Would be sent with the next message" if item or not note.since else "Kept"
    if item and item.shortened is not None:
        return f"Sent, cut to {tokens(item.tokens)}"
    return "Sent" if item or not note.since else "Not sent"


def _scored(item: Item | None) -> str:
    """Say how well it fits, where it was found by a search that compares in several ways."""
    if item is None or item.score is None or not item.parts:
        return ""
    parts = ", ".join(f"{name} {score(value)}" for name, value in item.parts.items())
    return f" {escaped(item.why[:1].upper() + item.why[1:])}: score {score(item.score)} ({parts})."


def _origin(note: Note) -> str:
    if not note.since:
        return ""
    if note.edited is not None:
        return f" Edited by you after turn {note.since:,}."
    return f" {'Written' if note.version == 1 else 'Rewritten'} after turn {note.since:,}."


def _source_card(seen: Inspection, source: int, length: int) -> None:
    """Show the selected turn, with the control that selects it without a pointer."""
    block = next(
        (b for b in sorted(seen.view.blocks, key=lambda b: b.state != "sent") if b.turns[0] <= source < b.turns[1]),
        None,
    )
    turn = seen.transcript[source]
    why = f"{block.why[:1].upper()}{block.why[1:]}. " if block else ""
    badges = badge(BADGES[block.state], states(seen)[block.state]) if block else ""
    with st.container(border=True, gap="xsmall", key="panel_source_card"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**Turn {source + 1:,}** {badges}", width="content")
            st.number_input(
                "Turn whose card is open",
                1,
                length,
                key="panel_source",
                on_change=chosen,
                label_visibility="collapsed",
                width=130,
            )
        _said(turn)
        if turn.status != "forgotten":
            draw_survival(seen, turn)
        st.caption(escaped(f"{why}{tokens(turn.count(seen.trace.encoding), seen.trace.exact)}."))
        turn_actions(seen.thread, turn, "panel")


def turn_card(turn: Turn, badges: str, caption: str) -> None:
    """Show a turn: who said what, and a line about it."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**Turn {turn.index + 1:,}** {badges}")
        _said(turn)
        st.caption(escaped(caption))


def _said(turn: Turn) -> None:
    for place, message in enumerate(turn.messages):
        speaker = {"human": "You", "ai": "Model", "tool": "Tool"}[message.role]
        if message.content:
            long_text(f"{message.name or speaker}: {message.content}", f"{turn.id}.{place}")
    if told := STATUS.get(turn.status):
        st.caption(told)


def long_text(text: str, key: str) -> None:
    """Show a text as it is, without Markdown; the rest of a long one on demand."""
    if len(text) <= LONG:
        st.text(text)
        return
    st.text(f"{text[:LONG]} …")
    more = st.expander(f"All {len(text):,} characters", type="compact", key=f"panel_long_{key}", on_change="rerun")
    if more.open:
        more.text(text)
