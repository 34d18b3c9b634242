"""The rights that the README asks for on a Redis of one's own: enough for all that the app does, and for nothing else.

python -m pytest tests/attack/test_acl.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from memory import forgetting
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.server.connect import Connection, connect
from memory.stores.redis import RedisStore
from tests.attack.victim import EXPERIMENT, OWNER, SECRET, THREAD, Victim
from tests.servers import RedisServer, redis_server

README = Path(__file__).resolve().parents[2] / "README.md"
PASSWORD = "s3cr3t"


def documented() -> list[str]:
    """Return the words of the line that the README has users give to Redis."""
    (line,) = re.findall(r"^ACL SETUSER (.*)$", README.read_text(), re.M)
    return str(line).replace("PASSWORD", PASSWORD).split()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        server.client().execute_command("ACL", "SETUSER", *documented())
        server.client().set("foreign", SECRET)
        yield server


@pytest.fixture
def connection(server: RedisServer) -> Iterator[Connection]:
    connection = connect(server.url.replace("//", f"//{documented()[0]}:{PASSWORD}@"))
    yield connection
    connection.close()


def test_all_that_the_app_does_is_permitted(connection: Connection) -> None:
    assert connection.ping() == "ready"
    store, retrieval = RedisStore(connection), Retrieval(embedding("hashing"), InMemoryVectors())
    victim = Victim(store, retrieval, InMemoryVectors())
    assert SECRET in victim.everything()
    assert store.spend(OWNER, "turns", 1, 2, 60) == 0
    store.delete_experiment(OWNER, EXPERIMENT)
    assert store.restore_experiment(OWNER, EXPERIMENT)
    store.delete_thread(OWNER, THREAD)
    assert store.restore_thread(OWNER, THREAD)
    assert forgetting.forget_turn(store, retrieval, OWNER, THREAD, 0)
    assert forgetting.forget_thread(store, retrieval, OWNER, THREAD)
    assert forgetting.erase(store, retrieval, OWNER)
    assert not store.threads(OWNER)


@pytest.mark.parametrize(
    "command",
    [
        "GET foreign",
        "SET foreign x",
        "DEL foreign",
        "KEYS *",
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET *",
        "CONFIG SET dir /tmp",
        "ACL LIST",
        "SHUTDOWN",
        "REPLICAOF 127.0.0.1 1",
        "MODULE LIST",
        "CLIENT LIST",
        "MONITOR",
        "COPY mi:x foreign",
        "RENAME mi:x foreign",
    ],
)
def test_nothing_else_is(command: str, connection: Connection) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        connection.client.execute_command(*command.split())


def test_no_script_reaches_a_key_of_others(connection: Connection) -> None:
    for keys in (["foreign"], []):
        with pytest.raises(redis.ResponseError, match=r"(?i)permission|can.t access"):
            connection.client.eval("return redis.call('GET', KEYS[1] or 'foreign')", len(keys), *keys)
