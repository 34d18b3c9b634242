"""SemanticCollectionMemory: facts about the user, each by itself. Keeps them all, sends those most like the query.

    turn 1   human: I work at Acme in the ML team. I like tea.     facts: "The user works at Acme …", "… likes tea."
    turn 9   human: Where do I work?                               prompt: "The user works at Acme …" | query

A fact that is contradicted is updated: the newer statement holds, the older stands in its history. Costs one call of
the memory's model for each turn, or later, as its formation says, and an embedding for each fact and query.
Source: LangMem's concept of a semantic collection.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from memory.base import Services
from memory.longterm.facts import Fact
from memory.longterm.finding import found
from memory.longterm.manager import INSTRUCTIONS, MemoryManager, create_memory_manager
from memory.longterm.memory import LongTermMemory


class Memory(BaseModel):
    """Note one fact about the user or what matters to them."""

    model_config = ConfigDict(str_strip_whitespace=True)

    content: str = Field(min_length=1, max_length=2_000, description="the fact, as a sentence in the third person")
    importance: int = Field(5, ge=1, le=10, description="from 1, a trifle, to 10, what must not be forgotten")
    confidence: float = Field(1.0, ge=0.0, le=1.0, description="how sure it is that it holds, from 0 to 1")


class SemanticCollectionMemory(LongTermMemory):
    """Sends the facts about the user that are most like the query."""

    short = "collection"
    label = "Facts"
    place = 2
    folder = "facts"
    noun = "memory"
    keeps = "facts about you, across conversations"
    forgets = "what is no fact; all turns"
    costs = "one call of its own each turn, an embedding each fact"
    state_settings = ("instructions", "namespace")

    class Settings(LongTermMemory.Settings):
        k: int = Field(6, ge=0, le=100, description="How many facts are sent")

    @cached_property
    def manager(self) -> MemoryManager:
        return create_memory_manager([Memory], self.settings.instructions or INSTRUCTIONS)

    def _about(self, query: str, services: Services) -> Iterable[tuple[Fact, float | None, str]]:
        return found(services.items, self.namespace(services), query, self.settings.k, "facts")
