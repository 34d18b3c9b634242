"""The clock of the machine is set back, or that of the next machine is slow: nothing is lost, doubled or stuck.

python -m pytest tests/faults/test_clock_set_back.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import pytest
from itsdangerous import TimestampSigner

from memory import reflection, threads, worker
from memory.catalog import load
from memory.errors import LimitReached
from memory.rates import admit
from memory.reflection import claim
from memory.server.connect import Connection
from memory.store import Pending, Store
from memory.stores.redis import RedisStore
from memory.threads import title_of
from memory.upkeep import _recent
from pages.ui import answering
from pages.ui.identity import MAX_AGE, Cookies
from tests.memory.fakes import conversation, new_user, say, traces_of, turns_of

pytestmark = pytest.mark.faults

HOUR, YEAR = 3600.0, 365 * 86_400.0
REAL = time.time
SetBack = Callable[[float], None]


@pytest.fixture
def set_back(monkeypatch: pytest.MonkeyPatch) -> SetBack:
    """Sets the clock back by so many seconds from now on."""
    return lambda seconds: monkeypatch.setattr(time, "time", lambda: REAL() - seconds)


@pytest.mark.parametrize("seconds", [2.0, HOUR, YEAR])
def test_turns_stay_in_their_order_each_once_and_the_thread_stays_there(
    store: Store, set_back: SetBack, seconds: float
) -> None:
    talk = conversation(store, "summary")
    say(talk, "one", "two")
    set_back(seconds)
    list(talk.reply("three", turn_id="m3"))
    list(talk.reply("three", turn_id="m3"))
    say(talk, "four")
    assert [turn.human for turn in turns_of(talk)] == ["one", "two", "three", "four"]
    assert [trace.turn for trace in traces_of(talk)] == [0, 1, 2, 3]
    assert all(trace.reply and trace.reply.seconds >= 0 for trace in traces_of(talk))
    assert talk.opened().state.covered == 4
    assert [thread.id for thread in store.threads(talk.user)] == [talk.thread]
    assert len({turn.id for turn in turns_of(talk)}) == 4


@pytest.mark.parametrize("seconds", [2.0, HOUR, YEAR])
def test_a_thread_that_was_deleted_comes_back_and_its_ten_minutes_are_no_hours(
    store: Store, set_back: SetBack, seconds: float
) -> None:
    talk = conversation(store, "window")
    say(talk, "one")
    store.delete_thread(talk.user, talk.thread)
    set_back(seconds)
    assert [thread.id for thread in store.threads(talk.user, deleted=True)] == [talk.thread]
    assert store.restore_thread(talk.user, talk.thread)
    assert [turn.human for turn in turns_of(talk)] == ["one"]


def test_a_memory_that_weighs_freshness_takes_what_is_yet_to_come_for_fresh(store: Store, set_back: SetBack) -> None:
    talk = conversation(store, "time_weighted:k=2")
    say(talk, "I like tea.", "I like chess.", "I live in Oslo.")
    set_back(YEAR)
    reply = talk.reply("What do I like?")
    list(reply)
    assert reply.trace
    assert not reply.trace.errors
    assert len(reply.trace.items) == 2
    assert all(0 <= item.score <= 2 for item in reply.trace.items if item.score is not None)


@pytest.mark.parametrize("seconds", [2.0, HOUR, YEAR])
def test_a_browser_is_known_by_the_cookie_that_a_faster_clock_has_signed(seconds: float) -> None:
    jar = Cookies("a secret")
    signed = jar.sign("alex")
    now = TimestampSigner.get_timestamp
    with (
        patch.object(TimestampSigner, "get_timestamp", lambda self: int(now(self) - seconds)),
        patch.object(time, "time", lambda: REAL() - seconds),
    ):
        assert jar.read(signed) == "alex"
        assert jar.renewed(signed) is None
    with patch.object(time, "time", lambda: REAL() + MAX_AGE + 60):
        assert jar.read(signed) is None


def test_an_answer_that_was_cut_off_before_is_offered_again_and_not_waited_for(set_back: SetBack) -> None:
    pending = Pending("m1", "one", beat=time.time())
    assert not answering.lost(pending)
    set_back(HOUR)
    assert answering.lost(pending)
    assert not answering.lost(replace(pending, beat=time.time() + 2))


def test_what_somebody_was_working_on_is_free_again(store: Store, set_back: SetBack) -> None:
    talk = conversation(store, "collection:formation=background")
    say(talk, "I like tea.")
    items = talk.services().items
    assert claim(items, "t1", "gone")
    assert not claim(items, "t1", "another")
    set_back(YEAR)
    assert claim(items, "t1", "another")
    reflection.release(items, "t1", "another")
    assert reflection.reflect(talk)
    assert not _recent(items.snapshot()[1], 86_400.0)


@pytest.mark.parametrize("faster", [2.0, 60.0])
def test_what_a_machine_with_a_faster_clock_works_on_is_left_to_it(
    store: Store, set_back: SetBack, faster: float
) -> None:
    items = conversation(store, "collection:formation=background").services().items
    assert claim(items, "t1", "the faster one")
    set_back(faster)
    assert not claim(items, "t1", "another")


def test_a_limit_that_was_reached_is_not_one_for_hours(
    connection: Connection, set_back: SetBack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNS_PER_MINUTE", "2")
    store, user = RedisStore(connection), new_user()
    admit(store, user, "turns")
    admit(store, user, "turns")
    set_back(2)
    with pytest.raises(LimitReached):
        admit(store, user, "turns")
    set_back(HOUR)
    admit(store, user, "turns")


def test_an_answer_in_the_middle_of_which_it_happens_is_stored_once(store: Store, set_back: SetBack) -> None:
    user = new_user()
    thread = threads.new(store, user, load().memory("window"), title_of("one"))
    talk = replace(conversation(store, "window", user=user), thread=thread.id)
    job = worker.start(talk, "one")
    set_back(HOUR)
    job.join(20)
    assert job.status == "complete"
    assert [turn.human for turn in store.turns(user, thread.id, 0, 9)] == ["one"]
