"""A picture as a turn holds it: its name by content, its measures and what the file tells; the bytes are the store's.

    >>> picture = Picture("3f2a90c1d4e5b6a7", "beach.png", "image/png", 800, 600, 41_200, ("blue", "beige"))
    >>> picture.told
    'The picture beach.png shows mainly blue and beige. It is a PNG file of 800 × 600 pixels.'
    >>> worded("Our holiday.", [picture]).splitlines()[0], typed(worded("Our holiday.", [picture]), [picture])
    ('Our holiday.', 'Our holiday.')

The message that a picture comes with says in words what its file tells. So a memory that keeps words alone, a search,
and a model that takes no pictures all know that there was one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_NAME = 60
"""Characters of a file's name that are kept."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: `id` is the hash of its bytes as they are kept, `size` how many; `colours` are its main ones in words.

    `width` and `height` are in pixels, as it is kept and sent. `original` is the form of the file that came.
    """

    id: str
    name: str
    mime: str
    width: int
    height: int
    size: int
    colours: tuple[str, ...] = ()
    original: str = "PNG"

    @property
    def told(self) -> str:
        """What can be read off the file, in two sentences."""
        shows = " and ".join(self.colours) or "nothing, as it is transparent"
        article = "an" if self.original[:1] in "AEFHILMNORSX" else "a"
        measures = f"{self.width:,} × {self.height:,} pixels"
        return f"The picture {self.name} shows mainly {shows}. It is {article} {self.original} file of {measures}."


def worded(text: str, pictures: Sequence[Picture]) -> str:
    """Return a message as it is sent: what was typed, and a line for each picture that comes with it."""
    return "\n".join([*([text] if text.strip() else []), *(picture.told for picture in pictures)])


def typed(content: str, pictures: Sequence[Picture]) -> str:
    """Return what was typed of a message with these pictures."""
    lines = "\n".join(picture.told for picture in pictures)
    if not lines or not content.endswith(lines):
        return content
    return content.removesuffix(lines).removesuffix("\n")


def plain_name(name: str) -> str:
    """Make a file's name one that can stand in a sentence: letters, digits and a few signs, nothing that ends one."""
    name = re.sub(r"[^\w.-]+", " ", name.replace("\\", "/").rpartition("/")[2]).strip(" .-_")
    stem, dot, ending = name.rpartition(".")
    if len(name) > LONGEST_NAME and dot and len(ending) <= 5:
        name = f"{stem[: LONGEST_NAME - len(ending) - 1].strip()}.{ending}"
    return name[:LONGEST_NAME].strip() or "picture"
