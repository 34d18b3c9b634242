"""Where else what is to be forgotten stands: found and offered, never removed unasked.

    >>> found = places(every_text(store, user), Words(["I live in Lyon."]), but=("t1/turn:3",))
    >>> [(place.id, place.what) for place in found]
    [('t1/turn:4', 'turn 5 of “Trip to Paris”'), ('t2/turn:0', 'turn 1 of “Trip to Paris (fork)”')]

Looked through are every conversation of the user (also those deleted that can be restored), answers that were given
again, titles, the notes of every memory, the settings, experiments with what was recorded for them, what memories keep
outside of the store, and what the maintenance of what is remembered can undo. A name counts turns from 0 and what is
read from 1, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from memory.base import Kept
from memory.catalog import load
from memory.errors import InspectorError, ThreadGone
from memory.forgetting.documents import every_document
from memory.forgetting.experiments import every_experiment
from memory.forgetting.maintained import every_entry
from memory.forgetting.remembered import remembered, told
from memory.forgetting.said import Words, said_in
from memory.forgetting.settings import chosen, strings
from memory.store import UNTITLED, Store, Thread

EXCERPT = 160
"""How many characters of a place are shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """A text that repeats what is to be forgotten: `id` names it, `what` says where it is, `shared` what it repeats."""

    id: str
    what: str
    text: str
    shared: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """Say in a few words that it repeats what is to be forgotten, or that it is of that alone."""
        what = f"{self.what[:1].upper()}{self.what[1:]}"
        return f"{what} repeats “{self.shared[0]}”" if self.shared else f"{what} is of nothing else"

    @property
    def excerpt(self) -> str:
        """The text around what it repeats."""
        flat = " ".join(self.text.split())
        at = flat.casefold().find(self.shared[0]) if self.shared else 0
        start = max(0, min(at - EXCERPT // 3, len(flat) - EXCERPT))
        return ("…" if start else "") + flat[start : start + EXCERPT] + ("…" if start + EXCERPT < len(flat) else "")


def every_text(store: Store, user: str) -> list[Place]:
    """Return every text of a user that can be forgotten by itself, each with its place."""
    found: list[Place] = []
    for deleted in (False, True):
        for thread in store.threads(user, deleted):
            try:
                found += _deleted(store, user, thread) if deleted else _thread(store, user, thread)
            except ThreadGone:
                continue
    found += _settings(store.settings(user))
    for experiment, deleted, texts in every_experiment(store, user):
        kind = "live comparison" if experiment.kind == "live" else "experiment"
        what = f"the {'deleted ' * deleted}{kind} “{experiment.title}”{', which can still be restored' * deleted}"
        found.append(Place(f"experiment:{experiment.id}", what, "\n".join(texts)))
    for key, fact in remembered(store, user).items():
        found.append(Place(f"item:{key}", f"a fact that is remembered ({fact.namespace[-1]})", told(fact)))
    for id, (_, text) in every_entry(store, user).items():
        found.append(Place(f"log:{id}", "the log of the maintenance, which can undo it", text))
    for document, text in every_document(store, user):
        found.append(Place(f"document:{document.id}", f"the document “{document.name}”", f"{document.name}\n{text}"))
    for name, kept in outside(user).items():
        found.append(Place(name, f"a fact that {name.split('/')[0].removeprefix('fact:')} saved", kept.text))
    return found


def places(every: Iterable[Place], words: Words, but: tuple[str, ...] = ()) -> list[Place]:
    """Return the places that repeat these words, those that repeat most first; `but` are not asked for."""
    if not words:
        return []
    found = [replace(place, shared=words.shared(place.text)) for place in every if place.id not in but]
    return sorted((place for place in found if place.shared), key=lambda place: -len(place.shared))


def named(id: str, here: str) -> str:
    """Say what a place is without a word of what anybody wrote there; `here` is the conversation that one is in."""
    thread, _, rest = id.partition("/")
    kind, _, own = rest.partition(":")
    if id.startswith("fact:"):
        return f"a fact that {thread.removeprefix('fact:')} saved"
    if id.startswith("item:"):
        return f"remembered fact {id.partition(':')[2][:8]}"
    if id.startswith("log:"):
        return f"entry {id.partition(':')[2][:8]} of the maintenance's log"
    if id.startswith("document:"):
        return f"document {id.partition(':')[2][:8]}"
    if id.startswith("experiment:"):
        return f"experiment {id.partition(':')[2][:8]}"
    if id.startswith("setting:"):
        return f"the setting {id.partition(':')[2].replace('_', ' ')}"
    where = "" if thread == here else f"conversation {thread[:8]}, "
    if kind == "turn":
        return f"{where}turn {int(own) + 1:,}"
    if kind == "note":
        return f"{where}a note of {own.partition(',')[0].partition('(')[0].partition('/')[0]}"
    return where + {"title": "the title", "settings": "the memory's settings"}.get(kind, "deleted, can be restored")


def outside(user: str) -> Mapping[str, Kept]:
    """Return what memories keep of a user outside of the store, as `fact:MEMORY/NAME`."""
    found: dict[str, Kept] = {}
    for name, cls in load().memories.items():
        try:
            found |= {f"fact:{name}/{own}": kept for own, kept in cls.kept(user).items()}
        except (InspectorError, OSError):
            continue
    return found


def _thread(store: Store, user: str, thread: Thread) -> Iterator[Place]:
    named = f"“{thread.title}”"
    if thread.title != UNTITLED:
        yield Place(f"{thread.id}/title", f"the title of {named}", thread.title)
    heads = store.heads(user, thread.id)
    traces = [*store.traces(user, thread.id, 0, heads.length), *store.events(user, thread.id)]
    texts = [text for trace in traces for text in chosen(trace.memory, trace.settings)]
    if texts := list(dict.fromkeys((*chosen(thread.memory, thread.settings), *texts))):
        yield Place(f"{thread.id}/settings", f"the memory's settings in {named}, now or earlier", "\n".join(texts))
    for turn in store.turns(user, thread.id, 0, heads.length):
        if said := said_in(turn):
            yield Place(f"{thread.id}/turn:{turn.index}", f"turn {turn.index + 1} of {named}", "\n".join(said))
    for key, state in heads.states.items():
        for note in state.notes.values():
            if note.text:
                where = f"a note of {key.partition(',')[0].partition('(')[0]} in {named}"
                yield Place(f"{thread.id}/note:{key}/{note.id}", where, note.text)


def _deleted(store: Store, user: str, thread: Thread) -> Iterator[Place]:
    try:
        turns = store.turns(user, thread.id, 0, 100_000)
    except ThreadGone:
        turns = []  # a temporary one cannot be read before it is restored
    said = [thread.title, *(text for turn in turns for text in said_in(turn))]
    where = f"the deleted conversation “{thread.title}”, which can still be restored"
    yield Place(f"{thread.id}/deleted", where, "\n".join(said))


def _settings(settings: Mapping[str, Any]) -> Iterator[Place]:
    for name, value in settings.items():
        if texts := strings(value):
            yield Place(f"setting:{name}", f"the setting {name.replace('_', ' ')}", "\n".join(texts))
