"""The contract of a store for experiments, on each of them: order, deletion, what is gone, names, one at a time.

python -m pytest tests/memory/test_store_experiments.py
"""

from __future__ import annotations

import time

import pytest

from memory.errors import BadInput, ExperimentGone
from memory.server.connect import Connection
from memory.store import UNDO_SECONDS, Store, Thread
from memory.stores import inmemory_experiments
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore
from tests.memory.fakes import everything_on, new_user


def put(store: Store, user: str, id: str = "e1", **parts: bytes) -> None:
    for name, part in parts.items():
        store.put_part(user, id, name, part, new=True)
    store.put_experiment(user, id, b'{"id": 1}', new=True)


def ids(store: Store, user: str, deleted: bool = False) -> list[str]:
    return [kept.id for kept in store.experiments(user, deleted)]


def test_what_is_put_is_read_again_and_the_newest_is_first(store: Store) -> None:
    user = new_user()
    put(store, user, "first", a=b"12345", b=b"\x00\xff")
    time.sleep(0.01)
    put(store, user, "second")
    store.put_experiment(user, "first", b"{}")
    assert ids(store, user) == ["second", "first"]
    assert store.experiment(user, "first") == b"{}"
    assert store.parts(user, "first", ["b", "none", "a"]) == {"b": b"\x00\xff", "a": b"12345"}
    assert store.part_sizes(user, "first") == {"a": 5, "b": 2}
    assert [kept.size for kept in store.experiments(user)] == [0, 7]


def test_a_part_that_is_put_again_takes_the_place_of_the_first(store: Store) -> None:
    user = new_user()
    put(store, user, a=b"12345")
    store.put_part(user, "e1", "a", b"12")
    assert store.experiments(user)[0].size == 2


def test_an_experiment_is_there_only_when_it_is_complete(store: Store) -> None:
    user = new_user()
    store.put_part(user, "e1", "a", b"1", new=True)
    assert (ids(store, user), ids(store, user, deleted=True), store.experiment(user, "e1")) == ([], [], None)
    assert not store.restore_experiment(user, "e1")
    store.put_experiment(user, "e1", b"{}", new=True)
    assert ids(store, user) == ["e1"]


def test_one_that_is_never_completed_goes_by_itself_and_with_everything(connection: Connection) -> None:
    store, user = RedisStore(connection), new_user()
    store.put_part(user, "e1", "a", b"1", new=True)
    left = connection.client.pttl(f"mi:{{{user}}}:experiment:e1:parts")
    assert 0 < left <= UNDO_SECONDS * 1000
    store.erase(user)
    assert not [key for key in everything_on(connection) if user in key]


def test_a_deleted_one_is_restored_in_its_place_and_takes_no_words_meanwhile(store: Store) -> None:
    user = new_user()
    put(store, user, "e1", a=b"1")
    time.sleep(0.01)
    put(store, user, "e2")
    store.delete_experiment(user, "e1")
    store.delete_experiment(user, "e1")
    assert (ids(store, user), ids(store, user, deleted=True)) == (["e2"], ["e1"])
    assert store.experiment(user, "e1") is None
    for write in (
        lambda: store.put_part(user, "e1", "late", b"words"),
        lambda: store.put_experiment(user, "e1", b"{}"),
        lambda: store.put_part(user, "e1", "late", b"words", new=True),
    ):
        with pytest.raises(ExperimentGone):
            write()
    assert store.restore_experiment(user, "e1")
    assert store.restore_experiment(user, "e1")
    assert ids(store, user) == ["e2", "e1"]
    assert store.parts(user, "e1", ["a", "late"]) == {"a": b"1"}


def test_the_store_itself_removes_a_deleted_one_after_ten_minutes(connection: Connection) -> None:
    store, user = RedisStore(connection), new_user()
    put(store, user, a=b"1")
    store.delete_experiment(user, "e1")
    key = f"mi:{{{user}}}:experiment:e1:parts"
    assert 0 < connection.client.pttl(key) <= UNDO_SECONDS * 1000
    connection.client.pexpire(key, 1)
    time.sleep(0.05)
    assert ids(store, user, deleted=True) == []
    assert not store.restore_experiment(user, "e1")


def test_in_memory_too_it_is_gone_after_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    store, user = InMemoryStore(), new_user()
    put(store, user, a=b"1")
    store.delete_experiment(user, "e1")
    monkeypatch.setattr(inmemory_experiments, "UNDO_SECONDS", -1)
    assert ids(store, user, deleted=True) == []
    assert not store.restore_experiment(user, "e1")


