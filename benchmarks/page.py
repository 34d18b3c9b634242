"""The page in a real browser: from sending a message to the first token and to the settled page, by stored messages.

The app runs as `streamlit run` runs it, with a data folder of its own and the demo model at zero latency (its pause
between words set to none). Threads of 10, 100 and 1,000 messages are stored through the core beforehand. Chromium
types a message and notes, once a frame, what is to be seen:

    first      Enter → the first words of the answer
    settled    Enter → the answer is stored, the panel shows the new turn and nothing runs any more
    CPU        what the server's process took for that turn (Redis is a process of its own and not in it)
    model      the part of it that is the demo model's own time, from the turn's trace

A buffer sends every turn, so its prompt, and the demo model's time to read it, grow with the conversation; a window
does not. At 100 messages and more the page draws the last 50, at 10 it draws 10. A second server, "gc", collects
garbage after each run (`runner.postScriptGC`, Streamlit's default, over the objects that our warm-up did not freeze).
Sizes, memories and views take turns, a few messages each, round by round.

    make bench-page        or  python -m benchmarks.page --messages 10 1000 --rounds 1 --memories window

Absolute times are this machine's, with browser and server on the same cores; compare the ratios. Linux only (it reads
the CPU clock of another process).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from playwright.sync_api import BrowserContext, Page, sync_playwright

from memory import catalog, threads
from memory.base import Memory, State, Turn
from memory.prompt import message_of
from memory.server.connect import connect
from memory.services import Models, record
from memory.stores.redis import RedisStore
from memory.trace import Trace
from pages.ui.identity import Cookies
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
# Streamlit's own command line; only the demo model's pause between words is taken away.
START = "from pages.ui import chat_state; chat_state.DEMO_DELAY = 0.0; from streamlit.web.cli import main; main()"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = {"ours": [], "gc": ["--runner.postScriptGC", "true"]}
PLACES = ("the castle", "the old harbour", "the botanical garden", "the tram museum", "the fish market", "the tower")
ENCODING = "o200k_base"
SECRET = uuid.uuid4().hex
RICH = 60
"""How many of the last turns carry a full trace; the panel reads no more than these."""

# Runs in the page. Looks once a frame, so that what it notes is about to be painted.
WATCH = """([mark, turn]) => {
  const seen = window.seen = {}
  seen.done = new Promise((resolve, reject) => {
    seen.resolve = resolve
    setTimeout(() => reject(`the page did not settle: ${JSON.stringify(seen)}`), 60000)
  })
  const shown = turn.toLocaleString("en-US")
  const look = () => {
    const now = performance.now()
    const said = document.querySelectorAll('[data-testid="stChatMessage"]')
    const last = said[said.length - 1], before = said[said.length - 2]
    if (!seen.first && before?.textContent.includes(mark)) {
      const text = [...last.querySelectorAll('[data-testid="stMarkdownContainer"]')]
        .find((part) => !part.closest("button") && part.textContent.trim().replace("…", ""))
      if (text) seen.first = now - seen.start
    }
    if (seen.first && document.querySelector(".stApp").dataset.testScriptState === "notRunning"
        && last?.textContent.includes(`Turn ${turn} ·`)
        && document.querySelector('[data-testid="stSidebar"]').textContent.includes(`turn ${shown} of ${shown}`)) {
      seen.resolve([seen.first, now - seen.start])
      return
    }
    requestAnimationFrame(look)
  }
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return
    seen.start = performance.now()
    requestAnimationFrame(look)
  }, { capture: true, once: true })
}"""


@dataclass
class Cell:
    """One line of the table: what is measured, and its measurements in milliseconds."""

    messages: int
    kind: tuple[str, str, str]  # memory, view of the panel, server
    user: str = ""
    length: int = 0
    first: list[float] = field(default_factory=list)
    settled: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)


# --- what is stored beforehand ----------------------------------------------------------------------------------------


def stored_turn(index: int) -> Turn:
    """A turn as a conversation about a journey would have it, no two alike."""
    place, when = PLACES[index % len(PLACES)], f"{8 + index % 12}:{index * 7 % 60:02d}"
    human = f"Day {index + 1}: we want to see {place} and leave the hotel by the river at {when}. What is on the way?"
    ai = (
        f"From the hotel to {place} it is a walk of {10 + index % 35} minutes along the river.\n\n"
        f"- **Before {when}** the café at bridge {index % 9 + 1} is quiet.\n"
        f"- The ticket costs {5 + index % 20} crowns and is valid all day.\n\n"
        f"If it rains, take tram {index % 24 + 1} instead; it leaves every ten minutes and stops at {place}."
    )
    said = (message_of("human", human, ENCODING), message_of("ai", ai, ENCODING))
    return Turn(uuid.uuid4().hex[:16], said, at=time.time(), index=index)


def stored_trace(memory: Memory, turns: Sequence[Turn], index: int) -> Trace:
    """The trace that a turn's answer would have left."""
    turn, models = turns[index], Models()
    if index < len(turns) - RICH:
        return Trace("import", index, turn.id, turn.at)
    recall = memory.read(State(), turns[:index], turn.human, models.services(), 200_000)
    query, answer = (message.count(ENCODING) for message in turn.messages)
    priced = models.priced_as(models.chat)
    call = record("reply", models.chat, priced, recall.tokens + query, answer, None, 0.8)
    what = {"memory": memory.name, "memory_key": memory.key, "settings": memory.settings.model_dump(mode="json")}
    what |= {"model": models.chat, "priced_as": priced, "calls": (call,)}
    what |= {"items": recall.items, "left_out": recall.left_out, "read_length": index, "budget": 200_000}
    return Trace("turn", index, turn.id, turn.at, segments={"history": recall.tokens, "query": query}, **what)


