"""One way to Redis: what REDIS_URL names (`addresses.py`), or the embedded server that starts by itself.

    >>> connection = connect()
    >>> connection.describe()
    'embedded Valkey 9.1.2 in /home/alex/.local/share/memory-inspector'
    >>> connection.call(lambda client: client.rpush("greetings", "hello"))
    1
    >>> connection.ping()
    'ready'

`call` is how everything reaches Redis: an outage ends, in less than two seconds, in one sentence for the reader of
the screen; an embedded server that died is started again and the same work done once more. So what is called must be
idempotent: a write whose answer was lost may have happened.
"""

from __future__ import annotations

import atexit
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeVar

import redis
from redis.exceptions import RedisClusterException

from memory.errors import InspectorError, StoreUnavailable
from memory.server.addresses import SETTINGS, Address, close, is_cluster, read, servers
from memory.server.data_folder import data_folder
from memory.server.embedded import Embedded

T = TypeVar("T")

READING_SECONDS = 1.5
"""How long a call waits for an embedded server that was started again and reads much data."""

# What a server says when it refuses a command and what that means. redis-py turns some codes into classes and cuts them
# off the text, so the class's name is searched too; a script's error can carry the code in mid-text.
_REFUSALS = {
    "ReadOnlyError|READONLY": "is a read-only replica: set REDIS_URL to the primary server.",
    "OutOfMemoryError|OOM command": "has no memory left: raise its maxmemory, then try again.",
    "MISCONF": "cannot write to its disk, which is probably full: free some space there and try again.",
    "NOREPLICAS": "has too few replicas to accept writes: try again when they are back.",
    "MasterDownError|MASTERDOWN": "is a replica that lost its primary: try again in a moment.",
    "NoPermissionError|NOPERM": "does not permit its user this command: widen the ACL of the user in REDIS_URL.",
    "AuthenticationError|WRONGPASS|NOAUTH": "refuses the password: correct the user and password in REDIS_URL.",
    "BusyLoadingError": "is starting and still reads its data: try again in a moment.",
    "max number of clients": "has no connection left: raise its maxclients or try again in a moment.",
    "Timeout connecting": "cannot be reached: check the address in REDIS_URL, and redis:// or rediss://; try again.",
    "^TimeoutError": "runs but does not answer: it is frozen or overloaded; try again in a moment.",
    "CERTIFICATE_VERIFY_FAILED": "shows an untrusted certificate: add ?ssl_ca_certs=/path/to/ca.pem to REDIS_URL.",
    "Name or service|nodename|name resolution": "cannot be found: correct the host name in REDIS_URL.",
    "MasterNotFoundError": "has no primary that its Sentinels can reach: look at them, then try again.",
    "ClusterDownError|CLUSTERDOWN|SlotNotCovered|not covered": "is electing a new primary: try again in a moment.",
    "RedisClusterException|ClusterError|TryAgainError": "has no node that answers: start it or correct REDIS_URL.",
    "^ConnectionError": "is away: start it or correct REDIS_URL, then try again.",
}


CLOSED = "The connection to Redis is closed: reload the page."
REST_SECONDS = 0.7
"""How long one server that did not answer is not asked again: each call of a page would wait for it anew."""
_LATELY = 5


