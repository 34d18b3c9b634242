"""The personal graph: who and what is remembered, how it is connected, and from when until when.

    >>> graph = personal(facts, ())
    >>> [(link.subject, link.label, link.object, link.superseded) for link in graph.links]
    [('the user', 'lives in', 'Oslo', 1763742600.0), ('the user', 'moved to', 'Lisbon', None)]

Facts are read as relations by rules, so that the picture costs nothing; a profile is connected to the user by its
fields, and the triples of knowledge graphs are taken as they are. A relation holds from when it was said until a later
version no longer says it; what the rules cannot read is counted and never left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from memory.base import Note
from memory.common.names import USER, canonical, folded
from memory.demo.facts import triples
from memory.demo.sentences import ASSISTANT, clauses
from memory.demo.sentences import USER as SPEAKER
from memory.errors import ThreadGone
from memory.longterm.editing import kinds
from memory.longterm.facts import WRITTEN_ANEW, Fact, Source, Version
from memory.longterm.merging import mergeable
from memory.store import Store

LONGEST = 80
"""Characters of a name; what is longer is no name and is cut."""
_IS = ("is", "was", "are", "were")

Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """A relation between two names: `since` when it holds, and `superseded` when it stopped to; None while it holds.

    Times are in seconds since the epoch, 0.0 where nobody knows. `origin` says in words what it was read from.
    """

    subject: str
    label: str
    object: str
    since: float
    superseded: float | None
    sources: tuple[Source, ...]
    origin: str

    @property
    def ends(self) -> tuple[str, str]:
        """What it connects, spelled alike whatever the spelling."""
        return folded(self.subject), folded(self.object)

    def holds(self, at: float) -> bool:
        """Whether it holds at a time."""
        return self.since <= at and (self.superseded is None or at < self.superseded)


@dataclass(frozen=True, slots=True)
class Personal:
    """All relations, the oldest first, what is noted of each name, and the `unread` facts that name no relation."""

    links: tuple[Link, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[Fact, ...] = ()

    def until(self, at: float) -> list[Link]:
        """Return the relations that were known at a time, those superseded by then among them."""
        return [link for link in self.links if link.since <= at]

    @property
    def moments(self) -> list[float]:
        """The times at which anything changed, in their order."""
        ends = (link.superseded for link in self.links if link.superseded is not None)
        return sorted({*(link.since for link in self.links), *ends})


def personal(facts: Iterable[Fact], threads: Iterable[tuple[Sequence[Link], Mapping[str, str]]] = ()) -> Personal:
    """Make the graph of facts, and of what `noted` found in threads; nothing is looked up."""
    links, unread = list[Link](), list[Fact]()
    for fact in facts:
        if not _readable(fact):
            continue
        found = list(_links(fact))
        links += found
        if not found:
            unread.append(fact)
    notes: dict[str, str] = {}
    for more, told in threads:
        links += more
        notes |= told
    ordered = sorted(links, key=lambda link: (link.since, link.subject, link.label, link.object))
    return Personal(tuple(_once(ordered)), notes, tuple(unread))


def noted(store: Store, user: str) -> list[tuple[list[Link], dict[str, str]]]:
    """Return what the knowledge graphs and entity notes of all conversations say now; raises StoreUnavailable."""
    found = []
    for thread in store.threads(user):
        try:
            states = store.heads(user, thread.id).states.values()
            notes = [note for state in states for note in state.notes.values() if note.text and "turns" in note.data]
            if notes:
                found.append(_of_notes(store, user, thread.id, notes))
        except ThreadGone:
            continue
    return found


# --- facts ------------------------------------------------------------------------------------------------------------


def _readable(fact: Fact) -> bool:
    known = kinds().get(fact.kind)
    return mergeable(fact) or bool(known and known.single and fact.kind not in WRITTEN_ANEW)


def _links(fact: Fact) -> Iterator[Link]:
    """Yield the relations of all versions of a fact, each from the first version that says it to the last."""
    known = kinds().get(fact.kind)
    origin = known.label if known else fact.kind
    open_: dict[Triple, Link] = {}
    for version in (*fact.history, Version(fact.content, fact.sources, fact.at, 0.0)):
        said = {
            (folded(one), folded(label), folded(other)): (one, label, other)
            for one, label, other in read(version.content)
        }
        for key in [key for key in open_ if key not in said]:
            ended = open_.pop(key)
            if version.at > ended.since:
                yield replace(ended, superseded=version.at)
        for key, (subject, label, object) in said.items():
            link = Link(subject, label, object, version.at, None, version.sources, origin)
            open_.setdefault(key, link)
    yield from open_.values()


def read(content: Mapping[str, Any]) -> list[Triple]:
    """Read what a fact says as relations: one sentence by its words, several fields as what the user has.

    >>> read({"content": "The user works at Acme."}), read({"home": "Oslo", "likes": ["tea"]})
    ([('the user', 'works at', 'Acme')], [('the user', 'home', 'Oslo'), ('the user', 'likes', 'tea')])
    """
    if set(content) == {"content"}:
        return [triple for clause in clauses(str(content["content"]), SPEAKER, ASSISTANT) for triple in _read(clause)]
    found = []
    for name, value in content.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if one not in (None, "", [], {}) and not isinstance(one, Mapping):
                found.append((USER, name.replace("_", " "), _name(str(one))))
    return found


def _read(clause: Any) -> list[Triple]:
    found = [(_name(subject), label, _name(object)) for subject, label, object in triples(clause)]
    if len(found) > 1 and found[0][1] in _IS and found[0][2].islower() and " " not in found[0][2]:
        (subject, verb, how), (_, label, object), *rest = found
        # "is allergic" and "is to peanuts" are one: "is allergic to peanuts".
        return [(subject, f"{verb} {how} {label.removeprefix(f'{verb} ')}", object), *rest]
    return found


def _name(text: str) -> str:
    name = canonical(text)
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1].rstrip()}…"


# --- notes ------------------------------------------------------------------------------------------------------------


def _of_notes(store: Store, user: str, thread: str, notes: Sequence[Note]) -> tuple[list[Link], dict[str, str]]:
    indexes = sorted({index for note in notes for index in note.data["turns"]})
    turns = store.turns(user, thread, indexes[0], indexes[-1] + 1) if indexes else []
    known = {turn.index: turn for turn in turns}
    links, told = list[Link](), dict[str, str]()
    for note in notes:
        data = note.data
        came = [known[index] for index in data["turns"] if index in known]
        if {"subject", "predicate", "object"} <= data.keys():
            sources = tuple(Source(thread, turn.id, turn.index) for turn in came)
            since = min((turn.at for turn in came), default=0.0)
            parts = (_name(str(data["subject"])), str(data["predicate"]), _name(str(data["object"])))
            links.append(Link(*parts, since, None, sources, "Knowledge graph"))
        elif "name" in data:
            told[folded(canonical(str(data["name"])))] = note.text
    return links, told


def _once(links: Iterable[Link]) -> Iterator[Link]:
    """Draw what several facts say at the same time once, with the sources of all."""
    kept: dict[tuple[Any, ...], Link] = {}
    for link in links:
        key = (*link.ends, link.label.casefold(), link.superseded)
        before = kept.get(key)
        origins = dict.fromkeys((*before.origin.split(", "), link.origin)) if before else {}
        kept[key] = (
            replace(
                before,
                sources=tuple(dict.fromkeys((*before.sources, *link.sources))),
                origin=", ".join(origins),
            )
            if before
            else link
        )
    return iter(kept.values())
