"""The Cost view in a real browser: with caching and without, what broke the prefix, and the projection.

python -m pytest tests/browser/test_cost.py
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import AppServer
from tests.browser.person import NewContext, Person, fits

pytestmark = pytest.mark.browser

LONG = tuple(f"Number {number}: " + "there is a house by the sea, with a tree. " * 22 for number in range(9))


def talking(app: AppServer, new_context: NewContext, memory: str, **screen: object) -> Person:
    """Open the Cost view of a conversation whose prompts are long enough to be cached."""
    person = Person(app, new_context(**screen)).known()
    person.talked(*LONG, memory=memory)
    person.open()
    if screen.get("width", 1280) < 700:  # type: ignore[operator]
        person.page.get_by_test_id("stExpandSidebarButton").click()
    person.view("Cost")
    person.settled()
    return person


def says(person: Person, text: str | re.Pattern[str]) -> None:
    expect(person.panel.get_by_text(text).first).to_be_visible()


def wide_tables(panel: Locator) -> list[str]:
    """Return the tables that scroll sideways, as their last column cannot be seen."""
    found: list[str] = panel.locator(".dvn-scroller").evaluate_all(
        "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => `${e.scrollWidth} > ${e.clientWidth}`)"
    )
    return found


def test_a_buffer_spares_by_its_cache_and_a_window_does_not(app: AppServer, new_context: NewContext) -> None:
    buffer = talking(app, new_context, "buffer")
    says(buffer, re.compile(r"the prompt goes on where the one before ended.*in steps of 128"))
    says(buffer, re.compile(r"caching spared \$"))
    window = talking(app, new_context, "window:k=3")
    says(window, re.compile("turn 5 slid out of the prompt"))
    says(window, re.compile(r"step = \d+ the last 8 turns would have cost|no other setting would have been cheaper"))


def test_what_broke_the_prefix_leads_to_the_prompt(app: AppServer, new_context: NewContext) -> None:
    person = talking(app, new_context, "window:k=3")
    person.page.get_by_role("button", name="Show where the prefix ends").click()
    expect(person.page.get_by_role("radio", name="Prompt", exact=True)).to_be_checked()
    expect(person.panel.locator("li.piece").first).to_be_visible()


def test_a_projection_moves_with_its_knobs(app: AppServer, new_context: NewContext) -> None:
    person = talking(app, new_context, "buffer")
    says(person, re.compile(r"Buffer costs more than Window k = 5 from turn \d+ on"))
    counted = person.panel.get_by_text(re.compile(r"Buffer costs more than Window k = 5 from turn")).inner_text()
    person.page.get_by_role("radio", name="caching ignored").click()
    person.settled()
    ignored = person.panel.get_by_text(re.compile(r"Buffer costs more than Window k = 5 from turn"))
    expect(ignored).not_to_have_text(counted)
    chart = person.panel.locator("[class*=st-key-panel_projection] svg").last
    expect(chart).to_be_visible()
    person.page.get_by_text(re.compile("^Of turns with")).click()
    rate = person.page.get_by_role("slider", name="Hit rate of the cache (%)")
    rate.focus()
    for _ in range(20):
        rate.press("ArrowLeft")
    person.settled()
    person.page.get_by_role("radio", name="caching counted").click()
    # Where the cache is never hit both are the same.
    expect(ignored).not_to_have_text(counted)


@pytest.mark.parametrize(
    ("scheme", "width", "height"), [("light", 1280, 800), ("dark", 1280, 800), ("light", 390, 844), ("dark", 390, 844)]
)
@pytest.mark.parametrize("memory", ["window:k=4", "summary"])
def test_every_column_can_be_seen_and_axe_finds_nothing_serious(
    app: AppServer,
    new_context: NewContext,
    axe: Callable[[Page], list[str]],
    memory: str,
    scheme: str,
    width: int,
    height: int,
) -> None:
    person = talking(app, new_context, memory, color_scheme=scheme, width=width, height=height)
    says(person, "Prompt caching")
    says(person, "Projection")
    person.page.get_by_text(re.compile("^Of turns with")).click()
    says(person, "Priced as")
    expect(person.panel.get_by_test_id("stDataFrame").last).to_be_visible()
    assert wide_tables(person.panel) == []
    assert fits(person.page)
    assert axe(person.page) == []
