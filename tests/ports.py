"""Ports of the loopback for the servers that are started here: no port is given out twice.

port = free_port()      # this process's until it ends, so that a server can be killed and come back on it

A port that was found free is not yet taken by its server, and is free again while that one is down. So it is claimed by
the lock of one byte of a file that all processes of one user share; the system lets go of it when the process ends.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

# Below those that outgoing connections are given: they take one in between.
_ports = iter(random.sample(range(15_000, 32_000), 17_000))
_claims = os.open(Path(tempfile.gettempdir()) / f"mi-ports-{os.getuid()}", os.O_RDWR | os.O_CREAT, 0o600)


def free_port() -> int:
    """Claim a port that nobody listens on."""
    for port in _ports:
        try:
            fcntl.lockf(_claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise RuntimeError("no port is free")
