"""An append-only file that was torn or damaged: what is whole stays, what was cut off is kept and said.

python -m pytest tests/faults/test_torn_file.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from memory import forgetting
from memory.commands import main
from memory.errors import StoreUnavailable
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.server.append_only import look
from memory.server.connect import connect
from memory.stores.redis import RedisStore
from tests.memory.fakes import conversation, say
from tests.servers import embedded_server, end

pytestmark = pytest.mark.faults


def written(home: Path) -> Path:
    """Hold a conversation of three turns and return the file that it stands in; nobody uses the server any more."""
    with embedded_server(home) as connection:
        say(conversation(RedisStore(connection), "summary", user="alex"), "My name is Alex.", "I live in Oslo.", "Tea?")
    [file] = (home / "redis" / "appendonlydir").glob("*.incr.aof")
    return file


def said_in(home: Path) -> list[str]:
    with embedded_server(home) as connection:
        return [turn.human for turn in RedisStore(connection).turns("alex", "t1", 0, 9)]


def kept(home: Path) -> list[Path]:
    return sorted(path for path in (home / "redis" / "damaged").glob("*") if path.suffix != ".txt")


@pytest.fixture
def home(scratch: Path, request: pytest.FixtureRequest) -> Path:
    folder = scratch / f"torn-{abs(hash(request.node.name)) % 10**8}"
    request.addfinalizer(lambda: end(folder))  # noqa: PT021
    return folder


ENDS: dict[str, Callable[[bytes], bytes]] = {
    "a command cut in the middle": lambda data: data + b"*3\r\n$3\r\nSET\r\n$3\r\nke",
    "zeros, as after a power cut": lambda data: data + b"\0" * 4096,
    "a transaction without its end": lambda data: (
        data + b"*1\r\n$5\r\nMULTI\r\n*3\r\n$5\r\nRPUSH\r\n$1\r\nx\r\n$1\r\ny\r\n"
    ),
    "half a transaction and zeros": lambda data: data + b"*1\r\n$5\r\nMULTI\r\n*3\r\n$5\r\nRPUSH\r\n$1\r\n\0\0\0",
    "random bytes": lambda data: data + bytes(range(256)),
}


@pytest.mark.parametrize("torn", ENDS)
def test_a_torn_end_is_cut_off_and_a_copy_of_the_file_is_kept(home: Path, torn: str) -> None:
    file = written(home)
    whole = file.read_bytes()
    file.write_bytes(ENDS[torn](whole))
    with embedded_server(home) as connection:
        assert [turn.human for turn in RedisStore(connection).turns("alex", "t1", 0, 9)][:2] == [
            "My name is Alex.",
            "I live in Oslo.",
        ]
        assert len(RedisStore(connection).turns("alex", "t1", 0, 9)) == 3
        said = connection.repaired
    assert file.read_bytes().startswith(whole)
    (copy,) = kept(home)
    assert copy.read_bytes() == ENDS[torn](whole)
    assert copy.stat().st_mode & 0o077 == 0
    assert f"its last {len(ENDS[torn](whole)) - len(whole):,} bytes" in said
    assert str(copy) in said
    assert "everything before them is there" in said


def test_a_file_cut_off_at_any_place_starts_with_every_turn_that_was_whole(home: Path) -> None:
    file = written(home)
    whole = file.read_bytes()
    turns = [whole.index(words.encode()) for words in ("My name is Alex.", "I live in Oslo.", "Tea?")]
    last = 0
    for place in range(turns[0], len(whole), max(1, len(whole) // 24)):
        shutil.rmtree(home / "redis" / "damaged", ignore_errors=True)
        file.write_bytes(whole[:place])
        found = said_in(home)
        # A turn is one transaction: it is there with all that belongs to it or not at all.
        assert last <= len(found) <= sum(start < place for start in turns)
        last = len(found)
        damage = look(file)
        assert damage is None
    file.write_bytes(whole)
    assert len(said_in(home)) == 3


def test_damage_in_the_middle_is_told_and_nothing_is_cut_until_somebody_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEMORY_INSPECTOR_HOME", str(home))
    monkeypatch.delenv("REDIS_URL", raising=False)
    file = written(home)
    whole = file.read_bytes()
    place = whole.index(b"I live in Oslo.")
    broken = whole[:place] + b"\0" * 64 + whole[place + 64 :].replace(b"\r\n", b"\n\r", 1)
    file.write_bytes(broken)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"damaged in its middle, at byte [\d,]+ of [\d,]+, with [\d,]+ wri"):
            connect("", home)
    assert file.read_bytes() == broken
    assert kept(home) == []
    assert main(["repair"]) == 1
    assert "`python -m memory repair` cuts" in capsys.readouterr().err
    assert file.read_bytes() == broken
    assert main(["repair", "--cut"]) == 0
    told = capsys.readouterr().out
    assert "was cut off where it was damaged" in told
    (copy,) = kept(home)
    assert copy.read_bytes() == broken
    assert said_in(home) == ["My name is Alex."]


def test_the_end_of_a_file_that_was_whole_once_is_not_cut_by_itself(home: Path) -> None:
    with embedded_server(home) as connection:
        say(conversation(RedisStore(connection), "summary", user="alex"), "My name is Alex.", "I live in Oslo.")
        assert RedisStore(connection).compact().done
        say(conversation(RedisStore(connection), "summary", user="alex"), "Tea?")
    [file] = (home / "redis" / "appendonlydir").glob("*.base.aof")
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    with pytest.raises(StoreUnavailable, match=r"damaged at its end, at byte [\d,]+ of [\d,]+, with 0 writes"):
        connect("", home)
    assert file.read_bytes() == whole[:-20]
    assert kept(home) == []
    file.write_bytes(whole)
    assert len(said_in(home)) == 3


def test_a_server_that_is_told_to_repair_what_is_whole_changes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEMORY_INSPECTOR_HOME", str(home))
    whole = written(home).read_bytes()
    assert main(["repair", "--cut"]) == 0
    assert "Nothing is damaged" in capsys.readouterr().out
    assert written(home).read_bytes().startswith(whole)
    assert kept(home) == []


def test_what_is_forgotten_leaves_the_copies_as_well_and_old_ones_go_by_themselves(home: Path) -> None:
    file = written(home)
    file.write_bytes(file.read_bytes() + b"\0" * 12)
    with embedded_server(home) as connection:
        assert connection.repaired
        assert kept(home)
        retrieval = Retrieval(embedding("hashing"), InMemoryVectors())
        receipt = forgetting.forget_turn(RedisStore(connection), retrieval, "alex", "t1", 1)
        assert receipt.left == 0
        assert kept(home) == []
        assert connection.repaired == ""
    file = next((home / "redis" / "appendonlydir").glob("*.incr.aof"))
    file.write_bytes(file.read_bytes() + b"\0" * 12)
    said_in(home)
    (copy,) = kept(home)
    month = time.time() - 31 * 86_400
    for path in copy.parent.glob("*"):
        os.utime(path, (month, month))
    said_in(home)
    assert kept(home) == []


def test_the_server_s_own_tool_agrees(home: Path) -> None:
    tool = shutil.which("redis-check-aof")
    if tool is None:
        pytest.skip("no redis-check-aof on this machine")
    file = written(home)
    whole = file.read_bytes()
    for place in (len(whole), len(whole) - 1, len(whole) // 2, len(whole) // 3):
        file.write_bytes(whole[:place])
        damage = look(file)
        said = subprocess.run([tool, str(file)], capture_output=True, text=True).stdout
        assert (damage is None) == ("is valid" in said), said
        if damage:
            assert f"ok_up_to={damage.whole}," in said
