"""kill -9 of the real app, of its embedded server and of both at once, while somebody uses it over a websocket.

    make faults                 APP_KILLS=40; the tests do 5

Two processes of the app share a data folder, so that the next one is there when one is killed, as behind a balancer.
After each kill everything that the page had shown as done must be there once, and nothing half done may show.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from memory.base import Turn
from memory.compare.keeping import Experiments
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.server.connect import Connection, connect
from memory.server.embedded import Embedded
from memory.stores.redis import RedisStore
from pages.ui.identity import Cookies
from tests.browser.server import AppServer
from tests.deployments import until
from tests.faults.deeds import drink
from tests.faults.visitor import DEEDS, Gone, Told, Visitor
from tests.memory.fakes import everything_on
from tests.servers import end
from tests.wire import Tab

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("APP_KILLS", "5"))
OWNER, SECRET = "kil1ed-Vq7xPz", "a secret of this test alone"
TARGETS = ("app", "both", "app", "server")
SECONDS = {"turn": 0.5, "switch": 1.0, "upload": 1.2, "forget": 2.0, "replay": 4.0}
"""How long each takes, or more: the blow falls somewhere in it."""


class Apps:
    """Two processes over one data folder; the one that is killed is started again while the other serves."""

    def __init__(self, home: Path) -> None:
        env = {"MEMORY_INSPECTOR_HOME": str(home), "COOKIE_SECRET": SECRET, "EMBEDDINGS": "hashing"}
        self.home, self.all = home, [AppServer(env=env) for _ in range(2)]
        self._starting: dict[AppServer, threading.Thread] = {}
        self.all[0].start()
        self.start(self.all[1])

    def start(self, app: AppServer) -> None:
        self._starting[app] = threading.Thread(target=app.start)
        self._starting[app].start()

    def next(self, app: AppServer | None) -> AppServer:
        """Return the other one, when it serves."""
        found = self.all[0] if app is None or app is self.all[1] else self.all[1]
        if starting := self._starting.pop(found, None):
            starting.join()
        until(found.healthy, "the other process does not serve")
        return found

    def strike(self, app: AppServer, target: str) -> None:
        """Kill the app, the server it uses or both; a server that is just starting is not there to be killed."""
        server = Embedded(self.home).pid() if target != "app" else None
        if server:
            os.kill(server, signal.SIGKILL)
        if target != "server":
            assert app.process
            app.process.kill()

    def close(self) -> None:
        for starting in self._starting.values():
            starting.join()
        for app in self.all:
            app.close()


@pytest.fixture
def apps(scratch: Path) -> Iterator[Apps]:
    with ExitStack() as stack:
        home = scratch / "app-kills"
        home.mkdir(mode=0o700)
        stack.callback(end, home)
        apps = Apps(home)
        stack.callback(apps.close)
        yield apps


def test_no_kill_of_the_app_loses_or_doubles_what_the_page_showed_as_done(apps: Apps) -> None:
    jar, chance, told, struck = Cookies(SECRET), random.Random(5), Told(), Counter[str]()
    visitor, app, cookie = Visitor(told), apps.next(None), f"{jar.name}={jar.sign(OWNER)}"
    for kill in range(KILLS):
        deed, target = DEEDS[kill % len(DEEDS)], TARGETS[kill % len(TARGETS)]
        visitor.come(app.url, cookie)
        visitor.do("turn")
        visitor.do("turn")
        blow = threading.Timer(chance.random() * SECONDS[deed], apps.strike, (app, target))
        blow.start()
        try:
            visitor.do(deed)
            blow.join()
        except Gone:
            blow.join()
        visitor.close()
        struck[f"{target} during {deed}"] += 1
        if target != "server":
            app.kill()
            apps.start(app)
            app = apps.next(app)
        connection = connect("", apps.home)
        try:
            check(connection, told)
        finally:
            connection.close()
    connection = connect("", apps.home)
    _go_on(app, cookie, RedisStore(connection))
    check(connection, told)
    connection.close()
    print(f"{KILLS} kills ({dict(struck)}), acknowledged {dict(told.count)}: lost 0, doubled 0, torn 0")
    assert sum(told.count.values()) >= 2 * KILLS


def check(connection: Connection, told: Told) -> None:
    """Compare the store with what the page showed; what was cut off may have been done all the same."""
    store = RedisStore(connection)
    (thread,) = [thread for thread in store.threads(OWNER) if not thread.experiment]
    turns = store.turns(OWNER, thread.id, 0, 100_000)
    said = Counter(turn.human for turn in turns if turn.status != "forgotten")
    for number in told.turns:
        there = said[f"I like {drink(number)}."]
        assert there == 0 if number in told.forgotten else there == 1 or number in told.begun, "a turn is lost"
    assert max(said.values()) == 1, "a turn is doubled"
    assert len({turn.id for turn in turns}) == len(turns)
    assert all(map(_whole, turns)), "half a turn is shown as a whole one"
    traces = store.traces(OWNER, thread.id, 0, 100_000)
    assert [trace.turn_id for trace in traces] == [turn.id for turn in turns], "a trace stands with another's turn"
    assert store.totals(OWNER, thread.id).reply.calls == len(turns), "a call was counted twice or not at all"
    assert told.unsure or thread.memory == told.memory, "a switch is lost"
    told.memory, told.unsure = thread.memory, False
    held = b"\n".join(everything_on(connection).values())
    for number in told.forgotten:
        assert drink(number).encode() not in held, "a forgotten word is still there"
    _check_uploads(store, told)
    kept = Experiments(store, OWNER)
    listed = kept.listed()
    assert len(listed) >= told.replays, "a replay is lost"
    for one in listed:
        assert len(kept.results(one.id)) <= len(one.columns) * len(one.conversations)
        assert kept.recording(one.id, 0).turns


def _check_uploads(store: RedisStore, told: Told) -> None:
    shelf = Retrieval(embedding("hashing"), InMemoryVectors()).library(store.shelf, OWNER, lambda call: None)
    names = Counter(document.name for document in shelf.listed())
    assert all(count == 1 for count in names.values()), "a document is doubled"
    for number in told.uploaded:
        assert names[f"{drink(number)}.md"] == 1, "an uploaded document is lost"
        assert drink(number) in shelf.search(f"When is {drink(number)} served?", 1)[0].passage.text


def _whole(turn: Turn) -> bool:
    """Whether a turn has its answer, or says that it has none."""
    if turn.status == "forgotten":
        return not turn.human and not turn.ai
    return turn.status != "complete" or turn.ai.startswith("Noted: ") or turn.human == "Good morning."


def _go_on(app: AppServer, cookie: str, store: RedisStore) -> None:
    """Open each replay that was cut off and have it go on to its end."""
    kept = Experiments(store, OWNER)
    for one in kept.listed():
        if one.status == "done":
            continue
        page = Tab(app.url, cookie, "compare")
        page.choose("button_group", "Live or replayed", 1)
        page.press(f"compare_open_{one.id}")
        # One that only the server was killed under goes on by itself.
        page.until(partial(_ready, page, kept, one.id))
        if not _done(kept, one.id):
            page.press("compare_go_on")
        page.until(partial(_done, kept, one.id), 120)
        page.close()
        assert len(kept.results(one.id)) == len(one.columns) * len(one.conversations)


def _ready(page: Tab, kept: Experiments, id: str) -> bool:
    return page.has("compare_go_on") or _done(kept, id)


def _done(kept: Experiments, id: str) -> bool:
    found = kept.get(id)
    return found is not None and found.status == "done"
