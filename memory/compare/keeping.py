"""Keeps a browser's experiments in the store: what is compared, what was recorded, and what came of it so far.

    >>> experiments = Experiments(store, user)
    >>> made = experiments.create(Experiment("", "Trip to Paris", "replay", columns), recordings)
    >>> experiments.put_result(made.id, 0, 2, result)
    >>> experiments.results(made.id)[(0, 2)].tokens[-1]
    412

Recordings and results are JSON, compressed. What our own export holds besides the turns, its traces and notes, is not
kept.
"""

from __future__ import annotations

import re
import time
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from memory.compare.experiment import EXPERIMENT, Experiment, Listed
from memory.compare.results import RESULT, Results, RunResult
from memory.errors import BadInput
from memory.exchange.package import Content
from memory.formats.recording import Recording, clipped
from memory.store import Store, Thread, to_json
from memory.stores.experiments import KeptExperiment, experiment_gone

MOST_EXPERIMENTS = 30
"""How many experiments a browser keeps."""
MOST_BYTES = 64_000_000
"""How many compressed bytes all of them together may have; 50 MB of what people say have about 20."""
TITLE = 100
"""Characters of a title, of an experiment or of one of its recordings."""
UNTITLED = "Experiment"
_BLOCK = 2_000_000
"""Bytes that are sent to the store at a time, so that no command takes long."""
_RECORDING: TypeAdapter[Recording] = TypeAdapter(Recording)
_RESULT_NAME = re.compile(r"(result|failed):(\d+):(\d+)")


class Experiments:
    """The experiments of one browser; methods raise StoreUnavailable, and ExperimentGone for one that is deleted."""

    def __init__(self, store: Store, user: str) -> None:
        self.store, self.user = store, user

    def listed(self, deleted: bool = False) -> list[Experiment]:
        """List them, the newest first; or those deleted that can still be restored."""
        kept = self.store.experiments(self.user, deleted)
        found = [_read(row) for row in kept]
        if all(one.status != "running" for one in found):
            return found
        return [self._honest(one) for one in found]

    def get(self, id: str) -> Experiment | None:
        """Return one, None where it is not (or no longer) there; one that nobody runs (any more) is "stopped"."""
        record = self.store.experiment(self.user, id)
        return None if record is None else self._honest(EXPERIMENT.validate_json(record))

    def put(self, experiment: Experiment) -> None:
        """Change what is kept of an experiment; its recordings and results stay."""
        self.store.put_experiment(self.user, experiment.id, _record(replace(experiment, updated=time.time())))

    def create(self, experiment: Experiment, recordings: Sequence[Recording] = ()) -> Experiment:
        """Keep a new one with what it replays; returns it with its id. Raises BadInput where there is no room."""
        kept = self.store.experiments(self.user)
        if len(kept) >= MOST_EXPERIMENTS:
            raise BadInput(
                f"This browser keeps {len(kept):,} experiments, which is as many as it can: delete one first."
            )
        room = MOST_BYTES - sum(one.size for one in kept)
        blocks: dict[str, bytes] = {}
        for number, recording in enumerate(recordings):
            data = packed(recording)
            room -= len(data)
            if room < 0:
                raise BadInput(_too_large(bool(kept)))
            for place, start in enumerate(range(0, len(data), _BLOCK)):
                blocks[f"recording:{number}:{place}"] = data[start : start + _BLOCK]
        now = time.time()
        made = replace(
            experiment,
            id=experiment.id or uuid.uuid4().hex[:16],
            title=clipped(experiment.title, TITLE) or UNTITLED,
            conversations=tuple(map(listing, recordings)),
            created=now,
            updated=now,
        )
        for name, block in blocks.items():
            self.store.put_part(self.user, made.id, name, block, new=True)
        self.store.put_experiment(self.user, made.id, _record(made), new=True)
        return made

    def delete(self, id: str) -> None:
        """Delete one; `restore` brings it back for ten minutes, then the store itself removes it."""
        self.store.delete_experiment(self.user, id)

    def restore(self, id: str) -> bool:
        """Undo a deletion; False where it is too late."""
        return self.store.restore_experiment(self.user, id)

    def recording(self, id: str, number: int) -> Recording:
        """Return a recording by its place; raises ExperimentGone where it is not there."""
        return unpacked(self.packed(id, number))

    def packed(self, id: str, number: int) -> bytes:
        """Return a recording as it is kept."""
        start = f"recording:{number}:"
        names = [name for name in self.store.part_sizes(self.user, id) if name.startswith(start)]
        names.sort(key=lambda name: int(name.removeprefix(start)))
        blocks = self.store.parts(self.user, id, names)
        if not blocks or len(blocks) < len(names):
            raise experiment_gone()
        return b"".join(blocks[name] for name in names)

    def results(self, id: str) -> Results:
        """Return what came of it so far, failed runs as well."""
        names = sorted(self._result_names(id).items())  # "failed" first: a later success takes its place
        rows = self.store.parts(self.user, id, [name for name, _ in names])
        found = {place: RESULT.validate_json(zlib.decompress(rows[name])) for name, place in names if name in rows}
        return dict(sorted(found.items()))

    def finished(self, id: str) -> set[tuple[int, int]]:
        """Return the places of runs that came to an end and did not fail, without reading them."""
        return {place for name, place in self._result_names(id).items() if name.startswith("result")}

    def put_result(self, id: str, number: int, column: int, result: RunResult) -> None:
        """Keep what came of one column over one recording, in the place of what came of it before."""
        kind = "failed" if result.failed else "result"
        self.store.put_part(self.user, id, f"{kind}:{number}:{column}", zlib.compress(to_json(RESULT, result)))

    def _result_names(self, id: str) -> dict[str, tuple[int, int]]:
        matches = map(_RESULT_NAME.fullmatch, self.store.part_sizes(self.user, id))
        return {found[0]: (int(found[2]), int(found[3])) for found in matches if found}

    def _honest(self, experiment: Experiment) -> Experiment:
        if experiment.status != "running" or self.store.claimed(self.user).startswith(f"{experiment.id}:"):
            return experiment
        return replace(experiment, status="stopped")


def packed(recording: Recording) -> bytes:
    """Write a recording as compressed JSON, without what our own export holds besides the turns."""
    if recording.content is not None:
        # That it is there says that turns without an answer lack one.
        recording = replace(recording, content=Content(Thread(recording.content.thread.id)))
    return zlib.compress(to_json(_RECORDING, recording))


def unpacked(data: bytes) -> Recording:
    """Read a recording that was packed."""
    return _RECORDING.validate_json(zlib.decompress(data))


def _read(kept: KeptExperiment) -> Experiment:
    return EXPERIMENT.validate_json(kept.record)


def _record(experiment: Experiment) -> bytes:
    return to_json(EXPERIMENT, experiment)


def listing(recording: Recording) -> Listed:
    """Describe a recording without its words."""
    counts = len(recording.turns), recording.messages, len(recording.questions)
    return Listed(clipped(recording.id, TITLE), clipped(recording.title, TITLE), *counts)


def _too_large(others: bool) -> str:
    most = f"{MOST_BYTES / 1_000_000:,.0f} MB"
    if others:
        return (
            f"The recordings of all experiments together would have more than {most} compressed: delete an experiment, "
            "or choose fewer or shorter conversations."
        )
    return f"These recordings have more than {most} compressed: choose fewer or shorter conversations."
