"""Nothing that was forgotten is written again by who had read it before: each race is caused, on every store.

python -m pytest tests/memory/test_forgetting_late.py
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from redis import Redis

from memory.base import State
from memory.errors import BadInput, InspectorError, ModelFailed, ThreadGone
from memory.forgetting import forget_turn
from memory.reply import Reply
from memory.retrieval.index import Retrieval
from memory.server.connect import Connection
from memory.store import Pending, Store, Thread
from memory.stores.redis import RedisStore
from memory.trace import Trace
from tests.memory.fakes import conversation, everything_on, new_user, plain, say, turns_of

SECRET = "My code word is Zanzibar."


class Held:
    """A model that is asked and does not answer before it is let go."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self.answer: str | Exception = "The code word is Zanzibar."

    def __call__(self, messages: list[BaseMessage]) -> str:
        self.asked.set()
        assert self.go.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def in_background(reply: Reply) -> tuple[threading.Thread, list[InspectorError]]:
    raised: list[InspectorError] = []

    def run() -> None:
        try:
            "".join(reply)
        except InspectorError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


REMOVALS: list[Any] = [
    pytest.param(lambda store, user: store.clear(user, "t1"), id="clear"),
    pytest.param(lambda store, user: store.delete_thread(user, "t1"), id="delete"),
    pytest.param(lambda store, user: store.erase(user), id="erase"),
]
removals = pytest.mark.parametrize("remove", REMOVALS)


@removals
def test_a_summary_that_comes_after_its_thread_is_gone_is_kept_nowhere(
    connection: Connection, remove: Callable[[Store, str], Any]
) -> None:
    store, held = RedisStore(connection), Held()
    talk = conversation(store, "summary", writer=held)
    thread, raised = in_background(talk.reply(SECRET))
    assert held.asked.wait(10)
    remove(store, talk.user)
    held.go.set()
    thread.join(10)
    kept = [key for key, value in everything_on(connection).items() if talk.user in key and b"Zanzibar" in value]
    deleted = {key for key in kept if ":t1:" in key} if remove is REMOVALS[1].values[0] else set()
    assert set(kept) == deleted  # a deleted thread's own keys stay for ten minutes, as it can be restored
    assert all(isinstance(error, ThreadGone | BadInput) for error in raised)


@removals
def test_what_can_be_made_again_is_not_kept_of_a_time_that_is_past(
    store: Store, remove: Callable[[Store, str], Any]
) -> None:
    user = new_user()
    store.put_thread(user, Thread("t1"))
    epoch = store.open(user, "t1", "").epoch
    store.put_cached(user, "key", b"gist", "t1", epoch)
    assert store.cached(user, "key") == b"gist"
    remove(store, user)
    store.put_cached(user, "key", b"gist", "t1", epoch)
    assert store.cached(user, "key") is None


def test_how_far_an_answer_is_is_not_noted_after_a_clear(store: Store) -> None:
    user = new_user()
    store.put_thread(user, Thread("t1"))
    store.open(user, "t1", "", pending=Pending("p", SECRET))
    store.clear(user, "t1")
    store.beat(user, "t1", Pending("p", SECRET, "Zanzi"))
    assert store.open(user, "t1", "").pending == ()


def test_an_answer_to_what_was_cleared_meanwhile_is_refused_and_what_it_cost_is_kept(store: Store) -> None:
    held = Held()
    talk = conversation(store, "buffer")
    say(talk, SECRET)
    talk = conversation(store, "buffer", talker=held, user=talk.user)
    thread, raised = in_background(talk.reply("What is it?"))
    assert held.asked.wait(10)
    store.clear(talk.user, "t1")
    held.go.set()
    thread.join(10)
    assert [type(error) for error in raised] == [BadInput]
    assert "was not kept" in str(raised[0])
    assert turns_of(talk) == []
    assert store.totals(talk.user, "t1").reply.input_tokens > 0
    assert say(talk, "Hello.").turn
    assert len(turns_of(talk)) == 1


def test_a_fork_that_is_on_its_way_writes_nothing_into_what_was_deleted(connection: Connection) -> None:
    store, user = RedisStore(connection), new_user()
    store.put_thread(user, Thread("t1"))
    turn = plain(0, SECRET, "Yes.")
    store.erase(user)
    with pytest.raises(ThreadGone):
        store.extend(user, "t1", [turn], [Trace("import", 0, turn.id, 1.0)])
    with pytest.raises(ThreadGone):
        store.put_notes(user, "t1", {}, {"hash": SECRET})
    assert not [key for key in everything_on(connection) if user in key]


