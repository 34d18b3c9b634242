"""Experiments hold what people said: they are found and offered, forgotten with a receipt, and erased.

python -m pytest tests/memory/test_forgetting_experiments.py
"""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from memory import forgetting
from memory.compare.experiment import Column, Experiment, Source
from memory.compare.keeping import Experiments
from memory.compare.results import AskedRow, RunResult
from memory.errors import ExperimentGone
from memory.forgetting.files import scan
from memory.formats.recording import Question, Recording, Talk
from memory.server.connect import Connection
from memory.store import Store
from memory.stores.redis import RedisStore
from tests.memory.fakes import conversation, everything_on, new_user, say
from tests.servers import embedded_server

SECRET = "My code word is Zanzibar."
COLUMNS = Column("ConversationBufferMemory"), Column("ConversationBufferWindowMemory", {"k": 3})


def recording(*said: str, questions: tuple[Question, ...] = ()) -> Recording:
    talk = Talk()
    for text in said:
        talk.say("human", text)
        talk.say("ai", "All right.")
    return Recording("r1", "Holidays", talk.turns(), questions)


def experiment(store: Store, user: str, one: Recording, title: str = "Holidays", **more: object) -> Experiment:
    made = Experiment("", title, "replay", COLUMNS, source=Source("file", "chat.json"))
    return Experiments(store, user).create(made if not more else Experiment(**{**_fields(made), **more}), [one])


def _fields(one: Experiment) -> dict[str, object]:
    return {name: getattr(one, name) for name in ("id", "title", "kind", "columns", "source")}


def talk_with(store: Store, *said: str, user: str = ""):
    talk = conversation(store, "window", user=user or new_user())
    for text in said:
        say(talk, text)
    return talk


def offered(store: Store, talk) -> list[str]:
    return [place.id for place in forgetting.plan_turn(store, talk.user, talk.thread, 0).places]


def test_an_experiment_whose_recording_repeats_a_turn_is_offered_once_and_named_without_its_words(store: Store) -> None:
    talk = talk_with(store, SECRET)
    made = experiment(store, talk.user, recording(SECRET, "Nothing else.", "Zanzibar, I said."))
    experiment(store, talk.user, recording("Good morning."))
    experiment(store, new_user(), recording(SECRET))
    assert offered(store, talk) == [f"experiment:{made.id}"]
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    assert "Zanzibar" not in receipt.json()
    kept = [row.place for row in receipt.rows if row.kept]
    assert kept == [f"experiment {made.id[:8]}"]


@pytest.mark.parametrize(
    "made",
    [
        {"title": "Is Zanzibar known?"},
        {"columns": (Column("SimpleMemory", {"memories": {"word": "Zanzibar"}}), COLUMNS[0])},
        {"source": Source("thread", "Zanzibar")},
    ],
    ids=["title", "a memory's setting", "source"],
)
def test_what_an_experiment_is_called_and_compares_is_looked_through_as_well(store: Store, made: dict) -> None:
    talk = talk_with(store, SECRET)
    found = experiment(store, talk.user, recording("Good morning."), **made)
    assert offered(store, talk) == [f"experiment:{found.id}"]


def test_questions_and_a_models_answers_count_as_well(store: Store) -> None:
    talk = talk_with(store, SECRET)
    asked = experiment(store, talk.user, recording("Good morning.", questions=(Question("What of Zanzibar?"),)))
    answered = experiment(store, talk.user, recording("Good evening."))
    result = RunResult(questions=(AskedRow(0, 12, answer="It was Zanzibar."),))
    Experiments(store, talk.user).put_result(answered.id, 0, 1, result)
    assert set(offered(store, talk)) == {f"experiment:{asked.id}", f"experiment:{answered.id}"}


def test_the_programs_own_scenarios_repeat_nobody(store: Store) -> None:
    talk = talk_with(store, SECRET)
    experiment(store, talk.user, recording(SECRET), source=Source("scenario", "two-names"))
    assert offered(store, talk) == []


def test_a_deleted_experiment_that_can_be_restored_is_offered_and_forgotten(store: Store) -> None:
    talk = talk_with(store, SECRET)
    made, kept = experiment(store, talk.user, recording(SECRET)), Experiments(store, talk.user)
    kept.delete(made.id)
    (place,) = forgetting.plan_turn(store, talk.user, talk.thread, 0).places
    assert place.id == f"experiment:{made.id}"
    assert "can still be restored" in place.what
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0, include=[place.id])
    assert receipt.left == 0
    assert kept.listed(deleted=True) == []
    assert not kept.restore(made.id)


