"""LastInputClassicMemory: the last human message once more, written in LangChain's old form; compare `last_input.py`.

    turn 1   human: My name is Sarah.     turn 2   human: I like books.
    turn 3   human: What do I like?       prompt: "I like books." | What do I like?

The three methods are all that such a class has: it returns a text, and says neither where that comes from nor why the
rest is not there.
"""

from typing import Any

from langchain_classic.base_memory import BaseMemory
from pydantic import PrivateAttr


class LastInputClassicMemory(BaseMemory):
    """Remembers the last message of the user."""

    memory_key: str = "last_input"
    _last: str = PrivateAttr("")

    @property
    def memory_variables(self) -> list[str]:
        return [self.memory_key]

    def load_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {self.memory_key: self._last}

    def save_context(self, inputs: dict[str, Any], outputs: dict[str, str]) -> None:
        self._last = inputs["input"]

    def clear(self) -> None:
        self._last = ""
