"""Several real servers on the loopback: a cluster of three primaries and three replicas, and Sentinels.

with redis_cluster(tmp_path) as cluster:
    connection = connect(cluster.url)
    cluster.primary_of("mi:{alex}:threads").kill()
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from memory.server.server_binary import bundled_binary
from tests.ports import free_port
from tests.servers import RedisServer

SLOTS = 16384
NODE_TIMEOUT = "1000"
"""Milliseconds after which a cluster's node or a Sentinel takes another for dead; 15,000 or 30,000 in production."""


def binary() -> str:
    found = shutil.which("redis-server") or bundled_binary()
    if found is None:
        pytest.skip("no Redis server on this machine")
    return str(found)


def until(met: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait for something that several servers agree on."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if met():
                return
        except Exception:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Cluster:
    """Primaries 0 to 2, and 3 to 5 as their replicas."""

    def __init__(self, folder: Path) -> None:
        program = binary()
        self.nodes = []
        for number in range(6):
            home = folder / f"node{number}"
            home.mkdir(parents=True)
            settings = {"cluster_enabled": "yes", "cluster_config_file": "nodes.conf"}
            settings |= {"cluster_node_timeout": NODE_TIMEOUT, "cluster_port": str(free_port())}
            self.nodes.append(RedisServer(home, program, **settings))
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        first = self.nodes[0]
        for number, node in enumerate(self.nodes[:3]):
            span = (number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1)
            node.client().execute_command("CLUSTER ADDSLOTSRANGE", *span)
        for number, node in enumerate(self.nodes):
            node.client().execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            bus = first.settings["cluster_port"]
            node.client().execute_command("CLUSTER MEET", "127.0.0.1", first.port, bus)
        until(lambda: all(self._known(node) == 6 for node in self.nodes), "the nodes do not meet")
        for primary, replica in zip(self.nodes[:3], self.nodes[3:], strict=True):
            name = primary.client().execute_command("CLUSTER MYID")
            replica.client().execute_command("CLUSTER REPLICATE", name)
        until(lambda: all(self._whole(node) for node in self.nodes), "the cluster does not come together")

    def primary_of(self, key: str) -> RedisServer:
        """Return the server that has a key now."""
        alive = next(node for node in self.nodes if node.running)
        slot = alive.client().execute_command("CLUSTER KEYSLOT", key)
        rows: Any = alive.client().execute_command("CLUSTER SLOTS")
        port = next(row[2][1] for row in rows if row[0] <= slot <= row[1])
        return next(node for node in self.nodes if node.port == port)

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()

    def _known(self, node: RedisServer) -> int:
        return int(_info(node)["cluster_known_nodes"])

    def _whole(self, node: RedisServer) -> bool:
        ready = _info(node)["cluster_state"] == "ok"
        role = node.client().info("replication")
        linked = role["role"] == "master" and role["connected_slaves"] == 1
        return ready and (linked or role.get("master_link_status") == "up")


def _info(node: RedisServer) -> dict[str, str]:
    said: Any = node.client().execute_command("CLUSTER INFO")
    if isinstance(said, dict):
        return {str(name): str(value) for name, value in said.items()}
    return dict(line.split(":", 1) for line in said.decode().split())


@contextmanager
def redis_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster whose nodes take one another for dead after a second."""
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


class Sentinels:
    """A primary with one replica, and three Sentinels that watch it under the name `main`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        program, settings = binary(), {"repl_diskless_sync_delay": "0", **settings}
        for name in ("primary", "replica", "s0", "s1", "s2"):
            (folder / name).mkdir(parents=True)
        self.primary = RedisServer(folder / "primary", program, **settings)
        replicaof = {"replicaof": f"127.0.0.1 {self.primary.port}"}

        self.replica = RedisServer(folder / "replica", program, **settings, **replicaof)
        self.watching = [Sentinel(folder / f"s{number}", program, self.primary.port) for number in range(3)]
        self.url = "redis+sentinel://" + ",".join(f"127.0.0.1:{one.port}" for one in self.watching) + "/main"

    def start(self) -> None:
        for server in (self.primary, self.replica, *self.watching):
            server.start()
        until(lambda: self.replica.client().info("replication")["master_link_status"] == "up", "no replica follows")
        until(lambda: all(one.sees() for one in self.watching), "the Sentinels do not find each other")

    def stop(self) -> None:
        for server in (*self.watching, self.replica, self.primary):
            server.kill()


class Sentinel(RedisServer):
    """One of those that watch."""

    def __init__(self, folder: Path, program: str, watched: int) -> None:
        super().__init__(folder, program)
        file = folder / "sentinel.conf"
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {folder}", f"sentinel monitor main 127.0.0.1 {watched} 2"]
        lines += [f"sentinel down-after-milliseconds main {NODE_TIMEOUT}", "sentinel failover-timeout main 3000"]
        file.write_text("\n".join([*lines, "logfile redis.log", ""]))
        self.words = [str(file), "--sentinel"]

    def sees(self) -> bool:
        said: Any = self.client().execute_command("SENTINEL MASTER", "main")
        known = said if isinstance(said, dict) else dict(zip(said[::2], said[1::2], strict=True))
        named = {_text(name): _text(value) for name, value in known.items()}
        return int(named["num-other-sentinels"]) == 2 and int(named["num-slaves"]) == 1


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@contextmanager
def redis_sentinels(folder: Path, **settings: str) -> Iterator[Sentinels]:
    """Start Sentinels that take a primary for dead after a second; `settings` are of the servers with data."""
    sentinels = Sentinels(folder, **settings)
    try:
        sentinels.start()
        yield sentinels
    finally:
        sentinels.stop()
