"""kill -9 between and inside turns: whatever was acknowledged is there, once, and the memory catches up.

A process of its own runs conversations over the embedded server with a model that answers at once, and prints each
turn that is acknowledged. Now the server is killed, now the process; then the next process goes on in the same thread.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memory.base import replay
from memory.conversation import Conversation
from memory.errors import StoreUnavailable
from memory.server.connect import connect
from memory.server.embedded import Embedded
from memory.stores.redis import RedisStore
from tests.memory.fakes import FakeServices, conversation, state_json, traces_of, turns_of
from tests.servers import end

pytestmark = pytest.mark.faults

WRITERS = 4
BLOWS = ("server", "server", "writer")
USER = "writer"
MEMORIES = {"t1": "summary", "t2": "window", "t3": "summary_buffer:max_token_limit=80"}
ROOT = Path(__file__).parents[2]


def write(home: Path, begin: int) -> None:
    """Say one thing after another in three threads, and print what is acknowledged; until killed."""
    store = RedisStore(connect("", home))
    talks = [conversation(store, spec, user=USER, thread=thread) for thread, spec in MEMORIES.items()]
    number = begin
    while True:
        for talk in talks:
            reply = talk.reply(f"message {number}", turn_id=f"m{number}")
            number += 1
            while True:
                try:
                    if reply.turn is None:
                        list(reply)
                    else:
                        reply.commit()
                    break
                except StoreUnavailable:
                    time.sleep(0.01)
            print(talk.thread, reply.turn_id, flush=True)


@pytest.fixture
def home(scratch: Path) -> Iterator[Path]:
    folder = scratch / "turn-faults"
    yield folder
    end(folder)


@contextmanager
def writer_process(home: Path, begin: int) -> Iterator[subprocess.Popen[str]]:
    """Run `write` in a process of its own, which ends with the block however the block ends."""
    code = f"import pathlib, tests.faults.test_turn_faults as t; t.write(pathlib.Path({str(home)!r}), {begin})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def kill_server(home: Path) -> None:
    """Kill the server, which may just be starting after the last time."""
    server, deadline = Embedded(home), time.monotonic() + 20
    while True:
        assert time.monotonic() < deadline, "no server comes back"
        if server.probe() == "ready" and (pid := server.pid()):
            try:
                os.kill(pid, signal.SIGKILL)
                return
            except ProcessLookupError:
                pass  # it died of the last blow only now
        time.sleep(0.01)


def check(talk: Conversation, acknowledged: list[str]) -> None:
    """Check a thread against what was acknowledged; a process that was killed may have left one turn more."""
    turns, traces = turns_of(talk), traces_of(talk)
    ids = [turn.id for turn in turns]
    assert len(set(ids)) == len(ids), "a turn is there twice"
    assert [one for one in ids if one in set(acknowledged)] == acknowledged, "an acknowledged turn is lost or misplaced"
    assert all(turn.ai.endswith(f"I heard: {turn.human}") for turn in turns), "an answer stands with another's question"
    assert [trace.turn_id for trace in traces] == ids, "a trace stands with another's turn"
    assert [trace.turn for trace in traces] == list(range(len(turns)))
    opened = talk.opened()
    assert opened.length == len(turns)
    assert opened.state.covered <= len(turns)
    for note in opened.state.notes.values():
        assert note.since <= opened.state.covered
        held = talk.store.notes(talk.user, talk.thread, [f"{talk.memory.key}/{note.ref}"])
        assert list(held.values()) == [note]
    totals = talk.store.totals(talk.user, talk.thread)
    assert totals.reply.calls == len(turns), "a call was counted twice or not at all"


def test_no_kill_loses_or_doubles_an_acknowledged_turn(home: Path) -> None:
    chance = random.Random(7)
    acknowledged: dict[str, list[str]] = {thread: [] for thread in MEMORIES}
    begin = 0

    def note(line: str) -> None:
        # The last line of a process that was killed can be torn: nobody was told of that turn.
        if line.endswith("\n"):
            thread, turn = line.split()
            acknowledged[thread].append(turn)

    for _ in range(WRITERS):
        with writer_process(home, begin) as writer:
            assert writer.stdout
            for blow in BLOWS:
                for _ in range(4):
                    note(writer.stdout.readline())
                time.sleep(chance.random() * 0.02)  # somewhere between two lines
                if blow == "server":
                    kill_server(home)
                else:
                    writer.kill()
            for line in writer.stdout:
                note(line)
        begin += 1000
        connection = connect("", home)
        store = RedisStore(connection)
        for thread, spec in MEMORIES.items():
            check(conversation(store, spec, user=USER, thread=thread), acknowledged[thread])
        if not chance.randrange(3):
            Embedded(home).stop()
        connection.close()
    assert sum(map(len, acknowledged.values())) >= 4 * len(BLOWS) * WRITERS

    connection = connect("", home)
    store = RedisStore(connection)
    for thread, spec in MEMORIES.items():
        talk = conversation(store, spec, user=USER, thread=thread)
        list(talk.reply("And now?"))
        turns = turns_of(talk)
        assert turns[-1].human == "And now?"
        assert len(turns) <= len(acknowledged[thread]) + WRITERS + 1
        if talk.memory.stateful:
            # The next write has caught up with whatever was cut off between the two commits.
            assert state_json(talk.opened().state) == state_json(replay(talk.memory, turns, FakeServices()))
    connection.close()


def test_a_process_killed_between_the_two_commits_leaves_a_turn_that_the_next_write_takes_in(home: Path) -> None:
    connection = connect("", home)
    talk = conversation(RedisStore(connection), "summary", user="between")
    list(talk.reply("one"))
    child = os.fork()
    if child == 0:
        # Never returns into the tests: it dies at the second commit's door.
        try:
            mine = connect(f"unix://{Embedded(home).socket}")
            talk = conversation(RedisStore(mine), "summary", user="between")
            talk.store.put_state = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
            list(talk.reply("two"))
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert [turn.human for turn in turns_of(talk)] == ["one", "two"]
    assert traces_of(talk)[1].after is None
    assert talk.opened().state.covered == 1
    assert talk.opened().pending == ()
    # The summary that died with the process was paid for and is known.
    assert talk.estimate().calls == 0
    list(talk.reply("three"))
    assert talk.opened().state.covered == 3
    assert state_json(talk.opened().state) == state_json(replay(talk.memory, turns_of(talk), FakeServices()))
    connection.close()
