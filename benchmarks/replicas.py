"""What it costs that a turn counts only when a replica has it too: its write, and the whole turn around a model.

The same turn on one server, on a primary with a replica, with `min-replicas-to-write 1` on that primary, and with
REDIS_REPLICAS=1 (WAIT behind each commit). All write to disk before they answer, on one machine: between two machines
the way there and back comes on top of what WAIT costs here. Rounds are interleaved; compare the ratios.

    make bench-replicas        or  python -m benchmarks.replicas --rounds 40
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from redis import Redis, RedisError

from benchmarks.turn import USER, Instant, measure, turn
from memory import threads
from memory.catalog import load
from memory.conversation import Conversation
from memory.errors import StoreUnavailable
from memory.server.connect import connect
from memory.services import Models
from memory.stores.redis import RedisStore
from memory.stores.redis_calls import replicated
from memory.trace import Trace
from tests.ports import free_port

CASES = ("one server", "a replica", "min-replicas-to-write 1", "REDIS_REPLICAS=1")


@contextmanager
def server(folder: Path, *more: str) -> Iterator[int]:
    """Start a server that has every write on disk before it answers; yields its port."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise SystemExit("redis-server is missing: make redis-server")
    port = free_port()
    folder.mkdir()
    words = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--loglevel", "warning"]
    words += ["--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0", *more]
    running = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
    try:
        _until(lambda: Redis(port=port).ping())
        yield port
    finally:
        running.kill()
        running.wait()


def _until(met: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if met():
                return
        except (OSError, RedisError, StoreUnavailable):
            pass
        time.sleep(0.05)
    raise SystemExit("A server does not start.")


def cases(port: int, replicas: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return what writes one turn, and what holds a whole one, in conversations of their own."""
    store, memory = RedisStore(connect(f"redis://127.0.0.1:{port}/0"), replicas=replicas), load().memory("window:k=5")
    written, held = (threads.new(store, "bench", memory).id for _ in range(2))
    talk = Conversation(store, "bench", held, memory, Models())

    def write() -> None:
        one = turn(0)
        store.append("bench", written, one, Trace("turn", 0, one.id, time.time()), {})

    def whole() -> None:
        for _ in talk.reply(USER, uuid.uuid4().hex[:16]):
            pass

    return write, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=10, help="turns a case in each round")
    options = parser.parse_args()
    with ExitStack() as stack, patch("memory.services.chat_model", lambda *_, **__: Instant()):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        alone = stack.enter_context(server(folder / "alone"))
        primaries = [stack.enter_context(server(folder / f"primary{number}")) for number in range(3)]
        for number, port in enumerate(primaries):
            stack.enter_context(server(folder / f"replica{number}", "--replicaof", f"127.0.0.1 {port}"))
        for port in primaries:
            _until(lambda port=port: replicated(Redis(port=port), "mi:{bench}", 1) is None)
        Redis(port=primaries[1]).config_set("min-replicas-to-write", 1)
        Redis(port=primaries[1]).config_set("min-replicas-max-lag", 2)
        made = [cases(alone, 0), cases(primaries[0], 0), cases(primaries[1], 0), cases(primaries[2], 1)]
        print(f"{'':26}{'best ms':>10}{'median ms':>11}{'× one server':>14}{'× a replica':>13}   (of the medians)")
        for place, what in enumerate(("a turn's write", "a whole turn")):
            spent = measure(
                dict(zip(CASES, (one[place] for one in made), strict=True)), options.rounds, options.repeats
            )
            print(what)
            for name, (best, middle) in spent.items():
                ratios = middle / spent[CASES[0]][1], middle / spent[CASES[1]][1]
                print(f"  {name:24}{best:10.3f}{middle:11.3f}{ratios[0]:14.2f}{ratios[1]:13.2f}")


if __name__ == "__main__":
    main()
