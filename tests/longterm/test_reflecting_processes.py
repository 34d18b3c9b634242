"""Real processes that reflect on one conversation at once, over a real Redis: each stretch of turns is paid for once.

python -m pytest tests/longterm/test_reflecting_processes.py
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from memory.catalog import load
from memory.conversation import Conversation
from memory.forgetting.remembered import remembered
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.server.connect import Connection
from memory.stores.redis import RedisStore
from tests.memory.fakes import FakeChat, FakeModels, conversation, say

PROCESSES, TURNS = 3, 3
PATIENCE = 600  # seconds; the cores may be busy
SPEC = "combined:memories=window(k=1)+collection(formation=background)"
PROGRAM = """
import json, sys, time
from memory import reflection
from memory.catalog import load
from memory.conversation import Conversation
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.server.connect import connect
from memory.stores.redis import RedisStore
from tests.memory.fakes import FakeChat, FakeModels

url, user, thread, spec, processes = sys.argv[1:]
connection = connect(url)
counts = connection.call(lambda client: client)

def answer(messages):
    number = counts.incr(f"asked:{user}")
    time.sleep(0.2)  # the others look for something to do meanwhile
    return f"fact {number}"

models = FakeModels(talker=FakeChat(), writer=FakeChat(answer=answer))
talk = Conversation(
    RedisStore(connection), user, thread, load().memory(spec), models, retrieval=Retrieval(embedding("hashing"))
)
counts.incr(f"ready:{user}")
while int(counts.get(f"ready:{user}")) < int(processes):
    time.sleep(0.05)
done = [reflection.reflect(talk) for _ in range(3)]
print(json.dumps([sum(call.purpose == "memories" for call in trace.calls) for trace in done if trace]))
"""


def test_processes_that_reflect_at_once_ask_the_memorys_model_once_for_each_turn(tcp: Connection) -> None:
    store = RedisStore(tcp)
    place = tcp.call(lambda client: client.connection_pool.connection_kwargs)
    models = FakeModels(talker=FakeChat(), writer=FakeChat())
    talk = conversation(store, SPEC, retrieval=Retrieval(embedding("hashing")))
    talk = Conversation(store, talk.user, talk.thread, load().memory(SPEC), models, retrieval=talk.retrieval)
    say(talk, *(f"This is turn {number}." for number in range(TURNS)))
    given = [
        f"redis://{place['host']}:{place['port']}/{place.get('db', 0)}",
        talk.user,
        talk.thread,
        SPEC,
        str(PROCESSES),
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *given], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        for _ in range(PROCESSES)
    ]
    try:
        told = [json.loads(process.communicate(timeout=PATIENCE)[0]) for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0] * PROCESSES
    assert sum(sum(calls) for calls in told) == TURNS
    assert sum(bool(sum(calls)) for calls in told) == 1
    assert len(remembered(store, talk.user)) == TURNS
    assert talk.opened().state.parts["1"] == TURNS
    assert [event.kind for event in store.events(talk.user, talk.thread)] == ["reflect"]
