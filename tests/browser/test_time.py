"""The panel in time, in a real browser: the slider by keyboard, the play, differences, before and after, a phone.

python -m pytest tests/browser/test_time.py
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.person import NewContext, Person, fits
from tests.browser.server import AppServer

pytestmark = pytest.mark.browser

TALK = ("My name is Alex.", "I live in Lyon.", "I like tea.", "I have a dog called Rex.")
WATCH = """() => {
  window.changed = 0
  const chat = document.querySelector("[data-testid=stChatMessage]").parentElement.parentElement
  new MutationObserver((all) => { window.changed += all.length }).observe(
    chat, { subtree: true, childList: true, characterData: true })
}"""


@pytest.fixture
def alex(app: AppServer, new_context: NewContext) -> Person:
    person = Person(app, new_context()).known()
    person.talked(*TALK, memory="summary")
    return person.open()


def at_turn(person: Person, turn: int) -> None:
    expect(person.panel).to_contain_text(re.compile(rf"at turn {turn} of {len(TALK)}\b"))


def player(person: Person, name: str) -> Locator:
    return person.panel.get_by_role("button", name=re.compile(f"{name}$"))


def difference(person: Person, place: int = 0) -> Locator:
    return person.panel.locator("[data-testid=stBidiComponentRegular], .stBidiComponent").locator(".text").nth(place)


def test_the_slider_goes_through_the_turns_by_keyboard(alex: Person):
    slider = alex.panel.get_by_role("slider", name="Turn of the conversation")
    at_turn(alex, 4)
    slider.press("ArrowLeft")
    at_turn(alex, 3)
    expect(alex.panel).to_contain_text("I like tea.")
    slider.press("Home")
    at_turn(alex, 1)
    expect(slider).to_be_focused()


def test_the_conversation_plays_to_its_end_in_the_panel_alone(alex: Person):
    alex.panel.get_by_role("combobox", name="Speed of the play").click()
    alex.page.get_by_role("option", name="1 s a turn").click()
    alex.settled()
    alex.page.evaluate(WATCH)
    player(alex, "Play").focus()
    alex.page.keyboard.press("Enter")
    expect(player(alex, "Pause")).to_be_focused()
    for turn in range(1, len(TALK) + 1):
        at_turn(alex, turn)
    expect(player(alex, "Play")).to_be_visible()
    assert alex.page.evaluate("window.changed") == 0


def test_the_play_stops_when_it_is_paused_or_the_slider_moved(alex: Person):
    player(alex, "Play").click()
    at_turn(alex, 1)
    player(alex, "Pause").click()
    expect(player(alex, "Play")).to_be_visible()
    alex.page.wait_for_timeout(3000)
    at_turn(alex, 1)
    player(alex, "Play").click()
    expect(player(alex, "Pause")).to_be_visible()
    alex.panel.get_by_role("slider", name="Turn of the conversation").press("End")
    at_turn(alex, 4)
    expect(player(alex, "Play")).to_be_visible()


def test_a_difference_is_told_in_marks_and_words(alex: Person, axe: Callable[[Page], list[str]]):
    alex.panel.get_by_role("slider", name="Turn of the conversation").press("ArrowLeft")
    at_turn(alex, 3)
    box = difference(alex)
    added = box.locator("ins")
    expect(added).to_contain_text("The user lives in Lyon.")
    expect(added.locator(".told").first).to_have_text("[added: ")
    expect(added.locator(".mark")).to_have_text("+")
    assert added.evaluate("part => getComputedStyle(part).textDecorationLine") == "underline"
    expect(box).to_contain_text("The user's name is Alex.")
    alex.settled()
    assert axe(alex.page) == []


def test_any_two_turns_are_compared(alex: Person):
    against = alex.panel.get_by_label("Turn to compare with")
    expect(against).to_have_value("3")
    against.fill("1")
    against.press("Enter")
    expect(alex.panel.get_by_text("Changed since turn")).to_be_visible()
    expect(difference(alex).locator("ins")).to_contain_text("The user likes tea.")
    expect(difference(alex).locator("ins")).to_contain_text("The user's name is Alex.")


def test_the_memory_before_a_turn_and_after_it(alex: Person):
    expect(alex.panel).to_contain_text("covers turns 1 to 3")
    alex.panel.get_by_role("radio", name="Now", exact=True).click()
    expect(alex.panel).to_contain_text("Would be sent with the next message")
    expect(alex.panel.get_by_text("Changed since turn")).to_have_count(0)
    alex.panel.get_by_role("slider", name="Turn of the conversation").press("ArrowLeft")
    expect(alex.panel).to_contain_text("Rewritten after turn 3.")
    alex.panel.get_by_role("radio", name="When turn 3 was asked").click()
    expect(alex.panel).to_contain_text("Sent. Rewritten after turn 2.")


def test_after_a_switch_the_panel_says_who_reads_the_next_message(alex: Person):
    alex.choose_memory("Window")
    alex.sees_memory("Window")
    expect(alex.panel).to_contain_text("Switched to Window: your next message is the first that it reads.")
    expect(alex.panel.get_by_role("radio", name="Now", exact=True)).to_be_checked()
    expect(alex.panel).to_contain_text("would be sent: ")
    alex.page.keyboard.press("Escape")
    alex.say("What is my name?")
    alex.sees_turn(5)
    expect(alex.panel).not_to_contain_text("Switched to")
    expect(alex.panel).to_contain_text("switched from Summary")
    expect(alex.panel).to_contain_text("Memory: Summary → Window")


def test_given_facts_are_typed_with_room_at_the_bottom_of_the_window(app: AppServer, new_context: NewContext):
    sam = Person(app, new_context()).known()
    sam.talked("Hello.", memory="simple")
    sam.open()
    sam.press("0 facts")
    dialog = sam.page.get_by_role("dialog")
    box = dialog.get_by_role("textbox")
    box.fill("\n".join(f"name{number} = {number}" for number in range(20)))
    whole, screen = dialog.bounding_box(), sam.page.viewport_size
    assert whole
    assert screen
    assert whole["y"] + whole["height"] <= screen["height"]
    dialog.get_by_role("button", name="Save").click()
    expect(sam.page.get_by_role("button", name="20 facts")).to_be_visible()
    expect(sam.panel).to_contain_text("name19: 19")
    assert sam.thread().settings["memories"]["name0"] == "0"


def test_a_dark_phone_shows_it_all(app: AppServer, new_context: NewContext, axe: Callable[[Page], list[str]]):
    kim = Person(app, new_context(390, 844, "dark")).known()
    kim.talked(*TALK, memory="summary")
    kim.open()
    kim.page.get_by_test_id("stExpandSidebarButton").click()
    kim.panel.get_by_role("slider", name="Turn of the conversation").press("ArrowLeft")
    at_turn(kim, 3)
    for name in ("Back", "Play", "Next"):
        expect(player(kim, name)).to_be_in_viewport()
    expect(difference(kim).locator("ins")).to_be_visible()
    kim.settled()
    assert fits(kim.page)
    assert axe(kim.page) == []
    player(kim, "Next").click()
    at_turn(kim, 4)