def test_purging_counts_the_parts_and_leaves_nothing(store: Store) -> None:
    user = new_user()
    put(store, user, "e1", a=b"1", b=b"2")
    put(store, user, "e2", a=b"1")
    store.delete_experiment(user, "e2")
    assert store.purge_experiment(user, "e1") == 3
    assert store.purge_experiment(user, "e2") == 2
    assert store.purge_experiment(user, "e1") == 0
    assert (ids(store, user), ids(store, user, deleted=True)) == ([], [])
    with pytest.raises(ExperimentGone):
        store.put_part(user, "e1", "late", b"words")


def test_erasing_a_user_takes_his_experiments_and_nobody_elses(store: Store) -> None:
    user, other = new_user(), new_user()
    put(store, user, "e1", a=b"1")
    put(store, user, "e2")
    put(store, other, "e1", a=b"2")
    store.delete_experiment(user, "e2")
    store.claim(user, "e1:x", 60)
    assert {name: count for name, count in store.erase(user).items() if count} == {"experiments": 2}
    assert store.experiments(user) == []
    assert store.claimed(user) == ""
    assert store.parts(other, "e1", ["a"]) == {"a": b"2"}


def test_experiments_expire_like_everything_of_a_user(connection: Connection) -> None:
    store, user = RedisStore(connection, expire_days=1), new_user()
    put(store, user, a=b"1")
    lives = [connection.client.pttl(key) for key in everything_on(connection) if user in key]
    assert len(lives) == 2
    assert all(86_000_000 < life <= 86_400_000 for life in lives)


def test_all_keys_of_a_user_share_a_slot(connection: Connection) -> None:
    store, user = RedisStore(connection), new_user()
    put(store, user, a=b"1")
    put(store, user, "e2")
    store.delete_experiment(user, "e2")
    store.claim(user, "e1:x", 60)
    keys = [key for key in everything_on(connection) if user in key]
    assert len(keys) == 5
    assert {key.partition("}")[0] for key in keys} == {f"mi:{{{user}"}


@pytest.mark.parametrize("name", ["", "../x", "a:b", "a}b", "e1:parts", "é", "x" * 101, "a\n", "*"])
def test_hostile_names_reach_nothing(store: Store, name: str) -> None:
    user = new_user()
    put(store, user, a=b"1")
    for call in (
        lambda who, id: store.experiment(who, id),
        lambda who, id: store.put_part(who, id, "a", b"1", new=True),
        lambda who, id: store.put_experiment(who, id, b"{}", new=True),
        lambda who, id: store.part_sizes(who, id),
        lambda who, id: store.parts(who, id, ["a"]),
        lambda who, id: store.delete_experiment(who, id),
        lambda who, id: store.restore_experiment(who, id),
        lambda who, id: store.purge_experiment(who, id),
    ):
        with pytest.raises(BadInput, match="not the name of an experiment"):
            call(user, name)
        with pytest.raises(BadInput, match="not the name of a user"):
            call(name, "e1")
    for call in (store.experiments, store.claimed, lambda who: store.claim(who, "x", 1)):
        with pytest.raises(BadInput):
            call(name)


def test_a_thread_by_an_experiments_name_shares_no_key_with_it(store: Store) -> None:
    user = new_user()
    put(store, user, "meta", a=b"1")
    for name in ("experiment", "experiments", "meta"):
        store.put_thread(user, Thread(name))
    store.purge(user, "experiment")
    store.purge(user, "experiments")
    assert store.parts(user, "meta", ["a"]) == {"a": b"1"}
    assert ids(store, user) == ["meta"]


def test_one_at_a_time_holds_a_claim_until_it_is_given_back_or_no_longer_renewed(store: Store) -> None:
    user = new_user()
    assert store.claimed(user) == ""
    assert store.claim(user, "one", 60) == "one"
    assert store.claim(user, "one", 60) == "one"
    assert store.claim(user, "two", 60) == "one"
    assert store.claim(user, "two", 0) == "one"
    assert store.claimed(user) == "one"
    assert store.claimed(new_user()) == ""
    assert store.claim(user, "one", 0) == ""
    assert store.claim(user, "two", 0.05) == "two"
    time.sleep(0.1)
    assert store.claim(user, "three", 60) == "three"
