"""The chat page as a script, from the entry and opened directly, with the store that the tests share.

python -m pytest tests/pages/test_chat.py
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

from memory import worker
from memory.errors import StoreUnavailable
from memory.stores.inmemory import InMemoryStore
from pages.ui import connections, identity

ROOT = Path(__file__).parents[2]


class Kept:
    """A store of the test's own and its connection; while it is `away`, whatever one asks of it fails."""

    seconds = 0.0

    def __init__(self) -> None:
        self.user = uuid.uuid4().hex
        self.away = False
        self._store = InMemoryStore()

    def __getattr__(self, name: str) -> Any:
        if self.away:
            raise StoreUnavailable("Redis is away: start it, then try again.")
        return getattr(self._store, name)

    def ping(self) -> str:
        return "away" if self.away else "ready"


@pytest.fixture
def kept() -> Iterator[Kept]:
    mine = Kept()
    with (
        patch.object(connections, "store", lambda: mine),
        patch.object(connections, "connection", lambda: mine),
        patch.object(identity, "owner_id", lambda: identity.Owner(mine.user)),
    ):
        yield mine


@pytest.fixture(params=["app.py", "pages/chat.py"])
def opened(request: pytest.FixtureRequest, kept: Kept) -> Callable[[], AppTest]:
    return lambda: checked(AppTest.from_file(ROOT / request.param, default_timeout=60).run())


def checked(page: AppTest) -> AppTest:
    assert not page.exception, page.exception
    return page


def say(page: AppTest, text: str) -> AppTest:
    return checked(page.chat_input[0].set_value(text).run())


def words(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.title, *page.markdown, *page.caption))


def messages(page: AppTest) -> list[str]:
    return [message.markdown[0].value for message in page.chat_message if message.markdown]


def test_the_empty_page_explains_itself_and_every_memory(opened: Callable[[], AppTest]) -> None:
    page = opened()
    assert page.title[0].value == "See what a chatbot remembers"
    shown = words(page)
    assert "knows nothing but its prompt" in shown
    for label in ("None", "Buffer", "Window", "Token buffer", "Summary", "Summary buffer", "Last input"):
        assert f"**{label}** keeps " in shown
    assert not page.chat_message
    assert not page.error


def test_a_message_is_answered_stored_and_found_again(opened: Callable[[], AppTest], kept: Kept) -> None:
    page = say(opened(), "My name is Alex.")
    assert messages(page) == ["My name is Alex.", "Noted: your name is Alex."]
    page = say(page, "What is my name?")
    assert messages(page)[-1] == "Your name is Alex."
    (thread,) = kept.threads(kept.user)
    assert [turn.human for turn in kept.turns(kept.user, thread.id, 0, 9)] == [
        "My name is Alex.",
        "What is my name?",
    ]
    assert not worker.running(kept.user, thread.id)
    assert messages(opened()) == messages(page)


def test_a_memory_that_is_switched_forgets_from_the_next_message_on(opened: Callable[[], AppTest], kept: Kept) -> None:
    page = say(opened(), "My name is Alex.")
    choice = next(radio for radio in page.radio if radio.label == "Memory")
    page = checked(choice.set_value("NoMemory").run())
    assert kept.threads(kept.user)[0].memory == "NoMemory"
    page = say(page, "What is my name?")
    assert "Alex" not in messages(page)[-1]


def test_a_setting_of_the_memory_is_kept_with_the_conversation(opened: Callable[[], AppTest], kept: Kept) -> None:
    page = say(opened(), "My name is Alex.")
    k = next(control for control in page.number_input if control.label == "k")
    checked(k.set_value(1).run())
    assert kept.threads(kept.user)[0].settings["k"] == 1


def test_a_store_that_is_away_is_told_of_and_what_was_read_stays(opened: Callable[[], AppTest], kept: Kept) -> None:
    page = say(opened(), "My name is Alex.")
    kept.away = True
    page = checked(page.run())
    assert "Redis is away" in page.error[0].value
    assert "What you type stays in the box" in page.error[0].value
    assert messages(page) == ["My name is Alex.", "Noted: your name is Alex."]
    page = say(page, "What is my name?")
    assert page.chat_input[0].proto.value == "What is my name?"
    kept.away = False
    page = checked(page.run())
    assert not page.error
    assert messages(page) == ["My name is Alex.", "Noted: your name is Alex."]


def test_who_comes_while_the_store_is_away_sees_why(opened: Callable[[], AppTest], kept: Kept) -> None:
    kept.away = True
    page = opened()
    assert "Redis is away" in page.error[0].value
    kept.away = False
    assert checked(page.run()).title[0].value == "See what a chatbot remembers"


def test_given_facts_are_typed_one_to_a_line_and_a_slip_is_told(opened: Callable[[], AppTest], kept: Kept) -> None:
    page = opened()
    page = checked(next(pill for pill in page.button_group if pill.label == "Family").set_value("fixed").run())
    choice = next(radio for radio in page.radio if radio.label == "Memory")
    page = checked(choice.set_value("SimpleMemory").run())
    page = checked(next(button for button in page.button if button.label == "0 facts").click().run())
    page = checked(page.text_area[0].set_value("city = Oslo\nname").run())
    assert page.error[0].value == "Line 2 is not used: write it as name = value."
    page = checked(page.text_area[0].set_value("city = Oslo\n\nname = Alex").run())
    assert not page.error
    page = checked(next(button for button in page.button if button.label == "Save").click().run())
    assert any(button.label == "2 facts" for button in page.button)
    page = say(page, "What city is mine?")
    (thread,) = kept.threads(kept.user)
    assert thread.settings == {"memories": {"city": "Oslo", "name": "Alex"}}
    assert kept.traces(kept.user, thread.id, 0, 1)[0].items[0].why == "the facts that were given"


def test_what_another_tab_changed_of_the_conversation_stays(opened: Callable[[], AppTest], kept: Kept) -> None:
    page = say(opened(), "My name is Alex.")
    (thread,) = kept.threads(kept.user)
    kept.put_thread(kept.user, replace(thread, title="Named elsewhere"))
    page = checked(page.run())
    assert kept.threads(kept.user)[0].title == "Named elsewhere"
    assert next(box for box in page.text_input if box.label == "Title").value == "Named elsewhere"
    choice = next(radio for radio in page.radio if radio.label == "Memory")
    checked(choice.set_value("ConversationBufferMemory").run())
    kept.put_thread(kept.user, replace(kept.threads(kept.user)[0], title="Once more"))
    page = checked(next(box for box in page.text_input if box.label == "Title").set_value("Here").run())
    found = kept.threads(kept.user)[0]
    assert (found.memory, found.title) == ("ConversationBufferMemory", "Once more")
    checked(next(box for box in page.text_input if box.label == "Title").set_value("Here").run())
    assert kept.threads(kept.user)[0].title == "Here"
