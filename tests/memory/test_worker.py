"""The worker owns the answer: clicks, closed tabs, silent models and absent stores lose nothing of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from memory import worker
from memory.base import Memory, Recall, State, Turn, replay
from memory.conversation import Conversation
from memory.errors import BadInput, StoreUnavailable, ThreadGone
from memory.store import Pending, Store
from memory.stores.inmemory import InMemoryStore
from memory.switch import Switch
from memory.worker import Job, resume, running, start, stop_all
from tests.memory.fakes import Away, FakeChat, FakeServices, conversation, gist, plain, say, state_json, turns_of


class Slow:
    """A model that says one word and goes on when it is let."""

    def __init__(self, *words: str, first: bool = True) -> None:
        self.words, self.first, self.gate = words, first, threading.Event()

    def __call__(self, messages: list[Any]) -> Iterator[str]:
        for place, word in enumerate(self.words):
            if place or not self.first:
                self.gate.wait(20)
            yield word


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.005)


def ended(job: Job) -> Job:
    job.join(15)
    assert job.done
    return job


def test_an_answer_is_followed_from_its_beginning_by_anyone(store: Store) -> None:
    slow = Slow("Your ", "name ", "is Alex.")
    talk = conversation(store, "summary", slow)
    job = start(talk, "What is my name?")
    until(lambda: job.text)
    assert running(talk.user, talk.thread) == [job]
    slow.gate.set()
    assert "".join(job.follow()) == "".join(job.follow()) == "Your name is Alex."
    assert ended(job).status == "complete"
    assert job.reply.turn == turns_of(talk)[0]
    assert talk.opened().state.covered == 1
    assert running(talk.user, talk.thread) == []


def test_an_answer_that_nobody_follows_is_stored_all_the_same(memory_store: InMemoryStore) -> None:
    talk = conversation(memory_store, "window")
    ended(start(talk, "one"))
    assert [turn.human for turn in turns_of(talk)] == ["one"]


@pytest.mark.parametrize("first", [True, False], ids=["after a word", "before any word"])
def test_a_silent_model_is_stopped_at_once_and_what_it_said_is_kept(store: Store, first: bool) -> None:
    slow = Slow("Once ", "upon a time", first=first)
    talk = conversation(store, "summary", slow)
    job = start(talk, "Tell me a story.")
    until(lambda: job.text if first else talk.models.talker.seen)  # type: ignore[attr-defined]
    begun = time.monotonic()
    job.stop()
    ended(job)
    assert time.monotonic() - begun < 5
    turn = turns_of(talk)[0]
    assert (turn.status, turn.ai) == ("stopped", "Once " if first else "")
    assert talk.opened().state.covered == 1
    slow.gate.set()
    say_more = ended(start(conversation(store, "window", user=talk.user), "And then?"))
    assert say_more.status == "complete"
    assert [turn.status for turn in turns_of(talk)] == ["stopped", "complete"]


def test_a_model_that_fails_in_a_worker_keeps_the_turn(memory_store: InMemoryStore) -> None:
    talk = conversation(memory_store, "window", lambda messages: iter(["Once ", ConnectionError("gone")]))
    job = ended(start(talk, "Tell me a story."))
    assert (job.status, job.error) == ("complete", None)
    assert job.reply.turn
    assert [(turn.status, turn.ai) for turn in turns_of(talk)] == [("failed", "Once ")]


def test_what_is_said_so_far_is_noted_while_the_answer_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_BEAT", 0.0)
    slow = Slow("Once ", "upon a time")
    talk = conversation(store, "window", slow)
    job = start(talk, "Tell me a story.")
    until(lambda: [one.text for one in talk.opened().pending] == ["Once "])
    assert talk.opened().pending[0].query == "Tell me a story."
    assert talk.opened().pending[0].turn_id == job.id
    slow.gate.set()
    ended(job)
    assert talk.opened().pending == ()


def test_a_silent_model_is_not_taken_for_a_lost_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_BEAT", 0.05)
    slow = Slow("Once ", "upon a time", first=False)
    talk = conversation(store, "window", slow)
    job = start(talk, "Tell me a story.")
    until(lambda: talk.models.talker.seen)  # type: ignore[attr-defined]
    first = talk.opened().pending[0].beat
    until(lambda: talk.opened().pending[0].beat > first + 0.2)
    slow.gate.set()
    ended(job)
    assert talk.opened().pending == ()


def test_what_is_stopped_is_never_stored_as_whole(memory_store: InMemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = conversation(memory_store, "window", Slow("Once ", "upon a time"))
    job = start(talk, "Tell me a story.")
    until(lambda: job.text)
    stop = job.reply.stop
    monkeypatch.setattr(job.reply, "stop", lambda: (time.sleep(0.3), stop()))
    job.stop()
    ended(job)
    assert turns_of(talk)[0].status == "stopped"


def test_whoever_follows_an_answer_does_not_wait_for_the_memory(store: Store) -> None:
    gate = threading.Event()

    def writer(messages: list[Any]) -> str:
        gate.wait(20)
        return gist(messages)

    talk = conversation(store, "summary", ["Hello."], writer)
    job = start(talk, "Hi.")
    assert "".join(job.follow()) == "Hello."
    until(lambda: turns_of(talk))
    assert job.status == "writing"
    assert not job.done
    job.stop()
    gate.set()
    assert ended(job).status == "complete"
    assert turns_of(talk)[0].status == "complete"


# An answer whose process is gone


def lost(talk: Conversation, query: str, replaces: str | None = None) -> Pending:
    """Leave what a process leaves that is killed before the model has answered."""
    talk.reply(query, replaces=replaces)._read()
    return talk.opened().pending[-1]


def test_a_lost_answer_is_taken_over_in_its_own_place(store: Store) -> None:
    talk = conversation(store, "summary")
    say(talk, "one", "two")
    last = turns_of(talk)[-1]
    pending = lost(talk, "two", last.id)
    assert pending.replaces == last.id
    job = ended(resume(talk, pending))
    assert (job.status, job.id) == ("complete", pending.turn_id)
    assert [turn.human for turn in turns_of(talk)] == ["one", "two"]
    assert turns_of(talk)[-1].earlier == (last.ai,)
    assert talk.opened().pending == ()


@pytest.mark.parametrize("again", [False, True], ids=["a new message", "given again"])
def test_a_lost_answer_that_two_tabs_take_over_is_one_turn(store: Store, again: bool) -> None:
    talk = conversation(store, "summary")
    say(talk, "one")
    pending = lost(talk, "one" if again else "two", turns_of(talk)[-1].id if again else None)
    jobs = [resume(talk, pending), resume(talk, pending)]
    assert [ended(job).status for job in jobs] == ["complete"] * 2
    assert ended(resume(talk, pending)).status == "complete"
    assert [turn.human for turn in turns_of(talk)] == (["one"] if again else ["one", "two"])


@pytest.mark.parametrize("again", [False, True], ids=["a new message", "given again"])
def test_a_lost_answer_that_two_processes_take_over_is_one_turn(store: Store, again: bool) -> None:
    talk = conversation(store, "summary", ["first"])
    say(talk, "one")
    pending = lost(talk, "one" if again else "two", turns_of(talk)[-1].id if again else None)
    talk.models.talker.answer = ["second", "third", "fourth"]  # type: ignore[attr-defined]
    replies = [talk.reply(pending.query, pending.turn_id, pending.replaces) for _ in range(3)]
    both = [iter(reply) for reply in replies[:2]]
    assert [next(words) for words in both] == ["sec", "th"]
    for words in (*both, replies[2]):
        list(words)
    assert [reply.turn for reply in replies] == [turns_of(talk)[-1]] * 3
    assert [turn.ai for turn in turns_of(talk)] == (["second"] if again else ["first", "second"])
    assert state_json(talk.opened().state) == state_json(replay(talk.memory, turns_of(talk), FakeServices()))


# The store goes away


def test_a_store_that_goes_away_in_mid_answer_gets_it_when_it_is_back_and_once(store: Store) -> None:
    away, slow = Away(store), Slow("Once ", "upon a time")
    talk = conversation(away, "summary", slow)  # type: ignore[arg-type]
    job = start(talk, "Tell me a story.")
    until(lambda: job.text)
    away.away = True
    slow.gate.set()
    until(lambda: job.status == "saving")
    assert "".join(job.follow()) == "Once upon a time"
    away.away = False
    assert ended(job).status == "complete"
    assert [(turn.human, turn.ai) for turn in turns_of(talk)] == [("Tell me a story.", "Once upon a time")]
    assert talk.opened().state.covered == 1
    assert len(talk.models.writer.seen) == 1  # type: ignore[attr-defined]


def test_a_store_that_goes_away_between_the_commits_is_given_what_was_paid_for(store: Store) -> None:
    away = Away(store)
    talk = conversation(away, "summary")  # type: ignore[arg-type]
    away.away = "put_state"
    job = start(talk, "one")
    until(lambda: job.status == "saving")
    time.sleep(1.2)  # long enough for two more tries
    away.away = False
    assert ended(job).status == "complete"
    assert len(talk.models.writer.seen) == 1  # type: ignore[attr-defined]
    assert store.totals(talk.user, talk.thread).own.calls == 1


def test_a_store_that_is_away_from_the_start_is_said_so_and_nothing_is_sent(memory_store: InMemoryStore) -> None:
    away = Away(memory_store)
    talk = conversation(away, "summary")  # type: ignore[arg-type]
    away.away = True
    job = ended(start(talk, "one"))
    assert job.status == "failed"
    assert isinstance(job.error, StoreUnavailable)
    assert "nothing was sent" in str(job.error)
    assert talk.models.talker.seen == []  # type: ignore[attr-defined]


def test_a_store_that_stays_away_is_given_up_in_the_end(
    memory_store: InMemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SAVE_SECONDS", 0.0)
    away = Away(memory_store)
    talk = conversation(away, "window")  # type: ignore[arg-type]
    away.away = "append"
    job = ended(start(talk, "one"))
    assert job.status == "failed"
    assert job.reply.turn is not None
    assert not job.reply.saved
    assert job.text.endswith("I heard: one")


def test_a_thread_that_is_deleted_in_mid_answer_is_said_to_be_gone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_BEAT", 0.0)
    slow = Slow("Once ", "upon ", "a time")
    talk = conversation(store, "window", slow)
    job = start(talk, "Tell me a story.")
    until(lambda: job.text)
    store.delete_thread(talk.user, talk.thread)
    slow.gate.set()
    assert ended(job).status == "failed"
    assert isinstance(job.error, ThreadGone)
    assert job.text == "Once upon a time"


def test_a_refused_message_fails_with_its_reason(memory_store: InMemoryStore) -> None:
    talk = conversation(memory_store, "window")
    job = ended(start(talk, "word " * 20_000))
    assert job.status == "failed"
    assert isinstance(job.error, BadInput)
    assert talk.opened().pending == ()


# Several at once


def test_two_answers_in_one_thread_are_both_stored(store: Store) -> None:
    first, second = Slow("a", "b"), Slow("c", "d")
    one = conversation(store, "summary", first)
    two = conversation(store, "summary", second, user=one.user)
    jobs = [start(one, "one"), start(two, "two")]
    until(lambda: all(job.text for job in jobs))
    assert running(one.user, one.thread) == jobs
    first.gate.set()
    second.gate.set()
    for job in jobs:
        assert ended(job).status == "complete"
    assert sorted((turn.human, turn.ai) for turn in turns_of(one)) == [("one", "ab"), ("two", "cd")]
    assert one.opened().state.covered == 2
    assert state_json(one.opened().state) == state_json(replay(one.memory, turns_of(one), FakeServices()))


def test_a_process_that_ends_stores_what_there_is_of_each_answer(store: Store) -> None:
    talks = [conversation(store, "window", Slow("Once ", "upon a time")) for _ in range(3)]
    jobs = [start(talk, "Tell me a story.") for talk in talks]
    until(lambda: all(job.text for job in jobs))
    stop_all()
    for talk in talks:
        assert [(turn.status, turn.ai) for turn in turns_of(talk)] == [("stopped", "Once ")]


# What is cleared or given again while a memory writes


class Held:
    """A model of a memory that waits with its first answer until it is let."""

    def __init__(self) -> None:
        self.asked, self.gate = threading.Event(), threading.Event()

    def __call__(self, messages: list[Any]) -> str:
        self.asked.set()
        self.gate.wait(20)
        return f"{gist(messages)} {messages[-1].text}"


def test_what_is_cleared_while_the_first_summary_is_made_does_not_come_back(store: Store) -> None:
    held = Held()
    talk = conversation(store, "summary", writer=held)
    job = start(talk, "My SECRET.")
    assert held.asked.wait(10)
    store.clear(talk.user, talk.thread)
    held.gate.set()
    assert ended(job).status == "complete"
    opened = talk.opened()
    assert (opened.length, opened.state) == (0, State())
    assert store.everything(talk.user, talk.thread) == ({}, {})
    say(talk, "Hello.")
    assert "SECRET" not in state_json(talk.opened().state).decode()
    assert talk.opened().state.covered == 1


def test_what_is_given_again_while_a_switch_takes_it_in_is_not_held(store: Store) -> None:
    held = Held()
    talk = conversation(store, "window", ["a", "b", "the old one", "the new one"])
    say(talk, "one", "two", "three")
    switch = Switch(conversation(store, "summary", writer=held, user=talk.user), 3)
    assert held.asked.wait(10)
    list(talk.reply("three", replaces=turns_of(talk)[-1].id))
    held.gate.set()
    until(lambda: switch.done)
    state = switch.conversation.opened().state
    assert state.covered == 3
    services = FakeServices(answer=held)
    assert state_json(state) == state_json(replay(switch.conversation.memory, turns_of(talk), services))
    assert "old one" not in state_json(state).decode()


# A switch in the background


def prepared(store: Store, writer: FakeChat, count: int = 5) -> Conversation:
    talk = conversation(store, "window")
    say(talk, *(f"Message {number}" for number in range(count)))
    return conversation(store, "summary", writer=writer, user=talk.user)


def test_a_switch_can_be_watched(store: Store) -> None:
    gate = threading.Semaphore(2)

    def writer(messages: list[Any]) -> str:
        gate.acquire(timeout=20)
        return gist(messages)

    switch = Switch(prepared(store, FakeChat(answer=writer)), 5)
    until(lambda: switch.calls == 2)
    assert not switch.done
    gate.release(10)
    until(lambda: switch.done)
    assert (switch.calls, switch.expected, switch.errors) == (5, 5, ())
    assert switch.conversation.opened().state.covered == 5


def test_a_switch_that_fails_says_why(memory_store: InMemoryStore) -> None:
    switch = Switch(prepared(memory_store, FakeChat(answer=lambda messages: ConnectionError())), 5)
    until(lambda: switch.done)
    assert len(switch.errors) == 1
    assert "reached" in switch.errors[0]
    away = Away(memory_store)
    away.away = True
    talk = switch.conversation
    switch = Switch(Conversation(away, talk.user, talk.thread, talk.memory, talk.models), 5)  # type: ignore[arg-type]
    until(lambda: switch.done)
    assert switch.errors == ("Redis is away.",)


class Boom(Memory):
    """A plug-in with a mistake in it."""

    short, label, keeps, forgets, costs, stateful = "bm", "Boom", "x", "x", "x", True

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Any, budget: int) -> Recall:
        return Recall()

    def write(self, state: State, transcript: Sequence[Turn], services: Any, recall: Recall | None) -> State:
        raise KeyError("oops")


def test_a_plug_in_that_fails_in_a_switch_is_named(memory_store: InMemoryStore) -> None:
    talk = conversation(memory_store, "window")
    say(talk, "one")
    talk = replace(talk, memory=Boom())
    switch = Switch(talk, 1)
    until(lambda: switch.done)
    assert len(switch.errors) == 1
    assert "Boom failed to take these turns in (KeyError: 'oops')." in switch.errors[0]
    for ask in (talk.estimate, talk.catch_up):
        with pytest.raises(BadInput, match="Boom failed"):
            ask()


def test_a_switch_stores_what_was_paid_for_when_the_store_is_back(store: Store) -> None:
    away, writer = Away(store), FakeChat(answer=gist)
    talk = replace(prepared(store, writer), store=away)  # type: ignore[type-var]
    away.away = "put_state"
    switch = Switch(talk, 5)
    until(lambda: switch.calls == 5)
    time.sleep(0.7)
    assert not switch.done
    away.away = False
    until(lambda: switch.done)
    assert switch.errors == ()
    assert len(writer.seen) == store.totals(talk.user, talk.thread).own.calls == 5
    assert talk.opened().state.covered == 5


def test_a_long_switch_is_stored_in_blocks(memory_store: InMemoryStore) -> None:
    release = threading.Semaphore(30)

    def writer(messages: list[Any]) -> str:
        release.acquire(timeout=20)
        return gist(messages)

    switch = Switch(prepared(memory_store, FakeChat(answer=writer), 60), 60)
    talk = switch.conversation
    until(lambda: switch.calls == 30)
    assert talk.opened().state.covered == 25
    release.release(100)
    stop_all()
    assert switch.done
    assert memory_store.totals(talk.user, talk.thread).own.calls == 60
    assert state_json(talk.opened().state) == state_json(replay(talk.memory, turns_of(talk), FakeServices()))


def test_a_turn_answered_twice_in_a_row_stands_once(memory_store: InMemoryStore) -> None:
    talk = conversation(memory_store, "window", ["first", "second"])
    first = ended(start(talk, "one"))
    assert first.reply.turn
    again = ended(start(talk, "one", replaces=first.reply.turn.id))
    assert again.status == "complete"
    assert [(turn.ai, turn.earlier) for turn in turns_of(talk)] == [("second", ("first",))]
    assert turns_of(talk)[0].messages[0] == plain(0, "one", "second").messages[0]
