"""The documents of one user: added, searched, deleted.

    >>> library = Libraries(documents, vectors, embedding).of("alex")
    >>> added = library.add("gates.md", data, progress=lambda share, told: None)
    >>> [(hit.passage.where, hit.fused) for hit in library.search("When do the gates open?", 1)]
    [('line 3', 0.71)]

Texts are written first and embedded then, in batches: where the embedding fails on the way, the document is kept, is
found by its words, and `embed` goes on where it stopped.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memory.errors import BadInput, InspectorError, ModelFailed, StoreUnavailable
from memory.knowledge.document import Content, Document, Passage, cut, id_of
from memory.knowledge.known import Hit, Known
from memory.knowledge.limits import limits, size_words
from memory.knowledge.reading import kind_of, name_of, read_file
from memory.knowledge.shelf import Documents
from memory.knowledge.splitting import OVERLAP, SIZE, check
from memory.retrieval.embeddings import Embedding
from memory.retrieval.priced import embedded
from memory.retrieval.vectors import Vectors
from memory.store import check_user
from memory.trace import Call

BATCH = 32
"""Passages that are embedded at once."""
MOST_DOCUMENTS = 500
PASSAGES = 100_000
"""How many passages this process holds of all users, those asked for longest ago going first; each takes some 4 kB."""

Progress = Callable[[float, str], None]
"""Told the share that is done, from 0 to 1, and what is being done."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a file: its document, whether it was there before, and why some passages have no vector yet."""

    document: Document
    known: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Flat:
    """Passages and a query in the plane: the first two principal components of the vectors."""

    passages: tuple[Passage, ...]
    points: tuple[tuple[float, float], ...]
    query: tuple[float, float] | None
    embedding: str


