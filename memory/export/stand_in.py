"""Models for exported tests: one says what was recorded, one sums up by naming what it was asked. Neither needs a key.

Their source is written into each exported test, so that it runs without this package.
"""

from __future__ import annotations

import hashlib
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult


class Recorded(BaseChatModel):
    """Says what was recorded, answer by answer; `seen` holds its prompts."""

    answers: list[Any]
    seen: list[Any]

    @property
    def _llm_type(self) -> str:
        return "recorded"

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        self.seen.append(messages)
        said = AIMessage(**self.answers.pop(0))
        return ChatResult(generations=[ChatGeneration(message=said)])


class Summarizer(BaseChatModel):
    """Sums up in a few words that depend on every letter of what it is asked."""

    @property
    def _llm_type(self) -> str:
        return "summarizer"

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        asked = repr([(message.type, message.text) for message in messages])
        name = hashlib.sha256(asked.encode()).hexdigest()[:8]
        said = AIMessage(f"Summary {name} of what the two of them said.")
        return ChatResult(generations=[ChatGeneration(message=said)])
