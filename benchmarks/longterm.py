"""What long-term memory costs: a search among 10,000 facts, among 1,000 users, and a turn while facts form later.

    make bench-longterm        or  python -m benchmarks.longterm --facts 1000 --users 50 --turns 10

The first part has one user with all the facts, over an embedded Redis and Chroma in a temporary folder, and embeds by
hashing: the time of the embedding itself is taken out, as each model has its own. The first search of a process reads
the facts and the vectors and is told apart; every fact of a second user beside them is marked, and none may be found.
In the second part each of many users searches once or more and may find nothing of another. In the third the memory's
model thinks for a fifth of a second and the chat model answers at once: turns with facts formed in the background are
set against turns of the same memory that reads and never forms any, and against those that form facts at each turn.
Absolute times are this machine's; the ratio is what compares.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from langchain_core.messages import AIMessage, AIMessageChunk
from langgraph.store.base import PutOp

from benchmarks.turn import Instant
from memory import threads
from memory.base import Memory
from memory.conversation import Conversation
from memory.longterm.base_store import UserStores
from memory.longterm.facts import Fact, to_value
from memory.longterm.finding import found
from memory.retrieval.embeddings import Embedding, embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import open_vectors
from memory.server.connect import Connection, connect
from memory.services import Models
from memory.stores.redis import RedisStore
from memory.strategies.collection import SemanticCollectionMemory
from memory.trace import Call

PLACE = ("facts",)
THINGS = (
    "tea",
    "rivers",
    "chess",
    "bridges",
    "violins",
    "maps",
    "bread",
    "stars",
    "boats",
    "clocks",
    "herons",
    "glass",
)
PLACES = ("Oslo", "Lisbon", "Tamsk", "Odrin", "Perun", "Graz", "Turku", "Bergen", "Lugano", "Vigo")
THINKS = 0.2
"""Seconds that the memory's model takes for an answer."""
BLOCK = 500


def sentences(owner: str, count: int) -> list[str]:
    """Make facts that differ, each with its owner's mark."""
    return [
        f"The user saw {number} {THINGS[number % len(THINGS)]} in {PLACES[number % len(PLACES)]} ({owner}-{number})."
        for number in range(count)
    ]


@dataclass
class Clock:
    """The seconds that embeddings took."""

    spent: float = 0.0

    def __call__(self, call: Call) -> None:
        self.spent += call.seconds


@dataclass
class Bench:
    """The stores of a new folder; `stores` begins with nothing in the process' cache."""

    connection: Connection
    folder: Path
    model: Embedding = field(default_factory=lambda: embedding("hashing"))

    def __post_init__(self) -> None:
        self.store = RedisStore(self.connection)
        self.vectors = open_vectors(self.model.name, self.model.dimensions, home=self.folder)

    def stores(self) -> UserStores:
        return UserStores(self.store.shelf, self.vectors, self.model)

    def fill(self, user: str, count: int) -> None:
        items = self.stores().of(user)
        facts = [
            Fact(uuid.uuid4().hex[:16], PLACE, "Memory", {"content": text}, at=1e9) for text in sentences(user, count)
        ]
        for first in range(0, count, BLOCK):
            items.batch(
                [PutOp(PLACE, fact.key, to_value(fact), index=["content"]) for fact in facts[first : first + BLOCK]]
            )


@contextmanager
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        connection = connect("", Path(name))
        try:
            made = Bench(connection, Path(name))
            try:
                yield made
            finally:
                made.vectors.close()
        finally:
            connection.close()


def search(stores: UserStores, user: str, query: str) -> tuple[float, float, int]:
    """Search once; return the milliseconds beyond the embedding, those of CPU, and how many hits were a stranger's."""
    clock = Clock()
    items = stores.of(user, called=clock)
    start, cpu = time.perf_counter(), time.process_time()
    hits = found(items, PLACE, query, 6, "facts")
    worked = time.process_time() - cpu
    spent = time.perf_counter() - start - clock.spent
    assert len(hits) == 6
    return spent * 1000, worked * 1000, sum(f"({user}-" not in fact.text for fact, _, _ in hits)


