"""EpisodicMemory: what was tried in a situation and what came of it. Keeps episodes, sends those most like the query.

    turn 1   human: Explain binary trees.     ai: Think of a family tree …
    turn 2   human: That makes sense now!     episode: situation, thoughts, action and result of turns 1 and 2
    later    human: Explain linked lists.     prompt: the episode as an example | query

An episode is taken down when the user has said what came of it. Costs one call of the memory's model for each turn,
or later, as its formation says. Source: LangMem's concept of episodic memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from memory.base import Services
from memory.longterm.facts import Fact
from memory.longterm.finding import found
from memory.longterm.manager import MemoryManager, create_memory_manager
from memory.longterm.memory import LongTermMemory

INSTRUCTIONS = (
    "Reflect on the conversation and extract the episode that is worth repeating: a request of the user that was met "
    "so that the user says it worked. Note it in the words of somebody who learns from it; where nothing was achieved, "
    "there is no episode."
)


class Episode(BaseModel):
    """Note what was asked, how it was approached, what was done, and what came of it."""

    model_config = ConfigDict(str_strip_whitespace=True)

    observation: str = Field(min_length=1, max_length=1_000, description="the situation: what was asked and wanted")
    thoughts: str = Field("", max_length=1_000, description="the reasoning that led to what was done")
    action: str = Field(min_length=1, max_length=2_000, description="what was done, and how")
    result: str = Field(min_length=1, max_length=1_000, description="what came of it, and why it worked")


class EpisodicMemory(LongTermMemory):
    """Sends episodes like this situation as examples."""

    short = "episodic"
    label = "Episodes"
    place = 3
    folder = "episodes"
    noun = "episode"
    before = 1
    keeps = "what worked and how, across conversations"
    forgets = "what was not achieved; all turns"
    costs = "one call of its own each turn, an embedding each episode"
    state_settings = ("instructions", "namespace")

    class Settings(LongTermMemory.Settings):
        k: int = Field(2, ge=0, le=20, description="How many episodes are sent")

    @cached_property
    def manager(self) -> MemoryManager:
        return create_memory_manager([Episode], self.settings.instructions or INSTRUCTIONS, enable_updates=False)

    def _about(self, query: str, services: Services) -> Iterable[tuple[Fact, float | None, str]]:
        return found(services.items, self.namespace(services), query, self.settings.k, "episodes")
