"""KnowledgeMemory: what the documents say that the user uploaded. Sends the passages that are most like the query.

    document gates.md, line 3   "The east gate opens at nine."
    turn 9                      human: When can I go in?      prompt: gates.md, line 3: "The east gate …" | query

It keeps nothing of a conversation and sends no turns: a combined memory puts the recent ones beside it. Documents are
read, cut and embedded when they are uploaded (`memory/knowledge/`); a turn costs the embedding of its query. Some
passages are always the best, however little they fit: their scores tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from memory.base import Item, LeftOut, Memory, Recall, Services, State, Turn
from memory.common.fit import note_item
from memory.errors import ModelFailed, StoreUnavailable
from memory.knowledge.known import Hit
from memory.tokens import count_tokens

NO_TURNS = "it sends passages of your documents, and no turns"


class KnowledgeMemory(Memory):
    """Sends passages of the user's documents."""

    short = "knowledge"
    label = "Documents"
    family = "long-term"
    place = 6
    scope = "user"
    keeps = "the documents you upload, across conversations"
    forgets = "all turns"
    costs = "k passages, an embedding of each query"
    settings: Any

    class Settings(Memory.Settings):
        k: int = Field(4, ge=0, le=50, description="How many passages are sent")

    @property
    def tail(self) -> int:
        return 0

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        k = self.settings.k
        try:
            hits = services.library.search(query, k) if k else []
        except (StoreUnavailable, ModelFailed) as error:
            services.failed(error)
            hits = []
        items: list[Item] = []
        rest, over = budget, 0
        for hit in hits:
            text, why = (
                quoted(hit),
                f"rank {hit.rank} of top {k} passages, {hit.passage.document.name} {hit.passage.where}",
            )
            size = count_tokens(text, services.encoding)
            if size > rest and (items or hit is not hits[0]):
                over += 1
                continue
            # Where not even the best fits it is cut and not silently lost.
            item = note_item(hit.passage.ref, text, why, rest, services.encoding, size)
            if item:
                items.append(_scored(item, hit))
                rest -= item.tokens
        why = f"{NO_TURNS}; {over:,} passages were over the budget of {budget:,} tokens" if over else NO_TURNS
        left = (LeftOut((0, len(transcript)), why),) if len(transcript) else ()
        return Recall(tuple(items), left)


def quoted(hit: Hit) -> str:
    """Write a passage as it is sent: behind its file and place, its further lines indented, so that none can pose."""
    lines = [line.rstrip() for line in hit.passage.text.strip().splitlines()]
    return f"{hit.passage.document.name}, {hit.passage.where}: " + "\n    ".join(line for line in lines if line)


def _scored(item: Item, hit: Hit) -> Item:
    parts = {"lexical": hit.lexical} | ({} if hit.dense is None else {"dense": hit.dense})
    return replace(item, score=hit.fused, parts=parts)
