"""Whom and what a text mentions: known names found in it whole, or by a part that only one of them has.

    >>> names = Names({"e1": ["Sam Miller"], "e2": ["New York"], "e3": ["New Orleans"]})
    >>> names.mentioned("Has sam been to New York?")
    ['e1', 'e2']

Letter case does not count, and words are whole: "Ann" is not in "annual". First persons mention the user.
A text is compared with those names alone that have a word in common with it, however many are known.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from memory.retrieval.words import STOP, tells_of_self

USER = "the user"
"""The name of whoever speaks without a name of their own."""
_THE_USER = {"user", "the user", "human", "the human", "speaker", "the speaker", "i", "me"}
_ROLE = re.compile(r"^(?:(?:human|user|ai|assistant|system|tool)\s*:\s+)+", re.I)
_WORD = re.compile(r"\w+")
# Scripts that put no blanks between words.
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def one_line(text: str) -> str:
    """Join a text's lines and blanks, so that no part of it can pose as a line of its own."""
    return " ".join(text.split())


def canonical(name: str) -> str:
    """Return a name as it is kept: on one line, without quotation marks, the user by one name."""
    name = _ROLE.sub("", one_line(name)).strip(' ,;:!?"“”`') or one_line(name)
    return USER if name.casefold() in _THE_USER else name


@lru_cache(maxsize=20_000)
def folded(name: str) -> str:
    """Return what two spellings of one name have in common: no letter case, no article, one form of each character.

    Kept in a cache: every turn looks for all the names that are known.
    """
    return _folded(name)


def _folded(text: str) -> str:
    text = one_line(unicodedata.normalize("NFKC", text)).casefold().replace("’", "'").rstrip(".")
    return text if text == USER else re.sub(r"^(?:the|an?) (?=\w)", "", text)


def id_of(kind: str, *names: str) -> str:
    """Name a note by what it speaks of, in characters that any store takes."""
    digest = hashlib.sha256("|".join(map(folded, names)).encode("utf-8", "replace")).digest()
    # Few characters, as a trace names dozens of notes: of 10,000 two are called alike once in five million times.
    return f"{kind}-{base64.urlsafe_b64encode(digest)[:8].decode()}"


class Names:
    """The names of those who are known, each under the id of whoever has it."""

    def __init__(self, known: Mapping[str, Iterable[str]] | None = None) -> None:
        self._names: dict[str, tuple[str, ...]] = {}
        self._owners: dict[str, set[str]] = {}  # word → ids in whose names it stands
        self._called: dict[str, set[str]] = {}  # name → ids
        self._key: dict[str, str] = {}  # name → what a text must hold for the name to be looked for in it
        self._by_key: dict[str, set[str]] = {}
        for id, names in (known or {}).items():
            self.put(id, names)

    def put(self, id: str, names: Iterable[str]) -> None:
        """Give an id these names instead of those it had."""
        new = tuple(dict.fromkeys(map(folded, names)))
        old = self._names.get(id, ())
        if new == old:
            return
        for name in old:
            _discard(self._called, name, id)
            for word in _words(name):
                _discard(self._owners, word, id)
            if name not in self._called:
                _discard(self._by_key, self._key.pop(name), name)
        for name in new:
            if name not in self._called:
                key = self._key[name] = self._rarest(name)
                self._by_key.setdefault(key, set()).add(name)
            self._called.setdefault(name, set()).add(id)
            for word in _words(name):
                self._owners.setdefault(word, set()).add(id)
        self._names[id] = new
        if not new:
            del self._names[id]

    def _rarest(self, name: str) -> str:
        """Choose by what a name is found: the rarest of its words, its first character where words have no ends."""
        if _UNSPACED.search(name):
            return name[0]
        return min(_words(name), key=lambda word: (len(self._owners.get(word, ())), word), default="")

    def called(self, name: str) -> set[str]:
        """Return the ids of those who have exactly this name."""
        return self._called.get(folded(name), set())

    def mentioned(self, text: str) -> list[str]:
        """Return the ids of those whose names, or a part that is theirs alone, stand in a text, in its order.

        A part is a word of three letters or more that is no function word: a first name, a surname.
        """
        said = _folded(text)
        places = {match[0]: match.start() for match in reversed(list(_WORD.finditer(said)))}
        found: dict[str, tuple[int, int]] = {}

        def add(ids: Iterable[str], place: int, length: int) -> None:
            for id in ids:
                found[id] = min(found.get(id, (place, -length)), (place, -length))

        for key in {*places, *said, ""}:
            for name in self._by_key.get(key, ()):
                if (place := _place(name, said)) is not None:
                    add(self._called[name], place, len(name))
        for word, place in places.items():
            owners = self._owners.get(word, ())
            if len(owners) == 1 and len(word) > 2 and word not in STOP:
                add((id for id in owners if USER not in self._names[id]), place, len(word))
        if tells_of_self(text):
            add(self._called.get(USER, ()), len(said), 0)
        # Of two that begin at one place the longer name comes first; the ids make the order the same everywhere.
        return sorted(found, key=lambda id: (found[id], id))


def _discard(sets: dict[str, set[str]], key: str, value: str) -> None:
    """Take a value out of a set, and the set away with its last one."""
    values = sets.get(key, set())
    values.discard(value)
    if not values:
        sets.pop(key, None)


@lru_cache(maxsize=20_000)
def _words(name: str) -> frozenset[str]:
    return frozenset(_WORD.findall(name))


def _place(name: str, said: str) -> int | None:
    """Return where a name stands as whole words."""
    if not name or name not in said:
        return None
    if _UNSPACED.search(name):
        return said.index(name)
    # No expression: it would be compiled anew for each name.
    place = said.find(name)
    while place >= 0:
        end = place + len(name)
        if not ((place and _in_word(said[place - 1])) or (end < len(said) and _in_word(said[end]))):
            return place
        place = said.find(name, place + 1)
    return None


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
