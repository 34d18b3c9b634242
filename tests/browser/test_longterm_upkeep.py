"""The personal graph and the maintenance of what is remembered, in a real browser.

python -m pytest tests/browser/test_longterm_upkeep.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from memory.longterm.editing import add
from tests.browser.person import Person, fits, wait_until
from tests.browser.server import AppServer
from tests.browser.test_longterm import HOSTILE, PAGE, facts, press, talk

pytestmark = pytest.mark.browser

ENVIRONMENT = {"EMBEDDINGS": "hashing"}


def tab(person: Person, name: str) -> None:
    person.page.get_by_role("radio", name=name, exact=True).click()
    person.settled()


def test_what_is_twice_and_contradicts_is_put_in_order_drawn_undone_and_led_to_its_turn(
    app: AppServer, new_context: Callable[..., BrowserContext]
) -> None:
    alex = Person(app, new_context()).open()
    made = talk(alex, "collection", "I moved to Oslo.", "I like tea.")
    items = made.services().items
    add(items, "Memory", {"content": "The user likes Tea"})
    add(items, "Memory", {"content": "The user lives in Porto."})
    alex.open(PAGE)
    tab(alex, "Maintenance")
    alex.sees("4 facts new to the memory's model")
    press(alex.page, "Run with the model")
    alex.sees("2 things done or proposed; see the log.")
    assert sorted(fact.text for fact in facts(alex)) == ["The user likes Tea", "The user lives in Porto."]
    tab(alex, "Graph")
    alex.sees("superseded, dashed: 1 relation")
    expect(alex.page.get_by_role("img", name="1 of them superseded")).to_be_visible()
    box = alex.page.get_by_role("combobox", name="Card of an entity or a relation")
    box.click()
    box.fill("Oslo")
    box.press("Enter")
    expect(alex.page.locator(".st-key-longterm_graph_card")).to_contain_text("superseded")
    press(alex.page, "Turn 1 of “Work talk”")
    alex.sees("Found: turn 1")
    alex.open(PAGE)
    tab(alex, "Maintenance")
    press(alex.page, "Undo")
    alex.sees("Undone: all is as it was before.")
    assert len(facts(alex)) == 3


@pytest.mark.parametrize(("size", "theme"), [((1280, 800), "light"), ((390, 844), "dark")])
def test_both_tabs_fit_load_nothing_and_are_accessible(
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
    items = talk(sam, "collection", "I moved to Oslo.", "I moved to Lisbon.", title=HOSTILE).services().items
    for text in (f"The user likes {HOSTILE}", f"The user likes {HOSTILE}!", "word" * 400):
        add(items, "Memory", {"content": text})
    sam.open(PAGE)
    tab(sam, "Graph")
    wait_until(sam.page, lambda: sam.page.get_by_role("table").count())
    assert fits(sam.page)
    assert axe(sam.page) == []
    tab(sam, "Maintenance")
    press(sam.page, "Run the rules alone, at no cost")
    sam.sees("1 thing done or proposed")
    assert fits(sam.page)
    assert axe(sam.page) == []
    assert not [url for url in asked if "evil" in url]
