"""The x-ray of a prompt: a proportional bar, then each piece with its source, tokens and exact text.

What is drawn is put together here; the one component of our own, which draws it, is in `xray_look.py`. It sets texts
as text and never as HTML, and takes its colours from the theme.
"""

from __future__ import annotations

import json
from collections.abc import Set
from itertools import groupby
from typing import Any

import streamlit as st

from memory.inspection.inspect import Inspection
from memory.inspection.laid_out import LaidOut, Look, Run
from memory.inspection.overlap import marked
from memory.inspection.pieces import Piece, prefix_of
from memory.inspection.sent import ROLES
from memory.inspection.used import Used
from memory.prompt import PromptMessage
from pages.ui.sources import COLOURS, EDITED, about, broken, follow, leads, name, why
from pages.ui.words import fetch, number, place, plural, score, tokens, turn_list
from pages.ui.xray_gaps import gap, go, look_of
from pages.ui.xray_look import component

LONG = 4000
"""Characters of one message that are drawn at first; a click brings the whole."""
LINES = 300
"""How many lines of a quoted block are drawn."""
NEAR = 5
"""How many near misses are listed below what was sent; all of them stand in Left out."""


def draw_prompt(seen: Inspection, laid: LaidOut, found: Used) -> None:
    """Draw the prompt of a turn."""
    state, turn = st.session_state, seen.trace.turn_id
    whole: set[str] = state.get("panel_prompt_whole", {}).get(turn, set())

    def more() -> None:
        go(seen, state["panel_xray"]["more"])

    def show_whole() -> None:
        state["panel_prompt_whole"] = {turn: whole | {str(state["panel_xray"]["whole"])}}

    def lead() -> None:
        follow(seen, dict(state["panel_xray"]["lead"]))

    drawn = component()(
        data=xray_data(seen, laid, found, look_of(seen), whole),
        key="panel_xray",
        on_more_change=more,
        on_whole_change=show_whole,
        on_lead_change=lead,
    )
    if drawn.lead and drawn.lead.get("page") == "settings":
        st.switch_page("pages/settings.py")


def xray_data(
    seen: Inspection, laid: LaidOut, found: Used, look: Look, whole: Set[str] = frozenset()
) -> dict[str, Any]:
    """Describe a prompt for the component, as it is looked at; `whole` are the ids of long texts shown to their end."""
    every = [one for part in laid.parts for one in _spans(part)]
    shares = prefix_of([one.tokens for one in every], seen.trace.prefix)
    numbers, cached = {id(one): at for at, one in enumerate(every)}, dict(zip(map(id, every), shares, strict=True))
    at, where = next((at for at, one in enumerate(every) if shares[at] < one.tokens), -1), broken(seen)
    make = _Drawing(seen, found, numbers, cached, whole)
    shown: list[dict[str, Any]] = []
    gaps: list[dict[str, Any]] = []
    parted: dict[str, Any] | None = None
    places = laid.places
    placed = zip(laid.parts, places, places[1:], strict=False)
    for visible, run in groupby(placed, key=lambda one: look.shows(one[0], one[1], places[-1])):
        parts = list(run)
        held = [one for part, *_ in parts for one in _spans(part)]
        breaks = where if any(numbers[id(one)] == at for one in held) else ""
        if visible:
            shown += [make.piece(place, part) for part, place, _ in parts if isinstance(part, Piece)]
            if breaks:
                parted = {"span": at, "text": _into(breaks, shares[at], "this")}
        else:
            size = sum(cached[id(one)] for one in held)
            last = parts[-1][2] >= places[-1] - look.last
            gaps.append(
                {
                    **gap([part for part, *_ in parts], look, last),
                    "at": len(shown),
                    "cached": size,
                    "size": tokens(sum(one.tokens for one in held), seen.trace.exact),
                    "broken": _into(breaks, size, "these"),
                }
            )
    return {
        "pieces": shown,
        "gaps": gaps,
        "broken": parted,
        "missed": make.missed(),
        "label": f"Prompt of turn {seen.trace.turn + 1:,}, piece by piece",
    }


def _spans(part: Piece | Run) -> tuple[PromptMessage | Run, ...]:
    """Return what the tokens of a part are counted by; a run of turns that nobody read is one."""
    return part.spans if isinstance(part, Piece) else (part,)


def _into(text: str, share: int, what: str) -> str:
    """Say how far into a span, or into what is not drawn, the reusable prefix reaches."""
    return text.replace("here", f"{plural(share, 'token')} into {what}", 1) if share else text


