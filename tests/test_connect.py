"""One way to Redis: which server it is, how it is named, and what an outage says."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from memory.errors import BadInput, StoreUnavailable
from memory.server.connect import Connection, connect
from memory.server.embedded import Embedded
from tests.clock import Clock
from tests.servers import RedisServer, embedded_server, redis_server

SECRET = "s3cr3t"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
def connection(server: RedisServer) -> Iterator[Connection]:
    connection = connect(server.url)
    yield connection
    connection.close()


def write(client: redis.Redis) -> Any:
    return client.set("key", "value")


def error_of(connection: Connection) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        connection.call(write)
    return str(caught.value)


def test_a_named_server_is_used_and_described(server: RedisServer, connection: Connection) -> None:
    assert connection.call(write) is True
    assert connection.call(lambda client: client.get("key")) == b"value"
    assert connection.ping() == "ready"
    assert connection.describe().endswith(f" at 127.0.0.1:{server.port}")
    assert connection.describe().startswith(("Redis 7", "Redis 8", "Valkey"))


def test_redis_url_is_read_from_the_environment(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    connection = connect()
    assert str(server.port) in connection.describe()
    connection.close()


def test_without_a_url_the_embedded_server_of_the_data_folder_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_INSPECTOR_HOME", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    connection = connect()
    assert connection.call(write) is True
    assert connection.describe().startswith("embedded ")
    assert connection.describe().endswith(f" in {tmp_path}")
    connection.close()
    assert Embedded(tmp_path).pid() is None


def test_a_unix_socket_can_be_named(tmp_path: Path) -> None:
    with embedded_server(tmp_path):
        path = Embedded(tmp_path).socket
        connection = connect(f"unix://{path}")
        assert connection.ping() == "ready"
        assert connection.describe().endswith(f" at {path}")
        connection.close()


def test_protocol_2_is_described_as_well(server: RedisServer) -> None:
    connection = connect(server.url + "?protocol=2")
    assert str(server.port) in connection.describe()
    assert connection.describe()[-1] != ")"
    connection.close()


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("localhost:6379", "must begin with redis://"),
        ("http://localhost:6379", "must begin with redis://"),
        (f"redis://:{SECRET}/x@localhost:6379", "no valid host and port"),
        (f"redis://:{SECRET}#x@localhost:6379", "%23"),
        ("redis://localhost:99999", "no valid host and port"),
        ("redis://localhost:6379/chat", "database that is not a number"),
        (f"redis://:{SECRET}@localhost?wrong=1", "correct wrong"),
        ("redis://localhost?socket_timeout=soon", "correct socket_timeout"),
        ("rediss://localhost?ssl_ca_certs=/nowhere/ca.pem", "/nowhere/ca.pem"),
        ("unix://", "names no socket"),
        (f"redis+sentinel://:{SECRET}@localhost:26379", "names no primary for its Sentinels"),
        ("redis+sentinel://localhost:26379/main/x", "database that is not a number"),
        (f"redis+cluster://:{SECRET}@localhost:7000,:7001", "no valid list of hosts"),
        (f"redis+cluster://:{SECRET}/x@localhost:7000", "no valid list of hosts"),
        ("redis+cluster://localhost:7000/2", "a cluster has only one"),
        ("rediss+cluster://localhost?wrong=1", "correct wrong"),
        ("redis+elsewhere://localhost", "redis\\+sentinel://"),
    ],
)
def test_a_wrong_url_is_refused_with_its_fault(url: str, fault: str) -> None:
    with pytest.raises(BadInput, match=fault) as caught:
        connect(url)
    assert SECRET not in str(caught.value)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    with redis_server(tmp_path, requirepass=SECRET) as server:
        for password, works in ((SECRET, True), ("wr0ng", False)):
            connection = connect(server.url.replace("//", f"//:{password}@"))
            assert password not in connection.describe()
            if works:
                assert connection.call(write) is True
            else:
                assert connection.ping() == "away"
                sentence = error_of(connection)
                assert "refuses the password: correct the user and password in REDIS_URL" in sentence
                assert password not in sentence
            connection.close()
        connection = connect(server.url)
        assert "refuses the password" in error_of(connection)
        connection.close()


def test_a_user_who_may_not_use_info_is_served(server: RedisServer) -> None:
    """The rights that the project asks for; INFO, KEYS and CONFIG are not among them."""
    rights = "resetkeys ~chat:* -@all +@read +@write +@transaction +@scripting +@connection +wait -@dangerous"
    server.client().execute_command("ACL", "SETUSER", "app", "on", ">pass", *rights.split())
    connection = connect(server.url.replace("//", "//app:pass@"))
    assert connection.ping() == "ready"
    assert str(server.port) in connection.describe()
    assert connection.call(lambda client: client.set("chat:1", "x")) is True
    assert "does not permit" in error_of(connection)
    connection.close()


def test_a_server_that_is_away_is_said_to_be_away_at_once(server: RedisServer, connection: Connection) -> None:
    connection.call(write)
    server.kill()
    for _ in range(2):
        with Clock() as clock:
            assert "is away: start it or correct REDIS_URL" in error_of(connection)
        assert clock.seconds < 0.5
    assert connection.ping() == "away"
    assert "not reachable now" in connection.describe()
    server.start()
    assert connection.call(lambda client: client.get("key")) == b"value"


def test_a_restart_while_idle_is_not_noticed(server: RedisServer, connection: Connection) -> None:
    connection.call(write)
    server.kill()
    server.start()
    assert connection.call(lambda client: client.get("key")) == b"value"


def test_an_unknown_host_is_named(connection: Connection) -> None:
    unknown = connect("redis://no-such-host.invalid:6379")
    assert "no-such-host.invalid:6379 cannot be found: correct the host name" in error_of(unknown)
    unknown.close()


def test_a_server_without_tls_is_no_server_for_rediss(server: RedisServer) -> None:
    connection = connect(server.url.replace("redis:", "rediss:"))
    assert "redis:// or rediss://" in error_of(connection)
    connection.close()


def test_a_read_only_replica_says_so_in_scripts_as_well(server: RedisServer, connection: Connection) -> None:
    server.client().replicaof("127.0.0.1", "1")
    assert "is a read-only replica: set REDIS_URL to the primary" in error_of(connection)
    with pytest.raises(StoreUnavailable, match="read-only replica"):
        connection.call(lambda client: client.eval("return redis.call('SET', KEYS[1], 1)", 1, "key"))


def test_a_full_memory_says_so_in_scripts_as_well(server: RedisServer, connection: Connection) -> None:
    server.client().config_set("maxmemory", "1")
    assert "has no memory left" in error_of(connection)
    with pytest.raises(StoreUnavailable, match="has no memory left"):
        connection.call(lambda client: client.eval("return redis.call('SET', KEYS[1], 1)", 1, "key"))
    assert connection.call(lambda client: client.get("key")) is None


def test_a_server_that_cannot_save_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    with redis_server(folder, appendonly="no", save="3600 1") as server:
        connection = connect(server.url)
        connection.call(write)
        folder.rename(tmp_path / "elsewhere")
        (tmp_path / "elsewhere" / "dump.rdb").mkdir()  # a snapshot cannot be renamed onto a folder
        server.client().bgsave()
        while server.client().info("persistence")["rdb_bgsave_in_progress"]:
            time.sleep(0.02)
        assert "cannot write to its disk" in error_of(connection)
        connection.close()


def test_a_mistake_in_a_command_is_not_an_outage(connection: Connection) -> None:
    connection.call(write)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        connection.call(lambda client: client.rpush("key", "x"))


def test_a_server_that_still_loads_is_starting_and_not_away(server: RedisServer, connection: Connection) -> None:
    server.client().eval("for i = 1, 15000 do redis.call('SET', 'k' .. i, i) end", 0)
    server.kill()
    server.settings["key_load_delay"] = "100"  # microseconds a key: 2 s and more
    server.start(loaded=False)
    assert "is starting and still reads its data: try again" in error_of(connection)
    deadline = time.monotonic() + 20
    while connection.ping() != "ready":
        assert time.monotonic() < deadline
    assert connection.call(lambda client: client.dbsize()) == 15000


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate of 127.0.0.1, its key beside it."""
    path = tmp_path / "server.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=127.0.0.1"
    command = [*words.split(), "-addext", "subjectAltName=IP:127.0.0.1"]
    if not shutil.which("openssl") or not shutil.which("redis-server"):
        pytest.skip("needs openssl and a redis-server with TLS")
    subprocess.run(
        [*command, "-out", str(path), "-keyout", str(path.with_suffix(".key"))], check=True, capture_output=True
    )
    return path


