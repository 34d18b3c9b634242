"""Has the files written anew, and looks through every one of them for words that must be gone.

>>> [(row.place, row.there, row.left) for row in written_anew(store, retrieval, user, ["Zanzibar"])]
[('files: redis', 3, 0), ('files: chroma', 0, 0)]
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from memory.errors import InspectorError
from memory.forgetting.files import scan, settled
from memory.forgetting.owed import COMPACT
from memory.forgetting.receipt import IN_FILES, Row
from memory.retrieval.index import Retrieval
from memory.server.data_folder import data_folder
from memory.store import Store
from memory.stores.inmemory import InMemoryStore

STORE, VECTORS = "files of the store", "files of the vectors"
LINES = "lines that repeat it"


def written_anew(store: Store, retrieval: Retrieval, user: str, words: Sequence[str]) -> list[Row]:
    """Write the files anew, then count what is found in them of these words; may take seconds.

    A row for each part of the data folder, and for what cannot be seen or done from here.
    """
    if isinstance(store, InMemoryStore):
        return []  # a temporary conversation, which is in no file
    folder = store.folder or data_folder()
    before = scan(folder, words, user)
    rows: list[Row] = []
    try:
        done = store.compact()
        if not (done.done and done.here):
            rows.append(Row(STORE, 0, None, done.said))
    except InspectorError as error:
        rows.append(Row(STORE, 0, None, f"not written anew: {error}"))
    try:
        if not retrieval.compact():
            rows.append(Row(VECTORS, 0, None, "they are their server's own, and hold no text"))
    except (InspectorError, sqlite3.Error) as error:
        store.owe(user, [COMPACT])
        said = str(error) if isinstance(error, InspectorError) else "Chroma's file is busy."
        rows.append(Row(VECTORS, 0, None, f"written anew later; they hold no text. {said}", True))
    after = settled(folder, words, user)
    return [*rows, *_rows(before, after)]


def _rows(before: Mapping[str, int], after: Mapping[str, int]) -> list[Row]:
    """Return a row for each of the two servers' folders, and one for all other files together."""
    sums: dict[str, tuple[int, int]] = {}
    for folder in {**before, **after}:
        name = f"files: {folder}" if f"files: {folder}" in IN_FILES else IN_FILES[-1]
        were, are = sums.get(name, (0, 0))
        sums[name] = were + before.get(folder, 0), are + after.get(folder, 0)
    known = [(name, *sums[name]) for name in IN_FILES if name in sums]
    return [Row(name, were, are, LINES if were or are else "") for name, were, are in known]
