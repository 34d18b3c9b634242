"""A recording so small that every figure of it is worked out by hand, and results made up for figures.

>>> talk().turns[1].human, [question.evidence for question in talk().questions]
('I moved to Lisbon.', [('a2',), ('a1', 'a3'), ()])
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from memory.catalog import load
from memory.compare.collect import run_of
from memory.compare.experiment import Column, Experiment
from memory.compare.keeping import listing
from memory.compare.results import Results, RunResult
from memory.formats import Question, Recording
from memory.formats.recording import Talk
from memory.replay import Replay
from memory.retrieval.embeddings import embedding
from memory.services import Models


def talk(id: str = "talk", title: str = "A move") -> Recording:
    """Three turns; of three questions one has one message of evidence, one has two and one has none."""
    said = Talk()
    for number, (human, ai) in enumerate(
        [("I live in Oslo.", "Nice."), ("I moved to Lisbon.", "Sunny."), ("Hi.", "Hi.")]
    ):
        said.say("human", human, source=f"a{number + 1}", name="Ann")
        said.say("ai", ai, source=f"b{number + 1}")
    questions = (
        Question("Where does Ann live?", 1, ("a2",), answer="Lisbon", outdated=("a1",), now="Lisbon", before="Oslo"),
        Question("What did Ann say?", 2, ("a1", "a3")),
        Question("Who flew?", 2),
    )
    return Recording(id, title, said.turns(), questions)


def experiment(specs: Sequence[str], recordings: Sequence[Recording], title: str = "A move") -> Experiment:
    """Make the experiment of some memories over recordings."""
    columns = tuple(Column.of(load().memory(spec)) for spec in specs)
    return Experiment("e1", title, "replay", columns, conversations=tuple(map(listing, recordings)), status="done")


def run_all(of: Experiment, recordings: Sequence[Recording]) -> Results:
    """Run it in this process, without a model."""
    results: Results = {}
    for place, recording in enumerate(recordings):
        replay = Replay(recording, Models(), embedding("hashing"), prompts=False)
        for number, column in enumerate(of.columns):
            with replay.run(column.open()) as run:
                results[place, number] = run_of(run)
    return results


def priced(*costs: str | None, first: int = 0, failed: str = "") -> RunResult:
    """Make a result of which only the costs matter, the same with the cache and without."""
    known = tuple(None if cost is None else Decimal(cost) for cost in costs)
    size = tuple(10 * (number + 1) for number in range(len(costs)))
    return RunResult(first, size, (0,) * len(costs), known, known, failed=failed)
