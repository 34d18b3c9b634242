"""What of the store the page shows: its namespaces as a tree, and the items that a search and filters leave.

view = opened(chat)
rows = view.rows()
for entry in chosen(view, rows, tree(rows), asked()): ...

Session keys: `longterm_place`, `longterm_query`, `longterm_key`, `longterm_kind`, `longterm_thread`,
`longterm_importance` and `longterm_since`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cache
from typing import Any

import streamlit as st

from memory.longterm.base_store import UserStore
from memory.longterm.editing import kinds
from memory.longterm.facts import Fact, from_row
from memory.longterm.maintenance import NAMESPACE as MAINTENANCE
from memory.longterm.rows import Row, field_of
from memory.longterm.taking_in import COVERED
from memory.reflection import CLAIMS
from memory.store import Store
from pages.ui.chat_state import Chat
from pages.ui.words import literal, plural

MOST = 20_000
"""Items that are looked at."""
EVERYTHING: tuple[str, ...] = ()
ALL_KINDS = "All kinds"
INDENT = "&emsp;"
ANY, GONE, BY_HAND = "", "deleted", "by hand"
SPECIAL = {ANY: "All conversations", GONE: "Deleted conversations", BY_HAND: "Written by hand"}
"""Where an item may come from besides the conversations that are there."""


@dataclass(frozen=True)
class View:
    """The store of one user, and the titles of the conversations that its items came from."""

    user: str
    store: Store
    items: UserStore
    titles: dict[str, str]
    temporary: bool

    def rows(self) -> list[Row]:
        """Return all items that are a user's, the last changed first."""
        return [row for row in self.items.snapshot()[1] if not internal(row.namespace)]


@dataclass(frozen=True)
class Entry:
    """An item as it is shown: `fact` is None for one that somebody else's program wrote, `score` without a search."""

    row: Row
    fact: Fact | None
    score: float | None = None

    @property
    def id(self) -> str:
        """Name it for the keys of its widgets."""
        named = field_of(self.row.namespace, self.row.key)
        return hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()[:12]


def opened(chat: Chat) -> View:
    """Open what the conversations of this browser remember; raises StoreUnavailable."""
    items = chat.retrieval().items(chat.store.shelf, chat.user, lambda call: None)
    titles = {thread.id: thread.title for thread in chat.store.threads(chat.user)}
    return View(chat.user, chat.store, items, titles, chat.temporary)


def internal(namespace: tuple[str, ...]) -> bool:
    """Whether a namespace holds only how far the memories have come, and what was done to keep them in order."""
    return namespace[-1] == COVERED or namespace in (CLAIMS, MAINTENANCE)


def kind_label(kind: str) -> str:
    """Name a kind in words."""
    known = kinds().get(kind)
    return known.label if known else kind


@cache
def folders() -> dict[str, str]:
    """Return the last labels of namespaces, which say what is kept in them, in words."""
    return {kind.folder: kind.label for kind in kinds().values()} | {"feedback": "Feedback"}


def place_label(namespace: Sequence[str]) -> str:
    """Name a namespace in words, ready for Markdown: its labels in their order, what is kept in it as in the chat."""
    *labels, last = namespace or ("",)
    return " › ".join(literal(label) for label in (*labels, folders().get(last, last)))


def tree(rows: Sequence[Row]) -> tuple[str, ...]:
    """Draw the namespaces as a tree with how many items each has; return the one that is chosen."""
    counts: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        counts.update(row.namespace[:depth] for depth in range(len(row.namespace) + 1))
    places = sorted(counts)
    if st.session_state.get("longterm_place") not in places:
        st.session_state.pop("longterm_place", None)

    def named(place: tuple[str, ...]) -> str:
        label = f"{INDENT * (len(place) - 1)}{place_label(place[-1:])}" if place else "Everything"
        return f"{label} ({counts[place]:,})"

    found = st.radio(
        "Where it is kept",
        places,
        format_func=named,
        key="longterm_place",
        help="Namespaces: what has labels of its own, such as those of an organisation, an application or a "
        "project, is known only to memories whose setting namespace has the same labels.",
    )
    return found or EVERYTHING


# --- search and filters -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What is typed into the search."""

    query: str
    key: str


