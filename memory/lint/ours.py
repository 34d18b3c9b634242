"""All rules on one of our memories, as it is configured, over the turns of a conversation.

>>> with scratch_server() as server:
...     report = lint_ours(load().memory("window:k=3"), recording.turns, server, progress=print)
>>> report.sound, report.count("holds")
(True, 16)
"""

from __future__ import annotations

from collections.abc import Sequence

from memory.base import Memory, Turn
from memory.errors import BadInput
from memory.lint.bench import Bench
from memory.lint.lasting import Kept, tidy, unkept
from memory.lint.live import Live
from memory.lint.probe import probes
from memory.lint.rebuilt import failing, replayed
from memory.lint.report import RULES, Check, Progress, Report, not_known, ordered
from memory.lint.server import Server
from memory.retrieval.embeddings import Embedding
from memory.services import Models


def lint_ours(
    memory: Memory,
    turns: Sequence[Turn],
    server: Server,
    models: Models | None = None,
    embedding: Embedding | None = None,
    budget: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run the conversation through a memory, several times over, and report what it kept to and what not.

    Its own calls go to the memory's model of `models`; the same is asked once. Raises BadInput without turns, and
    ModelFailed where that model cannot be opened.
    """
    if not turns:
        raise BadInput("There is no turn to check the rules on: say something first.")
    bench = Bench(memory, turns, models or Models(), embedding, budget)
    steps = _Steps(len(turns) * (4 if server.ready else 3), progress)
    try:
        server.empty()
        kept = Kept(bench, server) if server.ready else None
        live = Live(bench)
        live.run(steps.of("says it turn by turn"))
        checks = live.checks()
        if live.failed:
            known = {check.id for check in checks}
            why = f"it failed before turn {live.failed[0] + 1:,}"
            checks += [not_known(id, why) for id in RULES if id not in known and id != "async"]
        else:
            checks.append(replayed(bench, live, steps.of("makes its state again")))
            checks.append(failing(bench, live, steps.of("lets its model fail")))
            checks += _kept(kept, live, steps) if kept else unkept(server)
            checks = _with(checks, probes(bench))
    finally:
        tidy(bench)
    if progress:
        progress(1.0, memory.name)
    settings = memory.settings.model_dump(mode="json")
    return Report(memory.name, settings, len(turns), ordered(checks))


def _kept(kept: Kept, live: Live, steps: _Steps) -> list[Check]:
    kept.run(steps.of("restarts after each turn"))
    return kept.checks(live)


def _with(checks: list[Check], tried: list[Check]) -> list[Check]:
    """Add what was tried beside the conversation: of two checks of the same the broken one stands."""
    for check in tried:
        before = next((one for one in checks if one.id == check.id), None)
        if before is None or (before.verdict == "holds" and check.verdict == "broken"):
            checks = [one for one in checks if one.id != check.id] + [check]
        elif before.verdict == check.verdict == "holds":
            both = Check(check.id, "holds", f"{before.said}; {check.said}")
            checks = [one for one in checks if one.id != check.id] + [both]
    return checks


class _Steps:
    """Tells the progress of all runs together."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._done, self._progress = max(1, total), 0, progress

    def of(self, label: str) -> _Step:
        return _Step(self, label)

    def one(self, label: str) -> None:
        self._done += 1
        if self._progress:
            self._progress(min(1.0, self._done / self._total), label)


class _Step:
    def __init__(self, steps: _Steps, label: str) -> None:
        self._steps, self._label = steps, label

    def __call__(self) -> None:
        self._steps.one(self._label)
