"""A document and its passages: the record that is listed, and the content that is searched.

>>> content = cut(read_file("gates.md", data), size=800, overlap=120)
>>> content.passage(document, 0).ref
'passage:3f2a90c1d4e5b6a7:1'
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from memory.base import Span
from memory.errors import BadInput
from memory.knowledge.reading import Read
from memory.knowledge.splitting import OVERLAP, SIZE, check, split

MOST_PASSAGES = 60_000
"""Of one document: so many vectors are 90 MB."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is listed of a document: `id` is the hash of its file, `bytes` its size, `size` and `overlap` how it is cut.

    `added` is in seconds since the epoch; `told` is what a reader should know of how it was read.
    """

    id: str
    name: str
    kind: str
    bytes: int
    added: float
    characters: int
    passages: int
    size: int = SIZE
    overlap: int = OVERLAP
    told: str = ""

    @property
    def place(self) -> str:
        """The name under which its vectors are kept, where those of turns have their thread's."""
        return f"{PLACE}{self.id}"

    @property
    def cut(self) -> str:
        """Name the document as it is cut: what is known of it in a process holds as long as this does."""
        return f"{self.id}-{self.size}-{self.overlap}"


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document: `number` counts from 1, `where` is its page, lines or rows.

    `shared` is how many characters at its beginning stand at the end of the passage before it too.
    """

    document: Document
    number: int
    text: str
    where: str
    span: Span
    shared: int = 0

    @property
    def ref(self) -> str:
        """Name it: `passage:DOCUMENT:NUMBER`."""
        return f"passage:{self.document.id}:{self.number}"


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a document, what its places are, and where it is cut."""

    read: Read
    cuts: tuple[Span, ...] = field(default=())

    def passage(self, document: Document, place: int) -> Passage:
        """Return a passage by its place from 0."""
        start, end = self.cuts[place]
        before = self.cuts[place - 1][1] if place else start
        where = self.read.place(start, end)
        return Passage(document, place + 1, self.read.text[start:end], where, (start, end), max(0, before - start))

    def vector_id(self, place: int) -> str:
        """Name the vector of a passage: what is cut otherwise has another name."""
        start, end = self.cuts[place]
        return f"{start}-{end}"


def cut(read: Read, size: int = SIZE, overlap: int = OVERLAP) -> Content:
    """Cut what was read into passages; raises BadInput for sizes that cannot be meant and for too many passages."""
    check(size, overlap)
    # Blanks alone are no passage that anybody looks for.
    cuts = tuple(span for span in split(read.text, size, overlap) if read.text[slice(*span)].strip())
    if len(cuts) > MOST_PASSAGES:
        raise BadInput(
            f"This text makes {len(cuts):,} passages and may make {MOST_PASSAGES:,}: choose larger passages, or cut "
            "the file into several."
        )
    return Content(read, cuts)


def id_of(data: bytes) -> str:
    """Name a file by what is in it: the same file has the same name, whatever it is called."""
    return hashlib.sha256(data).hexdigest()[:16]


PLACE = "document-"
DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)
CONTENT: TypeAdapter[Content] = TypeAdapter(Content)
