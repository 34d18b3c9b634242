"""New threads and forks: a copy takes along what its memories know and leaves its source alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from memory.base import Memory, replay
from memory.catalog import load
from memory.errors import StoreUnavailable, ThreadGone
from memory.server.connect import Connection
from memory.store import Store, Thread
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore
from memory.threads import fork, keep, new, title_of
from memory.trace import Trace
from tests.memory.fakes import Away, FakeServices, conversation, new_user, plain, say, state_json, traces_of, turns_of

SPECS = [
    "buffer",
    "window:k=2",
    "summary",
    "summary:summarize_step=2",
    "summary_buffer:max_token_limit=60",
    "last_input",
]
TALK = [f"Message number {number}, with some words to fill the buffer." for number in range(8)]


def test_a_new_thread_has_its_memory_and_no_turn(store: Store) -> None:
    user, memory = new_user(), load().memory("window:k=3")
    thread = new(store, user, memory)
    assert store.threads(user) == [thread]
    assert (thread.memory, thread.settings) == ("ConversationBufferWindowMemory", {"k": 3, "step": 1})
    assert store.open(user, thread.id, memory.key).length == 0
    assert new(store, user, memory).id != thread.id


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("length", [0, 5, 8])
def test_a_fork_takes_turns_traces_and_states_along(store: Store, spec: str, length: int) -> None:
    talk = conversation(store, spec)
    say(talk, *TALK)
    copy = fork(store, talk.user, talk.thread, length, "Another way")
    assert (copy.title, copy.parent, copy.forked_at) == ("Another way", "t1", length)
    forked = replace(talk, thread=copy.id)
    assert turns_of(forked) == turns_of(talk)[:length]
    assert traces_of(forked) == traces_of(talk)[:length]
    # Nothing that was noted of later turns comes along.
    assert all(note.since <= length for note in store.everything(talk.user, copy.id)[0].values())
    # Its memory costs nothing to rebuild and stands where a replay of its turns would.
    assert forked.estimate().calls == 0
    forked.catch_up()
    rebuilt = replay(talk.memory, turns_of(forked), FakeServices())
    assert forked.opened().state.notes == rebuilt.notes
    if talk.memory.stateful:
        assert state_json(forked.opened().state) == state_json(rebuilt)


@pytest.mark.parametrize("spec", SPECS)
def test_a_fork_goes_on_as_its_source_would_have(store: Store, spec: str) -> None:
    talk = conversation(store, spec)
    say(talk, *TALK)
    forked = replace(talk, thread=fork(store, talk.user, talk.thread, 5).id)
    say(forked, *TALK[5:])
    assert [trace.prompt_hash for trace in traces_of(forked)] == [trace.prompt_hash for trace in traces_of(talk)]
    assert forked.opened().state == talk.opened().state


def test_a_fork_leaves_its_source_alone_and_the_other_way_round(store: Store) -> None:
    talk = conversation(store, "summary")
    say(talk, *TALK)
    before = turns_of(talk), traces_of(talk), talk.opened(), store.everything(talk.user, talk.thread)
    forked = replace(talk, thread=fork(store, talk.user, talk.thread, 3).id)
    say(forked, "Something else.")
    assert (turns_of(talk), traces_of(talk), talk.opened(), store.everything(talk.user, talk.thread)) == before
    store.delete_thread(talk.user, talk.thread)
    assert len(turns_of(forked)) == 4
    last = turns_of(forked)[-1]
    list(forked.reply("Something else.", replaces=last.id))
    assert len(turns_of(forked)) == 4


def test_a_fork_takes_the_states_of_every_memory_and_the_switches_before_it(store: Store) -> None:
    talk = conversation(store, "window")
    say(talk, *TALK[:4])
    other = replace(talk, memory=load().memory("summary"))
    other.catch_up()
    say(talk, *TALK[4:])
    other.catch_up()
    forked = replace(other, thread=fork(store, talk.user, talk.thread, 6).id)
    assert forked.opened().state.covered == 6
    assert [event.turn for event in store.events(talk.user, forked.thread)] == [4]


def test_a_fork_of_a_fork_and_one_longer_than_its_source_hold_what_there_is(store: Store) -> None:
    talk = conversation(store, "summary")
    say(talk, *TALK[:3])
    once = fork(store, talk.user, talk.thread, 99)
    twice = fork(store, talk.user, once.id, 2)
    assert twice.title == "New chat (fork) (fork)"
    assert turns_of(replace(talk, thread=once.id)) == turns_of(talk)
    assert turns_of(replace(talk, thread=twice.id)) == turns_of(talk)[:2]


def test_a_deleted_thread_is_not_forked(store: Store) -> None:
    talk = conversation(store, "window")
    store.delete_thread(talk.user, talk.thread)
    with pytest.raises(ThreadGone):
        fork(store, talk.user, talk.thread, 0)


@pytest.mark.parametrize("spec", SPECS)
def test_a_temporary_thread_is_kept_with_everything(store: Store, spec: str) -> None:
    temporary = InMemoryStore()
    talk = conversation(temporary, spec)
    say(talk, *TALK)
    before = turns_of(talk), traces_of(talk), talk.opened().state.notes
    keep(temporary, store, talk.user, talk.thread)
    kept = replace(talk, store=store)
    assert (turns_of(kept), traces_of(kept), kept.opened().state.notes) == before
    assert temporary.thread(talk.user, talk.thread) is None
    assert kept.estimate().calls == 0
    assert store.totals(talk.user, talk.thread).reply.calls == len(TALK)


WRITES = ("put_thread", "extend", "put_notes", "put_state")


class Failing(Away):
    """A store that goes away at the write of this number, for once or for good."""

    def __init__(self, store: Store, write: int, back: bool) -> None:
        super().__init__(store)
        self.left, self.back = write, back

    def __getattr__(self, name: str) -> Any:
        if name in (*WRITES, "delete_thread"):
            self.left -= 1
            self.away = self.left == -1 or (self.left < 0 and not self.back)
        return super().__getattr__(name)


@pytest.mark.parametrize("write", range(5))
def test_of_a_fork_that_the_store_did_not_take_nothing_is_left(store: Store, write: int) -> None:
    talk = conversation(store, "summary")
    say(talk, *TALK[:3])
    with pytest.raises(StoreUnavailable):
        fork(Failing(store, write, back=True), talk.user, talk.thread, 2)
    assert [thread.id for thread in store.threads(talk.user)] == [talk.thread]


@pytest.mark.parametrize("write", range(5))
def test_half_a_fork_says_so_in_its_title_while_the_store_stays_away(store: Store, write: int) -> None:
    talk = conversation(store, "summary")
    say(talk, *TALK[:3])
    with pytest.raises(StoreUnavailable):
        fork(Failing(store, write, back=False), talk.user, talk.thread, 2)
    halves = [thread for thread in store.threads(talk.user) if thread.id != talk.thread]
    assert len(halves) == (write > 0)
    assert all(half.title == "Not finished: New chat (fork)" for half in halves)


@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize("write", range(5))
def test_a_temporary_thread_that_could_not_be_kept_is_kept_at_the_next_try(
    store: Store, write: int, back: bool
) -> None:
    temporary = InMemoryStore()
    talk = conversation(temporary, "summary")
    say(talk, *TALK[:3])
    with pytest.raises(StoreUnavailable):
        keep(temporary, Failing(store, write, back), talk.user, talk.thread)
    say(talk, TALK[3])
    before = turns_of(talk), talk.opened().state
    keep(temporary, store, talk.user, talk.thread)
    kept = replace(talk, store=store)
    assert (turns_of(kept), kept.opened().state) == before
    assert [thread.title for thread in store.threads(talk.user)] == ["New chat"]


class Dying:
    """A connection whose process dies when it is about to send its second block of rows."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.sent = connection, 0

    def call(self, fn: Callable[[Any], Any]) -> Any:
        return fn(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection.client, name)

    def pipeline(self, **more: Any) -> Any:
        self.sent += 1
        if self.sent == 2:
            raise KeyboardInterrupt
        return self.connection.client.pipeline(**more)


