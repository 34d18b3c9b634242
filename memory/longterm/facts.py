"""What is remembered, as an item of the store: a fact, a profile or an episode, with where it came from and was before.

    >>> fact = Fact("f1", ("facts",), "Memory", {"content": "The user lives in Oslo."}, (Source("t1", "a1", 0),))
    >>> fact.replaced({"content": "The user lives in Lisbon."}, Source("t1", "b2", 9), at=2.0).history[0].content
    {'content': 'The user lives in Oslo.'}

The newer statement holds; the older stays in the history, and `restored` turns the choice round.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter

from memory.errors import BadInput
from memory.longterm.rows import Row

WRITTEN_ANEW = ("Instructions",)
"""Kinds whose every version may hold, in other words, what the ones before it said."""
REFS = {"UserProfile": "profile", "Episode": "episode", "Instructions": "instructions"}
"""How a reference to something remembered begins, by its kind; `fact` for any other."""
MOST_HISTORY = 50
"""How many earlier versions of a fact are kept, the newest."""


@dataclass(frozen=True, slots=True)
class Source:
    """A turn by its thread, its id, and its index when it was taken in."""

    thread: str
    turn: str
    index: int


@dataclass(frozen=True, slots=True)
class Version:
    """What a fact said from `at` until `until`, in seconds since the epoch."""

    content: Mapping[str, Any]
    sources: tuple[Source, ...]
    at: float
    until: float


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is remembered of a user: `content` as its schema `kind` has it.

    `importance` is from 1 to 10, `confidence` from 0 to 1, `at` is since when it says what it says. `merged` are the
    keys of others that went into it, `weighed` is when its importance was last lowered because nobody recalled it.
    """

    key: str
    namespace: tuple[str, ...]
    kind: str
    content: Mapping[str, Any]
    sources: tuple[Source, ...] = ()
    at: float = 0.0
    importance: int = 5
    confidence: float = 1.0
    history: tuple[Version, ...] = ()
    merged: tuple[str, ...] = ()
    weighed: float = 0.0
    created: float = field(default=0.0, compare=False)

    @property
    def plain(self) -> bool:
        """Whether it is one sentence, of which each version says all by itself."""
        return set(self.content) == {"content"}

    @property
    def text(self) -> str:
        """What of it is sent, a line; of several fields each is named."""
        if self.plain:
            return " ".join(str(self.content["content"]).split())
        return "; ".join(f"{name}: {value}" for name, value in self.fields())

    def fields(self) -> list[tuple[str, str]]:
        """Return the fields that are filled, by their names in words."""
        return [
            (name.replace("_", " "), _plain(value))
            for name, value in self.content.items()
            if value not in (None, "", [], {})
        ]

    @property
    def ref(self) -> str:
        """Name what it is, which one, and its version: `fact:KEY:NUMBER`, `profile:KEY:NUMBER`."""
        return f"{REFS.get(self.kind, 'fact')}:{self.key}:{len(self.history) + 1}"

    def as_of(self, at: float) -> Fact | None:
        """Return it as it was at a time in seconds since the epoch; None where nobody had noted it yet."""
        if self.created > at:
            return None
        if self.at <= at:
            return self
        for place, version in reversed(list(enumerate(self.history))):
            if version.at <= at:
                before = self.history[:place]
                return replace(self, content=version.content, sources=version.sources, at=version.at, history=before)
        return None

    def replaced(self, content: Mapping[str, Any], source: Source | None, at: float) -> Fact:
        """Return it with another content, what it said before in its history; a source of None is a person."""
        before = Version(self.content, self.sources, self.at, at)
        sources = (source,) if source else ()
        return replace(self, content=content, sources=sources, at=at, history=(*self.history, before)[-MOST_HISTORY:])

    def restored(self, number: int, at: float) -> Fact:
        """Return it saying again what its version `number` (from 0) said; raises BadInput where there is none."""
        if not 0 <= number < len(self.history):
            raise BadInput("That earlier version is kept no longer: choose one of those that are listed.")
        version = self.history[number]
        turned = self.replaced(version.content, None, at)
        return replace(turned, sources=version.sources)

    def without(self, gone: Callable[[Source], bool]) -> Fact | None:
        """Return what is left where some of its sources are gone: no version that rests on them and no word of it.

        Each version is what the one before said with some fields changed: those that such a version changed are as they
        were before it. One sentence is said by each version alone, also where the one before said the same. Text that
        grows by being written anew, as instructions do, goes back altogether.
        """
        versions = [*self.history, Version(self.content, self.sources, self.at, 0.0)]
        rests = [any(map(gone, version.sources)) for version in versions]
        if not any(rests):
            return self
        left: list[Version] = []
        said: Mapping[str, Any] = {}
        content: dict[str, Any] = {}
        for version, forgotten in zip(versions, rests, strict=True):
            if forgotten and self.kind in WRITTEN_ANEW:
                break
            if not forgotten:
                content = {
                    name: value for name, value in content.items() if name in version.content or name not in said
                }
                alone = set(version.content) == {"content"}
                content |= {name: value for name, value in version.content.items() if alone or said.get(name) != value}
                left.append(replace(version, content=dict(content)))
            said = version.content
        if not left or not any(value not in (None, "", [], {}) for value in left[-1].content.values()):
            return None
        last = left[-1]
        return replace(self, content=last.content, sources=last.sources, at=last.at, history=tuple(left[:-1]))


_FACT: TypeAdapter[Fact] = TypeAdapter(Fact)
_APART = {"key", "namespace", "created"}


def to_value(fact: Fact) -> dict[str, Any]:
    """Write a fact as an item's value."""
    value: dict[str, Any] = _FACT.dump_python(fact, mode="json", exclude=_APART, exclude_defaults=True)
    # What filters ask for stands there also where it is as usual.
    return {**value, "importance": fact.importance, "confidence": fact.confidence, "content": dict(fact.content)}


def from_row(row: Row) -> Fact | None:
    """Read a fact; None where an item is something else."""
    if not isinstance(row.value.get("kind"), str) or not isinstance(row.value.get("content"), Mapping):
        return None
    try:
        fact = _FACT.validate_python({**row.value, "key": row.key, "namespace": row.namespace})
    except ValueError:
        return None
    return replace(fact, created=row.created)


def key_of(kind: str, content: Mapping[str, Any], source: Source) -> str:
    """Name a new fact: the same statement of the same turn has the same name, however often it is taken in."""
    said = json.dumps([kind, content, source.turn], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items())
    return " ".join(str(value).split())
