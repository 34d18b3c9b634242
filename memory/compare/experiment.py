"""What is compared with what: a live conversation in several columns, or recorded ones through several memories.

    >>> columns = Column("ConversationBufferWindowMemory", {"k": 3}), Column("ConversationBufferMemory")
    >>> Experiment("e1", "Trip to Paris", "replay", columns).columns[0].spec
    'ConversationBufferWindowMemory:k=3'

A record of this kind holds no conversation: a live column names the thread that it is, a replayed experiment's
recordings and results stand beside it in the store (`keeping.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from memory.base import Memory
from memory.catalog import load

if TYPE_CHECKING:
    from memory.services import Models

LEAST_COLUMNS, MOST_COLUMNS = 2, 6
"""How many columns a live comparison has; a replayed one has at most MOST_RUNS memories and settings."""
MOST_RUNS = 40
LETTERS = "ABCDEF"

Kind = Literal["live", "replay"]
Status = Literal["new", "running", "stopped", "failed", "done"]


@dataclass(frozen=True, slots=True)
class Column:
    """A memory by the catalogue's name, with the settings that differ from its defaults.

    `model` answers in this column instead of the experiment's; `thread` is the conversation of a live column.
    """

    memory: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    thread: str = ""

    @classmethod
    def of(cls, memory: Memory, model: str = "", thread: str = "") -> Column:
        """Make the column of a memory as it is set."""
        usual = type(memory)().settings.model_dump(mode="json")
        set_to = memory.settings.model_dump(mode="json")
        return cls(memory.name, {name: value for name, value in set_to.items() if value != usual[name]}, model, thread)

    def open(self) -> Memory:
        """Make the memory; raises BadInput where it or a setting is not known (any more)."""
        return load().make(self.memory, dict(self.settings))

    def models(self, usual: Models) -> Models:
        """Return the experiment's models, with the column's own to answer where it has one."""
        return replace(usual, chat=self.model) if self.model else usual

    @property
    def spec(self) -> str:
        """Write it as the command line has it."""
        values = (f"{name}={_value(value)}" for name, value in self.settings.items())
        return f"{self.memory}:{','.join(values)}".rstrip(":")


@dataclass(frozen=True, slots=True)
class Source:
    """Where recordings came from: a shipped scenario, a file or a conversation of the chat, by its name or title."""

    kind: Literal["scenario", "file", "thread"]
    name: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A recording of an experiment, without its words."""

    id: str
    title: str
    turns: int
    messages: int
    questions: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """One setting of a memory over several values: its columns are those from `first` up to, not including, `end`."""

    setting: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is compared, with which models, and how far it is. Times are seconds since the epoch.

    `model` answers, `memory_model` ("": the same) is for the memories' own calls, all is counted and priced as
    `price_as`. `embedding` is the one that is searched with (""; the app's own). `budget` is the most tokens that a
    memory may send. `answer` asks the model the questions as well. `error` says why it failed. `facts` are for messages
    of a live comparison, by their rounds, the rounds that hold what is asked for ("": none), where somebody chose them.
    """

    id: str
    title: str
    kind: Kind
    columns: tuple[Column, ...]
    created: float = 0.0
    updated: float = 0.0
    source: Source | None = None
    conversations: tuple[Listed, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    model: str = "demo"
    memory_model: str = "demo"
    price_as: str = "openai:gpt-5-mini"
    embedding: str = ""
    budget: int | None = None
    answer: bool = False
    status: Status = "new"
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


EXPERIMENT: TypeAdapter[Experiment] = TypeAdapter(Experiment)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
