"""How much of the evidence reaches the prompt: recall on LoCoMo's questions, by the tokens that it may take.

    make bench-recall LOCOMO=/path/to/locomo10.json       or  python -m benchmarks.recall /path/to/locomo10.json

After a conversation's last session each question is asked, the messages are ranked and quoted best first, passing over
what no longer fits: lines "Speaker: text" under one date line for each session, counted in o200k_base. Recall is the
share of a question's evidence that was quoted, a full hit all of it. A second table asks the memories themselves
(`recall_memories`). Beside it: the usual recipe, which fuses the ranks
of BM25 and of MiniLM over single messages; what was said last; and the oracle, which quotes the evidence and nothing
else. The file is not ours to ship (CC BY-NC 4.0): https://github.com/snap-research/locomo, data/locomo10.json.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks import recall_memories
from memory.common.quote import date_line, line_of
from memory.errors import ModelFailed
from memory.formats import Recording, read_files
from memory.retrieval import words
from memory.retrieval.embeddings import Embedding, embedding
from memory.retrieval.lexical import K1, B, LexicalIndex
from memory.retrieval.units import Unit, all_units, passage
from memory.tokens import count_tokens

BUDGETS = (500, 1_000, 2_000)
RANKS = (5, 10, 25, 50)
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open", 4: "single-hop", 5: "adversarial"}
# Maharana et al., ACL 2024, table 3: DRAGON over messages, recall at RANKS, all five categories.
DRAGON = (56.7, 66.2, 76.7, 82.7)
WANTED = 0.8
CHOSEN_ON = ("conv-26", "conv-30", "conv-41", "conv-42", "conv-43")
Rank = Callable[[str, frozenset[int]], Any]


@dataclass(slots=True)
class Talk:
    """A conversation as it is searched, and what is asked of it: query, places of its evidence, category."""

    units: list[Unit]
    lines: list[int]  # tokens
    dates: list[int]  # tokens of the date line that each unit stands under
    lexical: LexicalIndex
    single: Bm25
    asked: list[tuple[str, frozenset[int], int]]
    vectors: Any = None
    queries: dict[str, Any] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)  # seconds for the vector of each query


@dataclass(slots=True)
class Row:
    """What one way of ranking came to: by question recall at each budget and at each rank, and seconds of a read."""

    name: str
    budgets: list[list[float]] = field(default_factory=list)
    ranks: list[list[float]] = field(default_factory=list)
    categories: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    found_at: list[tuple[int, float]] = field(default_factory=list)


class Bm25:
    """The textbook's BM25 over single messages with their speakers: the peer's, not ours."""

    def __init__(self, units: Sequence[Unit]) -> None:
        texts = [words.terms(passage(unit)) for unit in units]
        self._lengths = np.array([len(text) for text in texts])
        self._counts: dict[str, Any] = {}
        for place, text in enumerate(texts):
            for term in text:
                self._counts.setdefault(term, np.zeros(len(units)))[place] += 1

    def scores(self, query: str) -> Any:
        total = np.zeros(len(self._lengths))
        damping = K1 * (1 - B + B * self._lengths / self._lengths.mean())
        for term in dict.fromkeys(words.terms(query)):
            if (counts := self._counts.get(term)) is not None:
                within = np.count_nonzero(counts)
                rarity = np.log(1 + (len(counts) - within + 0.5) / (within + 0.5))
                total += rarity * counts * (K1 + 1) / (counts + damping)
        return total


def talk(recording: Recording, model: Embedding | None) -> Talk:
    units = list(all_units(recording.turns))
    messages = [recording.turns[unit.turn].messages[unit.message or 0] for unit in units]
    places = {message.source: place for place, message in enumerate(messages)}
    asked = [
        (question.text, frozenset(places[id] for id in question.evidence if id in places), int(question.category or 0))
        for question in recording.questions
    ]
    result = Talk(
        units,
        [count_tokens(line_of(message)) for message in messages],
        [count_tokens(date_line(unit.at)) for unit in units],
        LexicalIndex(units),
        Bm25(units),
        [one for one in asked if one[1]],
    )
    if model:
        result.vectors = model.embed([passage(unit) for unit in units])
        for query, *_ in result.asked:
            # One by one, as a person asks; the model keeps the vectors of queries, so only the first time counts.
            start = time.perf_counter()
            result.queries[query] = model.embed([query])[0]
            result.waited.setdefault(query, time.perf_counter() - start)
    return result


def quote(order: Iterable[int], talk: Talk, budget: int) -> set[int]:
    """Quote the best first, passing over what no longer fits."""
    quoted: set[int] = set()
    dated: set[int] = set()
    least = min(talk.lines)
    for place in order:
        session = talk.units[place].session
        cost = talk.lines[place] + (0 if session in dated else talk.dates[place])
        if cost <= budget:
            quoted.add(place)
            dated.add(session)
            budget -= cost
            if budget < least:
                break
    return quoted


def measure(row: Row, rank: Rank, talk: Talk, dense: bool) -> None:
    """Ask everything; `rank` returns a score for each unit, given the query and, for the oracle, the evidence."""
    for query, evidence, category in talk.asked:
        start = time.perf_counter()
        order = np.argsort(-rank(query, evidence), kind="stable").tolist()
        quote(order, talk, BUDGETS[1])
        row.seconds.append(time.perf_counter() - start + (talk.waited[query] if dense else 0.0))
        row.budgets.append([len(quote(order, talk, budget) & evidence) / len(evidence) for budget in BUDGETS])
        row.ranks.append([len(evidence.intersection(order[:k])) / len(evidence) for k in RANKS])
        row.categories.append(category)
        if category != 5:
            row.found_at += _found_at(order, evidence, talk)


def _found_at(order: list[int], evidence: frozenset[int], talk: Talk) -> list[tuple[int, float]]:
    """Say after how many tokens each message of the evidence is reached, and what share of it that is."""
    dated: set[int] = set()
    tokens, found = 0, []
    for place in order:
        session = talk.units[place].session
        tokens += talk.lines[place] + (0 if session in dated else talk.dates[place])
        dated.add(session)
        if place in evidence:
            found.append((tokens, 1 / len(evidence)))
            if len(found) == len(evidence):
                break
    return found


def enough(row: Row) -> int:
    """Return the tokens with which the mean recall of categories 1 to 4 reaches 80 %."""
    questions, reached = sum(category != 5 for category in row.categories), 0.0
    for tokens, share in sorted(row.found_at):
        reached += share / questions
        if reached >= WANTED:
            return tokens
    return sum(tokens for tokens, _ in row.found_at)


def reciprocal(*scores: Any) -> Any:
    """Fuse by reciprocal ranks, with the usual 60."""
    total = np.zeros(len(scores[0]))
    for one in scores:
        ranks = np.empty(len(one))
        ranks[np.argsort(-one, kind="stable")] = np.arange(len(one))
        total += 1 / (61 + ranks)
    return total


def ways(talk: Talk) -> Iterable[tuple[str, bool, Rank]]:
    """Name every way of ranking, whether it needs the query's vector, and how it ranks."""
    places = np.arange(len(talk.units))

    def cosines(query: str) -> Any:
        return (talk.vectors @ talk.queries[query]).astype(float)

    yield "what was said last", False, lambda query, evidence: places
    yield "BM25, single messages", False, lambda query, evidence: talk.single.scores(query)
    yield "lexical (ours)", False, lambda query, evidence: talk.lexical.scores(query)
    if talk.vectors is not None:
        yield "MiniLM, single messages", True, lambda query, evidence: cosines(query)
        usual = "usual: RRF of BM25 and MiniLM"
        yield usual, True, lambda query, evidence: reciprocal(talk.single.scores(query), cosines(query))
        yield "hybrid (ours)", True, lambda query, evidence: talk.lexical.fused(query, cosines(query))
    yield "oracle", False, lambda query, evidence: np.isin(places, list(evidence)).astype(float)


