"""One Redis Cluster and one group of Sentinels: what is acknowledged outlives the server that acknowledged it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory.errors import StoreUnavailable
from memory.server.connect import connect
from memory.stores.redis import RedisStore
from tests.deployments import Cluster, Sentinels, redis_cluster, redis_sentinels
from tests.memory.fakes import conversation, say

pytestmark = [pytest.mark.faults, pytest.mark.redis_server]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def test_a_conversation_lives_on_a_cluster(cluster: Cluster) -> None:
    connection = connect(cluster.url)
    try:
        store = RedisStore(connection)
        assert connection.ping() == "ready"
        assert "the cluster at 127.0.0.1" in connection.describe()
        talks = [conversation(store, "summary_buffer:max_token_limit=40") for _ in range(6)]
        for talk in talks:
            say(talk, "My name is Alex.", "I live in Oslo.", "I like tea.")
        assert len({cluster.primary_of(f"mi:{{{talk.user}}}:threads").port for talk in talks}) > 1
        for talk in talks:
            assert [turn.human for turn in store.turns(talk.user, talk.thread, 0, 9)] == [
                "My name is Alex.",
                "I live in Oslo.",
                "I like tea.",
            ]
            assert store.erase(talk.user)["turns"] == 3
            assert store.threads(talk.user) == []
        assert store.compact().done
    finally:
        connection.close()


def test_a_primary_that_is_killed_loses_and_doubles_no_acknowledged_turn(cluster: Cluster) -> None:
    connection = connect(cluster.url)
    try:
        kept = _through_a_kill(RedisStore(connection), lambda user: cluster.primary_of(f"mi:{{{user}}}:threads").kill())
        assert kept > 20
    finally:
        connection.close()


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    with redis_sentinels(tmp_path) as sentinels:
        yield sentinels


def test_sentinels_lead_to_the_new_primary(sentinels: Sentinels) -> None:
    connection = connect(sentinels.url)
    try:
        assert "main behind the Sentinels" in connection.describe()
        kept = _through_a_kill(RedisStore(connection), lambda user: sentinels.primary.kill())
        assert kept > 20
        assert sentinels.replica.client().info("replication")["role"] == "master"
    finally:
        connection.close()


def test_a_cluster_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    connection = connect("redis+cluster://:s3cr3t@127.0.0.1:1,127.0.0.1:2")
    with pytest.raises(
        StoreUnavailable, match=r"Redis in the cluster at 127\.0\.0\.1:1.*no node that answers"
    ) as caught:
        connection.call(lambda client: client.get("key"))
    assert "s3cr3t" not in str(caught.value)
    assert connection.ping() == "away"
    connection.close()


def _through_a_kill(store: RedisStore, kill: object) -> int:
    """Talk in several conversations at once while a server is killed; return how many turns were acknowledged."""
    talks = [conversation(store, "window:k=3") for _ in range(4)]
    acknowledged: dict[int, list[str]] = {number: [] for number in range(len(talks))}
    over = threading.Event()

    def speak(number: int) -> None:
        place = 0
        while not over.is_set():
            text, turn_id = f"message {number} {place}", f"turn-{number}-{place}"
            deadline = time.monotonic() + 30
            while True:
                try:
                    reply = talks[number].reply(text, turn_id)
                    list(reply)
                    break
                except StoreUnavailable:
                    assert time.monotonic() < deadline, "no primary was found in 30 seconds"
                    time.sleep(0.1)
            acknowledged[number].append(text)
            place += 1

    threads = [threading.Thread(target=speak, args=(number,)) for number in acknowledged]
    for thread in threads:
        thread.start()
    _wait(acknowledged, 3)
    kill(talks[0].user)  # type: ignore[operator]
    _wait(acknowledged, max(map(len, acknowledged.values())) + 5)
    over.set()
    for thread in threads:
        thread.join(40)
        assert not thread.is_alive()
    for number, talk in enumerate(talks):
        turns = store.turns(talk.user, talk.thread, 0, 10_000)
        assert [turn.human for turn in turns] == acknowledged[number]
        assert len({turn.id for turn in turns}) == len(turns)
    return sum(map(len, acknowledged.values()))


def _wait(acknowledged: dict[int, list[str]], count: int) -> None:
    deadline = time.monotonic() + 60
    while min(map(len, acknowledged.values())) < count:
        assert time.monotonic() < deadline, f"stuck at {acknowledged}"
        time.sleep(0.05)
