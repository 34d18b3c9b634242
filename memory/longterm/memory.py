"""What the memories across conversations share: facts in the user's namespace, formed out of turns, found by a query.

    turn 1, another conversation   human: I work at Acme in the ML team.
    turn 9                         human: Where do I work?      prompt: "The user works at Acme in the ML team." | query

They send no turns: a combined memory puts the recent ones beside them. The facts are the user's and not a thread's; a
thread's state says only how many of its turns are in them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

from langchain_core.tools import BaseTool
from pydantic import Field, field_validator

from memory.base import Item, LeftOut, Memory, Recall, Services, State, Turn
from memory.common.fit import note_item
from memory.errors import BadInput, ModelFailed, StoreUnavailable
from memory.longterm.facts import Fact
from memory.longterm.manager import Change, MemoryManager
from memory.longterm.namespace import NamespaceTemplate
from memory.longterm.taking_in import by_model, facts_of, take_in
from memory.longterm.tools import asked_for, memory_tools
from memory.tokens import count_tokens

Formation = Literal["turn", "background", "active"]

NO_TURNS = "it sends what it knows of you, and no turns"


class LongTermMemory(Memory):
    """Sends what is remembered of the user, whichever conversation it was said in."""

    family = "long-term"
    stateful = True
    scope = "user"
    folder: str
    """The last label of the namespace in which its facts are."""
    noun: str
    """What one of its facts is called in the names of its tools."""
    before = 0
    """How many turns before the new one the model sees with it."""
    settings: Any

    class Settings(Memory.Settings):
        instructions: str = Field("", max_length=4_000, description="What is to be remembered, in your words")
        formation: Formation = Field("turn", description="When facts are formed: at each turn, later, or by the model")
        namespace: str = Field(
            "", max_length=200, description="Labels that keep facts apart: acme/support, or {org}/{app} as Settings say"
        )

        @field_validator("namespace")
        @classmethod
        def _template(cls, text: str) -> str:
            try:
                NamespaceTemplate(text)
            except BadInput as error:
                raise ValueError(str(error)) from None
            return text

    @property
    def formation(self) -> str:
        return str(self.settings.formation)

    @property
    def embeds(self) -> bool:
        return True

    @property
    def rests(self) -> bool:
        return self.formation == "background"

    @cached_property
    def template(self) -> NamespaceTemplate:
        """The labels in which its facts are, some of which the session fills."""
        return NamespaceTemplate(self.settings.namespace)

    def namespace(self, services: Services) -> tuple[str, ...]:
        """Return the namespace of its facts, within the user's own; raises BadInput where a label is not named."""
        return (*self.template.filled(services.labels), self.folder)

    @cached_property
    @abstractmethod
    def manager(self) -> MemoryManager:
        """What turns lines into changes of the facts."""

    @abstractmethod
    def _about(self, query: str, services: Services) -> Iterable[tuple[Fact, float | None, str]]:
        """Return the facts that a query brings, each with its score and why, the most wanted first."""

    def worded_fact(self, fact: Fact) -> str:
        """Write a fact as it is sent."""
        return fact.text

    @property
    def tail(self) -> int:
        return 0

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        try:
            found = list(self._about(query, services))
        except (StoreUnavailable, ModelFailed, BadInput) as error:
            services.failed(error)
            found = []
        chosen: list[tuple[Fact, Item]] = []
        rest, over = budget, 0
        for fact, score, why in found:
            text = self.worded_fact(fact)
            size = count_tokens(text, services.encoding)
            if size <= rest:
                chosen.append((fact, Item(fact.ref, "memory", why, size, text=text, score=score)))
                rest -= size
            else:
                over += 1
        if found and not chosen:
            # Not even one fits: the first is cut and not silently lost.
            fact, _, why = found[0]
            text = self.worded_fact(fact)
            cut = note_item(fact.ref, text, why, budget, services.encoding, count_tokens(text, services.encoding))
            chosen = [(fact, cut)] if cut else []
        # Of two that contradict each other the later one is to stand later.
        chosen.sort(key=lambda pair: (pair[0].at, pair[0].sources[-1].index if pair[0].sources else -1))
        why = f"{NO_TURNS}; {over:,} facts were over the budget of {budget:,} tokens" if over else NO_TURNS
        left = (LeftOut((0, len(transcript)), why),) if len(transcript) else ()
        return Recall(tuple(item for _, item in chosen), left)

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        if state.covered == len(transcript):
            return state
        if self.formation == "background" and not (services.reflecting or services.estimates):
            return state  # until the conversation has rested
        store, done = services.items, state.covered
        try:
            namespace = self.namespace(services)
        except BadInput as error:
            services.failed(error)
            return state
        changes = by_model(self.manager, store, namespace, services)
        # What was said while the labels were others stays with those.
        since = state.covered if self.template.variables else 0
        if self.formation == "active":
            changes = self._asked_for
        for end in range(state.covered + 1, len(transcript) + 1):
            try:
                # One by one: what a model was paid for is kept where the next one fails.
                done = take_in(changes, store, namespace, transcript, end, services, self.before, since)
            except (ModelFailed, StoreUnavailable) as error:
                services.failed(error)
                break
        return replace(state, covered=min(done, len(transcript)))

    def tools(self, state: State, services: Services) -> Sequence[BaseTool]:
        if self.formation != "active":
            return ()
        try:
            return memory_tools(services.items, self.namespace(services), self.noun, self.manager.schemas[0])
        except BadInput:
            return ()  # reading has told of it

    def _asked_for(self, facts: Mapping[str, Fact], turns: Sequence[Turn]) -> Sequence[Change]:
        return asked_for(turns[-1], facts, self.noun, self.manager.schemas[0], self.manager.profile)

    def facts(self, services: Services) -> dict[str, Fact]:
        """Return all of its facts by key, the last changed first; raises StoreUnavailable, and BadInput."""
        return facts_of(services.items, self.namespace(services))
