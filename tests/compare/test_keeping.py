"""What is kept of experiments: everything comes back as it was, within bounds that are said.

python -m pytest tests/compare/test_keeping.py
"""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from memory.compare import keeping
from memory.compare.experiment import Column, Experiment, Source, Sweep
from memory.compare.keeping import MOST_EXPERIMENTS, Experiments, packed, unpacked
from memory.compare.results import AskedRow, RunResult
from memory.errors import BadInput, ExperimentGone, StoreUnavailable
from memory.evidence import Check, Evidence, Missing
from memory.exchange.package import Content
from memory.formats.recording import Question, Recording, Talk
from memory.replay import Totals, lacks_answer
from memory.server.connect import Connection
from memory.store import Store, Thread
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore
from memory.trace import Trace
from tests.memory.fakes import Away, new_user

COLUMNS = Column("ConversationBufferMemory"), Column("SimpleMemory", {"memories": {"name": "Alex"}}, model="echo")


def recording(turns: int = 3, say: str = "I live in Oslo.") -> Recording:
    talk = Talk()
    for turn in range(turns):
        talk.say("human", say, at=1e9 + turn, source=f"D{turn}:1", name="Ann")
        talk.say("ai", "All right.", source=f"D{turn}:2", tool_calls=({"name": "look", "args": {"at": 1}},))
    asked = (
        Question("Where?", 2, ("D1:1",), ("D9:9",), "Oslo", 2e9, ("D0:1",)),
        Question("When?", "temporal"),
        Question("Why?"),
    )
    return Recording("conv-1", "Ann", talk.turns(), asked, ("A notice.",))


def experiment(**more: object) -> Experiment:
    return replace(Experiment("", "Trip", "replay", COLUMNS), **more)  # type: ignore[arg-type]


def result() -> RunResult:
    evidence = Evidence()
    evidence.add(Check(("D1:1",), (), 0.25), 2, 120)
    evidence.add(Check((), (Missing("D2:1", "too old", 2, 0),), None), None, 30)
    missing = Missing("D4:7", "rank 31 of top 20", 14, 0, True)
    rows = AskedRow(0, 12, ("a",), (missing,), 0.5, ("b",), "Oslo"), AskedRow(1, 3)
    costs = Decimal("0.00012"), None
    totals = Totals(2, 40, 30, 1, 0, 41, 9, None, Decimal("0.1"), 0.25)
    return RunResult(0, (10, 30), (0, 4), costs, costs[::-1], totals, evidence, rows, ("Trouble.",), "It failed.")


def test_an_experiment_comes_back_as_it_was(store: Store) -> None:
    kept = Experiments(store, new_user())
    more = {"sweeps": (Sweep("k", 0, 1),), "budget": 900, "answer": True, "embedding": "hashing"}
    made = kept.create(experiment(source=Source("file", "a.json"), **more), [recording(), recording(2)])
    assert kept.get(made.id) == made == kept.listed()[0]
    assert made.columns == COLUMNS
    assert [(one.turns, one.messages, one.questions) for one in made.conversations] == [(3, 6, 3), (2, 4, 3)]
    assert kept.recording(made.id, 0) == recording()
    assert kept.recording(made.id, 1) == recording(2)
    kept.put(replace(made, title="Another", status="done"))
    found = kept.get(made.id)
    assert found
    assert (found.title, found.status) == ("Another", "done")
    assert found.updated >= made.updated


def test_results_come_back_as_they_were_and_a_later_one_takes_the_place(store: Store) -> None:
    kept = Experiments(store, new_user())
    made = kept.create(experiment(), [recording()])
    kept.put_result(made.id, 0, 1, RunResult(failed="It failed."))
    kept.put_result(made.id, 0, 1, result())
    kept.put_result(made.id, 0, 0, RunResult())
    assert kept.results(made.id) == {(0, 0): RunResult(), (0, 1): result()}
    assert list(kept.results(made.id)) == [(0, 0), (0, 1)]


def test_only_runs_that_did_not_fail_are_finished(store: Store) -> None:
    kept = Experiments(store, new_user())
    made = kept.create(experiment(), [recording()])
    kept.put_result(made.id, 0, 0, RunResult(tokens=(1,)))
    kept.put_result(made.id, 0, 1, RunResult(failed="The key was refused."))
    assert kept.finished(made.id) == {(0, 0)}
    kept.put_result(made.id, 0, 1, RunResult(tokens=(2,)))
    assert kept.finished(made.id) == {(0, 0), (0, 1)}
    assert kept.results(made.id)[(0, 1)] == RunResult(tokens=(2,))


def test_traces_of_our_own_export_are_not_kept_but_what_lacks_an_answer_still_lacks_it() -> None:
    talk = Talk()
    talk.say("human", "Hello?")
    turns = (*talk.turns(), *(replace(turn, index=1) for turn in recording(1).turns))
    content = Content(Thread("t1", "Secret title"), turns, (Trace("turn", 0, "x", 1.0),))
    own = Recording("t1", "T", turns, content=content)
    assert lacks_answer(own, 0)
    again = unpacked(packed(own))
    assert again.content == Content(Thread("t1"))
    assert lacks_answer(again, 0)
    assert replace(again, content=None) == replace(own, content=None)


