"""A Redis of a lint's own: started for it in a folder of its own, looked through key by key, and gone with it.

>>> with scratch_server() as server:
...     RedisStore(server.connection()).put_thread("someone", Thread("t1"))
...     server.everything()
'mi:{someone}:t1:meta thread {"id":"t1"}'
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memory.errors import InspectorError
from memory.server.connect import Connection, connect

# In JSON a word can follow the letter of an escape (\nword), and LangChain writes all but ASCII as escapes.
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|[nrtbf"/\\])')


class Server:
    """The server, or the reason why there is none: `why` is a sentence then and `ready` False."""

    def __init__(self, connection: Connection | None, why: str = "") -> None:
        self._connection, self.why = connection, why

    @property
    def ready(self) -> bool:
        return self._connection is not None

    @property
    def connection(self) -> Connection:
        """The way to the server; asked for only where it is ready."""
        assert self._connection, self.why
        return self._connection

    def everything(self) -> str:
        """Return all that stands in it, keys and values, as one text; JSON's escapes are undone."""
        rows: list[bytes] = []

        def read(client: Any) -> None:
            rows.clear()
            for key in client.scan_iter(count=1000):
                rows.append(key)
                rows.extend(_values(client, key))

        self.connection.call(read)
        text = "\n".join(row.decode("utf-8", "replace") for row in rows)
        return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else " ", text)

    def empty(self) -> None:
        """Remove everything, before the next memory."""
        if self._connection:
            self._connection.call(lambda client: client.flushall())


def _values(client: Any, key: bytes) -> list[bytes]:
    match client.type(key):
        case b"string":
            return [client.get(key)]
        case b"list":
            return list(client.lrange(key, 0, -1))
        case b"hash":
            return [part for pair in client.hgetall(key).items() for part in pair]
        case b"zset":
            return list(client.zrange(key, 0, -1))
        case _:
            return list(client.smembers(key))


@contextmanager
def scratch_server() -> Iterator[Server]:
    """Start a server for what is tried; at its end nothing of it is left on the disk."""
    # A short path, since a socket's name may have about 100 characters.
    home = Path(tempfile.mkdtemp(prefix="mi-lint-"))
    server = Server(None)
    try:
        try:
            server = Server(connect("", home))
        except InspectorError as error:
            server = Server(None, str(error))
        yield server
    finally:
        if server.ready:
            server.connection.close()
        shutil.rmtree(home, ignore_errors=True)
