"""What REDIS_URL may name: one server, the primary that Sentinels know, or a cluster.

    >>> read("rediss://app:secret@redis.example:6380/1").place
    'at redis.example:6380, database 1'
    >>> read("redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/main").place
    'main behind the Sentinels 10.0.0.1:26379, 10.0.0.2:26379'
    >>> read("redis+cluster://10.0.0.1:7000,10.0.0.2:7000").place
    'in the cluster at 10.0.0.1:7000, 10.0.0.2:7000'

Any of a cluster's nodes or of the Sentinels may be named, one that answers is enough. With `rediss+…` the lines are
encrypted; user, password and `?ssl_ca_certs=…` stand where they stand for one server. Nothing connects here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import SSLConnection, parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from memory.errors import BadInput

TIMEOUTS: dict[str, Any] = {"socket_timeout": 0.8, "socket_connect_timeout": 0.5, "decode_responses": False}
SETTINGS: dict[str, Any] = {
    **TIMEOUTS,
    # No PING before the first command after a rest: it is retried by itself, and on a frozen server it takes the error
    # from 1.6 to 2.5 s. A connection that went stale is found by the one retry below, since writes are idempotent.
    "health_check_interval": 0,
    "retry": Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.2), 1),
}
SENTINEL_PORT = 26379


@dataclass(frozen=True)
class Address:
    """A place in words, without any password, and how a client is made for it.

    `make` of a cluster connects, and raises what redis-py raises where no node answers; the others connect later.
    """

    place: str
    make: Callable[[], redis.Redis]


def is_cluster(client: Any) -> bool:
    """Whether a client's keys stand on several servers."""
    return isinstance(client, RedisCluster)


def servers(client: Any) -> list[redis.Redis]:
    """Return a client for each server that holds data behind this one: itself, or all primaries of a cluster."""
    if not is_cluster(client):
        return [client]
    return [client.get_redis_connection(node) for node in client.get_primaries()]


def close(client: Any) -> None:
    """Give its connections back."""
    client.close()
    if not is_cluster(client):
        client.connection_pool.disconnect()


def read(url: str) -> Address:
    """Read a URL; raises BadInput, whose sentence never repeats it: a slip can put the password anywhere."""
    scheme, _, rest = url.partition("://")
    kind, _, many = scheme.partition("+")
    if many in ("sentinel", "cluster") and kind in ("redis", "rediss"):
        return _many(kind, many, rest)
    return _one(url)


def _one(url: str) -> Address:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "localhost", parts.port or 6379
    except ValueError:
        raise BadInput(
            "REDIS_URL has no valid host and port: write redis://user:password@host:6379/0, and in the password"
            " %23 for #, %2F for /, %3A for :, %3F for ? and %40 for @."
        ) from None
    if parts.scheme not in ("redis", "rediss", "unix") or "://" not in url:
        raise BadInput(
            "REDIS_URL must begin with redis://, rediss:// or unix://, as in redis://localhost:6379/0; of several"
            " servers write redis+sentinel://host:26379,host:26379/name or redis+cluster://host:6379,host:6379."
        )
    if parts.fragment:
        raise BadInput("REDIS_URL contains a #: write %23 for it in the password.")
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise BadInput("REDIS_URL names no socket: write unix:///path/to/redis.sock.")
        place = f"at {parts.path}"
    else:
        database = parts.path.strip("/")
        if database and not database.isdecimal():
            raise BadInput("REDIS_URL ends in a database that is not a number: write redis://host:6379/0.")
        place = f"at {f'[{host}]' if ':' in host else host}:{port}"
        place += f", database {database}" if database.strip("0") else ""
    _readable(parts.query)

    def make() -> redis.Redis:
        return redis.Redis.from_url(url, **SETTINGS)

    _tried(lambda: make().connection_pool.make_connection(), parts.query)
    return Address(place, make)


