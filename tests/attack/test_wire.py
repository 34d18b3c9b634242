"""Nobody reaches another's through the server: forged cookies, links, widgets and addresses against a real app.

    make attack                 2,000 tries, 1,000 of them over websockets; the tests do 500, of which 50

The victim's page is open all the while. The attacker knows everything that the server told that page: ids of widgets,
fragments and sessions, addresses of files. What comes back is searched for the victim's word.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import re
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from itsdangerous import TimestampSigner
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from pages.ui.identity import MAX_AGE, Cookies
from tests.attack.victim import OWNER, SECRET, THREAD, Victim, forged
from tests.browser.person import store_of
from tests.browser.server import AppServer, running_app

pytestmark = pytest.mark.timeout(3600)

JAR = Cookies("a secret of this test alone")
BY_HTTP = 1_000 if "TRIES" in os.environ else 450
SESSIONS, EACH = (200, 5) if "TRIES" in os.environ else (10, 5)
PAGES = ("", "compare", "lessons", "longterm", "documents", "settings")
PATIENCE = 60.0
SILENCE = 3.0
"""Seconds after which a page that asked for what is not there is told nothing more."""


def expired() -> str:
    now = TimestampSigner.get_timestamp
    with patch.object(TimestampSigner, "get_timestamp", lambda self: now(self) - MAX_AGE - 60):
        return JAR.sign(OWNER)


class Attacker:
    """Makes cookies, links and messages that are nobody's right."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.session, self.known, self.addresses = "", list[str](), list[str]()
        """What the victim's page was told: its session, the ids of its widgets and fragments, addresses of files."""

    def cookie(self) -> str:
        """Sign as another, or not at all, or hand in what the victim's cookie was a year ago."""
        own, theirs = JAR.sign("attacker"), JAR.sign(OWNER)
        payload, _, rest = theirs.partition(".")
        ways = [
            own,
            expired(),
            f"{OWNER}.{own.partition('.')[2]}",
            f"{payload}.{rest[:-1]}",
            f"{payload}.{rest[:-1]}{self.chance.choice('ABCxyz019')}x",
            Cookies("another secret").sign(OWNER),
            TimestampSigner("a secret of this test alone").sign(OWNER).decode(),
            OWNER,
            f'"{OWNER}"',
            f"{own}; {JAR.name}={OWNER}",
            f"{OWNER}.{base64.b64encode(b'0').decode()}.{base64.b64encode(self.chance.randbytes(32)).decode()}",
            str(forged(self.chance, OWNER)),
            "".join(self.chance.choices("abc.=;\"' %{}0", k=self.chance.randint(0, 60))),
        ]
        value = self.chance.choice(ways).encode("ascii", "replace").decode()
        return f"{JAR.name}={''.join(char for char in value if char.isprintable())}".strip()

    def query(self) -> str:
        """Write a link: of a lesson, of a comparison, or with what is no parameter of any."""
        name = self.chance.choice(
            ["lesson", "step", "memory", "hide", "view", "compare", "thread", "user", "owner", "e"]
        )
        text = base64.urlsafe_b64encode(f'{{"v":1,"c":[["window",{{}}]],"s":["thread","{THREAD}"]}}'.encode()).decode()
        values = [
            "window",
            "99",
            THREAD,
            OWNER,
            text.rstrip("="),
            text[:9],
            f"../{OWNER}",
            str(forged(self.chance, OWNER)),
        ]
        more = {"lesson": "window"} if self.chance.random() < 0.3 else {}
        pairs = {**more, name: self.chance.choice(values).encode("utf-8", "replace").decode()}
        return urllib.parse.urlencode(pairs)

    def path(self) -> str:
        """Name a page, a file of somebody's session, or what stands beside the app on the disk."""
        session = self.chance.choice([self.session[:-1] + "0", str(self.chance.getrandbits(64)), "..", OWNER])
        file = self.chance.choice(self.addresses or ["/media/0.png"])
        broken = file[:-6] + self.chance.choice("0123456789abcdef") + file[-5:]
        ways = [
            f"/{self.chance.choice(PAGES)}?{self.query()}",
            f"/{self.chance.choice(PAGES)}?{self.query()}",
            f"/_stcore/upload_file/{session}/{self.chance.getrandbits(32)}",
            f"/media/{broken.rpartition('/')[2]}" if broken != file else "/media/",
            f"/media/{self.chance.choice(['', '..', '../', '%2e%2e/%2e%2e/data', OWNER, '0' * 56 + '.png'])}",
            f"/static/{self.chance.choice(['../app.py', '%2e%2e/%2e%2e/cookie-secret', '....//', '..%5c'])}",
            f"/_stcore/{self.chance.choice(['message', 'metrics', 'stream', 'allowed-message-origins', 'component'])}",
            f"/{self.chance.choice(['metrics', 'readyz', 'healthz', '.streamlit/secrets.toml', 'cookie-secret'])}",
            f"/~/+/{self.chance.choice(PAGES)}",
            f"/component/{self.chance.choice(['x', '..', '%2e%2e/'])}/index.html",
        ]
        return self.chance.choice(ways)

    def message(self) -> bytes:
        """Ask for a run of the script with widgets that are somebody's, and values that are nobody's."""
        message: Any = BackMsg()
        run = message.rerun_script
        run.query_string = self.query()
        if self.chance.random() < 0.3:
            run.page_name = self.chance.choice([*PAGES, "../chat", OWNER])
        if self.chance.random() < 0.05 and self.known:
            run.fragment_id = self.chance.choice(self.known)
        for _ in range(self.chance.randint(0, 5)):
            state = run.widget_states.widgets.add()
            state.id = self.chance.choice([*self.known, "x"])
            value = self.chance.choice([THREAD, OWNER, f"{OWNER}/{THREAD}", "0", SECRET[:3]])
            match self.chance.randrange(6):
                case 0:
                    state.string_value = value
                case 1:
                    state.trigger_value = True
                case 2:
                    state.int_value = self.chance.choice([-1, 0, 2**40])
                case 3:
                    state.string_array_value.data.append(value)
                case 4:
                    state.json_value = self.chance.choice(["{", "[]", '{"selection": {"rows": [-1]}}', f'"{value}"'])
                case _:
                    info = state.file_uploader_state_value.uploaded_file_info.add()
                    info.file_id, info.name, info.size = self.chance.choice([*self.known, "x"]), value, 9
        return bytes(message.SerializeToString())


