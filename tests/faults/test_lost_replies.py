"""The server does what it was told and its reply is lost on the way: once, and once more when the client tries again.

python -m pytest tests/faults/test_lost_replies.py
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from memory import forgetting
from memory.errors import StoreUnavailable
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.server.connect import Connection, connect
from memory.stores.redis import RedisStore
from tests.line import Line
from tests.memory.fakes import conversation, new_user, say, traces_of, turns_of

pytestmark = [pytest.mark.faults, pytest.mark.redis_server]

SENT = 12
"""Replies on whose way something can be lost while a turn is read, answered and stored."""


class LosesReplies(Line):
    """Lets `pass_on` replies through, loses so many after that, each with its connection, then lets all through."""

    def __init__(self, port: int) -> None:
        self.pass_on, self.lose = 0, 0
        super().__init__(port)

    def _hand_on(self, one: socket.socket, other: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if answers and self.lose:
                    if not self.pass_on:
                        self.lose -= 1
                        break
                    self.pass_on -= 1
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        one.close()


@pytest.fixture
def line(tcp: Connection) -> Iterator[LosesReplies]:
    port: int = tcp.client.connection_pool.connection_kwargs["port"]
    line = LosesReplies(port)
    yield line
    line.close()


@pytest.fixture
def store(line: LosesReplies) -> Iterator[RedisStore]:
    connection = connect(f"redis://127.0.0.1:{line.port}/0")
    yield RedisStore(connection)
    connection.close()


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_turn_whose_replies_are_lost_is_there_once(line: LosesReplies, store: RedisStore, lost: int) -> None:
    refused = 0
    for passed in range(SENT):
        talk = conversation(store, "summary", user=new_user())
        say(talk, "My name is Alex.")
        line.pass_on, line.lose = passed, lost
        for _ in range(9):
            try:
                list(talk.reply("What is my name?", turn_id="once"))
                break
            except StoreUnavailable:
                refused += 1
        line.lose = 0
        assert [turn.human for turn in turns_of(talk)] == ["My name is Alex.", "What is my name?"], passed
        assert [trace.turn_id for trace in traces_of(talk)] == [turn.id for turn in turns_of(talk)]
        say(talk, "And now?")
        totals = store.totals(talk.user, talk.thread)
        assert totals.reply.calls == 3, passed
        assert talk.opened().state.covered == 3
        assert talk.opened().pending == ()
    # One lost reply is made good by the client itself; nobody hears of it.
    assert (refused == 0) == (lost == 1)


@pytest.mark.parametrize("lost", [1, 2])
def test_what_is_uploaded_and_forgotten_is_so_once(line: LosesReplies, store: RedisStore, lost: int) -> None:
    retrieval = Retrieval(embedding("hashing"), InMemoryVectors())
    for passed in range(0, SENT, 2):
        talk = conversation(store, "window", user=new_user())
        say(talk, "I like brew1x.", "I live in Oslo.")
        library = retrieval.library(store.shelf, talk.user, lambda call: None)
        for deed in (
            lambda library=library: library.add("tea.md", b"# Tea\n\nTea is served at nine.\n", 400, 20),
            lambda talk=talk: forgetting.forget_turn(store, retrieval, talk.user, talk.thread, 0),
        ):
            line.pass_on, line.lose = passed, lost
            for _ in range(9):
                try:
                    deed()
                    break
                except StoreUnavailable:
                    pass
            line.lose = 0
        assert [document.name for document in library.listed()] == ["tea.md"]
        turns = turns_of(talk)
        assert [(turn.human, turn.status) for turn in turns] == [("", "forgotten"), ("I live in Oslo.", "complete")]
        assert sum(event.kind == "forget" for event in store.events(talk.user, talk.thread)) == 1
