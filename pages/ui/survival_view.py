"""What of a turn survives in the summary or note that speaks of it: its words, those that are lost struck through.

draw_survival(seen, turn)        # below the words of a turn; draws nothing where no note tells of it
"""

from __future__ import annotations

import streamlit as st

from memory.base import Note, Turn
from memory.inspection.inspect import Inspection
from memory.inspection.survival import Survival, tell_of, turn_survival
from pages.ui.words import escaped, is_recall, literal, note_name, plural

SHOWN = 60
"""How many words of a turn are shown; the others are counted."""
HELP = (
    "Compared are names, numbers and rarer words, but for their endings. A word that a synonym stands for is lost, "
    "one that the summary has from another turn as kept."
)


def draw_survival(seen: Inspection, turn: Turn) -> None:
    """Show which words of a turn are left in the notes that tell of it; of one that is sent itself all are."""
    notes = notes_of(seen, turn.index)
    if not notes or any(item.turns and item.turns[0] <= turn.index < item.turns[1] for item in seen.trace.items):
        return
    found = turn_survival(turn, notes)
    names = [note_name(note.ref, seen.state.notes) for note in notes[:3]]
    others = f" and {plural(len(notes) - 3, 'other note')}" if len(notes) > 3 else ""
    where = literal(f"{', '.join(names)}{others}")
    if not found.words:
        st.caption(f"{where}: the turn has no names, numbers or rarer words that could survive in it.")
        return
    st.markdown(f"**{counted(found)} survive** in {where}", help=HELP)
    st.markdown(_words(found))


def notes_of(seen: Inspection, index: int) -> list[Note]:
    """Return the notes that tell of a turn and were sent with the prompt; where none was, those that were held."""
    told = tell_of((note for note in seen.state.notes.values() if not is_recall(note.id)), index)
    sent = {item.ref for item in seen.trace.items}
    return [note for note in told if note.ref in sent] or told


def counted(found: Survival) -> str:
    return f"{len(found.kept):,} of {plural(len(found.words), 'word')}"


def _words(found: Survival) -> str:
    """Write the words in the order of the turn: kept ones bold on the summary's colour, lost ones struck through."""
    marked = [
        f":violet-background[**{escaped(word)}**]" if survives else f"~~{escaped(word)}~~"
        for word, survives in found.words[:SHOWN]
    ]
    rest = len(found.words) - SHOWN
    return " · ".join(marked) + (f" · … {plural(rest, 'more word')}" if rest > 0 else "")
