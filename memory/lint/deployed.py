"""LangChain's classes as people deploy them: over a Redis history or one in memory, with a chat model as their llm.

>>> deployed = Deployed(spec, "Redis", server.connection.client, watch.over(model), embedding)
>>> memory = deployed.memory("session-1")
>>> memory.save_context({"input": "I am Alex."}, {"output": "Hello Alex."})
>>> texts(memory.load_memory_variables({"input": "Who am I?"}))
['I am Alex.', 'Hello Alex.']

A class that searches is given LangChain's own in-process vector store. Messages are returned as messages, as chat
models want them, unless a spec says return_messages=False.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.chat_history import BaseChatMessageHistory, InMemoryChatMessageHistory
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, SystemMessage
from langchain_core.vectorstores import InMemoryVectorStore
from pydantic import ValidationError

from memory.errors import BadInput
from memory.lint.bench import message_tokens
from memory.lint.history import RedisChatMessageHistory
from memory.lint.spec import ClassicSpec
from memory.retrieval.embeddings import Embedding, embedding


class Deployed:
    """One class with its settings, made anew for each session; what a session keeps outlives the object.

    `history` is "Redis" or "in memory"; `client` is needed for the first.
    """

    def __init__(
        self, spec: ClassicSpec, history: str, client: Any, llm: BaseChatModel, searching: Embedding | None = None
    ) -> None:
        self.spec, self.history, self._client, self._llm = spec, history, client, llm
        self._embedding = searching or embedding("hashing")
        self._stores: dict[str, InMemoryVectorStore] = {}

    def memory(self, session: str) -> Any:
        """Make the class for a session; raises BadInput for a setting that it refuses."""
        fields = self.spec.cls.model_fields
        given: dict[str, Any] = {"return_messages": True} if "return_messages" in fields and self.spec.chats else {}
        given |= self.spec.settings
        if self.spec.chats:
            given["chat_memory"] = self.messages(session)
        if "llm" in fields:
            given["llm"] = self._llm
        if "retriever" in fields:
            given["retriever"] = self.vectors(session).as_retriever()
        try:
            with warnings.catch_warnings():
                # It says of each class that it is deprecated; that is what is being looked at.
                warnings.simplefilter("ignore")
                return self.spec.cls(**given)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise BadInput(f"{self.spec.name}: {place}: {first['msg'].rstrip('.')}") from None

    def messages(self, session: str) -> BaseChatMessageHistory:
        """Open the history of a session; one in memory begins empty each time, as in a new process."""
        if self.history == "Redis":
            return RedisChatMessageHistory(session, self._client)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return InMemoryChatMessageHistory()

    def vectors(self, session: str) -> InMemoryVectorStore:
        """Return the vector store of a session, the same each time: it stands for one that is kept."""
        return self._stores.setdefault(session, InMemoryVectorStore(self._embedding))

    def kept(self, memory: Any, session: str) -> str:
        """Return all that a memory holds of a session, in its history, its vectors and its own object, as one text."""
        parts = [state_of(memory)]
        if self.spec.chats:
            parts += [message.text for message in memory.chat_memory.messages]
        if session in self._stores:
            parts += [str(row["text"]) for row in self._stores[session].store.values()]
        return "\n".join(parts)


def state_of(memory: Any) -> str:
    """Write what a memory has noted in its own object: summaries, entities; without its history."""
    fields: dict[str, Any] = {name: getattr(memory, name) for name in type(memory).model_fields}
    noted = {name: value for name, value in fields.items() if isinstance(value, str | int | list | dict)}
    store = getattr(fields.get("entity_store"), "store", None)
    return json.dumps({**noted, **({"entities": store} if store is not None else {})}, default=str, indent=1)


def messages_of(values: Mapping[str, Any]) -> list[BaseMessage]:
    """Return what would be sent of the variables of a memory, each text as a message of the system's."""
    found: list[BaseMessage] = []
    for value in values.values():
        rows: Iterable[Any] = value if isinstance(value, list | tuple) else [value]
        if isinstance(value, dict):
            rows = [f"{name}: {text}" for name, text in value.items()]
        for row in rows:
            if isinstance(row, BaseMessage):
                found.append(row)
            else:
                text = row.page_content if isinstance(row, Document) else str(row)
                found += [SystemMessage(text)] if text else []
    return found


def texts(values: Mapping[str, Any]) -> list[str]:
    """Return the texts that would be sent, in their order, without the time of day that a class puts into them."""
    return [_CLOCK.sub("--:--", message.text) for message in messages_of(values) if message.text]


_CLOCK = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?: [AP]M)?")


def spoken(messages: Iterable[BaseMessage]) -> int:
    """Count the messages of the conversation among those that are sent; in one text each line of a speaker is one."""
    count = 0
    for message in messages:
        lines = message.text.splitlines()
        count += (
            sum(line.startswith(("Human: ", "AI: ")) for line in lines) if isinstance(message, SystemMessage) else 1
        )
    return count


def tokens_of(messages: Iterable[BaseMessage], encoding: str) -> int:
    """Count what is sent."""
    return sum(message_tokens(message, encoding) for message in messages)
