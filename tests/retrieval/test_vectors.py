"""Every place for vectors keeps the same contract: in memory, Chroma in a folder, and a Chroma server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.errors import BadInput, StoreUnavailable
from memory.retrieval.chroma import Chroma
from memory.retrieval.vectors import ChromaVectors, InMemoryVectors, Vectors, collection_name, open_vectors
from tests.chroma_server import chroma_server

DIMENSIONS = 8


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Vectors]]:
    """One of each for the whole file: a test has users of its own."""
    with chroma_server(tmp_path_factory.mktemp("server")) as server:
        made: dict[str, Vectors] = {
            "memory": InMemoryVectors(),
            "folder": open_vectors("test", DIMENSIONS, "", tmp_path_factory.mktemp("home")),
            "server": open_vectors("test", DIMENSIONS, server.url),
        }
        yield made
        for vectors in made.values():
            vectors.close()


@pytest.fixture(params=["memory", "folder", "server"])
def vectors(request: pytest.FixtureRequest, places: dict[str, Vectors]) -> Iterator[Vectors]:
    yield places[request.param]
    for user in ("ana", "ben", "ana-t1", "a", "b"):
        places[request.param].erase(user)


def rows(*numbers: float) -> Any:
    return np.array([[number, 1, 0, 0, 0, 0, 0, 0] for number in numbers], dtype=np.float32)


def test_what_was_put_is_there_and_of_float32(vectors: Vectors) -> None:
    vectors.put("ana", "t1", ["m1", "m2"], rows(0.1, 0.2))
    found = vectors.get("ana", "t1")
    assert set(found) == {"m1", "m2"}
    assert found["m1"].dtype == np.float32
    assert np.array_equal(found["m2"], rows(0.2)[0])


def test_nothing_is_an_empty_answer(vectors: Vectors) -> None:
    assert vectors.get("ana", "t1") == {}
    assert vectors.delete("ana") == 0
    assert vectors.delete("ana", "t1", []) == 0
    vectors.put("ana", "t1", [], np.zeros((0, DIMENSIONS)))
    assert vectors.get("ana", "t1") == {}


def test_putting_again_replaces(vectors: Vectors) -> None:
    vectors.put("ana", "t1", ["m1", "m2"], rows(0.1, 0.2))
    vectors.put("ana", "t1", ["m1"], rows(0.9))
    found = vectors.get("ana", "t1")
    assert found["m1"][0] == np.float32(0.9)
    assert found["m2"][0] == np.float32(0.2)


def test_more_rows_than_fit_in_one_answer(vectors: Vectors) -> None:
    ids = [f"m{number}" for number in range(2_300)]
    vectors.put("ana", "long", ids, rows(*range(2_300)))
    found = vectors.get("ana", "long")
    assert sorted(found) == sorted(ids)
    assert all(found[f"m{number}"][0] == number for number in range(0, 2_300, 97))
    assert vectors.delete("ana", "long", ids[:600]) == 600
    assert vectors.delete("ana") == 1_700


def test_ids_may_hold_anything(vectors: Vectors) -> None:
    ids = ["a/b", "a", "/", "..", "猫 🐈", "m.1", "x" * 500, "'; --", " "]
    vectors.put("ana", "t1", ids, rows(*range(len(ids))))
    assert set(vectors.get("ana", "t1")) == set(ids)
    assert vectors.delete("ana", "t1", ["a/b", "a/b", "nobody"]) == 1
    assert set(vectors.get("ana", "t1")) == set(ids) - {"a/b"}


def test_a_deletion_reaches_what_it_names_and_no_more(vectors: Vectors) -> None:
    for user in ("ana", "ben"):
        for thread in ("t1", "t2"):
            vectors.put(user, thread, ["m1", "m2"], rows(1, 2))
    assert vectors.delete("ana", "t1", ["m1"]) == 1
    assert set(vectors.get("ana", "t1")) == {"m2"}
    assert vectors.delete("ana", "t1") == 1
    assert set(vectors.get("ana", "t2")) == {"m1", "m2"}
    assert vectors.erase("ana") == 2
    assert vectors.get("ana", "t2") == {}
    assert set(vectors.get("ben", "t1")) == set(vectors.get("ben", "t2")) == {"m1", "m2"}


@pytest.mark.parametrize("user", ["", "a/b", "a b", "*", "ana\n", "x" * 101])
def test_a_user_that_is_none_reaches_nothing(vectors: Vectors, user: str) -> None:
    vectors.put("ana", "t1", ["m1"], rows(1))
    for call in (
        lambda: vectors.get(user, "t1"),
        lambda: vectors.put(user, "t1", ["m1"], rows(1)),
        lambda: vectors.delete(user),
        lambda: vectors.delete(user, "t1", ["m1"]),
        lambda: vectors.erase(user),
        lambda: vectors.get("ana", user),
        lambda: vectors.delete("ana", user),
    ):
        with pytest.raises(BadInput):
            call()
    assert set(vectors.get("ana", "t1")) == {"m1"}


def test_ids_without_a_thread_are_refused(vectors: Vectors) -> None:
    with pytest.raises(BadInput, match="name it"):
        vectors.delete("ana", None, ["m1"])


@pytest.mark.parametrize(
    ("ids", "given"),
    [(["m1"], rows(1, 2)), (["m1", "m1"], rows(1, 2)), ([""], rows(1)), (["m1"], rows(float("nan")))],
)
def test_rows_that_do_not_fit_are_refused_whole(vectors: Vectors, ids: list[str], given: Any) -> None:
    with pytest.raises(BadInput):
        vectors.put("ana", "t1", ids, given)
    assert vectors.get("ana", "t1") == {}


names = st.sampled_from(["a", "b", "ana", "ana-t1"])
threads = st.sampled_from(["t1", "t2", "ana"])
ids = st.sampled_from(["m1", "m2", "t1/m1", "ana/m1", "/"])
acts = st.one_of(
    st.tuples(st.just("put"), names, threads, st.lists(ids, min_size=1, max_size=3, unique=True)),
    st.tuples(st.just("delete"), names, st.one_of(st.none(), threads), st.none()),
    st.tuples(st.just("delete"), names, threads, st.lists(ids, max_size=3, unique=True)),
)


@given(steps=st.lists(acts, max_size=12))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_sees_or_deletes_anothers_rows(vectors: Vectors, steps: list[Any]) -> None:
    """Whatever users do, each finds exactly what a dictionary of theirs alone would hold."""
    truth: dict[tuple[str, str], dict[str, float]] = {}
    for user in ("a", "b", "ana", "ana-t1"):
        vectors.erase(user)
    for number, (act, user, thread, some) in enumerate(steps):
        if act == "put":
            vectors.put(user, thread, some, rows(*[number] * len(some)))
            truth.setdefault((user, thread), {}).update(dict.fromkeys(some, number))
        else:
            gone = 0
            for owner, kept in truth.items():
                if owner[0] == user and thread in (None, owner[1]):
                    for id in list(kept) if some is None else some:
                        gone += kept.pop(id, None) is not None
            assert vectors.delete(user, thread, some) == gone
    for user in ("a", "b", "ana", "ana-t1"):
        for thread in ("t1", "t2", "ana"):
            found = {id: float(row[0]) for id, row in vectors.get(user, thread).items()}
            assert found == truth.get((user, thread), {})


def test_a_row_whose_owner_was_forged_is_not_given_out(tmp_path: Path) -> None:
    vectors = open_vectors("test", DIMENSIONS, "", tmp_path)
    assert isinstance(vectors, ChromaVectors)
    vectors.put("ana", "t1", ["m1"], rows(1))
    forged = {"user": "ana", "thread": "ana/t1"}
    vectors._chroma.call(
        lambda client: vectors._collection(client).upsert(["ben/t1/m9"], embeddings=rows(9), metadatas=[forged])
    )
    assert set(vectors.get("ana", "t1")) == {"m1"}
    vectors.close()


def test_each_embedding_has_a_collection_and_a_deletion_reaches_all_of_them(tmp_path: Path) -> None:
    small, large = open_vectors("one", 8, "", tmp_path), open_vectors("one", 3, "", tmp_path)
    small.put("ana", "t1", ["m1"], rows(1))
    large.put("ana", "t1", ["m1", "m2"], np.ones((2, 3)))
    assert (len(small.get("ana", "t1")), len(large.get("ana", "t1"))) == (1, 2)
    with pytest.raises(BadInput, match="8 numbers"):
        small.put("ana", "t1", ["m3"], np.ones((1, 3)))
    assert small.delete("ana", "t1", ["m1"]) == 2
    assert small.erase("ana") == 1
    small.close()
    large.close()


def test_a_folder_holds_vectors_after_it_was_closed_and_none_of_the_text(tmp_path: Path) -> None:
    vectors = open_vectors("test", DIMENSIONS, "", tmp_path)
    vectors.put("ana", "t1", ["m1"], rows(1))
    vectors.close()
    again = open_vectors("test", DIMENSIONS, "", tmp_path)
    assert set(again.get("ana", "t1")) == {"m1"}
    assert isinstance(again, ChromaVectors)
    kept = again._chroma.call(lambda client: again._collection(client).get(include=["documents", "metadatas", "uris"]))
    again.close()
    assert kept["documents"] == [None]
    assert kept["metadatas"] == [{"user": "ana", "thread": "ana/t1"}]
    assert (tmp_path / "chroma").stat().st_mode & 0o077 == 0


def test_nothing_is_opened_before_it_is_asked_and_warming_does_not_wait(tmp_path: Path) -> None:
    vectors = open_vectors("test", DIMENSIONS, "", tmp_path)
    assert not (tmp_path / "chroma").exists()
    assert isinstance(vectors, ChromaVectors)
    vectors.warm()
    assert vectors.get("ana", "t1") == {}
    vectors.close()


def test_a_collection_is_named_after_its_embedding_and_no_two_share_one() -> None:
    names = ["openai:a", "openai_a", "openai a", "all-MiniLM-L6-v2", "hashing", "m at host:1", "猫", "x" * 300]
    made = [collection_name(name, 384) for name in names]
    assert len(set(made)) == len(names)
    assert all(len(name) < 300 and name.isascii() and name.startswith("memory-inspector.") for name in made)
    assert collection_name("hashing", 384) != collection_name("hashing", 256)


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host", "http://", "http://h:port", "http://u:pa#ss@h", "http://h/sub", "chroma"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(BadInput, match="CHROMA_URL") as caught:
        Chroma.server(url)
    assert "pa" not in str(caught.value).replace("path", "")


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    vectors = open_vectors("test", DIMENSIONS, "http://alex:geheim@127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match=r"Chroma at 127\.0\.0\.1:9 is away") as caught:
        vectors.get("ana", "t1")
    assert "geheim" not in str(caught.value)
    vectors.close()


def test_importing_it_does_not_import_chromadb() -> None:
    script = "import sys, memory.retrieval.chroma, memory.retrieval.embeddings; print('chromadb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout.strip() == b"False"
