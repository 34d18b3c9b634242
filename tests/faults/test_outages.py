"""Redis refused, cut off, frozen, late, slow, read-only, full and loading, under whatever somebody does meanwhile.

    python -m pytest -s tests/faults/test_outages.py      # prints the seconds to the sentence and to the recovery

Each fault is caused on a real server, or on the line to it, while somebody does each thing: it is told, what cannot be
stored does not pass for stored, and the same thing done again by the same objects succeeds once, without a restart.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from memory import forgetting, worker
from memory.conversation import Conversation
from memory.errors import StoreUnavailable
from memory.forgetting.remembered import remembered
from memory.longterm import editing
from memory.server.connect import Connection, connect
from memory.stores.redis import RedisStore
from memory.switch import Switch
from pages.ui.watch import SLOW
from tests.clock import Clock
from tests.line import Line, line_to
from tests.memory.fakes import FakeChat, conversation, new_user, say, turns_of
from tests.servers import RedisServer, redis_server

pytestmark = [pytest.mark.faults, pytest.mark.redis_server]

SOON, NOISE = 2.0, 3
"""Within how many seconds one is told, and how many times that busy cores may take."""
PATIENCE = 20.0
"""Seconds after which what does not recover is taken for lost."""
KEYS = 60_000
"""How many keys a server reads at its start, so that it can be found loading."""
LATE, SLOWLY = 1.2, SLOW + 0.05


class Place:
    """A server, the line to it, and what can be wrong with them."""

    def __init__(self, server: RedisServer, line: Line) -> None:
        self.server, self.line = server, line

    def command(self, *words: Any) -> None:
        with self.server.client() as client:
            client.execute_command(*words)

    def load(self) -> None:
        self.server.kill()
        self.server.settings["key-load-delay"] = "1"  # µs; with the sleep itself about 60
        self.server.start(loaded=False)

    def loaded(self) -> None:
        del self.server.settings["key-load-delay"]
        self.command("CONFIG", "SET", "key-load-delay", 0)


@dataclass(frozen=True)
class Fault:
    """What goes wrong, how it ends, the words by which it is told, and whether what is kept can still be read."""

    begin: Callable[[Place], object]
    end: Callable[[Place], object]
    told: str
    reads: bool = False


FAULTS = {
    "refused": Fault(lambda at: at.server.kill(), lambda at: at.server.start(), "is away: start it"),
    "cut off": Fault(lambda at: at.line.cut(), lambda at: at.line.mend(), "is away: start it"),
    "frozen": Fault(lambda at: at.server.freeze(), lambda at: at.server.thaw(), "runs but does not answer"),
    "late": Fault(lambda at: at.line.slow(LATE), lambda at: at.line.mend(), "runs but does not answer"),
    "slow": Fault(lambda at: at.line.slow(SLOWLY), lambda at: at.line.mend(), "", reads=True),
    "read-only": Fault(
        lambda at: at.command("REPLICAOF", "127.0.0.1", 1),
        lambda at: at.command("REPLICAOF", "NO", "ONE"),
        "is a read-only replica",
        reads=True,
    ),
    "full": Fault(
        lambda at: at.command("CONFIG", "SET", "maxmemory", 1),
        lambda at: at.command("CONFIG", "SET", "maxmemory", 0),
        "has no memory left",
        reads=True,
    ),
    "loading": Fault(lambda at: at.load(), lambda at: at.loaded(), "is starting and still reads its data"),
}


@dataclass
class Visit:
    """Somebody with three turns, whose process has a connection of its own."""

    connection: Connection
    spec: str = "window"
    user: str = field(default_factory=new_user)
    going: Switch | None = None

    def __post_init__(self) -> None:
        self.store = RedisStore(self.connection)
        self.writer = FakeChat(answer=lambda messages: f"gist of {len(messages)}")
        self.talk = self.read_by(self.spec)
        say(self.talk, "one", "two", "three")

    def read_by(self, spec: str) -> Conversation:
        return conversation(self.store, spec, writer=self.writer, user=self.user)

    def said(self) -> list[str]:
        return [turn.human for turn in turns_of(self.talk)]


# --- what somebody does: each returns when it is done, and raises what is told ---------------------------------------


def send(visit: Visit) -> None:
    """Send a message, which is answered and stored."""
    job = worker.start(visit.talk, "four")
    while not job.done and job.status != "saving":
        time.sleep(0.005)
    if job.error:
        assert job.query == "four"  # from where the page puts it back into the box
        assert job.reply.turn is None
        assert "Your message is kept, nothing was sent." in str(job.error)
        raise job.error


def switch(visit: Visit) -> None:
    """Have another memory take in what was said; one that is on its way is waited for."""
    if visit.going is None:
        talk = visit.read_by("summary")
        talk.estimate()
        visit.going = Switch(talk, 3)
        until(lambda: visit.going and (visit.going.done or visit.going.trouble))
        if visit.going.trouble:
            raise visit.going.trouble
    until(lambda: visit.going and visit.going.done)
    error, visit.going = visit.going.error, None
    if error:
        raise error


def open_thread(visit: Visit) -> None:
    """Open the conversation in another tab."""
    assert [thread.id for thread in visit.store.threads(visit.user)] == ["t1"]
    opened = visit.store.open(visit.user, "t1", visit.talk.key)
    assert [turn.human for turn in opened.tail] == ["one", "two", "three"]
    assert len(visit.store.traces(visit.user, "t1", 0, 3)) == 3


def forget(visit: Visit) -> None:
    """Forget a turn."""
    receipt = forgetting.forget_turn(visit.store, visit.talk.retrieval, visit.user, "t1", 1)
    assert receipt.left == 0


def remember(visit: Visit) -> None:
    """Note something by hand, to be known in all conversations."""
    editing.add(visit.talk.services().items, "Memory", {"content": "The user likes tea."})


def kept(visit: Visit) -> dict[str, Any]:
    """What is stored of the user, as far as it can be seen."""
    talk = visit.talk
    summary = visit.read_by("summary")
    return {
        "said": visit.said(),
        "waiting": len(talk.opened().pending),
        "covered": summary.opened().state.covered,
        "facts": [fact.content["content"] for fact in remembered(visit.store, visit.user).values()],
        "calls": visit.store.totals(visit.user, "t1").reply.calls,
    }


BEFORE = {"said": ["one", "two", "three"], "waiting": 0, "covered": 0, "facts": [], "calls": 3}
ACTIONS: dict[str, tuple[Callable[[Visit], None], dict[str, Any]]] = {
    "send": (send, {"said": ["one", "two", "three", "four"], "calls": 4}),
    "switch": (switch, {"covered": 3}),
    "open": (open_thread, {}),
    "forget": (forget, {"said": ["one", "", "three"]}),
    "remember": (remember, {"facts": ["The user likes tea."]}),
}

ERRORS = [name for name in FAULTS if name != "slow"]
# A late one is frozen to whoever waits for it, and a loading one refuses: the dear ones are tried where it counts.
DEAR = dict.fromkeys(("late", "loading"), ("send", "remember"))
CASES = [(name, action) for name in ERRORS for action in DEAR.get(name, ACTIONS)]


def until(condition: Callable[[], object]) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.005)


def again(visit: Visit, act: Callable[[Visit], None]) -> None:
    """Do it as often as it is refused, as somebody would."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act(visit)
        except StoreUnavailable:
            assert time.monotonic() < deadline, "it does not recover"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def place(scratch: Path) -> Iterator[Place]:
    folder = scratch / "outages"
    folder.mkdir()
    # Loading, it answers between any two KB that it has read.
    settings = {"aof_use_rdb_preamble": "no", "loading_process_events_interval_bytes": "1024"}
    with redis_server(folder, appendfsync="no", **settings) as server, line_to(server.port) as line:
        place = Place(server, line)
        place.command("EVAL", f"for i = 1, {KEYS} do redis.call('SET', 'k' .. i, i) end", 0)
        yield place


