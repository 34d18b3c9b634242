"""What kills, freezes or doubles Chroma: an error in time, recovery by itself, and no acknowledged row lost.

python -m pytest tests/faults/test_chroma_faults.py
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memory.errors import StoreUnavailable
from memory.retrieval.vectors import Vectors, open_vectors
from tests.chroma_server import ChromaServer, chroma_server
from tests.clock import Clock

pytestmark = pytest.mark.faults

DIMENSIONS = 8
ROOT = Path(__file__).parents[2]
KILLS = 3
SOON = 4
"""Seconds that tell an answer after a limit of one second from one that waits for the default of minutes."""


def rows(*numbers: float) -> Any:
    return np.array([[number, 1, 0, 0, 0, 0, 0, 0] for number in numbers], dtype=np.float32)


def seconds_until_error(vectors: Vectors) -> tuple[float, str]:
    with Clock() as clock, pytest.raises(StoreUnavailable) as caught:
        vectors.get("ana", "t1")
    return clock.seconds, str(caught.value)


def again(call: Callable[[], Any]) -> Any:
    """Ask as often as it is refused."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return call()
        except StoreUnavailable:
            assert time.monotonic() < deadline, "it does not recover"
            time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ChromaServer]:
    with chroma_server(tmp_path) as server:
        yield server


@pytest.fixture
def vectors(server: ChromaServer) -> Iterator[Vectors]:
    vectors = open_vectors("test", DIMENSIONS, server.url)
    vectors.put("ana", "t1", ["m1"], rows(1))
    yield vectors
    vectors.close()


def test_a_killed_server_is_an_error_at_once_and_the_same_object_recovers(
    server: ChromaServer, vectors: Vectors
) -> None:
    server.kill()
    seconds, sentence = seconds_until_error(vectors)
    assert seconds < SOON
    assert sentence == (f"Chroma at 127.0.0.1:{server.port} is away: start it or correct CHROMA_URL, then try again.")
    server.start()
    assert set(vectors.get("ana", "t1")) == {"m1"}


def test_a_restart_between_two_calls_is_not_noticed(server: ChromaServer, vectors: Vectors) -> None:
    for number in range(3):
        server.kill()
        server.start()
        vectors.put("ana", "t1", [f"again-{number}"], rows(number))
    assert len(vectors.get("ana", "t1")) == 4


def test_a_frozen_server_is_an_error_within_two_seconds_and_thawed_it_serves_again(
    server: ChromaServer, vectors: Vectors
) -> None:
    server.freeze()
    with Clock() as clock:
        for call in (
            lambda: vectors.get("ana", "t1"),
            lambda: vectors.put("ana", "t1", ["m2"], rows(2)),
            lambda: vectors.delete("ana"),
        ):
            with pytest.raises(StoreUnavailable, match="runs but does not answer"):
                call()
    assert clock.seconds < SOON, "one that was just silent is asked again"
    server.thaw()
    assert "m1" in again(lambda: vectors.get("ana", "t1"))


def test_a_server_that_is_frozen_or_away_while_it_is_opened(server: ChromaServer) -> None:
    import chromadb  # noqa: F401  # what is timed is the server

    late = open_vectors("test", DIMENSIONS, server.url)
    server.freeze()
    seconds, sentence = seconds_until_error(late)
    assert seconds < SOON
    assert "runs but does not answer" in sentence
    server.thaw()
    server.kill()
    deadline = time.monotonic() + 20
    while "is away" not in sentence:
        seconds, sentence = seconds_until_error(late)
        assert seconds < SOON
        assert time.monotonic() < deadline, sentence
    server.start()
    assert again(lambda: late.get("ana", "t1")) == {}
    late.close()


def test_a_server_that_lost_its_files_is_filled_again(server: ChromaServer, vectors: Vectors, tmp_path: Path) -> None:
    server.kill()
    server.start(tmp_path / "empty")
    assert vectors.get("ana", "t1") == {}
    vectors.put("ana", "t1", ["m1"], rows(1))
    assert set(vectors.get("ana", "t1")) == {"m1"}


def test_a_server_that_is_no_chroma_is_said_to_be_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            for _ in range(2):
                try:
                    line, _ = other.accept()
                except OSError:
                    return  # it asked once, and the test is over
                with line:
                    line.recv(4096)
                    line.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        vectors = open_vectors("test", DIMENSIONS, f"http://127.0.0.1:{other.getsockname()[1]}")
        assert "is no Chroma server: correct CHROMA_URL" in seconds_until_error(vectors)[1]
        vectors.close()


