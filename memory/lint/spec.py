"""LangChain's own classes by name, with their settings as Python writes them; nothing of a spec is ever run.

    >>> spec = classic_spec("classic:ConversationSummaryBufferMemory(max_token_limit=2000)")
    >>> spec.name, dict(spec.settings), spec.histories
    ('ConversationSummaryBufferMemory', {'max_token_limit': 2000}, ('Redis', 'in memory'))

`chat_memory=RedisChatMessageHistory()` or `chat_memory=InMemoryChatMessageHistory()` chooses one of the two histories.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from memory.base import Memory
from memory.errors import BadInput

PREFIX = "classic:"
HISTORIES = {"RedisChatMessageHistory": "Redis", "InMemoryChatMessageHistory": "in memory"}
_GIVEN = {"llm", "chat_memory", "retriever", "entity_store", "prompt", "input_key", "output_key", "summary_message_cls"}
_GIVEN |= {"entity_extraction_prompt", "entity_summarization_prompt", "exclude_input_keys"}
_KNOWN = {"buffer", "moving_summary_buffer", "entity_cache"}
"""What is handed in, and what a class writes down itself: neither is a setting here."""


@dataclass(frozen=True, slots=True)
class ClassicSpec:
    """A class of `langchain_classic.memory` with its settings, and the histories that it is tried over."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    histories: tuple[str, ...] = ("Redis", "in memory")

    @property
    def chats(self) -> bool:
        """Whether it keeps its messages in a chat history."""
        return "chat_memory" in self.cls.model_fields

    @property
    def cls(self) -> type[Any]:
        return classes()[self.name]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"


@cache
def classes() -> dict[str, type[Any]]:
    """Return the memories of LangChain that a conversation can be held with; the package takes a moment to load."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_classic import memory
        from langchain_classic.base_memory import BaseMemory
    found = {name: cls for name, cls in vars(memory).items() if inspect.isclass(cls) and issubclass(cls, BaseMemory)}
    # These two are made of other memories.
    return {name: cls for name, cls in found.items() if name not in ("CombinedMemory", "ReadOnlySharedMemory")}


def settings_of(name: str) -> list[str]:
    """Name the settings of a class that a spec may give."""
    return [
        name for name, info in classes()[name].model_fields.items() if name not in _GIVEN | _KNOWN and not info.exclude
    ]


def classic_spec(text: str) -> ClassicSpec:
    """Read `classic:Name(setting=value, …)`; raises BadInput that names the nearest known class or setting."""
    try:
        tree = ast.parse(text.removeprefix(PREFIX).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    called = tree if isinstance(tree, ast.Call) else None
    name_of = called.func if called else tree
    if not isinstance(name_of, ast.Name) or (called and (called.args or any(not one.arg for one in called.keywords))):
        raise BadInput(
            f"{text!r} cannot be read: write classic:Name(setting=value), such as "
            "'classic:ConversationTokenBufferMemory(max_token_limit=2000)'"
        )
    name = name_of.id
    if name not in classes():
        raise BadInput(f"LangChain has no memory {name!r}; {_nearest(name, list(classes()))}")
    settings: dict[str, Any] = {}
    histories: tuple[str, ...] = ("Redis", "in memory")
    for word in called.keywords if called else ():
        key = str(word.arg)
        if key == "chat_memory":
            histories = (_history(word.value),)
            continue
        if key not in settings_of(name):
            raise BadInput(f"{name} has no setting {key!r}; {_nearest(key, [*settings_of(name), 'chat_memory'])}")
        if key in settings:
            raise BadInput(f"{key} is given twice: give it once")
        try:
            settings[key] = ast.literal_eval(word.value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            raise BadInput(
                f"{name}: {key} is no plain value: write a number, a text in quotes, True or False"
            ) from None
    return ClassicSpec(name, settings, histories)


def twin(memory: Memory) -> ClassicSpec | None:
    """Return LangChain's own class of the same name with the settings that both have, None where there is none."""
    if memory.name not in classes():
        return None
    known = settings_of(memory.name)
    values = memory.settings.model_dump(mode="json")
    return ClassicSpec(memory.name, {key: value for key, value in values.items() if key in known and value is not None})


def _history(value: ast.expr) -> str:
    if isinstance(value, ast.Call):
        value = value.func
    name = value.id if isinstance(value, ast.Name) else ""
    if name not in HISTORIES:
        raise BadInput(f"chat_memory is one of {' and '.join(f'{name}()' for name in HISTORIES)}")
    return HISTORIES[name]


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known) or 'none'}"
