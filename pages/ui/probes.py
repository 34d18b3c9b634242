"""What is asked by machines: /healthz, /readyz and, where METRICS is on, /metrics; and a request id in every answer.

    $ curl -i http://127.0.0.1:8501/readyz
    HTTP/1.1 200 OK
    x-request-id: 4f1c0a9be2d77a31
    {"store": "ready"}

/healthz says that the process answers, /readyz that it can serve, which it says once what a page needs is imported: a
balancer sends nobody to a process whose store is away. /metrics is for those who run the app; a balancer in front keeps
it from everybody else.
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from typing import TYPE_CHECKING

import anyio.to_thread

from memory.observing import log, metrics
from pages.ui import warmup

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_QUIET = ("/static/", "/_stcore/health", "/_stcore/host-config", "/healthz", "/readyz", "/metrics")
"""Paths that tell nothing by being asked for."""


class Probes:
    """ASGI middleware: answers for itself what machines ask, and logs what others do."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        request = given.decode() if _ID.fullmatch(given) else uuid.uuid4().hex[:16]
        began, status = time.monotonic(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request.encode())]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            if not await _answered(scope, send_with_id):
                await self.app(scope, receive, send_with_id)
        finally:
            path = scope["path"]
            if not path.startswith(_QUIET):
                log.event(
                    "request",
                    "debug" if scope["type"] == "http" and status < 500 else "info",
                    request=request,
                    kind=scope["type"],
                    method=scope.get("method"),
                    path=_shape(path),
                    status=status or None,
                    seconds=round(time.monotonic() - began, 3),
                )


async def _answered(scope: Scope, send: Send) -> bool:
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    if scope["path"] == "/healthz":
        await _answer(send, 200, b'{"app": "ready"}\n')
    elif scope["path"] == "/readyz":
        # The store may take two seconds to be known as away; nobody else waits meanwhile.
        state = await anyio.to_thread.run_sync(_store)
        await _answer(send, 200 if state == "ready" else 503, json.dumps({"store": state}).encode() + b"\n")
    elif scope["path"] == "/metrics" and metrics_shown():
        await _answer(send, 200, metrics.exposed(), metrics.FORM)
    else:
        return False
    return True


def metrics_shown() -> bool:
    """Whether METRICS is on."""
    return os.environ.get("METRICS", "").strip().lower() in ("1", "on", "true", "yes")


def _store() -> str:
    warmup.wait()
    try:
        from pages.ui import connections

        return connections.connection().ping()
    except Exception as error:
        log.event("not ready", "warning", kind=type(error).__name__)
        return "away"


def _shape(path: str) -> str:
    """Leave out of a path what names a file or a session."""
    first = path.split("/")[1:3]
    return "/" + "/".join(first[: 2 if first[:1] == ["_stcore"] else 1])


async def _answer(send: Send, status: int, body: bytes, kind: str = "application/json") -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    headers.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
