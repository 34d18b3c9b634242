"""Writes Chroma's embedded files anew: what was deleted stays in them until somebody does.

    >>> compact(data_folder() / "chroma")
    2

Chroma 1.5.9 keeps a deleted row's vector in its queue and in free pages of its file, and the folder of a deleted
collection for ever. The process that holds the folder calls this; Chroma may stay open. A queue's newest row is never
taken away, since Chroma would give its number again and pass over what comes under it.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

_FOLDER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DELETE = 3
"""The number of a deletion among the operations of Chroma's queue."""
_QUEUED = f"""DELETE FROM embeddings_queue WHERE operation != {_DELETE} AND EXISTS (
    SELECT 1 FROM embeddings_queue AS later WHERE later.id = embeddings_queue.id AND later.operation = {_DELETE}
    AND later.seq_id > embeddings_queue.seq_id AND later.seq_id <= (SELECT max(seq_id) FROM max_seq_id))"""


def compact(folder: Path, patience: float = 5.0) -> int:
    """Write the file anew and remove folders that are no collection's; return how many those were.

    Raises sqlite3.Error where the file stays busy for `patience` seconds.
    """
    file = folder / "chroma.sqlite3"
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file, timeout=patience, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = ON")
        db.execute(_QUEUED)
        db.execute("VACUUM")
        known = {str(id) for (id,) in db.execute("SELECT id FROM segments")}
    orphans = [path for path in folder.iterdir() if _FOLDER.fullmatch(path.name) and path.name not in known]
    for path in orphans:
        shutil.rmtree(path, ignore_errors=True)
    return len(orphans)
