"""The turns of a thread as a lazy sequence: whoever needs the tail fetches the tail.

>>> transcript = Transcript(10_000, fetch, known=last_sixteen)
>>> transcript[-1], transcript[-5:]        # nothing is fetched
>>> transcript[0:3]                        # three turns are fetched
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from memory.base import Turn
from memory.errors import ThreadGone

Fetch = Callable[[int, int], list[Turn]]


class Transcript(Sequence[Turn]):
    """A thread's turns as they were when it was opened, each fetched at most once.

    `fetch(first, end)` returns the turns from `first` up to, not including, `end`; `known` are the last ones. `of` is
    whose thread it is: user, thread and epoch, in which turns are only added; without it nothing made of it is kept.
    Errors of the store (StoreUnavailable) reach whoever reads a turn that is not there yet.
    """

    def __init__(
        self, length: int, fetch: Fetch, known: Sequence[Turn] = (), of: tuple[str, str, str] | None = None
    ) -> None:
        self.of = of
        self._length = length
        self._fetch = fetch
        self._turns = {length - len(known) + place: turn for place, turn in enumerate(known)}

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Turn: ...
    @overload
    def __getitem__(self, index: slice) -> list[Turn]: ...
    def __getitem__(self, index: int | slice) -> Turn | list[Turn]:
        if isinstance(index, slice):
            first, end, step = index.indices(self._length)
            if step != 1:
                return [self[place] for place in range(first, end, step)]
            self._load(first, end)
            return [self._turns[place] for place in range(first, end)]
        place = index + self._length if index < 0 else index
        if not 0 <= place < self._length:
            raise IndexError(index)
        self._load(place, place + 1)
        return self._turns[place]

    def _load(self, first: int, end: int) -> None:
        while first < end and first in self._turns:
            first += 1
        while end > first and end - 1 in self._turns:
            end -= 1
        if first < end:
            turns = self._fetch(first, end)
            if len(turns) < end - first:
                raise ThreadGone("This conversation has been deleted. Start a new one.")
            self._turns.update(zip(range(first, end), turns, strict=True))

    def __iter__(self) -> Iterator[Turn]:
        yield from self[0 : self._length]

    def backwards(self, first: int = 0) -> Iterator[Turn]:
        """Yield the turns from the newest down to index `first`, fetching in growing blocks what is not there yet."""
        block = 16
        for index in range(self._length - 1, first - 1, -1):
            if index not in self._turns:
                self._load(max(first, index + 1 - block), index + 1)
                block = min(block * 2, 512)
            yield self._turns[index]

    def head(self, length: int) -> Transcript:
        """Return the transcript as it was when it had `length` turns, sharing what is fetched."""
        part = Transcript(min(length, self._length), self._fetch, of=self.of)
        part._turns = self._turns
        return part

    def with_turn(self, turn: Turn) -> Transcript:
        """Return the transcript with one more turn at its end."""
        longer = Transcript(self._length + 1, self._fetch, of=self.of)
        longer._turns = {**self._turns, self._length: turn}
        return longer


def backwards(transcript: Sequence[Turn], first: int = 0) -> Iterator[Turn]:
    """Yield the turns from the newest down to index `first`, of a Transcript or of any sequence."""
    return transcript.backwards(first) if isinstance(transcript, Transcript) else reversed(transcript[first:])


def head(transcript: Sequence[Turn], length: int) -> Sequence[Turn]:
    """Return a transcript as it was when it had `length` turns, of a Transcript or of any sequence."""
    return transcript.head(length) if isinstance(transcript, Transcript) else transcript[:length]


def thread_of(transcript: Sequence[Turn]) -> str:
    """Name the thread whose turns these are, "" where they are no thread's."""
    return transcript.of[1] if isinstance(transcript, Transcript) and transcript.of else ""
