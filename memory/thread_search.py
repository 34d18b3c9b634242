"""Finds the turns of a user's conversations that hold the words one looks for.

    >>> found = search(store, user, 'zoe "moved to"')
    >>> str(found), found.conversations[0].hits[0].turn
    ('2 turns in 1 conversation', 11)
    >>> found.conversations[0].hits[0].pieces
    (('My sister ', False), ('Zoë', True), (' has ', False), ('moved to', True), (' Lyon.', False))

Case and accents make no difference. A word is found where a word begins with it; what stands in quotes is found as it
stands, whole words side by side. A conversation is found where its title and messages hold all of the words together;
of its turns those are found that hold the most of them. There is no index: the turns are read in blocks, so nothing
that was deleted or forgotten can be found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from memory.base import Message, Turn
from memory.errors import ThreadGone
from memory.store import Store, Thread

LONGEST = 200
"""Characters of what is looked for that are read."""
MOST_HITS = 20
"""Hits of one conversation that are kept with their words, the newest; the others are counted."""
EXCERPT = 180
"""Characters of the sentence around a hit, at most."""
_BLOCK = 500
_LAST_MARK = 0x10000
"""Beyond it are marks of no living script, which would make the search for all others slow."""

Pieces = tuple[tuple[str, bool], ...]
"""A text in pieces, each with whether it is one of the words looked for."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or a phrase that stood in quotes, without case and accents; `pattern` finds it in a folded text."""

    text: str
    pattern: re.Pattern[str]

    def within(self, folded: str) -> bool:
        # The pattern begins with a look behind it, which is slow; most texts do not hold the letters at all.
        return self.text.partition(" ")[0] in folded and self.pattern.search(folded) is not None


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn that holds words: its index, its time in UTC seconds (0 where nobody says), who said the sentence."""

    turn: int
    at: float
    role: str
    name: str
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class FoundThread:
    """A conversation that was found: how many of its `turns` hold words, and the newest of them, newest first.

    `title` is in pieces. `apart` says that no turn holds all of the words: they stand in several, or in the title.
    """

    thread: Thread
    title: Pieces
    turns: int
    hits: tuple[Hit, ...]
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found, the conversation used last first; `searched` is how many turns were looked at."""

    terms: tuple[str, ...]
    conversations: tuple[FoundThread, ...] = ()
    searched: int = 0

    @property
    def turns(self) -> int:
        return sum(found.turns for found in self.conversations)

    def __str__(self) -> str:
        count = len(self.conversations)
        return f"{self.turns:,} turn{'s' * (self.turns != 1)} in {count:,} conversation{'s' * (count != 1)}"


