"""Reflection: memories that write in the background do so when a conversation has rested, or at once when asked.

    >>> rested(conversation)                 # after each turn: half a minute of silence from now on it is reflected on
    >>> waiting("alex", "t1")
    29.9
    >>> reflect(conversation).calls[0].purpose
    'memories'

A thread of its own does it, so that no answer waits for it. Whatever reflects notes beforehand that it does, where
every process sees it: each stretch of turns is paid for once. A process that ends in the middle leaves the turns as
they were; whoever opens the conversation next has them reflected on.
"""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import suppress

from langgraph.store.base import PutOp

from memory.conversation import Conversation
from memory.errors import InspectorError
from memory.longterm.base_store import UserStore
from memory.trace import Trace

REST_SECONDS = 30.0
"""How long a conversation is silent before it is reflected on."""
CLAIM_SECONDS = 180.0
"""How long another process is believed to be reflecting that has said so and not ended."""
CLAIMS = ("reflecting",)
"""The namespace in which it stands who reflects on which thread, and who maintains what is remembered."""

_timers: dict[tuple[str, str], tuple[float, threading.Timer]] = {}
_working: set[tuple[str, str]] = set()
_lock = threading.Lock()


def rested(conversation: Conversation, seconds: float = REST_SECONDS) -> None:
    """Reflect on a conversation when it has been silent for so many seconds from now on."""
    if not conversation.memory.rests:
        return
    key = (conversation.user, conversation.thread)
    timer = threading.Timer(seconds, _due, (conversation,))
    timer.daemon = True
    with _lock:
        if key in _timers:
            _timers[key][1].cancel()
        _timers[key] = (time.monotonic() + seconds, timer)
    timer.start()


def put_off(user: str, thread: str) -> None:
    """Do not reflect on a conversation by itself before the next message in it."""
    with _lock:
        if planned := _timers.pop((user, thread), None):
            planned[1].cancel()


def waiting(user: str, thread: str) -> float | None:
    """Return the seconds until a conversation is reflected on, 0 while it is, None where nothing is planned."""
    with _lock:
        if (user, thread) in _working:
            return 0.0
        planned = _timers.get((user, thread))
    return None if planned is None else max(0.0, planned[0] - time.monotonic())


def opened(conversation: Conversation, covered: int, length: int) -> None:
    """See to it that turns are reflected on that a process which ended has left, or that came by another one."""
    if covered < length and waiting(conversation.user, conversation.thread) is None:
        rested(conversation)


def reflect(conversation: Conversation) -> Trace | None:
    """Reflect now; None where there is nothing to do or another process does it. Raises what `catch_up` raises."""
    key = (conversation.user, conversation.thread)
    put_off(*key)
    with _lock:
        if key in _working:
            return None
        _working.add(key)
    token = uuid.uuid4().hex
    try:
        services = conversation.services()
        services.reflecting = True
        if not _claimed(conversation, token):
            return None
        try:
            return conversation.catch_up(services, kind="reflect")
        finally:
            _released(conversation, token)
    finally:
        with _lock:
            _working.discard(key)


def _due(conversation: Conversation) -> None:
    try:
        reflect(conversation)
    except InspectorError:
        pass  # the next turn, or whoever opens the conversation next, has it tried again


def claim(store: UserStore, name: str, token: str) -> bool:
    """Note that whoever has the token works on something; False where another does. May raise StoreUnavailable."""
    seen, rows = store.snapshot()
    for row in rows:
        # One that holds for much longer than any is from before a clock was set back; a little more is of a faster one.
        if row.namespace == CLAIMS and row.key == name and 0 < row.value["until"] - time.time() <= 2 * CLAIM_SECONDS:
            return False
    return store.commit([PutOp(CLAIMS, name, {"by": token, "until": time.time() + CLAIM_SECONDS}, index=False)], seen)


def release(store: UserStore, name: str, token: str) -> None:
    """Note that the work is done; where the store is away the claim ends by itself."""
    with suppress(InspectorError):
        found = store.get(CLAIMS, name)
        if found and found.value.get("by") == token:
            store.delete(CLAIMS, name)


def _claimed(conversation: Conversation, token: str) -> bool:
    return claim(conversation.services().items, conversation.thread, token)


def _released(conversation: Conversation, token: str) -> None:
    release(conversation.services().items, conversation.thread, token)
