"""What the pages talk to: one store and one search for the whole process, and the key that this visit typed.

Nothing is opened at import. A store that cannot be reached raises StoreUnavailable (or BadInput, where a setting of the
operator's is wrong), which is not remembered: the next run of the page tries again. A search whose embedding or vectors
are not there compares words, and says what is missing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import streamlit as st

from memory.errors import BadInput, InspectorError
from memory.models import key_name, provider_of
from memory.preferences import Preferences
from memory.retrieval.embeddings import Embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.opening import Search, open_search, open_words
from memory.server.connect import Connection, connect
from memory.services import Models
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore

EXPIRE_DAYS = 180.0

# Whatever a visitor types stays in his session; no store and no log ever sees it.
_KEY = "settings_api_key"
_TEMPORARY = "connections_temporary"
_TEMPORARY_SEARCH = "connections_temporary_search"


@st.cache_resource(show_spinner=False)
def connection() -> Connection:
    """Connect to REDIS_URL, else start the embedded server; once per process."""
    return connect()


@st.cache_resource(show_spinner=False)
def store() -> RedisStore:
    """The store of everything that is kept; once per process."""
    return RedisStore(connection(), expire_days(), replicas())


def temporary() -> InMemoryStore:
    """The store of this session's temporary threads, gone with it."""
    if _TEMPORARY not in st.session_state:
        st.session_state[_TEMPORARY] = InMemoryStore()
    kept: InMemoryStore = st.session_state[_TEMPORARY]
    return kept


# --- the search -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Searching:
    """The search of the process; `trouble` says what of EMBEDDINGS or CHROMA_URL is wrong, None where nothing is."""

    search: Search | None
    trouble: str | None = None

    @property
    def embedding(self) -> Embedding | None:
        return self.search.embedding if self.search else None


def searching() -> Searching:
    """Return how turns are searched: as EMBEDDINGS says, else by words. What is wrong is looked at again each time."""
    setting, url = os.environ.get("EMBEDDINGS", "").strip(), os.environ.get("CHROMA_URL", "").strip()
    try:
        return Searching(_search(setting, url, api_key(setting) if ":" in setting else None))
    except InspectorError as error:
        trouble = f"{error} Until then turns are found by their words."
    try:
        return Searching(_words(url), trouble)
    except InspectorError:
        return Searching(None, trouble)


def retrieval(temporary: bool = False) -> Retrieval:
    """Return the search of the process, or of this session's temporary threads: whose vectors are on no disk."""
    found = searching()
    if found.search and not temporary:
        return found.search.retrieval
    kept = st.session_state.get(_TEMPORARY_SEARCH)
    if kept is None or kept[0] is not found.embedding:
        kept = st.session_state[_TEMPORARY_SEARCH] = (found.embedding, Retrieval(found.embedding, threads=10))
    made: Retrieval = kept[1]
    return made


def look_again() -> None:
    """Look anew which embedding there is, as after a download; the searches that go on end with what they have."""
    _search.clear()


def warm_search() -> None:
    """Load what the search of this process needs; a provider's model needs nothing."""
    setting = os.environ.get("EMBEDDINGS", "").strip()
    if ":" not in setting:
        _search(setting, os.environ.get("CHROMA_URL", "").strip(), None).warm()


# A key that a visitor typed makes a search of its own, on the same vectors.
@st.cache_resource(show_spinner=False, max_entries=32)
def _search(setting: str, url: str, key: str | None) -> Search:
    found = open_search(setting, url, key)
    _opened.append(found)
    return found


@st.cache_resource(show_spinner=False)
def _words(url: str) -> Search:
    found = open_words(url)
    _opened.append(found)
    return found


_opened: list[Search] = []


def close_search() -> None:
    """Close what was opened, as when the server ends."""
    while _opened:
        _opened.pop().close()


def expire_days() -> float:
    """After how many days without use a thread goes, from EXPIRE_DAYS."""
    text = os.environ.get("EXPIRE_DAYS", "").strip()
    try:
        days = float(text or EXPIRE_DAYS)
    except ValueError:
        days = 0.0
    if not 0.01 <= days <= 36_500:
        raise BadInput(
            f'EXPIRE_DAYS must be a number of days from 0.01 to 36500, not "{text}": correct it and start again.'
        )
    return days


def replicas() -> int:
    """How many replicas must have a commit before it counts, from REDIS_REPLICAS; none where nothing is said."""
    text = os.environ.get("REDIS_REPLICAS", "").strip() or "0"
    if not text.isdecimal() or int(text) > 9 or (int(text) and not os.environ.get("REDIS_URL", "").strip()):
        raise BadInput(
            f'REDIS_REPLICAS must be a number from 0 to 9, and 0 without REDIS_URL, not "{text}": correct it and start '
            "again."
        )
    return int(text)


def api_key(model: str = "openai:") -> str | None:
    """The key for a model's provider: the one typed in this session, else that of secrets.toml.

    None leaves it to the environment. A key is given to no other provider than the one it was typed for.
    """
    name = key_name(model)
    if name is None:
        return None
    typed = st.session_state.get(_KEY)
    if typed and st.session_state.get(f"{_KEY}_name", "OPENAI_API_KEY") == name:
        return str(typed)
    try:
        kept = st.secrets.get(name)
    except Exception:  # no file, or one that cannot be read: then the environment holds
        return None
    return kept if isinstance(kept, str) and kept.strip() else None


def models(preferences: Preferences, delay: float = 0.0) -> Models:
    """The models that a user chose, with the key that their provider may see."""
    speaks = preferences.memory_model if provider_of(preferences.model) == "demo" else preferences.model
    return preferences.models(api_key(speaks), delay)
