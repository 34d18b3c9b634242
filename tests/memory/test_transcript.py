"""A lazy transcript is the list that it stands for, and fetches each turn at most once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.base import Turn
from memory.errors import StoreUnavailable, ThreadGone
from memory.transcript import Transcript, backwards
from tests.memory.fakes import plain


class Source:
    """Turns as a store has them; notes each that is fetched."""

    def __init__(self, length: int) -> None:
        self.turns = [plain(index, f"q{index}", f"a{index}") for index in range(length)]
        self.fetched: list[int] = []

    def fetch(self, first: int, end: int) -> list[Turn]:
        assert 0 <= first < end <= len(self.turns)
        self.fetched += range(first, end)
        return self.turns[first:end]

    def transcript(self, known: int = 0) -> Transcript:
        return Transcript(len(self.turns), self.fetch, self.turns[len(self.turns) - known :])


PLACES = st.integers(-12, 12)
LOOKS = st.lists(
    st.one_of(PLACES, st.builds(slice, PLACES | st.none(), PLACES | st.none(), st.sampled_from([None, 1, 2, -1]))),
    max_size=8,
)


@given(length=st.integers(0, 10), known=st.integers(0, 10), looks=LOOKS)
def test_every_index_and_slice_is_a_lists_and_nothing_is_fetched_twice(
    length: int, known: int, looks: list[Any]
) -> None:
    source = Source(length)
    transcript = source.transcript(min(known, length))
    for look in looks:
        if isinstance(look, int) and not -length <= look < length:
            with pytest.raises(IndexError):
                transcript[look]
        else:
            assert transcript[look] == source.turns[look]
    assert len(transcript) == length
    assert list(transcript) == list(iter(source.turns))
    assert list(reversed(transcript)) == source.turns[::-1]
    assert not set(source.fetched) & set(range(length - min(known, length), length))
    # A slice with a gap that is known may fetch the gap again, never what lies at its ends.
    assert len(source.fetched) <= 2 * length


def test_what_came_with_the_thread_is_not_fetched() -> None:
    source = Source(10_000)
    transcript = source.transcript(16)
    assert (transcript[-1], transcript[-5:], transcript[9_984]) == (
        source.turns[-1],
        source.turns[-5:],
        source.turns[9_984],
    )
    assert source.fetched == []
    assert transcript[0:3] == source.turns[:3]
    assert source.fetched == [0, 1, 2]
    assert transcript[0:3] == source.turns[:3]
    assert source.fetched == [0, 1, 2]


@given(length=st.integers(0, 200), known=st.integers(0, 20), first=st.integers(0, 210), taken=st.integers(0, 210))
def test_walking_backwards_fetches_little_more_than_is_looked_at(
    length: int, known: int, first: int, taken: int
) -> None:
    source = Source(length)
    known = min(known, length)
    walk = backwards(source.transcript(known), first)
    seen = [turn for _, turn in zip(range(taken), walk, strict=False)]
    assert seen == source.turns[first:][::-1][:taken]
    assert all(place >= first for place in source.fetched)
    assert len(source.fetched) == len(set(source.fetched)) <= max(16, 3 * taken + 16)
    assert list(backwards(source.turns, first)) == source.turns[first:][::-1]


def test_a_head_and_a_longer_one_share_what_is_fetched() -> None:
    source = Source(10)
    transcript = source.transcript(4)
    head = transcript.head(8)
    assert (len(head), head[-1], list(head[6:])) == (8, source.turns[7], source.turns[6:8])
    assert source.fetched == []
    longer = transcript.with_turn(plain(10, "new", "one"))
    assert (len(longer), longer[-1].human, longer[-2]) == (11, "new", source.turns[9])
    assert len(transcript) == 10
    assert list(head) == source.turns[:8]
    assert transcript[0] == source.turns[0]
    assert sorted(source.fetched) == list(range(6))
    assert len(transcript.head(99)) == 10


def test_a_thread_that_vanishes_meanwhile_is_said_to_be_gone() -> None:
    with pytest.raises(ThreadGone):
        Transcript(5, lambda first, end: [])[0:2]


def test_an_outage_reaches_whoever_reads() -> None:
    def away(first: int, end: int) -> list[Turn]:
        raise StoreUnavailable("Redis is away.")

    transcript = Transcript(5, away)
    assert len(transcript) == 5
    with pytest.raises(StoreUnavailable):
        transcript[3]
