"""How large files may be: DOCUMENT_MB each (20), DOCUMENTS_MB all of a browser (100).

>>> limits()
Limits(file=20000000, total=100000000)
"""

from __future__ import annotations

import os
from typing import NamedTuple

from memory.errors import BadInput

MEGABYTE = 1_000_000


class Limits(NamedTuple):
    """Bytes of one file, and of all files of a browser."""

    file: int
    total: int


def limits() -> Limits:
    """Read the limits from the environment; raises BadInput for one that is none."""
    return Limits(megabytes("DOCUMENT_MB", 20), megabytes("DOCUMENTS_MB", 100))


def size_words(size: int) -> str:
    """Write a size in words: "1.2 MB"."""
    if size < 1_000:
        return f"{size:,} byte{'s' * (size != 1)}"
    return f"{size / 1000:,.0f} kB" if size < MEGABYTE else f"{size / MEGABYTE:,.1f} MB"


def megabytes(name: str, default: float) -> int:
    """Read a size in megabytes from an environment variable, in bytes; raises BadInput for what is none."""
    text = os.environ.get(name, "").strip()
    try:
        size = float(text) if text else default
    except ValueError:
        size = 0.0
    if not 0.001 <= size <= 1_000:
        raise BadInput(f'{name} must be a number of megabytes from 0.001 to 1000, not "{text}": correct it.')
    return int(size * MEGABYTE)
