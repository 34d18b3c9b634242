"""An experiment on its way: each result is kept at once, and whatever ends it can be gone on with.

python -m pytest tests/compare/test_job.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from memory.compare import job
from memory.compare.collect import run_of
from memory.compare.experiment import Column, Experiment
from memory.compare.job import Job, start
from memory.compare.keeping import Experiments
from memory.compare.results import RunResult
from memory.errors import BadInput, ExperimentGone
from memory.formats.recording import Question, Recording, Talk
from memory.replay import Replay
from memory.retrieval.embeddings import embedding
from memory.server.connect import Connection
from memory.services import Models
from memory.store import Store
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore
from tests.compare.probes import is_running, plug_in, runs
from tests.memory.fakes import Away, everything_on, new_user
from tests.openai_server import openai_server

WINDOW, BUFFER = Column("ConversationBufferWindowMemory", {"k": 1}), Column("ConversationBufferMemory")
VECTOR, PROBED = Column("VectorStoreRetrieverMemory", {"k": 2}), Column("Probed")
PATIENCE = 170.0


def recording(turns: int = 6, name: str = "conv-1") -> Recording:
    talk = Talk()
    for turn in range(turns):
        talk.say("human", f"I have a dog number {turn} that likes the lake.", source=f"D{turn}:1")
        talk.say("ai", "All right.", source=f"D{turn}:2")
    asked = tuple(Question(f"Which dog is number {turn}?", 1, (f"D{turn}:1",)) for turn in range(0, turns, 2))
    return Recording(name, name, talk.turns(), asked)


def made(
    store: Store, *columns: Column, recordings: tuple[Recording, ...] = (), user: str = "", **more: object
) -> tuple[Experiments, str]:
    kept = Experiments(store, user or new_user())
    one = replace(Experiment("", "Dogs", "replay", columns, embedding="hashing"), **more)  # type: ignore[arg-type]
    return kept, kept.create(one, recordings or (recording(),)).id


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(one: Job) -> Job:
    one.join(PATIENCE)
    assert one.status != "running"
    return one


def timeless(result: RunResult) -> RunResult:
    result.totals.seconds = 0.0
    return result


@pytest.fixture(params=["in memory", "redis-server"])
def store(request: pytest.FixtureRequest, memory_store: InMemoryStore) -> Store:
    """A store in this process and one at a server; each server holds experiments in test_store_experiments.py."""
    return memory_store if request.param == "in memory" else RedisStore(request.getfixturevalue("tcp"))


@pytest.fixture(autouse=True)
def _nothing_goes_on() -> Iterator[None]:
    yield
    job.stop_all(20)
    assert not job._jobs
    assert job._taken == 0


@pytest.fixture
def misbehaving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make a plug-in that does something with each turn; gives the folder of its traces."""

    def make(then: str) -> Path:
        monkeypatch.setenv("MEMORY_PLUGINS", str(tmp_path / "plugins"))
        return plug_in(tmp_path, then)

    return make


# What comes of it


def test_a_job_comes_to_what_the_replay_of_each_memory_comes_to(store: Store) -> None:
    two = recording(), recording(9, "conv-2")
    kept, id = made(store, WINDOW, VECTOR, BUFFER, recordings=two, budget=60)
    one = ended(start(kept, id))
    assert (one.status, one.error, one.share) == ("done", "", 1.0)
    assert one.done == one.total == (6 + 3 + 9 + 5) * 3
    found = kept.results(id)
    assert len(found) == 6
    for (number, column), result in found.items():
        replay = Replay(two[number], Models("demo", "demo"), embedding("hashing"), budget=60, prompts=False)
        with replay.run((WINDOW, VECTOR, BUFFER)[column].open()) as run:
            assert timeless(result) == timeless(run_of(run))
    experiment = kept.get(id)
    assert experiment
    assert (experiment.status, experiment.error) == ("done", "")
    assert store.claimed(kept.user) == ""
    assert job.running(kept.user, id) is None


def test_progress_only_grows_and_says_what_is_run_and_how_long_it_will_take(
    memory_store: InMemoryStore, misbehaving: Callable[[str], Path]
) -> None:
    misbehaving("time.sleep(0.05)")
    kept, id = made(memory_store, PROBED, WINDOW, recordings=(recording(60),))
    one, shares, left = start(kept, id), [], []
    assert job.running(kept.user, id) is one
    labels = set()
    while one.status == "running":
        shares.append(one.share)
        left.append(one.seconds_left)
        labels.add(one.label)
        time.sleep(0.05)
    assert shares == sorted(shares)
    assert len(set(shares)) > 5
    assert "conv-1 · Probed" in labels
    known = [seconds for seconds in left if seconds is not None]
    assert known
    assert max(known) < 60


