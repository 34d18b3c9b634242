"""What kills, freezes or races the embedded server, and that nothing acknowledged is lost.

python -m pytest tests/faults/test_embedded_faults.py
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory.errors import StoreUnavailable
from memory.server import embedded
from memory.server.connect import Connection, connect
from memory.server.embedded import Embedded
from tests.clock import Clock
from tests.servers import embedded_server, end, redis_server

pytestmark = pytest.mark.faults

SOON = 2.5
"""Seconds that tell an answer after a limit of one from a wait for what is frozen: 3 at its stop, else no end."""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with embedded_server(tmp_path) as connection:
        yield connection


def pid_of(home: Path) -> int:
    pid = Embedded(home).pid()
    assert pid, "no server runs"
    return pid


def kill(home: Path) -> None:
    os.kill(pid_of(home), signal.SIGKILL)


def servers_of(home: Path) -> list[int]:
    """Return the processes that hold the lock of the folder open, which only servers do for long."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                names = [os.readlink(link) for link in (entry / "fd").iterdir()]
            except OSError:
                continue
            if str(home / "redis" / "server.lock") in names:
                found.append(int(entry.name))
    return found


def seconds_until_error(connection: Connection) -> tuple[float, str]:
    with Clock() as clock, pytest.raises(StoreUnavailable) as caught:
        connection.call(lambda client: client.set("key", "value"))
    return clock.seconds, str(caught.value)


def test_a_killed_server_is_started_again_and_the_connection_goes_on(tmp_path: Path, connection: Connection) -> None:
    for number in range(3):
        connection.call(lambda client, number=number: client.set("key", number))
        kill(tmp_path)
        assert connection.call(lambda client: client.get("key")) == str(number).encode()
    kill(tmp_path)
    assert connection.ping() == "ready"


def test_kill_9_loses_no_acknowledged_write(tmp_path: Path, connection: Connection) -> None:
    """A set of numbers, so that a write that is done twice does no harm: as our scripts are."""
    acknowledged: list[int] = []
    done = threading.Event()

    def work(first: int) -> None:
        for number in range(first, 1_000_000, 3):
            if done.is_set():
                return
            connection.call(lambda client, number=number: client.sadd("numbers", number))
            acknowledged.append(number)

    workers = [threading.Thread(target=work, args=(first,)) for first in range(3)]
    for worker in workers:
        worker.start()
    for _ in range(8):
        time.sleep(random.uniform(0.05, 0.4))
        kill(tmp_path)
        connection.call(lambda client: client.ping())
    done.set()
    for worker in workers:
        worker.join()
    kept = {int(number) for number in connection.call(lambda client: client.smembers("numbers"))}
    assert len(acknowledged) > 100
    assert set(acknowledged) - kept == set()


