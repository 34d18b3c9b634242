"""What of a long prompt is looked at, and the rows that stand for the rest of it.

    gap(parts, Look(), last=True)
    {'text': '… 9,899 more turns', 'hint': 'Show the last 100', 'grow': 'last', 'turns': [7, 9905], 'tokens': 1184213}

A click shows more of a gap, and a number leads into it; nothing of it is read before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from memory.base import Span
from memory.inspection.inspect import Inspection
from memory.inspection.laid_out import MORE, LaidOut, Look, Run, lay_out, tokens_of
from memory.inspection.pieces import Piece
from pages.ui.words import plural

OPEN, COUNTED = "panel_prompt_open", "panel_prompt_counted"


def look_of(seen: Inspection) -> Look:
    """Return how somebody looks at the prompt of a turn."""
    found = st.session_state.get(OPEN, {}).get(seen.trace.turn_id)
    return found if isinstance(found, Look) else Look()


def laid_out(seen: Inspection) -> LaidOut:
    """Lay out the prompt of a turn as somebody looks at it; turns that had to be counted for it are counted once."""
    known: dict[Span, int] = st.session_state.get(COUNTED, {}).get(seen.trace.turn_id, {})

    def count(span: Span) -> int:
        if span not in known:
            known[span] = tokens_of(seen, span)
            st.session_state[COUNTED] = {seen.trace.turn_id: known}
        return known[span]

    return lay_out(seen, look_of(seen), count)


def go(seen: Inspection, wish: Any) -> None:
    """Look further: at a turn by its number, or at more before or after those that are drawn; for a callback."""
    look = look_of(seen)
    first, end = look.turns
    ways = {
        "last": replace(look, last=look.last + MORE),
        "before": replace(look, turns=(max(0, first - MORE), end)),
        "after": replace(look, turns=(first, end + MORE)),
    }
    look = ways.get(str(wish), look)
    if isinstance(wish, int):
        look = look.at(min(max(wish, 1), max(1, seen.trace.read_length)) - 1)
    st.session_state[OPEN] = {seen.trace.turn_id: look}


def gap(parts: Sequence[Piece | Run], look: Look, last: bool) -> dict[str, Any]:
    """Describe what is not drawn, and from which side a click draws more of it; `last` says that the end follows it."""
    many = sum(part.length if isinstance(part, Run) else 1 for part in parts)
    turns = [turn for part in parts for turn in _ends(part)]
    follows = bool(turns) and look.turns[0] < look.turns[1] <= min(turns)
    grow = "before" if not last else "after" if follows else "last"
    some = f"Show the {'first' if grow == 'after' else 'last'} {MORE:,}" if many > MORE else "Show them"
    of_turns = all(isinstance(part, Run) or part.kind == "turn" for part in parts)
    return {
        "text": f"… {plural(many, 'more turn' if of_turns else 'more piece')}",
        "hint": some,
        "grow": grow,
        "turns": [min(turns) + 1, max(turns) + 1] if turns and many > MORE else None,
        "tokens": sum(part.tokens for part in parts),
    }


def _ends(part: Piece | Run) -> tuple[int, ...]:
    """Return the first and the last turn of what is not drawn."""
    if isinstance(part, Run):
        return part.turns[0], part.turns[1] - 1
    turn = part.spans[0].turn
    return (turn,) if part.kind == "turn" and turn is not None else ()
