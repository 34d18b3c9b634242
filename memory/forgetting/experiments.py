"""What an experiment repeats of what people said: in its recordings and names, and in what models answered in it.

    >>> for experiment, deleted, texts in every_experiment(store, user):
    ...     print(experiment.id, deleted, len(texts))
    e1 False 842

A replay is forgotten as a whole: figures over a recording without some of its words would be of nothing. A live
comparison stays, as nothing else leads to its columns' conversations: its title and settings lose what was said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from memory.compare.experiment import Experiment
from memory.compare.keeping import UNTITLED, Experiments
from memory.compare.results import RunResult
from memory.errors import ExperimentGone
from memory.forgetting.receipt import Row
from memory.forgetting.said import Words, said_in
from memory.forgetting.settings import chosen, without
from memory.formats.recording import Recording
from memory.store import Store


def every_experiment(store: Store, user: str) -> Iterator[tuple[Experiment, bool, list[str]]]:
    """Yield a user's experiments with every text in them; and whether one is deleted, as it can still be restored."""
    kept = Experiments(store, user)
    for deleted in (False, True):
        for experiment in kept.listed(deleted):
            yield experiment, deleted, _texts(kept, experiment)


def take_out_experiment(store: Store, user: str, id: str, words: Words) -> tuple[list[Row], list[str]]:
    """Remove one for good, of a live comparison the words alone; returns what was removed and what was said in it.

    Nothing is returned where it is gone already.
    """
    every = every_experiment(store, user)
    kept, deleted, said = next((row for row in every if row[0].id == id), (None, False, list[str]()))
    if kept and kept.kind == "live" and not deleted:
        with suppress(ExperimentGone):
            Experiments(store, user).put(_without(kept, words))
            left = [text for one, _, texts in every_experiment(store, user) if one.id == id for text in texts]
            row = Row("title and settings of a live comparison", 1, int(any(map(words.shared, left))))
            return [row], said
    count = store.purge_experiment(user, id)
    left_parts = len(store.part_sizes(user, id)) + (store.experiment(user, id) is not None)
    row = Row("an experiment with its recordings and results", count, left_parts)
    return ([row], said) if count else ([], [])


def _without(live: Experiment, words: Words) -> Experiment:
    columns = tuple(replace(one, settings=without(one.memory, one.settings, words)) for one in live.columns)
    return replace(live, title=UNTITLED if words.shared(live.title) else live.title, columns=columns)


def _texts(kept: Experiments, experiment: Experiment) -> list[str]:
    source = experiment.source
    texts = [experiment.title, experiment.error, source.name if source else ""]
    texts += [text for one in experiment.conversations for text in (one.title, one.id)]
    texts += [text for column in experiment.columns for text in chosen(column.memory, column.settings)]
    with suppress(ExperimentGone):
        # What a scenario says is the program's own.
        if source is None or source.kind != "scenario":
            for number in range(len(experiment.conversations)):
                texts += _recorded(kept.recording(experiment.id, number))
        for result in kept.results(experiment.id).values():
            texts += _made(result)
    return [text for text in texts if text.strip()]


def _recorded(recording: Recording) -> Iterator[str]:
    yield from (recording.title, *recording.notices)
    for turn in recording.turns:
        yield from said_in(turn)
    for question in recording.questions:
        yield from (question.text, question.answer or "", question.now, question.before)


def _made(result: RunResult) -> Iterator[str]:
    yield from (result.failed, *result.errors)
    for row in result.questions:
        yield row.answer or ""
        yield from (missing.why for missing in row.missing)
