"""A process of the app is killed behind nginx: how soon its user is served by another one, over a websocket.

python -m pytest -s tests/faults/test_failover.py        # prints the seconds
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import httpx
import pytest

from memory.server.connect import connect
from memory.stores.redis import RedisStore
from pages.ui.identity import Cookies
from tests.balancer import balancer
from tests.browser.server import AppServer
from tests.deployments import until
from tests.servers import RedisServer, redis_server
from tests.wire import Gone, Tab

pytestmark = [pytest.mark.faults, pytest.mark.redis_server, pytest.mark.timeout(900)]

SOON, NOISE = 2.0, 3
"""Within how many seconds another process serves, and how many times that busy cores may take."""
SECRET, PEOPLE = "a secret of this test alone", 3
GONE = "The server's process that had drawn this page is gone"


class Site:
    """Two processes behind the balancer on one Redis."""

    def __init__(self, url: str, members: list[AppServer], redis: RedisServer) -> None:
        self.url, self.members, self.redis = url, members, redis

    def serving(self, cookie: str) -> AppServer:
        """Return the process that a browser is led to."""
        while True:
            answer = httpx.get(self.url, headers={"Cookie": cookie, "accept": "text/html"}, timeout=30)
            if answer.is_success:
                break
            time.sleep(0.1)
        port = int(answer.headers["x-served-by"].rpartition(":")[2])
        return next(member for member in self.members if member.port == port)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("failover")
    with ExitStack() as stack:
        for name in ("redis", "nginx"):
            (folder / name).mkdir()
        redis = stack.enter_context(redis_server(folder / "redis"))
        env = {"REDIS_URL": redis.url, "COOKIE_SECRET": SECRET, "EMBEDDINGS": "hashing"}
        members = [AppServer(env=env) for _ in range(2)]
        for member in members:
            stack.callback(member.close)
            member.start()
        url = stack.enter_context(balancer(folder / "nginx", [member.port for member in members]))
        for member in members:
            Tab(member.url, "").close()  # what is imported at a process's first visit
        yield Site(url, members, redis)


def test_a_killed_process_s_people_are_served_by_another_within_seconds_and_are_told(site: Site) -> None:
    jar, took = Cookies(SECRET), list[float]()
    store = RedisStore(connect(site.redis.url))
    for number in range(PEOPLE):
        owner = f"person{number}-Vq7xPz"
        cookie = f"{jar.name}={jar.sign(owner)}"
        tab = Tab(site.url, cookie)
        tab.say("My name is Alex.")
        tab.until(lambda: tab.sees("Turn 1 ·"))  # noqa: B023
        tab.settled()
        assert not tab.sees(GONE)
        serving = site.serving(cookie)
        serving.kill()
        began = time.monotonic()
        try:
            with pytest.raises(Gone):
                tab.until(lambda: False)
            after = _again(tab)
            after.say("What is my name?")
            after.until(lambda: after.sees("Your name is Alex."))  # noqa: B023
            took.append(time.monotonic() - began)
            assert after.sees(GONE)
            assert site.serving(cookie) is not serving
            after.until(lambda: after.sees("Turn 2 ·"))  # noqa: B023
            (thread,) = store.threads(owner)
            assert [turn.human for turn in store.turns(owner, thread.id, 0, 9)] == [
                "My name is Alex.",
                "What is my name?",
            ]
            fresh = Tab(site.url, cookie)
            assert not fresh.sees(GONE), "a page that is opened is not one that came back"
            for one in (after, fresh):
                one.close()
        finally:
            serving.start()
            Tab(serving.url, "").close()
            # The balancer leads a browser back to its own process, when that has been there for a while again.
            until(lambda: site.serving(cookie) is serving, "the process is not led to again")  # noqa: B023
    print(f"{PEOPLE} kills: the next message answered {', '.join(f'{one:.2f}' for one in took)} s after the kill")
    assert median(took) < SOON * NOISE


def _again(tab: Tab) -> Tab:
    """Connect again, as often as it takes: where both were killed lately, the balancer refuses once."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return tab.again()
        except Gone:
            assert time.monotonic() < deadline, "nobody serves"
            time.sleep(0.1)
