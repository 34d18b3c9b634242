"""Retrieved, sent, overlapping with the answer: three things that are easily taken for one, kept apart.

    >>> found = used(trace, pieces(prompt), answer, query)
    >>> found.retrieved, found.sent, found.overlapping, found.words["turn:0"]
    (8, 3, 1, ('Oslo', '1987'))

Retrieved is what a search found and ranked, whether or not it was sent; sent is what the memory brought, without the
instructions and the message itself; overlapping is what of it shares words with the answer (`overlap.py`), as far as
it was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memory.base import LeftOut
from memory.inspection.overlap import overlaps
from memory.inspection.pieces import Piece
from memory.prompt import PromptMessage
from memory.trace import Trace

MOST = 300
"""How many of the things that were sent are compared with the answer, the newest, however many are looked at."""


@dataclass(frozen=True, slots=True)
class Used:
    """How many things were retrieved, sent, and overlap with the answer; `words` are those shared, by span's item.

    `retrieved` is None where the memory searches nothing. `near` are the near misses, best first. `compared` is how
    many of those sent were compared with the answer; none is where there is no answer.
    """

    retrieved: int | None
    sent: int
    compared: int
    overlapping: int
    words: Mapping[str, tuple[str, ...]]
    near: tuple[LeftOut, ...]


def used(trace: Trace, pieces: Sequence[Piece], answer: str, query: str, unread: int = 0) -> Used:
    """Tell apart what was retrieved, what was sent of it, and what the answer shares words with.

    `unread` turns were sent too, which nobody looks at (`laid_out.py`).
    """
    texts: dict[str, list[str]] = {}
    for piece in pieces:
        for span in piece.spans:
            if is_recalled(span):
                texts.setdefault(span.item, []).append(span.content)
    compared = list(texts)[-MOST:] if answer else []
    shared = overlaps(["\n".join(texts[item]) for item in compared], answer, query)
    words = {item: words for item, words in zip(compared, shared, strict=True) if words}
    near = near_misses(trace)
    scored = sum(item.score is not None for item in trace.items)
    retrieved = scored + len(near) if scored or near else None
    return Used(retrieved, len(texts) + unread, len(compared), len(words), words, near)


def near_misses(trace: Trace) -> tuple[LeftOut, ...]:
    """Return what a search found and the memory did not send, best first; what is not alike at all is none."""
    found = [left for left in trace.left_out if left.rank is not None and (left.score is None or left.score > 0)]
    return tuple(sorted(found, key=lambda left: left.rank or 0))


def is_recalled(span: PromptMessage) -> bool:
    """Whether a memory brought a span: no instructions, no query, no line that only introduces others."""
    return span.segment in ("memory", "history") and not (span.quoted and span.turn is None)
