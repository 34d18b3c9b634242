"""The rules of `memory/lint`, checked for every memory of a comparison over every conversation.

>>> broken_rules(work)
[[], ['rule 2, what is sent keeps to its limit, notes included, is broken: 16,483 of 2,000 tokens were sent …']]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory.commands._table import Progress
from memory.lint import lint_ours, scratch_server
from memory.retrieval.embeddings import embedding

if TYPE_CHECKING:
    from memory.commands._compare_run import Work

STEPS = 1000
"""Steps of the bar for each memory over each conversation."""


def broken_rules(work: Work) -> list[list[str] | None]:
    """Return for each column the rules that it breaks; None for all where no conversation has a turn to check with."""
    one, searched = work.experiment, embedding(work.experiment.embedding or None)
    turns = slice(*work.turns) if work.turns else slice(None)
    said = [(recording.id, recording.turns[turns]) for recording in work.recordings if recording.turns[turns]]
    if not said:
        return [None] * len(one.columns)
    found: list[list[str] | None] = []
    progress, done = Progress(STEPS * len(said) * len(one.columns)), 0
    try:
        with scratch_server() as server:
            for column, name in zip(one.columns, work.names, strict=True):
                broken: dict[str, None] = {}
                for id, heard in said:

                    def told(share: float, label: str, begun: int = done, of: str = f"{id} {name}") -> None:
                        progress.to(int(STEPS * (begun + share)), f"{of}: {label}")

                    report = lint_ours(column.open(), heard, server, work.models, searched, one.budget, told)
                    for check in report.checks:
                        if check.verdict == "broken":
                            broken[f"rule {check.rule}, {check.name.lower()}, is broken: {check.said}"] = None
                    done += 1
                found.append([*broken])
    finally:
        progress.close()
    return found
