"""Somebody who has something in every store, each with a word that nobody else may ever read.

victim = Victim(store, retrieval)
before = victim.everything()
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from langgraph.store.base import PutOp

from memory.base import Message, State, Turn
from memory.compare.experiment import Column, Experiment
from memory.compare.keeping import Experiments
from memory.exchange import export_user
from memory.forgetting.places import every_text
from memory.formats.reading import read
from memory.lessons.progress import Desk, Progress
from memory.lessons.sandbox import desk, identity, settle_in
from memory.preferences import Preferences
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import Vectors
from memory.store import Pending, Store, Thread
from memory.trace import Trace

SECRET = "xanadu7"
OWNER, THREAD, EXPERIMENT = "v1ctim-Vq7xPz_w2", "t-victim", "e-victim"
NUMBER = 0.0625
"""All that the victim's own vectors hold."""
WIDTH = 8


class Victim:
    """Has a conversation with pictures, facts, documents, an experiment, vectors, settings, lessons and debts."""

    def __init__(self, store: Store, retrieval: Retrieval, vectors: Vectors) -> None:
        self.store, self.retrieval, self.vectors = store, retrieval, vectors
        for user in (OWNER, identity(OWNER, "window", "you")):
            self._talk(user)
        library = retrieval.library(store.shelf, OWNER, lambda call: None)
        self.document = library.add("gates.md", f"# Gates\n\nThe gate is called {SECRET}.\n".encode()).document.id
        items = retrieval.items(store.shelf, OWNER, lambda call: None)
        items.batch([PutOp(("facts",), SECRET, {"content": f"My city is {SECRET}."})])
        (recording,) = read(f"User: I live in {SECRET}.\nAI: Noted.\n".encode(), "talk.txt")
        column = (Column("ConversationBufferMemory"),)
        Experiments(store, OWNER).create(Experiment(EXPERIMENT, SECRET, "replay", column), [recording])
        store.claim(OWNER, SECRET, 3600)
        store.owe(OWNER, [f"{THREAD}/{SECRET}"])
        vectors.put(OWNER, THREAD, [SECRET], np.full((1, WIDTH), NUMBER))
        Preferences(instructions=f"Say {SECRET}.").save(store, OWNER)
        Desk(store, OWNER).put(Progress("window", "1", run=SECRET, people=("you",)))
        settle_in(store, desk(OWNER))

    def _talk(self, user: str) -> None:
        store = self.store
        store.put_thread(user, Thread(THREAD, SECRET, 1.0, 1.0))
        turn = Turn("m1", (Message("human", f"I live in {SECRET}."), Message("ai", f"{SECRET}!")), at=5.0, index=0)
        store.append(user, THREAD, turn, Trace("turn", 0, "m1", 5.0), {"h1": SECRET})
        opened = store.open(user, THREAD, "buffer", 1, Pending("m2", f"Is {SECRET} large?"))
        state = State(covered=1)
        store.put_state(user, THREAD, "buffer", opened.revision, state)
        store.put_notes(user, THREAD, {}, {"h2": SECRET})
        store.put_pictures(user, THREAD, {"p1": SECRET.encode()})
        store.put_cached(user, "c1", SECRET.encode(), THREAD, store.open(user, THREAD, "buffer", 0).epoch)

    def everything(self) -> str:
        """Write down all that is the victim's, as its owner reads it."""
        store, found = self.store, list[Any]()
        for user in (OWNER, identity(OWNER, "window", "you"), desk(OWNER)):
            found += [export_user(store, user), store.settings(user), store.owed(user), store.claimed(user)]
            found += [sorted(store.shelf.news(user, 0, "-").rows.items()), store.shelf.documents.listed(user)]
            found += [sorted((place.id, place.text) for place in every_text(store, user))]
            for thread in store.threads(user):
                found += [store.open(user, thread.id, "buffer"), store.everything(user, thread.id)]
                found += [store.picture(user, thread.id, "p1"), store.cached(user, "c1"), store.totals(user, thread.id)]
            for kept in store.experiments(user):
                names = sorted(store.part_sizes(user, kept.id))
                found += [kept, store.parts(user, kept.id, names)]
        return repr((found, sorted(self.vectors.get(OWNER, THREAD)), self.vectors.ids(OWNER)))


def forged(chance: random.Random, known: str) -> Any:
    """Make another name that could be taken for a known one, or that could lead out of the place it is put in."""
    other = chance.choice(["t1", "e1", "attacker", "x", "0"])
    ways = [
        lambda: known + chance.choice(["\n", "\0", " ", "}", "{", ":", "/", "*", "\u200b", "\r", "%00", ".", "'"]),
        lambda: chance.choice(["\n", "\0", " ", "{", "}", "mi:{", "../", "*", "?", "[v]", "\ufeff"]) + known,
        lambda: f"{other}}}:{known}",
        lambda: f"{{{known}}}",
        lambda: f"{{{known}}}:{THREAD}",
        lambda: f"{known}:{THREAD}:turns",
        lambda: f"{known}/{THREAD}",
        lambda: f"{other}/../{known}",
        lambda: known.upper(),
        lambda: known[:-1] + chance.choice("WｗωѡV*?"),
        lambda: "".join(chr(ord(char) + 0xFEE0) for char in known),
        lambda: known + known,
        lambda: known[: chance.randint(0, len(known) - 1)],
        lambda: known * 5,
        lambda: "".join(chance.choices("{}\n\0\\\"':/*?[]v\u202e\ud800", k=chance.randint(0, 12))),
        lambda: chance.choice(["", "*", "mi:*", "{}", "null", "None", "undefined", "__proto__", "%", "-", "_"]),
        lambda: chance.choice([None, {}, {"$ne": ""}, {"$gt": None}, [], [known], 0, True, 1.5, (known,)]),
        lambda: known.encode(),
    ]  # fmt: skip
    return chance.choice(ways)()
