"""LangChain's chat history over Redis, as people deploy it, on a client that is handed in.

    >>> history = RedisChatMessageHistory("session-1", client)
    >>> ConversationTokenBufferMemory(llm=llm, chat_memory=history, max_token_limit=2000)

It is `langchain_community.chat_message_histories.RedisChatMessageHistory` 0.4.2 in all that reaches Redis: the key, one
LPUSH of the same JSON for each message, the newest first, the whole list read each time. A test compares the two byte
for byte. It is written again since that package is no longer maintained, warns of it at its import, and would bring
some 35 MB with aiohttp along for these lines.
"""

from __future__ import annotations

import json
from typing import Any

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict


class RedisChatMessageHistory(BaseChatMessageHistory):
    """The messages of one session, in a Redis list; `fetched` counts those that were read from it."""

    def __init__(self, session_id: str, client: Any, key_prefix: str = "message_store:") -> None:
        self.redis_client, self.session_id, self.key_prefix = client, session_id, key_prefix
        self.fetched = 0

    @property
    def key(self) -> str:
        """The name of the list."""
        return self.key_prefix + self.session_id

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """Read the whole list; what is done to it afterwards is done to a copy."""
        items = self.redis_client.lrange(self.key, 0, -1)
        self.fetched += len(items)
        return messages_from_dict([json.loads(item.decode("utf-8")) for item in items[::-1]])

    def add_message(self, message: BaseMessage) -> None:
        """Add one message."""
        self.redis_client.lpush(self.key, json.dumps(message_to_dict(message)))

    def clear(self) -> None:
        """Remove the list."""
        self.redis_client.delete(self.key)
