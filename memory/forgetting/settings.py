"""Memories' settings that repeat what is to be forgotten, in a conversation and in what is recorded of each turn.

    >>> chosen("SimpleMemory", {"memories": {"home": "Lyon"}})
    ['Lyon']
    >>> without("SimpleMemory", {"memories": {"home": "Lyon", "pet": "a dog"}}, Words(["I live in Lyon."]))
    {'memories': {'pet': 'a dog'}}

What is at its default is the program's own, and repeats nothing. The parts of a combined memory lose theirs one by one.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from memory.base import Item
from memory.catalog import load
from memory.edits.events import EDIT
from memory.errors import BadInput, InspectorError
from memory.forgetting.receipt import Row
from memory.forgetting.said import Words
from memory.reply import RACES
from memory.store import Store
from memory.stores.removal import Removal
from memory.trace import Trace

_PARTS = re.compile(r"\+(?![^(]*\))")
_PART = re.compile(r"(\w+)\((.*)\)", re.DOTALL)


def strings(value: Any) -> list[str]:
    """Return the texts in a value; names and numbers are none."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in strings(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in strings(part)]
    return []


def chosen(memory: str, settings: Mapping[str, Any]) -> list[str]:
    """Return the texts of a memory's settings that somebody chose."""
    given = _defaults(memory)
    return [text for name, value in settings.items() if given.get(name) != value for text in strings(value)]


def without(memory: str, settings: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """Return a memory's settings without what repeats the words, and such that the memory can be made of them."""
    given, left = _defaults(memory), dict[str, Any]()
    for name, value in settings.items():
        if given.get(name) == value:
            left[name] = value
        elif memory == "CombinedMemory" and isinstance(value, str):
            left[name] = _parts_without(value, words)
        else:
            left[name] = _without(value, words)
    if left == settings:
        return left
    try:
        load().make(memory, left)
    except InspectorError:
        left = {name: value for name, value in left.items() if value == settings[name]}
    return left


def take_out_settings(store: Store, user: str, thread: str, words: Words) -> list[Row]:
    """Take the words out of the settings in what is recorded of a conversation, and out of what these were sent as."""
    event = uuid.uuid4().hex[:16]
    for _ in range(RACES):
        removal, changed = _removal(store, user, thread, words, event)
        if not changed:
            return []
        if store.forget(user, thread, removal):
            _, left = _removal(store, user, thread, words, event)
            kept = store.texts(user, thread, removal.texts)
            rows = [Row("records of turns with these settings", changed, left)]
            return [*rows, Row("copies of them in prompts", len(removal.texts), len(kept))] if removal.texts else rows
    raise BadInput("Nothing was forgotten, as others kept writing here: try again in a moment.")


def _removal(store: Store, user: str, thread: str, words: Words, event: str) -> tuple[Removal, int]:
    """Work out what changes, and in how many records."""
    heads, events = store.heads(user, thread), store.events(user, thread)
    traces = store.traces(user, thread, 0, heads.length)
    later = {index: plain for index, trace in enumerate(traces) if (plain := _plain(trace, words)) != trace}
    plain_events = [_plain(one, words) for one in events]
    touched = [trace for trace in (*traces, *events) if _plain(trace, words) != trace]
    names = {hash for trace in touched for name, hash in trace.texts.items() if name not in ("instructions", EDIT)}
    texts = [hash for hash, text in store.texts(user, thread, names).items() if words.shared(text)]
    # An edit of no note, as it has no text: screens say that something was forgotten here.
    item = Item("settings:1", "memory", "forgotten", 0)
    made = Trace("edit", heads.length, event, time.time(), heads.thread.memory, items=(item,))
    changed = tuple(plain_events) if plain_events != events else ()
    return Removal(heads, made, texts=tuple(texts), traces=later, events=changed), len(touched)


def _plain(trace: Trace, words: Words) -> Trace:
    settings = without(trace.memory, trace.settings, words)
    return trace if settings == trace.settings else replace(trace, settings=settings)


def _defaults(memory: str) -> Mapping[str, Any]:
    cls = load().memories.get(memory)
    if cls is None:
        return {}
    try:
        return cls.Settings().model_dump(mode="json")
    except ValueError:
        return {}  # a plug-in's, some of whose settings must be given


def _parts_without(text: str, words: Words) -> str:
    """Return what a combined memory is made of without the facts that repeat the words."""
    parts = []
    for part in _PARTS.split(text):
        found = _PART.fullmatch(part.strip()) if words.shared(part) else None
        if found is None:
            parts.append(part)
            continue
        memory = load().memory(f"{found[1]}:{found[2]}")
        settings = without(memory.name, memory.settings.model_dump(mode="json"), words)
        given = _defaults(memory.name)
        own = [f"{name}={_written(value)}" for name, value in settings.items() if given.get(name) != value]
        parts.append(f"{found[1]}({','.join(own)})" if own else found[1])
    return "+".join(parts)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _without(value: Any, words: Words) -> Any:
    """Return a setting's value without the texts that repeat the words."""
    if isinstance(value, str):
        return "" if words.shared(value) else value
    if isinstance(value, Mapping):
        return {
            name: part
            for name, part in value.items()
            if not words.shared(f"{name}\n{json.dumps(part, ensure_ascii=False)}")
        }
    return value
