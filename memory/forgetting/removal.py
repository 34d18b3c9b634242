"""What forgetting a turn or a note takes out of its thread: worked out here, committed by the store at once.

    >>> done = take_out_turn(store, user, thread, 3)
    >>> [(row.place, row.there) for row in done.rows]
    [('messages of turn 4', 2), ('memory notes written after it', 3), ...]

A turn leaves a tombstone in its place, so that no index shifts. Every memory's state goes back to before it: a note
may say what it said in other words. What was sent in it and stands nowhere else goes too, as do texts of later turns
that repeat it: prompts that somebody edited, what a plug-in wrote. Edits of notes hold, but for those that repeat it.
"""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from memory.base import Item, LeftOut, State, Turn
from memory.catalog import load
from memory.edited_prompt import EDITED, from_text
from memory.edits.events import EDIT, Edit, applied, blank, read, state_at, text_of
from memory.errors import BadInput
from memory.forgetting.receipt import Row
from memory.forgetting.said import Words, said_in
from memory.pictures.album import ids_of
from memory.reply import RACES
from memory.store import UNTITLED, Store, is_edit
from memory.stores.removal import Removal
from memory.threads import title_of
from memory.trace import StateRef, Trace, silent

WHOLE = 8
"""From how many characters on a message found in a prompt is no accident."""
PICTURES = "pictures that came with it"
YOUR_EDIT = "your edit of"
"""How the row of an edit begins."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a commit took out: rows of the receipt, and the words that are gone with it."""

    rows: tuple[Row, ...]
    said: tuple[str, ...]
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A removal that is worked out, and what it takes out by its name on the receipt."""

    removal: Removal
    there: Mapping[str, int]
    said: tuple[str, ...]
    turn: Turn | None = None
    edits: tuple[Written, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What a person wrote into a note, which goes with what it repeats: `what` names it without its words."""

    what: str
    text: str
    shared: tuple[str, ...] = ()


def take_out_turn(store: Store, user: str, thread: str, index: int) -> Done:
    """Forget one turn of a thread; one that is forgotten already is left as it is. Raises BadInput for no turn."""
    turn = turn_at(store, user, thread, index)
    if turn.status == "forgotten":
        return Done((), (), turn)
    event = uuid.uuid4().hex[:16]
    return _commit(store, user, thread, lambda: turn_removal(store, user, thread, index, event))


def take_out_note(store: Store, user: str, thread: str, memory_key: str, id: str) -> Done:
    """Forget a note of a memory with all of its versions. Raises BadInput where there is none."""
    event = uuid.uuid4().hex[:16]
    return _commit(store, user, thread, lambda: note_removal(store, user, thread, memory_key, id, event))


def turn_at(store: Store, user: str, thread: str, index: int) -> Turn:
    """Return a turn; raises BadInput where there is none."""
    found = store.turns(user, thread, index, index + 1) if index >= 0 else []
    if not found:
        raise BadInput(f"This conversation has no turn {index + 1:,}: choose one that it has.")
    return found[0]


def _commit(store: Store, user: str, thread: str, work_out: Callable[[], Taken]) -> Done:
    for _ in range(RACES):
        taken = work_out()
        if store.forget(user, thread, taken.removal):
            return Done(_looked_again(store, user, thread, taken), taken.said, taken.turn)
    raise BadInput("Nothing was forgotten, as others kept writing here: try again in a moment.")


def turn_removal(store: Store, user: str, thread: str, index: int, event: str) -> Taken:
    """Work out what forgetting a turn changes."""
    heads, events, turn = store.heads(user, thread), store.events(user, thread), turn_at(store, user, thread, index)
    named = {hash for trace in events for hash in trace.texts.values()}
    traces = store.traces(user, thread, index, heads.length)
    notes, texts = store.everything(user, thread)
    turns = store.turns(user, thread, 0, heads.length)
    words = Words.only(said_in(turn), [text for one in turns if one.index != index for text in said_in(one)])
    gone = {ref: note for ref, note in notes.items() if note.since > index}
    tombstones = {one.index for one in turns if one.status == "forgotten"}
    events, edits, written = _events(events, texts, words, index, tombstones | {index})
    back = {key: state_at(store, user, thread, key, index, events) for key in heads.states}
    states = {key: back[key] for key, state in heads.states.items() if state.reach > index}
    kept = {hash for trace in events for hash in trace.texts.values()}
    own = _own_texts(traces) - kept
    if own:
        own -= {hash for trace in store.traces(user, thread, 0, index) for hash in trace.texts.values()}
    texts_gone = [
        hash for hash in texts if hash in {*own, *_repeating(traces, texts, words, kept, turn), *(named - kept)}
    ]
    others = ids_of(one for one in turns if one.index != index)
    shown = {picture for picture in ids_of([turn]) if picture not in others}
    later = {trace.turn: plain for trace in traces[1:] if (plain := _unseen(_plain(trace, words), shown)) != trace}
    first = next((text for text in turn.human.splitlines() if text.strip()), "")
    titled = bool(first) and heads.thread.title in (title_of(turn.human), title_of(first))
    removal = Removal(
        heads,
        Trace("forget", heads.length, event, time.time(), left_out=(LeftOut((index, index + 1), "forgotten"),)),
        Turn(turn.id, (), "forgotten", turn.at, index=index),
        _stripped(traces[0]),
        states,
        notes=tuple(gone),
        texts=tuple(texts_gone),
        traces=later,
        events=tuple(events),
        edits=edits,
        pictures=tuple(sorted(shown)),
        title=UNTITLED if titled else None,
    )
    there = {
        f"messages of turn {index + 1}": len(turn.messages),
        "earlier answers of it": len(turn.earlier),
        PICTURES: len(removal.pictures),
        "memory notes written after it": len(gone),
        "memories set back to the turn before it": len(states),
        **Counter(one.what for one in written),
        "copies of it in prompts": len(texts_gone),
        "title made of it": int(titled),
        "messages on their way": heads.pending,
        "saved model answers that could be used again": heads.cached,
    }
    said = (*said_in(turn), *(note.text for note in gone.values()), *(texts[hash] for hash in texts_gone))
    return Taken(removal, {place: count for place, count in there.items() if count}, said, turn, tuple(written))


