"""SemanticProfileMemory: one document of who the user is. Keeps what holds now, forgets all that was said around it.

    turn 1   human: My name is Alex and I prefer dark mode.     profile: name Alex, preferred mode dark mode
    turn 9   human: What is my name?                            prompt: "The user's name is Alex. …" | query

Updated and never duplicated: a field has one value, the newest, with the turn that it came from; what it was before
stands in the history. Costs one call of the memory's model for each turn, or later, as its formation says.
Source: LangMem's concept of a semantic profile.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from memory.base import Services
from memory.longterm.facts import Fact
from memory.longterm.manager import MemoryManager, create_memory_manager
from memory.longterm.memory import LongTermMemory

INSTRUCTIONS = (
    "Keep a profile of the user: what the new lines of a conversation tell of who they are and what they prefer. What "
    "the assistant says is told of the user only where the user agrees."
)

_LANGUAGE = (
    "language the user writes code in, such as Python, JavaScript, TypeScript, Java, Kotlin, Swift, Rust, Go, Ruby, "
    "PHP, SQL, C++, C# or C"
)


class UserProfile(BaseModel):
    """Note what the new lines tell of the user."""

    model_config = ConfigDict(str_strip_whitespace=True)

    name: str | None = Field(None, max_length=200, description="the user's name")
    age: int | None = Field(None, ge=0, le=150, description="the user's age in years")
    home: str | None = Field(None, max_length=200, description="city or place where the user lives")
    occupation: str | None = Field(None, max_length=200, description="what the user works as")
    employer: str | None = Field(None, max_length=200, description="company where the user works")
    preferred_mode: str | None = Field(
        None, max_length=200, description="how the user wants screens to look, such as dark mode or light mode"
    )
    editor: str | None = Field(
        None,
        max_length=200,
        description="editor that the user uses, such as vim, emacs, nano, VS Code, PyCharm or IntelliJ",
    )
    programming_language: str | None = Field(None, max_length=200, description=_LANGUAGE)
    likes: list[str] = Field(default_factory=list, max_length=20, description="what the user likes")
    dislikes: list[str] = Field(default_factory=list, max_length=20, description="what the user dislikes")
    goals: list[str] = Field(default_factory=list, max_length=20, description="what the user wants or plans")


class SemanticProfileMemory(LongTermMemory):
    """Sends the profile of what is known of the user."""

    short = "profile"
    label = "Profile"
    place = 1
    folder = "profile"
    noun = "profile"
    keeps = "one document of who you are, across conversations"
    forgets = "what is in no field of it; all turns"
    costs = "one call of its own each turn"
    state_settings = ("instructions", "namespace")

    class Settings(LongTermMemory.Settings):
        pass

    @cached_property
    def manager(self) -> MemoryManager:
        return create_memory_manager([UserProfile], self.settings.instructions or INSTRUCTIONS, profile=True)

    def _about(self, query: str, services: Services) -> Iterable[tuple[Fact, float | None, str]]:
        return [(fact, None, "the profile of what is known of you") for fact in self.facts(services).values()][:1]

    def worded_fact(self, fact: Fact) -> str:
        """Write the profile as sentences, one for each field that is filled."""
        filled = {name: value for name, value in fact.content.items() if value not in (None, "", [], {})}
        return " ".join(f"{_said(name.replace('_', ' '), value)}." for name, value in filled.items())


_SAID = {
    "age": "is {} years old",
    "home": "lives in {}",
    "employer": "works at {}",
    "likes": "likes {}",
    "dislikes": "dislikes {}",
}
"""What is said of the user by a field that is more than a noun."""


def _said(name: str, value: Any) -> str:
    values = [" ".join(str(one).split()).rstrip(".") for one in (value if isinstance(value, list | tuple) else [value])]
    *before, last = values
    said = f"{', '.join(before)} and {last}" if before else last
    if name in _SAID:
        return f"The user {_SAID[name].format(said)}"
    if name == "goals" and said.startswith("to "):
        return f"The user wants {said}"
    name = "goal" if name == "goals" and not before else name
    return f"The user's {name} {'are' if before else 'is'} {said}"
