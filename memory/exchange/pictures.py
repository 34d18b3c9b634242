"""Checks the pictures of a file: what is said of them, and that their bytes are those of a picture as it is kept here.

>>> check_bytes("3f2a90c1d4e5b6a7", "bm8gcGljdHVyZQ==", "threads[0].pictures[3f2a90c1d4e5b6a7]")
BadInput: threads[0].pictures[3f2a90c1d4e5b6a7]: must be a picture in PNG or JPEG under the hash of its bytes; …
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from memory.errors import BadInput
from memory.exchange.bounds import bound, wrong
from memory.pictures.limits import MOST
from memory.pictures.picture import Picture, plain_name
from memory.pictures.reading import id_of, read_picture

PICTURE = re.compile(r"[0-9a-f]{16}")
_WORD = re.compile(r"[A-Za-z ]{1,20}")


def check_pictures(pictures: Sequence[Picture], where: str) -> None:
    """Raise BadInput where something is said of a picture that nothing here would have said."""
    bound(where, len(pictures), 0, MOST, "pictures")
    for number, picture in enumerate(pictures):
        here = f"{where}[{number}]"
        words = (*picture.colours, picture.original)
        if not PICTURE.fullmatch(picture.id) or picture.mime not in ("image/png", "image/jpeg"):
            raise wrong(here, "must have an id by its content and be PNG or JPEG")
        if picture.name != plain_name(picture.name) or len(words) > 4 or not all(map(_WORD.fullmatch, words)):
            raise wrong(here, "must have a plain name and colours in words")
        for name in ("width", "height"):
            bound(f"{here}.{name}", getattr(picture, name), 1, 10_000, "pixels")
        bound(f"{here}.size", picture.size, 1, 100_000_000, "bytes")


def check_bytes(id: str, text: str, where: str) -> bytes:
    """Return the bytes of a picture that is written in base64; raises BadInput for what is none."""
    said = "must be a picture in PNG or JPEG under the hash of its bytes"
    try:
        data = base64.b64decode(text, validate=True)
        if id_of(data) == id and data.startswith((b"\x89PNG", b"\xff\xd8\xff")):
            read_picture(id, data)
            return data
    except (binascii.Error, ValueError, BadInput):
        pass
    raise wrong(where, said)