def asked() -> Asked:
    """Draw the search; return what is typed in it."""
    query = st.text_input("Search by meaning", key="longterm_query", placeholder="Where do I work?")
    key = st.text_input("Get by key", key="longterm_key", placeholder="3f2a…", width=120)
    return Asked(query.strip(), key.strip())


def chosen(view: View, rows: Sequence[Row], place: tuple[str, ...], wanted: Asked) -> list[Entry]:
    """Draw the filters; return the items that they and the search leave, the most alike first."""
    fields, thread = _filters(view, rows)
    if wanted.key:
        found = [row for row in rows if row.key.startswith(wanted.key) and row.namespace[: len(place)] == place]
        if not found:
            st.caption(f"No item here has the key {literal(wanted.key[:40])}, or one that begins so.")
        return [Entry(row, from_row(row)) for row in found]
    # To look at an item is not to use it: its time to live does not begin anew.
    items = view.items.search(place, query=wanted.query or None, filter=fields or None, limit=MOST, refresh_ttl=False)
    known = {(row.namespace, row.key): row for row in rows}
    entries = [
        Entry(row, from_row(row), item.score) for item in items if (row := known.get((item.namespace, item.key)))
    ]
    if thread:
        entries = [entry for entry in entries if entry.fact and thread in threads_of(entry.fact, view.titles)]
    return _searched(entries, wanted.query) if wanted.query else entries


def threads_of(fact: Fact, titles: Mapping[str, str]) -> set[str]:
    """Return the conversations that a fact, or what it said before, came from; no id for what a person wrote."""
    found: set[str] = set()
    for sources in (fact.sources, *(version.sources for version in fact.history)):
        found |= {one.thread if one.thread in titles else GONE for one in sources} or {BY_HAND}
    return found


def _searched(entries: list[Entry], query: str) -> list[Entry]:
    scored = [entry for entry in entries if entry.score is not None]
    if scored:
        bare = len(entries) - len(scored)
        if bare:
            st.caption(f"{plural(bare, 'item')} cannot be searched by meaning, such as feedback: not listed.")
        return scored
    st.caption("No model of meanings is in reach: these hold a word of your search, the last changed first.")
    words = query.casefold().split()
    return [entry for entry in entries if any(word in str(entry.row.value).casefold() for word in words)]


def _filters(view: View, rows: Sequence[Row]) -> tuple[dict[str, Any], str]:
    """Draw the filters; return those by field as the store takes them, and the conversation, "" for any."""
    state, wanted = st.session_state, dict[str, Any]()
    met = {one for row in rows if (fact := from_row(row)) for one in threads_of(fact, view.titles)}
    threads = [ANY, *(id for id in (*view.titles, GONE, BY_HAND) if id in met)]
    if state.get("longterm_thread") not in threads:
        state.pop("longterm_thread", None)
    # A filter that is set must be seen, and four that are not need no room.
    names = ("longterm_kind", "longterm_thread", "longterm_importance", "longterm_since")
    usual = (ALL_KINDS, ANY, 1, None)
    used = sum(state.get(name, one) != one for name, one in zip(names, usual, strict=True))
    name = f"Filters ({used} set)" if used else "Filters"
    box = st.expander(name, icon=":material/filter_alt:", type="compact", key="longterm_filters")

    def titled(thread: str) -> str:
        return SPECIAL.get(thread) or view.titles[thread]

    with box, st.container(horizontal=True, gap="small"):
        options = [ALL_KINDS, *kinds(), "Feedback"]
        kind = st.selectbox("Kind", options, format_func=kind_label, key="longterm_kind", width=180)
        thread = st.selectbox("Conversation", threads, format_func=titled, key="longterm_thread", width=240)
        least = st.number_input("Importance at least (1 to 10)", 1, 10, key="longterm_importance", width=200)
        since = st.date_input("Says so since (UTC)", None, key="longterm_since", width=180)
    if kind != ALL_KINDS:
        wanted["kind"] = kind
    if least > 1:
        wanted["importance"] = {"$gte": int(least)}
    if since:
        wanted["at"] = {"$gte": datetime.combine(since, time(), UTC).timestamp()}
    return wanted, thread or ANY
