"""The comparison that is being put together: kept in the session until it is run.

draft = current(user)         # begins with the models of the user's settings
draft.take(Source("file", "talk.json"), recordings)

Session keys begin with `compare_`: `compare_draft`, `compare_opened` (the id of the experiment that is shown, "" for
none), `compare_loaded` and `compare_results` (what was read of it; `…_code_made` is code made of it), `compare_said` (a
sentence for the next drawing), `compare_refused` (the same, of what went wrong).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import streamlit as st

from memory.compare.experiment import Experiment, Source
from memory.compare.sweeps import Group, laid_out
from memory.formats import Recording
from memory.preferences import Preferences
from memory.services import Models
from pages.ui import connections

_numbers = count(1)


def new_number() -> int:
    """Return a number that no control of this process has yet."""
    return next(_numbers)


BEGIN = ("ConversationBufferMemory", "ConversationBufferWindowMemory", "VectorStoreRetrieverMemory")
"""What a comparison begins with that nobody has chosen for."""


@dataclass
class Draft:
    """What will be compared; `chosen` are the ids of the recordings taken, None for all; a link asks for `wanted`.

    `kind` is where a conversation is looked for. `number` tells its controls from those of the draft before; each group
    has a number of its own as well.
    """

    number: int
    groups: dict[int, Group]
    kind: str = "scenario"
    source: Source | None = None
    recordings: tuple[Recording, ...] = ()
    chosen: tuple[str, ...] | None = None
    wanted: Source | None = None
    title: str = ""
    model: str = "demo"
    memory_model: str = ""
    price_as: str = "openai:gpt-5-mini"
    embedding: str = ""
    budget: int | None = None
    answer: bool = False
    editing: int = 0
    suggested: tuple[Group, ...] = ()
    touched: bool = False
    """Whether the memories were chosen by hand: then a scenario's suggestions do not replace them."""

    def take(self, source: Source, recordings: Sequence[Recording], suggested: Iterable[Group] = ()) -> None:
        """Compare over these recordings; memories that nobody chose by hand give way to the suggested ones."""
        self.source, self.recordings, self.chosen, self.wanted = source, tuple(recordings), None, None
        self.title, self.suggested = "", tuple(suggested)
        if self.suggested and not self.touched:
            self.put(self.suggested)

    def put(self, groups: Iterable[Group]) -> None:
        """Compare these memories."""
        self.groups = {new_number(): group for group in groups}
        self.editing = 0

    def add(self, *groups: Group) -> None:
        """Compare these as well, each once."""
        for group in groups:
            if group not in self.groups.values():
                self.groups[new_number()] = group
        self.touched = True

    @property
    def taken(self) -> list[Recording]:
        """The recordings that are compared over."""
        return [one for one in self.recordings if self.chosen is None or one.id in self.chosen]

    def models(self) -> Models:
        """Return its models, with the key that their provider may see."""
        preferences = Preferences(model=self.model, memory_model=self.memory_model, price_as=self.price_as)
        return connections.models(preferences)

    def experiment(self, title: str) -> Experiment:
        """Make the record of it; raises BadInput where a memory, a setting or their number cannot be."""
        columns, sweeps = laid_out(self.groups.values())
        return Experiment(
            "",
            title,
            "replay",
            columns,
            source=self.source,
            sweeps=sweeps,
            model=self.model,
            memory_model=self.memory_model,
            price_as=self.price_as,
            embedding=self.embedding,
            budget=self.budget,
            answer=self.answer,
        )


OPTIONS = ("model", "memory_model", "price_as", "embedding", "budget", "answer")


def begin(user: str) -> Draft:
    """Begin a new comparison, with the models of the user's settings."""
    kept = Preferences.load(connections.store(), user)
    draft = Draft(
        new_number(),
        {},
        model=kept.model,
        memory_model=kept.memory_model,
        price_as=kept.price_as,
        budget=kept.budget,
    )
    draft.put(map(Group, BEGIN))
    st.session_state.compare_draft, st.session_state.compare_opened = draft, ""
    return draft


def current(user: str) -> Draft:
    """Return the comparison that is being put together."""
    found = st.session_state.get("compare_draft")
    return found if isinstance(found, Draft) else begin(user)


def again(user: str, experiment: Experiment, recordings: Sequence[Recording], groups: Iterable[Group]) -> Draft:
    """Begin a new comparison with the settings of another; without recordings it says which are wanted."""
    draft = begin(user)
    for name in OPTIONS:
        setattr(draft, name, getattr(experiment, name))
    draft.put(groups)
    draft.touched, draft.title = True, experiment.title
    if recordings:
        draft.source, draft.recordings = experiment.source, tuple(recordings)
    else:
        draft.wanted = experiment.source
        draft.kind = experiment.source.kind if experiment.source else draft.kind
    return draft


def let_go(draft: bool = False) -> None:
    """Drop what was read of a kept experiment; with `draft` also what is being put together, uploads and all."""
    state = st.session_state
    code = [name for name in map(str, state) if name.startswith("compare_") and name.endswith("_code_made")]
    for name in ("compare_loaded", "compare_results", *code, *(["compare_draft"] * draft)):
        state.pop(name, None)


def fresh(name: str) -> Any:
    """Take a sentence that was left for this drawing out of the session."""
    return st.session_state.pop(f"compare_{name}", None)
