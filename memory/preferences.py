"""What a user chose once and finds again: models, prices, instructions, budget, the memory used last.

    >>> Preferences(model="openai:gpt-5-mini", budget=4000).save(store, user)
    >>> Preferences.load(store, user).budget
    4000

A key is never among them. What an older or newer version saved and this one does not understand is left out, so that
a setting gone wrong costs that setting and not the page.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from langchain_core.language_models import BaseChatModel
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from memory.errors import BadInput
from memory.longterm.namespace import LONGEST_LABEL, checked_label
from memory.models import provider_of
from memory.services import Models
from memory.store import Store
from memory.tokens import BUILT_IN

INSTRUCTIONS = "You are a helpful assistant. Answer briefly."
LONGEST_INSTRUCTIONS = 20_000
LARGEST_BUDGET = 10_000_000

_HALVES = re.compile("[\ud800-\udfff]")


def _name(text: str) -> str:
    text = text.strip()
    if not text.isprintable() or _HALVES.search(text):
        raise ValueError("must be one line of ordinary characters")
    return text


def _text(text: str) -> str:
    return _HALVES.sub("\ufffd", text)


def _label(text: str) -> str:
    try:
        return checked_label(text)
    except BadInput:
        raise ValueError(f"may hold no dot, no slash, no braces and {LONGEST_LABEL} characters at most") from None


def _chosen(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


Name = Annotated[str, Field(max_length=200), AfterValidator(_name)]
Label = Annotated[str, AfterValidator(_label)]
Chosen = Annotated[Name, AfterValidator(_chosen)]


def default_model() -> str:
    """The model of whoever has chosen none: MODEL, else the demo model."""
    return os.environ.get("MODEL", "").strip() or "demo"


class Preferences(BaseModel):
    """A user's settings; `budget` is the most tokens a memory may put into a prompt, None for the model's window.

    `memory` and `settings` are those chosen last: a new thread begins with them. `maintenance` says how what is
    remembered is looked after in the background: not, by rules that cost nothing, or with the memory's model.
    `pictures` says of models by name whether they take pictures, where the user has said so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Chosen = Field(default_factory=default_model)
    memory_model: Name = ""
    price_as: Chosen = "openai:gpt-5-mini"
    instructions: Annotated[str, Field(max_length=LONGEST_INSTRUCTIONS), AfterValidator(_text)] = INSTRUCTIONS
    budget: Annotated[int, Field(strict=True, ge=0, le=LARGEST_BUDGET)] | None = None
    organisation: Label = ""
    application: Label = ""
    memory: Chosen = "ConversationBufferWindowMemory"
    settings: dict[str, Any] = Field(default_factory=dict)
    maintenance: Literal["off", "rules", "model"] = "rules"
    pictures: Annotated[dict[Name, bool], Field(max_length=100)] = Field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        """What fills the variables of a namespace: {org} and {app}."""
        return {"org": self.organisation, "app": self.application}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Preferences:
        """Read what was saved, leaving out what is unknown or no longer valid."""
        known = {name: value for name, value in kept.items() if name in cls.model_fields}
        try:
            return cls(**known)
        except ValidationError as error:
            wrong = {first["loc"][0] for first in error.errors(include_url=False)}
            return cls(**{name: value for name, value in known.items() if name not in wrong})

    @classmethod
    def load(cls, store: Store, user: str) -> Preferences:
        return cls.of(store.settings(user))

    def save(self, store: Store, user: str) -> None:
        store.put_settings(user, self.changed())

    def changed(self) -> dict[str, Any]:
        """Return what differs from the defaults; the rest follows the operator's MODEL and later versions."""
        usual = Preferences().model_dump(mode="json")
        return {name: value for name, value in self.model_dump(mode="json").items() if value != usual[name]}

    def but(self, **changes: Any) -> Preferences:
        """Return a changed copy; raises BadInput that names the setting that cannot be so."""
        try:
            return Preferences(**{**self.model_dump(), **changes})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            said = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
            said = said.removeprefix("String ").rstrip(".")
            label = _LABELS.get(str(first["loc"][0]), str(first["loc"][0]))
            raise BadInput(f"{label} {said}: correct it there; nothing was saved.") from None

    def models(self, key: str | None = None, delay: float = 0.0) -> Models:
        """Return the models that speak; `key` is for the chat model's provider, and no other is shown it."""
        own, chat = provider_of(self.memory_model or self.model), provider_of(self.model)
        made = Models if own == chat or {own, chat} & set(BUILT_IN) else _KeyForChatAlone
        return made(self.model, self.memory_model, self.price_as, key, delay, self.pictures)


_LABELS = {
    "model": "The model",
    "memory_model": "The memory's model",
    "price_as": "The price model",
    "instructions": "The system prompt",
    "budget": "The budget",
    "memory": "The memory",
    "settings": "The memory's settings",
    "organisation": "The organisation",
    "application": "The application",
    "pictures": "Which models take pictures",
    "maintenance": "The maintenance of what is remembered",
}


@dataclass(frozen=True)
class _KeyForChatAlone(Models):
    """Models of two providers: the memory's takes its key from the environment."""

    def open_memory(self) -> BaseChatModel:
        return Models(self.chat, self.memory, self.price_as, None, self.delay).open_memory()