class Library:
    """The documents of one user; it may raise StoreUnavailable. `called` is told of every embedding."""

    def __init__(self, known: Known, called: Callable[[Call], None] | None = None) -> None:
        self._known, self._called = known, called or (lambda call: None)

    def listed(self) -> list[Document]:
        """Return the documents, the newest first."""
        return self._known.shelf.listed(self._known.user)[::-1]

    def add(
        self,
        name: str,
        data: bytes,
        size: int = SIZE,
        overlap: int = OVERLAP,
        progress: Progress = lambda share, told: None,
    ) -> Added:
        """Read a file, cut it and embed its passages; raises BadInput where it cannot be, and then nothing is kept.

        The same file is one document, whatever it is called: cut otherwise, it takes the place of what it was.
        """
        check(size, overlap)
        name, id = name_of(name), id_of(data)
        kind = kind_of(name)
        others = self._known.shelf.listed(self._known.user)
        same = next((document for document in others if document.id == id), None)
        if same and (same.size, same.overlap) == (size, overlap):
            return Added(same, True, self.embed(same.id, progress))
        others = [document for document in others if document.id != id]
        self._check_room(name, len(data), others)
        progress(0.0, f"Reading {name}")
        content = cut(read_file(name, data), size, overlap)
        read = content.read
        document = Document(
            *(id, name, kind, len(data), same.added if same else time.time(), len(read.text), len(content.cuts)),
            *(size, overlap, read.told),
        )
        self._known.shelf.put(self._known.user, document, content)
        if same:
            self._drop_stale(document, content)
        return Added(document, False, self.embed(id, progress))

    def embed(self, id: str, progress: Progress = lambda share, told: None) -> str:
        """Give the passages of a document their vectors that have none; returns why some still have none, or ""."""
        known, model = self._known, self._known.embedding
        with known.lock:
            known.follow()
            one = next((one for one in known.loaded.values() if one.document.id == id), None)
        if one is None or model is None:
            return ""
        try:
            with known.lock:
                known.load_vectors()
                bare = one.bare
            count = len(one.content.cuts)
            for start in range(0, len(bare), BATCH):
                progress((count - len(bare) + start) / count, f"Embedding {one.document.name}")
                places = bare[start : start + BATCH]
                rows = self._vectors([one.content.passage(one.document, place).text for place in places])
                ids = [one.content.vector_id(place) for place in places]
                known.vectors.put(known.user, one.document.place, ids, rows)
                with known.lock:
                    known.take(one, places, rows)
        except (StoreUnavailable, ModelFailed) as error:
            return str(error)
        if not any(document.id == id for document in known.shelf.listed(known.user)):
            known.vectors.delete(known.user, one.document.place)  # it was deleted meanwhile
        progress(1.0, f"{one.document.name} is ready")
        return ""

    def passages(self, id: str) -> list[Passage]:
        """Return the passages of a document in their order; raises BadInput where there is no such document."""
        known = self._known
        with known.lock:
            known.follow()
            for one in known.loaded.values():
                if one.document.id == id:
                    return [one.content.passage(one.document, place) for place in range(len(one.content.cuts))]
        raise BadInput("This document is kept no longer: choose one of those that are listed.")

    def bare(self) -> dict[str, int]:
        """Return how many passages of each document have no vector, where there are any; none where none are made."""
        known = self._known
        if known.embedding is None:
            return {}
        with known.lock:
            known.follow()
            try:
                known.load_vectors()
            except StoreUnavailable:
                pass
            return {one.document.id: len(one.bare) for one in known.loaded.values() if one.bare}

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return the passages that are most like a query, the best first; by words alone where vectors are away."""
        known = self._known
        with known.lock:
            known.follow()
            try:
                known.load_vectors()
                return known.search(query, limit, self._vectors if known.embedding else None)
            except (StoreUnavailable, ModelFailed):
                return known.search(query, limit, None)

    def flat(self, query: str, most: int, also: Sequence[Passage] = ()) -> Flat | None:
        """Show the vectors in the plane; None where there are none.

        Where there are more than `most` they are evenly chosen, so that the shape stays, with those that are in `also`.
        """
        known = self._known
        with known.lock:
            known.follow()
            known.load_vectors()
            held = [one for one in known.loaded.values() if one.there is not None]
            places = [(one, place) for one in held for place in np.flatnonzero(one.there).tolist()]
            if len(places) > most:
                wanted = {(passage.document.id, passage.number - 1) for passage in also}
                chosen = {at * len(places) // most for at in range(most)}
                chosen |= {at for at, (one, place) in enumerate(places) if (one.document.id, place) in wanted}
                places = [places[at] for at in sorted(chosen)]
            if len(places) < 3 or known.embedding is None:
                return None
            rows = np.stack([one.matrix[place] for one, place in places])
            shown = tuple(one.content.passage(one.document, place) for one, place in places)
        middle = rows.mean(axis=0)
        _, _, axes = np.linalg.svd(rows - middle, full_matrices=False)
        flat = (rows - middle) @ axes[:2].T
        asked = None
        if query.strip():
            x, y = ((self._vectors([query])[0] - middle) @ axes[:2].T).tolist()
            asked = (x, y)
        return Flat(shown, tuple((float(x), float(y)) for x, y in flat), asked, known.embedding.name)

    def _vectors(self, texts: Sequence[str]) -> Any:
        model = self._known.embedding
        assert model
        return embedded(model, texts, self._called)

    def _check_room(self, name: str, size: int, others: Sequence[Document]) -> None:
        if len(others) >= MOST_DOCUMENTS:
            raise BadInput(f"There are {MOST_DOCUMENTS:,} documents, and no more can be kept: delete one first.")
        most, used = limits().total, sum(document.bytes for document in others)
        if used + size > most:
            raise BadInput(
                f"“{name}” has {size_words(size)}, and of the {size_words(most)} for all documents "
                f"{size_words(max(0, most - used))} are left: delete one first."
            )

    def _drop_stale(self, document: Document, content: Content) -> None:
        """Delete the vectors of passages that are cut otherwise now; what cannot be reached is asked for by nobody."""
        wanted = {content.vector_id(place) for place in range(len(content.cuts))}
        try:
            kept = self._known.vectors.get(self._known.user, document.place)
            if stale := [id for id in kept if id not in wanted]:
                self._known.vectors.delete(self._known.user, document.place, stale)
        except InspectorError:
            pass


class Libraries:
    """The libraries of all users over the same places."""

    def __init__(self, shelf: Documents, vectors: Vectors, embedding: Embedding | None = None) -> None:
        self._shelf, self._vectors, self._embedding = shelf, vectors, embedding
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, user: str, called: Callable[[Call], None] | None = None) -> Library:
        """Return a user's library; raises BadInput for what is no user's name."""
        check_user(user)
        with self._lock:
            known = self._known.get(user)
            if known is None:
                known = self._known[user] = Known(self._shelf, self._vectors, self._embedding, user)
            self._known.move_to_end(user)
            while len(self._known) > 1 and sum(one.passages for one in self._known.values()) > PASSAGES:
                self._known.popitem(last=False)
        return Library(known, called)