class Connection:
    """A client and the words for what can go wrong with it; shared by threads."""

    def __init__(self, address: Address, embedded: Embedded | None = None) -> None:
        self._address = address
        self._embedded = embedded
        self._client: redis.Redis | None = None
        self._making = threading.Lock()
        self._closed = False
        self._took: deque[float] = deque(maxlen=_LATELY)
        self._silent: StoreUnavailable | None = None
        self._silent_until = 0.0

    @property
    def seconds(self) -> float:
        """How many seconds calls take lately: the one in the middle of the last five, 0 where there were fewer."""
        took = list(self._took)
        return median(took) if len(took) == _LATELY else 0.0

    @property
    def client(self) -> redis.Redis:
        """The client, made at its first use: a cluster's asks the cluster where everything is."""
        with self._making:
            if self._client is None:
                self._client = self._address.make()
            return self._client

    @property
    def servers(self) -> list[redis.Redis]:
        """A client for each server that holds data: of a cluster there are several. Raises as redis-py does."""
        return servers(self.client)

    def call(self, fn: Callable[[redis.Redis], T]) -> T:
        """Return `fn(client)`; raise StoreUnavailable with one sentence when Redis cannot serve it now.

        `fn` must be idempotent: it runs a second time after an embedded server was started again. A server that did not
        answer is not asked for a moment, unless another call or `ping` hears of it.
        """
        if self._closed:
            raise StoreUnavailable(CLOSED)
        if (silent := self._silent) and time.monotonic() < self._silent_until:
            raise StoreUnavailable(str(silent)) from silent
        begin = time.monotonic()
        try:
            done = self._tried(fn)
        except (OSError, ValueError):
            if self._closed:  # meanwhile, by another thread: the socket is gone under the call
                raise StoreUnavailable(CLOSED) from None
            raise
        except (redis.RedisError, RedisClusterException) as error:
            sentence = self._sentence(error)
            if sentence is None:
                raise
            unavailable = StoreUnavailable(sentence)
            # Of a cluster the other servers may well answer.
            if isinstance(error, redis.TimeoutError | redis.BusyLoadingError) and not is_cluster(self._client):
                self._silent, self._silent_until = unavailable, time.monotonic() + REST_SECONDS
            raise unavailable from error
        self._silent = None
        self._took.append(time.monotonic() - begin)
        return done

    def _tried(self, fn: Callable[[redis.Redis], T]) -> T:
        try:
            return fn(self.client)
        except redis.ConnectionError:
            if self._embedded is None:
                raise
        # Any number of threads may do this at once: the launcher's lock lets one of them start a server.
        self._embedded.ensure(reading=READING_SECONDS)
        return fn(self.client)

    def ping(self) -> Literal["ready", "starting", "away"]:
        """Say in at most about two seconds how the server is; an embedded one that died is started again."""
        if self._closed:
            return "away"
        try:
            self.client.ping()
        except redis.BusyLoadingError:
            return "starting"
        except redis.exceptions.NoPermissionError:
            return "ready"
        except redis.ConnectionError:
            return self._revived()
        except (redis.RedisError, RedisClusterException):
            return "away"
        self._silent = None
        return "ready"

    def describe(self) -> str:
        """Name the server and its place in plain words, without any password."""
        try:
            name = _server_name(self.servers[0])
        except (redis.RedisError, RedisClusterException, IndexError):
            name = "Redis (not reachable now)"
        return f"{'embedded ' if self._embedded else ''}{name} {self._address.place}"

    @property
    def folder(self) -> Path | None:
        """The folder of all local data where the server is the embedded one, else None."""
        return self._embedded.home if self._embedded else None

    @property
    def repaired(self) -> str:
        """What was done to files of the embedded server that were torn, in some sentences; empty where nothing was."""
        return self._embedded.repaired if self._embedded else ""

    def close(self) -> None:
        """Give the connections back; the last process to close stops an embedded server."""
        self._closed = True
        _open.discard(self)
        if self._client is not None:
            close(self._client)
        if self._embedded:
            self._embedded.close()

    def _revived(self) -> Literal["ready", "starting", "away"]:
        if self._embedded is None:
            return "away"
        try:
            self._embedded.ensure(patience=1.0)
            return "ready"
        except InspectorError:
            return "starting" if self._embedded.probe(timeout=0.2) == "starting" else "away"

    def _sentence(self, error: Exception) -> str | None:
        """Put an outage into words; None for an error that is not one, such as a wrong command."""
        server = "The embedded server" if self._embedded else f"Redis {self._address.place}"
        text = f"{type(error).__name__} {error}"
        meaning = next((meaning for said, meaning in _REFUSALS.items() if re.search(said, text)), None)
        if self._embedded and isinstance(error, redis.ConnectionError):
            return self._embedded.why() or f"{server} went away: try again in a moment."
        return meaning and f"{server} {meaning}"


def connect(url: str | None = None, home: Path | None = None) -> Connection:
    """Connect to the server that `url` or REDIS_URL names; without one ("" is none) to the embedded server in `home`.

    A named server need not be there yet. The embedded one is ready on return and is left when the process exits.
    """
    url = os.environ.get("REDIS_URL", "") if url is None else url
    if url.strip():
        return Connection(read(url.strip()))
    embedded = Embedded(home or data_folder())
    try:
        socket = str(embedded.ensure())
    except InspectorError:
        embedded.close()
        raise
    address = Address(f"in {embedded.home}", lambda: redis.Redis(unix_socket_path=socket, **SETTINGS))
    connection = Connection(address, embedded)
    _open.add(connection)
    return connection


_open: set[Connection] = set()
"""The connections to embedded servers, which the last process to leave stops."""


@atexit.register
def close_all() -> None:
    """Close what is open; a server that ends by a signal calls this itself, as no exit handler runs then."""
    for connection in list(_open):
        connection.close()


def _server_name(client: redis.Redis) -> str:
    """Return "Valkey 9.1.2"; by HELLO, since an ACL often forbids INFO."""
    try:
        hello: Any = client.execute_command("HELLO")  # type: ignore[no-untyped-call]
        # Protocol 2 answers with a flat list.
        fields = hello if isinstance(hello, dict) else dict(zip(hello[::2], hello[1::2], strict=False))
        family, version = fields[b"server"].decode(), fields[b"version"].decode()
    except (redis.ResponseError, KeyError, TypeError):
        info: Any = client.info("server")
        family, version = info.get("server_name", "redis"), info.get("valkey_version") or info["redis_version"]
    return f"{family.capitalize()} {version}"
