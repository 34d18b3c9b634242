"""Where each span of a prompt came from, in words, and where a click on its source leads.

    >>> name(seen, span), about(seen, span)
    ('Summary v2', ['Summary of turns 1 to 3.', 'Version 2, rewritten after turn 7. It covers turns 1 to 3.'])

A turn and a note are shown in Memory now, the instructions in Settings, which is where each of them is at home.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from memory.base import Item, Note
from memory.common.extract import sources_of
from memory.inspection.inspect import Inspection
from memory.inspection.pieces import Kind, kind_of, part_of
from memory.money.prefix import LOOK_BACK, cause, last_sent
from memory.prompt import PromptMessage
from memory.views import Graph
from pages.ui.cost_cache import in_words
from pages.ui.forms import graph
from pages.ui.forms.chart import open_turn
from pages.ui.words import note_name, place, plural, score, turn_list, turns

COLOURS: dict[Kind, str] = {
    "instructions": "gray",
    "summary": "violet",
    "fact": "green",
    "triple": "green",
    "note": "green",
    "passage": "orange",
    "picture": "orange",
    "quoted": "orange",
    "turn": "blue",
    "added": "gray",
    "query": "yellow",
}
"""One colour, one source of a piece of the prompt."""
SORTS: dict[Kind, str] = {
    "instructions": "instructions",
    "summary": "summary",
    "fact": "facts",
    "triple": "triples",
    "note": "notes",
    "passage": "passages",
    "picture": "pictures",
    "quoted": "quoted turns",
    "turn": "history",
    "added": "added by hand",
    "query": "query",
}
LEADS = 4
"""To how many of the turns that a note came from its piece leads."""
EDITED = "edited in step mode"


def name(seen: Inspection, span: PromptMessage) -> str:
    """Name the source of a span."""
    if span.item.startswith("date:"):
        return "Date"
    if span.item == "quotes":
        return "Introduction" if span.quoted else "Quoted turns"
    kind = kind_of(span)
    if kind in ("instructions", "query", "added"):
        return {"instructions": "Instructions", "query": "Your message", "added": "Added in step mode"}[kind]
    if span.turn is not None:
        of = span.item.partition(".")[2] if span.item.startswith("message:") else ""
        where = place(span.turn, int(of) if of else None)
        return where.capitalize() if span.quoted else f"{span.segment.capitalize()}: {where}"
    return note_name(span.item, seen.named)


def why(span: PromptMessage) -> str:
    """Say in a sentence why a span is there."""
    cut = " Cut to fit." if span.shortened else ""
    return f"{span.why[:1].upper()}{span.why[1:]}.{cut}"


def about(seen: Inspection, span: PromptMessage) -> list[str]:
    """Say where a span came from: why it is there, its score, its version, since when, what it tells of."""
    said = [why(span)]
    if item := item_of(seen, span):
        made = [f"{part} {score(value)}" for part, value in item.parts.items()]
        if made:
            said.append(f"Its score of {score(item.score or 0.0)} is made of {' and '.join(made)}.")
    if note := note_of(seen, span):
        written = "written" if note.version == 1 else "rewritten"
        written = "edited by you" if note.edited is not None else written
        told = turn_list(sources_of(note)) if sources_of(note) else turns(note.turns) if note.turns[1] else ""
        version = f"Version {note.version:,}, {written} after turn {note.since:,}." if note.since else ""
        said.append(f"{version}{f' It tells of {told}.' if told else ''}".strip())
    if span.turn is not None:
        ago = plural(seen.trace.read_length - span.turn, "turn") + " before this message"
        [turn] = seen.transcript[span.turn : span.turn + 1] or [None]
        at = f", on {datetime.fromtimestamp(turn.at, UTC):%-d %B %Y at %H:%M} UTC" if turn and turn.at > 0 else ""
        said.append(f"Said {ago}{at}.")
    return [line for line in said if line]


def item_of(seen: Inspection, span: PromptMessage) -> Item | None:
    """Return what was recalled that a span is of."""
    for item in seen.trace.items:
        within = item.turns and span.turn is not None and item.turns[0] <= span.turn < item.turns[1]
        if item.ref == span.item or (within and not item.ref.startswith("message:")):
            return item
    return None


def note_of(seen: Inspection, span: PromptMessage) -> Note | None:
    """Return the version of a note that a span is, None where it is none or has changed since."""
    if span.turn is not None or ":" not in span.item:
        return None
    id = span.item.rpartition(":")[0]
    for notes in (seen.named, seen.state.notes):
        if (note := notes.get(id)) and note.ref == span.item:
            return note
    return None


# --- where it leads ---------------------------------------------------------------------------------------------------


def leads(seen: Inspection, span: PromptMessage) -> list[dict[str, Any]]:
    """List the places that a span came from, each with its label and what `follow` needs to go there."""
    if span.turn is not None:
        return [_turn(span.turn)]
    if span.item == "instructions":
        return [{"label": "Settings", "title": "The instructions, in Settings", "page": "settings"}]
    note = note_of(seen, span)
    if note is None:
        return []
    found: list[dict[str, Any]] = []
    if (shown := _shown(seen, note)) is not None:
        called = note_name(note.ref, seen.named)
        found.append({"label": called, "title": f"{called} in Memory now", "note": note.ref, **shown})
    told = sources_of(note) or (tuple(range(*note.turns)) if note.turns[1] - note.turns[0] <= LEADS else ())
    return found + [_turn(turn) for turn in sorted(told)[-LEADS:] if turn < seen.trace.read_length]


def _turn(index: int) -> dict[str, Any]:
    called = f"Turn {index + 1:,}"
    return {"label": called, "title": f"{called} in Memory now", "turn": index, "goal": "panel_source_card"}


def _shown(seen: Inspection, note: Note) -> dict[str, Any] | None:
    """Say where Memory now shows a note: as a card, or in a graph; None where it does not."""
    own = part_of(note.id)[1]
    for at, form in enumerate(seen.view.forms):
        if isinstance(form, Graph) and note.data:
            thing = graph.find(form, own, note.data)
            return None if thing is None else {"form": at, "goal": f"panel_form_{at}_card"}
    ids = {one.id for one in seen.view.notes}
    return {"goal": "panel_note_card"} if own in ids or note.id in ids else None


def follow(seen: Inspection, lead: dict[str, Any]) -> None:
    """Go where a source is shown; for a callback, before the panel is drawn again."""
    state = st.session_state
    if (turn := lead.get("turn")) is not None:
        state["panel_view"], state["panel_moment"] = "Memory now", "asked"
        open_turn(min(max(int(turn), 0), max(0, seen.trace.read_length - 1)))
    elif note := seen.state.notes.get(str(lead.get("note", "")).rpartition(":")[0]):
        state["panel_view"], state["panel_moment"] = "Memory now", "asked"
        state["panel_note"] = note.ref
        form = lead.get("form")
        if isinstance(form, int) and form < len(seen.view.forms) and isinstance(drawn := seen.view.forms[form], Graph):
            graph.open_thing(drawn, graph.find(drawn, part_of(note.id)[1], note.data), f"panel_form_{form}")


# --- the prefix -------------------------------------------------------------------------------------------------------


def broken(seen: Inspection) -> str:
    """Say what ended the part of the prompt that a provider can reuse; "" where there was no prompt before it."""
    trace = seen.trace
    if not trace.prefix and not trace.broken:
        return ""
    if not trace.broken:
        return "new from here"
    before = last_sent([one for one in seen.recent if one.turn < trace.turn][-LOOK_BACK:])
    why = in_words(cause(before, trace), seen, before) if before else ""
    return f"prefix breaks here: {why}" if why else "prefix breaks here"
