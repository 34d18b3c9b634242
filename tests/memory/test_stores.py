"""The contract of a store, on each of them: commits that can be repeated, two writers, deletion, expiry, names."""

from __future__ import annotations

import multiprocessing
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis

from memory.base import Note, State, Turn
from memory.errors import BadInput, StoreUnavailable, ThreadGone
from memory.prompt import message_of
from memory.server.connect import Connection, connect
from memory.store import UNDO_SECONDS, Pending, Store, Thread
from memory.stores import inmemory
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore
from memory.stores.redis_calls import NAMES
from memory.threads import fork as fork_thread
from memory.threads import title_of
from memory.trace import Call, Trace
from tests.memory.fakes import ENCODING, FakeChat, conversation, everything_on, new_user, plain, say, turns_of

T = TypeVar("T")
CALL = Call("reply", "demo", 100, 10, cost=Decimal("0.0001"))
OWN = Call("summary", "demo", 40, 4, cost=Decimal("0.00002"))


def trace(turn: Turn, *calls: Call) -> Trace:
    return Trace("turn", turn.index, turn.id, 1.0, calls=calls)


def thread_with(store: Store, *humans: str, user: str = "", id: str = "t1") -> str:
    """Make a thread of a new user with these messages; return the user."""
    user = user or new_user()
    store.put_thread(user, Thread(id, created=1.0, updated=1.0))
    for index, human in enumerate(humans):
        turn = plain(index, human, "Yes.")
        store.append(user, id, turn, trace(turn, CALL), {})
    return user


def humans(store: Store, user: str, id: str = "t1") -> list[str]:
    return [turn.human for turn in store.turns(user, id, 0, 10_000)]


# A turn is appended once


def test_a_turn_appended_twice_is_there_once(store: Store) -> None:
    user, turn = thread_with(store, "one"), plain(1, "two", "Yes.")
    first = store.append(user, "t1", turn, trace(turn, CALL), {})
    again = store.append(user, "t1", turn, trace(turn, CALL), {})
    assert (first.index, first.repeated) == (1, False)
    assert (again.index, again.repeated) == (1, True)
    assert humans(store, user) == ["one", "two"]
    assert len(store.traces(user, "t1", 0, 10)) == 2
    assert store.totals(user, "t1").reply.calls == 2


class LosesReplies:
    """A connection whose server does the work and whose answer is lost, at the calls that `lose` names (from 0)."""

    def __init__(self, connection: Connection, *lose: int) -> None:
        self._connection, self._lose, self.calls = connection, lose, 0

    def call(self, fn: Callable[[Any], T]) -> T:
        answer = self._connection.call(fn)
        self.calls += 1
        if self.calls - 1 in self._lose:
            raise StoreUnavailable("The answer was lost.")
        return answer


def test_a_commit_whose_answer_was_lost_can_be_repeated(connection: Connection) -> None:
    for lost in range(5):
        real = RedisStore(connection)
        talk = conversation(real, "summary")
        say(talk, "My name is Alex.")
        flaky = replace(talk, store=RedisStore(LosesReplies(connection, lost)))
        reply = flaky.reply("What is my name?", turn_id="once")
        try:
            list(reply)
        except StoreUnavailable:
            if reply.turn:
                reply.commit()
            else:
                reply = talk.reply("What is my name?", turn_id="once")
                list(reply)
        assert [turn.human for turn in turns_of(talk)] == ["My name is Alex.", "What is my name?"], lost
        totals = real.totals(talk.user, talk.thread)
        assert (totals.reply.calls, totals.own.calls) == (2, 2), lost
        assert talk.opened().state.covered == 2
        assert talk.opened().pending == ()
        assert real.traces(talk.user, talk.thread, 1, 2) == [reply.trace]


