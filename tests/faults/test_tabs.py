"""Ten tabs on one conversation at once: in one process, over ten connections, and at the real app.

python -m pytest tests/faults/test_tabs.py
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from memory.base import replay
from memory.server.connect import connect
from memory.server.embedded import Embedded
from memory.stores.redis import RedisStore
from pages.ui.identity import Cookies
from tests.browser.person import store_of
from tests.browser.server import AppServer, running_app
from tests.memory.fakes import FakeServices, conversation, state_json, traces_of, turns_of
from tests.servers import embedded_server
from tests.wire import Tab

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), pytest.mark.flaky(reruns=1)]  # ten pages on two cores

TABS, EACH, CLICKS = 10, 3, 14
SECRET, OWNER = "a secret of this test alone", "tabs-Vq7xPz_w2"


def together(work: list[threading.Thread]) -> None:
    for one in work:
        one.start()
    for one in work:
        one.join(120)
        assert not one.is_alive()


def test_ten_tabs_that_speak_at_once_lose_double_and_mix_up_nothing(scratch: Path) -> None:
    home = scratch / "tabs"
    with embedded_server(home) as connection, ExitStack() as stack:
        talk = conversation(RedisStore(connection), "summary", user="tabs")
        links = [connect(f"unix://{Embedded(home).socket}") for _ in range(TABS)]
        for link in links:
            stack.callback(link.close)
        go = threading.Barrier(TABS)

        def speak(number: int) -> None:
            mine = conversation(RedisStore(links[number]), "summary", user="tabs", thread=talk.thread)
            go.wait()
            for place in range(EACH):
                list(mine.reply(f"message {number} {place}", turn_id=f"m{number}-{place}"))

        together([threading.Thread(target=speak, args=(number,)) for number in range(TABS)])
        turns, traces = turns_of(talk), traces_of(talk)
        ids = [turn.id for turn in turns]
        assert sorted(ids) == sorted(f"m{number}-{place}" for number in range(TABS) for place in range(EACH))
        for number in range(TABS):
            own = [id for id in ids if id.startswith(f"m{number}-")]
            assert own == [f"m{number}-{place}" for place in range(EACH)], "one tab's messages changed places"
        assert all(turn.ai.endswith(f"I heard: {turn.human}") for turn in turns)
        assert [(trace.turn, trace.turn_id) for trace in traces] == list(enumerate(ids))
        assert talk.store.totals(talk.user, talk.thread).reply.calls == TABS * EACH
        assert talk.opened().pending == ()
        # Whoever lost the race for the state has taken in what the others said, or the next turn does.
        list(talk.reply("And now?"))
        assert state_json(talk.opened().state) == state_json(replay(talk.memory, turns_of(talk), FakeServices()))


@pytest.fixture(scope="module")
def server() -> Iterator[AppServer]:
    with running_app(COOKIE_SECRET=SECRET, EMBEDDINGS="hashing") as server:
        yield server


def test_ten_tabs_of_a_browser_that_send_at_once_have_each_message_answered_once(server: AppServer) -> None:
    jar = Cookies(SECRET)
    cookie = f"{jar.name}={jar.sign(OWNER)}"
    first = Tab(server.url, cookie)
    first.say("Good morning.")
    first.until(lambda: first.sees("Turn 1 ·"))
    tabs = [first, *(Tab(server.url, cookie) for _ in range(TABS - 1))]
    go, given_back = threading.Barrier(TABS), list[int]()

    def speak(number: int) -> None:
        """Send it; where another answer is on its way the page gives it back, and one presses Enter again."""
        tab, text = tabs[number], f"I like brew{number}x."
        go.wait()
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline:
            tab.say(text)
            tab.until(lambda: tab.sees(text) or tab.written == text, 240)
            if tab.sees(text):
                return
            given_back.append(number)

    together([threading.Thread(target=speak, args=(number,)) for number in range(TABS)])
    store = store_of(server)
    (thread,) = store.threads(OWNER)
    wanted = {"Good morning.", *(f"I like brew{number}x." for number in range(TABS))}
    deadline = time.monotonic() + 240
    while len(store.turns(OWNER, thread.id, 0, 99)) < len(wanted):
        assert time.monotonic() < deadline, [turn.human for turn in store.turns(OWNER, thread.id, 0, 99)]
        time.sleep(0.1)
    turns = store.turns(OWNER, thread.id, 0, 99)
    assert sorted(turn.human for turn in turns) == sorted(wanted), "a message is lost or doubled"
    assert all(turn.ai and turn.status == "complete" for turn in turns)
    assert store.open(OWNER, thread.id, "", 0).pending == ()
    for tab in tabs:
        # Each tab comes by itself to what the others said.
        tab.until(lambda tab=tab: tab.sees(f"Turn {len(wanted)} ·"))
        tab.close()
    print(f"{TABS} tabs at once: {len(turns)} turns, {len(given_back)} times a message was given back")


def test_a_click_right_after_a_message_takes_nothing_of_it(server: AppServer) -> None:
    jar, chance = Cookies(SECRET), random.Random(3)
    tab = Tab(server.url, f"{jar.name}={jar.sign('clicks-Vq7xPz')}")
    texts = [f"I like brew{number}x." for number in range(CLICKS)]
    for place, text in enumerate(texts):
        tab.say(text)
        time.sleep(chance.random() * (0.03, 0.25)[place % 2])
        if place:
            tab.choose("button_group", "View of the memory", place % 2)
        tab.until(lambda place=place: tab.sees(f"Turn {place + 1} ·"))
        tab.settled()
    store = store_of(server)
    (thread,) = store.threads("clicks-Vq7xPz")
    assert [turn.human for turn in store.turns("clicks-Vq7xPz", thread.id, 0, 99)] == texts
    tab.close()
