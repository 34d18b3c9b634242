"""Cuts a text into passages: between paragraphs where that can be, else lines, sentences, words, and last characters.

    >>> split("One fish.\n\nTwo fish. Red fish.", size=12, overlap=0)
    [(0, 11), (11, 21), (21, 30)]

A passage is a span of the text and not a copy, so that its place is known exactly. The spans follow each other without
a gap: together they are the whole text. With an overlap each begins up to so many characters before the end of the one
before it, at a seam of the same kind. (LangChain's RecursiveCharacterTextSplitter returns texts, trims them, and looks
for where they stood, which it takes for the wrong place where a text repeats itself.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memory.base import Span
from memory.errors import BadInput

SIZE, OVERLAP = 800, 120
"""Characters: of English prose some 180 tokens, so that all of it counts in an embedding that reads 256."""
SMALLEST, LARGEST = 100, 8_000

_SEAMS = tuple(
    re.compile(seam) for seam in (r"(?<=\n)\n+|\f\n*", r"\n", r"(?<=[.!?…])[\"')\]”’]*\s+|(?<=[。！？])", r"\s+")
)
"""Where a text may be cut, behind the match: the widest kind of seam first."""
_HEADING = re.compile(r"#{1,6} [^\n]*\n+")


def check(size: int, overlap: int) -> None:
    """Raise BadInput for sizes in characters that cannot be meant."""
    if not SMALLEST <= size <= LARGEST:
        raise BadInput(f"A passage has {SMALLEST:,} to {LARGEST:,} characters, not {size:,}: choose a size between.")
    if not 0 <= overlap <= size // 2:
        raise BadInput(f"Passages may share at most half of their {size:,} characters, not {overlap:,}: choose fewer.")


def split(text: str, size: int = SIZE, overlap: int = OVERLAP) -> list[Span]:
    """Return the spans of the passages, each of at most `size` characters; none for an empty text."""
    cuts: list[Span] = []
    pieces: list[Span] = []  # of the passage that is being filled
    shared: list[Span] = []  # and what of them the one before it has too
    for piece in _pieces(text, 0, len(text), size, 0):
        if pieces and piece[1] - pieces[0][0] > size:
            last = len(pieces)
            # A heading goes with what it is over.
            while last > 1 + len(shared) and _HEADING.fullmatch(text, *pieces[last - 1]):
                if piece[1] - pieces[last - 1][0] > size:
                    break
                last -= 1
            cuts.append((pieces[0][0], pieces[last - 1][1]))
            over = pieces[last:]
            room = size - (piece[1] - (over or [piece])[0][0])
            shared = _shared(text, pieces[:last], min(overlap, room))
            pieces = [*shared, *over]
        pieces.append(piece)
    return [*cuts, (pieces[0][0], pieces[-1][1])] if pieces else cuts


def _pieces(text: str, start: int, end: int, size: int, kind: int) -> Iterator[Span]:
    """Cut a span at the seams of one kind, and what is still too long at those of the next; yields in order."""
    if end - start <= size:
        if end > start:
            yield start, end
        return
    if kind == len(_SEAMS):
        yield from ((at, min(at + size, end)) for at in range(start, end, size))
        return
    before = start
    for seam in _SEAMS[kind].finditer(text, start, end):
        if before < seam.end() < end:
            yield from _pieces(text, before, seam.end(), size, kind + 1)
            before = seam.end()
    yield from _pieces(text, before, end, size, kind + 1)


def _shared(text: str, pieces: list[Span], overlap: int) -> list[Span]:
    """Return what the next passage has in common with one: its last sentences or words, at most `overlap` characters.

    It is less than the whole passage, so that each next one begins later.
    """
    first, end = pieces[0][0], pieces[-1][1]
    start = max(end - overlap, first + 1)
    if start >= end:
        return []
    for seams in _SEAMS[2:]:
        for seam in seams.finditer(text, start, end):
            if seam.end() < end:
                return [(seam.end(), end)]
    return []
