"""What a store in memory holds of experiments."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from memory.store import UNDO_SECONDS, check_user
from memory.stores.experiments import KeptExperiment, check_experiment, experiment_gone


@dataclass
class _Kept:
    """An experiment; one without a record is still to be completed, and goes like one that was deleted at `made`."""

    made: float
    record: bytes | None = None
    deleted: float | None = None
    parts: dict[str, bytes] = field(default_factory=dict)

    @property
    def going(self) -> float:
        """Since when it may be removed, 0.0 for one that is kept."""
        return self.deleted or (self.made if self.record is None else 0.0)

    @property
    def size(self) -> int:
        return sum(map(len, self.parts.values()))


class InMemoryExperiments:
    """The part of the store that keeps experiments."""

    def __init__(self) -> None:
        self._experiments: dict[str, dict[str, _Kept]] = {}
        self._claims: dict[str, tuple[str, float]] = {}
        self._lock = threading.RLock()

    def experiments(self, user: str, deleted: bool = False) -> list[KeptExperiment]:
        check_user(user)
        with self._lock:
            known = [(id, self._known(user, id)) for id in list(self._experiments.get(user, {}))]
            found = [
                KeptExperiment(id, kept.record, kept.size, kept.made if kept.deleted is None else kept.deleted)
                for id, kept in known
                if kept and kept.record is not None and (kept.deleted is not None) == deleted
            ]
        return sorted(found, key=lambda kept: -kept.at)

    def experiment(self, user: str, experiment: str) -> bytes | None:
        kept = self._known(user, experiment)
        return kept.record if kept and kept.deleted is None else None

    def put_experiment(self, user: str, experiment: str, record: bytes, new: bool = False) -> None:
        with self._lock:
            self._open(user, experiment, new).record = record

    def put_part(self, user: str, experiment: str, name: str, part: bytes, new: bool = False) -> None:
        with self._lock:
            self._open(user, experiment, new).parts[name] = part

    def parts(self, user: str, experiment: str, names: Iterable[str]) -> dict[str, bytes]:
        kept = self._known(user, experiment)
        return {name: kept.parts[name] for name in names if name in kept.parts} if kept else {}

    def part_sizes(self, user: str, experiment: str) -> Mapping[str, int]:
        kept = self._known(user, experiment)
        return {name: len(part) for name, part in kept.parts.items()} if kept else {}

    def delete_experiment(self, user: str, experiment: str) -> None:
        with self._lock:
            kept = self._known(user, experiment)
            if kept and kept.record is not None and kept.deleted is None:
                kept.deleted = time.time()

    def restore_experiment(self, user: str, experiment: str) -> bool:
        with self._lock:
            kept = self._known(user, experiment)
            if kept is None or kept.record is None:
                return False
            kept.deleted = None
            return True

    def purge_experiment(self, user: str, experiment: str) -> int:
        check_user(user)
        check_experiment(experiment)
        with self._lock:
            kept = self._experiments.get(user, {}).pop(experiment, None)
        return len(kept.parts) + (kept.record is not None) if kept else 0

    def claim(self, user: str, holder: str, seconds: float) -> str:
        with self._lock:
            held = self.claimed(user)
            if held and held != holder:
                return held
            self._claims[user] = holder, time.monotonic() + seconds
            return holder if seconds else ""

    def claimed(self, user: str) -> str:
        check_user(user)
        holder, until = self._claims.get(user, ("", 0.0))
        return holder if time.monotonic() < until else ""

    def _erase_experiments(self, user: str) -> int:
        with self._lock:
            self._claims.pop(user, None)
            return len(self._experiments.pop(user, {}))

    def _known(self, user: str, experiment: str) -> _Kept | None:
        check_user(user)
        check_experiment(experiment)
        kept = self._experiments.get(user, {}).get(experiment)
        if kept and kept.going and time.time() - kept.going > UNDO_SECONDS:
            self._experiments[user].pop(experiment, None)
            return None
        return kept

    def _open(self, user: str, experiment: str, new: bool) -> _Kept:
        kept = self._known(user, experiment)
        if (kept and kept.deleted is not None) or ((kept is None or kept.record is None) and not new):
            raise experiment_gone()
        if kept is None:
            kept = self._experiments.setdefault(user, {})[experiment] = _Kept(time.time())
        return kept
