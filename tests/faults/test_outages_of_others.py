"""A model or Chroma refused, silent, slow, broken off and in error: told in time, every message kept and stored once.

python -m pytest -s tests/faults/test_outages_of_others.py      # prints the seconds to the sentence
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from memory import forgetting, worker
from memory.conversation import Conversation
from memory.retrieval.chroma import REST_SECONDS
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import open_vectors
from memory.services import Models
from memory.stores.inmemory import InMemoryStore
from memory.worker import Job
from pages.ui.answering import silence
from tests.chroma_server import ChromaServer, chroma_server
from tests.clock import Clock
from tests.faults.test_outages import NOISE, SOON, until
from tests.line import Line, line_to
from tests.memory.fakes import conversation, say, trace_of, turns_of
from tests.openai_server import Server, openai_server
from tests.ports import free_port

pytestmark = pytest.mark.faults


# --- the model --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> Iterator[Server]:
    with openai_server() as server:
        yield server


@pytest.fixture
def asked(model: Server, memory_store: InMemoryStore, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Conversation]:
    """A conversation with a model by its name, which is what it does."""
    conversation(memory_store, "window", user="alex")

    def talk(name: str) -> Conversation:
        url = f"http://127.0.0.1:{free_port()}/v1" if name == "refused" else model.url
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        return Conversation(
            memory_store, "alex", "t1", conversation(memory_store, "window").memory, Models(f"openai:{name}")
        )

    return talk


@pytest.mark.parametrize(
    ("name", "told", "text"),
    [
        ("refused", "could not be reached", ""),
        ("429", "accepts no more requests for now: try again in 7 seconds", ""),
        ("500", "has trouble of its own (500)", ""),
        ("503", "has trouble of its own (503)", ""),
        ("break", "broke off before the answer was complete", "This answer breaks off"),
        ("cut", "broke off before the answer was complete", "This answer ends early"),
        ("stream-error", "reported an error in the middle of its answer", "This answer ends"),
    ],
)
def test_a_model_that_fails_is_told_at_once_and_the_message_is_kept_and_answered_once(
    asked: Callable[[str], Conversation], name: str, told: str, text: str
) -> None:
    with Clock() as clock:
        job = worker.start(asked(name), "Where do I live?")
        until(lambda: job.done)
    (turn,) = turns_of(job.conversation)
    assert (turn.status, turn.human, turn.ai) == ("failed", "Where do I live?", text)
    assert turn.error
    assert told in turn.error
    with Clock() as recovered:
        again = worker.start(asked("echo"), turn.human, turn.id)
        until(lambda: again.done)
    (turn,) = turns_of(again.conversation)
    assert (turn.status, turn.ai) == ("complete", "You said: Where do I live?")
    assert again.conversation.opened().pending == ()
    print(f"\n{name:13} told after {clock.seconds:.2f} s, answered after {recovered.seconds:.2f} s", end="")
    assert clock.seconds < SOON * NOISE


@pytest.mark.parametrize(("name", "text"), [("silent", ""), ("stall", "This answer stops")])
def test_a_model_that_freezes_is_told_of_and_can_be_stopped_at_once(
    asked: Callable[[str], Conversation], name: str, text: str
) -> None:
    job = worker.start(asked(name), "Where do I live?")
    follows = job.follow()
    with Clock() as clock:
        until(lambda: next(follows) == "" and silence(job))
    assert ("what there is" if text else "your message") in silence(job)
    with Clock() as stopped:
        job.stop()
        until(lambda: job.done)
    (turn,) = turns_of(job.conversation)
    assert (turn.status, turn.human, turn.ai.strip()) == ("stopped", "Where do I live?", text)
    print(f"\n{name:13} told after {clock.seconds:.2f} s, stopped in {stopped.seconds:.2f} s", end="")
    assert clock.seconds < SOON * NOISE
    assert stopped.seconds < SOON * NOISE


def test_a_model_that_freezes_in_mid_answer_is_given_up_and_what_came_is_kept(
    asked: Callable[[str], Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_TIMEOUT", "1")
    job = worker.start(asked("stall"), "Where do I live?")
    until(lambda: job.done)
    (turn,) = turns_of(job.conversation)
    assert (turn.status, turn.ai.strip()) == ("failed", "This answer stops")
    assert "kept silent for too long" in str(turn.error)


def test_a_slow_model_is_not_taken_for_a_frozen_one(asked: Callable[[str], Conversation]) -> None:
    job: Job = worker.start(asked("slow"), "one two three four five")
    assert "".join(job.follow()) == "You said: one two three four five"
    assert silence(job) == ""
    until(lambda: job.done)
    assert job.status == "complete"


# --- Chroma -----------------------------------------------------------------------------------------------------------


@dataclass
class Place:
    server: ChromaServer
    line: Line
    error: ThreadingHTTPServer


class _Error(BaseHTTPRequestHandler):
    """Answers 500 to everything."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(500)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    error = ThreadingHTTPServer(("127.0.0.1", 0), _Error)
    threading.Thread(target=error.serve_forever, args=(0.05,), daemon=True).start()
    with (
        chroma_server(tmp_path_factory.mktemp("chroma")) as server,
        line_to(server.port) as line,
        closing(error.socket),
    ):
        yield Place(server, line, error)
        error.shutdown()


