"""What a memory may use where a turn that is over is looked at again: nothing that costs.

>>> services = FreeServices.at(trace, user, retrieval)
>>> memory.read(state, past, query, services, trace.budget).items      # what it would have sent
>>> services.told                                                      # and what is otherwise than it was
()
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel

from memory.base import Search, Turn
from memory.errors import BadInput
from memory.longterm.shelf import Shelf
from memory.pictures.sight import Pictures
from memory.retrieval.index import Retrieval
from memory.retrieval.ranking import Ranking, Space
from memory.services import ModelServices
from memory.trace import Trace


class FreeServices(ModelServices):
    """Services for looking back, which ask no model: what would have been must cost nothing.

    `told` says what is therefore shown otherwise than it was.
    """

    told: tuple[str, ...] = ()

    @classmethod
    def at(cls, trace: Trace, user: str, retrieval: Retrieval | None, shelf: Shelf | None = None) -> FreeServices:
        """Return the services as they were in the turn of a trace; on the `shelf` is what is remembered by now."""
        services = cls(_no_model, "demo", "", trace.encoding, user=user, retrieval=retrieval, shelf=shelf)
        services.now = trace.at
        services.pictures = Pictures(trace.model or "demo")
        return services

    def ask(
        self, messages: Sequence[BaseMessage], purpose: str, max_tokens: int, tools: Sequence[type[BaseModel]] = ()
    ) -> AIMessage:
        raise BadInput("What would have been is asked without a model; this memory needs one.")

    def rank(self, transcript: Sequence[Turn], query: str, search: Search | None = None) -> Ranking:
        if self._retrieval.free(query, search):
            return super().rank(transcript, query, search)
        self.told = ("Looking back asks no paid model: here the turns are compared by their words alone.",)
        return super().rank(transcript, query, "lexical")

    def space(self, transcript: Sequence[Turn], query: str) -> Space | None:
        return super().space(transcript, query) if self._retrieval.free(query, "dense") else None

    def failed(self, error: Exception) -> None:
        raise error


def _no_model() -> BaseChatModel:
    raise BadInput("No model is asked for what has been.")