def rows(talks: Sequence[Talk]) -> list[Row]:
    """Measure every way of ranking on every conversation."""
    found: dict[str, Row] = {}
    for one in talks:
        for name, dense, rank in ways(one):
            measure(found.setdefault(name, Row(name)), rank, one, dense)
    return list(found.values())


def show(results: Sequence[Row]) -> None:
    print("Categories 1 to 4: recall/full hits in % by tokens; tokens for 80 % recall; one read in ms")
    head = "".join(f"{budget:>13,}" for budget in BUDGETS)
    print(f"{'':32}{head}{'80 %':>9}{'p50':>8}{'p95':>8}")
    for row in results:
        chosen = [one for one, category in zip(row.budgets, row.categories, strict=True) if category != 5]
        cells = [f"{_percent(column)}/{_percent(_full(column))}" for column in zip(*chosen, strict=True)]
        p50, p95 = np.percentile(row.seconds, [50, 95]) * 1000
        print(f"{row.name:32}{''.join(f'{cell:>13}' for cell in cells)}{enough(row):>9,}{p50:>8.2f}{p95:>8.2f}")
    print("\nBy category, recall/full at 500 · 1,000 · 2,000 tokens")
    for row in results:
        for category, name in CATEGORIES.items():
            chosen = [one for one, its in zip(row.budgets, row.categories, strict=True) if its == category]
            if chosen:
                columns = list(zip(*chosen, strict=True))
                cells = " · ".join(f"{_percent(column)}/{_percent(_full(column))}" for column in columns)
                print(f"  {row.name:32}{category} {name:12}{len(chosen):>5}   {cells}")
    print("\nRecall in % of the best 5, 10, 25 and 50 messages, all five categories")
    print(f"{'DRAGON, as published':32}{''.join(f'{value:>8}' for value in DRAGON)}")
    for row in results:
        print(f"{row.name:32}{''.join(f'{_percent(column):>8}' for column in zip(*row.ranks, strict=True))}")