def test_a_browser_keeps_thirty_and_is_told_to_delete_one(memory_store: InMemoryStore) -> None:
    kept = Experiments(memory_store, new_user())
    made = [kept.create(experiment()) for _ in range(MOST_EXPERIMENTS)]
    with pytest.raises(BadInput, match=r"keeps 30 experiments.*delete one first"):
        kept.create(experiment())
    kept.delete(made[0].id)
    assert kept.create(experiment())
    Experiments(memory_store, new_user()).create(experiment())


def test_a_recording_of_50_megabytes_is_kept_and_comes_back(embedded: Connection) -> None:
    kept = Experiments(RedisStore(embedded), new_user())
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(3, 9))) for _ in range(5_000)]
    said = " ".join(rng.choices(words, k=145_000))
    one = recording(50)
    turns = (replace(turn, messages=(replace(turn.messages[0], content=said), turn.messages[1])) for turn in one.turns)
    one = replace(one, turns=tuple(turns))
    assert sum(len(turn.human) for turn in one.turns) > 50_000_000
    made = kept.create(experiment(), [one])
    assert kept.recording(made.id, 0) == one
    kept.store.purge_experiment(kept.user, made.id)


def test_what_is_too_much_for_a_browser_is_refused_and_nothing_of_it_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_BYTES", 10_000)
    kept = Experiments(store, new_user())
    large = recording(3, random.Random(1).randbytes(4_000).hex())
    with pytest.raises(BadInput, match=r"more than 0 MB compressed: choose fewer or shorter"):
        kept.create(experiment(), [recording(), replace(large, turns=large.turns * 40), large, large, large])
    first = kept.create(experiment(), [large])
    with pytest.raises(BadInput, match="delete an experiment"):
        kept.create(experiment(), [large, large])
    assert [one.id for one in kept.listed()] == [first.id]


def test_texts_that_are_no_unicode_and_long_titles_are_kept_in_some_form(store: Store) -> None:
    kept = Experiments(store, new_user())
    made = kept.create(experiment(title="\ud800<b>\n" + "x" * 500), [recording(1, "half a character \ud83d")])
    assert len(made.title) <= 100
    assert "\n" not in made.title
    assert kept.listed()[0].columns == COLUMNS
    assert kept.recording(made.id, 0).turns[0].human == "half a character ?"


def test_a_deleted_one_is_restored_with_its_results(store: Store) -> None:
    kept = Experiments(store, new_user())
    made = kept.create(experiment(), [recording()])
    kept.put_result(made.id, 0, 0, result())
    kept.delete(made.id)
    assert kept.get(made.id) is None
    assert [one.id for one in kept.listed(deleted=True)] == [made.id]
    with pytest.raises(ExperimentGone, match="Restore it"):
        kept.put_result(made.id, 0, 1, result())
    assert kept.restore(made.id)
    assert kept.results(made.id) == {(0, 0): result()}


def test_one_that_is_said_to_run_and_nobody_runs_is_stopped(store: Store) -> None:
    kept = Experiments(store, new_user())
    made = kept.create(experiment(status="running"), [recording()])
    assert [kept.get(made.id).status, kept.listed()[0].status] == ["stopped", "stopped"]  # type: ignore[union-attr]
    store.claim(kept.user, f"{made.id}:here", 60)
    assert [kept.get(made.id).status, kept.listed()[0].status] == ["running", "running"]  # type: ignore[union-attr]


def test_nobody_reaches_another_browsers_experiments(store: Store) -> None:
    mine, other = Experiments(store, new_user()), Experiments(store, new_user())
    made = mine.create(experiment(), [recording()])
    assert other.get(made.id) is None
    assert other.results(made.id) == {}
    with pytest.raises(ExperimentGone):
        other.recording(made.id, 0)
    with pytest.raises(ExperimentGone):
        other.put_result(made.id, 0, 0, result())
    other.delete(made.id)
    assert not other.restore(made.id)
    assert mine.get(made.id) == made


def test_an_experiment_whose_memory_is_gone_is_still_read_and_says_so_when_it_is_opened(store: Store) -> None:
    kept = Experiments(store, new_user())
    made = kept.create(experiment(columns=(Column("GoneMemory", {"k": 3}), COLUMNS[0])), [recording()])
    found = kept.get(made.id)
    assert found
    assert found.columns[0].spec == "GoneMemory:k=3"
    with pytest.raises(BadInput, match="There is no memory 'GoneMemory'"):
        found.columns[0].open()


def test_a_store_that_is_away_is_said(memory_store: InMemoryStore) -> None:
    store = Away(memory_store)
    kept = Experiments(store, new_user())  # type: ignore[arg-type]
    store.away = True
    with pytest.raises(StoreUnavailable):
        kept.listed()