def test_forgetting_removes_the_experiment_with_its_parts_and_looks_again(connection: Connection) -> None:
    store = RedisStore(connection)
    talk = talk_with(store, SECRET, "I have a dog.")
    kept = Experiments(store, talk.user)
    made = experiment(store, talk.user, recording(SECRET))
    kept.put_result(made.id, 0, 0, RunResult(questions=(AskedRow(0, 12, answer="Zanzibar"),)))
    receipt = forgetting.forget_turn(
        store, talk.retrieval, talk.user, talk.thread, 0, include=[f"experiment:{made.id}", f"experiment:{made.id}"]
    )
    (row,) = [row for row in receipt.rows if "experiment" in row.place]
    assert (row.there, row.left) == (3, 0)  # the record, the recording, a result
    assert receipt.left == 0
    assert "Zanzibar" not in str(receipt)
    with pytest.raises(ExperimentGone):
        kept.recording(made.id, 0)
    assert holders(connection, talk.user) == []


def test_erasing_everything_counts_the_experiments_and_leaves_no_key(connection: Connection) -> None:
    store = RedisStore(connection)
    talk = talk_with(store, SECRET)
    kept = Experiments(store, talk.user)
    first, _ = experiment(store, talk.user, recording(SECRET)), experiment(store, talk.user, recording("Hello."))
    kept.delete(first.id)
    other = new_user()
    experiment(store, other, recording(SECRET))
    receipt = forgetting.erase(store, talk.retrieval, talk.user)
    assert receipt.there("experiments") == 2
    assert receipt.left == 0
    assert [key for key in everything_on(connection) if f"{{{talk.user}}}" in key and "owed" not in key] == []
    assert len(Experiments(store, other).listed()) == 1


def test_a_place_that_is_gone_by_now_is_passed_over(store: Store) -> None:
    talk = talk_with(store, SECRET)
    made = experiment(store, talk.user, recording(SECRET))
    store.purge_experiment(talk.user, made.id)
    receipt = forgetting.forget_turn(
        store, talk.retrieval, talk.user, talk.thread, 0, include=[f"experiment:{made.id}"]
    )
    assert not [row for row in receipt.rows if "experiment" in row.place]
    assert receipt.left == 0


def holders(connection: Connection, user: str) -> list[str]:
    """Return the keys of a user that hold the word, also compressed."""
    found = []
    for key, value in everything_on(connection).items():
        if f"{{{user}}}" in key and b"Zanzibar" in value + _unpacked(connection, key):
            found.append(key)
    return found


def _unpacked(connection: Connection, key: str) -> bytes:
    if not key.endswith(":parts"):
        return b""
    fields = connection.call(lambda client: client.hgetall(key))
    return b"".join(zlib.decompress(value) for name, value in fields.items() if name.startswith(b"part:"))


def test_the_names_of_an_experiments_fields_are_no_words_that_somebody_said(scratch: Path) -> None:
    # What is kept of an experiment names its columns and conversations in the server's files, whatever was said.
    with embedded_server(scratch / "fields") as connection:
        store = RedisStore(connection)
        talk = talk_with(store, "Zanzibar: columns, conversations, sweeps, settings and embedding.")
        experiment(store, talk.user, recording("Good morning."))
        assert forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0).left == 0


def test_no_file_of_the_data_folder_holds_a_forgotten_experiments_words(scratch: Path) -> None:
    with embedded_server(scratch / "forgotten") as connection:
        store = RedisStore(connection)
        talk = talk_with(store, SECRET)
        made = experiment(store, talk.user, recording(SECRET), title="Where is Zanzibar?")
        Experiments(store, talk.user).put_result(made.id, 0, 0, RunResult(failed="Zanzibar is no model."))
        assert any(scan(scratch / "forgotten", ["Zanzibar"], talk.user).values())
        receipt = forgetting.forget_turn(
            store, talk.retrieval, talk.user, talk.thread, 0, include=[f"experiment:{made.id}"]
        )
        assert (receipt.left, receipt.kept) == (0, 0)
        assert not any(scan(scratch / "forgotten", ["Zanzibar"], talk.user).values())


def test_a_live_comparison_loses_the_words_and_leads_to_its_conversations_still(store: Store) -> None:
    talk = talk_with(store, SECRET)
    kept = Experiments(store, talk.user)
    facts = {"memories": {"word": "Zanzibar", "pet": "a dog"}}
    columns = Column("SimpleMemory", facts, thread="one"), Column("ConversationBufferMemory", thread="two")
    made = kept.create(Experiment("", SECRET, "live", columns))
    (place,) = forgetting.plan_turn(store, talk.user, talk.thread, 0).places
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0, include=[place.id])
    assert receipt.left == 0
    left = kept.get(made.id)
    assert left is not None
    assert [column.thread for column in left.columns] == ["one", "two"]
    assert left.columns[0].settings == {"memories": {"pet": "a dog"}}
    assert "Zanzibar" not in repr(left)