class DoesTwice:
    """A connection that does everything twice, as where an answer was lost and the client tries again by itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def call(self, fn: Callable[[Any], T]) -> T:
        self._connection.call(fn)
        return self._connection.call(fn)


def test_whatever_is_done_twice_leaves_what_is_done_once(connection: Connection) -> None:
    once, twice = new_user(), new_user()
    seen = []
    for user, store in ((once, RedisStore(connection)), (twice, RedisStore(DoesTwice(connection)))):
        talk = conversation(store, "summary", user=user)
        say(talk, "one", "two", "three")
        last = turns_of(talk)[-1]
        list(talk.reply("three", replaces=last.id))
        replace(talk, memory=type(talk.memory)(summarize_step=2)).catch_up()
        copy = fork_thread(store, user, talk.thread, 2)
        store.delete_thread(user, copy.id)
        assert store.restore_thread(user, copy.id)
        found = [store.open(user, thread.id, talk.memory.key) for thread in store.threads(user)]
        events = store.events(user, "t1")
        notes = sorted(store.everything(user, "t1")[0])
        totals = [store.totals(user, thread.id) for thread in store.threads(user)]
        seen.append(([(one.length, one.state, one.pending) for one in found], len(events), notes, totals))
    assert seen[0] == seen[1]


def test_a_state_stored_twice_counts_its_calls_once(store: Store) -> None:
    user = thread_with(store, "one")
    done = replace(trace(plain(0, "one", "Yes."), CALL), calls=(CALL, OWN))
    revision = store.put_state(user, "t1", "m", "", State(1), done)
    assert revision
    assert store.put_state(user, "t1", "m", revision, State(1), done)
    assert store.totals(user, "t1").own.calls == 1


# Two writers


def _write(store: Store, user: str, name: str, count: int) -> None:
    talk = conversation(store, "summary", user=user)
    for number in range(count):
        say(talk, f"{name} {number}")


def check_two_writers(store: Store, user: str, count: int) -> None:
    talk = conversation(store, "summary", user=user)
    turns = turns_of(talk)
    assert sorted(turn.human for turn in turns) == sorted(
        f"{name} {number}" for name in "AB" for number in range(count)
    )
    for name in "AB":
        assert [t.human for t in turns if t.human.startswith(name)] == [f"{name} {number}" for number in range(count)]
    # Each answer stands with its own question, each trace with its own turn.
    assert all(turn.ai.endswith(f"I heard: {turn.human}") for turn in turns)
    traces = store.traces(user, "t1", 0, 1000)
    assert [one.turn_id for one in traces] == [turn.id for turn in turns]
    assert all(one.after and one.after.covered <= index + 2 * count for index, one in enumerate(traces))
    talk.catch_up()
    assert talk.opened().state.covered == 2 * count
    calls = sum(len(one.own_calls) for one in (*traces, *store.events(user, "t1")))
    own = store.totals(user, "t1").own
    assert own.calls + own.reused == calls >= 2 * count


def test_two_threads_that_write_to_one_thread_mix_nothing(store: Store) -> None:
    user = thread_with(store)
    writers = [threading.Thread(target=_write, args=(store, user, name, 8)) for name in "AB"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    check_two_writers(store, user, 8)


def _process(socket: str, user: str, name: str, count: int) -> None:
    found = connect(f"unix://{socket}")
    _write(RedisStore(found), user, name, count)
    found.close()


def test_two_processes_that_write_to_one_thread_mix_nothing(embedded: Connection) -> None:
    store = RedisStore(embedded)
    user = thread_with(store)
    socket = embedded.client.connection_pool.connection_kwargs["path"]
    # A fresh interpreter would take seconds to import what these two need; they keep away from what the parent holds.
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_process, args=(socket, user, name, 12)) for name in "AB"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for writer in writers:
            writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    check_two_writers(store, user, 12)


def test_the_second_of_two_states_is_refused_and_its_writer_catches_up(store: Store) -> None:
    talk = conversation(store, "summary")
    say(talk, "one")
    first, second = talk.reply("two"), talk.reply("three")
    slow, fast = iter(first), iter(second)
    next(slow)
    list(fast)  # answered from the same reading, and written first
    list(slow)
    assert [turn.human for turn in turns_of(talk)] == ["one", "three", "two"]
    assert talk.opened().state.covered == 3
    traces = store.traces(talk.user, talk.thread, 0, 3)
    assert [one.read_length for one in traces] == [0, 1, 1]
    assert [one.turn for one in traces] == [0, 1, 2]
    assert store.put_state(talk.user, talk.thread, talk.memory.key, "an old one", State(1)) is None
    assert talk.opened().state.covered == 3


# The last turn's place


def test_a_last_turn_is_replaced_and_what_covered_it_goes(store: Store) -> None:
    user = thread_with(store, "one", "two")
    store.put_state(user, "t1", "covers", "", State(2, {"n": Note("n", 2, "two", (0, 2), 2)}))
    store.put_state(user, "t1", "rolls back", "", State(2))
    store.put_state(user, "t1", "does not", "", State(1))
    again = replace(plain(1, "two", "No."), id="again", earlier=("Yes.",))
    done = store.append(user, "t1", again, trace(again, CALL), {}, "turn1", {"rolls back": State(1, parts={"0": 1})})
    assert (done.index, done.repeated) == (1, False)
    assert store.append(user, "t1", again, trace(again, CALL), {}, "turn1").repeated
    assert [turn.ai for turn in store.turns(user, "t1", 0, 9)] == ["Yes.", "No."]
    assert store.turns(user, "t1", 1, 2)[0].earlier == ("Yes.",)
    assert store.traces(user, "t1", 1, 2)[0].turn_id == "again"
    assert store.open(user, "t1", "covers").state == State()
    assert store.open(user, "t1", "rolls back").state == State(1, parts={"0": 1})
    assert store.open(user, "t1", "does not").state == State(1)


@pytest.mark.parametrize("replaced", ["turn0", "nobody", "again"])
def test_only_the_last_turn_is_replaced(store: Store, replaced: str) -> None:
    user = thread_with(store, "one", "two")
    again = replace(plain(1, "two", "No."), id="again")
    with pytest.raises(BadInput, match="last answer"):
        store.append(user, "t1", again, trace(again, CALL), {}, replaced)
    assert [turn.ai for turn in store.turns(user, "t1", 0, 9)] == ["Yes.", "Yes."]


def test_a_note_that_spoke_of_a_replaced_turn_is_gone_with_it(store: Store) -> None:
    """Otherwise a fork or a later roll back would take it for valid."""
    said = ["ORCHID"]
    talk = conversation(store, "summary", writer=lambda messages: f"gist: {said[0]}")
    say(talk, "one")
    reply = say(talk, "two")
    assert reply.turn
    broken = FakeChat(answer=lambda messages: ConnectionError("gone"))
    # Another answer, as what was summarised before would come from the cache.
    other = FakeChat(answer=["No."])
    talk = replace(talk, models=replace(talk.models, talker=other, writer=broken))
    list(talk.reply("two", replaces=reply.turn.id))
    notes, _ = store.everything(talk.user, talk.thread)
    assert [note.since for note in notes.values()] == [1]
    copy = fork_thread(store, talk.user, talk.thread, 2)
    assert store.open(talk.user, copy.id, talk.memory.key).state.covered == 1


def test_a_state_of_turns_that_are_gone_is_refused(store: Store) -> None:
    user = thread_with(store, "one", "two")
    before = store.open(user, "t1", "m").revision
    assert store.put_state(user, "t1", "m", before, State(3)) is None
    store.clear(user, "t1")
    cleared = store.open(user, "t1", "m").revision
    assert cleared != before
    turn = plain(0, "three", "Yes.")
    store.append(user, "t1", turn, trace(turn), {})
    assert store.put_state(user, "t1", "m", before, State(1)) is None
    again = replace(turn, id="again")
    store.append(user, "t1", again, trace(again), {}, turn.id)
    store.append(user, "t1", again, trace(again), {}, turn.id)
    assert store.put_state(user, "t1", "m", cleared, State(1)) is None
    revision = store.put_state(user, "t1", "m", store.open(user, "t1", "m").revision, State(1))
    assert revision == store.open(user, "t1", "m").revision
    assert revision
    assert store.put_state(user, "t1", "m", revision, State(1, {}, {"a": 1}))


# Pending messages


def test_a_message_on_its_way_is_noted_until_its_turn_is_there(store: Store) -> None:
    user = thread_with(store, "one")
    pending = Pending("p1", "What is my name?", beat=5.0)
    assert store.open(user, "t1", "m", pending=pending).pending == (pending,)
    further = replace(pending, text="Your name", beat=6.0)
    store.beat(user, "t1", further)
    assert store.open(user, "t1", "m").pending == (further,)
    turn = replace(plain(1, "What is my name?", "Your name is Alex."), id="p1")
    store.append(user, "t1", turn, trace(turn, CALL), {})
    assert store.open(user, "t1", "m").pending == ()
    store.beat(user, "t1", further)
    assert store.open(user, "t1", "m").pending == ()


def test_a_message_that_will_not_be_answered_is_forgotten(store: Store) -> None:
    user = thread_with(store, "one")
    store.open(user, "t1", "m", pending=Pending("p1", "What?"))
    store.drop_pending(user, "t1", "p1")
    store.drop_pending(user, "t1", "p1")
    assert store.open(user, "t1", "m").pending == ()


# Threads


def test_threads_are_listed_with_the_last_used_first(store: Store) -> None:
    user = new_user()
    for number, id in enumerate("abc"):
        store.put_thread(user, Thread(id, id.upper(), created=1.0, updated=1000.0 + number))
    assert [thread.id for thread in store.threads(user)] == ["c", "b", "a"]
    turn = plain(0, "hello", "hi")
    store.append(user, "a", turn, trace(turn), {})
    assert [thread.id for thread in store.threads(user)] == ["a", "c", "b"]
    assert store.threads(user)[0].updated > time.time() - 60


def test_a_new_title_leaves_a_thread_in_its_place(store: Store) -> None:
    user = new_user()
    for number, id in enumerate("ab"):
        store.put_thread(user, Thread(id, updated=1000.0 + number))
    held = store.thread(user, "a")
    assert held
    turn = plain(0, "hello", "hi")
    store.append(user, "a", turn, trace(turn), {})
    store.append(user, "b", turn, trace(turn), {})
    store.put_thread(user, replace(held, title="Another", memory="NoMemory", settings={"k": 3}))
    assert [(thread.id, thread.title) for thread in store.threads(user)] == [("b", "New chat"), ("a", "Another")]
    found = store.thread(user, "a")
    assert found
    assert (found.title, found.memory, found.settings) == ("Another", "NoMemory", {"k": 3})


def test_a_deleted_thread_can_be_restored_with_everything(store: Store) -> None:
    user = thread_with(store, "one", "two")
    store.put_state(user, "t1", "m", "", State(2))
    opened = store.open(user, "t1", "m")
    store.delete_thread(user, "t1")
    store.delete_thread(user, "t1")
    assert store.thread(user, "t1") is None
    assert store.threads(user) == []
    assert [thread.id for thread in store.threads(user, deleted=True)] == ["t1"]
    assert store.restore_thread(user, "t1")
    assert store.restore_thread(user, "t1")
    assert not store.restore_thread(user, "never")
    assert store.open(user, "t1", "m") == opened
    assert [thread.id for thread in store.threads(user)] == ["t1"]
    assert store.threads(user, deleted=True) == []


def test_a_deleted_thread_takes_nothing(store: Store) -> None:
    user = thread_with(store, "one")
    turn = plain(1, "two", "Yes.")
    store.delete_thread(user, "t1")
    known = Thread("t1", "Renamed")
    changes: list[Callable[[], object]] = [
        lambda: store.open(user, "t1", "m"),
        lambda: store.append(user, "t1", turn, trace(turn), {}),
        lambda: store.put_state(user, "t1", "m", "", State(1)),
        lambda: store.put_thread(user, known),
    ]
    for change in changes:
        with pytest.raises(ThreadGone, match="Restore it"):
            change()
    store.beat(user, "t1", Pending("p", "?"))
    assert store.restore_thread(user, "t1")
    assert humans(store, user) == ["one"]
    assert store.open(user, "t1", "m").pending == ()


def test_a_deleted_thread_is_gone_after_ten_minutes(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RedisStore(connection)
    user = thread_with(store, "one")
    store.put_state(user, "t1", "m", "", State(1))
    store.delete_thread(user, "t1")
    for key in connection.client.keys(f"mi:{{{user}}}:t1:*"):
        assert UNDO_SECONDS * 1000 - 60_000 < connection.client.pttl(key) <= UNDO_SECONDS * 1000
    assert UNDO_SECONDS == 600
    # The server's own clock cannot be put forward, so its keys are taken away as it would.
    for key in connection.client.keys(f"mi:{{{user}}}:t1:*"):
        connection.client.pexpire(key, 1)
    time.sleep(0.05)
    assert not store.restore_thread(user, "t1")
    assert store.threads(user, deleted=True) == []


def test_a_deleted_thread_of_a_process_is_gone_after_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    store = InMemoryStore()
    user = thread_with(store, "one")
    store.delete_thread(user, "t1")
    now = time.time()
    monkeypatch.setattr(inmemory.time, "time", lambda: now + 601)
    assert store.threads(user, deleted=True) == []
    assert not store.restore_thread(user, "t1")


# Expiry, keys and commands


def use_everything(store: Store) -> str:
    """Let a user do all there is to do; return the user."""
    talk = conversation(store, "summary", instructions="Be brief.")
    user = talk.user
    store.put_settings(user, {"theme": "dark"})
    reply = say(talk, "My name is Alex.", "What is my name?")
    assert reply.turn
    list(talk.reply("What is my name?", replaces=reply.turn.id))
    replace(talk, memory=type(talk.memory)(summarize_step=2)).catch_up()
    fork_thread(store, user, talk.thread, 1)
    store.open(user, talk.thread, "m", pending=Pending("p", "?"))
    store.beat(user, talk.thread, Pending("p", "?", "so"))
    thread_with(store, "gone", user=user, id="gone")
    store.delete_thread(user, "gone")
    store.threads(user), store.threads(user, deleted=True), store.settings(user)
    return user


def test_every_key_has_the_users_tag_and_an_expiry(connection: Connection) -> None:
    connection.client.flushall()
    user = use_everything(RedisStore(connection, expire_days=30))
    keys = sorted(everything_on(connection))
    kinds = {key.rpartition(":")[2] for key in keys}
    assert kinds >= {*NAMES, "threads", "deleted", "settings"}
    for key in keys:
        assert key.startswith(f"mi:{{{user}}}:")
        left = connection.client.pttl(key)
        assert 0 < left <= 30 * 86_400_000, key
        assert left > 29 * 86_400_000 or ":gone:" in key or key.endswith(":deleted"), key


def test_whatever_is_used_lives_on(connection: Connection) -> None:
    user = use_everything(RedisStore(connection, expire_days=1))
    later = RedisStore(connection, expire_days=2)
    say(conversation(later, "summary", user=user), "And now?")
    lived = [key for key in connection.client.keys(f"mi:{{{user}}}:*") if b":t1:" in key]
    lived += [f"mi:{{{user}}}:{name}".encode() for name in ("threads", "settings")]
    for key in lived:
        assert connection.client.pttl(key) > 86_400_000, key


def test_no_command_looks_for_keys_and_none_crosses_a_users_slot(connection: Connection) -> None:
    connection.client.config_resetstat()
    user = use_everything(RedisStore(connection))
    RedisStore(connection).erase(user)
    used = set(connection.client.info("commandstats"))
    assert "cmdstat_evalsha" in used
    assert not {name for name in used if name.partition("|")[0] in FORBIDDEN}


FORBIDDEN = {"cmdstat_scan", "cmdstat_keys", "cmdstat_randomkey", "cmdstat_select", "cmdstat_flushall", "cmdstat_sort"}


def test_erasing_a_user_leaves_no_key(connection: Connection) -> None:
    connection.client.flushall()
    store = RedisStore(connection)
    user = use_everything(store)
    assert {name: count for name, count in store.erase(user).items() if count} == {"threads": 3, "turns": 4}
    assert everything_on(connection) == {}
    assert not any(store.erase(user).values())


# Totals


def test_totals_are_the_sum_of_the_calls_and_unknown_is_not_nothing(store: Store) -> None:
    user = thread_with(store, "one", "two")
    done = replace(trace(plain(1, "two", "Yes.")), calls=(CALL, OWN, OWN))
    store.put_state(user, "t1", "m", "", State(2), done)
    totals = store.totals(user, "t1")
    assert (totals.reply.calls, totals.reply.input_tokens, totals.reply.output_tokens) == (2, 200, 20)
    assert (totals.own.calls, totals.own.input_tokens, totals.own.output_tokens) == (2, 80, 8)
    assert totals.cost == 2 * Decimal("0.0001") + 2 * Decimal("0.00002")
    turn = plain(2, "three", "Yes.")
    store.append(user, "t1", turn, trace(turn, replace(CALL, cost=None)), {})
    assert store.totals(user, "t1").reply.cost is None
    assert store.totals(user, "t1").own.cost == 2 * Decimal("0.00002")


# What may be said and how things may be called

TEXTS = [
    "👩‍👩‍👧‍👦 שלום مرحبا \u202e",
    "NUL \x00 and \x1b[31m and \x7f",
    "half a character: \ud83d",
    "\ufffe\uffff\U0010ffff",
    "line\nline\r\nline\u2028line",
    '{"json": [1, null]} and {{ braces }} and %s',
    "m" * 1_000_000,
    "我" * 350_000,
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]))
def test_any_text_survives_as_it_was(store: Store, text: str) -> None:
    user = thread_with(store)
    turn = Turn("t", (message_of("human", text, ENCODING), message_of("ai", text, ENCODING)), index=0, error=None)
    clean = text.encode("utf-8", "replace").decode("utf-8")
    store.append(user, "t1", turn, trace(turn), {"hash": clean})
    note = Note("summary", 1, clean, (0, 1), 1, {"word": clean})
    store.put_state(user, "t1", "m", "", State(1, {"summary": note}, made=(note,)))
    store.put_thread(user, Thread("t1", title_of(text)))
    store.put_settings(user, {"instructions": clean})
    assert store.turns(user, "t1", 0, 1) == [turn]
    assert store.turns(user, "t1", 0, 1)[0].human == clean
    assert store.open(user, "t1", "m").state == State(1, {"summary": note}, made=(note,))
    assert store.notes(user, "t1", ["m/summary:1", "m/summary:2"]) == {"m/summary:1": note}
    assert store.texts(user, "t1", ["hash", "none"]) == {"hash": clean}
    assert store.settings(user) == {"instructions": clean}
    store.open(user, "t1", "m", pending=Pending("p", clean, clean))
    assert store.open(user, "t1", "m").pending == (Pending("p", clean, clean),)


BAD_NAMES = ["", "a b", "../x", "a:b", "{u}", "}{", "x" * 101, "é", "a\n", "*", "\x00"]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_names_that_could_reach_another_key_are_refused(store: Store, name: str) -> None:
    user = thread_with(store, "one")
    with pytest.raises(BadInput, match="not the name of"):
        store.put_thread(user, Thread(name))
    with pytest.raises(BadInput, match="not the name of"):
        store.put_thread(name, Thread("t1"))
    with pytest.raises(BadInput, match="not the name of"):
        store.open(name, "t1", "m")
    with pytest.raises(BadInput, match="not the name of"):
        store.open(user, name, "m")


def test_a_server_that_is_away_is_named_in_one_sentence(scratch: Path) -> None:
    nobody = connect("redis://127.0.0.1:1/0")
    with pytest.raises(StoreUnavailable, match="is away"):
        RedisStore(nobody).threads("u")
    nobody.close()
    assert isinstance(nobody.client, redis.Redis)