@pytest.fixture
def made(place: Place) -> Iterator[Callable[..., Visit]]:
    connections = []

    def make(spec: str = "window") -> Visit:
        connections.append(connect(f"redis://127.0.0.1:{place.line.port}/0"))
        return Visit(connections[-1], spec)

    yield make
    for connection in connections:
        connection.close()


@pytest.mark.parametrize(("name", "action"), CASES)
def test_what_cannot_be_done_is_told_at_once_and_done_once_when_that_is_over(
    place: Place, made: Callable[..., Visit], name: str, action: str
) -> None:
    fault, visit = FAULTS[name], made()
    act, after = ACTIONS[action]
    fault.begin(place)
    try:
        if fault.reads and not after:
            act(visit)
        with Clock() as told:
            if not (fault.reads and not after):
                with pytest.raises(StoreUnavailable, match=fault.told):
                    act(visit)
        if fault.reads:
            assert kept(visit) == BEFORE, "what was refused is shown as stored"
    finally:
        fault.end(place)
    with Clock() as recovered:
        again(visit, act)
    print(
        f"\n{name:10} {action:9} told after {told.seconds:.2f} s, done {recovered.seconds:.2f} s after the end", end=""
    )
    until(lambda: not visit.talk.opened().pending)
    assert kept(visit) == {**BEFORE, **after}
    assert told.seconds < SOON * NOISE