def note_removal(store: Store, user: str, thread: str, memory_key: str, id: str, event: str) -> Taken:
    """Work out what forgetting a note changes: every version of it becomes blank, and so does every rebuilding."""
    heads, events = store.heads(user, thread), store.events(user, thread)
    state = heads.states.get(memory_key, State())
    note = state.notes.get(id)
    if note is None or not note.text:
        raise BadInput("The memory holds no such note now: look at what it holds and choose one of those.")
    everything, texts = store.everything(user, thread)
    versions = {ref: one for ref, one in everything.items() if ref.startswith(f"{memory_key}/{id}:")}
    mine = [one for one in events if is_edit(one) and one.memory_key == memory_key]
    earlier = [one for one in mine if read(texts.get(one.texts.get(EDIT, ""), ""), one).id == id]
    dropped = {one.turn_id for one in earlier}
    made = Edit(id, "", note.turns, heads.length)
    # One that lags behind its edits makes those that it lacks first, and this one again after them.
    lags = state.edits < len(mine)
    edits = state.edits - sum(one.turn_id in dropped for one in mine[: state.edits]) - lags
    after = applied(replace(state, edits=edits, made=()), made)
    name, row = text_of(made)
    trace = Trace(
        "edit",
        heads.length,
        event,
        time.time(),
        memory_key.partition(",")[0].partition("(")[0],
        memory_key,
        items=(Item(note.ref, "memory", "forgotten", 0),),
        texts={EDIT: name},
        before=StateRef.of(state),
        after=StateRef.of(after, state),
    )
    written = {ref: blank(one) for ref, one in versions.items()}
    written[f"{memory_key}/{after.notes[id].ref}"] = after.notes[id]
    hashes = {hash for one in earlier for hash in one.texts.values()} - {name}
    said = [one.text for one in versions.values()]
    turns = store.turns(user, thread, 0, heads.length)
    words = Words.only(said, [text for turn in turns for text in said_in(turn)])
    traces = store.traces(user, thread, 0, heads.length)
    prompts = {hash for one in traces if (hash := one.texts.get(EDITED)) and _quoted(texts.get(hash, ""), words, said)}
    left = [_plain(replace(one, texts={}) if one.turn_id in dropped else one, words) for one in events]
    removal = Removal(
        heads,
        trace,
        states={memory_key: after},
        written=written,
        kept={name: row},
        texts=(*hashes, *prompts),
        traces={one.turn: plain for one in traces if (plain := _plain(one, words)) != one},
        events=tuple(left) if left != events else (),
        edits={memory_key: len(mine) - len(dropped) + 1},
    )
    there = {
        "versions of the note": sum(bool(one.text) for one in versions.values()),
        "edits of it": len(dropped),
        "copies of it in prompts": len(prompts),
        "messages on their way": heads.pending,
        "saved model answers that could be used again": heads.cached,
    }
    return Taken(removal, {place: count for place, count in there.items() if count}, tuple(said))


def _events(
    events: Sequence[Trace], texts: Mapping[str, str], words: Words, index: int, tombstones: set[int]
) -> tuple[list[Trace], dict[str, int], list[Written]]:
    """Take out the edits that repeat the words or are of forgotten turns alone.

    Return the events, how many edits hold by memory key, and those that do no longer.
    """
    kept: list[Trace] = []
    gone: list[Written] = []
    edits: dict[str, int] = {}
    for event in events:
        edits.setdefault(event.memory_key, 0)
        if is_edit(event) and event.turn > index:
            row = texts.get(event.texts.get(EDIT, ""), "")
            made = read(row, event)
            shared = words.shared(_written_in(made, row))
            if shared or (made.sources and made.sources <= tombstones):
                if made.text:  # one without was a forgetting
                    gone.append(Written(f"{YOUR_EDIT} {_versioned(event, made)}", made.text, shared))
                event = replace(event, texts={})
        edits[event.memory_key] += is_edit(event)
        kept.append(_plain(event, words) if event.turn > index else event)
    return kept, {key: count for key, count in edits.items() if key}, gone


