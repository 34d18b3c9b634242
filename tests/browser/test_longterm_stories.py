"""Layers, namespaces and instructions in a real browser: each is one story of somebody who uses them.

python -m pytest tests/browser/test_longterm_stories.py
"""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Locator, expect

from memory.longterm.facts import Fact, Source, from_row
from memory.longterm.feedback import give
from memory.longterm.taking_in import COVERED
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from tests.browser.person import Person
from tests.pictures.drawn import drawing

pytestmark = pytest.mark.browser

ENVIRONMENT = {"EMBEDDINGS": "hashing"}
LAYERS = "window(k=1)+collection+knowledge+multimodal"
INN = b"The inn at Odrin has nine rooms. Breakfast is at eight."


def facts(person: Person) -> list[Fact]:
    rows = person.store.shelf.news(person.id, 0, "-").rows.values()
    return [fact for row in rows if row.namespace[-1] != COVERED and (fact := from_row(row))]


def card(person: Person, text: str) -> Locator:
    return person.page.locator("[class*=st-key-longterm_item_]").filter(has_text=text)


def test_turns_facts_documents_and_pictures_share_one_budget_and_each_answers_its_question(alex: Person) -> None:
    library = Retrieval(embedding("hashing")).library(alex.store.shelf, alex.id, lambda call: None)
    library.add("inn.txt", INN, 500, 50)
    alex.prefers(memory="CombinedMemory", settings={"memories": LAYERS}).open()
    picture = {"name": "shore.png", "mimeType": "image/png", "buffer": drawing()}
    alex.page.locator("[data-testid=stChatInput] input[type=file]").set_input_files(picture)
    expect(alex.page.get_by_test_id("stChatInput").get_by_text("shore.png")).to_be_visible()
    alex.say("Our holiday.")
    alex.sees_turn(1)
    for number, (said, answer) in enumerate(
        [
            ("I work at Acme.", "Noted: you work at Acme."),
            ("I like tea.", "Noted: you like tea."),
            ("Where do I work?", "You work at Acme."),
            ("How many rooms does the inn have?", "nine rooms"),
            ("What was in the picture of our holiday?", "The picture shore.png shows mainly blue and beige."),
        ],
        2,
    ):
        alex.say(said)
        alex.sees_turn(number)
        expect(alex.messages.last).to_contain_text(answer)
    panel = alex.view("Memory now")
    expect(panel).to_contain_text(re.compile(r"How the budget was divided: [\d,]+ of 2,000 tokens"))
    for layer in ("Window", "Facts", "Documents", "Pictures", "free"):
        expect(panel.get_by_role("listitem").filter(has_text=re.compile(f"^{layer} "))).to_be_visible()
    panel = alex.view("Prompt")
    expect(panel).to_contain_text("shore.png, turn 1: its caption alone")
    panel = alex.view("Memory now")
    panel.get_by_role("radio", name="Now", exact=True).click()
    expect(panel).to_contain_text("The user works at Acme.")
    expect(panel).to_contain_text("Kept: sent with a message that it fits.")


def test_an_organisation_and_an_application_named_in_settings_keep_facts_apart(alex: Person) -> None:
    alex.prefers(memory="SemanticCollectionMemory", settings={"namespace": "{org}/{app}"}).open()
    alex.say("I work at Acme.")
    alex.sees(re.compile("needs an organisation: name it in Settings"))
    alex.page.get_by_role("link", name="Settings").click()
    alex.page.get_by_role("textbox", name="Organisation").fill("acme")
    alex.page.get_by_role("textbox", name="Application").fill("support")
    alex.page.keyboard.press("Tab")
    alex.sees("Saved.")
    alex.page.get_by_role("link", name="Chat").click()
    alex.say("I work in the ML team.")
    alex.sees_turn(2)
    assert {fact.namespace for fact in facts(alex)} == {("acme", "support", "facts")}
    alex.prefers(application="sales").open()
    alex.say("Which team am I in?")
    alex.sees_turn(3)
    expect(alex.messages.last).to_contain_text("I can't see that in what I was sent.")
    alex.open("/longterm")
    alex.page.get_by_test_id("stRadio").locator("label").filter(has_text="support").first.click()
    alex.settled()
    expect(card(alex, "The user works in the ML team.")).to_contain_text("Facts in acme › support")


def test_the_instructions_stand_with_their_versions_as_a_diff_and_an_earlier_one_holds_again(alex: Person) -> None:
    made = alex.talked("Explain recursion.", "Explain sorting.", memory="procedural")
    items = Retrieval(embedding("hashing")).items(alex.store.shelf, alex.id, lambda call: None)
    first = alex.turns(made.id)[0]
    give(items, Source(made.id, first.id, 0), False, "Answer briefly.", time.time())
    alex.open()
    alex.say("Explain trees.")
    alex.sees_turn(3)
    alex.page.locator("[class*=st-key-chat_said_]").last.locator("button").nth(1).click()
    alex.page.get_by_role("textbox", name="What should it do instead?").fill("Show me a practical example instead")
    alex.page.get_by_role("main").get_by_role("button", name="Send", exact=True).first.click()
    alex.sees("the instructions were rewritten by it")
    alex.open("/longterm")
    alex.page.get_by_role("radio", name="Instructions", exact=True).click()
    shown = card(alex, "Show a practical example.")
    expect(shown).to_contain_text("Answer briefly.")
    expect(shown).to_contain_text("The feedback that caused it: not helpful: Show me a practical example instead")
    alex.settled()
    shown.get_by_text("1 earlier version").click()
    expect(shown).to_contain_text("What version 2 changed in it:")
    alex.page.wait_for_timeout(500)  # until what was opened has grown: it moves the button
    shown.get_by_role("button", name="Say this again").click()
    alex.sees("Version 1 holds again.")
    (now,) = (fact for fact in facts(alex) if fact.kind == "Instructions")
    assert now.content["instructions"] == "Answer briefly."
