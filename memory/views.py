"""The few forms in which a memory can be drawn; pages know these forms and no memory.

>>> blocks_and_notes(State(covered=9), recall, 9)
View(blocks=(Block(turns=(0, 5), state='not sent', why='outside the last k=4 turns'), Block(...)), notes=())
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from memory.base import Note, Recall, Span, State

BlockState = Literal["sent", "not sent", "summary"]


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive turns that share one fate: sent, stored but not sent, or only in a summary."""

    turns: Span
    state: BlockState
    why: str


@dataclass(frozen=True, slots=True)
class Node:
    """A person, place or thing of a graph; `note` is what is known of it, `turns` are the indexes it came from."""

    id: str
    label: str
    note: str = ""
    turns: tuple[int, ...] = ()
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """What connects two nodes, by their ids; several edges may connect the same two.

    `past` says in words since when it holds no longer.
    """

    source: str
    target: str
    label: str
    turns: tuple[int, ...] = ()
    sent: bool = False
    past: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Entities and triples as a graph; of one that is `dated` nothing is sent: what holds is lit."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    dated: bool = False


@dataclass(frozen=True, slots=True)
class Ranked:
    """A turn, or the message of a turn at the place `message`, with its rank from 1 and its score.

    `parts` are what the score is made of, by name ("lexical", "similarity", "recency"), each from 0 to 1.
    """

    turn: int
    message: int | None
    rank: int
    score: float
    sent: bool
    why: str
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scores:
    """What was retrieved and the near misses, best first; `bars` names the parts that are drawn beside each row."""

    rows: tuple[Ranked, ...]
    bars: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight from 0 to 1 for each turn from the first on, summing to 1; `sent` are the indexes of the turns sent."""

    values: tuple[float, ...]
    sent: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """A turn (or message of one) in the plane; near means alike."""

    x: float
    y: float
    turn: int
    message: int | None = None
    sent: bool = False


@dataclass(frozen=True, slots=True)
class VectorMap:
    """The vector space seen from where it is widest, the query in it; `embedding` names the model of the vectors."""

    points: tuple[Point, ...]
    query: tuple[float, float]
    embedding: str


@dataclass(frozen=True, slots=True)
class Pictured:
    """A picture that a memory knows by its caption: `id` names its bytes, `turn` the one that it came with."""

    id: str
    name: str
    caption: str
    turn: int
    sent: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class PictureList:
    """Pictures in the order in which they are drawn."""

    rows: tuple[Pictured, ...]


Form = Graph | Scores | Weights | VectorMap | PictureList


@dataclass(frozen=True, slots=True)
class View:
    """What "Memory now" draws: a strip of turns, the notes with what each covers, and further forms in order.

    `told` are sentences on what is drawn otherwise than it was.
    """

    blocks: tuple[Block, ...] = ()
    notes: tuple[Note, ...] = ()
    forms: tuple[Form, ...] = ()
    told: tuple[str, ...] = ()


def blocks_and_notes(state: State, recall: Recall, length: int) -> View:
    """Draw the `length` turns of a transcript by their fate in a recall, and the notes of a state.

    A text that was sent and stands in no note, as of a memory that keeps its facts elsewhere, is drawn as one that
    covers no turn.
    """
    blocks = [Block(item.turns, "sent", item.why) for item in recall.items if item.turns]
    sent = {block.turns for block in blocks}
    # Of a turn of which one message was sent the others can be named as left out; it is drawn once, as sent.
    blocks += [
        Block(left.turns, "summary" if left.kind == "summary" else "not sent", left.why)
        for left in recall.left_out
        if left.message is None or left.turns not in sent
    ]
    blocks = [block for block in blocks if block.turns[0] < min(block.turns[1], length)]
    known = {note.ref for note in state.notes.values()}
    others = [
        Note(item.ref.replace(":", "-"), 1, item.text, (0, 0), 0)
        for item in recall.items
        if item.text and not item.turns and item.ref not in known
    ]
    return View(tuple(sorted(blocks, key=lambda block: block.turns)), (*state.notes.values(), *others))