def many_facts(made: Bench, count: int, searches: int) -> None:
    """Search as one user of many facts, beside another with as many that are marked."""
    for user in ("ann", "bob"):
        made.fill(user, count)
    stores = made.stores()
    times, foreign = list[tuple[float, float]](), 0
    for number in range(searches + 1):
        query = f"How many {THINGS[number % len(THINGS)]} of bob-{number} in {PLACES[number % len(PLACES)]}?"
        *spent, others = search(stores, "ann", query)
        times.append((spent[0], spent[1]))
        foreign += others
    rest = sorted(spent for spent, _ in times[1:])
    print(
        f"{count:,} facts of one user: first search {times[0][0]:,.0f} ms; then best {rest[0]:.1f} ms, p50 "
        f"{median(rest):.1f} ms, p95 {rest[int(len(rest) * 0.95) - 1]:.1f} ms beyond the embedding, CPU p50 "
        f"{median(cpu for _, cpu in times[1:]):.1f} ms with it; of another user: {foreign} hits of {6 * len(times):,}",
        flush=True,
    )


def many_users(made: Bench, count: int) -> None:
    """Search as each of many users, twice in a row: the second time from the process' cache."""
    users = [f"user{number}" for number in range(count)]
    for user in users:
        made.fill(user, 10)
    stores, cold, warm, foreign = made.stores(), list[float](), list[float](), 0
    for number, user in enumerate(users):
        query = f"How many {THINGS[number % len(THINGS)]} of user{(number + 1) % count}?"
        for times in (cold, warm):
            spent, _, others = search(stores, user, query)
            times.append(spent)
            foreign += others
    print(
        f"{count:,} users of 10 facts: first search p50 {median(cold):.1f} ms, then p50 {median(warm):.1f} ms "
        f"beyond the embedding; of another user: {foreign} hits of {2 * 6 * count:,}"
    )


class Thoughtful(Instant):
    """A memory's model that takes its time and notes nothing."""

    def stream(self, messages: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        time.sleep(THINKS)
        yield AIMessageChunk("", chunk_position="last")

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def invoke(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        return AIMessage("")


class ReadsOnly(SemanticCollectionMemory):
    """The same memory, which sends what it finds and forms nothing."""

    stateful = False


def turns(made: Bench, rounds: int) -> None:
    """Time turns of three memories that read alike, interleaved: to the answer's last word, and until all is stored."""
    memories: dict[str, Memory] = {
        "without formation": ReadsOnly(),
        "formed in the background": SemanticCollectionMemory(formation="background"),
        "formed at each turn": SemanticCollectionMemory(formation="turn"),
    }
    retrieval = Retrieval(made.model, made.vectors)
    made.fill("talker", 200)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in memories}
    talks = {}
    for name, memory in memories.items():
        thread = threads.new(made.store, "talker", memory)
        talks[name] = Conversation(made.store, "talker", thread.id, memory, Models(), retrieval=retrieval)
    with (
        patch.object(Models, "open_chat", lambda self: Instant()),
        patch.object(Models, "open_memory", lambda self: Thoughtful()),
    ):
        for number in range(rounds + 1):
            for name, talk in talks.items():
                start = answered = time.perf_counter()
                for _ in talk.reply(f"How many bridges are in Oslo, asked for time {number}?"):
                    answered = time.perf_counter()
                if number:
                    times[name].append(((answered - start) * 1000, (time.perf_counter() - start) * 1000))
    first, *_ = times.values()
    print("a turn: to the last word of the answer, and until it is stored and taken in; × one without formation")
    for name, spent in times.items():
        cells = [(median(row[at] for row in spent), median(row[at] for row in first)) for at in (0, 1)]
        print(f"{name:26}" + "".join(f"{ms:9.1f} ms  x{ms / base:5.2f}" for ms, base in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--searches", type=int, default=60)
    parser.add_argument("--turns", type=int, default=30)
    args = parser.parse_args()
    with bench() as made:
        many_facts(made, args.facts, args.searches)
        many_users(made, args.users)
        turns(made, args.turns)


if __name__ == "__main__":
    main()
