"""Redis that keeps silent, refuses to write, is slow or still loads, and a model that freezes, in a real browser.

python -m pytest tests/browser/test_outages.py
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.person import NewContext, Person, woken
from tests.browser.server import AppServer, running_app
from tests.browser.test_outage import AWAY, said, slack
from tests.faults.test_outages import FAULTS, KEYS, Place
from tests.line import line_to
from tests.openai_server import Server
from tests.servers import redis_server

pytestmark = [pytest.mark.faults, pytest.mark.redis_server]


@pytest.fixture(scope="module")
def place(scratch: Path) -> Iterator[Place]:
    folder = scratch / "outages-seen"
    folder.mkdir()
    settings = {"aof_use_rdb_preamble": "no", "loading_process_events_interval_bytes": "1024"}
    with redis_server(folder, appendfsync="no", **settings) as server, line_to(server.port) as line:
        place = Place(server, line)
        place.command("EVAL", f"for i = 1, {KEYS} do redis.call('SET', 'k' .. i, i) end", 0)
        yield place


@pytest.fixture(scope="module")
def its_app(place: Place, model: Server, browser: Browser) -> Iterator[AppServer]:
    """An app whose Redis is at the end of a line."""
    url = f"redis://127.0.0.1:{place.line.port}/0"
    with running_app(OPENAI_BASE_URL=model.url, REDIS_URL=url) as server:
        yield woken(server, browser)


@pytest.fixture
def alex(its_app: AppServer, new_context: NewContext) -> Person:
    """Somebody with one turn on the page."""
    person = Person(its_app, new_context()).known()
    person.talked("My name is Alex.")
    person.open()
    person.sees_turn(1)
    return person


@contextmanager
def during(place: Place, name: str) -> Iterator[None]:
    FAULTS[name].begin(place)
    try:
        yield
    finally:
        FAULTS[name].end(place)


def told(person: Person, text: str | re.Pattern[str], begin: float) -> None:
    """See it beside the box, in time."""
    person.sees(text)
    assert time.monotonic() - begin < 2 + slack(person)
    expect(person.page.get_by_text(text).first).to_be_in_viewport()


@pytest.mark.parametrize("name", ["frozen", "loading"])
def test_a_server_that_cannot_be_read_is_told_of_and_the_message_is_stored_once_it_can(
    alex: Person, place: Place, name: str
) -> None:
    with during(place, name):
        begin = time.monotonic()
        alex.say("What is my name?")
        told(alex, re.compile(FAULTS[name].told), begin)
        alex.sees(AWAY)
        expect(alex.box).to_have_value("What is my name?")
        expect(alex.messages).to_have_count(2)
    alex.sees_not(AWAY)
    expect(alex.box).to_have_value("What is my name?")
    alex.box.press("Enter")
    alex.sees_turn(2)
    alex.sees("Your name is Alex.")
    assert said(alex) == ["My name is Alex.", "What is my name?"]


@pytest.mark.parametrize("name", ["read-only", "full"])
def test_a_server_that_cannot_be_written_refuses_and_nothing_passes_for_stored(
    alex: Person, place: Place, name: str
) -> None:
    refused = re.compile(FAULTS[name].told)
    with during(place, name):
        begin = time.monotonic()
        alex.say("What is my name?")
        told(alex, refused, begin)
        expect(alex.box).to_have_value("What is my name?")
        alex.box.press("Enter")
        # The same words again, with a blank: a browser would take them for those that it was given before.
        expect(alex.box).to_have_value("What is my name? ")
        expect(alex.messages).to_have_count(2)
        # What nobody expected to fail is said as well, and takes nothing from the page.
        alex.menu().get_by_role("button", name="Delete").click()
        alex.sees(re.compile(f"{FAULTS[name].told}.*What you were about to do may not have been done"))
        expect(alex.box).to_have_value("What is my name? ")
        expect(alex.messages).to_have_count(2)
        alex.sees("My name is Alex.")
        assert said(alex) == ["My name is Alex."]
    alex.page.keyboard.press("Escape")
    alex.box.press("Enter")
    alex.sees_turn(2)
    alex.sees("Your name is Alex.")
    alex.sees_not(refused)
    assert said(alex) == ["My name is Alex.", "What is my name?"]


def test_a_slow_server_is_said_to_be_slow_and_everything_is_stored(alex: Person, place: Place) -> None:
    slowly = re.compile("Redis answers slowly")
    with during(place, "slow"):
        alex.page.reload()
        alex.sees(slowly)
        alex.say("What is my name?")
        alex.sees_turn(2)
    alex.page.reload()
    alex.sees_turn(2)
    alex.page.reload()
    alex.sees_turn(2)
    alex.sees_not(slowly)
    assert said(alex) == ["My name is Alex.", "What is my name?"]


@pytest.mark.parametrize("path", ["/longterm", "/lessons"])
def test_the_other_pages_go_on_by_themselves_as_well(alex: Person, place: Place, path: str) -> None:
    title = alex.page.get_by_role("heading", level=1)
    with during(place, "cut off"):
        alex.page.goto(alex.server.url + path)
        alex.sees(re.compile(r"is away: start it or correct REDIS_URL"))
        expect(title).to_be_visible()
    alex.sees_not(re.compile(r"is away: start it or correct REDIS_URL"))
    with during(place, "cut off"):  # and while nobody does anything
        begin = time.monotonic()
        alex.sees(re.compile(r"is away: start it or correct REDIS_URL"))
        assert time.monotonic() - begin < 5 + slack(alex)


def test_a_model_that_freezes_in_mid_answer_is_told_of_and_stop_keeps_what_came(alex: Person) -> None:
    alex.prefers(model="openai:stall")
    alex.page.reload()
    begin = time.monotonic()
    alex.say("Where do I live?")
    told(alex, re.compile(r"Nothing new for \d+ s\. Stop ends the answer and keeps what there is of it\."), begin)
    alex.press("Stop")
    alex.sees_turn(2)
    alex.sees("You stopped this answer here.")
    expect(alex.messages).to_have_count(4)
    expect(alex.messages.nth(3)).to_contain_text("This answer stops")
    assert said(alex) == ["My name is Alex.", "Where do I live?"]