def test_a_model_of_a_column_answers_there_and_figures_are_priced_as_the_experiment_says(
    memory_store: InMemoryStore,
) -> None:
    kept, id = made(memory_store, replace(WINDOW, model="echo"), WINDOW, answer=True, price_as="openai:gpt-4o")
    ended(start(kept, id))
    echo, demo = kept.results(id)[(0, 0)], kept.results(id)[(0, 1)]
    assert all("Which dog is number" in (row.answer or "") for row in echo.questions)
    assert [row.answer for row in demo.questions] != [row.answer for row in echo.questions]
    cheap, cheap_id = made(memory_store, WINDOW)
    ended(start(cheap, cheap_id))
    assert demo.totals.cost
    assert demo.totals.cost > (cheap.results(cheap_id)[(0, 0)].totals.cost or 0)
    assert sum(filter(None, demo.costs)) == demo.totals.cost


def test_an_experiment_without_recordings_is_done_at_once(memory_store: InMemoryStore) -> None:
    kept = Experiments(memory_store, new_user())
    id = kept.create(Experiment("", "None", "replay", (WINDOW, BUFFER))).id
    assert ended(start(kept, id)).status == "done"


# What fails in one run


def test_a_memory_that_fails_says_why_and_the_others_go_on(
    memory_store: InMemoryStore, misbehaving: Callable[[str], Path]
) -> None:
    misbehaving("if len(transcript) == 3: raise ValueError('too much')")
    kept, id = made(memory_store, PROBED, Column("GoneMemory"), Column("SimpleMemory", {"nonsense": 1}), WINDOW)
    assert ended(start(kept, id)).status == "done"
    found = kept.results(id)
    assert found[(0, 0)].failed == (
        "Probed failed at turn 3 of conv-1 (ValueError: too much): mend it or choose another memory"
    ) or found[(0, 0)].failed.startswith("Probed failed at turn 2 of conv-1 (ValueError: too much)")
    assert len(found[(0, 0)].tokens) == 2
    assert found[(0, 1)].failed.startswith("There is no memory 'GoneMemory'")
    assert found[(0, 2)].failed.startswith("SimpleMemory has no setting 'nonsense'")
    assert found[(0, 3)].failed == ""
    assert len(found[(0, 3)].tokens) == 6


def test_a_memory_that_ends_its_process_fails_alone_and_leaves_nothing_that_it_kept(
    memory_store: InMemoryStore, misbehaving: Callable[[str], Path]
) -> None:
    seen = misbehaving("if len(transcript) == 4: os.kill(os.getpid(), signal.SIGKILL)")
    kept, id = made(memory_store, WINDOW, PROBED, BUFFER)
    assert ended(start(kept, id)).status == "done"
    found = kept.results(id)
    assert "ended from outside" in found[(0, 1)].failed
    assert [found[(0, column)].failed for column in (0, 2)] == ["", ""]
    assert len(set(runs(seen))) == 2  # it was tried again in another process
    assert [file.name for file in seen.iterdir()] == ["runs"]


def test_a_worker_that_is_killed_once_costs_no_result(
    memory_store: InMemoryStore, misbehaving: Callable[[str], Path]
) -> None:
    seen = misbehaving("time.sleep(0.05)")
    kept, id = made(memory_store, PROBED, WINDOW, recordings=(recording(20),))
    one = start(kept, id)
    until(lambda: runs(seen))
    os.kill(runs(seen)[0], signal.SIGKILL)
    assert ended(one).status == "done"
    assert [result.failed for result in kept.results(id).values()] == ["", ""]
    assert len(runs(seen)) == 2
    assert [file.name for file in seen.iterdir()] == ["runs"]


def test_a_memory_that_exits_fails_with_a_sentence(
    memory_store: InMemoryStore, misbehaving: Callable[[str], Path]
) -> None:
    misbehaving("raise SystemExit(3)")
    kept, id = made(memory_store, PROBED, WINDOW)
    assert ended(start(kept, id)).status == "done"
    assert "Probed failed (SystemExit: 3)" in kept.results(id)[(0, 0)].failed
    assert kept.results(id)[(0, 1)].failed == ""