def _many(kind: str, many: str, rest: str) -> Address:
    """Read what names several hosts, which no URL parser knows."""
    rest, _, query = rest.partition("?")
    where, _, path = rest.partition("/")
    userinfo, at, named = where.rpartition("@")
    hosts = _hosts(named, SENTINEL_PORT if many == "sentinel" else 6379)
    service, _, database = path.partition("/")
    if many == "cluster":
        service, database = "", service.strip("0")
    elif not service:
        raise BadInput(
            "REDIS_URL names no primary for its Sentinels: write redis+sentinel://host:26379/name, with the name that"
            " they watch it under."
        )
    if database and (many == "cluster" or not database.isdecimal()):
        raise BadInput(
            "REDIS_URL names a database, and a cluster has only one: leave it out."
            if many == "cluster"
            else "REDIS_URL ends in a database that is not a number: write redis+sentinel://host:26379/name/0."
        )
    _readable(query)
    url = f"{kind}://{userinfo}{at}localhost/{database or 0}{'?' if query else ''}{query}"
    _tried(lambda: redis.Redis.from_url(url, **SETTINGS).connection_pool.make_connection(), query)
    options: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
    if options.pop("connection_class", None) is SSLConnection:
        options["ssl"] = True
    for name in ("host", "port"):
        options.pop(name, None)
    listed = ", ".join(f"{host}:{port}" for host, port in hosts)
    if many == "sentinel":
        return Address(f"{service} behind the Sentinels {listed}", _sentinel(hosts, service, options))
    options.pop("db", None)
    return Address(f"in the cluster at {listed}", _cluster(hosts, options))


def _sentinel(hosts: Sequence[tuple[str, int]], service: str, options: dict[str, Any]) -> Callable[[], redis.Redis]:
    """Ask the Sentinels for the primary at each new connection; their own lines are encrypted as those to it are."""
    lines = {name: value for name, value in options.items() if name.startswith("ssl")}

    def make() -> redis.Redis:
        sentinels = Sentinel(list(hosts), sentinel_kwargs={**TIMEOUTS, **lines}, **{**options, **SETTINGS})  # type: ignore[no-untyped-call]
        return cast("redis.Redis", sentinels.master_for(service))  # type: ignore[no-untyped-call]

    return make


def _cluster(hosts: Sequence[tuple[str, int]], options: dict[str, Any]) -> Callable[[], redis.Redis]:
    """A command that meets a moved slot or a node that died learns the new places and is sent once more."""

    def make() -> redis.Redis:
        nodes = [ClusterNode(host, port) for host, port in hosts]  # type: ignore[no-untyped-call]
        client = RedisCluster(startup_nodes=nodes, **{**options, **SETTINGS})
        return cast("redis.Redis", client)

    return make


def _hosts(named: str, port: int) -> list[tuple[str, int]]:
    found = []
    for one in named.split(","):
        try:
            parts = urlsplit(f"redis://{one.strip()}")
            host, given = parts.hostname, parts.port
        except ValueError:
            host, given = None, None
        if not host:
            raise BadInput(
                "REDIS_URL has no valid list of hosts: write host:port,host:port, and in the password %23 for #,"
                " %2F for /, %3A for :, %3F for ?, %2C for a comma and %40 for @."
            )
        found.append((host, given or port))
    return found


def _readable(query: str) -> None:
    for name, paths in parse_qs(query).items():
        for path in paths if name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") else ():
            if not os.access(path, os.R_OK):
                raise BadInput(f"REDIS_URL names in {name} the file {path}, which cannot be read: correct the path.")


def _tried(make: Callable[[], object], query: str) -> None:
    """Construct without connecting, so that an unknown option shows now and not at the first command."""
    try:
        make()
    except (TypeError, ValueError, redis.RedisError):
        raise BadInput(
            f"REDIS_URL has an option that is unknown or cannot be read: correct {', '.join(parse_qs(query)) or 'it'}."
        ) from None
