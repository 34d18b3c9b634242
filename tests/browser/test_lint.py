"""Check the rules in a real browser: in the panel, beside LangChain's own class, each row leading to its turn.

python -m pytest tests/browser/test_lint.py
"""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.person import Person, fits
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
PATIENCE = 120_000  # ms: two runs of everything on busy cores


def asks(app: AppServer, context: BrowserContext, memory: str) -> tuple[Person, Locator]:
    """Have the rules checked after a conversation that was held before."""
    person = Person(app, context).known()
    person.talked(*SAID, memory=memory)
    person.open()
    size = person.page.viewport_size
    if size and size["width"] < 500:
        person.page.get_by_test_id("stExpandSidebarButton").click()
    person.page.get_by_role("button", name="Check the rules").click()
    dialog = person.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Download as JSON")).to_be_visible(timeout=PATIENCE)
    person.settled()
    return person, dialog


def row(dialog: Locator, id: str) -> Locator:
    return dialog.locator(f".st-key-lint_row_{id}")


def test_the_rules_are_checked_beside_langchain_s_own_class(app: AppServer, new_context: NewContext, axe: Axe) -> None:
    person, dialog = asks(app, new_context(), "summary_buffer:max_token_limit=60")
    expect(dialog.get_by_text("0 broken")).to_be_visible()
    limit = row(dialog, "limit")
    expect(limit).to_contain_text("holds This memory: at most")
    expect(limit).to_contain_text("broken LangChain's over Redis")
    expect(limit).to_contain_text("tokens were sent of 60")
    expect(row(dialog, "restart")).to_contain_text("holds This memory")
    expect(row(dialog, "restart")).to_contain_text("broken LangChain's over Redis")
    expect(row(dialog, "failure")).to_contain_text("broken LangChain's in memory")
    expect(row(dialog, "forget")).to_contain_text("holds This memory")
    assert axe(person.page) == []
    assert fits(person.page)


def test_a_dark_phone_shows_the_same(app: AppServer, new_context: NewContext, axe: Axe) -> None:
    person, dialog = asks(app, new_context(390, 844, "dark"), "window:k=2")
    expect(row(dialog, "tools")).to_contain_text("broken LangChain's over Redis and in memory")
    assert axe(person.page) == []
    assert fits(person.page)
    assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth + 1")


def test_a_row_leads_to_its_turn_and_what_was_found_is_there_again(app: AppServer, new_context: NewContext) -> None:
    person, dialog = asks(app, new_context(height=1000), "token_buffer:max_token_limit=60")
    found = row(dialog, "transcript").get_by_role("button", name="Go to turn")
    name = found.inner_text()
    number = int(name.split()[-1])
    found.click()
    expect(dialog).to_have_count(0)
    person.settled()
    expect(person.panel.get_by_text(f"at turn {number} of {len(SAID)}")).to_be_visible()
    person.page.get_by_role("button", name="Check the rules").click()
    expect(dialog.get_by_role("button", name="Download as JSON")).to_be_visible(timeout=10_000)
    person.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_result_downloads_as_json_and_a_difference_can_be_read(app: AppServer, new_context: NewContext) -> None:
    person, dialog = asks(app, new_context(height=1000), "summary")
    restart = row(dialog, "restart")
    restart.get_by_text("The difference").first.click()
    expect(restart.locator("code").first).to_contain_text("-")
    with person.page.expect_download() as download:
        dialog.get_by_role("button", name="Download as JSON").click()
    found = json.loads(download.value.path().read_text())
    assert [run["memory"] for run in found["runs"]] == ["ConversationSummaryMemory"] * 3
    assert found["runs"][0]["broken"] == 0
    assert found["runs"][1]["broken"] > 0


def test_the_page_answers_while_a_check_runs(app: AppServer, new_context: NewContext) -> None:
    person = Person(app, new_context()).known()
    person.talked(*SAID * 6, memory="summary")
    person.open()
    person.page.get_by_role("button", name="Check the rules").click()
    dialog = person.page.get_by_role("dialog")
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    person.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    person.say("What do I like?")
    person.sees_turn(len(SAID) * 6 + 1)