def test_a_refused_key_fails_its_runs_with_one_sentence_and_is_kept_nowhere(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with openai_server() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        kept, id = made(RedisStore(connection), replace(WINDOW, model="openai:401"), WINDOW, answer=True)
        asked: list[str] = []

        def key(model: str) -> str | None:
            asked.append(model)
            return "sk-very-secret-key" if model.startswith("openai:") else None

        assert ended(start(kept, id, key)).status == "done"
        assert {request.headers.get("authorization", "") for request in server.requests} == {
            "Bearer sk-very-secret-key"
        }
    found = kept.results(id)
    assert found[(0, 0)].failed.startswith("The key for openai:401 was refused")
    assert found[(0, 1)].failed == ""
    assert "openai:401" in asked
    assert not any(b"very-secret" in value for value in everything_on(connection).values())


def test_an_embedding_that_is_not_there_fails_the_runs_with_its_sentence(memory_store: InMemoryStore) -> None:
    kept, id = made(memory_store, VECTOR, embedding="/nowhere/at/all")
    assert ended(start(kept, id)).status == "done"
    assert kept.results(id)[(0, 0)].failed.startswith("EMBEDDINGS names a folder that holds no model")


# Stopping and going on


def test_stopping_keeps_what_is_finished_and_going_on_runs_only_what_is_missing(
    store: Store, misbehaving: Callable[[str], Path]
) -> None:
    seen = misbehaving("time.sleep(0.2)")
    kept, id = made(store, PROBED, recordings=(recording(3), recording(50, "conv-2")))
    one = start(kept, id)
    until(lambda: kept.finished(id))
    one.stop()
    ended(one)
    assert one.status == "stopped"  # what it was in takes longer than it waits for that
    experiment = kept.get(id)
    assert experiment
    assert experiment.status == "stopped"
    assert kept.finished(id) == {(0, 0)}
    assert not any(map(is_running, runs(seen)))
    assert [file.name for file in seen.iterdir()] == ["runs"]
    (folder,) = seen.parent.glob("plugins")
    (folder / "probed.py").write_text((folder / "probed.py").read_text().replace("time.sleep(0.2)", "pass"))
    again = start(kept, id)
    assert again is not one
    assert ended(again).status == "done"
    assert len(runs(seen)) == 3  # the first, the second that was stopped, the second
    assert kept.finished(id) == {(0, 0), (1, 0)}


def test_a_run_that_failed_is_run_again_and_one_that_did_not_is_not(
    memory_store: InMemoryStore, misbehaving: Callable[[str], Path]
) -> None:
    seen = misbehaving("if (SEEN / 'fail').exists(): raise ValueError('no')")
    (seen / "fail").touch()
    kept, id = made(memory_store, PROBED, WINDOW)
    ended(start(kept, id))
    kept.put_result(id, 0, 1, RunResult(tokens=(7,)))
    (seen / "fail").unlink()
    ended(start(kept, id))
    assert kept.results(id)[(0, 0)].failed == ""
    assert kept.results(id)[(0, 1)].tokens == (7,)


def test_going_on_while_it_is_still_stopping_waits_for_that(
    memory_store: InMemoryStore, misbehaving: Callable[[str], Path]
) -> None:
    misbehaving("time.sleep(0.02)")
    kept, id = made(memory_store, PROBED, recordings=(recording(20),))
    one = start(kept, id)
    until(lambda: one.done)
    one.stop()
    again = start(kept, id)
    assert again is not one
    assert one.status == "stopped"
    assert ended(again).status == "done"


def test_one_that_is_deleted_while_it_runs_stops_and_comes_back_by_nothing(
    store: Store, misbehaving: Callable[[str], Path]
) -> None:
    misbehaving("time.sleep(0.3)")
    kept, id = made(store, WINDOW, PROBED, recordings=(recording(60),))
    one = start(kept, id)
    until(lambda: kept.finished(id))
    store.purge_experiment(kept.user, id)
    assert ended(one).status == "stopped"
    assert kept.listed() == []
    assert store.part_sizes(kept.user, id) == {}


def test_a_store_that_is_away_for_a_moment_costs_nothing(memory_store: InMemoryStore) -> None:
    store = Away(memory_store)
    kept, id = made(store, WINDOW, BUFFER)  # type: ignore[arg-type]
    one = start(kept, id)
    store.away = True
    until(lambda: one.label.startswith("Waiting for the store. Redis is away."))
    time.sleep(0.3)
    assert one.status == "running"
    store.away = False
    assert ended(one).status == "done"
    assert len(kept.results(id)) == 2
    assert not one.label.startswith("Waiting")


def test_one_can_be_stopped_while_the_store_is_away(memory_store: InMemoryStore) -> None:
    store = Away(memory_store)
    kept, id = made(store, WINDOW)  # type: ignore[arg-type]
    one = start(kept, id)
    store.away = True
    until(lambda: one.label.startswith("Waiting"))
    one.stop()
    assert ended(one).status == "stopped"
    store.away = False


# One at a time


def test_a_browser_runs_one_experiment_at_a_time_and_others_run_theirs(
    store: Store, misbehaving: Callable[[str], Path]
) -> None:
    misbehaving("time.sleep(0.05)")
    kept, id = made(store, PROBED, recordings=(recording(40),))
    _, second = made(store, WINDOW, user=kept.user)
    others, their = made(store, WINDOW)
    one = start(kept, id)
    assert start(kept, id) is one
    with pytest.raises(BadInput, match="“Dogs” is being run, and a browser runs one at a time"):
        start(kept, second)
    assert ended(start(others, their)).status == "done"
    assert job.running(kept.user, second) is None
    assert ended(one).status == "done"
    assert ended(start(kept, second)).status == "done"


def test_one_that_another_process_runs_is_not_started_here(memory_store: InMemoryStore) -> None:
    kept, id = made(memory_store, WINDOW)
    memory_store.claim(kept.user, f"{id}:elsewhere", 60)
    with pytest.raises(BadInput, match="already being run"):
        start(kept, id)
    memory_store.claim(kept.user, f"{id}:elsewhere", 0)
    assert ended(start(kept, id)).status == "done"


def test_more_experiments_than_processes_wait_for_their_turn(
    memory_store: InMemoryStore, misbehaving: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "MOST_PROCESSES", 1)
    misbehaving("time.sleep(0.1)")
    first = start(*made(memory_store, PROBED, recordings=(recording(20),)))
    until(lambda: first.done)
    second = start(*made(memory_store, WINDOW))
    until(lambda: second.label == "Waiting for the experiments of others")
    third = start(*made(memory_store, WINDOW))
    third.stop()
    assert ended(third).status == "stopped"
    assert [ended(first).status, ended(second).status] == ["done", "done"]


def test_what_is_not_there_or_is_live_or_has_a_hostile_name_is_not_run(memory_store: InMemoryStore) -> None:
    kept, id = made(memory_store, WINDOW, kind="live")
    with pytest.raises(BadInput, match="not replayed"):
        start(kept, id)
    with pytest.raises(ExperimentGone):
        start(kept, "none")
    with pytest.raises(BadInput):
        start(kept, "../../etc")
    assert memory_store.claimed(kept.user) == ""


# The server

SERVER = """
import json, sys, time
from memory.compare import job
from memory.compare.keeping import Experiments
from memory.server.connect import connect
from memory.stores.redis import RedisStore
job.BEAT, job.HELD = 0.3, 1.5
url, user, id = json.loads(sys.argv[1])
one = job.start(Experiments(RedisStore(connect(url)), user), id)
print("started", flush=True)
one.join(120)
"""


def test_a_server_that_is_killed_leaves_its_results_and_nobody_behind(
    tcp: Connection, misbehaving: Callable[[str], Path]
) -> None:
    seen = misbehaving("time.sleep(0.1)")
    store = RedisStore(tcp)
    kept, id = made(store, WINDOW, PROBED, recordings=(recording(40),))
    place = tcp.client.connection_pool.connection_kwargs
    url = f"redis://{place['host']}:{place['port']}"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, json.dumps([url, kept.user, id])], stdout=subprocess.PIPE, text=True
    )
    try:
        until(lambda: runs(seen) and kept.finished(id))
        experiment = kept.get(id)
        assert experiment
        assert experiment.status == "running"
    finally:
        process.kill()
        process.communicate()
    until(lambda: not any(map(is_running, runs(seen))), 20)
    assert [file.name for file in seen.iterdir()] == ["runs"]
    until(lambda: (kept.get(id) or experiment).status == "stopped", 10)
    assert kept.finished(id) == {(0, 0)}
    kept.put_result(id, 0, 0, RunResult(tokens=(7,)))
    assert ended(start(kept, id)).status == "done"
    assert kept.results(id)[(0, 0)].tokens == (7,)
    assert kept.results(id)[(0, 1)].failed == ""


def test_a_server_that_is_told_to_stop_keeps_what_is_finished(
    memory_store: InMemoryStore, misbehaving: Callable[[str], Path]
) -> None:
    seen = misbehaving("time.sleep(0.1)")
    kept, id = made(memory_store, WINDOW, PROBED, recordings=(recording(60),))
    start(kept, id)
    until(lambda: runs(seen))
    job.stop_all(10)
    experiment = kept.get(id)
    assert experiment
    assert experiment.status == "stopped"
    assert not any(map(is_running, runs(seen)))


def test_an_experiment_that_begins_while_another_one_ends_is_found_as_running() -> None:
    class Eager(InMemoryStore):
        """Begins the second one as soon as the first has given the claim back."""

        second = ""

        def claim(self, user: str, holder: str, seconds: float) -> str:
            found = super().claim(user, holder, seconds)
            if not seconds and self.second:
                id, self.second = self.second, ""
                begun.append(start(Experiments(self, user), id))
            return found

    begun: list[Job] = []
    store = Eager()
    kept, first = made(store, WINDOW)
    _, store.second = made(store, WINDOW, recordings=(recording(400),), user=kept.user)
    second = store.second
    ended(start(kept, first))
    assert job.running(kept.user, second) is begun[0]
