"""How a store keeps experiments: a record of each in JSON, and named parts beside it, which only their owner reads.

    >>> store.put_part(user, "e1", "recording:0:0", data, new=True)
    >>> store.put_experiment(user, "e1", record, new=True)
    >>> [kept.id for kept in store.experiments(user)]
    ['e1']

What a part holds is `memory/compare/keeping.py`'s affair. Parts come before their experiment: one that is never
completed goes by itself within ten minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from memory.errors import BadInput, ExperimentGone


@dataclass(frozen=True, slots=True)
class KeptExperiment:
    """An experiment as its list has it: `size` is that of its parts in bytes, `at` when it was made or deleted."""

    id: str
    record: bytes
    size: int
    at: float


class ExperimentStore(Protocol):
    """The experiments of all users; those that write to one which is deleted raise ExperimentGone."""

    def experiments(self, user: str, deleted: bool = False) -> list[KeptExperiment]:
        """List a user's experiments, the newest first; or those deleted that can still be restored."""

    def experiment(self, user: str, experiment: str) -> bytes | None:
        """Return the record of one, None where it is not (or no longer) there."""

    def put_experiment(self, user: str, experiment: str, record: bytes, new: bool = False) -> None:
        """Change a record or, with `new`, begin one, whose parts are there already."""

    def put_part(self, user: str, experiment: str, name: str, part: bytes, new: bool = False) -> None:
        """Keep a part; `new` is one of an experiment that is still to be put."""

    def parts(self, user: str, experiment: str, names: Iterable[str]) -> dict[str, bytes]:
        """Return parts by name, those that are there; also of an experiment that can still be restored."""

    def part_sizes(self, user: str, experiment: str) -> Mapping[str, int]:
        """Return the bytes of all parts by name."""

    def delete_experiment(self, user: str, experiment: str) -> None:
        """Delete one; `restore_experiment` brings it back for ten minutes, then the store itself removes it."""

    def restore_experiment(self, user: str, experiment: str) -> bool:
        """Undo a deletion; False where it is too late. True also where it is undone already."""

    def purge_experiment(self, user: str, experiment: str) -> int:
        """Remove one for good, also one that could be restored; returns how many parts it had, its record included."""

    def claim(self, user: str, holder: str, seconds: float) -> str:
        """Take or renew what only one does at a time for a user; returns who has it, `holder` or who was first.

        It is given back by itself after so many seconds, and at once with 0.
        """

    def claimed(self, user: str) -> str:
        """Return who has it, empty where nobody does."""


def check_experiment(experiment: str) -> None:
    """Raise BadInput for what is no experiment's name."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", experiment):
        raise BadInput("That is not the name of an experiment. Choose one from the list.")


def experiment_gone() -> ExperimentGone:
    return ExperimentGone(
        "This experiment has been deleted. Restore it from the list within ten minutes, or start a new one."
    )