def test_tls_is_used_and_its_certificate_checked(certificate: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    keys = {"tls_cert_file": str(certificate), "tls_key_file": str(certificate.with_suffix(".key"))}
    with redis_server(folder, tls_port="yes", tls_auth_clients="no", **keys) as server:
        url = server.url.replace("redis:", "rediss:")
        trusting = connect(f"{url}?ssl_ca_certs={certificate}")
        assert trusting.call(write) is True
        trusting.close()
        doubting = connect(url)
        assert "shows an untrusted certificate: add ?ssl_ca_certs=" in error_of(doubting)
        doubting.close()
        plain = connect(server.url)
        assert "is away" in error_of(plain)
        plain.close()


def test_after_close_nothing_is_started_again(tmp_path: Path) -> None:
    with embedded_server(tmp_path) as connection:
        connection.close()
        assert connection.ping() == "away"
        assert "closed" in error_of(connection)
        assert Embedded(tmp_path).pid() is None


def test_the_process_that_exits_last_stops_the_server(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from memory.server.connect import connect\n"
        "connect('', Path(sys.argv[1])).call(lambda client: client.incr('exits'))\n"
    )
    leave = [sys.executable, "-c", script, str(tmp_path)]
    subprocess.run(leave, check=True, timeout=120)
    assert Embedded(tmp_path).pid() is None
    with embedded_server(tmp_path) as connection:
        pid = Embedded(tmp_path).pid()
        subprocess.run(leave, check=True, timeout=120)
        assert Embedded(tmp_path).pid() == pid
        assert connection.call(lambda client: client.get("exits")) == b"2"


def test_a_call_whose_connection_is_closed_meanwhile_says_so(connection: Connection) -> None:
    def under_way(client: redis.Redis) -> Any:
        connection.close()
        raise ValueError("I/O operation on closed file.")  # as redis-py 8 does

    with pytest.raises(StoreUnavailable, match="is closed"):
        connection.call(under_way)


def test_what_else_goes_wrong_in_a_call_is_not_taken_for_an_outage(connection: Connection) -> None:
    with pytest.raises(ValueError, match="base 10"):
        connection.call(lambda client: int("x"))
