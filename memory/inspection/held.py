"""What a memory holds between two messages: after a turn was written, or now, before the next is asked.

    >>> seen = inspect(store, user, thread, index=4, length=9)
    >>> after(seen).state.notes["summary"].ref, seen.state.notes["summary"].ref
    ('summary:3', 'summary:2')

It is given as an Inspection whose trace speaks of the message to come: what it would be sent together with, as far as
that does not depend on what is asked. No model is called for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from memory.base import LeftOut, Memory, Note, Recall, State
from memory.catalog import load
from memory.inspection.inspect import Inspection
from memory.inspection.remembered import remembered, with_remembered
from memory.services import DEFAULT_WINDOW

UNKNOWN = "what is recalled depends on the message"
OUTSIDE = "what was kept outside of the conversation then is not known"


def after(seen: Inspection) -> Inspection:
    """Return what the memory held after the turn was written; of the newest turn what it holds now."""
    trace = seen.trace
    state, wrote = seen.state, trace.after
    if seen.now:
        state = seen.store.state_at(seen.user, seen.thread, trace.memory_key, seen.length)
    elif wrote:
        known = seen.store.state_at(seen.user, seen.thread, trace.memory_key, wrote.covered)
        # A note that was edited before the next message is newer than what the turn wrote.
        state = replace(known, notes={**known.notes, **{note.id: note for note in seen.written}})
    return _held(seen, trace.memory, trace.memory_key, trace.settings, state, trace.turn + 1)


def now(seen: Inspection, memory: str, key: str, settings: Mapping[str, Any]) -> Inspection:
    """Return what a memory that the thread was switched to holds now; `key` names its state."""
    state = seen.store.state_at(seen.user, seen.thread, key, seen.length)
    return _held(seen, memory, key, settings, state, seen.length)


FEW = 50
"""Of so many notes that were rewritten the version before is asked for; of more the whole state of that time is."""


def notes_between(old: Inspection, new: Inspection) -> tuple[Mapping[str, Note], Mapping[str, Note]]:
    """Return the notes by id, as each turn was asked, that may differ between the two; `old` is the earlier turn.

    Of a large state that has hardly changed hardly anything is read.
    """
    key, before, after = new.trace.memory_key, old.trace.before, new.trace.before
    if before and after and old.trace.memory_key == key and before.covered <= after.covered:
        newer = {id: note for id, note in new.state.notes.items() if note.since > before.covered}
        refs = {id: f"{key}/{id}:{note.version - 1}" for id, note in newer.items() if note.version > 1}
        if len(newer) <= FEW:
            found = new.store.notes(new.user, new.thread, refs.values())
            older = {id: found[ref] for id, ref in refs.items() if ref in found}
            if len(older) == len(refs) and all(note.since <= before.covered for note in older.values()):
                return older, newer
    return old.state.notes, new.state.notes


def _held(seen: Inspection, name: str, key: str, settings: Mapping[str, Any], state: State, length: int) -> Inspection:
    recall = Recall(left_out=(LeftOut((0, length), UNKNOWN),))
    try:
        memory = load().make(name, settings)
        # What is kept outside of the store is there as it is now and not as it was.
        outside = type(memory).erase.__func__ is not Memory.erase.__func__  # type: ignore[attr-defined]
        if outside and length < seen.length:
            recall = Recall(left_out=(LeftOut((0, length), OUTSIDE),))
        elif not memory.retrieves:
            recall = memory.read(
                state, seen.transcript.head(length), "", seen.services, seen.trace.budget or DEFAULT_WINDOW
            )
        recall = with_remembered(recall, remembered(memory, seen, length))
    except Exception:
        pass  # a plug-in that has been taken away, or needs a service: its notes are shown all the same
    trace = replace(
        seen.trace,
        kind="turn",
        memory=name,
        memory_key=key,
        settings=settings,
        read_length=length,
        items=recall.items,
        left_out=recall.left_out,
        shares=(),
    )
    return replace(seen, trace=trace, coming=True, held=state)