def test_a_killed_application_leaves_a_server_to_attach_to(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from memory.server.connect import connect\n"
        "connect('', Path(sys.argv[1])).call(lambda client: client.set('key', 'kept'))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], timeout=120)
    assert killed.returncode == -signal.SIGKILL
    orphan = pid_of(tmp_path)
    with embedded_server(tmp_path) as connection:
        assert pid_of(tmp_path) == orphan
        assert connection.call(lambda client: client.get("key")) == b"kept"
    assert Embedded(tmp_path).pid() is None


RACER = """
import sys, time
from pathlib import Path
from memory.server.connect import connect
while time.time() < float(sys.argv[2]):
    pass
for _ in range(int(sys.argv[3])):
    connection = connect("", Path(sys.argv[1]))
    for _ in range(5):
        connection.call(lambda client: client.incr("writes"))
        time.sleep(float(sys.argv[4]))
    if sys.argv[3] != "1":
        connection.close()
print(connection._embedded.pid())
"""


def race(home: Path, processes: int, times: int, pause: float) -> list[str]:
    start = str(time.time() + 1.5)
    command = [sys.executable, "-c", RACER, str(home), start, str(times), str(pause)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    try:
        said = [racer.communicate(timeout=120)[0].strip() for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
    assert [racer.returncode for racer in racers] == [0] * processes
    return said


@pytest.mark.parametrize("attempt", range(3))
def test_starters_that_race_share_one_server(tmp_path: Path, attempt: int) -> None:
    pids = race(tmp_path, processes=6, times=1, pause=0.1)
    assert len(set(pids)) == 1
    with embedded_server(tmp_path) as connection:
        assert connection.call(lambda client: client.get("writes")) == b"30"


def test_processes_that_come_and_go_lose_no_write_to_each_others_shutdown(tmp_path: Path) -> None:
    race(tmp_path, processes=4, times=8, pause=0.0)
    assert Embedded(tmp_path).pid() is None
    with embedded_server(tmp_path) as connection:
        assert connection.call(lambda client: client.get("writes")) == b"160"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_frozen_server_gives_a_clear_error_and_gets_no_rival(tmp_path: Path, connection: Connection) -> None:
    connection.call(lambda client: client.set("key", "before"))
    frozen = pid_of(tmp_path)
    os.kill(frozen, signal.SIGSTOP)
    try:
        for _ in range(2):
            seconds, sentence = seconds_until_error(connection)
            assert seconds < SOON
            assert "runs but does not answer" in sentence
        with Clock() as clock, pytest.raises(StoreUnavailable, match=f"process {frozen}.* does not answer"):
            connect("", tmp_path)
        assert clock.seconds < SOON
        assert connection.ping() == "away"
        assert servers_of(tmp_path) == [frozen]
    finally:
        os.kill(frozen, signal.SIGCONT)
    assert connection.ping() == "ready"
    assert connection.call(lambda client: client.set("key", "after"))
    assert pid_of(tmp_path) == frozen
    connection.close()
    assert Embedded(tmp_path).pid() is None


def test_leaving_a_frozen_server_takes_no_time_and_does_it_no_harm(tmp_path: Path) -> None:
    with embedded_server(tmp_path) as connection:
        connection.call(lambda client: client.set("key", "value"))
        frozen = pid_of(tmp_path)
        os.kill(frozen, signal.SIGSTOP)
        with Clock() as clock:
            connection.close()
        assert clock.seconds < SOON
        os.kill(frozen, signal.SIGCONT)
        with embedded_server(tmp_path) as next_connection:
            assert pid_of(tmp_path) == frozen
            assert next_connection.call(lambda client: client.get("key")) == b"value"


def test_a_server_frozen_while_nobody_asked_gives_its_error_as_soon(tmp_path: Path, connection: Connection) -> None:
    """redis-py's health check after a rest would add 0.8 s."""
    connection.call(lambda client: client.ping())
    for idle in connection.client.connection_pool._available_connections:
        idle.next_health_check = 0
    os.kill(pid_of(tmp_path), signal.SIGSTOP)
    try:
        assert seconds_until_error(connection)[0] < SOON
    finally:
        os.kill(pid_of(tmp_path), signal.SIGCONT)


def test_a_frozen_named_server_gives_a_clear_error_and_recovers(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        connection = connect(server.url)
        connection.call(lambda client: client.set("key", "before"))
        server.freeze()
        seconds, sentence = seconds_until_error(connection)
        server.thaw()
        assert seconds < SOON
        assert "runs but does not answer" in sentence
        assert connection.ping() == "ready"  # from which on it is asked again
        # The refused write had reached the server all the same: the reason why writes must be idempotent.
        assert connection.call(lambda client: client.get("key")) == b"value"
        connection.close()


def test_many_threads_that_find_the_server_dead_get_one_new_one(tmp_path: Path, connection: Connection) -> None:
    kill(tmp_path)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(connection.call(lambda client: client.incr("count"))))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(1, 13))


def test_a_server_that_reads_much_data_is_waited_for_with_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded_server(tmp_path) as connection:
        connection.call(lambda client: client.eval("for i = 1, 20000 do redis.call('SET', 'k' .. i, i) end", 0))
        monkeypatch.setitem(embedded.SETTINGS, "key-load-delay", "100")  # microseconds a key: 2 s and more
        kill(tmp_path)
        with pytest.raises(StoreUnavailable, match="still reading its data: try again in some seconds"):
            Embedded(tmp_path).ensure(patience=0.5)
        assert connection.ping() == "starting"
        assert Embedded(tmp_path).ensure(patience=20)
        assert connection.call(lambda client: client.dbsize()) == 20000


def test_a_full_disk_is_named_and_what_was_acknowledged_comes_back(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("cannot make a small disk here")
    home = disk / "home"
    try:
        connection = connect("", home)
        acknowledged = 0
        with pytest.raises(StoreUnavailable, match="is full: free some space"):
            for number in range(1000):
                connection.call(lambda client, number=number: client.set(f"key {number}", "x" * 20_000))
                acknowledged += 1
        assert acknowledged > 10
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="is full: free some space"):
                connection.call(lambda client: client.set("another", "x" * 200_000))
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        kept = connection.call(lambda client: client.exists(*(f"key {number}" for number in range(acknowledged))))
        assert kept == acknowledged
        assert connection.call(lambda client: client.set("another", "x")) is True
        connection.close()
    finally:
        end(home)
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # its rewrite of the log may still be ending


def test_a_socket_that_was_deleted_names_the_process_to_end(tmp_path: Path, connection: Connection) -> None:
    Embedded(tmp_path).socket.unlink()
    connection.client.connection_pool.disconnect()
    pid = pid_of(tmp_path)
    with pytest.raises(StoreUnavailable, match=f"kill {pid}"):
        Embedded(tmp_path).ensure(patience=0.5)
    os.kill(pid, signal.SIGTERM)
    assert connection.call(lambda client: client.set("key", "value"))
