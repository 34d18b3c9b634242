"""Three processes of the app behind a balancer, on one Redis cluster and one Chroma server.

python -m pytest tests/browser/test_many_processes.py
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.balancer import balancer
from tests.browser.person import NewContext, Person
from tests.browser.server import AppServer
from tests.chroma_server import chroma_server
from tests.deployments import Cluster, redis_cluster
from tests.servers import RedisServer

pytestmark = [pytest.mark.faults, pytest.mark.redis_server]

GONE = "The server's process that had drawn this page is gone"


class Behind(AppServer):
    """Several processes as the one address that a browser knows."""

    def __init__(self, url: str, members: list[AppServer], cluster: Cluster) -> None:
        self.url, self.members, self.cluster = url, members, cluster
        self.env = members[0].env

    def log(self) -> str:
        return "\n".join(member.log() for member in self.members)


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("many")
    with ExitStack() as stack:
        for name in ("cluster", "chroma", "nginx"):
            (folder / name).mkdir()
        cluster = stack.enter_context(redis_cluster(folder / "cluster"))
        chroma = stack.enter_context(chroma_server(folder / "chroma"))
        env = {"REDIS_URL": cluster.url, "CHROMA_URL": chroma.url, "COOKIE_SECRET": "s" * 40, "EMBEDDINGS": "hashing"}
        members = [AppServer(env=env) for _ in range(3)]
        for member in members:
            stack.callback(member.close)
            member.start()
        url = stack.enter_context(balancer(folder / "nginx", [member.port for member in members]))
        yield Behind(url, members, cluster)


def serving(alex: Person, behind: Behind) -> AppServer:
    """Return the process that this browser is led to."""
    answer = alex.context.request.get(f"{behind.url}/", headers={"accept": "text/html"})
    port = int(answer.headers["x-served-by"].rpartition(":")[2])
    return next(member for member in behind.members if member.port == port)


@pytest.fixture
def alex(behind: Behind, new_context: NewContext) -> Person:
    return Person(behind, new_context()).open()


def at_once(alex: Person, words: str) -> None:
    """Wait until the page has these words, looking at each frame it draws: Playwright's own looks lie seconds apart."""
    alex.page.wait_for_function("words => document.body.innerText.includes(words)", arg=words, polling="raf")


def test_browsers_are_spread_and_each_stays_with_its_process(behind: Behind, new_context: NewContext) -> None:
    people = [Person(behind, new_context()).known() for _ in range(8)]
    first = [serving(person, behind).port for person in people]
    assert len(set(first)) > 1
    assert [serving(person, behind).port for person in people] == first


def test_a_killed_process_costs_no_word_and_the_next_message_is_answered_by_another(
    behind: Behind, alex: Person, record_property: Callable[[str, object], None]
) -> None:
    alex.say("My name is Alex.")
    alex.sees_turn(1)
    before = serving(alex, behind)
    before.kill()
    began = time.monotonic()
    try:
        at_once(alex, GONE)
        alex.say("What is my name?")
        at_once(alex, "Your name is Alex.")
        record_property("seconds", time.monotonic() - began)
        alex.sees_turn(2)
        assert serving(alex, behind) is not before
        alex.open()
        alex.sees_turn(2)
        alex.sees_not(re.compile(GONE))
    finally:
        before.start()


def test_uploads_and_downloads_go_through_the_balancer(behind: Behind, alex: Person, tmp_path: Path) -> None:
    alex.say("My name is Alex.")
    alex.sees_turn(1)
    alex.open("/documents")
    page = alex.page
    page.locator("input[type=file]").first.set_input_files(
        [{"name": "gates.md", "mimeType": "text/markdown", "buffer": b"# Gates\n\nThe east gate opens at nine.\n"}]
    )
    alex.settled()
    expect(page.get_by_text("gates.md").first).to_be_visible()
    alex.open("/settings")
    with page.expect_download() as taken:
        button = page.get_by_role("button", name=re.compile("Export everything|Prepare"))
        button.first.click()
    assert "My name is Alex." in Path(taken.value.path()).read_text(errors="ignore")


def test_a_killed_primary_of_the_cluster_loses_no_turn(behind: Behind, alex: Person) -> None:
    alex.say("My name is Alex.")
    alex.sees_turn(1)
    primary: RedisServer = behind.cluster.primary_of(f"mi:{{{alex.id}}}:threads")
    primary.kill()
    try:
        alex.say("What is my name?")
        # Where nothing could be noted, the message is back in the box when the new primary is there.
        second = alex.page.get_by_role("main").get_by_text(re.compile(r"^Turn 2 ·"))
        deadline = time.monotonic() + 60
        while not second.is_visible():
            assert time.monotonic() < deadline, "no primary serves this browser"
            if alex.box.is_enabled() and alex.box.input_value():
                alex.box.press("Enter")
            alex.page.wait_for_timeout(250)
        alex.open()
        alex.sees_turn(2)
        thread = alex.store.threads(alex.id)[0].id
        assert [turn.human for turn in alex.store.turns(alex.id, thread, 0, 9)] == [
            "My name is Alex.",
            "What is my name?",
        ]
    finally:
        primary.start()
