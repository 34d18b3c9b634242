"""A real server, a real Chromium and somebody in front of it, for the tests in this folder.

def test_something(alex):
    alex.open()
    alex.say("My name is Alex.")
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.foreign import Foreign, foreign_server
from tests.browser.person import NewContext, Person, woken
from tests.browser.server import AppServer, running_app
from tests.openai_server import Server, openai_server

PATIENCE = 40_000  # ms; the cores may be busy

expect.set_options(timeout=PATIENCE)

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try a browser test that failed a second time: a click can miss what a page on busy cores is just moving.

    Why the first try failed stands at the end of the run (tests/conftest.py), so that nothing is hidden by it.
    """
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of the app's log to the report of a test that failed."""
    report = yield
    if report.failed:
        servers = {id(made): made for made in getattr(item, "funcargs", {}).values() if isinstance(made, AppServer)}
        report.sections += [(f"log of {server.url}", server.log()[-10_000:]) for server in servers.values()]
    return report


@pytest.fixture(scope="package")
def model() -> Iterator[Server]:
    """A server of models that speaks OpenAI's protocol."""
    with openai_server() as server:
        yield server


@pytest.fixture(scope="package")
def apps(model: Server, browser: Browser) -> Iterator[Callable[..., AppServer]]:
    """`apps(EMBEDDINGS="hashing")`: the app in this environment, started once for all modules that ask for the same.

    Everybody in front of it is another user, so no test meets what another left there.
    """
    with ExitStack() as running:
        known: dict[frozenset[tuple[str, str]], AppServer] = {}

        def started(**environment: str) -> AppServer:
            key = frozenset(environment.items())
            if key not in known:
                server = running.enter_context(running_app(OPENAI_BASE_URL=model.url, **environment))
                known[key] = woken(server, browser)
            return known[key]

        yield started


@pytest.fixture(scope="module")
def app(apps: Callable[..., AppServer], request: pytest.FixtureRequest) -> AppServer:
    """The app with the demo model, and a server of other models for who prefers one.

    A module's ENVIRONMENT is added to the app's.
    """
    return apps(**getattr(request.module, "ENVIRONMENT", {}))


@pytest.fixture(scope="module")
def own_app(model: Server, browser: Browser) -> Iterator[AppServer]:
    """An app for the tests of one module, which kill it or what it depends on."""
    with running_app(OPENAI_BASE_URL=model.url) as server:
        yield woken(server, browser)


@pytest.fixture
def alex(app: AppServer, new_context: NewContext) -> Person:
    """Somebody with a browser, and no page open yet."""
    return Person(app, new_context()).known()


@pytest.fixture
def slow(alex: Person) -> Person:
    """Somebody whose model needs 0.2 s for each word."""
    return alex.prefers(model="openai:slow").open()


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    """A server that nothing may be fetched from."""
    with foreign_server() as server:
        yield server


def chromium_path() -> str:
    found = (os.environ.get("CHROMIUM"), *map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    if path := next(filter(None, found), None):
        return path
    pytest.fail("The browser tests need Chromium: sudo apt-get install chromium, or set CHROMIUM to its path")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """`new_context(width, height, color_scheme)`: a browser of another person, with no cookies yet."""
    contexts: list[BrowserContext] = []

    def make(width: int = 1280, height: int = 800, color_scheme: Any = "light", **options: Any) -> BrowserContext:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=color_scheme, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="package")
def axe() -> Callable[[Page], list[str]]:
    """`axe(page)`: the serious and critical findings of axe-core, one line each."""

    def run(page: Page) -> list[str]:
        found = Axe().run(page).response["violations"]
        return [
            f"{violation['id']}: {node['html'][:200]} ({' '.join(node['failureSummary'].split())[:300]})"
            for violation in found
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]

    return run
