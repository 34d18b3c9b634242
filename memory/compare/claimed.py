"""What a scenario says will come of it, beside what came of it in an experiment.

    >>> found = scenario_of(experiment, recordings)
    >>> [(str(one.claim), one.verdict) for one in claimed(found, experiment, results)][:2]
    [('Question 1, buffer: found', Verdict(held=True, measured='found')), ('Question 1, none: missing', None)]

Claims are measured without a model's key: own calls by the demo model, no budget, priced as the usual model. An
experiment that is set otherwise may well come to something else, which `differs` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memory.catalog import load
from memory.compare.claims import Claim, Verdict, held
from memory.compare.experiment import Column, Experiment
from memory.compare.results import Results
from memory.compare.scenarios import Scenario, scenarios
from memory.errors import BadInput
from memory.formats.recording import Recording


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim, the place of its memory's column, and what was measured; both None where that is not in the run."""

    claim: Claim
    column: int | None = None
    verdict: Verdict | None = None


def scenario_of(experiment: Experiment, recordings: Sequence[Recording]) -> Scenario | None:
    """Return the scenario that was replayed; None where it was none, is gone, or was rewritten since."""
    if experiment.source is None or experiment.source.kind != "scenario" or len(recordings) != 1:
        return None
    found = scenarios().get(experiment.source.name)
    if found is None:
        return None
    then, now = recordings[0], found.recording
    same = then.questions == now.questions and [turn.messages for turn in then.turns] == [
        turn.messages for turn in now.turns
    ]
    return found if same else None


def claimed(scenario: Scenario, experiment: Experiment, results: Results) -> list[Claimed]:
    """Measure each claim whose memories are all in the experiment and were run."""
    places = {known: place for place, column in enumerate(experiment.columns) if (known := _known(column))}
    found = []
    for claim in scenario.claims:
        columns = [places.get(_named(spec)) for spec in claim.memories]
        run = [None if place is None else results.get((0, place)) for place in columns]
        whole = {spec: result for spec, result in zip(claim.memories, run, strict=True) if result is not None}
        measured = held(claim, whole) if len(whole) == len({*claim.memories}) else None
        found.append(Claimed(claim, columns[0], measured))
    return found


def differs(experiment: Experiment) -> list[str]:
    """Say in what the experiment is set otherwise than claims are measured with."""
    usual = Experiment("", "", "replay", ())
    own = experiment.memory_model or experiment.model
    return [
        said
        for said, otherwise in (
            (f"own calls by {own}", own != usual.memory_model),
            (f"prices of {experiment.price_as}", experiment.price_as != usual.price_as),
            (f"a budget of {experiment.budget or 0:,} tokens", experiment.budget is not None),
        )
        if otherwise
    ]


def _named(spec: str) -> tuple[str, str]:
    memory = load().memory(spec)
    return memory.name, memory.settings.model_dump_json()


def _known(column: Column) -> tuple[str, str] | None:
    """Name a column's memory with all its settings; None where it is not known any more."""
    try:
        memory = column.open()
    except BadInput:
        return None
    return memory.name, memory.settings.model_dump_json()
