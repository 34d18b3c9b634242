"""Documents as forgetting reaches them: one goes with its text, its vectors and the copies of its passages in prompts.

    >>> rows, said = take_out_document(store, retrieval, user, document.id)
    >>> [(row.place, row.there, row.left) for row in rows]
    [('passages of its text', 12, 0), ('vectors', 12, 0), ('copies of them in prompts', 4, 0)]

What answers repeat of it stands in their conversations, which forget it when they are asked to.
"""

from __future__ import annotations

from memory.forgetting.owed import with_vectors
from memory.forgetting.receipt import Row
from memory.forgetting.remembered import take_out_copies
from memory.knowledge.document import Document
from memory.retrieval.index import Retrieval
from memory.store import Store


def every_document(store: Store, user: str) -> list[tuple[Document, str]]:
    """Return the documents of a user with their texts; raises StoreUnavailable."""
    shelf = store.shelf.documents
    found = []
    for document in shelf.listed(user):
        if content := shelf.contents(user, [document.id]).get(document.id):
            found.append((document, content.read.text))
    return found


def take_out_document(store: Store, retrieval: Retrieval, user: str, id: str) -> tuple[list[Row], list[str]]:
    """Remove a document and the copies of it in prompts; returns rows of the receipt and what it said."""
    shelf = store.shelf.documents
    document = next((one for one in shelf.listed(user) if one.id == id), None)
    content = shelf.contents(user, [id]).get(id)
    if document is None or content is None:
        return [], []
    shelf.delete(user, id)
    left = shelf.contents(user, [id]).get(id)
    rows = [Row("passages of its text", len(content.cuts), len(left.cuts) if left else 0)]
    rows.append(with_vectors(store, retrieval, user, document.place))
    rows += take_out_copies(store, user, [id])
    return rows, [document.name, content.read.text]
