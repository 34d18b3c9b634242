"""Forgetting and editing in a real browser: the dialogs, the receipt, the line that is left, and every file afterwards.

python -m pytest tests/browser/test_forgetting.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.browser.conftest import AppServer, running_app
from tests.browser.person import Person, fits, wait_until, woken

pytestmark = pytest.mark.browser

TALK = ("I like tea.", "My code word is Zanzibar.", "Sam works at Acme.", "Is Zanzibar my code word?")


@pytest.fixture(scope="module")
def server(browser: Browser) -> Iterator[AppServer]:
    """An app whose files hold nothing but what is said here."""
    with running_app(EMBEDDINGS="hashing") as app:
        yield woken(app, browser)


@pytest.fixture
def alex(server: AppServer, new_context: Callable[..., BrowserContext]) -> Person:
    person = Person(server, new_context()).known()
    person.talked(*TALK, memory="summary")
    return person.open()


def dialog(person: Person, title: str) -> Locator:
    found = person.page.get_by_role("dialog").filter(has_text=title)
    expect(found).to_be_visible()
    return found


def forget(person: Person, turn: int) -> Locator:
    """Open the dialog for a turn, counted from 1."""
    person.page.locator("[class*=st-key-chat_forget_]").nth(turn - 1).get_by_role("button").click()
    return dialog(person, "Forget a turn")


def holding(folder: Path, word: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and word in path.read_bytes().lower()]


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_a_turn_is_forgotten_with_what_repeats_it(alex: Person, size: tuple[int, int]) -> None:
    alex.page.set_viewport_size({"width": size[0], "height": size[1]})
    alex.settled()
    box = forget(alex, 2)
    expect(box).to_contain_text("Removed for good: messages of turn 2 (2)")
    expect(box).to_contain_text("It is repeated in 1 other place.")
    expect(box).to_contain_text("Rebuilding: Summary takes 2 turns in again")
    box.get_by_text("Turn 4 of “Earlier talk”").click()
    box.get_by_role("button", name="Forget it and 1 place").click()
    receipt = dialog(alex, "Receipt")
    expect(receipt).to_contain_text("nothing is left.")
    assert fits(alex.page)
    assert [turn.status for turn in alex.turns()] == ["complete", "forgotten", "complete", "forgotten"]
    receipt.get_by_role("button", name="Close", exact=True).last.click()
    expect(alex.page.get_by_role("dialog")).to_have_count(0)
    alex.sees("Turn 2: forgotten on")
    alex.sees_not("Zanzibar")
    home = alex.server.home
    wait_until(alex.page, lambda: not holding(home, b"zanzibar"))
    assert not holding(home, b"zanzibar")
    alex.open()
    alex.sees("Turn 2: forgotten on")


def test_a_note_is_edited_and_the_next_message_is_answered_with_it(alex: Person) -> None:
    alex.panel.get_by_role("button", name="Edit", exact=True).first.click()
    box = dialog(alex, "Edit a note")
    box.get_by_role("textbox", name="Note").fill("The user keeps an okapi in Oslo.")
    box.get_by_role("button", name="Save").click()
    expect(alex.page.get_by_role("dialog")).to_have_count(0)
    expect(alex.panel).to_contain_text("The user keeps an okapi in Oslo.")
    expect(alex.panel).to_contain_text("Edited by you after turn 4.")
    alex.say("What do I keep in Oslo?")
    alex.sees_turn(5)
    alex.view("Prompt")
    expect(alex.panel).to_contain_text("The user keeps an okapi in Oslo.")


def test_what_is_kept_stays_as_it_was(alex: Person) -> None:
    box = forget(alex, 1)
    box.get_by_role("button", name="Keep it").click()
    expect(alex.page.get_by_role("dialog")).to_have_count(0)
    assert [turn.status for turn in alex.turns()] == ["complete"] * 4


def test_a_deleted_conversation_is_removed_for_good_with_a_receipt(alex: Person) -> None:
    alex.menu().get_by_role("button", name="Delete", exact=True).click()
    expect(alex.page.get_by_role("button", name="Remove it for good")).to_be_visible()
    alex.settled()
    alex.press("Remove it for good")
    receipt = dialog(alex, "Receipt")
    expect(receipt).to_contain_text("nothing is left.")
    assert not alex.store.threads(alex.id, deleted=True)
    receipt.get_by_role("button", name="Close", exact=True).last.click()
    expect(alex.page.get_by_role("dialog")).to_have_count(0)
