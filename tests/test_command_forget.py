"""`python -m memory forget`: what it removes, its receipt and exit codes, alone and beside a running app.

python -m pytest tests/test_command_forget.py
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memory import forgetting
from memory.commands import main
from memory.conversation import Conversation
from memory.retrieval.index import Retrieval
from memory.retrieval.opening import Search, open_search
from memory.server.connect import connect
from memory.store import Store
from memory.stores.redis import RedisStore
from tests.memory.fakes import conversation, say
from tests.servers import end

Forget = Callable[..., int]


@pytest.fixture
def home(scratch: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    folder = scratch / f"forget-{abs(hash(request.node.name)) % 10_000}"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("MEMORY_INSPECTOR_HOME", str(folder))
    yield folder
    end(folder)


@pytest.fixture
def talk(home: Path) -> Iterator[Conversation]:
    """A conversation of alex, whose process is still there."""
    connection = connect("", home)
    talk = conversation(RedisStore(connection), "summary", lambda messages: "Yes.", user="alex", thread="t1")
    say(talk, "I like tea.", "My code word is Zanzibar.", "What do I like?")
    yield talk
    connection.close()


def forget(*arguments: str) -> int:
    return main(("forget", *arguments))


def found_in(folder: Path, word: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and word in path.read_bytes().lower()]


def test_a_turn_is_forgotten_and_the_receipt_says_where(
    talk: Conversation, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found_in(home, b"zanzibar")
    assert forget("--user", "alex", "--item", "t1/turn:1", "--json") == 0
    receipt = json.loads(capsys.readouterr().out)
    rows = {row["place"]: row for row in receipt["rows"]}
    assert (rows["messages of turn 2"]["there"], rows["messages of turn 2"]["left"], receipt["left"]) == (2, 0, 0)
    assert rows["files: redis"]["there"] > 0
    assert rows["files: redis"]["left"] == 0
    assert not found_in(home, b"zanzibar")
    assert [turn.status for turn in talk.store.turns("alex", "t1", 0, 9)] == ["complete", "forgotten", "complete"]


def test_what_repeats_it_is_listed_and_taken_along_where_it_is_wanted(
    talk: Conversation, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(talk, "I said that my code word is Zanzibar.")
    assert forget("--user", "alex", "--item", "t1/turn:1") == 0
    out = capsys.readouterr()
    assert "t1/turn:3  turn 4 of “New chat”: I said that my code word is Zanzibar." in out.err
    assert out.out.startswith("turn 2: ")
    assert "words of it still stand in 1 place that you kept (turn 4)" in out.out
    assert "kept, as you did not choose it" in out.out
    assert found_in(home, b"zanzibar")
    assert forget("--user", "alex", "--item", "t1/turn:3") == 0
    assert not found_in(home, b"zanzibar")


def test_a_note_a_thread_and_everything(talk: Conversation, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert forget("--user", "alex", "--item", "t1/summary:3") == 0
    assert talk.opened().state.notes["summary"].text == ""
    assert forget("--user", "alex", "--item", f"t1/note:{talk.key}/nobody") == 2
    other = conversation(talk.store, "buffer", user="alex", thread="t2")
    say(other, "I keep an okapi.")
    talk.store.delete_thread("alex", "t2")
    assert forget("--user", "alex", "--thread", "t2") == 0
    assert not found_in(home, b"okapi")
    assert forget("--user", "alex", "--all") == 0
    assert not found_in(home, b"zanzibar")
    assert talk.store.threads("alex") == []
    capsys.readouterr()
    assert forget("--user", "alex", "--all") == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--user", "alex"], "one of the arguments --item --thread --all is required"),
        (["--user", "al ex", "--all"], "--user al ex: no user has such an id"),
        (["--user", "nobody", "--all"], "nothing is kept of this user"),
        (["--user", "nobody", "--item", "t1/turn:1"], "nothing is kept of this user"),
        (["--user", "alex", "--thread", "t9"], "'t9' is no conversation of this user: it has t1"),
        (["--user", "alex", "--item", "t1/turn:7"], "has no turn 8"),
        (["--user", "alex", "--item", "t1/message:1.0"], "name that, as turn:12"),
        (["--user", "alex", "--item", "t1/triple-x:1"], "no such note"),
        (["--user", "alex", "--item", "t1/turn:0", "--also", "t1/turn:1"], "no place repeats it under this name"),
        (["--user", "alex", "--all", "--also", "x"], "--also names places beside an item"),
    ],
)
def test_wrong_input_is_named_with_its_remedy_and_removes_nothing(
    talk: Conversation, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = forget(*arguments)
    except SystemExit as exit:
        code = int(str(exit.code))
    assert code == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert len(talk.store.turns("alex", "t1", 0, 9)) == 3


def test_beside_a_running_app_the_vectors_are_owed_and_the_app_deletes_them(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess
    import sys

    connection = connect("", home)
    search: Search = open_search("hashing", "")
    try:
        store: Store = RedisStore(connection)
        talk = conversation(store, "vector:search=dense", user="alex", retrieval=search.retrieval)
        say(talk, "I like tea.", "My code word is Zanzibar.")
        assert forgetting.settle(store, search.retrieval, "alex") == 0
        # Chroma's folder is this process's: the command is another one.
        command = [sys.executable, "-m", "memory", "forget", "--user", "alex", "--item", "t1/turn:1", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 1, done.stderr
        receipt = json.loads(done.stdout)
        owed = [row for row in receipt["rows"] if row["owed"]]
        assert {row["place"] for row in owed} == {"vectors", "files of the vectors"}
        assert all("in use by another process" in row["said"] for row in owed)
        assert receipt["left"] == 0
        assert len(search.retrieval.kept("alex")["t1"]) == 2
        assert forgetting.unsettled(store, "alex")
        assert forgetting.settle(store, search.retrieval, "alex") == 1
        assert len(search.retrieval.kept("alex")["t1"]) == 1
        assert store.owed("alex") == []
        assert not found_in(home, b"zanzibar")
    finally:
        search.close()
        connection.close()


def test_a_document_is_forgotten_also_of_a_user_who_has_nothing_else(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect("", home)
    shelf = RedisStore(connection).shelf
    added = Retrieval().library(shelf, "alex", lambda call: None).add("ships.md", b"The ferry to Zanzibar leaves.")
    assert forget("--user", "alex", "--item", f"document:{added.document.id}", "--json") == 0
    receipt = json.loads(capsys.readouterr().out)
    assert {row["place"]: row["left"] for row in receipt["rows"]}["passages of its text"] == 0
    assert shelf.documents.listed("alex") == []
    assert not found_in(home, b"zanzibar")
    connection.close()
