"""How large pictures may be: PICTURE_MB of a file (10), PICTURE_SIDE pixels of what is kept (1024).

>>> limits()
Limits(file=10000000, side=1024)
"""

from __future__ import annotations

import os
from typing import NamedTuple

from memory.errors import BadInput
from memory.knowledge.limits import megabytes

MOST_PIXELS = 50_000_000
"""Of a file, before it is scaled down: so many take 200 MB while they are read."""
MOST = 6
"""Pictures that may come with one message."""


class Limits(NamedTuple):
    """Bytes of a file that is taken, and the longest side in pixels of the picture that is kept and sent."""

    file: int
    side: int


def limits() -> Limits:
    """Read the limits from the environment; raises BadInput for one that is none."""
    text = os.environ.get("PICTURE_SIDE", "").strip() or "1024"
    if not text.isdecimal() or not 64 <= int(text) <= 4096:
        raise BadInput(f'PICTURE_SIDE must be a number of pixels from 64 to 4096, not "{text}": correct it.')
    return Limits(megabytes("PICTURE_MB", 10), int(text))
