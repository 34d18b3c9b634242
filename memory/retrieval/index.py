"""Searches the turns of a thread; an index of each thread in use stays in the process, made of the transcript alone.

    >>> ranking = Retrieval().rank(transcript, "Where does Ana live?", "o200k_base")
    >>> ranking.search, ranking[0].turn, ranking[0].score
    ('lexical', 12, 0.71)

Nothing here is the truth: an index is derived from the turns and can be lost, vectors are found by the turns' ids and
rows whose turn is gone are dropped. A thread's epoch is part of its index's name, so that a turn which is taken away or
replaced, by whatever process, takes its words along from every key that carries them.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import is_
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from memory.base import Search, Turn
from memory.common.quote import date_line, heading_tokens, line_of
from memory.knowledge.library import Libraries, Library
from memory.longterm.base_store import UserStore, UserStores
from memory.longterm.shelf import Shelf
from memory.retrieval.embeddings import Embedding
from memory.retrieval.lexical import LexicalIndex
from memory.retrieval.priced import embedded, embedding_call
from memory.retrieval.ranking import Ranking, Searched, Space
from memory.retrieval.units import Unit, passage, session_after, units_of
from memory.retrieval.vectors import InMemoryVectors, Vectors
from memory.tokens import count_tokens
from memory.trace import Call
from memory.transcript import Transcript

FEW = 64
"""How many vectors that are not there a search makes itself; with more it finds by those that are."""
DAY = 24 * 3600.0
Record = Callable[[Call], None]
Vector = Any  # a row of float32


@dataclass(slots=True)
class _Index:
    """What is known of a thread: of its first `covered` turns the words, of its first `embedded` ones the vectors.

    `matrix` has a row for each unit, noughts where it has no vector; the first `filled` stand, but for those `bare`.
    `numbers` are those of `Searched`, unit by unit. `turns` are kept of a plain sequence alone, which has no other
    name; `asked` is the last search by words.
    """

    units: list[Unit] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    numbers: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    lexical: LexicalIndex = field(default_factory=LexicalIndex)
    covered: int = 0
    session: int = 0
    last: float | None = None
    vectors: dict[str, Vector] = field(default_factory=dict)
    embedded: int = 0
    loaded: bool = False
    matrix: Any = None
    filled: int = 0
    bare: list[int] = field(default_factory=list)
    searched: Searched | None = None
    asked: tuple[str, Ranking] | None = None
    turns: list[Turn] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def empty(self) -> None:
        """Begin again; the vectors stay."""
        self.units, self.ids, self.lexical, self.searched, self.asked = [], [], LexicalIndex(), None, None
        self.numbers, self.times = array("q"), array("d")
        self.covered, self.session, self.last = 0, 0, None
        self.matrix, self.filled, self.bare = None, 0, []

    def add(self, turns: Iterable[Turn], encoding: str) -> None:
        """Take in the words of the next turns."""
        for turn in turns:
            self.session = session_after(turn.at, self.last, self.session)
            self.last = turn.at
            for unit in units_of(turn, self.session):
                said = turn.messages if unit.message is None else (turn.messages[unit.message],)
                place, date = -1 if unit.message is None else unit.message, date_line(unit.at)
                size = sum(count_tokens(line_of(message), encoding) for message in said)
                heading = heading_tokens(date, encoding) if date else 0
                self.units.append(unit)
                self.ids.append(_id(turn, unit))
                self.times.append(unit.at)
                self.numbers.extend((unit.turn, place, size, int(unit.at // DAY), heading))
                self.lexical.add(unit)
                self.searched = self.asked = None
            self.covered += 1

    def by_words(self, query: str) -> Ranking:
        """Rank the units by words alone; what is asked in reading is often asked once more in writing."""
        if self.asked is None or self.asked[0] != query:
            self.asked = query, Ranking("lexical", self.snapshot(), self.lexical.scores(query), {})
        return self.asked[1]

    def snapshot(self) -> Searched:
        """Return the units as they are now; the same until the next one comes."""
        if self.searched is None:
            numbers = np.array(self.numbers, dtype=np.int64).reshape(-1, 5)
            turns, messages = numbers[:, :2].T.copy()
            self.searched = Searched(tuple(self.units), np.array(self.times), turns, messages, numbers[:, 2:].copy())
        return self.searched

    def dense(self, dimensions: int) -> Any:
        """Return the vectors as rows in the order of the units."""
        count = len(self.units)
        if self.matrix is None or len(self.matrix) < count:
            larger = np.zeros((2 * count + 16, dimensions), dtype=np.float32)
            if self.matrix is not None:
                larger[: self.filled] = self.matrix[: self.filled]
            self.matrix = larger
        bare = self.bare_now()
        for place in (*self.bare, *range(self.filled, count)):
            if (vector := self.vectors.get(self.ids[place])) is not None:
                self.matrix[place] = vector
        self.filled, self.bare = count, bare
        return self.matrix[:count]

    def bare_now(self) -> list[int]:
        """Return the places of the units that have no vector."""
        unknown = (*self.bare, *range(self.filled, len(self.units)))
        return [place for place in unknown if self.ids[place] not in self.vectors]


class Retrieval:
    """The searches of a process: by words, and with an embedding by meaning.

    `threads` is how many threads' indexes stay in the process; one of 600 turns takes about 2 MB.
    """

    def __init__(self, embedding: Embedding | None = None, vectors: Vectors | None = None, threads: int = 100) -> None:
        self._embedding = embedding
        self._vectors = vectors if vectors is not None else InMemoryVectors()
        self._most = threads
        self._indexes: OrderedDict[tuple[str, ...], _Index] = OrderedDict()
        self._lock = threading.Lock()
        self._plain = threading.local()
        self._stores: WeakKeyDictionary[Shelf, UserStores] = WeakKeyDictionary()
        self._libraries: WeakKeyDictionary[Shelf, Libraries] = WeakKeyDictionary()

    @property
    def name(self) -> str:
        """Name what decides which vectors there are."""
        return self._embedding.name if self._embedding else "no embedding"

    def search(self, wanted: Search | None) -> Search:
        """Return the search that is made where this one is wanted: by words alone where nothing knows meaning."""
        if self._embedding is None:
            return "lexical"
        return wanted or ("hybrid" if self._embedding.real else "lexical")

    def rank(
        self, transcript: Sequence[Turn], query: str, encoding: str, wanted: Search | None, record: Record
    ) -> Ranking:
        """Rank all turns by their likeness to a text; raises StoreUnavailable or ModelFailed where vectors are away."""
        search = self.search(wanted)
        with self._at(transcript, encoding) as index:
            if search == "lexical":
                return index.by_words(query)
            searched = index.snapshot()
            assert self._embedding
            self._load(index, transcript)
            self._mend(index, transcript, record)
            vector = self._embed([query], record)[0]
            matrix = index.dense(len(vector))
            cosines = np.clip(matrix @ vector, 0.0, 1.0)
            if search == "dense":
                return Ranking(search, searched, cosines.astype(float), {})
            lexical, fused = index.lexical.both(query, cosines)
            return Ranking(search, searched, fused, {"lexical": lexical, "dense": cosines})

    def take_in(self, transcript: Sequence[Turn], encoding: str, wanted: Search | None, record: Record) -> None:
        """Give every turn its vector where the search needs one, in batches; a turn that has one is left alone.

        Of nobody's transcript, which is no thread's, nothing is kept.
        """
        if self.search(wanted) == "lexical" or _of(transcript) is None:
            return
        index = self._known(transcript, encoding)
        with index.lock:
            missing = self._missing(index, transcript)
            if missing:
                rows = self._embed(list(missing.values()), record)
                if of := _of(transcript):
                    self._vectors.put(of[0], of[1], list(missing), rows)
                index.vectors.update(zip(missing, rows, strict=True))
            index.embedded = len(transcript)

    def _missing(self, index: _Index, transcript: Sequence[Turn]) -> dict[str, str]:
        """Return what has no vector yet, by its id."""
        self._load(index, transcript)
        turns = transcript[index.embedded : len(transcript)]
        found = ((_id(turn, unit), passage(unit)) for turn in turns for unit in units_of(turn, 0))
        return {id: text for id, text in found if id not in index.vectors}

    def estimate(self, transcript: Sequence[Turn], encoding: str, wanted: Search | None) -> Call | None:
        """Say what `take_in` would cost, None where it needs no vectors."""
        if self.search(wanted) == "lexical" or self._embedding is None:
            return None
        index = self._known(transcript, encoding)
        with index.lock:
            missing = self._missing(index, transcript)
        return embedding_call(self._embedding, list(missing.values()), 0.0) if missing else None

    def estimate_query(self, query: str, wanted: Search | None) -> Call | None:
        """Say what the vector of a query would cost, None where the search needs none."""
        return (
            None
            if self._embedding is None or self.search(wanted) == "lexical"
            else embedding_call(self._embedding, [query], 0.0)
        )

    def free(self, query: str, wanted: Search | None) -> bool:
        """Whether a search asks nobody who is paid for it; the vector of what was asked lately is kept."""
        model = self._embedding
        paid = model is not None and model.priced_as is not None and self.search(wanted) != "lexical"
        return not paid or (model is not None and model.knows(query))

    def space(self, transcript: Sequence[Turn], query: str, encoding: str) -> Space | None:
        """Show the vectors in the plane: their first two principal components."""
        if self._embedding is None or not query.strip():
            return None
        with self._at(transcript, encoding) as index:
            self._load(index, transcript)
            places = [place for place, id in enumerate(index.ids) if id in index.vectors]
            if len(places) < 2:
                return None
            rows = np.stack([index.vectors[index.ids[place]] for place in places])
            units = [index.units[place] for place in places]
        vector = self._embedding.embed([query])[0]
        middle = rows.mean(axis=0)
        _, _, axes = np.linalg.svd(rows - middle, full_matrices=False)
        flat, place = (rows - middle) @ axes[:2].T, (vector - middle) @ axes[:2].T
        if flat.shape[1] < 2:
            return None
        points = tuple((float(x), float(y)) for x, y in flat)
        return Space(points, tuple(units), (float(place[0]), float(place[1])), self._embedding.name)

    def copy(self, user: str, thread: str, to: str, turns: Iterable[Turn]) -> None:
        """Give a thread that begins with another's turns their vectors, as far as there are any."""
        if self.search(None) != "lexical":
            known = self._vectors.get(user, thread)
            ids = [id for turn in turns for unit in units_of(turn, 0) if (id := _id(turn, unit)) in known]
            if ids:
                self._vectors.put(user, to, ids, np.stack([known[id] for id in ids]))

    def items(self, shelf: Shelf, user: str, record: Record) -> UserStore:
        """Return what is kept of a user across conversations on a shelf, searched by this embedding."""
        with self._lock:
            stores = self._stores.get(shelf)
            if stores is None:
                stores = self._stores[shelf] = UserStores(shelf, self._vectors, self._embedding)
        return stores.of(user, called=record)

    def library(self, shelf: Shelf, user: str, record: Record) -> Library:
        """Return the documents of a user beside a shelf, searched by this embedding."""
        with self._lock:
            libraries = self._libraries.get(shelf)
            if libraries is None:
                libraries = self._libraries[shelf] = Libraries(shelf.documents, self._vectors, self._embedding)
        return libraries.of(user, record)

    def kept(self, user: str) -> dict[str, set[str]]:
        """Return the ids of all vectors that are kept of a user, by thread."""
        return self._vectors.ids(user)

    def forget(self, user: str, thread: str | None = None, ids: Sequence[str] | None = None) -> int:
        """Remove a thread's vectors (or some of them) and index, or all of a user; returns how many there were."""
        with self._lock:
            for key in [key for key in self._indexes if key[0] == user and thread in (None, key[1])]:
                del self._indexes[key]
        return self._vectors.delete(user, thread, ids)

    def compact(self) -> bool:
        """Have the files of the vectors written anew; False where they are a server's own."""
        return self._vectors.compact()

    @contextmanager
    def _at(self, transcript: Sequence[Turn], encoding: str) -> Iterator[_Index]:
        """Give the index of exactly these turns, with those added that are new; nobody else changes it meanwhile."""
        index, length = self._known(transcript, encoding), len(transcript)
        with index.lock:
            if index.covered <= length:
                index.add(transcript[index.covered : length], encoding)
                yield index
                return
        # An earlier time is looked at: words said later have no place in its keys. The vectors are the same.
        past = self._known(transcript, encoding, "past")
        with past.lock:
            if past.covered > length:
                past.empty()
            past.vectors, past.loaded = index.vectors, index.loaded
            past.add(transcript[past.covered : length], encoding)
            yield past

    def _known(self, transcript: Sequence[Turn], encoding: str, time: str = "now") -> _Index:
        """Return what is known of a thread, perhaps of more turns or fewer."""
        of = _of(transcript)
        if of is None:
            return self._plain_index(transcript, encoding, time)
        with self._lock:
            key = (*of, encoding, time)
            index = self._indexes.get(key)
            if index is None:
                index = self._indexes[key] = _Index()
            self._indexes.move_to_end(key)
            while len(self._indexes) > self._most:
                self._indexes.popitem(last=False)
        return index

    def _plain_index(self, transcript: Sequence[Turn], encoding: str, time: str) -> _Index:
        """Return what is known of turns that are no thread's: only of the very same ones that were searched last."""
        kept: dict[tuple[str, str], _Index] = self._plain.__dict__.setdefault("indexes", {})
        index = kept.get((encoding, time))
        if index is None or not all(map(is_, index.turns, transcript)):
            index = kept[encoding, time] = _Index()
        index.turns = list(transcript) if len(transcript) > len(index.turns) else index.turns
        return index

    def _load(self, index: _Index, transcript: Sequence[Turn]) -> None:
        """Fetch the vectors that are kept of a thread, once."""
        if index.loaded:
            return
        if of := _of(transcript):
            index.vectors.update(self._vectors.get(of[0], of[1]))
        index.loaded = True

    def _mend(self, index: _Index, transcript: Sequence[Turn], record: Record) -> None:
        """Fetch the vectors that a few units lack, as another process may have made them since; else make them.

        They are made where it costs nothing: an index may be lost at any time.
        """
        assert self._embedding
        lacking, of = index.bare_now(), _of(transcript)
        if of and 0 < len(lacking) <= FEW:
            index.vectors.update(self._vectors.get(of[0], of[1], [index.ids[place] for place in lacking]))
            lacking = index.bare_now()
        if 0 < len(lacking) <= FEW and self._embedding.priced_as is None:
            ids = [index.ids[place] for place in lacking]
            rows = self._embed([passage(index.units[place]) for place in lacking], record)
            if of:
                self._vectors.put(of[0], of[1], ids, rows)
            index.vectors.update(zip(ids, rows, strict=True))

    def _embed(self, texts: list[str], record: Record) -> Any:
        assert self._embedding
        return embedded(self._embedding, texts, record)


def _of(transcript: Sequence[Turn]) -> tuple[str, str, str] | None:
    return transcript.of if isinstance(transcript, Transcript) else None


def _id(turn: Turn, unit: Unit) -> str:
    return turn.id if unit.message is None else f"{turn.id}.{unit.message}"
