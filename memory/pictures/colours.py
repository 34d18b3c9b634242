"""The main colours of a picture in words, as a demo model without eyes can speak of them.

>>> main_colours(Image.new("RGB", (8, 8), (30, 90, 220)))
('blue',)
"""

from __future__ import annotations

import colorsys
from collections import Counter

from PIL import Image

SAMPLE = 40
"""Pixels of the side to which a picture is shrunk before its colours are counted."""
MOST, LEAST = 3, 0.12
"""How many colours are named at most, and the share of the picture from which on one is named beside the first."""
_HUES = ((15, "red"), (42, "orange"), (68, "yellow"), (165, "green"), (195, "turquoise"), (255, "blue"))
_LATE_HUES = ((290, "purple"), (340, "pink"), (361, "red"))


def main_colours(image: Image.Image) -> tuple[str, ...]:
    """Name the colours of a picture, the commonest first; none where all of it is transparent."""
    small = image.convert("RGBA").resize((SAMPLE, SAMPLE), Image.Resampling.BOX)
    data = small.tobytes()
    seen = [named(*data[at : at + 3]) for at in range(0, len(data), 4) if data[at + 3] >= 128]
    ranked = sorted(Counter(seen).items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(name for place, (name, count) in enumerate(ranked[:MOST]) if not place or count >= LEAST * len(seen))


def named(red: int, green: int, blue: int) -> str:
    """Name one colour, from its parts of 0 to 255."""
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    degrees = hue * 360
    if value < 0.18:
        return "black"
    if saturation < 0.12:
        return "white" if value > 0.88 else "grey"
    if 15 <= degrees < 68 and saturation < 0.45 and value > 0.7:
        return "beige"
    if (degrees < 42 or degrees >= 340) and value < 0.62:
        return "brown" if degrees >= 10 and degrees < 42 else "dark red"
    return next(name for end, name in (*_HUES, *_LATE_HUES) if degrees < end)
