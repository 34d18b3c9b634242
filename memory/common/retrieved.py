"""What the memories that search have in common: how they search, how turns are taken in, what is drawn of them.

turn 40   prompt: quoted turn 3 (rank 1, score 0.71) | query        drawn: the scores, the vectors as a map
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from memory.base import Memory, Recall, Search, Services, State, Turn
from memory.errors import InspectorError
from memory.retrieval.view import map_of, scores_of
from memory.views import Form, View

Searched = Annotated[
    Search | None,
    Field(description="By words, by meaning or both (empty: both where a real embedding is there, else words)"),
]
"""The setting `search` of every memory that searches."""


class RetrievedMemory(Memory):
    """Sends earlier turns that are like the query."""

    family = "retrieved"
    costs = "the budget; an embedding of each turn where it searches by meaning"
    stateful = True
    state_settings: ClassVar[tuple[str, ...]] = ("search",)
    settings: Any  # with `search`

    @property
    def retrieves(self) -> bool:
        return True

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        """Give every turn its vector that has none; where that fails the state stays and the next write catches up.

        Also where the state covers them all: of a thread that was forked or restored the vectors are not there.
        """
        try:
            services.take_in(transcript, self.settings.search)
        except InspectorError as error:
            services.failed(error)
            return state
        return state if state.covered == len(transcript) else replace(state, covered=len(transcript))

    def view(self, state: State, recall: Recall, transcript: Sequence[Turn], query: str, services: Services) -> View:
        # Its notes are no text to be read.
        view = super().view(State(), recall, transcript, query, services)
        return replace(view, forms=tuple(form for form in self._forms(recall, transcript, query, services) if form))

    def _forms(
        self, recall: Recall, transcript: Sequence[Turn], query: str, services: Services
    ) -> Iterable[Form | None]:
        """Return what is drawn beside the strip of turns; by default the scores and the map of the vectors."""
        return scores_of(recall), map_of(recall, services.space(transcript, query))
