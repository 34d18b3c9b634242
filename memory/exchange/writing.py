"""Writes a thread, or everything of a user, as a file: piece by piece, some hundred turns at a time.

>>> export_thread(store, user, thread)[:43]
b'{"format": "memory-inspector", "version": 1'
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from memory.errors import ThreadGone
from memory.exchange.package import FORMAT, VERSION, tally
from memory.exchange.remembered import written
from memory.money.totals import Totals
from memory.preferences import Preferences
from memory.store import NOTE, THREAD, TRACE, Store, Thread, to_json, turn_json
from memory.trace import Call, Trace

_BLOCK = 500


def export_thread(store: Store, user: str, thread: str) -> bytes:
    """Write one thread as a file."""
    found = store.thread(user, thread)
    if found is None:
        raise ThreadGone("This conversation has been deleted. Restore it from the menu, or start a new one.")
    return b"".join(_pieces(store, user, [found], None))


def export_user(store: Store, user: str) -> bytes:
    """Write everything of a user as a file: conversations that are not deleted, what is remembered, the settings."""
    return b"".join(_pieces(store, user, store.threads(user), store.settings(user)))


def _pieces(store: Store, user: str, threads: Sequence[Thread], settings: Mapping[str, Any] | None) -> Iterator[bytes]:
    yield f'{{"format": "{FORMAT}", "version": {VERSION},\n'.encode()
    if settings is not None:
        yield b'"preferences": ' + json.dumps(Preferences.of(settings).changed()).encode()
        yield from _rows(b"remembered", written(store, user))
        yield b",\n"
    yield b'"threads": ['
    first = True
    for thread in threads:
        try:
            length = store.open(user, thread.id, "", 0).length
        except ThreadGone:
            continue  # deleted while the export ran
        yield b"\n" if first else b",\n"
        first = False
        yield from _thread(store, user, thread, length)
    yield b"\n]}\n"


def _thread(store: Store, user: str, thread: Thread, length: int) -> Iterator[bytes]:
    counted: dict[str, int] = {}

    def turns() -> Iterator[bytes]:
        for start in range(0, length, _BLOCK):
            yield from map(turn_json, store.turns(user, thread.id, start, min(start + _BLOCK, length)))

    def traces() -> Iterator[bytes]:
        for start in range(0, length, _BLOCK):
            for trace in store.traces(user, thread.id, start, min(start + _BLOCK, length)):
                tally(counted, trace)
                yield to_json(TRACE, trace)

    def events() -> Iterator[bytes]:
        for event in store.events(user, thread.id):
            if event.turn <= length:
                tally(counted, event)
                yield to_json(TRACE, event)
        if spent := _spent_elsewhere(store.totals(user, thread.id), Totals.of(counted)):
            yield to_json(TRACE, Trace("import", length, uuid.uuid4().hex[:16], time.time(), calls=spent))

    yield b'{"thread": ' + THREAD.dump_json(thread)
    yield from _rows(b"turns", turns())
    yield from _rows(b"traces", traces())
    yield from _rows(b"events", events())
    notes, texts = store.everything(user, thread.id)
    written = {ref: note for ref, note in notes.items() if note.since <= length}
    for name, rows in (
        (b"notes", {ref: to_json(NOTE, note) for ref, note in written.items()}),
        (b"texts", {hash: json.dumps(text).encode() for hash, text in texts.items()}),
    ):
        yield b',\n"' + name + b'": {'
        yield b",\n".join(json.dumps(key).encode() + b": " + row for key, row in rows.items()) + b"}"
    yield b',\n"pictures": {'
    for place, id in enumerate(store.picture_ids(user, thread.id)):
        data = base64.b64encode(store.picture(user, thread.id, id) or b"")
        yield (b",\n" if place else b"") + json.dumps(id).encode() + b': "' + data + b'"'
    yield b"}}"


def _rows(name: bytes, rows: Iterator[bytes]) -> Iterator[bytes]:
    yield b',\n"' + name + b'": ['
    for place, row in enumerate(rows):
        yield (b",\n" if place else b"\n") + row
    yield b"]"


def _spent_elsewhere(total: Totals, counted: Totals) -> tuple[Call, ...]:
    """Return calls for what a thread has cost beyond its traces: answers that were given again replace their traces."""
    calls: list[Call] = []
    for purpose, spent, seen in (("reply", total.reply, counted.reply), ("memory", total.own, counted.own)):
        count, input, output, cached, written = (
            getattr(spent, name) - getattr(seen, name)
            for name in ("calls", "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens")
        )
        cost = None if spent.cost is None else spent.cost - (seen.cost or Decimal(0))
        without = None if spent.cost_uncached is None else spent.cost_uncached - (seen.cost_uncached or Decimal(0))
        if count > 0 and min(input, output, cached, written, cost or 0, without or 0) >= 0:
            call = Call(purpose, "", input, output, cached, written, measured=True, cost=cost, cost_uncached=without)
            calls.append(call)
            calls += [Call(purpose, "", 0, 0, cost=Decimal(0))] * (count - 1)
    return tuple(calls)
