"""A prompt as pieces, each of one source, and a piece as spans: what the x-ray draws and what its sums are sums of.

    >>> [(piece.kind, piece.tokens, len(piece.spans)) for piece in pieces(prompt)]
    [('instructions', 3, 1), ('summary', 31, 1), ('quoted', 148, 9), ('turn', 21, 2), ('query', 5, 1)]

A span is one message, or one line of the block in which recalled turns are quoted. The tokens of the spans add up to
those of their piece, and those of the pieces to the prompt's, for any recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from memory.prompt import Prompt, PromptMessage

Kind = Literal[
    "instructions", "summary", "fact", "triple", "note", "passage", "picture", "quoted", "turn", "added", "query"
]
_KINDS: dict[str, Kind] = {
    "summary": "summary",
    "facts": "fact",
    "fact": "fact",
    "profile": "fact",
    "episode": "fact",
    "triple": "triple",
    "added": "added",
    "quotes": "quoted",
    "passage": "passage",
    "picture": "picture",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive spans of one source: a turn, a version of a note, a block of quotes, the instructions, the query."""

    kind: Kind
    spans: tuple[PromptMessage, ...]

    @property
    def tokens(self) -> int:
        return sum(span.tokens for span in self.spans)

    @property
    def item(self) -> str:
        """The reference of its source; of a block of quotes that of its first line."""
        return self.spans[0].item

    @property
    def turns(self) -> tuple[int, ...]:
        """The indexes of the turns that it has words of, in order."""
        return tuple(sorted({span.turn for span in self.spans if span.turn is not None}))

    @property
    def text(self) -> str:
        """What is sent of it, its messages one under the other; of a block of quotes the block."""
        if self.spans[0].quoted:
            return "".join(span.content for span in self.spans).rstrip("\n")
        return "\n".join(span.content for span in self.spans if span.content)


def pieces(prompt: Prompt) -> list[Piece]:
    """Part a prompt by its sources, in order."""
    groups = groupby(prompt.messages, key=lambda span: "quoted" if span.quoted else span.item)
    return [Piece(kind_of(spans[0]), tuple(spans)) for spans in (list(group) for _, group in groups)]


def kind_of(span: PromptMessage) -> Kind:
    """Say what sort of source a span has."""
    if span.quoted:
        return "quoted"
    if span.turn is not None:
        return "turn"
    id = part_of(span.item)[1].partition(":")[0]
    if (kind := _KINDS.get(id.partition("-")[0])) is not None:
        return kind
    if span.segment == "instructions":
        return "instructions"
    return "query" if span.segment == "query" else "note"


def part_of(ref: str) -> tuple[int | None, str]:
    """Take the number of a combined memory's part from a reference: `1.summary:3` is of part 1."""
    number, dot, rest = ref.partition(".")
    return (int(number), rest) if dot and number.isdecimal() else (None, ref)


def prefix_of(tokens: Sequence[int], prefix: int) -> list[int]:
    """Share the tokens of a reusable prefix between the spans that it reaches, in order."""
    shares = []
    for size in tokens:
        shares.append(min(size, prefix))
        prefix -= shares[-1]
    return shares
