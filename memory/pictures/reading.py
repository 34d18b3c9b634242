"""Reads a file that is said to be a picture into one that is safe to keep, to show and to send.

    >>> picture, data = read_picture("beach.png", uploaded)
    >>> picture.width, picture.height, picture.mime, len(data) == picture.size
    (1024, 768, 'image/jpeg', True)

What is kept is drawn anew, pixel by pixel: turned as the camera said, scaled down to the longest side that the limits
allow, an animation by its first frame. Nothing else of the file is left: no place, no camera, no comment, no hidden
bytes. The same picture is the same bytes, and so has the same id.
"""

from __future__ import annotations

import hashlib
import io

from PIL import Image, ImageOps

from memory.errors import BadInput
from memory.knowledge.limits import size_words
from memory.pictures.colours import main_colours
from memory.pictures.limits import MOST_PIXELS, limits
from memory.pictures.picture import Picture, plain_name

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
ENDINGS = ("png", "jpg", "jpeg", "webp", "gif")
"""How the names of files end that are taken."""
LOSSLESS = 400_000
"""Up to so many bytes what came without loss, as a screenshot does, is kept so."""
QUALITY = 85


def read_picture(name: str, data: bytes) -> tuple[Picture, bytes]:
    """Return a picture and its bytes as they are kept; raises BadInput for what is none, is broken or too large."""
    allowed, name = limits(), plain_name(name)
    if not data:
        raise BadInput(f"“{name}” is empty: choose the picture again.")
    if len(data) > allowed.file:
        raise BadInput(
            f"“{name}” has {size_words(len(data))}, and a picture may have {size_words(allowed.file)}: make it smaller."
        )
    large = f"“{name}” has more than {MOST_PIXELS // 1_000_000} million pixels: make it smaller."
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadInput(large) from None
    except Exception:  # whatever a decoder stumbles over
        raise BadInput(f"“{name}” is no picture that can be read: choose a PNG, JPEG, WebP or GIF file.") from None
    if image.width * image.height > MOST_PIXELS:
        raise BadInput(large)
    original = image.format or FORMATS[0]
    try:
        drawn = _drawn(image, allowed.side)
    except Exception:
        raise BadInput(f"“{name}” is a broken picture: open it in another program and save it again.") from None
    kept, mime = _written(drawn, original)
    shown = {"WEBP": "WebP"}.get(original, original)
    return Picture(id_of(kept), name, mime, drawn.width, drawn.height, len(kept), main_colours(drawn), shown), kept


def id_of(data: bytes) -> str:
    """Name a picture by its bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def _drawn(image: Image.Image, side: int) -> Image.Image:
    """Return the pixels alone, turned and scaled."""
    # A JPEG is read at a fraction of its size where that is enough: a photograph takes a tenth of the time.
    image.draft("RGB", (2 * side, 2 * side))
    image.load()
    turned = ImageOps.exif_transpose(image)
    clear = "A" in turned.getbands() or "transparency" in turned.info
    plain = turned.convert("RGBA" if clear else "RGB")
    plain.thumbnail((side, side), Image.Resampling.LANCZOS)
    # A new image of the same pixels: what else the file said stays behind.
    return Image.frombytes(plain.mode, plain.size, plain.tobytes())


def _written(image: Image.Image, original: str) -> tuple[bytes, str]:
    """Write an image as PNG where it came without loss or shows through, else as JPEG; return it and its type."""
    if image.mode == "RGBA" or original in ("PNG", "GIF"):
        out = io.BytesIO()
        image.save(out, "PNG", optimize=True)
        if image.mode == "RGBA" or out.tell() <= LOSSLESS:
            return out.getvalue(), "image/png"
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue(), "image/jpeg"