def test_what_a_process_that_dies_in_an_import_leaves_behind_expires(connection: Connection) -> None:
    user = new_user()
    turns = [plain(index, "q", "a") for index in range(700)]
    traces = [Trace("import", index, turn.id, 1.0) for index, turn in enumerate(turns)]
    store = RedisStore(Dying(connection))
    RedisStore(connection).put_thread(user, Thread("t1"))
    with pytest.raises(KeyboardInterrupt):
        store.extend(user, "t1", turns, traces)
    left = connection.client.keys(f"*{user}*")
    assert len(left) == 5
    assert all(connection.client.pttl(key) > 0 for key in left)
    store.extend(user, "t1", turns, traces)
    assert store.turns(user, "t1", 0, 1000) == turns
    assert store.traces(user, "t1", 0, 1000) == traces
    assert connection.client.hget(f"mi:{{{user}}}:t1:ids", "turn699") == b"699"


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("My name is Alex.", "My name is Alex."),
        ("  two\n\nlines  ", "two lines"),
        ("I have three days in Paris next week, what should I see?", "I have three days in Paris next week,…"),
        ("x" * 200, "x" * 39 + "…"),
        ("", ""),
    ],
)
def test_a_title_is_made_of_the_first_words(query: str, title: str) -> None:
    assert title_of(query) == title
    assert len(title) <= 40


def test_a_memory_of_another_setting_has_a_state_of_its_own(store: Store) -> None:
    talk = conversation(store, "summary")
    say(talk, *TALK)
    other: Memory = load().memory("summary:summarize_step=4")
    assert replace(talk, memory=other).opened().state.covered == 0
    assert other.key != talk.memory.key
    # A setting that does not shape the state keeps it.
    assert load().memory("window:k=1").key == load().memory("window:k=2").key
