"""What an acknowledged turn survives where the primary is lost before it has sent everything to its replica.

python -m pytest tests/faults/test_replicas.py
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from memory import worker
from memory.errors import BadInput, StoreUnavailable
from memory.server.connect import Connection, connect
from memory.stores.redis import RedisStore
from memory.stores.redis_calls import replicated
from pages.ui import connections
from tests.clock import Clock
from tests.deployments import Cluster, redis_cluster, until
from tests.memory.fakes import conversation, say, turns_of
from tests.servers import RedisServer, redis_server

pytestmark = [pytest.mark.faults, pytest.mark.redis_server]


class Pair:
    """A primary and its replica."""

    def __init__(self, primary: RedisServer, replica: RedisServer) -> None:
        self.primary, self.replica = primary, replica
        self.connection = connect(primary.url)

    def promoted(self) -> Connection:
        """Kill the primary and have the replica take its place."""
        self.primary.kill()
        self.replica.thaw()
        self.replica.client().execute_command("REPLICAOF", "NO", "ONE")
        return connect(self.replica.url)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    for name in ("primary", "replica"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        primary = stack.enter_context(redis_server(tmp_path / "primary", repl_diskless_sync_delay="0"))
        replicaof = f"127.0.0.1 {primary.port}"
        replica = stack.enter_context(redis_server(tmp_path / "replica", replicaof=replicaof))
        pair = Pair(primary, replica)
        stack.callback(pair.connection.close)
        until(lambda: follows(primary), "no replica follows")
        yield pair


def follows(primary: RedisServer) -> bool:
    replicated(primary.client(), "mi:{nobody}", 1)
    return True


def spoken(store: RedisStore, times: int) -> list[str]:
    """Say something so many times; return what was acknowledged."""
    talk, acknowledged = conversation(store, "window", user="alex"), list[str]()
    for number in range(times):
        reply = talk.reply(f"message {number}")
        try:
            list(reply)
        except StoreUnavailable:
            break
        acknowledged.append(f"message {number}")
    return acknowledged


def test_a_turn_that_counts_with_its_replica_outlives_the_primary(pair: Pair) -> None:
    store = RedisStore(pair.connection, replicas=1)
    acknowledged = spoken(store, 5)
    assert len(acknowledged) == 5
    pair.replica.freeze()
    pair.primary.client().execute_command("CLIENT", "KILL", "TYPE", "replica")
    talk = conversation(store, "window", user="alex")
    reply = talk.reply("message 5", turn_id="m5")
    with Clock() as clock, pytest.raises(StoreUnavailable, match="only 0 of 1 replicas"):
        list(reply)
    assert clock.seconds < 20, "it waits for the replica without end"
    connection = pair.promoted()
    kept = RedisStore(connection).turns("alex", "t1", 0, 99)
    assert [turn.human for turn in kept][:5] == acknowledged
    connection.close()


def test_without_it_what_the_replica_had_not_got_is_lost_with_the_primary(pair: Pair) -> None:
    spoken(RedisStore(pair.connection), 2)
    until(lambda: follows(pair.primary), "the replica does not follow")
    pair.replica.freeze()
    pair.primary.client().execute_command("CLIENT", "KILL", "TYPE", "replica")
    talk = conversation(RedisStore(pair.connection), "window", user="alex")
    list(talk.reply("acknowledged and not sent on"))
    assert len(turns_of(talk)) == 3
    connection = pair.promoted()
    assert len(RedisStore(connection).turns("alex", "t1", 0, 9)) == 2
    connection.close()


def test_an_answer_waits_for_its_replica_and_is_stored_once(pair: Pair) -> None:
    talk = conversation(RedisStore(pair.connection, replicas=1), "window", user="alex")
    say(talk, "one")
    pair.replica.freeze()
    job = worker.start(talk, "two")
    try:
        until(lambda: job.status == "saving", "it is not told that it is not saved")
    finally:
        pair.replica.thaw()
    job.join(20)
    assert job.status == "complete"
    assert [turn.human for turn in turns_of(talk)] == ["one", "two"]
    assert talk.store.totals(talk.user, talk.thread).reply.calls == 2


def test_a_primary_that_wants_a_replica_refuses_in_one_sentence_and_goes_on_by_itself(pair: Pair) -> None:
    primary = pair.primary.client()
    primary.config_set("min-replicas-max-lag", 1)
    primary.config_set("min-replicas-to-write", 1)
    talk = conversation(RedisStore(pair.connection), "window", user="alex")
    say(talk, "one")
    pair.replica.freeze()
    try:
        until(lambda: int(primary.info("replication")["min_slaves_good_slaves"]) == 0, "the replica counts still")
        with pytest.raises(StoreUnavailable, match="too few replicas to accept writes"):
            talk.store.put_settings("alex", {"a": 1})
    finally:
        pair.replica.thaw()
    until(lambda: int(primary.info("replication")["min_slaves_good_slaves"]) == 1, "the replica is not back")
    say(talk, "two")
    assert [turn.human for turn in turns_of(talk)] == ["one", "two"]


def test_on_a_cluster_it_waits_for_the_replica_of_the_user_s_own_primary(tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as cluster:
        connection = connect(cluster.url)
        store = RedisStore(connection, replicas=1)
        talk = conversation(store, "window")
        say(talk, "one", "two")
        own = _replica_of(cluster, f"mi:{{{talk.user}}}:threads")
        own.freeze()
        try:
            with pytest.raises(StoreUnavailable, match="only 0 of 1 replicas"):
                list(talk.reply("three"))
        finally:
            own.thaw()
        assert len(turns_of(talk)) == 3
        connection.close()


def _replica_of(cluster: Cluster, key: str) -> RedisServer:
    primary = cluster.primary_of(key)
    return cluster.nodes[cluster.nodes.index(primary) + 3]


@pytest.mark.parametrize("text", ["-1", "two", "10"])
def test_a_wrong_number_of_replicas_is_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379")
    monkeypatch.setenv("REDIS_REPLICAS", text)
    with pytest.raises(BadInput, match="REDIS_REPLICAS must be a number from 0 to 9"):
        connections.replicas()
    monkeypatch.setenv("REDIS_REPLICAS", "2")
    assert connections.replicas() == 2
    monkeypatch.delenv("REDIS_URL")
    with pytest.raises(BadInput, match="0 without REDIS_URL"):
        connections.replicas()
