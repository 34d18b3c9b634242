"""The log: one JSON object a line where LOG_FORMAT is json, else a line of words; to standard error.

    >>> set_up()
    >>> event("turn", turn="8b1e…", status="complete", seconds=1.42)
    {"at": "2026-11-21T20:04:11.512+00:00", "level": "info", "event": "turn", "turn": "8b1e…", "status": "complete", …}

LOG_LEVEL is error, warning, info (as it is where nothing is set) or debug. Users stand in it by a short hash, so that
one can be followed and none is named; a message, an answer, a file's name or an error's words never do.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from memory.errors import BadInput

LEVELS = ("error", "warning", "info", "debug")
_LOG = logging.getLogger("memory_inspector")


def set_up() -> None:
    """Read LOG_FORMAT and LOG_LEVEL and begin; raises BadInput for a value that they do not know."""
    form, level = (os.environ.get(name, "").strip().lower() for name in ("LOG_FORMAT", "LOG_LEVEL"))
    if form not in ("", "text", "json"):
        raise BadInput("LOG_FORMAT is neither text nor json: correct it.")
    if level not in ("", *LEVELS):
        raise BadInput(f"LOG_LEVEL is none of {', '.join(LEVELS)}: correct it.")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Words())
    _LOG.handlers[:] = [handler]
    _LOG.propagate = False
    _LOG.setLevel((level or "info").upper())


def event(name: str, level: str = "info", **fields: Any) -> None:
    """Log that something happened; fields that are None are left out."""
    told = {field: value for field, value in fields.items() if value is not None}
    _LOG.log(getattr(logging, level.upper()), name, extra={"told": told})


def of_user(user: str) -> str:
    """Name a user as the log does."""
    return hashlib.sha256(f"memory-inspector:{user}".encode()).hexdigest()[:10]


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        row = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps({**row, **getattr(record, "told", {})}, ensure_ascii=False, default=str)


class _Words(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).isoformat(sep=" ", timespec="seconds")
        told = " ".join(f"{name}={value}" for name, value in getattr(record, "told", {}).items())
        return f"{at} {record.levelname.lower()} {record.getMessage()} {told}".rstrip()
