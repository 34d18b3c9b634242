"""What the pictures of ideas are drawn with: turn blocks, cards, arrows, the prompt with the model, and a key.

    picture = draw(turns("out out sent sent"), arrow(138, 34, 138, 100), prompt(("3", "sent"), ("4", "sent"), YOURS))

A shape is a piece of SVG that knows in which looks it was drawn; the key below names each of them, so that no colour
is without a word. Colours are the theme's own, by the names that it has in a component of ours. Units are those of the
picture, which is `WIDTH` wide and drawn at about one pixel each in a column, a little more on a phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

WIDTH = 300
LEFT = 50
"""Where the drawing begins; before it stands what a row is."""
PITCH = 30
SIZE = 24
PROMPT = 104
"""Where the prompt begins, from above, unless a picture needs more room."""
_WIDE, _NARROW = frozenset("mwMW%"), frozenset("iljtfr.,:;!'| ")
_ROOM = 170
"""How much the box of the prompt takes."""


@dataclass(frozen=True, slots=True)
class Look:
    """How something is drawn, and what that says; what has no `word` needs none."""

    word: str
    fill: str
    stroke: str
    ink: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A piece of SVG and the names of its looks."""

    svg: str
    looks: tuple[str, ...] = ()

    def __add__(self, other: Shape) -> Shape:
        return Shape(self.svg + other.svg, self.looks + other.looks)


@dataclass(frozen=True, slots=True)
class Idea:
    """A memory's idea: its picture as SVG, what it shows for those who do not see it, and a line below."""

    svg: str
    alt: str
    caption: str


def _theme(colour: str, part: str = "") -> str:
    return f"var(--st-{colour}-{part}color)"


def _tint(word: str, colour: str, dashed: bool = False) -> Look:
    return Look(word, _theme(colour, "background-"), _theme(colour), _theme(colour, "text-"), dashed)


INK, PAPER = _theme("text"), _theme("background")
LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "instructions": _tint("instructions", "gray"),
        "summary": _tint("summary", "violet"),
        "fact": _tint("facts", "green"),
        "found": _tint("found for your message", "orange"),
        "sent": Look("sent, word for word", _theme("blue"), _theme("blue"), PAPER),
        "query": _tint("your message", "yellow"),
        "gist": _tint("only in the summary", "violet", dashed=True),
        "out": Look("stored, not sent", "none", _theme("gray"), INK),
        "gone": Look("removed", "none", _theme("red"), _theme("red", "text-"), dashed=True),
        "plain": Look("", "none", INK, INK),
        "dots": Look("", "none", INK, INK, dashed=True),
    }
)
"""The looks in the order of the key, which is that of a prompt."""
YOURS = ("?", "query")


def text(
    x: float, y: float, words: str, anchor: str = "start", ink: str = INK, size: int = 12, bold: bool = False
) -> Shape:
    """Write words with their base line at y."""
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return Shape(f'<text {place} fill="{ink}" font-size="{size}"{weight}>{escape(words)}</text>')


def lines(x: float, y: float, *rows: str, anchor: str = "start") -> Shape:
    """Write rows of words, one below the other."""
    return total(text(x, y + 15 * place, row, anchor) for place, row in enumerate(rows))


def box(
    x: float, y: float, width: float, height: float, look: str = "plain", radius: float = 4, line: float = 1.4
) -> Shape:
    """Draw a rectangle."""
    of = LOOKS[look]
    dash = ' stroke-dasharray="4 3"' if of.dashed else ""
    return Shape(
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" fill="{of.fill}" '
        f'stroke="{of.stroke}" stroke-width="{line:g}"{dash}/>',
        (look,) if of.word else (),
    )


def block(x: float, y: float, words: str, look: str, width: float = 26, height: float = SIZE) -> Shape:
    """Draw a block with words in its middle: a turn, a note, a piece of the prompt."""
    named = text(x + width / 2, y + height / 2 + 4.2, words, "middle", LOOKS[look].ink, bold=look == "sent")
    return box(x, y, width, height, look) + named


def turns(looks: str, y: float = 6, x: float = LEFT, said: str = "stored", pitch: float = PITCH) -> Shape:
    """Draw a row of turns, numbered from 1, each in the look of the same place."""
    row = [block(x + pitch * place, y, f"{place + 1}", look) for place, look in enumerate(looks.split())]
    return total([text(0, y + 16, said), *row])


def middle(turn: int) -> float:
    """Return where the middle of a turn of the row is, from the left."""
    return LEFT + PITCH * (turn - 1) + 13


def card(
    x: float, y: float, width: float, rows: Sequence[str], look: str = "plain", struck: int | None = None
) -> Shape:
    """Draw a card with rows of words; the one that is `struck` holds no longer."""
    drawn = box(x, y, width, 15 * len(rows) + 9, look)
    for place, row in enumerate(rows):
        line = y + 16 + 15 * place
        drawn += text(x + 7, line, row, ink=LOOKS[look].ink)
        if place == struck:
            drawn += path([(x + 5, line - 4), (x + 9 + length(row), line - 4)], ink=LOOKS[look].ink)
    return drawn