def _full(values: Iterable[float]) -> list[float]:
    return [float(value > 1 - 1e-9) for value in values]


def _percent(values: Iterable[float]) -> str:
    return f"{mean(values) * 100:.1f}"


def minilm() -> Embedding | None:
    """Return all-MiniLM-L6-v2 if it is on this disk."""
    try:
        return embedding("minilm")
    except ModelFailed as error:
        print(f"Without MiniLM, so the rows that need it are left out: {error}\n")
        return None


def _half(ids: Sequence[str]) -> str:
    """Say how far the figures can be trusted."""
    seen = [id for id in ids if id in CHOSEN_ON]
    if not seen:
        return "None of these is among the five on which our constants were chosen: the figures are of unseen talk."
    those = "these five" if len(seen) == len(ids) else f"{len(seen)} of them"
    return f"Our constants were chosen while looking at {those}: on other conversations expect somewhat less."


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file", nargs="?", help="locomo10.json, or a file in its form")
    path = parser.parse_args().file
    if not path or not Path(path).is_file():
        at = f"There is no file {path}." if path else "No file is named."
        sys.exit(
            f"{at} bench-recall needs LoCoMo's conversations, which are not ours to ship:\n"
            "take data/locomo10.json from https://github.com/snap-research/locomo, then\n"
            "  make bench-recall LOCOMO=/path/to/locomo10.json"
        )
    model = minilm()
    recordings = read_files(path)
    talks = [talk(recording, model) for recording in recordings]
    asked = sum(len(one.asked) for one in talks)
    ids = [recording.id for recording in recordings]
    print(f"{path}: {len(talks)} conversations ({', '.join(ids)}), {asked:,} questions with evidence")
    print(f"{_half(ids)}\n")
    print("The index alone, over single messages.", end=" ")
    show(rows(talks))
    recall_memories.show(recordings, model, CATEGORIES)


if __name__ == "__main__":
    main()
