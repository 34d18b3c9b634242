"""A million turns of 10,000 users in Redis and 100,000 vectors in Chroma: what one user's turn costs then.

One user's conversation of 100 turns is held through the app's own code, then copied for every other user, key by key,
under that user's name. At 1,000 users and at 10,000 the same is measured for users that nobody asked for before:

    first     a recall by a process that knows nothing of the user: turns and vectors are read, an index is made
    warm      the next recalls of the same user
    turn      a whole turn: read, prompt, a model that answers at once, two commits with every write on disk
    erase     everything of one user removed, vectors among it; nothing of it can be read from then on
    files     the append-only file written anew, so that no disk holds the words any more: for all users at once
    bytes     of Redis' memory for a turn, with its trace and its share of everything else

    make bench-scale       or  python -m benchmarks.scale --users 1000 10000 --vectors 100000

Compare the columns of one run: absolute times are this machine's. 10,000 users take about 4 GB of memory.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.turn import Instant
from memory import threads
from memory.catalog import load
from memory.conversation import Conversation
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import Vectors, open_vectors
from memory.server.connect import Connection, connect
from memory.services import Models
from memory.stores.redis import RedisStore

TURNS = 100
MEMORY = "vector:k=4,search=hybrid"
ASKED = 60
"""How many users are asked of at each size."""
WORDS = ["tea", "rivers", "chess", "bridges", "violins", "maps", "bread", "stars", "boats", "clocks", "herons", "glass"]


@contextmanager
def server(folder: Path) -> Iterator[Connection]:
    """A Redis of its own on a socket; it begins to write to disk when it is told to."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise SystemExit("redis-server is missing: make redis-server")
    socket = folder / "redis.sock"
    words = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([program, *words, "--loglevel", "warning"], stdout=subprocess.DEVNULL)
    connection = connect(f"unix://{socket}")
    try:
        while connection.ping() != "ready":
            time.sleep(0.05)
        yield connection
    finally:
        connection.close()
        process.kill()
        process.wait()


def talk(store: RedisStore, user: str, retrieval: Retrieval) -> Conversation:
    """Return the user's only conversation."""
    memory = load().memory(MEMORY)
    known = store.threads(user)
    thread = known[0] if known else threads.new(store, user, memory, "Talk")
    return Conversation(store, user, thread.id, memory, Models(), retrieval=retrieval)


def spread(connection: Connection, template: str, first: int, end: int) -> None:
    """Copy everything of the template to users first … end."""
    client = connection.client
    keys = list(client.scan_iter(match=f"mi:{{{template}}}:*", count=1000))
    dumped: list[tuple[str, bytes]] = [(key.decode(), client.dump(key)) for key in keys]
    for start in range(first, end, 50):
        pipe = client.pipeline(transaction=False)
        for number in range(start, min(start + 50, end)):
            for key, value in dumped:
                pipe.restore(key.replace(template, name(number)), 0, value, replace=True)
        pipe.execute()


def name(number: int) -> str:
    return f"user{number:06d}"


def fill(vectors: Vectors, thread: str, ids: Sequence[str], rows: Any, first: int, end: int) -> None:
    for number in range(first, end):
        vectors.put(name(number), thread, ids, rows)


def measured(does: Callable[[int], None], numbers: Sequence[int]) -> list[float]:
    """Return how many ms it takes for each user."""
    took = []
    for number in numbers:
        began = time.perf_counter()
        does(number)
        took.append(1000 * (time.perf_counter() - began))
    return took


def at(store: RedisStore, vectors: Vectors, size: int, seed: int) -> dict[str, list[float]]:
    """Measure at a size, on users that were not asked of before."""
    chance = np.random.default_rng(seed)
    numbers = [int(number) for number in chance.permutation(size)[:ASKED]]
    retrieval = Retrieval(embedding("hashing"), vectors, threads=ASKED * 2)
    talks = {number: talk(store, name(number), retrieval) for number in numbers}

    def recall(number: int) -> None:
        one = talks[number]
        opened = one.opened()
        one.memory.read(opened.state, one.transcript(opened), f"Do I like {WORDS[number % 12]}?", one.services(), 1000)

    def turn(number: int) -> None:
        list(talks[number].reply(f"I like {WORDS[number % 12]} more than before."))

    found = {"first": measured(recall, numbers), "warm": measured(recall, numbers), "turn": measured(turn, numbers)}
    gone = numbers[:10]

    def erase(number: int) -> None:
        store.erase(name(number))
        vectors.erase(name(number))

    found["erase"] = measured(erase, gone)
    found["files"] = measured(lambda number: compacted(store), gone[:2])
    return found


def compacted(store: RedisStore) -> None:
    assert store.compact().done


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--vectors", type=int, default=100_000)
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="mi-scale-"))
    try:
        with server(folder) as connection, patch("memory.services.chat_model", lambda *_, **__: Instant()):
            run(connection, folder, sorted(options.users), options.vectors)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(connection: Connection, folder: Path, sizes: Sequence[int], most_vectors: int) -> None:
    store = RedisStore(connection)
    model = embedding("hashing")
    vectors = open_vectors(model.name, model.dimensions, "", folder)
    began = time.perf_counter()
    template = talk(store, "template", Retrieval(model, vectors))
    for number in range(TURNS):
        said = " ".join(WORDS[(number * step) % 12] for step in range(1, 40))
        list(template.reply(f"This is the {number}th thing: {said}."))
    kept = vectors.get("template", template.thread)
    ids, rows = list(kept), np.array([np.asarray(kept[id]) for id in kept], dtype=np.float32)
    with_vectors = most_vectors // max(1, len(ids))
    print(f"A conversation of {TURNS} turns, {len(ids)} vectors of {model.dimensions}, {MEMORY}")
    done, filled, results = 0, 0, {}
    for size in sizes:
        used = int(connection.client.info("memory")["used_memory"])
        spread(connection, "template", done, size)
        grown = int(connection.client.info("memory")["used_memory"]) - used
        goal = min(size, with_vectors)
        fill(vectors, template.thread, ids, rows, filled, goal)
        per_turn = grown / ((size - done) * TURNS)
        done, filled = size, max(filled, goal)
        connection.client.config_set("appendonly", "yes")
        connection.client.config_set("appendfsync", "always")
        while int(connection.client.info("persistence")["aof_rewrite_in_progress"]):
            time.sleep(0.2)
        results[size] = at(store, vectors, min(size, goal), size)
        print(
            f"{size:,} users, {size * TURNS:,} turns, {filled * len(ids):,} vectors: {per_turn:,.0f} bytes a turn in "
            f"Redis, ready after {time.perf_counter() - began:,.0f} s"
        )
        connection.client.config_set("appendonly", "no")
    first = results[sizes[0]]
    print(f"{'':>8}" + "".join(f"{size:>16,} users" for size in sizes) + "   last / first")
    for what in first:
        row = [median(results[size][what]) for size in sizes]
        print(f"{what:>8}" + "".join(f"{value:>16,.1f} ms   " for value in row) + f"{row[-1] / row[0]:>14.2f}")
    vectors.close()


if __name__ == "__main__":
    main()
