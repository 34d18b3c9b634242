"""What a browser may do in a stretch of time: off by itself, counted in the store, said in one sentence."""

from __future__ import annotations

import threading

import pytest

from memory import rates
from memory.errors import BadInput, LimitReached
from memory.server.connect import Connection
from memory.store import Store
from memory.stores.redis import RedisStore
from tests.memory.fakes import new_user


def test_nothing_is_limited_or_counted_where_nothing_is_set(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    user = new_user()
    for _ in range(50):
        rates.admit(store, user, "turns")
    monkeypatch.setenv("TURNS_PER_MINUTE", "1")
    rates.admit(store, user, "turns")


def test_one_too_many_is_refused_with_the_seconds_to_wait_and_is_not_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNS_PER_MINUTE", "3")
    user = new_user()
    for _ in range(3):
        rates.admit(store, user, "turns")
    for _ in range(5):
        with pytest.raises(
            LimitReached, match=r"^This server takes 3 messages a minute .*: try again in [0-9]+ s\.$"
        ) as no:
            rates.admit(store, user, "turns")
        assert 0 < no.value.wait <= 60
    rates.admit(store, new_user(), "turns")
    rates.admit(store, user, "uploads")


def test_what_was_counted_long_enough_ago_counts_no_more(store: Store) -> None:
    user, waited = new_user(), 0
    assert store.spend(user, "turns", 2, 2, 0.05) == 0
    while store.spend(user, "turns", 2, 2, 0.05):
        waited += 1
        threading.Event().wait(0.01)
    assert waited < 1000


def test_more_at_once_than_may_be_done_at_all_is_taken_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNS_PER_MINUTE", "4")
    user = new_user()
    rates.admit(store, user, "turns", 6)
    with pytest.raises(LimitReached):
        rates.admit(store, user, "turns")


def test_all_processes_count_together_and_no_two_take_the_last_place(connection: Connection) -> None:
    user, taken = new_user(), list[float]()
    stores = [RedisStore(connection), RedisStore(connection)]

    def spend(one: RedisStore) -> None:
        taken.extend(one.spend(user, "turns", 1, 10, 60) for _ in range(20))

    threads = [threading.Thread(target=spend, args=(one,)) for one in stores * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(0) == 10


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "1e3", "999999999"])
def test_a_limit_that_is_no_number_is_named(text: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOADS_PER_HOUR", text)
    with pytest.raises(BadInput, match="UPLOADS_PER_HOUR must be a number"):
        rates.admit(store, new_user(), "uploads")