FROZEN = "runs but does not answer"
FAULTS: dict[str, tuple[Callable[[Place], object], Callable[[Place], object], str]] = {
    "refused": (lambda at: at.server.kill(), lambda at: at.server.start(), "is away: start it"),
    "cut off": (lambda at: at.line.cut(), lambda at: at.line.mend(), "is away: start it"),
    "frozen": (lambda at: at.server.freeze(), lambda at: at.server.thaw(), FROZEN),
    "late": (lambda at: at.line.slow(2.0), lambda at: at.line.mend(), FROZEN),
    "error 500": (
        lambda at: at.line.to(at.error.server_port),
        lambda at: at.line.to(at.server.port),
        "cannot do it now",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_without_chroma_words_answer_it_is_told_and_its_vectors_are_made_afterwards(
    place: Place, memory_store: InMemoryStore, name: str
) -> None:
    begin, end, told = FAULTS[name]
    vectors = open_vectors("hashing", embedding("hashing").dimensions, f"http://127.0.0.1:{place.line.port}")
    talk = conversation(memory_store, "vector:k=1,search=hybrid", retrieval=Retrieval(embedding("hashing"), vectors))
    say(talk, "My dog is called Rex.", "I live in Lyon.")
    retrieval = Retrieval(embedding("hashing"), vectors)  # as of another process, which has nothing in its cache
    talk = conversation(memory_store, talk.memory, user=talk.user, retrieval=retrieval)
    begin(place)
    try:
        with Clock() as sent:
            reply = say(talk, "What is my dog called?")
        errors = trace_of(reply).errors
        assert errors
        assert all(told in error for error in errors)
        assert reply.recall.items[-1].turns == (0, 1), "words find it"
        with Clock() as forgot:
            receipt = forgetting.forget_turn(memory_store, retrieval, talk.user, "t1", 1)
        assert receipt.owed, "the vectors that are still to be deleted are not told of"
        assert turns_of(talk)[1].status == "forgotten"
    finally:
        end(place)
    time.sleep(REST_SECONDS if told == FROZEN else 0)
    with Clock() as recovered:
        reply = say(talk, "And where is Rex?")
    assert trace_of(reply).errors == ()
    assert [turn.human for turn in turns_of(talk)] == [
        "My dog is called Rex.",
        "",
        "What is my dog called?",
        "And where is Rex?",
    ]
    until(
        lambda: (
            not forgetting.unsettled(memory_store, talk.user) or forgetting.settle(memory_store, retrieval, talk.user)
        )
    )
    gone = {turns_of(talk)[1].id}
    kept = set(vectors.get(talk.user, "t1"))
    assert {turn.id for turn in turns_of(talk)} - gone <= {id.partition(".")[0] for id in kept}
    assert not any(id.startswith(tuple(gone)) for id in kept)
    vectors.close()
    print(
        f"\n{name:10} sent {sent.seconds:.2f} s, forgot {forgot.seconds:.2f} s, afterwards {recovered.seconds:.2f} s",
        end="",
    )
    assert sent.seconds < SOON * NOISE