class _Drawing:
    """Describes pieces one by one, each span numbered by its place among all spans of the prompt."""

    def __init__(
        self, seen: Inspection, found: Used, numbers: dict[int, int], cached: dict[int, int], whole: Set[str]
    ) -> None:
        self.seen, self.found, self.numbers, self.cached, self.whole = seen, found, numbers, cached, whole
        self.exact = seen.trace.exact

    def piece(self, place: int, piece: Piece) -> dict[str, Any]:
        """Describe one piece: the messages of one turn, a note, the instructions, the query or a block of quotes."""
        first = piece.spans[0]
        described = {
            "id": f"{place}",
            "turn": first.turn + 1 if piece.kind == "turn" and first.turn is not None else None,
            "colour": COLOURS[piece.kind],
            "tokens": piece.tokens,
            "size": tokens(piece.tokens, self.exact),
            "cached": sum(self.cached[id(span)] for span in piece.spans),
            "spans": [self.numbers[id(piece.spans[0])], self.numbers[id(piece.spans[-1])]],
        }
        if first.quoted:
            return described | self._quoted(place, piece)
        words = self.found.words.get(first.item, ())
        source, chips = name(self.seen, first), self._chips(first, words)
        return described | {
            "source": source,
            "chips": chips,
            "why": " ".join([f"{why(first)}", *self._overlap(words)]),
            "about": [*about(self.seen, first), *self._overlap(words)],
            "leads": leads(self.seen, first),
            "copy": f"Copy {_lower(source)}",
            "texts": [
                text for at, span in enumerate(piece.spans) for text in self._texts(span, words, f"{place}.{at}")
            ],
        }

    def _quoted(self, place: int, piece: Piece) -> dict[str, Any]:
        """Describe what was quoted: one block of lines, each with its reason and its size."""
        lines = []
        for at, span in enumerate(piece.spans[:LINES]):
            words = self.found.words.get(span.item, ()) if span.turn is not None else ()
            size, source = tokens(span.tokens, self.exact), name(self.seen, span)
            text = self._text(span.content.rstrip("\n"), words, f"{place}.{at}")
            # Of several lines of one turn those that have the words are marked.
            words = words if text["marks"] else ()
            lines.append(
                {
                    **text,
                    "why": f"{source}, {size}: {why(span)[:1].lower()}{why(span)[1:]}"
                    if span.turn is not None
                    else f"{why(span)} {size}.",
                    "about": [f"{source}, {size}.", *about(self.seen, span), *self._overlap(words)],
                    "leads": leads(self.seen, span),
                    "chips": self._chips(span, words),
                    "copy": f"Copy this line of {_lower(source)}" if span.turn is not None else "Copy this line",
                    "tokens": span.tokens,
                    "cached": self.cached[id(span)],
                    "heading": span.turn is None,
                }
            )
        rest = piece.spans[LINES:]
        return {
            "source": f"Memory: quoted {turn_list(piece.turns)}",
            "chips": [],
            "why": "Sent as one message: turns that are recalled out of their order are quoted.",
            "about": ["Sent as one message: turns that are recalled out of their order are quoted."],
            "leads": [],
            "copy": "Copy the block",
            "texts": [],
            "lines": lines,
            "block": piece.text if len(piece.text) <= LONG * 10 else "",
            "rest": {
                "text": f"… {plural(len(rest), 'more line')}",
                "tokens": sum(span.tokens for span in rest),
                "cached": sum(self.cached[id(span)] for span in rest),
            }
            if rest
            else None,
        }

    def _texts(self, span: PromptMessage, words: tuple[str, ...], key: str) -> list[dict[str, Any]]:
        """Give what a message says and which tools it calls, each under the role that it is sent with."""
        role = span.name or ROLES[span.type]
        at_span = {"span": self.numbers[id(span)]}
        said = [{"role": role, **at_span, **self._text(span.content, words, key)}] if span.content else []
        for at, call in enumerate(span.tool_calls):
            text = json.dumps(dict(call), ensure_ascii=False, default=str)
            said.append({"role": f"{role} calls", **at_span, **self._text(text, (), f"{key}.{at}")})
        return said

    def _text(self, text: str, words: tuple[str, ...], key: str) -> dict[str, Any]:
        """Give a text, its beginning where it is long, with the places of the words that it shares with the answer."""
        shown = text if key in self.whole else text[:LONG]
        over = len(text) - len(shown)
        rest = f"Show {number(over)} more characters" if over else ""
        return {"id": key, "text": shown, "marks": marked(shown, words) if words else [], "rest": rest}

    def _chips(self, span: PromptMessage, words: tuple[str, ...]) -> list[str]:
        chips = ["edited"] if span.why == EDITED else []
        return [*chips, "overlaps"] if words else chips

    def _overlap(self, words: tuple[str, ...]) -> list[str]:
        return [f"Overlaps with the answer: {', '.join(words)}."] if words else []

    def missed(self) -> dict[str, Any] | None:
        """Describe what was retrieved and not sent: the best of the near misses."""
        near = self.found.near
        if not near:
            return None
        turns = fetch(self.seen.transcript, {left.turns[0] for left in near[:NEAR]})
        said = {turn.index: turn for turn in turns}
        rows = []
        for left in near[:NEAR]:
            index = left.turns[0]
            turn = said.get(index)
            text = (turn.human or turn.ai) if turn else ""
            if turn and left.message is not None and left.message < len(turn.messages):
                text = turn.messages[left.message].content
            found = "" if left.score is None else f" ({score(left.score)})"
            shown = left.why if "rank" in left.why else f"rank {left.rank:,}, {left.why}"
            rows.append(
                {
                    "source": place(index, left.message).capitalize(),
                    "text": " ".join(text.split())[:80],
                    "why": shown if found.strip(" ()") in shown else f"{shown}{found}",
                    "lead": leads(self.seen, _at(index))[0],
                }
            )
        rest = len(near) - len(rows)
        more = f"{rest:,} more near {'miss' if rest == 1 else 'misses'} in Left out" if rest else ""
        return {"title": "Retrieved, not sent", "rows": rows, "more": more}


def _at(turn: int) -> PromptMessage:
    return PromptMessage("human", "", "memory", f"turn:{turn}", 0, "", turn)


def _lower(source: str) -> str:
    return f"{source[:1].lower()}{source[1:]}"
