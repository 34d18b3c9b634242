"""Memories that search, extract and combine, in a real browser with the demo model.

python -m pytest tests/browser/test_memories.py
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser.person import Person
from tests.browser.server import AppServer

pytestmark = pytest.mark.browser

# Without a model that another test run may have downloaded.
ENVIRONMENT = {"EMBEDDINGS": "hashing"}
TALK = ("My dog is called Rex.", "I live in Lyon.", "I like green tea.", "I work at Acme with Mira.")


@pytest.fixture
def alex(app: AppServer, new_context: Callable[..., BrowserContext]) -> Person:
    person = Person(app, new_context()).known()
    person.talked(*TALK, memory="window:k=1")
    return person.open()


def choose(person: Person, family: str, label: str) -> None:
    """Choose a memory of another family, and answer its question where it asks one."""
    button = person.page.get_by_role("button", name=re.compile("^Memory: "))
    if button.get_attribute("aria-expanded") != "true":
        button.click()
    body = person.page.get_by_role("dialog", name=re.compile("^Memory: "))
    body.get_by_text(family, exact=True).click()
    body.locator("label").filter(has_text=re.compile(f"^{label}$")).click()
    switch = person.page.get_by_role("button", name="Switch", exact=True)
    chosen = person.page.get_by_role("button", name=f"Memory: {label}", exact=True)
    expect(switch.or_(chosen).first).to_be_visible()
    if switch.is_visible():
        switch.click()
    person.sees_memory(label)
    person.settled()


def xray(person: Person) -> Locator:
    return person.view("Prompt").locator("li.piece")


def test_a_turn_that_is_found_is_quoted_as_a_line_that_says_why(alex):
    choose(alex, "Retrieved", "Vector store")
    expect(alex.page.get_by_test_id("stNumberInput").first).to_be_visible()
    alex.say("What is the name of my dog?")
    alex.sees_turn(5)
    block = xray(alex).filter(has_text="Memory: quoted")
    expect(block).to_have_count(1)
    line = block.locator(".line").filter(has_text="My dog is called Rex.")
    line.hover()
    expect(line.locator(".why")).to_be_visible()
    expect(line.locator(".why")).to_contain_text("Turn 1, ")
    expect(line.locator(".why")).to_contain_text(re.compile(r"rank \d, score \d"))
    expect(alex.view("Memory now")).to_contain_text("What the search found")


def test_settings_that_are_many_wait_behind_a_button(alex):
    choose(alex, "Retrieved", "Vector store")
    alex.press("More")
    body = alex.page.get_by_test_id("stPopoverBody").last
    expect(body).to_contain_text("score at least")
    body.get_by_role("combobox").click()
    alex.page.get_by_role("option", name="words and meaning").click()
    alex.settled()
    alex.page.keyboard.press("Escape")
    alex.say("Where do I live?")
    alex.sees_turn(5)
    assert alex.thread().settings["search"] == "hybrid"
    assert {call.purpose for call in alex.store.traces(alex.id, alex.thread().id, 4, 5)[0].own_calls} == {"embedding"}


def test_a_graph_is_made_of_the_conversation_and_its_triples_are_sent(alex):
    choose(alex, "Extracted", "Knowledge graph")
    alex.say("Where do I work?")
    alex.sees_turn(5)
    expect(xray(alex).filter(has_text="Triple: the user works at Acme")).to_have_count(1)
    expect(alex.view("Memory now")).to_contain_text("Who and what was spoken of")
    expect(alex.view("Cost")).to_contain_text("Switched to Knowledge graph")


def test_parts_that_make_no_memory_are_one_sentence_and_the_old_ones_stay(alex):
    choose(alex, "Composed", "Combined")
    box = alex.page.get_by_role("textbox", name="parts")
    box.fill("window(k=1)+nothing")
    box.press("Enter")
    alex.page.get_by_text("The setting stays as it was.").wait_for()
    assert alex.thread().settings["memories"] == "window(k=3)+vector(k=4)"
    box.fill("window(k=1)+vector(k=1)")
    box.press("Enter")
    expect(alex.page.get_by_text("The setting stays as it was.")).to_have_count(0)
    alex.say("What is the name of my dog?")
    alex.sees_turn(5)
    assert alex.thread().settings["memories"] == "window(k=1)+vector(k=1)"
    pieces = xray(alex)
    expect(pieces.filter(has_text="Memory: quoted turn 1")).to_have_count(1)
    expect(pieces.filter(has_text="History: turn 4")).to_have_count(1)


def test_the_bar_leaves_a_phone_its_room(app, new_context):
    sam = Person(app, new_context(390, 844)).known()
    sam.talked(*TALK, memory="vector")
    sam.open()
    box = sam.box.bounding_box()
    bar = sam.page.get_by_role("button", name="Memory: Vector store").bounding_box()
    assert box
    assert bar
    assert box["y"] - bar["y"] < 200
    assert sam.page.evaluate("document.documentElement.scrollWidth") <= 390
