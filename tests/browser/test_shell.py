"""The shell around the pages, in a real browser: the navigation, and how the pages look.

python -m pytest tests/browser/test_shell.py
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.person import NewContext, settled
from tests.browser.server import AppServer, running_app

PAGES = {"Chat": "/", "Settings": "/settings"}
SIZES = {"desk": (1280, 800), "phone": (390, 844)}


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_accessible_and_fits_the_screen(
    app: AppServer,
    new_context: NewContext,
    axe: Callable[[Page], list[str]],
    path: str,
    size: tuple[int, int],
    scheme: str,
) -> None:
    page = new_context(*size, color_scheme=scheme).new_page()
    page.goto(app.url + path)
    settled(page)
    expect(page.get_by_test_id("stMain").locator("[data-testid=stMarkdownContainer]:visible").first).to_be_visible()
    assert axe(page) == []
    width, visible = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= visible
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= visible


def test_the_pages_stand_in_a_navigation_and_have_addresses(app: AppServer, new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto(app.url)
    page.get_by_role("link", name="Settings").click()
    expect(page).to_have_url(re.compile("/settings$"))
    page.get_by_role("link", name="Chat").click()
    expect(page).to_have_url(re.compile(f"{app.url}/?$"))


def test_a_deep_link_as_the_very_first_visit_shows_the_whole_app(new_context: NewContext) -> None:
    with running_app() as fresh:
        page = new_context().new_page()
        page.goto(f"{fresh.url}/settings")
        expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()
        expect(page.get_by_role("link", name="Chat")).to_be_visible()


def test_the_icon_is_our_own(app: AppServer, new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto(app.url)
    settled(page)
    address = page.locator("link[rel*=icon]").first.get_attribute("href") or ""
    assert address.startswith(("data:image/svg", "/media", "./media", app.url)), address
