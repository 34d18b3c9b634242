"""What reaches the prompt through the memories themselves: recall of LoCoMo's evidence by `read`, at several budgets.

    python -m benchmarks.recall /path/to/locomo10.json         prints this table below that of the index alone

Every memory of the catalogue takes in a whole conversation and is asked its questions, with `max_token_limit` (where
it has one) and the budget of `read` set to the same number of tokens; what counts turns gets a count that does not bind
before the tokens do, except the time-weighted one, whose count decides what stays fresh. Summaries, notes and facts are
made by the demo model, whose rows say so. A message counts where its whole text is sent, so that what only lives on in
a summary or a note counts nothing here. A read is measured with everything warm and the query's vector known.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memory.base import Memory, State
from memory.catalog import load
from memory.compare.estimate import asks_a_model
from memory.evidence import check_evidence, places_of
from memory.formats import Recording
from memory.money.prompt_cache import Sizes
from memory.retrieval.embeddings import Embedding
from memory.retrieval.index import Retrieval
from memory.services import Models, ModelServices
from memory.transcript import Transcript

BUDGETS = (500, 1_000, 2_000)
WANTED = 0.8
MOST = 32_000
UNBOUND: dict[str, dict[str, Any]] = {
    "vector": {"k": 1000},
    "vector_token_buffer": {"k": 1000},
    "time_weighted": {"k": 20},
    "combined": {"memories": "window(k=3)+vector(k=1000)"},
}


@dataclass(slots=True)
class Line:
    """A memory's shares of evidence by question at each budget, its tokens, and seconds of a read at 1,000 tokens."""

    name: str
    categories: list[int] = field(default_factory=list)
    shares: dict[int, list[float]] = field(default_factory=dict)
    tokens: dict[int, list[int]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def of(self, budget: int, *categories: int) -> list[float]:
        pairs = zip(self.shares[budget], self.categories, strict=True)
        return [share for share, category in pairs if category in categories]


class Seat:
    """A conversation that has been taken in, and its questions that have evidence."""

    def __init__(self, recording: Recording, retrieval: Retrieval) -> None:
        said = list(recording.turns)
        self.transcript = Transcript(len(said), lambda first, end: said[first:end], said, ("bench", recording.id, "1"))
        self.asked = [one for one in recording.questions if one.evidence]
        self.places = places_of(said)
        self.services: ModelServices = Models().services("bench", retrieval)
        self.services.now = said[-1].at
        self.sizes = Sizes(said, self.services.encoding)
        self.states: dict[str, State] = {}

    def state(self, memory: Memory) -> State:
        """Return what a memory knows once it has taken everything in."""
        if memory.key not in self.states:
            self.states[memory.key] = memory.write(State(), self.transcript, self.services, None)
        return self.states[memory.key]

    def ask(self, memory: Memory, budget: int, line: Line) -> None:
        """Ask everything."""
        shares, tokens = line.shares.setdefault(budget, []), line.tokens.setdefault(budget, [])
        state = self.state(memory)
        memory.read(state, self.transcript, "Hello?", self.services, budget)
        for question in self.asked:
            start = time.perf_counter()
            recall = memory.read(state, self.transcript, question.text, self.services, budget)
            took = time.perf_counter() - start
            if budget == BUDGETS[1]:
                line.seconds.append(took)
                line.categories.append(int(question.category or 0))
            shares.append(check_evidence(recall, question.evidence, self.places, self.sizes).share or 0.0)
            tokens.append(recall.tokens)


def memory_at(short: str, budget: int, **settings: Any) -> Memory:
    """Make a memory whose limit is this number of tokens."""
    fields = load().find(short).Settings.model_fields
    if "max_token_limit" in fields:
        settings["max_token_limit"] = budget
    return load().make(short, UNBOUND.get(short, {}) | settings)


def enough(short: str, seats: Sequence[Seat], settings: dict[str, Any]) -> int | None:
    """Find the budget, to 50 tokens, from which on 80 % of the evidence of categories 1 to 4 is sent; None if never."""

    def reaches(budget: int) -> bool:
        found: list[float] = []
        for seat in seats:
            line = Line(short)
            seat.ask(memory_at(short, budget, **settings), budget, line)
            pairs = zip(line.shares[budget], seat.asked, strict=True)
            found += [share for share, question in pairs if question.category != 5]
        return float(np.mean(found)) >= WANTED

    low, high = 0, MOST
    if not reaches(high):
        return None
    while high - low > 50:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def lines(recordings: Sequence[Recording], model: Embedding | None) -> Iterator[tuple[Line, int | None]]:
    """Measure every memory without an embedding model, and those that search also with one."""
    for embedding in (None, model) if model else (None,):
        retrieval = Retrieval(embedding)
        seats = [Seat(recording, retrieval) for recording in recordings]
        for cls in load().memories.values():
            if not embedding or load().make(cls.short, {}).retrieves:
                made = "MiniLM" if embedding else "demo model" if asks_a_model(cls.__name__) else ""
                yield _line(cls.short, seats, ", ".join(filter(None, (cls.short, made))))
        if embedding is None:
            yield _whole(seats), None


def _line(short: str, seats: Sequence[Seat], name: str) -> tuple[Line, int | None]:
    line = Line(name)
    for budget in BUDGETS:
        for seat in seats:
            seat.ask(memory_at(short, budget), budget, line)
    return line, enough(short, seats, {})


def _whole(seats: Sequence[Seat]) -> Line:
    """Send the whole conversation, whatever it takes."""
    line = Line("full buffer, no limit")
    for seat in seats:
        before = Line("")
        seat.ask(load().make("buffer", {}), 10**6, before)
        for budget in BUDGETS:
            line.shares.setdefault(budget, []).extend(before.shares[10**6])
            line.tokens.setdefault(budget, []).extend(before.tokens[10**6])
        line.categories += [int(question.category or 0) for question in seat.asked]
    return line


def show(recordings: Sequence[Recording], model: Embedding | None, names: dict[int, str]) -> None:
    print("\nThrough the memories' own read. Categories 1 to 4: recall/full hits in % by tokens; tokens for 80 %;")
    print("tokens sent at 2,000; a read at 1,000 in ms without a model's time")
    print(f"{'':28}{''.join(f'{budget:>13,}' for budget in BUDGETS)}{'80 %':>9}{'sent':>8}{'p50':>7}{'p95':>7}")
    found: list[Line] = []
    for line, tokens in lines(recordings, model):
        found.append(line)
        cells = "".join(f"{_figures(line.of(budget, 1, 2, 3, 4)):>13}" for budget in BUDGETS)
        sent = f"{np.mean(line.tokens[2_000]):,.0f}"
        p50, p95 = np.percentile(line.seconds, [50, 95]) * 1000 if line.seconds else (float("nan"), float("nan"))
        times = f"{p50:>7.2f}{p95:>7.2f}" if line.seconds else f"{'–':>7}{'–':>7}"
        print(f"{line.name:28}{cells}{f'{tokens:,}' if tokens else '–':>9}{sent:>8}{times}", flush=True)
    print("\nBy category, recall/full at 500 · 1,000 · 2,000 tokens")
    for line in found:
        for category, name in names.items():
            if count := line.categories.count(category):
                cells = " · ".join(_figures(line.of(budget, category)) for budget in BUDGETS)
                print(f"  {line.name:28}{category} {name:12}{count:>5}   {cells}")


def _figures(shares: Sequence[float]) -> str:
    return f"{np.mean(shares) * 100:.1f}/{np.mean(np.array(shares) > 1 - 1e-9) * 100:.1f}"
