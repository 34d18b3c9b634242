"""What a memory across conversations holds between two messages, as far as it is still known.

    >>> [item.text for item in remembered(memory, seen, length=2)]       # after the second turn
    ['The user works at Acme.']

Of what was changed since, it is what it said then. What was deleted since is gone, and not among it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from memory.base import Item, Memory, Recall, Services
from memory.longterm.memory import LongTermMemory
from memory.longterm.prompt_store import instructions_in, prompt_of
from memory.longterm.recalls import key_in
from memory.looking_back import FreeServices
from memory.preferences import Preferences
from memory.strategies.combined import CombinedMemory
from memory.strategies.procedural import ProceduralMemory
from memory.tokens import count_tokens

if TYPE_CHECKING:
    from memory.inspection.inspect import Inspection

MOST = 200
"""How many of its facts are shown, the newest."""
ALWAYS = "it is sent with every message"
BY_LIKENESS = "it is sent with a message that it fits"


def remembered(memory: Memory, seen: Inspection, length: int) -> tuple[Item, ...]:
    """Return all that it held when the thread had `length` turns; may raise StoreUnavailable."""
    services = FreeServices.at(seen.trace, seen.user, seen.retrieval, seen.store.shelf)
    services.labels = Preferences.load(seen.store, seen.user).labels
    following = seen.store.traces(seen.user, seen.thread, length, length + 1) if length < seen.length else []
    return tuple(_items(memory, services, following[0].at if following else time.time()))


def with_remembered(recall: Recall, items: Sequence[Item]) -> Recall:
    """Return a recall with these items in place of those that a search without a question has brought."""
    return replace(recall, items=(*(item for item in recall.items if key_in(item.ref) is None), *items))


def _items(memory: Memory, services: Services, at: float) -> Iterator[Item]:
    if isinstance(memory, CombinedMemory):
        for number, part in enumerate(memory.parts):
            for item in _items(part, services, at):
                yield replace(item, ref=f"{number}.{item.ref}")
        return
    if isinstance(memory, LongTermMemory):
        facts = list(memory.facts(services).values())[:MOST]
        worded, why = memory.worded_fact, ALWAYS if memory.manager.profile else BY_LIKENESS
    elif isinstance(memory, ProceduralMemory):
        facts = instructions_in(services.items)
        worded, why = lambda fact: prompt_of(fact).text, ALWAYS
    else:
        return
    for fact in facts:
        then = fact.as_of(at)
        if then is not None and (text := worded(then)):
            yield Item(then.ref, "memory", why, count_tokens(text, services.encoding), text=text)