def test_many_threads_wait_for_one_opening(tmp_path: Path) -> None:
    vectors = open_vectors("test", DIMENSIONS, "", tmp_path)
    seen: list[bool] = []

    def work(number: int) -> None:
        vectors.put("ana", f"t{number}", ["m1"], rows(number))
        seen.append(vectors.get("ana", f"t{number}")["m1"][0] == number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 8
    vectors.close()


HOLD = """
import sys
from pathlib import Path
from memory.retrieval.vectors import open_vectors
vectors = open_vectors("test", 8, "", Path(sys.argv[1]))
vectors.put("ana", "t1", ["m1"], [[1.0] * 8])
print("open", flush=True)
sys.stdin.readline()
"""


def test_a_second_process_is_told_who_has_the_folder_and_gets_it_when_that_one_is_gone(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        vectors = open_vectors("test", DIMENSIONS, "", tmp_path)
        sentence = seconds_until_error(vectors)[1]
        assert f"in use by another process ({holder.pid})" in sentence
        assert "set CHROMA_URL" in sentence
        holder.kill()
        holder.wait()
    assert set(vectors.get("ana", "t1")) == {"m1"}
    vectors.close()


def test_the_folder_is_free_again_after_the_last_of_a_process_closed(tmp_path: Path) -> None:
    first, second = (open_vectors("test", DIMENSIONS, "", tmp_path) for _ in range(2))
    first.put("ana", "t1", ["m1"], rows(1))
    assert set(second.get("ana", "t1")) == {"m1"}
    first.close()
    assert set(second.get("ana", "t1")) == {"m1"}
    second.close()
    holder = subprocess.run(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, input=b"\n", capture_output=True, check=True
    )
    assert holder.stdout == b"open\n"


def test_a_folder_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    vectors = open_vectors("test", DIMENSIONS, "", tmp_path)
    vectors.put("ana", "t1", ["m1"], rows(1))
    shutil.rmtree(tmp_path / "chroma")
    again(lambda: vectors.put("ana", "t1", ["m2"], rows(2)))
    assert "m2" in vectors.get("ana", "t1")
    vectors.close()


def test_a_full_disk_is_named_and_what_was_acknowledged_is_there_when_it_has_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("cannot make a small disk here")
    vectors = open_vectors("test", DIMENSIONS, "", disk)
    try:
        acknowledged: list[str] = []
        with pytest.raises(StoreUnavailable, match="is full: free some space"):
            for number in range(1_000):
                ids = [f"m{number}-{place}" for place in range(200)]
                vectors.put("ana", "t1", ids, rows(*[number] * 200))
                acknowledged += ids
        assert acknowledged
        with pytest.raises(StoreUnavailable, match="is full: free some space"):
            for number in range(20):
                vectors.put("ana", "t2", [f"x{number}-{place}" for place in range(200)], rows(*[1.0] * 200))
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        again(lambda: vectors.put("ana", "t1", ["after"], rows(1)))
        found = vectors.get("ana", "t1")
        assert {*acknowledged, "after"} <= set(found)
    finally:
        vectors.close()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_damaged_file_is_a_sentence_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "chroma").mkdir(mode=0o700)
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"no database" * 1_000)
    vectors = open_vectors("test", DIMENSIONS, "", tmp_path)
    assert "remove that folder while the app is not running" in seconds_until_error(vectors)[1]
    (tmp_path / "chroma" / "chroma.sqlite3").unlink()
    assert vectors.get("ana", "t1") == {}
    vectors.close()


WRITE = """
import sys
from pathlib import Path
from memory.retrieval.vectors import open_vectors
home, url, begin = sys.argv[1:]
vectors = open_vectors("test", 8, url, Path(home))
vectors.delete("ana", "t1", ["none"])
print("ready", flush=True)
for number in range(int(begin), 1_000_000):
    vectors.put("ana", "t1", [f"m{number}a", f"m{number}b"], [[number, 1, 0, 0, 0, 0, 0, 0]] * 2)
    print(number, flush=True)
"""


@pytest.mark.parametrize("killed", ["writer", "server"])
def test_rows_that_were_acknowledged_survive_kill_9_in_the_middle_of_puts(tmp_path: Path, killed: str) -> None:
    random.seed(9)
    acknowledged: list[int] = []
    server = ChromaServer(tmp_path) if killed == "server" else None
    try:
        for _ in range(KILLS):
            if server:
                server.start()
            command = [sys.executable, "-c", WRITE, str(tmp_path), server.url if server else ""]
            begin = acknowledged[-1] + 1 if acknowledged else 0
            with subprocess.Popen(
                [*command, str(begin)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as writer:
                assert writer.stdout
                assert writer.stdout.readline() == b"ready\n"
                threading.Timer(random.uniform(0.2, 1.0), server.kill if server else writer.kill).start()
                acknowledged += [int(line) for line in writer.stdout if line.endswith(b"\n")]
        if server:
            server.kill()
            server.start()
        vectors = open_vectors("test", DIMENSIONS, server.url if server else "", tmp_path)
        found = vectors.get("ana", "t1")
        assert len(acknowledged) > KILLS
        for number in acknowledged:
            for id in (f"m{number}a", f"m{number}b"):
                assert found[id][0] == number
        vectors.close()
    finally:
        if server:
            server.kill()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("root writes everywhere")
    tmp_path.chmod(0o500)
    try:
        vectors = open_vectors("test", DIMENSIONS, "", tmp_path)
        assert "make it writable" in seconds_until_error(vectors)[1]
    finally:
        tmp_path.chmod(0o700)


def test_a_process_that_ends_while_chroma_is_being_opened_ends_quietly(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from memory.retrieval.vectors import open_vectors;"
        f"open_vectors('test', 8, '', Path({str(tmp_path)!r})).warm()"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, b"")
