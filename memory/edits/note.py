"""Changing what a memory wrote down: a note is given another text, or other parts where its text is made of them.

    >>> edit(conversation, "summary", "Alex lives in Oslo and has a dog.")
    >>> conversation.opened().state.notes["summary"].text
    'Alex lives in Oslo and has a dog.'

The next prompt holds what was written, and so does every state that is rebuilt (see `events.py`). An edit is
undone by editing the note back.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import replace

from memory.base import Memory, Note
from memory.conversation import Conversation
from memory.edits.events import EDIT, LONGEST, Edit, applied, text_of
from memory.errors import BadInput
from memory.reply import RACES
from memory.tokens import well_formed
from memory.trace import StateRef, Trace


def edit(
    talk: Conversation, id: str, text: str = "", parts: Mapping[str, str] | None = None, version: int | None = None
) -> Trace:
    """Give a note another text, or other parts where its text is made of them; return the event.

    `version` is the one that was looked at. Raises BadInput where the note is not there, has another version since,
    or where nothing is left of it: then it is to be forgotten.
    """
    for _ in range(RACES):
        opened = talk.opened()
        note = opened.state.notes.get(id)
        if note is None or not note.text:
            raise BadInput(f"{talk.memory.label} has no such note now: look at what it holds and choose one of those.")
        if version is not None and note.version != version:
            raise BadInput("The memory has rewritten this note meanwhile: look at it again, then edit it.")
        if opened.state.edits < opened.edits:
            raise BadInput(f"{talk.memory.label} has not taken every turn in yet: let it catch up, then edit the note.")
        said = _worded(talk.memory, note, text, parts)
        made = Edit(id, said.text, note.turns, opened.length, said.data)
        state = applied(opened.state, made)
        name, row = text_of(made)
        event = Trace(
            "edit",
            opened.length,
            uuid.uuid4().hex[:16],
            time.time(),
            talk.memory.name,
            talk.key,
            talk.memory.settings.model_dump(mode="json"),
            texts={EDIT: name},
            before=StateRef.of(opened.state),
            after=StateRef.of(state, opened.state),
        )
        if talk.store.put_state(talk.user, talk.thread, talk.key, opened.revision, state, event, {name: row}):
            return event
    raise BadInput("The note was not edited, as others kept writing here: try again in a moment.")


def _worded(memory: Memory, note: Note, text: str, parts: Mapping[str, str] | None) -> Note:
    """Return the note with its new text, and with the parts that it is made of."""
    if parts:
        parts = {name: " ".join(well_formed(part).split()) for name, part in parts.items()}
        if not all(parts.values()):
            raise BadInput("Each part of the note needs a word: fill them all in, or forget the note.")
        text = memory.worded(note.id, parts) or text
    text = well_formed(text).strip()
    if not text:
        raise BadInput("Nothing is left of the note: write something, or forget it.")
    if len(text) > LONGEST:
        raise BadInput(f"The note has {len(text):,} characters and may have {LONGEST:,}: shorten it.")
    return replace(note, text=text, data={**note.data, **(parts or {})})
