"""A long prompt laid out: it reads what is looked at and no more, and still adds up to what was sent, to the token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import threads
from memory.base import Item, Recall, State, Turn
from memory.catalog import load
from memory.edited_prompt import as_sent, edited, reworded
from memory.forgetting.removal import take_out_turn
from memory.inspection.inspect import Inspection, inspect
from memory.inspection.laid_out import FIRST, LAST, WHOLE, LaidOut, Look, Run, lay_out
from memory.inspection.pieces import Piece, pieces
from memory.prompt import Prompt, assemble, message_of
from memory.stores.inmemory import InMemoryStore
from memory.threads import fork
from memory.trace import Trace, reference, with_prompt
from tests.memory.fakes import ENCODING, FakeChat, conversation, say

USER = "u1"


class Counting(InMemoryStore):
    """A store that counts the turns and traces that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def turns(self, user: str, thread: str, first: int, end: int) -> list[Turn]:
        found = super().turns(user, thread, first, end)
        self.read += len(found)
        return found

    def traces(self, user: str, thread: str, first: int, end: int) -> list[Trace]:
        found = super().traces(user, thread, first, end)
        self.read += len(found)
        return found


def turn_at(index: int) -> Turn:
    said = (message_of("human", f"Fact {index}.", ENCODING), message_of("ai", "Noted. " * (index % 4), ENCODING))
    return Turn(f"t{index}", said, at=1.0 + index, index=index)


def stored(length: int, items: Sequence[Item] = (), store: Counting | None = None) -> tuple[Counting, str]:
    """Store a thread whose last turn was sent these items, by default every turn before it."""
    store = store or Counting()
    turns = [turn_at(index) for index in range(length)]
    past, query = turns[:-1], turns[-1]
    every = Item("turns:0-0", "history", "every turn is sent", sum(one.count(ENCODING) for one in past), (0, len(past)))
    recall = Recall(tuple(items) or (every,))
    prompt = assemble("Be brief.", recall, past, query.human, ENCODING)
    kept, hashes, texts = reference(recall, State(), "Be brief.")
    traces = [Trace("import", one.index, one.id, one.at) for one in past]
    more = {"segments": prompt.segments(), "prompt_hash": prompt.hash(), "counts": prompt.counts, "texts": hashes}
    traces.append(Trace("turn", length - 1, query.id, query.at, "M", items=kept, read_length=len(past), **more))
    thread = threads.new(store, USER, load().memory("buffer")).id
    store.extend(USER, thread, turns, traces)
    store.put_notes(USER, thread, {}, texts)
    return store, thread


def seen_of(store: Counting, thread: str, length: int) -> Inspection:
    found = inspect(store, USER, thread, length - 1, length)
    assert found
    return found


@cache
def long() -> tuple[Inspection, list[Piece]]:
    """Look at a turn to which 699 were sent, and at all pieces of its prompt."""
    seen = seen_of(*stored(700), 700)
    return seen, pieces(seen.rebuilt.prompt)


def spans_of(laid: LaidOut) -> list[tuple[int, ...]]:
    return [part.turns for part in laid.parts if isinstance(part, Run)]


# --- what is read -----------------------------------------------------------------------------------------------------


def test_the_prompt_of_2_000_turns_reads_as_much_as_that_of_150() -> None:
    read, written = [], []
    for length in (150, 2_000):
        store, thread = stored(length)
        store.read = 0
        laid = lay_out(seen_of(store, thread, length), Look())
        read.append(store.read)
        written.append(sum(len(piece.spans) for piece in laid.pieces))
        assert laid.exact
        assert laid.unread == length - 1 - WHOLE
    assert read[0] == read[1] <= WHOLE + 4
    assert written[0] == written[1]


def test_up_to_a_hundred_turns_are_read_whole_and_checked_by_their_hash() -> None:
    store, thread = stored(WHOLE + 1)
    laid = lay_out(seen_of(store, thread, WHOLE + 1), Look())
    assert (laid.unread, laid.exact, len(laid.pieces)) == (0, True, WHOLE + 2)
    store._users[USER][thread].turns[50] = store._users[USER][thread].turns[49]
    assert not lay_out(seen_of(store, thread, WHOLE + 1), Look()).exact


def test_who_goes_to_a_turn_reads_what_is_around_it_and_counts_the_shorter_way_there_once() -> None:
    store, thread = stored(2_000)
    counted: list[tuple[int, int]] = []
    seen = seen_of(store, thread, 2_000)
    store.read = 0
    laid = lay_out(seen, Look().at(300), lambda span: counted.append(span) or 1_000)
    assert store.read == WHOLE + 21
    assert counted == [(FIRST, 295)]
    assert spans_of(laid) == [(FIRST, 295), (316, 1_999 - WHOLE + FIRST)]
    assert sum(part.tokens for part in laid.parts) == seen.trace.prompt_tokens


