"""Many browsers at once: websocket clients that speak Streamlit's protocol, one turn every six seconds each.

Each client has a cookie and a conversation of its own, draws the page as a browser does (it answers the page's own
timers too), sends a message, and notes when the first words of the answer and its end arrive. The model is the demo
model with its usual pause of 20 ms between words, so that an answer streams; "added" is the time to the first words
beyond that of a client alone on the same machine in the same run.

    make bench-load        or  python -m benchmarks.load --sessions 50 100 200 --processes 1 2 --seconds 60

    ttft p50, p95   Enter → first words of the answer, in ms        turns/s   answered, over all processes
    CPU/turn        of the app's processes, in ms, visits apart   RSS       of the largest process, MB, begin → end
    failed          connections or turns that did not end

With `--plain` the first rows are those of `plain_chat.py`, a chat that is nothing but Streamlit, in one process.
Clients, app and Redis share the machine's cores; the clients' own share is told. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from pages.ui.identity import Cookies
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
PAUSE = 6.0
"""Seconds between two turns of a client."""
ARRIVING = 4
"""Clients that draw their first page at once, before anything is measured."""
GRACE = 30.0
"""Seconds after which a turn that has not ended has failed."""
TICK = os.sysconf("SC_CLK_TCK")
APP, PLAIN = "app.py", "benchmarks/plain_chat.py"


@dataclass
class Seen:
    """What the clients noted once all had arrived: seconds to the first words and to the end of each turn."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds of CPU of the app's processes."""
    own: float = 0.0
    """Seconds of CPU of the clients."""


class Client:
    """One browser: it draws the page, then talks."""

    def __init__(self, url: str, cookies: Cookies, number: int, seen: Seen) -> None:
        self.url, self.number, self.seen = url, number, seen
        self.cookie = f"{cookies.name}={cookies.sign(uuid.uuid4().hex)}"
        self.box, self.page, self.running, self.turn = "", "", asyncio.Event(), 0
        self.word, self.answered, self.first = "", asyncio.Event(), 0.0
        self.arrived = asyncio.Event()
        self.timers: dict[str, asyncio.Task[None]] = {}

    async def talk(self, turns: int, start: asyncio.Future[float]) -> None:
        """Draw the page, say a first thing, wait for the start and say so many more, one every `PAUSE` seconds."""
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        headers = {"Cookie": self.cookie, "Origin": self.url}
        try:
            async with connect(
                address, additional_headers=headers, subprotocols=["streamlit"], max_size=None, ping_interval=None
            ) as line:  # type: ignore[arg-type]
                listening = asyncio.create_task(self._listen(line))
                await self._send(line)
                while not self.box:
                    await asyncio.sleep(0.05)
                await self._say(line)
                self.arrived.set()
                began = await start
                for turn in range(turns):
                    due = began + (turn + self.number % 97 / 97) * PAUSE
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    await self._say(line)
                for timer in self.timers.values():
                    timer.cancel()
                listening.cancel()
        except OSError:
            self.seen.failed += 1
            self.arrived.set()

    async def _say(self, line: ClientConnection) -> None:
        self.turn += 1
        self.word = f"tea{self.number}x{self.turn}"
        self.answered.clear()
        self.first, began = 0.0, time.monotonic()
        await self._send(line, f"I like {self.word}.")
        try:
            await asyncio.wait_for(self.answered.wait(), GRACE)
        except TimeoutError:
            self.seen.failed += 1
            return
        self.seen.first.append(self.first - began)
        self.seen.whole.append(time.monotonic() - began)

    async def _send(self, line: ClientConnection, text: str = "", fragment: str = "") -> None:
        message: Any = BackMsg()
        message.rerun_script.query_string = ""
        message.rerun_script.page_script_hash = self.page
        if fragment:
            message.rerun_script.fragment_id, message.rerun_script.is_auto_rerun = fragment, True
        if text:
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.chat_input_value.data = self.box, text
        await line.send(message.SerializeToString())

    async def _listen(self, line: ClientConnection) -> None:
        async for raw in line:
            message: Any = ForwardMsg()
            message.ParseFromString(raw)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.page = message.new_session.page_script_hash
                if not message.metadata.run.fragment_ids:
                    for fragment in list(self.timers):
                        self._stop_timer(fragment)
            elif kind == "delta":
                self._drawn(message.delta)
            elif kind == "auto_rerun":
                self._again(line, message.auto_rerun)
            elif kind == "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    self._stop_timer(fragment)

    def _drawn(self, delta: Any) -> None:
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        if element.WhichOneof("type") == "chat_input":
            self.box = element.chat_input.id
        elif self.word and element.WhichOneof("type") == "markdown":
            body = element.markdown.body
            if not self.first and re.match(r"(Noted|Got it|Understood|I see|Thank|Nice)", body) is not None:
                self.first = self.first or time.monotonic()
            if f"Turn {self.turn:,} ·" in body and not self.answered.is_set():
                self.first = self.first or time.monotonic()
                self.answered.set()

    def _again(self, line: ClientConnection, asked: Any) -> None:
        """Do what a browser does for a fragment that is to be drawn again by itself."""
        self._stop_timer(asked.fragment_id)

        async def tick() -> None:
            while True:
                await asyncio.sleep(asked.interval)
                await self._send(line, fragment=asked.fragment_id)

        self.timers[asked.fragment_id] = asyncio.create_task(tick())

    def _stop_timer(self, fragment: str) -> None:
        if timer := self.timers.pop(fragment, None):
            timer.cancel()


