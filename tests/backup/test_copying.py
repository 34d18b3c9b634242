"""A backup holds everything of a user and goes into any other store, byte for byte.

python -m pytest tests/backup
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.backup.copying import back_up, restore
from memory.backup.file import check, parts
from memory.custom.key_value import KeyValueMemory
from memory.errors import BadInput
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.server.connect import Connection, connect
from memory.stores.redis import RedisStore
from tests.deployments import redis_cluster, redis_sentinels
from tests.memory.fakes import conversation, everything_on, new_user, say, trace_of
from tests.pictures.drawn import beach
from tests.pictures.test_store import send


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Connection]]:
    """A cluster, and a server behind Sentinels."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with redis_cluster(folder / "cluster") as cluster, redis_sentinels(folder / "sentinels") as sentinels:
        held = {"cluster": connect(cluster.url), "sentinels": connect(sentinels.url)}
        yield held
        for connection in held.values():
            connection.close()


def lived(store: RedisStore) -> str:
    """Return a user who has something of everything."""
    user = new_user()
    talk = conversation(store, "key_value", user=user)
    say(talk, "/remember city = Ås, \x00 and 北京", "Hello.", "Where do I live?")
    say(conversation(store, "summary_buffer:max_token_limit=40", user=user, thread="t2"), *("I like tea. " * 9,) * 5)
    send(conversation(store, "buffer", user=user, thread="t3"), "Ours.", beach())
    store.delete_thread(user, "t2")
    store.put_settings(user, {"memory": "buffer"})
    store.put_experiment(user, "e1", b'{"id":"e1"}', new=True)
    store.put_part(user, "e1", "recording:0", bytes(range(256)) * 40)
    library = Retrieval(embedding("hashing"), InMemoryVectors()).library(store.shelf, user, lambda call: None)
    library.add("gates.md", b"# Gates\n\nThe east gate opens at nine.\n", 100, 20)
    return user


def rows(path: Path) -> list[Any]:
    return [(part.user, part.key, part.type, part.memory, part.rows) for part in parts(path)]


def test_a_backup_goes_through_every_kind_of_store_and_is_the_same_at_the_end(
    embedded: Connection, tcp: Connection, elsewhere: dict[str, Connection], tmp_path: Path
) -> None:
    users = [lived(RedisStore(embedded)) for _ in range(3)]
    first = tmp_path / "0.jsonl"
    counts = back_up(embedded, first, users[0])
    assert (counts.users, check(first)) == (1, counts)
    assert counts.keys > 25
    wanted, path = rows(first), first
    for number, connection in enumerate([elsewhere["cluster"], elsewhere["sentinels"], tcp, embedded], 1):
        restored = restore(connection, path, replace=connection is embedded)
        assert (restored.users, restored.keys, restored.rows) == (1, counts.keys, counts.rows)
        path = tmp_path / f"{number}.jsonl.gz"
        back_up(connection, path, users[0])
        assert rows(path) == wanted
    everybody = tmp_path / "all.jsonl.gz"
    back_up(embedded, everybody)
    assert {part.user for part in parts(everybody)} >= set(users)


def test_what_was_restored_is_lived_in_as_before(embedded: Connection, tcp: Connection, tmp_path: Path) -> None:
    user, path = lived(RedisStore(embedded)), tmp_path / "one.jsonl"
    back_up(embedded, path, user)
    KeyValueMemory.erase(user)
    restore(tcp, path)
    store = RedisStore(tcp)
    assert [thread.id for thread in store.threads(user)] == ["t3", "t1"]
    assert store.picture(user, "t3", beach()[0].id) == beach()[1]
    assert store.parts(user, "e1", ["recording:0"])["recording:0"] == bytes(range(256)) * 40
    assert store.restore_thread(user, "t2")
    talk = conversation(store, "key_value", user=user)
    assert trace_of(say(talk, "Where do I live?")).items[0].ref.startswith("fact:")
    assert [turn.human for turn in store.turns(user, "t1", 0, 9)][1:] == ["Hello.", *("Where do I live?",) * 2]
    found = Retrieval(embedding("hashing"), InMemoryVectors()).library(store.shelf, user, lambda call: None)
    assert "nine" in found.search("When does the east gate open?", 1)[0].passage.text
    vector = conversation(store, "vector:k=1", user=user, thread="t3")
    assert trace_of(say(vector, "What does the picture show?")).items[0].turns == (0, 1)


def test_it_takes_no_place_that_is_taken_unless_it_is_told_to(embedded: Connection, tmp_path: Path) -> None:
    store, path = RedisStore(embedded), tmp_path / "one.jsonl"
    user = lived(store)
    back_up(embedded, path, user)
    say(conversation(store, "buffer", user=user, thread="later"), "Something newer.")
    with pytest.raises(BadInput, match="already keeps something of 1 of the users"):
        restore(embedded, path)
    assert store.thread(user, "later")
    restore(embedded, path, replace=True)
    assert store.thread(user, "later") is None
    assert [thread.id for thread in store.threads(user)] == ["t3", "t1"]


def test_one_user_is_taken_out_of_a_backup_of_all(embedded: Connection, tmp_path: Path) -> None:
    store, path = RedisStore(embedded), tmp_path / "all.jsonl.gz"
    one, other = lived(store), lived(store)
    back_up(embedded, path)
    for user in (one, other):
        store.erase(user)
    restore(embedded, path, user=one, replace=True)
    assert (len(store.threads(one)), store.threads(other)) == (2, [])
    with pytest.raises(BadInput, match="holds nothing of the user nobody"):
        restore(embedded, path, user="nobody")
    with pytest.raises(BadInput, match="nothing is kept of this user"):
        back_up(embedded, path, other)


@settings(max_examples=60)
@given(place=st.floats(0, 1, exclude_max=True), cut=st.booleans(), byte=st.integers(0, 255))
def test_a_damaged_backup_is_refused_before_anything_is_written(
    embedded: Connection, tmp_path_factory: pytest.TempPathFactory, place: float, cut: bool, byte: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path, user = folder / "one.jsonl", new_user()
    say(conversation(RedisStore(embedded), "buffer", user=user), "Hello.")
    back_up(embedded, path, user)
    RedisStore(embedded).erase(user)
    whole = path.read_bytes()
    at = int(place * len(whole))
    damaged = whole[:at] if cut else whole[:at] + bytes([byte]) + whole[at + 1 :]
    path.write_bytes(damaged)
    before = everything_on(embedded)
    if damaged.strip() == whole.strip():
        restore(embedded, path)  # nothing but the white space at its end is another
        return
    with pytest.raises(BadInput):
        restore(embedded, path)
    assert everything_on(embedded) == before


def test_a_file_that_cannot_be_written_leaves_the_old_one(embedded: Connection, tmp_path: Path) -> None:
    user = lived(RedisStore(embedded))
    with pytest.raises(BadInput, match="No such file or directory"):
        back_up(embedded, tmp_path / "nowhere" / "one.jsonl", user)
    path = tmp_path / "one.jsonl"
    path.write_text("the old one")
    with pytest.raises(BadInput, match="nothing is kept"):
        back_up(embedded, path, "nobody")
    assert (path.read_text(), len(list(tmp_path.iterdir()))) == ("the old one", 1)
