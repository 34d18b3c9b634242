"""A process that talks, switches, reflects, uploads and forgets until it is killed, and says what was acknowledged.

    python -m tests.faults.deeds HOME SEED BEGIN
    {"did": "turn", "thread": "t1", "id": "m12"}
    {"did": "forgot", "thread": "t2", "id": "m7"}

Each message names a drink that nobody else names, so that what becomes of it can be looked for by its word.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from memory import forgetting, reflection
from memory.compare.experiment import Column, Experiment
from memory.compare.keeping import Experiments
from memory.conversation import Conversation
from memory.errors import StoreUnavailable
from memory.formats.reading import read
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.server.connect import connect
from memory.services import Models
from memory.stores.redis import RedisStore
from tests.memory.fakes import conversation

T = TypeVar("T")

USER = "killed"
MEMORIES = {"t1": "summary_buffer:max_token_limit=80", "t2": "window", "t3": "collection:formation=background"}
SWITCHED = "summary"
"""What t2 is switched to now and then."""
WEIGHTS = {"turn": 12, "switch": 2, "reflect": 2, "upload": 2, "forget": 2, "experiment": 1}


def drink(number: int) -> str:
    """The word of a message; no word is the beginning of another."""
    return f"brew{number}x"


def talk_in(store: RedisStore, thread: str, spec: str = "") -> Conversation:
    """Return a conversation with the demo model."""
    made = conversation(store, spec or MEMORIES[thread], user=USER, thread=thread)
    return Conversation(store, USER, thread, made.memory, Models(), retrieval=Retrieval(embedding("hashing")))


def library(store: RedisStore) -> Any:
    return Retrieval(embedding("hashing"), InMemoryVectors()).library(store.shelf, USER, lambda call: None)


class Deeds:
    """Does one thing after another; what the store did not take is done again, as the app does it."""

    def __init__(self, home: Path, seed: int, begin: int) -> None:
        self.store = RedisStore(connect("", home))
        self.talks = {thread: talk_in(self.store, thread) for thread in MEMORIES}
        self.chance, self.number = random.Random(seed), begin
        self.said: list[str] = []

    def one(self) -> dict[str, Any]:
        """Do something; returns what is acknowledged with it."""
        deed = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        did: Callable[[], dict[str, Any]] = getattr(self, deed)
        return did()

    def turn(self) -> dict[str, Any]:
        self.number += 1
        thread = self.chance.choice(list(MEMORIES))
        id = f"m{self.number}"
        reply = self.talks[thread].reply(f"I like {drink(self.number)}.", turn_id=id)
        again(lambda: reply.commit() if reply.turn else list(reply))
        if thread == "t2":
            self.said.append(id)
        return {"did": "turn", "thread": thread, "id": id}

    def switch(self) -> dict[str, Any]:
        talk = talk_in(self.store, "t2", SWITCHED)
        again(talk.catch_up)
        return {"did": "switched"}

    def reflect(self) -> dict[str, Any]:
        talk = self.talks["t3"]
        length = again(lambda: talk.opened().length)
        again(lambda: reflection.reflect(talk))
        return {"did": "reflected", "length": length, "covered": again(lambda: talk.opened().state.covered)}

    def upload(self) -> dict[str, Any]:
        self.number += 1
        text = f"# Drinks\n\nThe {drink(self.number)} is served at nine.\n" * 30
        again(lambda: library(self.store).add(f"{drink(self.number)}.md", text.encode(), 100, 20))
        return {"did": "uploaded", "name": f"{drink(self.number)}.md"}

    def forget(self) -> dict[str, Any]:
        if not self.said:
            return {"did": "nothing"}
        id = self.said.pop(self.chance.randrange(len(self.said)))
        turns = again(lambda: self.store.turns(USER, "t2", 0, 100_000))
        index = next(turn.index for turn in turns if turn.id == id)
        retrieval = self.talks["t2"].retrieval
        again(lambda: forgetting.forget_turn(self.store, retrieval, USER, "t2", index))
        return {"did": "forgot", "id": id, "number": int(id[1:])}

    def experiment(self) -> dict[str, Any]:
        self.number += 1
        (recording,) = read(f"User: I like {drink(self.number)}.\nAI: Noted.\n".encode(), "talk.txt")
        kept = Experiments(self.store, USER)
        title = drink(self.number)
        column = (Column("ConversationBufferMemory"),)
        known = again(kept.listed)
        if len(known) > 20:
            again(lambda: self.store.purge_experiment(USER, known[-1].id))
        made = again(lambda: kept.create(Experiment("", title, "replay", column), [recording]))
        return {"did": "experiment", "id": made.id, "title": title}


def again(deed: Callable[[], T]) -> T:
    """Do it again for as long as the store is away."""
    while True:
        try:
            return deed()
        except StoreUnavailable:
            time.sleep(0.01)


def main(home: str, seed: str, begin: str) -> None:
    deeds = Deeds(Path(home), int(seed), int(begin))
    while True:
        print(json.dumps(deeds.one()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