def test_the_summary_of_an_answer_given_again_is_known_to_a_copy_of_its_thread(store: Store) -> None:
    talk = conversation(store, "summary")
    reply = say(talk, "one", "two")
    assert reply.turn
    "".join(talk.reply("two", replaces=reply.turn.id))
    turns = turns_of(talk)
    other = conversation(store, "summary", user=talk.user, thread="t2")
    store.extend(talk.user, "t2", turns, [Trace("import", turn.index, turn.id, 1.0) for turn in turns])
    trace = other.catch_up()
    assert trace
    assert [call.reused for call in trace.calls] == [True, True]


def test_a_conversation_that_is_made_while_everything_goes_goes_too(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, user, late = RedisStore(connection), new_user(), ["t2", "t3"]
    store.put_thread(user, Thread("t1"))
    zrange = Redis.zrange

    def slow(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = zrange(self, *args, **kwargs)
        if late:
            RedisStore(connection).put_thread(user, Thread(late.pop(), title=SECRET))
        return found

    monkeypatch.setattr(Redis, "zrange", slow)
    assert store.erase(user)["threads"] == 3
    assert not [key for key in everything_on(connection) if user in key]


def test_an_error_that_quotes_what_was_forgotten_meanwhile_loses_its_words(store: Store) -> None:
    held = Held()
    talk = conversation(store, "buffer")
    say(talk, SECRET)
    talk = conversation(store, "summary", writer=held, user=talk.user)
    thread, raised = in_background(talk.reply("What is it?"))
    assert held.asked.wait(10)
    forget_turn(store, talk.retrieval, talk.user, "t1", 0)
    held.answer = ModelFailed("The model refused “My code word is Zanzibar.”", kind="refused")
    held.go.set()
    thread.join(10)
    assert not raised
    trace = store.traces(talk.user, "t1", 1, 2)[0]
    assert trace.errors
    assert any(call.error for call in trace.own_calls)
    assert "Zanzibar" not in repr(trace)


def test_an_error_that_came_before_a_forgetting_stays_without_its_words_where_the_memory_writes_again(
    store: Store,
) -> None:
    """The memory that is switched to fails at its first try, loses the race, and makes its event in the second."""
    talk = conversation(store, "buffer")
    say(talk, SECRET, "Hello.")
    tries: list[int] = []

    def writer(messages: list[BaseMessage]) -> str:
        tries.append(1)
        if len(tries) == 1:
            forget_turn(store, talk.retrieval, talk.user, "t1", 0)
            raise ModelFailed("The model refused “My code word is Zanzibar.”", kind="refused")
        return "They greeted each other."

    other = conversation(store, "summary", writer=writer, user=talk.user)
    trace = other.catch_up()
    assert trace
    assert len(tries) == 2
    events = store.events(talk.user, "t1")
    assert [event.kind for event in events] == ["forget", "switch"]
    assert events[-1].errors
    assert "Zanzibar" not in repr(events)


@pytest.mark.parametrize("since", ["", None])
def test_only_an_error_from_before_a_forgetting_loses_its_words(store: Store, since: str | None) -> None:
    user, turn = new_user(), plain(0, "Hello.", "Hello.")
    store.put_thread(user, Thread("t1"))
    trace = Trace("turn", 0, turn.id, 1.0, errors=("The model refused “Zanzibar”.",))
    store.append(user, "t1", turn, trace, {})
    store.put_state(user, "t1", "m", "", None, trace, since=since)
    assert store.traces(user, "t1", 0, 1)[0].errors == trace.errors


def test_a_turn_that_an_agent_kept_has_no_words_of_what_was_forgotten_meanwhile(store: Store) -> None:
    user, turn = new_user(), plain(0, SECRET, "Yes.")
    store.put_thread(user, Thread("t1"))
    later = plain(1, "What is it?", "I see.")
    for one in (turn, later):
        store.append(user, "t1", one, Trace("turn", one.index, one.id, 1.0), {})
    epoch = store.open(user, "t1", "").epoch
    assert forget_turn(store, Retrieval(), user, "t1", 0).left == 0
    late = Trace("turn", 1, later.id, 1.0, errors=("The model refused “Zanzibar”.",))
    opened = store.open(user, "t1", "m")
    assert store.put_state(user, "t1", "m", opened.revision, State(2), late, since=epoch)
    assert store.traces(user, "t1", 1, 2)[0].errors == ("an error, whose words were forgotten",)
