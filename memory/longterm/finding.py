"""Finds what of a namespace is most like a query.

>>> [(fact.text, why) for fact, score, why in found(store, ("facts",), "Where do I work?", 2, "facts")]
[('The user works at Acme.', 'rank 1 of top 2 facts'), ('The user likes tea.', 'rank 2 of top 2 facts')]
"""

from __future__ import annotations

from memory.longterm.base_store import UserStore
from memory.longterm.facts import Fact, from_row
from memory.longterm.rows import Row


def found(
    store: UserStore, namespace: tuple[str, ...], query: str, k: int, of: str
) -> list[tuple[Fact, float | None, str]]:
    """Return the `k` facts that are most like a query, each with its score and rank; raises StoreUnavailable."""
    if k == 0:
        return []
    facts: list[tuple[Fact, float | None, str]] = []
    for item in store.search(namespace, query=query or None, limit=4 * k):
        times = item.created_at.timestamp(), item.updated_at.timestamp()
        fact = from_row(Row(item.namespace, item.key, item.value, *times)) if item.namespace == namespace else None
        if fact and len(facts) < k:
            facts.append((fact, item.score, f"rank {len(facts) + 1} of top {k} {of}"))
    return facts