def path(points: Sequence[tuple[float, float]], dashed: bool = False, ink: str = INK, line: float = 1.4) -> Shape:
    """Draw a line through points."""
    way = " ".join(f"{x:g},{y:g}" for x, y in points)
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return Shape(f'<polyline points="{way}" fill="none" stroke="{ink}" stroke-width="{line:g}"{dash}/>')


def arrow(*way: float, dashed: bool = False, line: float = 1.4) -> Shape:
    """Draw a line with a head, through x, y, x, y …"""
    points = list(zip(way[::2], way[1::2], strict=True))
    (x1, y1), (x2, y2) = points[-2:]
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    ahead, aside = ((x2 - x1) / length, (y2 - y1) / length), 3.4
    back = (x2 - 7 * ahead[0], y2 - 7 * ahead[1])
    corners = [
        (x2, y2),
        (back[0] - aside * ahead[1], back[1] + aside * ahead[0]),
        (back[0] + aside * ahead[1], back[1] - aside * ahead[0]),
    ]
    head = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return path([*points[:-1], back], dashed, line=line) + Shape(f'<polygon points="{head}" fill="{INK}"/>')


def circle(x: float, y: float, radius: float, look: str = "plain", ink: str = "") -> Shape:
    """Draw a circle."""
    dash = ' stroke-dasharray="4 3"' if LOOKS[look].dashed else ""
    stroke = ink or LOOKS[look].stroke
    return Shape(
        f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="none" stroke="{stroke}" stroke-width="1.4"{dash}/>'
    )


def curve(start: tuple[float, float], end: tuple[float, float], ink: str = INK, line: float = 1.4) -> Shape:
    """Draw a line that leaves and arrives upright."""
    (x1, y1), (x2, y2) = start, end
    half = (y1 + y2) / 2
    return Shape(
        f'<path d="M{x1:g} {y1:g} C{x1:g} {half:g} {x2:g} {half:g} {x2:g} {y2:g}" fill="none" stroke="{ink}" '
        f'stroke-width="{line:g}"/>'
    )


def cross(x: float, y: float, size: float = 5) -> Shape:
    """Draw a cross over what does not happen."""
    red = _theme("red")
    return path([(x - size, y - size), (x + size, y + size)], ink=red, line=2.2) + path(
        [(x - size, y + size), (x + size, y - size)], ink=red, line=2.2
    )


def store(x: float, y: float, width: float, height: float, words: str, look: str = "plain") -> Shape:
    """Draw a store as a cylinder."""
    of, half = LOOKS[look], width / 2
    return Shape(
        f'<path d="M{x:g} {y + 5:g} v{height - 10:g} a{half:g} 5 0 0 0 {width:g} 0 v{10 - height:g} '
        f'a{half:g} 5 0 0 0 {-width:g} 0 a{half:g} 5 0 0 0 {width:g} 0" fill="{of.fill}" stroke="{of.stroke}" '
        'stroke-width="1.4"/>',
        (look,) if of.word else (),
    ) + text(x + half, y + height / 2 + 7, words, "middle", of.ink)


def length(words: str) -> float:
    """Return about how long words are, rather too long than too short: only the browser knows."""
    return sum(9.4 if char in _WIDE else 3.8 if char in _NARROW else 6.3 for char in words)


def wide(words: str) -> float:
    """Return how wide a piece of the prompt with these words is."""
    return max(20.0, length(words) + 9)


def prompt(*pieces: tuple[str, str], y: float = PROMPT) -> Shape:
    """Draw the prompt with its pieces, each in its look, and the model that gets it and nothing else."""
    assert sum(wide(words) + 4 for words, _ in pieces) <= _ROOM, pieces
    drawn, x = text(0, y + 21, "prompt") + box(LEFT, y, _ROOM + 6, SIZE + 10), LEFT + 5.0
    for words, look in pieces:
        drawn += block(x, y + 5, words, look, wide(words))
        x += wide(words) + 4
    end = LEFT + _ROOM + 6
    return drawn + arrow(end, y + 17, end + 16, y + 17) + block(end + 18, y + 3, "model", "plain", 54, 28)


def total(shapes: Iterable[Shape]) -> Shape:
    """Join shapes, the later ones above."""
    drawn = Shape("")
    for shape in shapes:
        drawn += shape
    return drawn


def draw(
    alt: str, caption: str, *shapes: Shape, height: float = PROMPT + 34, words: Mapping[str, str] | None = None
) -> Idea:
    """Make a picture with its key; `words` say what a look stands for here, where it is not what it mostly is."""
    drawn = total(shapes)
    named = {name: (words or {}).get(name, look.word) for name, look in LOOKS.items() if name in drawn.looks}
    x, y = 0.0, height + 10
    for name, word in named.items():
        space = 17 + length(word) + 7
        if x and x + space > WIDTH + 8:
            x, y = 0.0, y + 18
        drawn += box(x + 1, y, 11, 11, name, 2) + text(x + 17, y + 9.5, word)
        x += space
    bottom = (y + 16) if named else height + 4
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom:g}" role="img" '
        f'aria-label="{escape(alt)}">{drawn.svg}</svg>'
    )
    return Idea(svg, alt, caption)
