"""Runs a memory written in LangChain's old form, a subclass of `langchain_classic.base_memory.BaseMemory`.

Such a class keeps its state in its own object and says neither where a text comes from nor how long it may be.
So it is rebuilt for each read by replaying `save_context` over the transcript (a turn costs O(turns)), and what
it cannot say is shown as "not known". What it returns still never exceeds the budget.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import Field, create_model
from pydantic_core import PydanticUndefined

from memory.base import Item, LeftOut, Memory, Recall, Services, State, Turn
from memory.common.fit import note_item
from memory.tokens import count_tokens


class ClassicMemory(Memory):
    """The base that `adapt` subclasses; `classic` is the class in LangChain's old form."""

    classic: type[Any]
    family = "custom"
    forgets = "not known: it does not say"
    costs = "not known: it does not say"
    caveat = "Written in LangChain's old form: what it left out, and why, is not known."

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        memory = self.classic(**self.settings.model_dump())
        for turn in transcript:
            memory.save_context({"input": _one_speaker(turn.human)}, {"output": _one_speaker(turn.ai)})
        items: list[Item] = []
        for variable, value in memory.load_memory_variables({"input": query}).items():
            text = _text(value)
            rest = budget - sum(item.tokens for item in items)
            item = note_item(
                f"{variable}:1",
                text,
                "not known: the class does not say",
                rest,
                services.encoding,
                count_tokens(text, services.encoding),
            )
            items += [item] if item else []
        length = len(transcript)
        return Recall(tuple(items), (LeftOut((0, length), "not known: the class does not say"),) if length else ())


def adapt(classic: type[Any]) -> type[ClassicMemory]:
    """Make a catalogue entry of a class in LangChain's old form; its plain fields with defaults become settings."""
    plain = {
        name: (info.annotation, Field(info.default, description=info.description or name))
        for name, info in classic.model_fields.items()
        if info.annotation in (int, float, str, bool) and info.default is not PydanticUndefined
    }
    lacking = [name for name, info in classic.model_fields.items() if info.is_required()]
    if lacking:
        raise TypeError(f"{classic.__name__} needs {', '.join(lacking)}, which has no default")
    settings: Any = create_model("Settings", __base__=Memory.Settings, **plain)  # type: ignore[call-overload]
    text = (classic.__doc__ or classic.__name__).strip().splitlines()[0].rstrip(".")
    return type(
        classic.__name__,
        (ClassicMemory,),
        {
            "classic": classic,
            "Settings": settings,
            "short": classic.__name__.lower(),
            "label": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", classic.__name__.removesuffix("Memory")).capitalize(),
            "keeps": f"notes of its own ({text[:1].lower()}{text[1:]})",
            "__doc__": classic.__doc__,
            "__module__": classic.__module__,
        },
    )


def _one_speaker(text: str) -> str:
    """Indent a message's further lines, so that none can pose as a speaker in a text that such a class makes of it."""
    return "\n    ".join(text.splitlines())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, BaseMessage):
        return f"{value.type.capitalize()}: {value.text}"  # its lines were indented when it was saved
    if isinstance(value, list | tuple):
        return "\n".join(_text(part) for part in value)
    return str(getattr(value, "page_content", value))
