"""What an embedding costs.

>>> embedding_call(embedding("hashing"), ["I live in Oslo."], 0.001).cost
Decimal('0')
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from memory.money.prices import Usage, price
from memory.retrieval.embeddings import Embedding
from memory.tokens import count_tokens
from memory.trace import Call


class Once:
    """A record of embeddings in which a text that was paid for is not paid for again; of one turn or one run."""

    def __init__(self, record: Callable[[Call], None]) -> None:
        self._record = record
        self._seen: set[tuple[str, str]] = set()

    def __call__(self, call: Call) -> None:
        self._record(call)

    def new(self, model: Embedding, texts: Sequence[str]) -> list[str]:
        """Return the texts that no vector was made of yet, and note that one is now."""
        found = [text for text in dict.fromkeys(texts) if (model.name, text) not in self._seen]
        self._seen.update((model.name, text) for text in found)
        return found


def embedded(model: Embedding, texts: Sequence[str], record: Callable[[Call], None]) -> Any:
    """Return the vectors of texts and tell `record` what they cost; raises ModelFailed."""
    start = time.monotonic()
    rows = model.embed(texts)
    # The embedding keeps the vectors of few texts itself: a query that several parts search by is sent once.
    if asked := record.new(model, texts) if isinstance(record, Once) else texts:
        record(embedding_call(model, asked, time.monotonic() - start))
    return rows


def embedding_call(model: Embedding, texts: Sequence[str], seconds: float) -> Call:
    """Make the record of texts that were embedded in so many seconds."""
    size = sum(count_tokens(text) for text in texts)
    worth = price(model.priced_as, Usage(input=size, output=0)) if model.priced_as else None
    # What runs in this process costs nothing; a price that is not known stays unknown.
    cost = (worth.total if worth else None) if model.priced_as else Decimal(0)
    return Call(
        "embedding",
        model.name,
        size,
        0,
        estimate=size,
        cost=cost,
        priced_as=model.priced_as or "",
        seconds=round(seconds, 4),
        cost_uncached=cost,
    )
