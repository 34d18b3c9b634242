"""Long-term memory in a real browser: formed in one conversation, found in another, changed, taken back, reflected on.

python -m pytest tests/browser/test_longterm.py
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from memory import threads
from memory.catalog import load
from memory.conversation import Conversation
from memory.longterm.editing import add
from memory.longterm.facts import Fact, from_row
from memory.longterm.taking_in import COVERED
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from tests.browser.person import Person, fits, wait_until
from tests.browser.server import AppServer

pytestmark = pytest.mark.browser

ENVIRONMENT = {"EMBEDDINGS": "hashing"}
PAGE = "/longterm"
HOSTILE = "![x](https://evil.example/a.png) <img src=x onerror=alert(1)> :red-badge[x] **b** $a$"


@pytest.fixture
def alex(app: AppServer, new_context: Callable[..., BrowserContext]) -> Person:
    return Person(app, new_context()).open()


def talk(person: Person, spec: str, *said: str, title: str = "Work talk") -> Conversation:
    """Hold a conversation without the page."""
    memory = load().memory(spec)
    thread = threads.new(person.store, person.id, memory, title)
    retrieval = Retrieval(embedding("hashing"))
    made = Conversation(person.store, person.id, thread.id, memory, Models(), retrieval=retrieval)
    for query in said:
        "".join(made.reply(query))
    return made


def facts(person: Person) -> list[Fact]:
    rows = person.store.shelf.news(person.id, 0, "-").rows.values()
    return [fact for row in rows if row.namespace[-1] != COVERED and (fact := from_row(row))]


def card(person: Person, text: str) -> Locator:
    return person.page.locator("[class*=st-key-longterm_item_]").filter(has_text=text)


def press(place: Locator | Page, name: str) -> None:
    place.get_by_role("button", name=name, exact=True).first.click()


def test_a_fact_of_one_conversation_is_known_in_another_contradicted_and_turned_round(alex: Person) -> None:
    talk(alex, "collection", "I work at Acme.", "I moved to Oslo.")
    other = talk(alex, "collection", "I moved to Lisbon.", title="Another talk")
    assert "Lisbon" in next(fact.text for fact in facts(alex) if fact.history)
    alex.open()
    alex.say("Where do I work?")
    alex.sees("You work at Acme.")
    alex.open(PAGE)
    moved = card(alex, "The user moved to Lisbon.")
    moved.get_by_text("1 earlier version, superseded").click()
    expect(moved).to_contain_text("Superseded by: The user moved to Lisbon.")
    press(moved, "Say this again")
    alex.sees("Version 1 holds again.")
    assert [fact.text for fact in facts(alex) if fact.history] == ["The user moved to Oslo."]
    press(card(alex, "The user moved to Oslo."), "Turn 1 of “Another talk”")
    alex.sees("Found: turn 1")
    alex.sees("I moved to Lisbon.")
    assert other.thread


def test_an_item_is_edited_deleted_and_taken_back(alex: Person) -> None:
    talk(alex, "collection", "I like tea.")
    alex.open(PAGE)
    press(card(alex, "The user likes tea."), "Edit")
    box = alex.page.get_by_role("textbox", name="What is to be remembered")
    box.fill("I like green tea.")
    press(alex.page, "Save")
    alex.sees("Saved: the next message is answered with it.")
    expect(card(alex, "I like green tea.")).to_contain_text("Written by hand.")
    press(card(alex, "I like green tea."), "Delete")
    alex.sees("Nothing is remembered of you yet.")
    assert facts(alex) == []
    press(alex.page, "Undo")
    expect(card(alex, "I like green tea.")).to_be_visible()
    assert [fact.text for fact in facts(alex)] == ["I like green tea."]


def test_what_is_forgotten_for_good_gives_a_receipt(alex: Person) -> None:
    talk(alex, "collection", "My sister Ulla lives in Zanzibar.")
    alex.open(PAGE)
    press(card(alex, "Zanzibar"), "Forget…")
    box = alex.page.get_by_role("dialog").filter(has_text="Forget what is remembered")
    expect(box).to_contain_text("It is repeated in 1 other place.")
    press(box, "Forget it")
    alex.sees("Forgotten: something remembered of you.")
    assert facts(alex) == []


def test_a_search_by_meaning_shows_scores(alex: Person) -> None:
    talk(alex, "collection", "I like tea.", "I work at Acme.")
    alex.open(PAGE)
    box = alex.page.get_by_role("textbox", name="Search by meaning")
    box.fill("Do I work at Acme?")
    box.press("Enter")
    first = alex.page.locator("[class*=st-key-longterm_item_]").first
    expect(first).to_contain_text("The user works at Acme.")
    expect(first).to_contain_text("score 0.")


def test_a_conversation_with_background_formation_is_reflected_on_at_once_when_asked(alex: Person) -> None:
    alex.prefers(memory="SemanticCollectionMemory", settings={"formation": "background"}).open()
    alex.say("I work at Acme.")
    alex.sees_turn(1)
    alex.sees("Waiting until the conversation has rested: reflection on 1 turn in")
    assert facts(alex) == []
    press(alex.page, "Reflect now")
    alex.sees(re.compile("Reflected on turn 1: wrote 1 item; .+ as gpt-5-mini"))
    assert [fact.text for fact in facts(alex)] == ["The user works at Acme."]
    alex.view("Cost")
    expect(alex.panel).to_contain_text("Reflected after turn 1")
    press(alex.page, "See what is remembered")
    expect(card(alex, "The user works at Acme.")).to_be_visible()
    alex.sees("Filters (1 set)")


def test_the_tools_that_the_model_called_stand_folded_in_its_turn(alex: Person) -> None:
    talk(alex, "collection:formation=active", "Remember that I like tea.")
    alex.open()
    alex.page.get_by_text(re.compile("Called manage_memory: the answer came .+ later and cost .+ more")).click()
    alex.sees("Its answer:")
    alex.view("Cost")
    expect(alex.panel).to_contain_text("reply after tools")
    expect(alex.panel).to_contain_text("later than without them")


def test_a_thumb_with_words_changes_the_instructions_and_can_be_taken_back(alex: Person) -> None:
    made = talk(alex, "procedural", "Explain recursion.")
    alex.open()
    said = alex.page.locator("[class*=st-key-chat_said_]")
    said.locator("button").nth(1).click()
    alex.page.get_by_role("textbox", name="What should it do instead?").fill("Show me a practical example instead.")
    alex.sees(re.compile("4 calls, .+ tokens in, .+ as gpt-5-mini"))
    alex.page.get_by_text("After a critique (gradient)").click()
    press(alex.page, "Send")
    alex.sees("the instructions were rewritten by it")
    (event,) = alex.store.events(alex.id, made.thread)
    assert len([call for call in event.calls if call.purpose == "instructions"]) == 2
    press(alex.page, "See the instructions")
    shown = card(alex, "Show a practical example.")
    expect(shown).to_contain_text("The feedback that caused it: not helpful: Show me a practical example instead")


def test_two_browsers_see_nothing_of_each_other(
    alex: Person, app: AppServer, new_context: Callable[..., BrowserContext]
) -> None:
    talk(alex, "collection", "I own a zebra.", "I like tea.")
    sam = Person(app, new_context()).open(PAGE)
    sam.sees("Nothing is remembered of you yet.")
    alex.open(PAGE)
    alex.sees("The user likes tea.")
    assert facts(sam) == []


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_fits_loads_nothing_and_is_accessible(
    app: AppServer,
    new_context: Callable[..., BrowserContext],
    axe: Callable[[Page], list[str]],
    size: tuple[int, int],
    theme: str,
) -> None:
    context: Any = new_context(*size, theme)
    sam = Person(app, context).open()
    asked: list[str] = []
    sam.page.on("request", lambda request: asked.append(request.url))
    made = talk(sam, "collection", "I moved to Oslo.", "I moved to Lisbon.", title=HOSTILE)
    talk(sam, "profile", "My name is Alex and I prefer dark mode.")
    talk(sam, "episodic", "Explain binary trees.", "That makes sense now, thanks!")
    items = made.services().items
    add(items, "Memory", {"content": HOSTILE}, (HOSTILE.partition(".")[0].replace("/", "")[:60],))
    items.put((HOSTILE.replace(".", ""),), HOSTILE, {HOSTILE: HOSTILE})
    add(items, "Memory", {"content": "word" * 400})
    sam.open(PAGE)
    wait_until(sam.page, lambda: card(sam, "onerror").count())
    press(sam.page, "Add")
    sam.settled()
    assert fits(sam.page)
    assert axe(sam.page) == []
    assert not [url for url in asked if "evil" in url]
