"""What the chat page needs to know in every run: whose thread, read how, with which models.

Session keys begin with `chat_`: `chat_thread` (its id, None for one that has no message yet), `chat_temporary`,
`chat_memory` and `chat_settings` (of a thread that is not stored yet), `chat_message` (the box).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from memory import catalog, threads
from memory.base import Memory, Turn
from memory.conversation import Conversation
from memory.errors import BadInput
from memory.preferences import Preferences
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import UNTITLED, Store, Thread
from memory.trace import Trace
from pages.ui import connections
from pages.ui.memory_now import Current

DEFAULT_MEMORY = "ConversationBufferWindowMemory"
DEMO_DELAY = 0.02
"""The demo model's pause between words in seconds, so that its answers are seen to stream."""


@dataclass(frozen=True)
class Chat:
    """The conversation on the page; `thread` is None until its first message."""

    store: Store
    user: str
    thread: Thread | None
    memory: Memory
    temporary: bool
    preferences: Preferences

    def conversation(self, thread: str, memory: Memory | None = None) -> Conversation:
        """Return the thread as it is read with this memory."""
        return Conversation(
            self.store,
            self.user,
            thread,
            memory or self.memory,
            self.models(),
            self.preferences.instructions,
            self.preferences.budget,
            self.retrieval(),
            self.preferences.labels,
        )

    def retrieval(self) -> Retrieval:
        """Return the search of the turns; that of temporary threads keeps its vectors in this session."""
        return connections.retrieval(self.temporary)

    def models(self) -> Models:
        """Return the models that this user chose, with this session's key."""
        return connections.models(self.preferences, DEMO_DELAY)

    def current(self) -> Current | None:
        """Return the memory that the next message is read by."""
        if self.thread is None:
            return None
        settings = self.memory.settings.model_dump(mode="json")
        return Current(self.memory.name, self.conversation(self.thread.id).key, settings)

    def begin(self, title: str) -> Thread:
        """Create the thread if this is its first message, or name one that was cleared."""
        thread = self.thread
        if thread is None:
            thread = threads.new(self.store, self.user, self.memory, title)
            st.session_state.chat_begun = thread.id
        if thread.title == UNTITLED:
            self.change(thread, title=title)
        st.session_state.chat_thread = thread.id
        return thread

    def change(self, thread: Thread, **what: Any) -> None:
        """Change some of a thread's record; what another tab has changed of it since it was read stays."""
        self.store.put_thread(self.user, replace(self.store.thread(self.user, thread.id) or thread, **what))

    def use(self, memory: Memory) -> None:
        """Read the thread with another memory from now on."""
        settings = memory.settings.model_dump(mode="json")
        if self.thread:
            self.change(self.thread, memory=memory.name, settings=settings)
        else:
            st.session_state.chat_memory, st.session_state.chat_settings = memory.name, settings
        # A new thread begins with what was used last.
        self.preferences.but(memory=memory.name, settings=settings).save(connections.store(), self.user)


@dataclass
class Shown:
    """What the page shows of a conversation; a further message moves it on without the page being drawn anew.

    `turns` are those that are drawn, of `length`; `last` is the trace of the newest one. The whole page was drawn when
    there were `drawn_to`; `loud` says that it told something then that is gone when it is drawn next.
    """

    chat: Chat | None = None
    turns: tuple[Turn, ...] = ()
    length: int = 0
    last: Trace | None = None
    loud: bool = False

    def __post_init__(self) -> None:
        self.drawn_to = self.length


def current(user: str) -> Chat:
    """Find the conversation that this tab is in: its own, else the last used one, else an empty one."""
    state = st.session_state
    state.setdefault("chat_temporary", False)
    kept = connections.store()
    store: Store = connections.temporary() if state.chat_temporary else kept
    if "chat_thread" not in state:
        known = (thread.id for thread in kept.threads(user) if not thread.experiment)
        state.chat_thread = next(known, None)
    thread = store.thread(user, state.chat_thread) if state.chat_thread else None
    if thread is None:
        state.chat_thread = None
    prefs = Preferences.load(kept, user)
    name = thread.memory if thread else state.get("chat_memory", prefs.memory)
    settings = thread.settings if thread else state.get("chat_settings", prefs.settings)
    return Chat(store, user, thread, make(name, settings), state.chat_temporary, prefs)


def make(name: str, settings: Mapping[str, Any]) -> Memory:
    """Make a memory by name; one whose plug-in is gone, or whose settings no longer hold, falls back to its default."""
    known = catalog.load()
    for attempt in ((name, settings), (name, {}), (DEFAULT_MEMORY, {})):
        try:
            return known.make(*attempt)
        except BadInput:
            continue
    raise BadInput("The catalogue of memories is empty. Reinstall the project.")


def close_menu() -> None:
    """Close the menu of conversations, which would cover what comes next."""
    st.session_state.chat_opened = st.session_state.get("chat_opened", 0) + 1


def open_thread(thread: str | None, temporary: bool = False) -> None:
    """Go to another thread; None begins an empty one."""
    state = st.session_state
    state.chat_thread, state.chat_temporary = thread, temporary
    close_menu()
    for key in (
        "chat_memory",
        "chat_settings",
        "chat_shown",
        "chat_window",
        "chat_found_turn",
        "chat_editing",
        "chat_switch",
        "chat_switching",
        "panel_turn",
        "chat_sample",
    ):
        state.pop(key, None)
