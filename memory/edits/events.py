"""The edits of a memory's notes: events of the thread, which every rebuilding of the memory makes again.

    >>> made = edits(store, user, thread, memory_key)
    >>> state = write(memory, State(), transcript, services, edits=made)
    >>> state.edits, state.notes["summary"].text
    (1, 'Alex lives in Oslo and has a dog.')

What a person wrote stands in the thread's texts, named by the event, so that it holds when the versions of the note
are made anew: `write` gives the memory the turns up to an edit, makes the edit, and goes on. A note that was edited to
nothing is forgotten: it is blank in every rebuilding from its beginning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from memory.base import Memory, Note, Recall, Services, Span, State, Turn, rewind
from memory.store import Store, is_edit
from memory.trace import StateRef, Trace, text_hash
from memory.transcript import head

EDIT = "edit"
"""Under which name an edit's trace has the hash of what was written."""
LONGEST = 4000
"""How many characters a person may write into a note."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person made of a note when the thread had `turn` turns; `text` is empty where it was forgotten."""

    id: str
    text: str
    turns: Span
    turn: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sources(self) -> set[int]:
        """The indexes of the turns that the note came from."""
        return set(self.data.get("turns") or range(*self.turns))


def applied(state: State, made: Edit) -> State:
    """Return a state in which an edit was made."""
    earlier = state.notes.get(made.id)
    part = made.id.partition(".")[0]
    covered = state.parts.get(part, state.covered)
    since = max(made.turn, earlier.since) if earlier else made.turn
    version = earlier.version + 1 if earlier else 1
    note = Note(made.id, version, made.text, made.turns, since, made.data, covered)
    return replace(state, notes={**state.notes, made.id: note}, edits=state.edits + 1, made=(*state.made, note))


def write(
    memory: Memory,
    state: State,
    transcript: Sequence[Turn],
    services: Services,
    recall: Recall | None = None,
    edits: Sequence[Edit] = (),
) -> State:
    """Let the memory write, and make the edits that its state lacks where they were made.

    `edits` are all of this memory's; those that the state has already are passed over.
    """
    for number, made in enumerate(edits):
        if number < state.edits:
            continue
        if made.turn > len(transcript):
            break
        gone = {later.id for later in edits[number:] if not later.text}
        if state.covered < made.turn:
            state = _blank(_written(memory, state, head(transcript, made.turn), services, None), gone)
        state = applied(state, made)
    gone = {later.id for later in edits[state.edits :] if not later.text}
    return _blank(_written(memory, state, transcript, services, recall), gone)


def _written(
    memory: Memory, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None
) -> State:
    after = memory.write(state, transcript, services, recall)
    return after if after.edits == state.edits else replace(after, edits=state.edits)


def _blank(state: State, gone: set[str]) -> State:
    """Take the words out of notes that were forgotten later, so that no rebuilding brings them back."""
    if not any(note.text for id, note in state.notes.items() if id in gone):
        return state
    made = tuple(blank(note) if note.id in gone else note for note in state.made)
    notes = {id: blank(note) if id in gone else note for id, note in state.notes.items()}
    # A store takes what is new from `made` alone: so does a version with words that it may still hold.
    known = {note.ref for note in made}
    made += tuple(note for id, note in notes.items() if id in gone and note.ref not in known)
    return replace(state, notes=notes, made=made)


def blank(note: Note) -> Note:
    """Return a note that says nothing."""
    return replace(note, text="", data={})


def text_of(made: Edit) -> tuple[str, str]:
    """Write an edit as it is kept among a thread's texts; return its hash and the text."""
    row = json.dumps(asdict(made), ensure_ascii=False, sort_keys=True)
    return text_hash(row), row


def edits(store: Store, user: str, thread: str, memory_key: str) -> list[Edit]:
    """Return the edits of a memory's notes that hold, in their order."""
    events = [event for event in store.events(user, thread) if is_edit(event) and event.memory_key == memory_key]
    texts = store.texts(user, thread, [event.texts[EDIT] for event in events if EDIT in event.texts])
    return [read(texts.get(event.texts.get(EDIT, ""), ""), event) for event in events]


@dataclass(frozen=True, slots=True)
class Copied:
    """What happened between the turns of a thread, as a copy of its first turns has it: events, texts and notes."""

    events: list[Trace]
    texts: dict[str, str]
    notes: dict[str, Note]


def copied(events: Iterable[Trace], texts: Mapping[str, str], notes: Mapping[str, Note], length: int) -> Copied:
    """Return what a copy of the first `length` turns takes along, with what was forgotten of them later.

    The turns still say what a note that was forgotten said: the copy forgets it where it ends, so that no rebuilding
    brings it back there either.
    """
    found = Copied([], dict(texts), {ref: note for ref, note in notes.items() if note.since <= length})
    for event in events:
        if event.turn <= length:
            found.events.append(event)
        elif event.kind == "forget" and all(one.turns[1] <= length for one in event.left_out):
            found.events.append(replace(event, turn=length))
        elif is_edit(event):
            made = read(texts.get(event.texts.get(EDIT, ""), ""), event)
            if not made.text and made.turns[0] < min(made.turns[1], length):
                _forget_in_copy(found, event, made, length)
    return found


def _forget_in_copy(found: Copied, event: Trace, made: Edit, length: int) -> None:
    key = event.memory_key
    made = replace(made, turns=(made.turns[0], min(made.turns[1], length)), turn=length)
    before = rewind((note for ref, note in found.notes.items() if ref.rpartition("/")[0] == key), length)
    after = applied(before, made)
    name, row = text_of(made)
    found.texts[name] = row
    found.notes[f"{key}/{after.notes[made.id].ref}"] = after.notes[made.id]
    was, became = StateRef.of(before), StateRef.of(after, before)
    found.events.append(replace(event, turn=length, texts={EDIT: name}, before=was, after=became))


def read(row: str, event: Trace) -> Edit:
    """Read what `text_of` wrote; what cannot be read, as an import may hold, is an edit of no note."""
    try:
        found = json.loads(row)
        first, end = found["turns"]
        data = found["data"] if isinstance(found["data"], dict) else {}
        return Edit(str(found["id"]), str(found["text"])[:LONGEST], (int(first), int(end)), event.turn, data)
    except (ValueError, KeyError, TypeError):
        return Edit("unreadable", "", (0, 0), event.turn)


def state_at(store: Store, user: str, thread: str, memory_key: str, length: int, events: Iterable[Trace]) -> State:
    """Return a memory's state as it was when it covered so many turns, with the number of the edits that are in it."""
    state = store.state_at(user, thread, memory_key, length)
    count = sum(is_edit(event) and event.memory_key == memory_key and event.turn <= length for event in events)
    return state if state.edits == count else replace(state, edits=count)