def _versioned(event: Trace, made: Edit) -> str:
    """Name the version of a note that an edit made, without the words of an entity's or a triple's."""
    ref = next((ref for ref in (event.after.wrote if event.after else ()) if ref.startswith(f"{made.id}:")), "")
    version = ref.rpartition(":")[2]
    kind = re.sub(r"^\d+\.", "", made.id).partition("-")[0]
    memory = load().memories.get(event.memory)
    label = memory.label if memory else event.memory
    note = label if label.casefold() == kind.casefold() else f"{label}'s {kind}"
    return f"{note} v{version}" if version else note


def _written_in(made: Edit, row: str) -> str:
    """Return what an edit says: a row of ours without its names, as a turn may have said the same words as these."""
    if text_of(made)[1] != row:
        return row
    return "\n".join((made.text, *(part for part in made.data.values() if isinstance(part, str))))


def _own_texts(traces: Sequence[Trace]) -> set[str]:
    """Name the texts of the first turn that no later one was sent."""
    instructions = {trace.texts.get("instructions", "") for trace in traces}
    return {*traces[0].texts.values()} - {hash for trace in traces[1:] for hash in trace.texts.values()} - instructions


def _repeating(traces: Sequence[Trace], texts: Mapping[str, str], words: Words, kept: set[str], turn: Turn) -> set[str]:
    """Name the texts that repeat what was said."""

    said = [message.content for message in turn.messages]

    def repeats(name: str, text: str) -> bool:
        return _quoted(text, words, said, turn.index) if name == EDITED else bool(words.shared(text))

    return {
        hash
        for trace in traces
        for name, hash in trace.texts.items()
        if name != "instructions" and hash not in kept and repeats(name, texts.get(hash, ""))
    }


def _quoted(text: str, words: Words, said: Sequence[str], index: int = -1) -> bool:
    """Whether an edited prompt held what was said: by its words, as a whole, or by the index of its turn."""
    prompt = from_text(text, "o200k_base")
    whole = [line.strip() for line in said if len(line.strip()) >= WHOLE]
    messages = prompt.messages if prompt else ()
    held = any(one.turn == index or any(line in one.content for line in whole) for one in messages)
    return held or bool(words.shared(text))


def _stripped(trace: Trace) -> Trace:
    """Return what is left of a forgotten turn's trace: numbers, and references that hold no words."""
    return replace(
        silent(trace),
        texts={name: hash for name, hash in trace.texts.items() if name == "instructions"},
        prompt_hash="",
        pictures={},
        after=StateRef(trace.after.covered) if trace.after else None,
    )


def _unseen(trace: Trace, gone: set[str]) -> Trace:
    """Return a later trace that names no picture which is gone."""
    items = tuple(replace(item, picture="") if item.picture in gone else item for item in trace.items)
    pictures = {id: tokens for id, tokens in trace.pictures.items() if id not in gone}
    same = items == tuple(trace.items) and len(pictures) == len(trace.pictures)
    return trace if same else replace(trace, items=items, pictures=pictures)


def _plain(trace: Trace, words: Words) -> Trace:
    """Return a later trace without errors that quote the words."""
    said = [*trace.errors, *(call.error for call in trace.calls if call.error)]
    return silent(trace) if any(map(words.shared, said)) else trace


def _looked_again(store: Store, user: str, thread: str, taken: Taken) -> tuple[Row, ...]:
    """Look again: how much of what each row names is still there."""
    removal, heads = taken.removal, store.heads(user, thread)
    notes, texts = store.everything(user, thread)
    turn = turn_at(store, user, thread, removal.turn.index) if removal.turn else None

    def left(place: str) -> int:
        if turn and place.startswith("messages of turn"):
            return len(turn.messages)
        if turn and place == "earlier answers of it":
            return len(turn.earlier)
        if place == PICTURES:
            return sum(id in removal.pictures for id in store.picture_ids(user, thread))
        if place == "memory notes written after it":
            return sum(ref in notes for ref in removal.notes)
        if place in ("copies of it in prompts", "edits of it") or place.startswith(YOUR_EDIT):
            return sum(hash in texts for hash in removal.texts)
        if place == "versions of the note":
            return sum(bool(notes[ref].text) for ref in removal.written if ref in notes)
        if place == "memories set back to the turn before it":
            return sum(heads.states.get(key) == removal.read.states[key] for key in removal.states)
        if place == "title made of it":
            return int(removal.title is not None and heads.thread.title != removal.title)
        return heads.pending if place == "messages on their way" else heads.cached

    return tuple(Row(place, count, left(place)) for place, count in taken.there.items())
