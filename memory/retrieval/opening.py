"""Opens the search that EMBEDDINGS and CHROMA_URL name; what takes time, a model or a server, waits for its first use.

>>> search = open_search("auto")
>>> search.embedding.label, search.retrieval.search(None)
('all-MiniLM-L6-v2, on this computer', 'hybrid')
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memory.retrieval.embeddings import Embedding, embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import ChromaVectors, Vector, Vectors, open_vectors
from memory.server.data_folder import data_folder


@dataclass(frozen=True)
class Search:
    """A retrieval with the embedding it uses, None where it knows words alone, and the place of its vectors."""

    retrieval: Retrieval
    embedding: Embedding | None
    vectors: LateVectors

    def warm(self) -> None:
        """Load what a search by meaning needs, so that the first who asks need not wait; words need nothing."""
        if self.embedding and self.embedding.real:
            self.vectors.warm()
            if self.embedding.priced_as is None:
                self.embedding.embed(["The model is loaded by its first text."])

    def close(self) -> None:
        self.vectors.close()


def open_search(setting: str | None = None, url: str | None = None, api_key: str | None = None) -> Search:
    """Return the search by an embedding; raises BadInput or ModelFailed for a setting that cannot be used."""
    model = embedding(setting, api_key=api_key)
    vectors = LateVectors(model, url)
    return Search(Retrieval(model, vectors), model, vectors)


def open_words(url: str | None = None) -> Search:
    """Return the search by words; it still deletes the vectors that an embedding has left."""
    vectors = LateVectors(None, url)
    return Search(Retrieval(None, vectors), None, vectors)


class LateVectors:
    """Vectors of an embedding whose length is asked for when the first are kept: that may load a model or call one."""

    def __init__(self, model: Embedding | None, url: str | None = None) -> None:
        self._model = model
        self._url = url
        self._lock = threading.Lock()
        # No row is deleted by its length; a CHROMA_URL that is none shows here.
        self._any = open_vectors("none", 1, url)
        self._own: Vectors | None = None

    def put(self, user: str, thread: str, ids: Sequence[str], vectors: Any) -> None:
        """Keep a vector for each id."""
        self._rows().put(user, thread, ids, vectors)

    def get(self, user: str, thread: str, ids: Sequence[str] | None = None) -> dict[str, Vector]:
        """Return the vectors of a thread by id: all, or those of some ids that are there."""
        return self._rows().get(user, thread, ids)

    def ids(self, user: str) -> dict[str, set[str]]:
        """Return the ids of a user's rows by thread."""
        return {} if self._none_yet() else self._any.ids(user)

    def delete(self, user: str, thread: str | None = None, ids: Sequence[str] | None = None) -> int:
        """Delete some rows of a thread, a thread's or all of a user's."""
        return 0 if self._none_yet() else self._any.delete(user, thread, ids)

    def erase(self, user: str) -> int:
        """Delete all rows of a user."""
        return self.delete(user)

    def compact(self) -> bool:
        """Write the files anew, without what was deleted; False where they are a server's own."""
        return self._none_yet() or self._any.compact()

    def warm(self) -> None:
        """Begin to open the place."""
        if isinstance(self._any, ChromaVectors):
            self._any.warm()

    @property
    def opened(self) -> bool:
        """Whether nobody who asks has to wait for an import or an opening."""
        return self._none_yet() or not isinstance(self._any, ChromaVectors) or self._any.opened

    def ping(self) -> str:
        """Say in plain words where the vectors are; raises StoreUnavailable where that cannot be reached."""
        if self._none_yet():
            return f"in {data_folder() / 'chroma'}, from the first vector on"
        if isinstance(self._any, ChromaVectors):
            return self._any.ping()
        return "in this process"

    def close(self) -> None:
        """Give the place back."""
        for vectors in (self._own, self._any):
            if vectors:
                vectors.close()

    def _none_yet(self) -> bool:
        """Whether there never was a vector: then Chroma, which takes seconds to open, need not be asked."""
        url = os.environ.get("CHROMA_URL", "") if self._url is None else self._url
        return not url.strip() and not (data_folder() / "chroma" / "chroma.sqlite3").exists()

    def _rows(self) -> Vectors:
        with self._lock:
            if self._own is None:
                assert self._model
                self._own = open_vectors(self._model.name, self._model.dimensions, self._url)
            return self._own
