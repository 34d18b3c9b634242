"""Somebody in front of a browser: what the tests of the chat page do and look at, in the words of a reader.

alex = Person(app, new_context())
alex.open()
alex.say("My name is Alex.")
alex.sees_turn(1)
alex.store.turns(alex.id, alex.thread().id, 0, 1)      # what Redis really holds
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from memory import threads
from memory.base import Turn
from memory.catalog import load
from memory.conversation import Conversation
from memory.preferences import Preferences
from memory.server.connect import connect
from memory.services import Models
from memory.store import Thread
from memory.stores.redis import RedisStore
from tests.browser.server import AppServer

NewContext = Callable[..., BrowserContext]


def store_of(server: AppServer) -> RedisStore:
    """The store that this app writes to, without becoming a user of its embedded server."""
    if url := server.env.get("REDIS_URL"):
        return RedisStore(connect(url))
    return RedisStore(connect(f"unix://{socket_of(server)}"))


def socket_of(server: AppServer) -> Path:
    return Path(server.env["MEMORY_INSPECTOR_HOME"]) / "redis" / "server.sock"


def settled(page: Page, **options: Any) -> None:
    """Wait until the page is drawn and no script runs."""
    expect(page.get_by_role("main")).to_be_visible(**options)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", **options)


def wait_until(page: Page, condition: Callable[[], object], seconds: float = 40) -> None:
    """Let the browser go on until the condition holds or the time is over; whoever calls asserts what they want."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        page.wait_for_timeout(100)


def fits(page: Page) -> bool:
    """Say whether nothing scrolls sideways."""
    scrollers = "[data-testid=stMain], [data-testid=stAppScrollToBottomContainer], [data-testid=stSidebarContent]"
    return bool(
        page.evaluate(
            "scrollers => [document.documentElement, ...document.querySelectorAll(scrollers)]"
            ".every(e => e.clientWidth < 100 || e.scrollWidth <= e.clientWidth + 1)",
            scrollers,
        )
    )


def woken(server: AppServer, browser: Browser) -> AppServer:
    """Draw a first page, which imports everything and starts the embedded server."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url, timeout=120_000)
    settled(page, timeout=120_000)
    context.close()
    return server


class Person:
    """One browser with one tab; `tab()` opens another."""

    def __init__(self, server: AppServer, context: BrowserContext, page: Page | None = None) -> None:
        self.server, self.context = server, context
        self.page = page or context.new_page()
        self.open_seconds = 0.0
        """How long it took to draw the page: what busy cores cost at the moment."""

    @property
    def store(self) -> RedisStore:
        return store_of(self.server)

    @property
    def id(self) -> str:
        """The user id in the signed cookie."""
        cookie = next(cookie for cookie in self.context.cookies() if cookie["name"].startswith("memory_owner"))
        return cookie["value"].rsplit(".", 2)[0]

    def open(self, path: str = "/") -> Person:
        begin = time.monotonic()
        self.page.goto(self.server.url + path)
        self.settled()
        self.open_seconds = time.monotonic() - begin
        return self

    def settled(self) -> None:
        """Wait until the page is drawn and no script runs."""
        settled(self.page)

    def tab(self) -> Person:
        return Person(self.server, self.context).open()

    def known(self) -> Person:
        """Get a cookie without drawing the page, so that something can be stored before it is drawn."""
        self.context.request.get(self.server.url, headers={"accept": "text/html"})
        return self

    # --- what is stored beforehand

    def prefers(self, **changes: Any) -> Person:
        Preferences.load(self.store, self.id).but(**changes).save(self.store, self.id)
        return self

    def talked(
        self,
        *messages: str,
        memory: str = "window",
        title: str = "Earlier talk",
        model: str = "demo",
        instructions: str = "",
    ) -> Thread:
        """Hold a conversation without the page."""
        how = load().memory(memory)
        thread = threads.new(self.store, self.id, how, title)
        talk = Conversation(self.store, self.id, thread.id, how, Models(chat=model), instructions=instructions)
        for message in messages:
            for _ in talk.reply(message):
                pass
        return thread

    # --- what one does

    @property
    def box(self) -> Locator:
        return self.page.get_by_test_id("stChatInputTextArea")

    def say(self, text: str) -> None:
        expect(self.box).to_be_enabled()
        self.box.fill(text)
        self.box.press("Enter")

    def press(self, name: str | re.Pattern[str], **options: Any) -> None:
        self.page.get_by_role("button", name=name, **options).click()

    def menu(self) -> Locator:
        """Open the menu of conversations, where it is not open."""
        button = self.page.locator("[class*=st-key-chat_menu]").get_by_role("button").first
        if button.get_attribute("aria-expanded") != "true":
            button.click()
        return self.page.get_by_test_id("stPopoverBody")

    def choose_memory(self, label: str) -> None:
        button = self.page.get_by_role("button", name=re.compile("^Memory: "))
        if button.get_attribute("aria-expanded") != "true":
            button.click()
        body = self.page.get_by_role("dialog", name=re.compile("^Memory: "))
        body.locator("label").filter(has_text=re.compile(f"^{label}$")).click()

    def view(self, name: str) -> Locator:
        """Look at a view of the panel."""
        self.page.get_by_role("radio", name=name, exact=True).click()
        return self.panel

    # --- what one sees

    @property
    def panel(self) -> Locator:
        return self.page.get_by_test_id("stSidebar")

    @property
    def messages(self) -> Locator:
        return self.page.get_by_test_id("stChatMessage")

    def sees(self, text: str | re.Pattern[str], **options: Any) -> None:
        expect(self.page.get_by_role("main").get_by_text(text).first).to_be_visible(**options)

    def sees_not(self, text: str | re.Pattern[str], **options: Any) -> None:
        expect(self.page.get_by_role("main").get_by_text(text)).to_have_count(0, **options)

    def sees_turn(self, number: int, **options: Any) -> None:
        """Wait for the figures under the last turn: it is stored and drawn."""
        self.sees(re.compile(f"^Turn {number:,} ·"), **options)

    def sees_memory(self, label: str) -> None:
        expect(self.page.get_by_role("button", name=f"Memory: {label}", exact=True)).to_be_visible()

    def all_messages(self) -> list[str]:
        """The messages as they are drawn, without the figures and buttons under the last."""
        expect(self.page.locator("[data-testid=stMain] [data-stale=true]")).to_have_count(0)
        # At one moment: what is drawn anew has no place that can be asked for twice.
        return self.messages.evaluate_all(
            "all => all.map(one => one.querySelector('[data-testid=stMarkdownContainer]')?.innerText.trim() ?? '')"
        )

    # --- what is stored

    def thread(self) -> Thread:
        """The conversation used last."""
        return self.store.threads(self.id)[0]

    def turns(self, thread: str = "") -> list[Turn]:
        thread = thread or self.thread().id
        return self.store.turns(self.id, thread, 0, self.store.open(self.id, thread, "", 0).length)
