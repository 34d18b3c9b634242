"""The forms of "Memory now" in a real browser, drawn by the memories that have them.

python -m pytest tests/browser/test_forms.py
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.person import Person
from tests.browser.server import AppServer

ENVIRONMENT = {"EMBEDDINGS": "hashing"}  # vectors that need no model
NewContext = Callable[..., BrowserContext]
Axe = Callable[[Page], list[str]]
SAID = (
    "My name is Alex.",
    "My sister Maria lives in Lyon.",
    "I like tea.",
    "I have a dog called Rex.",
    "I live in Oslo.",
    "Maria works at a bakery.",
    "Where does my sister Maria live?",
)
MEMORIES = {
    "kg": "Graph of ",
    "entity": "Graph of ",
    "vector": "Scores of earlier turns",
    "vector:search=dense": "Map of ",
    "time_weighted": "Scores of earlier turns",
    "attention": "Heat map of the weights",
}


def talks(app: AppServer, context: BrowserContext, memory: str) -> Person:
    """Say the last message on the page, after a conversation that was held before."""
    person = Person(app, context).known()
    person.talked(*SAID[:-1], memory=memory)
    person.open()
    person.say(SAID[-1])
    person.sees_turn(len(SAID))
    person.settled()  # a chart that still grows is clicked at the wrong place
    return person


def chart(person: Person, name: str) -> Locator:
    """Find a chart by the beginning of what it tells those who do not see it."""
    return person.panel.get_by_role("img", name=re.compile(f"^{name}"))


def opens(person: Person, turn: int) -> None:
    expect(person.panel.get_by_label("Turn whose card is open")).to_have_value(str(turn))


def is_sound(person: Person, name: str, axe: Axe) -> None:
    """The form is drawn, axe has no serious finding, and nothing scrolls sideways."""
    expect(chart(person, name).locator("svg")).to_be_visible()
    expect(chart(person, name).locator("svg path")).not_to_have_count(0)
    person.settled()
    assert axe(person.page) == []
    panel = person.page.get_by_test_id("stSidebarContent")
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("memory", MEMORIES)
def test_each_memory_s_form_is_drawn_on_a_light_screen_and_on_a_dark_phone(
    app: AppServer, new_context: NewContext, axe: Axe, memory: str
) -> None:
    person = talks(app, new_context(), memory)
    is_sound(person, MEMORIES[memory], axe)
    person.page.set_viewport_size({"width": 390, "height": 844})
    person.page.emulate_media(color_scheme="dark")
    person.open()
    person.page.get_by_test_id("stExpandSidebarButton").click()
    is_sound(person, MEMORIES[memory], axe)


def test_a_click_in_the_graph_and_the_keyboard_beside_it_lead_to_where_it_came_from(
    app: AppServer, new_context: NewContext
) -> None:
    person = talks(app, new_context(height=1000), "kg")
    graph = chart(person, "Graph of ")
    # The dot is above its name.
    name = graph.locator("text", has_text=re.compile("^tea$")).first
    box = name.bounding_box()
    assert box
    person.page.mouse.click(box["x"] + box["width"] / 2, box["y"] - 6)
    expect(person.panel.get_by_text("the user → likes → tea")).to_be_visible()
    opens(person, 3)
    expect(person.panel.get_by_text("You: I like tea.")).to_be_visible()
    things = person.panel.get_by_role("combobox", name="Card of an entity or a relation")
    things.focus()
    things.press("ArrowDown")
    things.press_sequentially("Rex")
    things.press("Enter")
    expect(person.panel.get_by_role("button", name="turn 4", exact=True)).to_be_visible()
    opens(person, 4)


def test_a_dot_of_the_graph_can_be_dragged(app: AppServer, new_context: NewContext) -> None:
    person = talks(app, new_context(height=1000), "kg")
    name = chart(person, "Graph of ").locator("text", has_text=re.compile("^tea$")).first
    before = name.bounding_box()
    assert before
    mouse, x, y = person.page.mouse, before["x"] + before["width"] / 2, before["y"] - 6
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 15, y + 15, steps=4)
    mouse.move(x + 40, y + 30, steps=4)
    mouse.up()
    after = name.bounding_box()
    assert after
    assert after["x"] - before["x"] == pytest.approx(40, abs=3)
    assert after["y"] - before["y"] == pytest.approx(30, abs=3)


def test_a_click_on_a_score_and_a_row_of_its_table_lead_to_their_turns(app: AppServer, new_context: NewContext) -> None:
    person = talks(app, new_context(height=1100), "vector")
    scores = chart(person, "Scores of earlier turns")
    row = scores.locator("text", has_text="I like tea.").first
    row.click(force=True)
    opens(person, 3)
    row.click(force=True)
    opens(person, 3)
    person.panel.get_by_text("Scores as a table").click()
    table = person.panel.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    box = table.bounding_box()
    assert box
    person.page.mouse.click(box["x"] + 15, box["y"] + 50)
    best = re.search(r"turn (\d+) ", scores.get_attribute("aria-label") or "")
    assert best
    opens(person, int(best[1]))


def test_a_click_on_a_weight_leads_to_its_turn(app: AppServer, new_context: NewContext) -> None:
    person = talks(app, new_context(height=1100), "attention")
    cell = chart(person, "Heat map of the weights").locator("text", has_text=re.compile("^2$")).first
    cell.click(force=True)
    opens(person, 2)
    expect(person.panel.get_by_text("You: My sister Maria lives in Lyon.")).to_be_visible()


def test_a_click_on_the_map_leads_to_its_turn(app: AppServer, new_context: NewContext) -> None:
    person = talks(app, new_context(height=1400), "vector:search=dense")
    scores = chart(person, "Scores of earlier turns").get_attribute("aria-label") or ""
    best = re.search(r"turn (\d+) ", scores)
    assert best
    # The number stands to the right of its dot.
    box = chart(person, "Map of ").locator("text", has_text=re.compile(f"^{best[1]}$")).first.bounding_box()
    assert box
    person.page.mouse.click(box["x"] - 7, box["y"] + box["height"] / 2)
    opens(person, int(best[1]))