# --- what is said -----------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.integers(1, 800), st.integers(0, 800))
def test_however_it_is_looked_at_the_parts_are_those_of_the_prompt_in_their_order(last: int, turn: int) -> None:
    seen, every = long()
    laid = lay_out(seen, replace(Look(last), turns=Look().at(turn).turns))
    assert laid.places[-1] == len(every)
    assert sum(part.tokens for part in laid.parts) == seen.trace.prompt_tokens
    for place, part in zip(laid.places, laid.parts, strict=False):
        if isinstance(part, Piece):
            assert part == every[place]
        else:
            assert part.tokens == sum(one.tokens for one in every[place : place + part.length])
            assert every[place].turns == (part.turns[0],)


def test_what_is_shown_are_the_ends_and_the_turns_around_one() -> None:
    look = Look().at(350)
    laid = lay_out(long()[0], look)
    shown = [place for place, part in zip(laid.places, laid.parts, strict=False) if look.shows(part, place, 701)]
    # The instructions are the first piece, so that turn n is at place n + 1.
    assert shown == [*range(FIRST), *range(346, 367), *range(701 - LAST, 701)]


def test_long_spans_between_notes_and_quotes_stay_in_their_places() -> None:
    sizes = [turn_at(index).count(ENCODING) for index in range(900)]
    items = (
        Item("summary:1", "memory", "gist", 2, text="Much was said."),
        Item("turns:0-399", "history", "old", sum(sizes[:400]), (0, 400)),
        Item("turns:450-450", "memory", "found", 9, (450, 451), quoted=True),
        Item("turns:500-898", "history", "new", sum(sizes[500:899]), (500, 899)),
    )
    store, thread = stored(900, items)
    seen = seen_of(store, thread, 900)
    laid, every = lay_out(seen, Look()), pieces(seen.rebuilt.prompt)
    assert spans_of(laid) == [(FIRST, 306), (506, 805)]
    assert laid.places[-1] == len(every)
    for place, part in zip(laid.places, laid.parts, strict=False):
        size = part.length if isinstance(part, Run) else 1
        assert part.tokens == sum(one.tokens for one in every[place : place + size])
    assert laid.exact


def test_the_messages_of_a_long_prompt_are_counted_when_it_is_sent() -> None:
    seen, _ = long()
    assert lay_out(seen, Look()).counts == seen.rebuilt.prompt.counts
    assert seen.rebuilt.prompt.counts.messages == 2 + 2 * 699


def test_a_turn_that_is_answered_keeps_the_counts_of_its_prompt() -> None:
    talk = conversation(InMemoryStore(), "buffer", FakeChat(), instructions="Be brief.")
    say(talk, "one", "two")
    trace = talk.store.traces(talk.user, talk.thread, 1, 2)[0]
    assert (trace.counts.messages, trace.counts.named, trace.counts.calls) == (4, 0, 0)


# --- whether it is what was sent --------------------------------------------------------------------------------------


def test_a_turn_between_that_was_forgotten_since_is_told_of_without_reading_it() -> None:
    store, thread = stored(400)
    assert lay_out(seen_of(store, thread, 400), Look()).exact
    take_out_turn(store, USER, thread, 200)
    laid = lay_out(seen_of(store, thread, 400), Look())
    assert (laid.exact, laid.unread) == (False, 399 - WHOLE)
    copy = fork(store, USER, thread, 400).id
    assert not lay_out(seen_of(store, copy, 400), Look()).exact


def test_a_turn_that_was_forgotten_before_belongs_to_what_was_sent() -> None:
    store = InMemoryStore()
    talk = conversation(store, "buffer", FakeChat())
    turns = [turn_at(index) for index in range(300)]
    store.extend(talk.user, talk.thread, turns, [Trace("import", one.index, one.id, one.at) for one in turns])
    take_out_turn(store, talk.user, talk.thread, 150)
    say(talk, "And now?")
    seen = inspect(store, talk.user, talk.thread, 300, 301)
    assert seen
    laid = lay_out(seen, Look())
    assert (laid.exact, seen.rebuilt.exact, laid.unread) == (True, True, 300 - WHOLE)
    assert sum(part.tokens for part in laid.parts) == seen.trace.prompt_tokens


@pytest.mark.parametrize("gone", ["texts", "hash"])
def test_instructions_that_are_gone_and_a_prompt_without_a_hash_are_not_what_was_sent(gone: str) -> None:
    store, thread = stored(300)
    seen = seen_of(store, thread, 300)
    if gone == "texts":
        store._users[USER][thread].texts.clear()
        seen = seen_of(store, thread, 300)
    else:
        seen = replace(seen, trace=replace(seen.trace, prompt_hash=""))
    assert not lay_out(seen, Look()).exact


def test_a_prompt_that_was_edited_is_read_as_it_was_kept() -> None:
    store, thread = stored(300)
    seen = seen_of(store, thread, 300)
    messages = as_sent(seen.rebuilt.prompt, ENCODING)
    mine = (*messages[:-1], reworded(messages[-1], "Who am I?", ENCODING))
    prompt: Prompt = edited(messages, mine, ENCODING, 1_000_000, "demo")
    trace, texts = with_prompt(seen.trace, dict(seen.texts), prompt, edited=True)
    store.put_notes(USER, thread, {}, texts)
    store.read = 0
    laid = lay_out(replace(seen, trace=trace), Look())
    assert (laid.unread, laid.exact, laid.edited) == (0, True, True)
    assert laid.pieces[-1].text == "Who am I?"
    assert store.read <= 1
