"""Pictures for the tests, drawn and not found: files of any form, and the same as they are read."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from memory.pictures.picture import Picture
from memory.pictures.reading import read_picture

BLUE, SAND, BLACK = (40, 110, 220), (235, 215, 170), (10, 10, 12)


def drawing(
    top: tuple[int, int, int] = BLUE,
    bottom: tuple[int, int, int] = SAND,
    form: str = "PNG",
    size: tuple[int, int] = (600, 400),
    **more: Any,
) -> bytes:
    """Draw a picture of two colours, one over the other, as a file."""
    image = Image.new("RGB", size, bottom)
    image.paste(top, (0, 0, size[0], size[1] * 5 // 8))
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def beach() -> tuple[Picture, bytes]:
    return read_picture("beach.png", drawing())


def cat() -> tuple[Picture, bytes]:
    return read_picture("cat.jpg", drawing(BLACK, (250, 250, 250), "JPEG"))
