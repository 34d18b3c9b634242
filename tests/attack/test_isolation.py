"""Nobody reaches another's by any argument: names forged at random against every store, 0 reads and 0 writes.

    make attack                 100,000 tries; the tests do TRIES=10,000

Someone who signs in as nobody else than himself, or under a name made to look like another's, calls whatever there is
to call with the victim's own ids, with braces, zeros, newlines, filters of None and of nothing.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from langgraph.store.base import GetOp, InvalidNamespaceError, ListNamespacesOp, PutOp, SearchOp
from redis import DataError

from memory import forgetting, thread_search
from memory.base import Message, State, Turn
from memory.errors import InspectorError
from memory.exchange import export_thread, export_user
from memory.lessons.progress import Desk
from memory.lessons.sandbox import identities, identity
from memory.longterm.rows import Row, field_of
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import ChromaVectors, InMemoryVectors, Vectors
from memory.server.connect import Connection
from memory.store import Pending, Store, Thread
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore
from memory.trace import Trace
from tests.attack.victim import EXPERIMENT, NUMBER, OWNER, SECRET, THREAD, WIDTH, Victim, forged

pytestmark = pytest.mark.timeout(1800)

TRIES = int(os.environ.get("TRIES", "10000"))
REFUSED = (InspectorError, InvalidNamespaceError, DataError, TypeError, ValueError, AttributeError, KeyError)
"""What a try may end with; the last five where an argument has another type than the signature says."""


class Attacker:
    """Knows every id of the victim but the one that the victim's cookie holds."""

    def __init__(self, victim: Victim, seed: int) -> None:
        self.store, self.retrieval, self.vectors = victim.store, victim.retrieval, victim.vectors
        self.chance, self.document = random.Random(seed), victim.document
        self.told: Counter[str] = Counter()
        self.leaked: list[str] = []
        self.moves: list[tuple[str, Callable[[Any], Any]]] = [
            (name.removeprefix("try_"), getattr(self, name)) for name in dir(type(self)) if name.startswith("try_")
        ]

    def once(self) -> None:
        """Try one thing as somebody; whatever comes back is looked through for what is the victim's."""
        name, move = self.chance.choice(self.moves)
        user = self.chance.choice(["attacker", "attacker", forged(self.chance, OWNER)])
        try:
            found = repr(move(user))
            self.told["answered"] += 1
        except REFUSED as error:
            found = str(error) if isinstance(error, InspectorError) else ""
            self.told["refused"] += 1
        if SECRET in found or str(NUMBER) in found:
            self.leaked.append(f"{name} as {user!r}")

    def one(self, known: str) -> Any:
        return self.chance.choice([known, known, forged(self.chance, known)])

    def try_threads(self, user: Any) -> Any:
        return self.store.threads(user, self.chance.random() < 0.3), self.store.settings(user)

    def try_thread(self, user: Any) -> Any:
        return self.store.thread(user, self.one(THREAD))

    def try_open(self, user: Any) -> Any:
        pending = self.chance.choice([None, Pending("m2", "?"), Pending(str(self.one("m1")), "?")])
        return self.store.open(user, self.one(THREAD), self.one("buffer"), 16, pending)

    def try_turns(self, user: Any) -> Any:
        thread = self.one(THREAD)
        return self.store.turns(user, thread, 0, 99), self.store.traces(user, thread, 0, 99)

    def try_written(self, user: Any) -> Any:
        thread = self.one(THREAD)
        texts = self.store.texts(user, thread, ["h1", "h2", self.one("h1")])
        return texts, self.store.notes(user, thread, [self.one("buffer/n1:1")]), self.store.everything(user, thread)

    def try_heads(self, user: Any) -> Any:
        thread = self.one(THREAD)
        return self.store.heads(user, thread), self.store.events(user, thread), self.store.totals(user, thread)

    def try_picture(self, user: Any) -> Any:
        thread = self.one(THREAD)
        return self.store.picture(user, thread, self.one("p1")), self.store.picture_ids(user, thread)

    def try_drop_pictures(self, user: Any) -> Any:
        return self.store.drop_pictures(user, self.one(THREAD), ["p1"])

    def try_put_picture(self, user: Any) -> Any:
        self.store.put_pictures(user, self.one(THREAD), {"p1": b"mine"})

    def try_cached(self, user: Any) -> Any:
        self.store.put_cached(user, self.one("c1"), b"mine", self.one(THREAD), "0")
        return self.store.cached(user, self.one("c1"))

    def try_append(self, user: Any) -> Any:
        turn = Turn(str(self.one("m1")), (Message("human", "mine"), Message("ai", "mine")), at=1.0, index=0)
        return self.store.append(user, self.one(THREAD), turn, Trace("turn", 0, turn.id, 1.0), {"h1": "mine"})

    def try_put_thread(self, user: Any) -> Any:
        self.store.put_thread(user, Thread(self.one(THREAD), "mine", 1.0, 1.0), self.chance.random() < 0.1)

    def try_put_state(self, user: Any) -> Any:
        thread, key = self.one(THREAD), self.one("buffer")
        return self.store.put_state(user, thread, key, self.chance.choice(["0:", "0:0", ""]), State(covered=0))

    def try_delete(self, user: Any) -> Any:
        thread = self.one(THREAD)
        way = self.chance.choice([self.store.delete_thread, self.store.restore_thread, self.store.clear])
        return way(user, thread)

    def try_purge(self, user: Any) -> Any:
        return self.store.purge(user, self.one(THREAD))

    def try_erase(self, user: Any) -> Any:
        return self.store.erase(user)

    def try_settings(self, user: Any) -> Any:
        return self.store.put_settings(user, {"instructions": "mine"})

    def try_debts(self, user: Any) -> Any:
        self.store.paid(user, [f"{THREAD}/{SECRET}"[: self.chance.randint(0, 12)]])
        return self.store.owed(user)

    def try_experiments(self, user: Any) -> Any:
        name = self.one(EXPERIMENT)
        read = self.store.experiments(user), self.store.experiments(user, True), self.store.experiment(user, name)
        return read, self.store.parts(user, name, ["recording:0:0", self.one("record")])

    def try_put_experiment(self, user: Any) -> Any:
        name, new = self.one(EXPERIMENT), self.chance.random() < 0.2
        self.store.put_part(user, name, str(self.one("recording:0:0")), b"mine", new)
        self.store.put_experiment(user, name, b"{}", new)

    def try_drop_experiment(self, user: Any) -> Any:
        ways = [self.store.delete_experiment, self.store.restore_experiment, self.store.purge_experiment]
        return self.chance.choice(ways)(user, self.one(EXPERIMENT))

    def try_claim(self, user: Any) -> Any:
        return self.store.claim(user, "mine", self.chance.choice([0, 60])), self.store.claimed(user)

    def try_shelf(self, user: Any) -> Any:
        field = self.chance.choice([field_of(("facts",), SECRET[:3]), str(self.one('["facts","f1"]'))])
        return self.store.shelf.news(user, self.chance.choice([0, -1, 10**6]), self.chance.choice(["-", "", field]))

    def try_put_on_shelf(self, user: Any) -> Any:
        row = Row(("facts",), "k", {"content": "mine"}, 1.0, 1.0)
        field = field_of((str(self.one(OWNER)), "facts"), str(self.one("k")))
        return self.store.shelf.put(user, {field: self.chance.choice([row, None])}, 1.0)

    def try_erase_shelf(self, user: Any) -> Any:
        return self.store.shelf.erase(user), self.store.shelf.documents.erase(user)

    def try_documents(self, user: Any) -> Any:
        kept = self.store.shelf.documents
        return kept.listed(user), kept.contents(user, [self.document, str(self.one(self.document))])

    def try_drop_document(self, user: Any) -> Any:
        return self.store.shelf.documents.delete(user, str(self.one(self.document)))

    def try_library(self, user: Any) -> Any:
        library = self.retrieval.library(self.store.shelf, user, lambda call: None)
        return library.search(f"What is the gate {SECRET[:3]} called?", 5), library.listed()

    def try_items(self, user: Any) -> Any:
        items = self.retrieval.items(self.store.shelf, user, lambda call: None)
        wanted: Any = self.chance.choice([None, {}, {"content": {"$ne": ""}}, {"content": {"$gt": ""}}, {"$or": []}])
        prefix = self.chance.choice([(), ("facts",), (OWNER,), (OWNER, "facts"), (str(self.one(OWNER)),)])
        query = self.chance.choice([None, "", "city", "My city is"])
        return items.batch(
            [
                SearchOp(prefix, wanted, 50, 0, query),
                GetOp(self.chance.choice([("facts",), prefix or ("x",)]), self.one(SECRET[:-1])),
                ListNamespacesOp(None, None, 50, 0),
            ]
        )

    def try_put_items(self, user: Any) -> Any:
        items = self.retrieval.items(self.store.shelf, user, lambda call: None)
        namespace = self.chance.choice([("facts",), (OWNER, "facts"), (str(self.one(OWNER)),)])
        value = self.chance.choice([{"content": "mine"}, None])
        return items.batch([PutOp(namespace, self.chance.choice(["k", SECRET[:-1], str(self.one("k"))]), value)])

    def try_vectors(self, user: Any) -> Any:
        thread = self.one(THREAD)
        ids: Any = self.chance.choice([None, [], [str(self.one("m1"))], [f"{OWNER}/{THREAD}/m1"], ["../" + THREAD]])
        return self.vectors.get(user, thread, ids), self.vectors.ids(user)

    def try_put_vectors(self, user: Any) -> Any:
        id = self.chance.choice(["m1", f"{OWNER}/{THREAD}/m1", f"../{THREAD}/m1", str(self.one("m1"))])
        return self.vectors.put(user, self.one(THREAD), [id], np.zeros((1, WIDTH)))

    def try_delete_vectors(self, user: Any) -> Any:
        thread = self.chance.choice([None, {}, "", self.one(THREAD)])
        ids: Any = self.chance.choice([None, [], ["m1"], [f"{OWNER}/{THREAD}/m1"], [""]])
        return self.vectors.delete(user, thread, ids), self.vectors.erase(user)

    def try_lessons(self, user: Any) -> Any:
        names = [identity(user, str(self.one("window")), str(self.one("you"))) for _ in range(2)]
        return Desk(self.store, user).all(), identities(self.store, user), [self.store.threads(one) for one in names]

    def try_export(self, user: Any) -> Any:
        return export_user(self.store, user), export_thread(self.store, user, self.one(THREAD))

    def try_search(self, user: Any) -> Any:
        thread = replace(Thread(THREAD), id=self.one(THREAD))
        found = thread_search.search(self.store, user, SECRET[:-1], self.chance.choice([None, [thread]]))
        return [one.hits for one in found.conversations]

    def try_forget(self, user: Any) -> Any:
        if self.chance.random() < 0.95:  # it looks through all files, which takes long
            return self.try_turns(user)
        thread = self.one(THREAD)
        ways: list[Callable[[], Any]] = [
            lambda: forgetting.forget_turn(self.store, self.retrieval, user, thread, 0),
            lambda: forgetting.forget_thread(self.store, self.retrieval, user, thread),
            lambda: forgetting.forget_item(self.store, self.retrieval, user, json.dumps(["facts", SECRET[:-1]])),
            lambda: forgetting.forget_document(self.store, self.retrieval, user, self.document),
        ]
        return self.chance.choice(ways)()


