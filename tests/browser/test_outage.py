"""Redis or the app goes away while somebody types, and comes back, in a real browser.

python -m pytest tests/browser/test_outage.py
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from memory.server.embedded import Embedded
from tests.browser.person import NewContext, Person
from tests.browser.server import AppServer, running_app
from tests.servers import redis_server

AWAY = re.compile("This page goes on by itself as soon as it can")
LONG = " ".join(f"word{number}" for number in range(1, 31))

pytestmark = pytest.mark.faults


@pytest.fixture
def alex(own_app: AppServer, new_context: NewContext) -> Person:
    """Somebody with one turn on the page."""
    person = Person(own_app, new_context()).known()
    person.talked("My name is Alex.")
    person.open()
    person.sees_turn(1)
    return person


def slack(person: Person) -> float:
    """The seconds that busy cores may take to draw a page, beside what was promised."""
    return max(4.0, 2 * person.open_seconds)


def pid(server: AppServer) -> int:
    """The process of the app's embedded server."""
    found = Embedded(Path(server.env["MEMORY_INSPECTOR_HOME"])).pid()
    assert found
    return found


@contextmanager
def frozen(server: AppServer) -> Iterator[None]:
    process = pid(server)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def said(person: Person) -> list[str]:
    return [turn.human for turn in person.turns()]


# --- the embedded server ----------------------------------------------------------------------------------------------


def test_a_killed_embedded_server_comes_back_by_itself_and_the_message_is_stored(alex: Person) -> None:
    alex.box.type("What is my")
    before = pid(alex.server)
    os.kill(before, signal.SIGKILL)
    alex.box.type(" name?")
    expect(alex.box).to_have_value("What is my name?")
    alex.box.press("Enter")
    alex.sees_turn(2)
    alex.sees("Your name is Alex.")
    assert pid(alex.server) != before
    assert said(alex) == ["My name is Alex.", "What is my name?"]


def test_a_server_killed_in_mid_answer_costs_nothing(alex: Person) -> None:
    alex.prefers(model="openai:slow")
    alex.page.reload()
    alex.say(LONG)
    expect(alex.messages.nth(3)).to_contain_text("word2")
    os.kill(pid(alex.server), signal.SIGKILL)
    alex.sees_turn(2)
    expect(alex.messages.nth(3)).to_contain_text("word30")
    assert said(alex) == ["My name is Alex.", LONG]


def test_a_frozen_server_is_told_of_and_the_text_stays_in_the_box(alex: Person) -> None:
    with frozen(alex.server):
        start = time.monotonic()
        alex.say("What is my name?")
        alex.sees(AWAY)
        assert time.monotonic() - start < 2 + slack(alex)
        expect(alex.box).to_have_value("What is my name?")
        # What was read before is still there; the message does not pass for a stored one.
        alex.sees("My name is Alex.")
        expect(alex.messages).to_have_count(2)
    alex.sees_not(AWAY)
    expect(alex.box).to_have_value("What is my name?")
    alex.box.press("Enter")
    alex.sees_turn(2)
    alex.sees("Your name is Alex.")
    assert said(alex) == ["My name is Alex.", "What is my name?"]


def test_an_idle_page_notices_a_frozen_server_and_its_return_by_itself(alex: Person) -> None:
    with frozen(alex.server):
        start = time.monotonic()
        alex.sees(AWAY)
        assert time.monotonic() - start < 5 + slack(alex)
        alex.box.fill("typed meanwhile")
    alex.sees_not(AWAY)
    expect(alex.box).to_have_value("typed meanwhile")
    alex.box.press("Enter")
    alex.sees_turn(2)
    assert said(alex) == ["My name is Alex.", "typed meanwhile"]


def test_an_answer_that_ends_while_the_server_is_frozen_is_not_shown_as_saved(alex: Person) -> None:
    alex.prefers(model="openai:slow")
    alex.page.reload()
    alex.say("one two three four five six")
    expect(alex.messages.nth(3)).to_contain_text("one")
    with frozen(alex.server):
        alex.sees(re.compile("^Not saved yet: The embedded server .*runs but does not answer"))
        expect(alex.messages.nth(3)).to_contain_text("six")
        alex.sees_not(re.compile("^Turn 2 ·"))
    alex.sees_turn(2)
    alex.sees_not(re.compile("Not saved yet"))
    assert said(alex) == ["My name is Alex.", "one two three four five six"]


def test_who_comes_while_the_server_is_frozen_is_told_and_sees_the_page_afterwards(alex: Person) -> None:
    with frozen(alex.server):
        alex.page.goto(alex.server.url)
        alex.sees(AWAY)
    alex.sees_turn(1)
    alex.sees_not(AWAY)


# --- a server of one's own --------------------------------------------------------------------------------------------


@pytest.mark.redis_server
def test_a_named_server_that_was_stopped_is_picked_up_again_without_a_reload(
    new_context: NewContext, scratch: Path
) -> None:
    folder = scratch / "named"
    folder.mkdir()
    with redis_server(folder) as redis, running_app(REDIS_URL=redis.url) as server:
        alex = Person(server, new_context()).open()
        alex.say("My name is Alex.")
        alex.sees_turn(1)
        redis.kill()
        start = time.monotonic()
        alex.say("What is my name?")
        alex.sees(AWAY)
        assert time.monotonic() - start < 2 + slack(alex)
        expect(alex.box).to_have_value("What is my name?")
        expect(alex.messages).to_have_count(2)
        redis.start()
        alex.sees_not(AWAY)
        expect(alex.box).to_have_value("What is my name?")
        alex.box.press("Enter")
        alex.sees_turn(2)
        alex.sees("Your name is Alex.")
        assert said(alex) == ["My name is Alex.", "What is my name?"]


# --- the app ----------------------------------------------------------------------------------------------------------


def test_an_app_killed_in_mid_answer_offers_to_send_the_message_again(alex: Person) -> None:
    alex.prefers(model="openai:slow")
    alex.page.reload()
    alex.say(LONG)
    expect(alex.messages.nth(3)).to_contain_text("word9")
    alex.server.restart(kill=True)
    # The open tab connects again by itself.
    alex.sees("The server stopped before this answer was finished. Your message is kept.", timeout=60_000)
    assert said(alex) == ["My name is Alex."]
    alex.page.reload()
    alex.prefers(model="demo")
    alex.press("Send again")
    alex.sees_turn(2)
    alex.sees_not("The server stopped before")
    assert said(alex) == ["My name is Alex.", LONG]


def test_an_open_tab_goes_on_after_a_restart_of_the_app(alex: Person) -> None:
    alex.server.restart()
    expect(alex.box).to_be_enabled(timeout=60_000)
    alex.say("What is my name?")
    alex.sees_turn(2, timeout=60_000)
    alex.sees("Your name is Alex.")
    assert said(alex) == ["My name is Alex.", "What is my name?"]


def test_a_piece_of_the_page_that_was_lost_with_the_app_comes_back_with_it(alex: Person) -> None:
    lost = alex.page.get_by_text("Failed to fetch dynamically imported module")
    alex.server.kill()
    # Opened for the first time, it wants the script of its radio buttons.
    alex.press(re.compile("^Memory: "))
    expect(lost.first).to_be_visible()
    alex.server.start()
    expect(lost).to_have_count(0, timeout=60_000)
    alex.sees_turn(1, timeout=60_000)
    alex.choose_memory("Buffer")
    alex.sees_memory("Buffer")
