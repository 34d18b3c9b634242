"""The echo model: it answers with the last human message of its prompt, to see what a prompt comes to without a model.

>>> EchoChatModel().invoke([("human", "I live in Oslo."), ("ai", "Nice."), ("human", "Where do I live?")]).content
'Where do I live?'

It takes no tools: a memory that fills in forms needs another model, and says so.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel, generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from memory.tokens import count_tokens


class EchoChatModel(BaseChatModel):
    """A chat model that says again what was said to it; `delay` is in seconds per streamed word."""

    model_name: str = "echo"
    delay: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "echo"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        said = next((message.text for message in reversed(messages) if isinstance(message, HumanMessage)), "")
        for end in stop or ():
            said = said.split(end, 1)[0] if end else said
        read, wrote = sum(count_tokens(message.text) for message in messages), count_tokens(said)
        usage = UsageMetadata(input_tokens=read, output_tokens=wrote, total_tokens=read + wrote)
        named = {"model_name": "echo", "model_provider": "echo", "finish_reason": "stop"}
        last = AIMessageChunk(content="", usage_metadata=usage, response_metadata=named, chunk_position="last")
        for part in [*(AIMessageChunk(content=word) for word in re.findall(r"\S+\s*|^\s+", said)), last]:
            chunk = ChatGenerationChunk(message=part)
            if run_manager:
                run_manager.on_llm_new_token(part.text, chunk=chunk)
            yield chunk
            if self.delay and part.content:
                time.sleep(self.delay)