def attacked(store: Store, vectors: Vectors, tries: int, seed: int) -> Counter[str]:
    """Attack at random; what is the victim's is what it was, and nobody else has seen it."""
    victim = Victim(store, Retrieval(embedding("hashing"), InMemoryVectors()), vectors)
    before = victim.everything()
    assert SECRET in before
    attacker = Attacker(victim, seed)
    for _ in range(tries):
        attacker.once()
    assert attacker.leaked == []
    assert victim.everything() == before
    assert attacker.told["answered"] > tries // 10, "most would be refused for no other reason than a wrong type"
    print(f"{tries:,} tries: {dict(attacker.told)}, 0 reads, 0 writes of another's data")
    return attacker.told


def test_nobody_reaches_anothers_in_the_process() -> None:
    attacked(InMemoryStore(), InMemoryVectors(), TRIES // 2, 1)


def test_nobody_reaches_anothers_in_redis(embedded: Connection) -> None:
    store = RedisStore(embedded)
    attacked(store, InMemoryVectors(), TRIES // 2, 2)
    # Nobody made a key that would be another's, or that is nobody's.
    for key in map(bytes.decode, embedded.client.keys("*")):
        assert key.startswith("mi:{"), key
        assert key.count("{") == key.count("}") == 1, key


def test_nobody_reaches_anothers_vectors_in_chroma(tmp_path: Any) -> None:
    from memory.retrieval.chroma import Chroma

    vectors = ChromaVectors(Chroma.embedded(tmp_path), "attacked", WIDTH)
    victim = Victim(InMemoryStore(), Retrieval(embedding("hashing"), InMemoryVectors()), vectors)
    vectors.put("attacker", THREAD, ["m1"], np.ones((1, WIDTH)))
    before = victim.everything()
    attacker = Attacker(victim, 3)
    attacker.moves = [(name, move) for name, move in attacker.moves if "vectors" in name]
    for _ in range(max(100, TRIES // 100)):
        attacker.once()
    vectors_now = victim.everything()
    vectors.close()
    assert attacker.leaked == []
    assert vectors_now == before
