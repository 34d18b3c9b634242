"""kill -9 at random over the server, the process or both, while it talks, switches, reflects, uploads and forgets.

    make faults                 200 kills; the tests do KILLS=20

After each process everything that it was told is done must be there once, and nothing half done may show.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from memory.longterm.base_store import UserStore
from memory.server.connect import Connection, connect
from memory.server.embedded import Embedded
from memory.stores.redis import RedisStore
from tests.faults.deeds import MEMORIES, USER, drink, library, talk_in
from tests.faults.test_turn_faults import kill_server
from tests.memory.fakes import everything_on, say, traces_of, turns_of
from tests.servers import end

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

KILLS = int(os.environ.get("KILLS", "20"))
BLOWS = 4
"""How many blows fall on one process, the last of which is its own."""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(scratch: Path) -> Iterator[Path]:
    folder = scratch / "kills"
    yield folder
    end(folder)


@contextmanager
def doing(home: Path, seed: int, begin: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.faults.deeds", str(home), str(seed), str(begin)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


class Told:
    """What was acknowledged so far."""

    def __init__(self) -> None:
        self.turns: dict[str, list[str]] = {thread: [] for thread in MEMORIES}
        self.forgotten: dict[str, int] = {}
        self.uploaded: list[str] = []
        self.experiments: list[str] = []
        self.reflected = 0
        self.count: Counter[str] = Counter()

    def hear(self, line: str) -> None:
        # The last line of a process that was killed can be torn: nobody was told of that.
        if not line.endswith("\n"):
            return
        row: dict[str, Any] = json.loads(line)
        self.count[row["did"]] += 1
        match row["did"]:
            case "turn":
                self.turns[row["thread"]].append(row["id"])
            case "forgot":
                self.forgotten[row["id"]] = row["number"]
            case "uploaded":
                self.uploaded.append(row["name"])
            case "experiment":
                self.experiments.append(row["title"])
            case "reflected":
                self.reflected = max(self.reflected, row["covered"])


def test_no_kill_loses_or_doubles_what_was_acknowledged(home: Path) -> None:
    chance, told, kills, begin = random.Random(11), Told(), 0, 0
    while kills < KILLS:
        with doing(home, chance.randrange(10**6), begin) as process:
            assert process.stdout
            for number in range(1, BLOWS + 1):
                for _ in range(chance.randrange(1, 9)):
                    told.hear(process.stdout.readline())
                time.sleep(chance.random() * 0.03)  # somewhere between two lines
                if number < BLOWS or chance.random() < 0.5:
                    kill_server(home)
                if number == BLOWS:
                    process.kill()
                kills += 1
            for line in process.stdout:
                told.hear(line)
        begin += 10_000
        connection = connect("", home)
        check(connection, told)
        connection.close()
    print(f"{kills} kills, acknowledged {dict(told.count)}: lost 0, doubled 0, torn 0")
    assert sum(told.count.values()) >= kills


def check(connection: Connection, told: Told) -> None:
    """Compare the store with what was acknowledged; a process that was killed may have done one thing more."""
    store = RedisStore(connection)
    for thread, ids in told.turns.items():
        if store.thread(USER, thread):
            _check_thread(store, thread, ids, told.forgotten)
        else:
            assert not ids
    _check_forgotten(connection, told)
    names = [document.name for document in library(store).listed()]
    assert Counter(names).most_common(1)[:1] == [] or Counter(names).most_common(1)[0][1] == 1, "a document is doubled"
    assert set(told.uploaded) <= set(names), "an uploaded document is lost"
    for name in told.uploaded[-3:]:
        hits = library(store).search(f"When is {name.removesuffix('.md')} served?", 1)
        assert name.removesuffix(".md") in hits[0].passage.text, "a document is there without its text"
    titles = Counter(row["title"] for row in _experiments(store))
    assert all(count == 1 for count in titles.values()), "an experiment is doubled"
    assert set(told.experiments[-3:]) <= set(titles), "an experiment is lost"
    _check_facts(store, told)


def _check_thread(store: RedisStore, thread: str, acknowledged: list[str], forgotten: dict[str, int]) -> None:
    talk = talk_in(store, thread)
    turns, traces = turns_of(talk), traces_of(talk)
    ids = [turn.id for turn in turns]
    assert len(set(ids)) == len(ids), "a turn is there twice"
    assert [one for one in ids if one in set(acknowledged)] == acknowledged, "a turn is lost or misplaced"
    for turn in turns:
        if turn.human:
            assert drink(int(turn.id[1:])) in turn.human, "a message stands with another's turn"
        else:
            assert not turn.ai, "a forgotten turn has kept its answer"
    assert [trace.turn_id for trace in traces] == ids, "a trace stands with another's turn"
    opened = talk.opened()
    assert opened.length == len(turns)
    assert opened.state.covered <= len(turns)
    totals = store.totals(USER, thread)
    assert totals.reply.calls == len(turns), "a call was counted twice or not at all"


def _check_forgotten(connection: Connection, told: Told) -> None:
    """No forgotten word may stand anywhere; of what was cut off in the middle nobody was told."""
    held = b"\n".join(everything_on(connection).values())
    for number in told.forgotten.values():
        assert drink(number).encode() not in held, "a forgotten word is still there"


def _check_facts(store: RedisStore, told: Told) -> None:
    talk = talk_in(store, "t3")
    items: UserStore = talk.services().items
    texts = [
        str(item.value["content"]["content"])
        for item in items.search(("facts",), filter={"kind": "Memory"}, limit=10_000)
    ]
    assert all(count == 1 for count in Counter(texts).values()), "a fact is doubled"
    turns = turns_of(talk) if store.thread(USER, "t3") else []
    for turn in turns[: told.reflected]:
        word = drink(int(turn.id[1:]))
        assert sum(word in text for text in texts) == 1, "a turn was reflected on twice or not at all"


def _experiments(store: RedisStore) -> list[dict[str, Any]]:
    return [json.loads(kept.record) for kept in store.experiments(USER)]


def test_after_the_kills_the_conversation_goes_on(home: Path) -> None:
    with doing(home, 5, 0) as process:
        assert process.stdout
        for _ in range(12):
            process.stdout.readline()
        kill_server(home)
        process.kill()
    connection = connect("", home)
    for thread in MEMORIES:
        talk = talk_in(RedisStore(connection), thread)
        say(talk, f"I like {drink(99)}.")
        assert turns_of(talk)[-1].human == f"I like {drink(99)}."
    connection.close()
    assert Embedded(home).probe() != "frozen"