def fill(cell: Cell, store: RedisStore) -> None:
    """Store a conversation of a visitor of its own, who therefore finds it when he opens the page."""
    cell.user, memory = uuid.uuid4().hex, catalog.load().memory(cell.kind[0])
    thread = threads.new(store, cell.user, memory, f"{cell.messages:,} messages")
    turns = [stored_turn(index) for index in range(cell.messages // 2)]
    store.extend(cell.user, thread.id, turns, [stored_trace(memory, turns, index) for index in range(len(turns))])
    cell.length = len(turns)


# --- the server and the browser ---------------------------------------------------------------------------------------


class Server:
    """The app on a free loopback port; `store` is its own, shared with us through the data folder."""

    def __init__(self, folder: Path, flags: Sequence[str]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        home, self._log = folder / "data", (folder / "server.log").open("wb")
        command = [sys.executable, "-c", START, "run", "app.py", "--server.port", str(port), *flags]
        env = {**os.environ, "MEMORY_INSPECTOR_HOME": str(home), "REDIS_URL": "", "COOKIE_SECRET": SECRET}
        self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=self._log, stderr=subprocess.STDOUT)
        self._wait()
        self.connection = connect("", home)
        self.store = RedisStore(self.connection)

    def _wait(self) -> None:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        self.process.kill()
        raise SystemExit(f"The app did not start:\n{Path(self._log.name).read_text(errors='replace')}")

    def cpu(self) -> float:
        """Return the milliseconds of CPU that the server has taken so far, threads that ended included."""
        # Linux numbers the CPU clock of a process so; unlike /proc/<pid>/stat it is finer than 10 ms.
        return time.clock_gettime(~self.process.pid << 3 | 2) * 1000

    def close(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.wait(20)
        self._log.close()


def say(page: Page, cell: Cell, server: Server) -> None:
    """Send one message and note what it took."""
    mark = uuid.uuid4().hex[:8]
    cell.length += 1
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(f"The number of locker {mark} is {cell.length}.")
    page.evaluate(WATCH, [mark, cell.length])
    before = server.cpu()
    box.press("Enter")
    first, settled = page.evaluate("window.seen.done")
    cell.cpu.append(server.cpu() - before)
    cell.first.append(first)
    cell.settled.append(settled)
    thread = server.store.threads(cell.user)[0].id
    reply = server.store.traces(cell.user, thread, cell.length - 1, cell.length)[0].reply
    cell.own.append(reply.seconds * 1000 if reply else 0.0)


def visit(context: BrowserContext, cell: Cell, server: Server, turns: int) -> None:
    """Open the page as the cell's visitor; the first message of a visit warms up and does not count."""
    jar = Cookies(SECRET)
    context.clear_cookies()
    context.add_cookies([{"name": jar.name, "value": jar.sign(cell.user), "url": server.url}])
    page = context.new_page()
    page.goto(server.url)
    page.get_by_test_id("stSidebar").get_by_text(cell.kind[1], exact=True).click()
    page.get_by_test_id("stSidebar").get_by_text(f"turn {cell.length:,} of {cell.length:,}").wait_for()
    page.wait_for_timeout(300)
    for _ in range(turns + 1):
        say(page, cell, server)
        page.wait_for_timeout(150)
    for values in (cell.first, cell.settled, cell.cpu, cell.own):
        del values[-turns - 1]
    page.close()


@contextmanager
def browser() -> Iterator[BrowserContext]:
    path = next(filter(None, [os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS)]), None)
    if path is None:
        raise SystemExit("bench-page needs Chromium: apt-get install chromium, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium.new_context(viewport={"width": 1280, "height": 800})
        chromium.close()


# --- the report -------------------------------------------------------------------------------------------------------


def report(cells: Sequence[Cell]) -> None:
    """Print medians, minima, and both against the fewest messages of the same kind."""
    print(f"\n{'':38}{'first token, ms':^27}{'settled, ms':^27}{'CPU, ms':^27}{'model':>8}")
    figures = f"{'median':>9}{'min':>7}{'ratio':>11}" * 3
    print(f"{'memory':<10}{'view':<12}{'server':<6}{'messages':>9} {figures}{'ms':>8}")
    for cell in cells:
        base = next(one for one in cells if one.kind == cell.kind)
        named = "{:<10}{:<12}{:<6}".format(*cell.kind) + f"{cell.messages:>9,} "
        took = column(cell.first, base.first) + column(cell.settled, base.settled) + column(cell.cpu, base.cpu)
        print(f"{named}{took}{median(cell.own):>8.0f}")
    print("\nratio: medians / minima against the fewest messages with the same memory, view and server")


def column(values: Sequence[float], base: Sequence[float]) -> str:
    ratios = f"{median(values) / median(base):.2f}/{min(values) / min(base):.2f}"
    return f"{median(values):>9.0f}{min(values):>7.0f}{ratios:>11}"


def main() -> None:
    parser = argparse.ArgumentParser(description="The page in a real browser, by stored messages.")
    parser.add_argument("--messages", type=int, nargs="+", default=[10, 100, 1000], help="10000 is a good one more")
    parser.add_argument("--memories", nargs="+", default=["window", "buffer"], help="as the catalogue names them")
    parser.add_argument("--views", nargs="+", default=["Memory now", "Prompt"], help="of the side panel")
    parser.add_argument("--rounds", type=int, default=3, help="visits to each page")
    parser.add_argument("--turns", type=int, default=4, help="messages measured in a visit")
    parser.add_argument("--no-gc", action="store_true", help="without the server that collects after each run")
    given = parser.parse_args()
    sizes = sorted(given.messages)
    cells = [Cell(size, (name, view, "ours")) for name in given.memories for view in given.views for size in sizes]
    if not given.no_gc:
        cells += [Cell(size, (given.memories[0], given.views[0], "gc")) for size in sizes]
    folder = Path(tempfile.mkdtemp(prefix="mi-"))
    servers: dict[str, Server] = {}
    try:
        for name in dict.fromkeys(cell.kind[2] for cell in cells):
            (folder / name).mkdir()
            servers[name] = Server(folder / name, FLAGS[name])
        for cell in cells:
            fill(cell, servers[cell.kind[2]].store)
        with browser() as context:
            for turn in range(given.rounds):
                # Every second round backwards, so that nothing is always first after a pause.
                for cell in cells if turn % 2 == 0 else reversed(cells):
                    visit(context, cell, servers[cell.kind[2]], given.turns)
                print(f"round {turn + 1} of {given.rounds}", file=sys.stderr)
        report(cells)
    finally:
        for server in servers.values():
            server.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