class App:
    """One process of the app."""

    def __init__(self, port: int, env: dict[str, str], script: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.health = "/readyz" if script == APP else "/_stcore/health"
        command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}{self.health}", timeout=3) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.2)
        raise SystemExit("The app does not start.")

    @property
    def cpu(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    @property
    def memory(self) -> float:
        """Resident megabytes."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def running(processes: int, secret: str, script: str = APP) -> Iterator[list[App]]:
    """Start a Redis of its own, every write on disk, and so many processes of the app or of another script."""
    folder = Path(tempfile.mkdtemp(prefix="mi-load-"))
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise SystemExit("redis-server is missing: make redis-server")
    redis_port, ports = free_port(), [free_port() for _ in range(processes)]
    words = ["--port", str(redis_port), "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always"]
    with ExitStack() as stack:
        server = subprocess.Popen([program, *words, "--save", "", "--loglevel", "warning"], stdout=subprocess.DEVNULL)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(server.wait)
        stack.callback(server.kill)
        env = {"REDIS_URL": f"redis://127.0.0.1:{redis_port}", "COOKIE_SECRET": secret, "EMBEDDINGS": "hashing"}
        env |= {"LOG_LEVEL": "error", "MEMORY_INSPECTOR_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
        apps = [App(port, env | {"MEMORY_INSPECTOR_HOME": str(folder / f"home{port}")}, script) for port in ports]
        for app in apps:
            stack.callback(app.process.wait)
            stack.callback(app.process.kill)
        for app in apps:
            app.ready()
        yield apps


async def load(apps: Sequence[App], cookies: Cookies, sessions: int, turns: int) -> Seen:
    """Have so many clients draw their pages, a few at a time, and say a first thing each; then measure them talking."""
    seen, first = Seen(), Seen()
    clients = [Client(apps[number % len(apps)].url, cookies, number, first) for number in range(sessions)]
    start: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    talks = []
    for client in clients:
        talks.append(asyncio.create_task(client.talk(turns, start)))
        if len(talks) % ARRIVING == 0:
            await asyncio.gather(*(client.arrived.wait() for client in clients[: len(talks)]))

    await asyncio.gather(*(client.arrived.wait() for client in clients))
    await asyncio.sleep(1)
    for client in clients:
        client.seen = seen
    cpu, began, own = sum(app.cpu for app in apps), time.monotonic(), time.process_time()
    start.set_result(began)
    await asyncio.gather(*talks)
    seen.failed += first.failed
    seen.cpu, seen.own = sum(app.cpu for app in apps) - cpu, time.process_time() - own
    seen.seconds = time.monotonic() - began
    return seen


def told(values: Sequence[float]) -> str:
    """Return the median and the 95th percentile in ms."""
    if len(values) < 2:
        return "–"
    return f"{1000 * median(values):,.0f} / {1000 * quantiles(values, n=20)[-1]:,.0f}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--plain", action="store_true", help="measure a plain Streamlit chat as well")
    options = parser.parse_args(arguments)
    turns = max(2, round(options.seconds / PAUSE))
    print(f"{turns} turns a client, one every {PAUSE:g} s; {os.cpu_count()} cores")
    print(
        f"{'processes':>9} {'sessions':>8} {'turns/s':>8} {'ttft p50/p95 ms':>16} {'added p50/p95':>14} "
        f"{'turn p50/p95 ms':>16} {'CPU/turn':>9} {'clients':>8} {'RSS MB':>11} {'failed':>6}"
    )
    rows = [(PLAIN, 1)] * options.plain + [(APP, processes) for processes in options.processes]
    for script, processes in rows:
        secret = uuid.uuid4().hex
        with running(processes, secret, script) as apps:
            cookies = Cookies(secret)
            asyncio.run(load(apps, cookies, len(apps) * 2, 3))  # what is imported at the first visit
            alone = asyncio.run(load(apps, cookies, 1, 8)).first
            basis = median(alone)
            for sessions in options.sessions:
                memory = max(app.memory for app in apps)
                seen = asyncio.run(load(apps, cookies, sessions, turns))
                answered = len(seen.whole)
                added = [value - basis for value in seen.first]
                name = "plain" if script == PLAIN else str(processes)
                print(
                    f"{name:>9} {sessions:>8} {answered / seen.seconds:>8.1f} {told(seen.first):>16} {told(added):>14} "
                    f"{told(seen.whole):>16} {1000 * seen.cpu / max(1, answered):>6.0f} ms "
                    f"{100 * seen.own / seen.seconds:>6.0f} % "
                    f"{memory:>4.0f} → {max(app.memory for app in apps):<4.0f} {seen.failed:>6}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