def first_run(page: str) -> bytes:
    """Ask for a page as a browser that comes to it does."""
    message: Any = BackMsg()
    message.rerun_script.query_string = ""
    message.rerun_script.page_name = page
    return bytes(message.SerializeToString())


FIRST = [first_run(page) for page in PAGES]


async def told(server: AppServer, cookie: str, messages: list[bytes], session: str = "") -> list[bytes]:
    """Open a page with a cookie, send messages one after the other, and return all that the server said."""
    said: list[bytes] = []
    address = server.url.replace("http", "ws", 1) + "/_stcore/stream"
    protocols: Any = ["streamlit", "x", session] if session else ["streamlit"]
    headers = {"Cookie": cookie, "Origin": server.url}
    with suppress(WebSocketException, OSError):
        async with connect(
            address, additional_headers=headers, subprotocols=protocols, max_size=None, ping_interval=None
        ) as line:
            for data in messages:
                await line.send(data)
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE if data in FIRST else SILENCE):
                        async for raw in line:
                            said.append(raw if isinstance(raw, bytes) else raw.encode())
                            message: Any = ForwardMsg()
                            message.ParseFromString(said[-1])
                            if message.WhichOneof("type") == "script_finished":
                                break
    return said


def ids_in(said: list[bytes]) -> tuple[str, list[str], list[str]]:
    """Return the session, the ids of widgets and fragments, and the addresses of files that a page was told."""
    session, ids, files = "", set[str](), set[str]()
    for raw in said:
        message: Any = ForwardMsg()
        message.ParseFromString(raw)
        if message.WhichOneof("type") == "new_session":
            session = message.new_session.initialize.session_id
        text = raw.decode("latin-1")
        ids |= set(re.findall(r"\$\$ID-[\w-]+|\b[0-9a-f]{32}\b", text))
        files |= set(re.findall(r"/media/[0-9a-f]{20,}\.\w+", text))
    return session, sorted(ids), sorted(files)


@pytest.fixture(scope="module")
def server() -> Iterator[AppServer]:
    with running_app(COOKIE_SECRET="a secret of this test alone", EMBEDDINGS="hashing") as server:
        yield server


def test_nobody_reaches_anothers_through_the_server(server: AppServer) -> None:
    assert httpx.get(f"{server.url}/readyz", timeout=120).status_code == 200
    store = store_of(server)
    victim = Victim(store, Retrieval(embedding("hashing"), InMemoryVectors()), InMemoryVectors())
    store.drop_pending(OWNER, THREAD, "m2")
    attacker = Attacker(7)

    async def attack() -> tuple[list[str], int]:
        theirs = await told(server, f"{JAR.name}={JAR.sign(OWNER)}", FIRST)
        assert any(SECRET.encode() in raw for raw in theirs), "its owner sees it"
        attacker.session, attacker.known, attacker.addresses = ids_in(theirs)
        assert attacker.session
        assert attacker.known
        leaked, answers = list[str](), 0
        for number in range(SESSIONS):
            cookie = attacker.cookie()
            # The victim's page is closed now: whoever names its session asks to go on with it.
            session = attacker.session if number % 4 == 0 else ""
            said = await told(server, cookie, [attacker.message() for _ in range(EACH)], session)
            answers += len(said)
            leaked += [f"{cookie[:80]} {raw[:80]!r}" for raw in said if SECRET.encode() in raw]
        return leaked, answers

    before = victim.everything()
    leaked, answers = asyncio.run(attack())
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        for _ in range(BY_HTTP):
            method = attacker.chance.choice(["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
            cookie, path = attacker.cookie(), attacker.path()
            response = client.request(method, path, headers={"Cookie": cookie}, content=None)
            answers += 1
            given = response.headers.get("set-cookie", "").partition("=")[2].partition(";")[0]
            if SECRET in response.text or SECRET in str(response.headers) or JAR.read(given) == OWNER:
                leaked.append(f"{method} {path} {cookie[:80]}")
    assert leaked == []
    assert victim.everything() == before
    assert answers > BY_HTTP + SESSIONS
    assert SECRET not in server.log()
    print(f"{BY_HTTP + SESSIONS * EACH:,} tries over HTTP and websockets: 0 reads, 0 writes of another's data")
