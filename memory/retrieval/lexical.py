"""A lexical index (BM25) that grows by one unit at a time and needs no model.

    >>> index = LexicalIndex()
    >>> for unit in units:
    ...     index.add(unit)
    >>> index.scores("Where did Ana move from?")
    array([0.  , 0.88, 0.31])

A unit is found by its keys: its own words and those of its neighbours in the session, as many as fill it up to a size.
So a short answer ("From Sweden, four years ago") is found by the question before it, and a long message by its own
words alone. Keys of several sizes are scored and added, which makes near neighbours count for more than far ones. What
is found is the single unit.

A key is a run of units, so the index keeps the words of single units and where each key begins and ends; how often a
word stands in a key is the difference of two running sums. Nothing is written to disk; to forget is to build it again.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from memory.common.quote import SPEAKERS
from memory.retrieval import words
from memory.retrieval.fusion import Asked, Flags, Places, Scores, Traits, prior, squash, stand_out, with_meaning
from memory.retrieval.units import Unit

# Words up to which a key is filled, and what it adds: the unit alone says less, for pronouns stand for its topic.
KEYS = ((0, 1 / 7), (60, 2 / 7), (120, 2 / 7), (300, 2 / 7))
SHARES = np.array([share for _, share in KEYS])
SHORT = 6  # in so few units the neighbours are nearly all there is: half of their share goes to the unit alone
Counts = NDArray[np.float32]
ROUNDS = 3  # neighbours on either side at most: further ones are about something else
K1, B = 1.2, 0.75  # BM25's usual constants; what others would change is within the noise


@dataclass(frozen=True, slots=True)
class _Frozen:
    """What queries compute with until the next unit comes."""

    firsts: Places  # where the keys begin: a row for each size, the smallest first
    ends: Places
    damping: Counts  # BM25's term for a key's length; a row for each size, which is the same for each word
    prior: Scores
    speaker: Places
    month: Places
    day: Places


class LexicalIndex:
    """Every unit of one thread, in order; two threads must not use it at once."""

    def __init__(self, units: Iterable[Unit] = ()) -> None:
        self._postings: dict[str, array[int]] = {}  # a unit stands here once for each time that the word is in it
        self._names: dict[str, set[int]] = {}  # words of names → speakers
        self._speakers: dict[str, int] = {}
        self._speaker = array("i")
        self._sessions = array("i")
        self._months = array("i")  # since the year 0
        self._days = array("b")
        self._words = array("i")  # in words as written, which fill a key
        self._until = [0]  # the sum of the lengths of all units before each
        # Of each key where it begins, where it ends and its length in terms; columns for units still to come.
        self._keys = np.zeros((3, len(KEYS), 64), dtype=np.int64)
        self._traits = [array("b") for _ in Traits._fields]
        self._frozen: _Frozen | None = None
        for unit in units:
            self.add(unit)

    def __len__(self) -> int:
        return len(self._words)

    def add(self, unit: Unit) -> None:
        """Append a unit; it joins the keys of up to three units before it."""
        place, terms = len(self), words.terms(unit.text)
        for term in terms:
            self._postings.setdefault(term, array("i")).append(place)
        if unit.speaker not in self._speakers:
            self._speakers[unit.speaker] = len(self._speakers)
            for term in words.terms(unit.speaker) if unit.speaker not in SPEAKERS.values() else ():
                self._names.setdefault(term, set()).add(self._speakers[unit.speaker])
        date = datetime.fromtimestamp(unit.at, UTC)
        self._add_traits(unit)
        self._speaker.append(self._speakers[unit.speaker])
        self._sessions.append(unit.session)
        self._months.append(date.year * 12 + date.month)
        self._days.append(date.day)
        self._words.append(len(unit.text.split()))
        self._until.append(self._until[-1] + len(terms))
        self._add_keys(place)
        self._frozen = None

    def _add_keys(self, place: int) -> None:
        """Make the keys of a unit, and those anew that reached the end and may go on to it."""
        if place == self._keys.shape[2]:
            self._keys = np.concatenate([self._keys, np.zeros_like(self._keys)], axis=2)
        for row, (size, _) in enumerate(KEYS):
            for other in range(max(0, place - ROUNDS), place) if size else ():
                if self._keys[1, row, other] == place:
                    self._put_key(row, other, *self._key(other, size))
            self._put_key(row, place, *(self._key(place, size) if size else (place, place + 1)))

    def _put_key(self, row: int, place: int, first: int, end: int) -> None:
        self._keys[:, row, place] = first, end, self._until[end] - self._until[first]

    def _add_traits(self, unit: Unit) -> None:
        """Note whether it asks or answers; a whole turn does both, so neither is noted."""
        place, alone = len(self), bool(unit.speaker)
        asks = alone and words.ends_as_question(unit.text)
        answers = (
            alone
            and place > 0
            and self._traits[0][-1] == 1
            and self._sessions[-1] == unit.session
            and self._speaker[-1] != self._speakers[unit.speaker]
        )
        for values, value in zip(self._traits, (asks, answers), strict=True):
            values.append(value)

    def _key(self, place: int, size: int) -> tuple[int, int]:
        """Return the run of units that fills the key of one: in turn one before it and one after it."""
        first, end, filled, count = place, place + 1, self._words[place], len(self)
        session = self._sessions[place]
        for _ in range(ROUNDS):
            if filled < size and first > 0 and self._sessions[first - 1] == session:
                first -= 1
                filled += self._words[first]
            if filled < size and end < count and self._sessions[end] == session:
                filled += self._words[end]
                end += 1
        return first, end

    def scores(self, query: str) -> Scores:
        """Score every unit from 0 (nothing in common with the query) to 1."""
        if not len(self):
            return np.zeros(0)
        raw, alike = self._stand_out(query)
        return np.where(alike, squash(raw), 0.0)

    def matched(self, query: str) -> Scores:
        """Say how much of the query's words stand in each unit by itself, from 0 to 1, the rare ones counting more.

        It is BM25 as a share of what a unit of middling length gets in which each of the words stands once. Unlike
        `scores` it does not ask how far a unit stands out: the best of what does not fit is still low.
        """
        count, terms = len(self), list(dict.fromkeys(words.terms(query)))
        within = np.array([len(set(self._postings.get(term, ()))) for term in terms])
        most = float(np.log(1.0 + (count - within + 0.5) / (within + 0.5)).sum())
        found = [self._postings[term] for term in terms if term in self._postings]
        if not found or most <= 0.0:
            return np.zeros(count)
        result: Scores = np.minimum(self._bm25(found, self._freeze())[0] / most, 1.0)
        return result

    def fused(self, query: str, cosines: Scores) -> Scores:
        """Score every unit from 0 to 1 by its words and by the cosine of its vector with the query's.

        `cosines` has one for each unit in order; it is 0 where a unit has no vector.
        """
        return self.both(query, cosines)[1]

    def both(self, query: str, cosines: Scores) -> tuple[Scores, Scores]:
        """Return `scores` and `fused`, for which the words are compared once."""
        if not len(self):
            return np.zeros(0), np.zeros(0)
        raw, alike = self._stand_out(query)
        return np.where(alike, squash(raw), 0.0), squash(with_meaning(raw, cosines, self._around()))

    def _around(self) -> tuple[Places, Places]:
        """Return where the largest keys begin and end."""
        frozen = self._freeze()
        return frozen.firsts[-1], frozen.ends[-1]

    def _stand_out(self, query: str) -> tuple[Scores, Flags]:
        frozen = self._freeze()
        terms = dict.fromkeys(words.terms(query))
        # Whom a query names is found by who speaks: nearly every message of the other one may hold the name.
        named = {speaker for term in terms for speaker in self._names.get(term, ())}
        if words.tells_of_self(query) and (asker := self._speakers.get(SPEAKERS["human"])) is not None:
            named.add(asker)
        found = [self._postings[term] for term in terms if term in self._postings and term not in self._names]
        spoken: Flags | None = None
        for speaker in named:
            said = frozen.speaker == speaker
            spoken = said if spoken is None else spoken | said
        shares = SHARES * (len(self) / (len(self) + SHORT))
        shares[0] += 1.0 - shares.sum()
        return stand_out(self._bm25(found, frozen), shares, frozen.prior, Asked(spoken, *self._dated(query, frozen)))

    def _dated(self, query: str, frozen: _Frozen) -> tuple[Flags | None, Flags | None]:
        """Mark the units of the months and of the days that a query names."""
        month: Flags | None = None
        day: Flags | None = None
        for date in words.dates(query):
            same = frozen.month % 12 == date.month % 12
            if date.year is not None:
                same &= frozen.month == date.year * 12 + date.month
            month = same if month is None else month | same
            if date.day is not None:
                same = same & (frozen.day == date.day)
                day = same if day is None else day | same
        return month, day

    def _bm25(self, found: list[array[int]], frozen: _Frozen) -> Scores:
        """Return BM25 of every key, a row for each size."""
        count = len(self)
        result: Scores = np.zeros((len(KEYS), count))
        if not found:
            return result
        sums, times, other = _rooms(len(found), count)
        sums[:, 0] = 0.0
        # The smallest key is the unit alone.
        for row, own, places in zip(sums, times[0], found, strict=True):
            own[:] = row[1:] = np.bincount(places, minlength=count)
        np.cumsum(sums, axis=1, out=sums)
        for size in range(1, len(KEYS)):
            sums.take(frozen.ends[size], axis=1, mode="clip", out=times[size])
            times[size] -= sums.take(frozen.firsts[size], axis=1, mode="clip", out=other[size])
        within = (np.minimum(times, 1.0, out=other) @ np.ones(count, dtype=np.float32)).astype(float)
        rarity = (np.log(1.0 + (count - within + 0.5) / (within + 0.5)) * (K1 + 1.0)).astype(np.float32)
        times /= np.add(times, frozen.damping, out=other)
        for size, row in enumerate(result):
            row[:] = rarity[size] @ times[size]
        return result

    def _freeze(self) -> _Frozen:
        if self._frozen is None:
            count = len(self)
            firsts, ends, lengths = self._keys[:, :, :count]
            means = np.maximum(np.add.reduce(lengths, axis=1, keepdims=True) / max(count, 1), 1.0)
            damping = (K1 * (1.0 - B + B * lengths / means)).astype(np.float32)
            self._frozen = _Frozen(
                firsts.copy(),
                ends.copy(),
                damping[:, None],
                prior(Traits(*(np.array(values, dtype=bool) for values in self._traits))),
                np.array(self._speaker),
                np.array(self._months),
                np.array(self._days),
            )
        return self._frozen


_LENT = threading.local()


def _rooms(terms: int, count: int) -> tuple[Counts, Counts, Counts]:
    """Lend a thread room to count so many terms in so many units and in their keys of each size.

    To have it anew takes longer than to count.
    """
    running, keys = terms * (count + 1), terms * count * len(KEYS)
    room: Counts = _LENT.__dict__.setdefault("room", np.zeros(0, dtype=np.float32))
    if len(room) < running + 2 * keys:
        room = _LENT.room = np.zeros(2 * (running + 2 * keys), dtype=np.float32)
    sums, times, other = room[:running], room[running : running + keys], room[running + keys : running + 2 * keys]
    shape = len(KEYS), terms, count
    return sums.reshape(terms, -1), times.reshape(shape), other.reshape(shape)