def search(
    store: Store,
    user: str,
    text: str,
    threads: Sequence[Thread] | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Found:
    """Look through a user's threads, all or those given; `progress` is told from 0 to 1 after each block of turns.

    Nothing is found where no word is given. Raises StoreUnavailable; a thread that is deleted meanwhile is passed over.
    """
    terms = terms_of(text)
    if not terms:
        return Found(())
    lengths: list[tuple[Thread, int]] = []
    for thread in store.threads(user) if threads is None else threads:
        with suppress(ThreadGone):
            lengths.append((thread, store.open(user, thread.id, "", 0).length))
    total, done, found = sum(length for _, length in lengths), 0, list[FoundThread]()
    for thread, length in lengths:
        looked = _Looked(thread, terms)
        for turns in _newest_first(store, user, thread.id, length):
            for turn in turns:
                looked.at(turn)
            done += len(turns)
            progress(min(1.0, done / total))
        if (one := looked.found()) and store.thread(user, thread.id):
            found.append(one)
    return Found(tuple(term.text for term in terms), tuple(found), done)


def terms_of(text: str) -> tuple[Term, ...]:
    """Read what is looked for: words, and phrases in quotes of any kind; a quote that is not closed is none."""
    folded = re.sub("[“”„«»]", '"', fold(text[:LONGEST]))
    terms: dict[str, Term] = {}
    for phrase, word in re.findall(r'"([^"]*)"|(\S+)', folded):
        words = phrase.split() or [part for part in word.split('"') if part]
        for part in [" ".join(words)] if phrase.strip() else words:
            # What is typed between words belongs to none of them, but "?" alone is looked for.
            plain = part.strip(",.;:!?") or part
            terms[f"{plain}|{bool(phrase)}"] = Term(plain, _pattern(plain, bool(phrase)))
    return tuple(terms.values())


def fold(text: str) -> str:
    """Return a text without case and accents; each character is folded by itself."""
    if text.isascii():
        return text.lower()
    return _marks().sub("", unicodedata.normalize("NFKD", text.casefold())).casefold()


@lru_cache(maxsize=1)
def _marks() -> re.Pattern[str]:
    marks = (chr(code) for code in range(0x300, _LAST_MARK) if unicodedata.combining(chr(code)))
    return re.compile(f"[{''.join(marks)}]+")


def _pattern(text: str, whole: bool) -> re.Pattern[str]:
    """Find a word where one begins, a phrase also where it ends; scripts without spaces have no such places."""
    before = r"(?<![^\W_])" if _has_case(text[0]) else ""
    after = r"(?![^\W_])" if whole and _has_case(text[-1]) else ""
    return re.compile(before + r"\s+".join(map(re.escape, text.split())) + after)


def _has_case(char: str) -> bool:
    return char.isdigit() or char.upper() != char


def _newest_first(store: Store, user: str, thread: str, length: int) -> Iterator[list[Turn]]:
    for end in range(length, 0, -_BLOCK):
        yield store.turns(user, thread, max(0, end - _BLOCK), end)[::-1]


class _Looked:
    """What was found in one thread so far, its turns looked at from the newest to the oldest."""

    def __init__(self, thread: Thread, terms: Sequence[Term]) -> None:
        self._thread, self._terms = thread, terms
        title = fold(thread.title)
        self._held = {term for term in terms if term.within(title)}
        self._best, self._count, self._hits = 1, 0, list[Hit]()

    def at(self, turn: Turn) -> None:
        held: set[Term] = set()
        most, where = 0, None
        for message in turn.messages:
            folded = fold(message.content)
            here = [term for term in self._terms if term.within(folded)]
            held.update(here)
            if len(here) > most:
                most, where = len(here), message
        if where is None:
            return
        self._held |= held
        if len(held) > self._best:
            self._best, self._count, self._hits = len(held), 0, []
        if len(held) == self._best:
            self._count += 1
            if len(self._hits) < MOST_HITS:
                self._hits.append(_hit(turn, where, self._terms))

    def found(self) -> FoundThread | None:
        """Return the conversation where all words are in it, None where any is lacking."""
        if len(self._held) < len(self._terms):
            return None
        title = marked(self._thread.title, self._terms)
        apart = self._count > 0 and self._best < len(self._terms)
        return FoundThread(self._thread, title, self._count, tuple(self._hits), apart)


def _hit(turn: Turn, message: Message, terms: Sequence[Term]) -> Hit:
    return Hit(turn.index, turn.at, message.role, message.name or "", excerpt(message.content, terms))


# --- the sentence around a hit ----------------------------------------------------------------------------------------


def excerpt(text: str, terms: Sequence[Term]) -> Pieces:
    """Return the sentence around the first of the words that stands in a text, on one line."""
    folded = fold(text)
    matches = [found for term in terms if (found := term.pattern.search(folded))]
    first = min(matches, key=lambda found: found.start(), default=None)
    at = _place(text, first.start()) if first else 0
    end = _place(text, first.end()) if first else 0
    before = text[max(0, at - EXCERPT) : at]
    after = text[end : end + EXCERPT]
    opening = [found.end() for found in re.finditer(r"[.!?…。！？]\s+|\n", before)]
    closing = re.search(r"[.!?…](?=\s|$)|[。！？]|\n", after)
    begin = at - len(before) + (opening[-1] if opening else 0)
    stop = end + (closing.end() if closing else len(after))
    room = max(EXCERPT - (end - at), 40)
    cut_begin = _at_space(text, max(begin, at - room // 2), begin)
    cut_stop = min(stop, cut_begin + EXCERPT)
    shown = " ".join(text[cut_begin:cut_stop].split())
    left = "… " if cut_begin > begin or (begin and not opening) else ""
    right = " …" if cut_stop < stop or (stop < len(text) and not closing) else ""
    return _joined([(left, False), *marked(shown, terms), (right, False)])


def _at_space(text: str, at: int, least: int) -> int:
    """Return where the word after a place begins, so that no word is cut; the place itself where none is near."""
    if at <= least:
        return least
    space = re.compile(r"\s").search(text, at, at + 30)
    return space.end() if space else at


def marked(text: str, terms: Sequence[Term]) -> Pieces:
    """Part a short text into what is one of the words and what is not."""
    places = [place for place, char in enumerate(text) for _ in fold(char)] + [len(text)]
    folded = fold(text)
    spans = sorted((found.start(), found.end()) for term in terms for found in term.pattern.finditer(folded))
    pieces: list[tuple[str, bool]] = []
    done = 0
    for first, end in spans:
        begin, stop = max(done, places[first]), places[end]
        if begin < stop:
            pieces += [(text[done:begin], False), (text[begin:stop], True)]
            done = stop
    return _joined([*pieces, (text[done:], False)])


def _joined(pieces: Iterable[tuple[str, bool]]) -> Pieces:
    """Join neighbours that are both words looked for, or both none, and leave out what is empty."""
    found: list[tuple[str, bool]] = []
    for text, is_word in pieces:
        if text and found and found[-1][1] == is_word:
            found[-1] = (found[-1][0] + text, is_word)
        elif text:
            found.append((text, is_word))
    return tuple(found)


def _place(text: str, at: int) -> int:
    """Return the place in a text of a place in its folded form; of a very long one only a part is walked through."""
    if text.isascii():
        return at
    done, step = 0, 1000
    for start in range(0, len(text), step):
        size = len(fold(text[start : start + step]))
        if done + size > at:
            for place, char in enumerate(text[start : start + step], start):
                done += len(fold(char))
                if done > at:
                    return place
        done += size
    return len(text)
