"""A forgetting that is interrupted is done by doing it again; what is not ours to look into is said so.

python -m pytest tests/memory/test_forgetting_faults.py
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from memory import forgetting
from memory.base import State
from memory.catalog import load
from memory.custom.key_value import KeyValueMemory
from memory.errors import StoreUnavailable
from memory.forgetting.files import scan
from memory.forgetting.said import Words, probes
from memory.server.connect import Connection
from memory.services import Models
from memory.store import Store
from memory.stores.redis import RedisStore
from tests.memory.fakes import conversation, new_user, plain, say, turns_of
from tests.servers import redis_server

SECRET = "My code word is Zanzibar."


@pytest.mark.parametrize("stops_at", ["heads", "forget", "settings", "everything", "compact"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_one_that_was_interrupted_is_done_by_doing_it_again(
    stops_at: str, after: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = conversation(store, "summary", lambda messages: "Yes.")
    say(talk, "I like tea.", SECRET, "And Zanzibar is my word.")
    wanted, method, calls = [f"{talk.thread}/turn:2"], getattr(store, stops_at), list[int]()

    def away(*args: Any) -> Any:
        calls.append(1)
        if len(calls) > after:
            raise StoreUnavailable("Redis is away.")
        return method(*args)

    monkeypatch.setattr(store, stops_at, away)
    with suppress(StoreUnavailable):
        forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1, wanted)
    monkeypatch.setattr(store, stops_at, method)
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1, wanted)
    assert (receipt.left, receipt.owed) == (0, ())
    assert [turn.status for turn in turns_of(talk)] == ["complete", "forgotten", "forgotten"]
    notes, texts = store.everything(talk.user, talk.thread)
    assert not [text for text in (*(note.text for note in notes.values()), *texts.values()) if "Zanzibar" in text]


def test_who_writes_meanwhile_is_waited_for_and_not_overwritten(store: Store) -> None:
    talk = conversation(store, "summary", lambda messages: "Yes.")
    say(talk, "I like tea.", SECRET)
    heads, beaten = store.heads, []

    def slow(user: str, thread: str) -> Any:
        found = heads(user, thread)
        if not beaten:
            beaten.append(1)
            say(talk, "I have come in between.")
        return found

    store.heads = slow  # type: ignore[method-assign]
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    assert beaten
    assert receipt.left == 0
    assert [turn.status for turn in turns_of(talk)] == ["complete", "forgotten", "complete"]
    assert talk.opened().state.covered == 1


def test_a_server_of_somebody_elses_is_asked_and_what_cannot_be_seen_is_said(tcp: Connection) -> None:
    store = RedisStore(tcp)
    talk = conversation(store, "window", lambda messages: "Yes.")
    say(talk, SECRET)
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    (row,) = [row for row in receipt.unseen if row.place == "files of the store"]
    assert row.said.startswith("the append-only file was written anew; its replicas and backups")
    assert receipt.left == 0


def test_a_servers_own_file_is_written_anew(tmp_path: Path) -> None:
    from memory.server.connect import connect

    with redis_server(tmp_path) as server:
        connection = connect(server.url)
        try:
            talk = conversation(RedisStore(connection), "window", lambda messages: "Yes.")
            say(talk, SECRET)
            assert sum(scan(tmp_path, ["Zanzibar"], talk.user).values())
            forgetting.forget_turn(talk.store, talk.retrieval, talk.user, talk.thread, 0)
            assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"Zanzibar" in path.read_bytes()]
        finally:
            connection.close()


def test_a_server_that_lets_nobody_rewrite_its_file_is_said_so(tmp_path: Path) -> None:
    from memory.server.connect import connect

    with redis_server(tmp_path) as server:
        server.client().execute_command("ACL", "SETUSER", "app", "on", ">word", "~*", "+@all", "-@admin", "+info")
        connection = connect(server.url.replace("redis://", "redis://app:word@"))
        try:
            talk = conversation(RedisStore(connection), "window", lambda messages: "Yes.")
            say(talk, SECRET)
            receipt = forgetting.forget_turn(talk.store, talk.retrieval, talk.user, talk.thread, 0)
            (row,) = [row for row in receipt.unseen if row.place == "files of the store"]
            assert "widen the ACL" in row.said
            assert turns_of(talk)[0].status == "forgotten"
        finally:
            connection.close()


def test_facts_that_a_turn_saved_go_with_it_and_others_are_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory_store: Store
) -> None:
    monkeypatch.setenv("MEMORY_KEY_VALUE_FILE", str(tmp_path / "facts.sqlite"))
    talk = conversation(memory_store, "key_value", lambda messages: "Yes.")
    say(talk, "/remember word = Zanzibar", "I said Zanzibar.", "/remember pet = Rex")
    plan = forgetting.plan_turn(memory_store, talk.user, talk.thread, 1)
    assert {place.id.partition("/")[0] for place in plan.places} == {"fact:KeyValueMemory", talk.thread}
    receipt = forgetting.forget_turn(memory_store, talk.retrieval, talk.user, talk.thread, 0)
    assert receipt.there("a fact that KeyValueMemory saved") == 1
    assert [kept.text for kept in KeyValueMemory.kept(talk.user).values()] == ["pet: Rex"]
    assert b"Zanzibar" not in (tmp_path / "facts.sqlite").read_bytes()
    (name,) = KeyValueMemory.kept(talk.user)
    assert KeyValueMemory.reword(talk.user, name, "pet: Tom")
    assert not KeyValueMemory.reword("somebody", name, "pet: Tom")
    forgetting.forget_fact(memory_store, talk.retrieval, talk.user, "KeyValueMemory", name)
    assert KeyValueMemory.kept(talk.user) == {}


def test_another_users_words_are_none_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "redis.aof"
    file.write_bytes(b"mi:{alex}:t:turns\r\nMy word is Zanzibar\r\nmi:{sam}:t:turns\r\nZanzibar\\nZanzibar")
    assert scan(tmp_path, ["Zanzibar"], "alex") == {"redis.aof": 1}
    assert scan(tmp_path, ["zanzibar"], "sam") == {"redis.aof": 2}
    assert scan(tmp_path, ["Zanz"], "sam") == {"redis.aof": 0}
    file.write_bytes(b'{"content":"in der Gr\\u00fcnstra\\u00dfe"}' + "Grünstraße".encode())
    assert scan(tmp_path, ["Grünstraße"], "alex") == {"redis.aof": 2}


def test_what_is_looked_for_stands_nowhere_else_and_in_no_program() -> None:
    wanted = probes(["The summary of the human conversation is Zanzibar, and the dog is Quagga."], ["A dog. Quagga!"])
    assert wanted[-1] == "Zanzibar"
    assert all(" " in probe for probe in wanted[:-1])
    words = Words(["I live at 12 Quagga Street."], [], ["Noted: that is in Oslo."])
    assert words.shared("Noted.") == ()
    assert words.shared("In oslo?") == ("oslo",)
    assert words.shared("I live at 12.")[0] == "live at 12"
    assert not Words(["it is so", ""])


def test_everything_of_a_user_is_gone_from_each_file_of_facts(store: Store) -> None:
    user = new_user()
    saved = plain(0, "/remember city = Zanzibar", "Noted.")
    load().memory("key_value").write(State(), [saved], Models().services(user), None)
    receipt = forgetting.erase(store, conversation(store, "window", user=user).retrieval, user)
    assert receipt.there("kept by Key value") == 1
    assert receipt.left == 0
