"""The settings page, from the entry and opened directly, with a real store behind it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from memory.base import Message, State, Turn
from memory.catalog import load
from memory.errors import BadInput, ModelFailed, StoreUnavailable
from memory.exchange import export_user
from memory.preferences import Preferences
from memory.server.connect import Connection, connect
from memory.services import Models
from memory.store import Thread
from memory.stores.redis import RedisStore
from memory.threads import fill
from memory.trace import Trace
from pages.ui import connections, identity
from tests.memory.fakes import plain
from tests.openai_server import Answer, Server, openai_server
from tests.servers import end

ROOT = Path(__file__).parents[2]
JAR = identity.Cookies("a secret for the tests")


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    home = Path(tempfile.mkdtemp(prefix="mi-"))
    made = connect("", home)
    try:
        yield made
    finally:
        made.close()
        end(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def store(connection: Connection) -> Iterator[RedisStore]:
    kept = RedisStore(connection)
    for user in ("alex", "sam"):
        kept.erase(user)
    connections.connection.clear()
    connections.store.clear()
    with patch.object(connections, "connect", lambda: connection):
        yield kept
    connections.connection.clear()
    connections.store.clear()


@pytest.fixture(params=["app.py", "pages/settings.py"])
def visit(request: pytest.FixtureRequest, store: RedisStore) -> Iterator[Callable[..., AppTest]]:
    """Open the page as a browser of that user would."""
    with (
        patch.object(identity, "cookies", lambda: JAR),
        patch.object(type(st.context), "cookies", property(lambda self: {JAR.name: JAR.sign("alex")})),
    ):

        def opened() -> AppTest:
            page = AppTest.from_file(str(ROOT / request.param), default_timeout=60)
            if request.param == "app.py":
                page.run().switch_page("pages/settings.py")
            return sound(page.run())

        yield opened


def sound(page: AppTest) -> AppTest:
    assert not page.exception, page.exception[0].message
    assert page.title[0].value == "Settings"
    return page


def words(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.error, *page.info, *page.warning]
    return "\n".join(element.value for element in shown).replace("\\", "")


def button(page: AppTest, label: str) -> Any:
    return next(one for one in page.button if one.label == label)


def errors(page: AppTest) -> str:
    return "\n".join(error.value for error in page.error).replace("\\", "")


def a_thread(store: RedisStore, user: str, turns: int = 2) -> None:
    fill(
        store,
        user,
        Thread(f"of-{user}", "Paris", 1.0, 1.0),
        [Turn(f"t{place}", (Message("human", "I am Alex."), Message("ai", "Hello."))) for place in range(turns)],
        [Trace("turn", place, f"t{place}", 1.0) for place in range(turns)],
        [],
        {},
        {},
    )


# --- what is chosen is kept -------------------------------------------------------------------------------------------


def test_a_first_visit_shows_the_demo_model_ready_and_the_store_in_plain_words(visit: Callable[..., AppTest]) -> None:
    page = visit()
    assert page.selectbox(key="settings_model").value == "demo"
    assert "Ready. Built in: no key, no network" in words(page)
    assert "**Store** ready: embedded Valkey" in words(page)
    assert "This browser is known as `alex…` and has 0 conversations." in words(page)
    assert not page.error


def test_a_change_is_saved_and_found_again(visit: Callable[..., AppTest], store: RedisStore) -> None:
    page = visit()
    sound(page.selectbox(key="settings_price_as").set_value("openai:gpt-5").run())
    sound(page.number_input(key="settings_budget").set_value(0).run())
    sound(page.text_area(key="settings_instructions").set_value("Answer in rhyme.").run())
    assert "Saved." in words(page)
    assert store.settings("alex") == {"price_as": "openai:gpt-5", "budget": 0, "instructions": "Answer in rhyme."}
    again = visit()
    assert again.number_input(key="settings_budget").value == 0
    assert again.text_area(key="settings_instructions").value == "Answer in rhyme."
    sound(again.number_input(key="settings_budget").set_value(None).run())
    assert Preferences.load(store, "alex").budget is None


def test_two_tabs_do_not_undo_each_others_changes(visit: Callable[..., AppTest], store: RedisStore) -> None:
    one, other = visit(), visit()
    sound(one.number_input(key="settings_budget").set_value(500).run())
    sound(other.text_area(key="settings_instructions").set_value("Be brief.").run())
    assert store.settings("alex") == {"budget": 500, "instructions": "Be brief."}
    sound(one.run())
    assert one.text_area(key="settings_instructions").value == "Be brief."


def test_settings_that_an_older_version_left_behind_do_no_harm(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    store.put_settings("alex", {"budget": "many", "model": 7, "theme": "blue", "instructions": "Be brief."})
    page = visit()
    assert page.text_area(key="settings_instructions").value == "Be brief."
    assert page.selectbox(key="settings_model").value == "demo"


def test_a_model_that_is_nobodys_is_named_with_the_remedy(visit: Callable[..., AppTest], store: RedisStore) -> None:
    Preferences(model="![x](https://evil.example/)").save(store, "alex")
    page = visit()
    assert "Not ready." in words(page)
    assert "write provider:name" in words(page)
    assert all("![" not in element.value for element in page.markdown)


def test_prices_say_of_which_day_they_are_and_what_is_unknown(visit: Callable[..., AppTest], store: RedisStore) -> None:
    Preferences(memory_model="openai:nobodys-model").save(store, "alex")
    page = visit()
    rows = page.dataframe[0].value.to_dict("records")
    assert [(row["Model"], row["Input"], row["Output"]) for row in rows] == [
        ("gpt-5-mini", "$0.25", "$2"),
        ("nobodys-model", "unknown", "unknown"),
    ]
    assert "as of 9 November 2026" in words(page)


# --- keys and the model itself ----------------------------------------------------------------------------------------


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with openai_server() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


def test_a_typed_key_is_used_in_this_session_and_kept_nowhere(
    visit: Callable[..., AppTest], store: RedisStore, connection: Connection
) -> None:
    page = visit()
    sound(page.selectbox(key="settings_model").set_value("openai:gpt-5-mini").run())
    assert "There is no key for openai:gpt-5-mini" in words(page)
    sound(page.text_input(key="settings_key_box").set_value(" sk-secret-1234567890 ").run())
    assert "Ready to be asked, with the key typed here" in words(page)
    assert page.session_state["settings_api_key"] == "sk-secret-1234567890"
    assert "sk-secret" not in json.dumps(store.settings("alex"))
    assert b"sk-secret" not in export_user(store, "alex")
    for element in page.main:
        assert "sk-secret" not in str(getattr(element, "proto", ""))
    sound(button(page, "Forget key").click().run())
    assert "settings_api_key" not in page.session_state
    assert "There is no key for openai:gpt-5-mini" in words(page)
    assert "There is no key" in words(visit())


def test_a_key_is_given_to_no_other_provider() -> None:
    with patch.object(st, "session_state", {"settings_api_key": "sk", "settings_api_key_name": "OPENAI_API_KEY"}):
        assert connections.api_key() == "sk"
        assert connections.api_key("openai:gpt-5-mini") == "sk"
        assert connections.api_key("anthropic:claude-opus-5") is None
        assert connections.api_key("demo") is None
        assert connections.models(Preferences(memory_model="openai:gpt-5-mini")).key == "sk"
        both = connections.models(Preferences(model="openai:gpt-5-mini", memory_model="anthropic:claude-haiku-5-5"))
        assert both.key == "sk"
        assert "sk" not in repr(both)
        refused = ModelFailed("No key.", kind="key")
        with patch("memory.services.chat_model", side_effect=refused) as opened, pytest.raises(ModelFailed):
            both.services().ask([], "summary", 10)
        opened.assert_called_once_with("anthropic:claude-haiku-5-5", api_key=None)


def test_a_key_of_secrets_toml_is_found_and_a_broken_file_does_no_harm() -> None:
    with patch.object(st, "session_state", {}):
        with patch.object(st, "secrets", {"OPENAI_API_KEY": "sk-file"}):
            assert connections.api_key() == "sk-file"
        with patch.object(st, "secrets", {"OPENAI_API_KEY": {"nested": 1}}):
            assert connections.api_key() is None
        assert connections.api_key() is None  # there is no file


def test_the_demo_model_answers_when_it_is_tried(visit: Callable[..., AppTest]) -> None:
    page = visit()
    sound(button(page, "Try the model").click().run())
    assert "demo answered in" in words(page)
    assert "heron" in words(page)


def test_a_server_that_refuses_the_key_is_told_in_one_sentence(visit: Callable[..., AppTest], server: Server) -> None:
    page = visit()
    sound(page.selectbox(key="settings_model").set_value("openai:gpt-5-mini").run())
    place = server.url.removeprefix("http://").removesuffix("/v1")
    assert f"Models under openai are asked at {place}" in words(page)
    server.script(Answer(text="Heron. ![x](https://evil.example)"), Answer(status=401))
    sound(button(page, "Try the model").click().run())
    assert "gpt-5-mini answered in" in words(page)
    assert all("![" not in element.value for element in page.markdown)
    sound(button(page, "Try the model").click().run())
    assert "No answer. The key for openai:gpt-5-mini was refused" in words(page)


# --- the data of this browser -----------------------------------------------------------------------------------------


def upload(page: AppTest, data: bytes, replace: bool = False) -> AppTest:
    page.file_uploader[0].set_value(("file.json", data, "application/json"))
    page.checkbox[0].set_value(replace)
    return sound(button(page, "Import").click().run())


def test_a_file_is_imported_with_a_receipt(visit: Callable[..., AppTest], store: RedisStore) -> None:
    a_thread(store, "sam", turns=120)
    Preferences(budget=900).save(store, "sam")
    page = upload(visit(), export_user(store, "sam"))
    assert "1 conversation, 120 turns imported. Your settings are those of the file." in words(page)
    assert page.number_input(key="settings_budget").value == 900
    assert [thread.title for thread in store.threads("alex")] == ["Paris"]


def test_a_file_that_is_wrong_is_named_by_its_place_and_nothing_comes_in(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    a_thread(store, "sam")
    file = json.loads(export_user(store, "sam"))
    file["threads"][0]["turns"][1]["messages"][0]["role"] = "![x](https://evil.example)"
    page = upload(visit(), json.dumps(file).encode())
    assert "threads[0].turns[1].messages[0].role: input should be" in errors(page)
    assert not store.threads("alex")
    page = upload(page, b"no conversation at all")
    assert "no conversation that can be read here" in errors(page)
    page = sound(button(page, "Import").click().run())
    assert "Choose a file first." in errors(page)


def test_a_file_of_another_program_is_imported_and_says_what_is_no_turn(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    talk = [
        {"role": "system", "content": "Be brief. ![x](https://evil.example)"},
        {"role": "user", "content": "I am Alex."},
        {"role": "assistant", "content": "Hello Alex."},
    ]
    page = upload(visit(), json.dumps(talk).encode())
    assert "1 conversation, 1 turn imported. Its system prompt is no turn and was left out: “Be brief." in words(page)
    assert all("![" not in element.value for element in page.info)
    (thread,) = store.threads("alex")
    assert thread.title == "I am Alex."
    assert store.turns("alex", thread.id, 0, 1)[0].ai == "Hello Alex."


def test_everything_is_deleted_only_after_the_word_and_the_receipt_says_what(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    for user in ("alex", "sam"):
        a_thread(store, user)
        saved = plain(0, "/remember city = Oslo", "Noted.")
        load().memory("key_value").write(State(), [saved], Models().services(user), None)
    Preferences(budget=900).save(store, "alex")
    page = visit()
    box = next(one for one in page.text_input if 'type "delete"' in one.label)
    box.set_value("yes")
    sound(button(page, "Delete everything").click().run())
    assert "Nothing was deleted" in errors(page)
    assert store.threads("alex")
    box = next(one for one in page.text_input if 'type "delete"' in one.label)
    box.set_value("delete")
    page.session_state["compare_draft"] = "an upload that was to be replayed"
    sound(button(page, "Delete everything").click().run())
    assert "compare_draft" not in page.session_state
    assert "Removed: 1 conversation with 2 turns, your settings" in words(page)
    assert "Checked afterwards: nothing is left." in words(page)
    assert not store.threads("alex")
    assert not store.settings("alex")
    assert page.number_input(key="settings_budget").value is None
    assert store.threads("sam"), "another browser's are untouched"
    assert load().erase("alex") == {}
    assert load().erase("sam") == {"Key value": 1}


# --- when something is wrong ------------------------------------------------------------------------------------------


class Away:
    """A connection that does not answer."""

    seconds = 0.0

    def call(self, fn: Any) -> Any:
        raise StoreUnavailable("Redis at localhost:6379 is away: start it or correct REDIS_URL, then try again.")

    def ping(self) -> str:
        return "away"

    def describe(self) -> str:
        return "Redis at localhost:6379 (not reachable now)"


def test_a_file_that_was_repaired_is_told_of(visit: Callable[..., AppTest]) -> None:
    said = "The end of x.aof was torn; the file as it was is kept in /data/x."
    with patch.object(Connection, "repaired", said):
        assert f"**Repaired** {said}" in words(sound(visit().run()))


def test_a_store_that_is_away_is_told_and_the_rest_still_works(
    visit: Callable[..., AppTest], store: RedisStore, connection: Connection
) -> None:
    page = visit()
    connections.connection.clear()
    connections.store.clear()
    with patch.object(connections, "connect", Away):
        sound(page.run())
        assert "Redis at localhost:6379 is away" in errors(page)
        assert "You can still choose and try a model" in errors(page)
        assert "cannot be read, exported or deleted" in words(page)
        sound(button(page, "Try the model").click().run())
        assert "demo answered in" in words(page)
        sound(page.number_input(key="settings_budget").set_value(700).run())
        assert "Saved." not in words(page)
    connections.connection.clear()
    connections.store.clear()
    sound(page.run())
    assert not page.error
    assert Preferences.load(store, "alex").budget == 700, "what was changed meanwhile is saved now"


def test_a_store_that_cannot_be_opened_at_first_is_tried_again(store: RedisStore, connection: Connection) -> None:
    away = StoreUnavailable("It does not start: try again.")
    with patch.object(connections, "connect", side_effect=away), pytest.raises(StoreUnavailable):
        connections.store()
    assert connections.store().threads("alex") == []
    assert connections.store() is connections.store()


@pytest.mark.parametrize("days", ["0", "-1", "nan", "inf", "soon", "1e9"])
def test_an_expiry_that_is_no_number_of_days_is_refused_with_the_remedy(days: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("EXPIRE_DAYS", days)
    with pytest.raises(BadInput, match=f'EXPIRE_DAYS must be a number of days .* not "{days}"'):
        connections.expire_days()


def test_an_operators_slip_shows_as_a_sentence_on_the_page(visit: Callable[..., AppTest], monkeypatch: Any) -> None:
    monkeypatch.setenv("EXPIRE_DAYS", "soon")
    connections.store.clear()
    page = visit()
    assert 'EXPIRE_DAYS must be a number of days from 0.01 to 36500, not "soon"' in errors(page)


def test_a_model_nobody_knows_can_be_said_to_take_pictures_and_the_demo_model_cannot(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    page = visit()
    assert not [box for box in page.selectbox if box.label.startswith("Pictures for")]
    Preferences(model="openai:my-own").save(store, "alex")
    page = visit()
    (box,) = [box for box in page.selectbox if box.label.startswith("Pictures for")]
    assert box.options[0] == "As it is known: it is not known to take pictures"
    sound(box.set_value(True).run())
    assert Preferences.load(store, "alex").pictures == {"openai:my-own": True}
    (box,) = [box for box in visit().selectbox if box.label.startswith("Pictures for")]
    assert box.value is True
    sound(box.set_value(None).run())
    assert Preferences.load(store, "alex").pictures == {}