@pytest.mark.parametrize("name", ERRORS)
def test_an_answer_that_ends_in_an_outage_is_held_and_stored_once(
    place: Place, made: Callable[..., Visit], name: str
) -> None:
    fault, visit, goes_on = FAULTS[name], made("summary"), threading.Event()

    def speak(messages: list[Any]) -> Iterator[str]:
        yield "Four "
        goes_on.wait(PATIENCE)
        yield "it is."

    summarised = len(visit.writer.seen)
    talk = conversation(visit.store, "summary", FakeChat(answer=speak), visit.writer, visit.user)
    job = worker.start(talk, "four")
    until(lambda: job.text)
    fault.begin(place)
    try:
        with Clock() as told:
            goes_on.set()
            until(lambda: job.trouble or job.done)
        assert job.trouble
        assert fault.told in str(job.trouble)
        assert (job.text, job.done, job.reply.saved) == ("Four it is.", False, False)
        if fault.reads:
            assert visit.said() == BEFORE["said"], "what was refused is shown as stored"
    finally:
        fault.end(place)
    with Clock() as recovered:
        until(lambda: job.done)
    print(
        f"\n{name:10} in answer  told after {told.seconds:.2f} s, stored {recovered.seconds:.2f} s after the end",
        end="",
    )
    assert job.status == "complete"
    assert [turn.ai for turn in turns_of(talk) if turn.human == "four"] == ["Four it is."]
    assert kept(visit) == {**BEFORE, "said": [*BEFORE["said"], "four"], "calls": 4, "covered": 4}
    assert len(visit.writer.seen) == summarised + 1, "the memory's model was paid twice"
    assert visit.store.totals(visit.user, "t1").own.calls == len(visit.writer.seen)
    assert told.seconds < SOON * NOISE


def test_a_state_whose_acknowledgement_was_lost_is_known_again_and_its_trace_says_what_it_wrote(
    made: Callable[..., Visit], monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = made("summary")
    put, lost = visit.store.put_state, [StoreUnavailable("Redis runs but does not answer.")]

    def put_state(*args: Any, **more: Any) -> Any:
        taken = put(*args, **more)
        if lost:
            raise lost.pop()
        return taken

    monkeypatch.setattr(visit.store, "put_state", put_state)
    job = worker.start(visit.talk, "four")
    until(lambda: job.done)
    after = visit.store.traces(visit.user, "t1", 3, 4)[0].after
    assert after
    assert (after.covered, len(after.wrote)) == (4, 1), "what the turn changed is no longer known"


@pytest.mark.parametrize("action", ["send", "open", "remember"])
def test_a_slow_server_does_all_of_it_and_the_page_is_told_that_it_is_slow(
    place: Place, made: Callable[..., Visit], action: str
) -> None:
    visit = made()
    act, after = ACTIONS[action]
    FAULTS["slow"].begin(place)
    try:
        with Clock() as took:
            act(visit)
        assert visit.connection.seconds >= SLOW or action == "remember"
    finally:
        FAULTS["slow"].end(place)
    print(f"\nslow       {action:9} done after {took.seconds:.2f} s", end="")
    assert kept(visit) == {**BEFORE, **after}
    for _ in range(5):
        visit.said()
    assert visit.connection.seconds < SLOW
