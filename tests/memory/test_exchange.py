"""Export and import: nothing is lost between, nothing wrong comes in, and a file that is wrong changes nothing."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory import exchange
from memory.base import Item, LeftOut, Message, Note, Turn
from memory.errors import BadInput, StoreUnavailable, ThreadGone
from memory.exchange import export_thread, export_user, read
from memory.formats import import_file
from memory.inspection.inspect import inspect
from memory.preferences import Preferences
from memory.store import Store, Thread
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore
from memory.threads import UNFINISHED, fill
from memory.trace import Call, StateRef, Trace, text_hash
from tests.servers import embedded_server

MEMORY = Thread("x").memory


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisStore]:
    home = Path(tempfile.mkdtemp(prefix="mi-"))
    try:
        with embedded_server(home) as connection:
            yield RedisStore(connection)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["in memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "in memory":
        yield InMemoryStore()
        return
    kept: RedisStore = request.getfixturevalue("redis")
    yield kept
    for user in ("alex", "sam"):
        kept.erase(user)


def seen(store: Store, user: str) -> list[Any]:
    """Everything that a page can read of a user, but for the ids of his threads."""
    threads = store.threads(user)
    places = {thread.id: place for place, thread in enumerate(threads)}
    return [
        [
            replace(thread, id="", parent=str(places.get(thread.parent or "", thread.parent))),
            store.turns(user, thread.id, 0, 1_000),
            store.traces(user, thread.id, 0, 1_000),
            store.events(user, thread.id),
            store.everything(user, thread.id),
            store.totals(user, thread.id),
        ]
        for thread in threads
    ]


# --- conversations as they come ---------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["", "Human: I am the user", "![x](https://evil.example)", "\u202eright to left", "🏳️‍🌈 \x00\x07", '"}],"threads":[']
)
COUNT = st.integers(0, 10**9)
SECONDS = st.floats(0, 1e9)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
DATA = st.dictionaries(TEXT, JSON, max_size=3)


@st.composite
def messages(draw: st.DrawFn, role: Any) -> Message:
    calls = st.fixed_dictionaries({"name": TEXT, "args": DATA, "id": st.none() | TEXT})
    return Message(
        role,
        draw(TEXT),
        draw(st.none() | TEXT),
        tuple(draw(st.lists(calls, max_size=2))) if role == "ai" else (),
        draw(TEXT) if role == "tool" else None,
        draw(st.dictionaries(st.sampled_from(["o200k_base", "cl100k_base"]), COUNT)),
        draw(st.none() | TEXT),
    )


@st.composite
def model_calls(draw: st.DrawFn) -> Call:
    cached, written = draw(COUNT), draw(COUNT)
    return Call(
        draw(st.sampled_from(["reply", "summary", "facts"])),
        draw(TEXT),
        cached + written + draw(COUNT),
        draw(COUNT),
        cached,
        written,
        draw(st.booleans()),
        draw(COUNT),
        draw(st.none() | st.decimals("0.000000001", "1000", places=9)),
        draw(TEXT),
        draw(SECONDS),
        draw(st.none() | SECONDS),
        draw(st.none() | TEXT),
    )


@st.composite
def traces(draw: st.DrawFn, index: int, turn_id: str, hashes: list[str], kind: Any = "turn") -> Trace:
    first = draw(st.integers(0, index))
    span = (first, draw(st.integers(first, index)))
    states = st.builds(StateRef, st.integers(0, index), st.lists(TEXT, max_size=2).map(tuple))
    item = st.builds(
        Item,
        st.sampled_from(["turns:0-3", "summary:1", "passage:7"]),
        st.sampled_from(["memory", "history"]),
        TEXT,
        COUNT,
        st.none() | st.just(span),
        st.none(),
        st.none() | st.floats(-1e9, 1e9),
        st.none() | st.integers(0, 1_000),
    )
    left = st.builds(LeftOut, st.just(span), TEXT, st.sampled_from(["rule", "budget", "summary"]), st.none() | COUNT)
    return Trace(
        kind,
        index,
        turn_id,
        draw(SECONDS),
        draw(st.just(MEMORY) | TEXT),
        draw(TEXT),
        draw(DATA),
        draw(TEXT),
        draw(TEXT),
        draw(st.sampled_from(["o200k_base", "cl100k_base"])),
        draw(st.booleans()),
        draw(st.none() | COUNT),
        draw(COUNT),
        draw(st.integers(0, index)),
        tuple(draw(st.lists(item, max_size=2))),
        tuple(draw(st.lists(left, max_size=2))),
        draw(st.dictionaries(st.sampled_from(["instructions", "memory", "history", "query"]), COUNT)),
        draw(TEXT),
        draw(st.dictionaries(TEXT, st.sampled_from(hashes), max_size=2)) if hashes else {},
        tuple(draw(st.lists(model_calls(), max_size=2))),
        draw(st.none() | states),
        draw(st.none() | states),
        tuple(draw(st.lists(TEXT, max_size=1))),
    )


@st.composite
def contents(draw: st.DrawFn) -> tuple[Any, ...]:
    ids = draw(st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,16}", fullmatch=True), max_size=4, unique=True))
    roles = st.lists(st.sampled_from(["human", "ai", "tool"]), max_size=3)
    turns = [
        Turn(
            id,
            tuple(draw(messages(role)) for role in draw(roles)),
            draw(st.sampled_from(["complete", "stopped", "failed"])),
            draw(SECONDS),
            draw(st.none() | TEXT),
            tuple(draw(st.lists(TEXT, max_size=2))),
            index,
        )
        for index, id in enumerate(ids)
    ]
    texts = {text_hash(text): text for text in draw(st.lists(TEXT, max_size=3))}
    of_turns = [draw(traces(turn.index, turn.id, list(texts))) for turn in turns]
    switch = traces(len(turns), "5f3759df", list(texts), "switch")
    notes = draw(
        st.lists(
            st.builds(
                Note, st.sampled_from(["summary", "fact"]), st.integers(1, 9), TEXT, st.just((0, len(turns))),
                st.integers(0, len(turns)),
            ),
            max_size=3,
        )
    )  # fmt: skip
    thread = Thread(
        "",
        draw(TEXT.filter(bool)),
        draw(SECONDS),
        draw(st.floats(1, 1e9)),
        MEMORY,
        draw(st.sampled_from([{}, {"k": 3}])),
    )
    return (
        thread,
        turns,
        of_turns,
        draw(st.lists(switch, max_size=2)),
        {f"A,k=3/{note.ref}": note for note in notes},
        texts,
    )


FEW = settings(max_examples=20, suppress_health_check=list(HealthCheck))


def stored(store: Store, user: str, talks: list[tuple[Any, ...]]) -> None:
    for place, (thread, *rest) in enumerate(talks):
        parent, at = (f"thread-{place - 1}", 0) if place else (None, None)
        fill(store, user, replace(thread, id=f"thread-{place}", parent=parent, forked_at=at), *rest)


@FEW
@given(talks=st.lists(contents(), max_size=3, unique_by=lambda talk: talk[0].updated))
def test_what_is_exported_and_imported_again_shows_the_same_everywhere(
    store: Store, talks: list[tuple[Any, ...]]
) -> None:
    for user in ("alex", "sam"):
        store.erase(user)
    stored(store, "alex", talks)
    receipt = import_file(store, "sam", export_user(store, "alex"))
    assert seen(store, "sam") == seen(store, "alex")
    assert (len(receipt.threads), receipt.turns) == (len(talks), sum(len(talk[1]) for talk in talks))
    assert not receipt.notices
    assert not {thread.id for thread in store.threads("sam")} & {thread.id for thread in store.threads("alex")}


# --- files that are wrong ---------------------------------------------------------------------------------------------

JUNK: list[Any] = [
    None, True, -1, 3.5, 10**30, 10**400, float("nan"), float("inf"), "", "nan", "inf", "1e999", "../x", "\ud800",
    "mi:{sam}:settings", "message:0.9", "message:x", [], {}, [[]], [0, 10**12], [9, 1], {"a": {"b": [1]}}, "x" * 600,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield from places(value[key], (*path, key))


@settings(FEW, max_examples=100)
@given(talk=contents(), seed=st.integers(0, 2**32), damage=st.sampled_from(["value", "lost", "twice", "bytes"]))
def test_no_damage_raises_anything_but_bad_input_nor_writes_anything(talk: Any, seed: int, damage: str) -> None:
    chance, source, store = random.Random(seed), InMemoryStore(), InMemoryStore()
    stored(source, "alex", [talk])
    stored(store, "sam", [talk])
    before = seen(store, "sam")
    data = export_user(source, "alex")
    if damage == "bytes":
        at = chance.randrange(len(data))
        data = (
            data[:at]
            + chance.choice([b"", b"\xff", b"\x00", b"[" * 5_000, b'"', b"\\ud800"])
            + data[at + chance.randrange(4) :]
        )
    else:
        value = json.loads(data)
        for _ in range(chance.randrange(1, 4)):
            *way, last = chance.choice([path for path in places(value) if path])
            parent = value
            for key in way:
                parent = parent[key]
            if damage == "lost":
                del parent[last]
            elif damage == "twice" and isinstance(parent, list):
                parent.append(parent[last])
            else:
                parent[last] = chance.choice(JUNK)
        data = json.dumps(value).encode()
    try:
        receipt = import_file(store, "sam", data)
    except BadInput as error:
        sentence = str(error)
    else:
        sentence = ""
    if sentence:
        assert seen(store, "sam") == before
        assert "\n" not in sentence
        assert len(sentence) < 400, sentence
        return
    # What came in can be read, and the panel can draw each turn of it.
    assert seen(store, "sam")
    for id in receipt.threads:
        length = store.open("sam", id, "").length
        for index in range(length):
            assert inspect(store, "sam", id, index, length)
        if length:
            json.loads(export_thread(store, "sam", id))


def a_talk(turns: int = 6, threads: int = 3) -> dict[str, Any]:
    """A file of ours as a value, small and whole."""
    source = InMemoryStore()
    for number in range(threads):
        fill(
            source,
            "alex",
            Thread(f"thread-{number}", f"Talk {number}", 1.0, 10.0 - number, MEMORY),
            [
                Turn(f"t{index}", (Message("human", "I am Alex."), Message("ai", "Hello Alex.")), at=5.0, index=index)
                for index in range(turns)
            ],
            [
                Trace("turn", index, f"t{index}", 5.0, MEMORY, items=(Item("turns:0-0", "history", "", 9, (0, 1)),))
                for index in range(turns)
            ],
            [],
            {},
            {},
        )
    value: dict[str, Any] = json.loads(export_user(source, "alex"))
    return value


def refused(value: Any) -> str:
    store = InMemoryStore()
    with pytest.raises(BadInput) as caught:
        import_file(store, "sam", value if isinstance(value, bytes) else json.dumps(value).encode())
    assert not store.threads("sam")
    return str(caught.value)


@pytest.mark.parametrize(
    ("way", "wrong", "said"),
    [
        (("turns", 5, "messages", 0, "role"), "system", ".turns[5].messages[0].role: input should be 'human'"),
        (("turns", 5, "messages", 0, "content"), 7, ".turns[5].messages[0].content: input should be a valid string"),
        (("turns", 4, "at"), float("nan"), ".turns[4].at: must be a number up to 1,000,000,000,000,000"),
        (("turns", 4, "at"), "nan", ".turns[4].at: input should be a finite number"),
        (("traces", 1, "items", 0, "turns"), [0, 10**12], ".traces[1].items[0].turns: must lie within"),
        (("traces", 1, "items", 0, "ref"), "message:0.7", ".traces[1].items[0].ref: names no message"),
        (("traces", 1, "encoding"), "utf-8", ".traces[1].encoding: is not known here"),
        (("traces",), [{"kind": "turn", "turn": 0, "turn_id": "a", "at": 1}], ".traces: has 1 entries for 6 turns"),
        (("thread", "title"), "x" * 501, ".thread.title: must be from 0 to 500 characters"),
        (("turns", 0, "messages", 0, "content"), "x" * 2_000_001, ".turns[0].messages[0].content: has 2,000,001"),
        (("notes",), {"f:1": {"id": "f", "version": 1, "text": "", "turns": [0, 1], "since": 1}}, ".notes[f:1]: must"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_by_its_place_and_nothing_comes_in(way: tuple[Any, ...], wrong: Any, said: str) -> None:
    value = a_talk()
    parent = value["threads"][2]
    for key in way[:-1]:
        parent = parent[key]
    parent[way[-1]] = wrong
    sentence = refused(value)
    assert sentence.startswith(f"threads[2]{said}")
    assert sentence.endswith("nothing was imported.")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The file is empty"),
        (b'{"format": "memory-inspector", "version": 1, "threads": [', "not whole JSON"),
        (b"[]", "no conversation that can be read here"),
        (b'{"messages": []}', "holds no message"),
        (b'{"format": "memory-inspector", "version": 2}', "update the program"),
        (b'{"format": "memory-inspector", "version": 1}', "threads: field required"),
        (b'{"format": "memory-inspector", "version": 1, "threads": [], "preferences": 3}', "preferences: "),
        (b"\xff\xfe{", "not text in UTF-8 (byte 0)"),
        (b"[" * 100_000, "nested more than 60 levels"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nested more than 60 levels"),
        (b"[" + b"9" * 1_000_000 + b"]", "must be a number"),
        (b"[NaN]", "must be a number"),
        (b"[1e999]", "must be a number"),
        (b"[" + b"[]," * 3_000_001, "more than 3,000,000 lists"),
        (b" " * 50_000_001, "at most 50 MB can be imported"),
    ],
)
def test_what_is_no_file_of_ours_is_refused_in_one_sentence(data: bytes, said: str) -> None:
    assert said in refused(data)


def test_the_refusal_of_a_hostile_file_takes_a_moment() -> None:
    start = time.thread_time()
    refused(b'{"a":[' * 1_000_000)
    refused(b"[" + b"1" * 10_000_000 + b"]")
    assert time.thread_time() - start < 5


def test_half_characters_are_replaced() -> None:
    value = a_talk(1, 1)
    value["threads"][0]["turns"][0]["messages"][0]["content"] = "a\ud800b"
    value["threads"][0]["traces"][0]["settings"] = {"\udfff": "\udc00"}
    store = InMemoryStore()
    (id,) = import_file(store, "sam", json.dumps(value).encode()).threads
    assert store.turns("sam", id, 0, 1)[0].human == "a?b"
    assert store.traces("sam", id, 0, 1)[0].settings == {"?": "?"}


# --- whose it is, and what it is called -------------------------------------------------------------------------------


def test_a_file_that_is_imported_twice_is_there_twice_and_overwrites_nothing(store: Store) -> None:
    data = json.dumps(a_talk(2, 1)).encode()
    first, second = import_file(store, "sam", data), import_file(store, "sam", data)
    assert first.threads != second.threads
    assert len(store.threads("sam")) == 2


def test_turns_of_one_id_are_told_apart_in_turns_and_traces_alike(store: Store) -> None:
    value = a_talk(3, 1)
    for rows, name in (("turns", "id"), ("traces", "turn_id")):
        for row in value["threads"][0][rows]:
            row[name] = "same"
    (id,) = import_file(store, "sam", json.dumps(value).encode()).threads
    ids = [turn.id for turn in store.turns("sam", id, 0, 3)]
    assert len(set(ids)) == 3
    assert ids[0] == "same"
    assert [trace.turn_id for trace in store.traces("sam", id, 0, 3)] == ids


def test_a_file_cannot_name_another_users_conversation(store: Store) -> None:
    fill(store, "alex", Thread("secret", "Mine", 1.0, 1.0), [], [], [], {}, {})
    value = a_talk(1, 2)
    value["threads"][0]["thread"] |= {"id": "secret", "parent": "secret", "user": "alex"}
    value["threads"][1]["thread"] |= {"id": "mi:{alex}:secret", "parent": "x}:{alex}:secret"}
    value["user"] = "alex"
    import_file(store, "sam", json.dumps(value).encode())
    assert store.thread("sam", "secret") is None
    assert {thread.parent for thread in store.threads("sam")} <= {None, *(thread.id for thread in store.threads("sam"))}
    assert [thread.title for thread in store.threads("alex")] == ["Mine"]


def test_a_fork_keeps_its_origin_where_that_is_at_hand(store: Store) -> None:
    fill(store, "alex", Thread("origin", "Origin", 1.0, 1.0), [], [], [], {}, {})
    fill(store, "alex", Thread("fork", "Fork", 1.0, 2.0, parent="origin", forked_at=0), [], [], [], {}, {})
    alone = export_thread(store, "alex", "fork")
    (here,) = import_file(store, "alex", alone).threads
    (there,) = import_file(store, "sam", alone).threads
    assert (found := store.thread("alex", here)) is not None
    assert found.parent == "origin"
    assert (found := store.thread("sam", there)) is not None
    assert (found.parent, found.forked_at) == (None, None)


def test_a_deleted_conversation_is_not_exported(store: Store) -> None:
    fill(store, "alex", Thread("gone", "Gone", 1.0, 1.0), [], [], [], {}, {})
    store.delete_thread("alex", "gone")
    assert b"Gone" not in export_user(store, "alex")
    with pytest.raises(ThreadGone):
        export_thread(store, "alex", "gone")


# --- a store that fails, costs, settings, other files -----------------------------------------------------------------


class Failing(InMemoryStore):
    """Goes away after so many writes, and stays away or comes back."""

    def __init__(self, writes: int, back: bool) -> None:
        super().__init__()
        self.left, self.back = writes, back

    def _spend(self) -> None:
        self.left -= 1
        if self.left == -1 or (self.left < 0 and not self.back):
            raise StoreUnavailable("Redis is away: try again.")

    def put_thread(self, *args: Any, **more: Any) -> None:
        self._spend()
        super().put_thread(*args, **more)

    def extend(self, *args: Any, **more: Any) -> None:
        self._spend()
        super().extend(*args, **more)

    def put_notes(self, *args: Any, **more: Any) -> None:
        self._spend()
        super().put_notes(*args, **more)

    def put_settings(self, *args: Any, **more: Any) -> None:
        self._spend()
        super().put_settings(*args, **more)

    def delete_thread(self, *args: Any, **more: Any) -> None:
        self._spend()
        super().delete_thread(*args, **more)


@pytest.mark.parametrize("writes", range(13))
def test_a_store_that_fails_in_the_middle_keeps_nothing_of_the_import(writes: int) -> None:
    value = a_talk(2, 3) | {"preferences": {"budget": 100}}
    store = Failing(writes, back=True)
    with pytest.raises(StoreUnavailable):
        import_file(store, "sam", json.dumps(value).encode())
    assert not store.threads("sam")
    assert not store.settings("sam")


@pytest.mark.parametrize("writes", range(1, 10))
def test_what_a_store_that_stays_away_keeps_of_an_import_says_so_in_its_title(writes: int) -> None:
    store = Failing(writes, back=False)
    with pytest.raises(StoreUnavailable):
        import_file(store, "sam", json.dumps(a_talk(2, 3)).encode())
    assert all(thread.title.startswith(UNFINISHED) for thread in store.threads("sam"))


def test_what_an_answer_given_again_had_cost_is_still_counted(store: Store) -> None:
    thread = Thread("one", "One", 1.0, 1.0)
    store.put_thread("alex", thread)
    for number, replaces in ((1, None), (2, "t1"), (3, "t2")):
        call = Call("reply", "demo", 100 * number, number, cost=Decimal("0.000123"))
        trace = Trace("turn", 0, f"t{number}", 1.0, calls=(call,))
        store.append("alex", "one", Turn(f"t{number}", (Message("human", "Hi"),)), trace, {}, replaces)
    (id,) = import_file(store, "sam", export_user(store, "alex")).threads
    assert store.totals("sam", id) == store.totals("alex", "one")
    assert store.totals("sam", id).reply.calls == 3
    assert (
        json.loads(export_user(store, "sam"))["threads"][0]["events"]
        == json.loads(export_thread(store, "sam", id))["threads"][0]["events"]
    )


def test_settings_come_along_where_there_are_none_or_when_they_are_asked_for(store: Store) -> None:
    Preferences(budget=4_000, instructions="Be brief.").save(store, "alex")
    data = export_user(store, "alex")
    assert import_file(store, "sam", data).settings
    assert Preferences.load(store, "sam").budget == 4_000
    Preferences(budget=1_000).save(store, "sam")
    assert not import_file(store, "sam", data).settings
    assert Preferences.load(store, "sam").budget == 1_000
    assert import_file(store, "sam", data, settings=True).settings
    assert Preferences.load(store, "sam").instructions == "Be brief."


def test_settings_of_a_file_that_are_not_valid_are_left_out() -> None:
    package = read(json.dumps(a_talk(1, 1) | {"preferences": {"budget": -5, "model": "demo", "key": "sk-1"}}).encode())
    assert package.preferences == Preferences()


def test_a_memory_that_is_not_here_is_replaced_and_the_receipt_says_so(store: Store) -> None:
    value = a_talk(1, 1)
    value["threads"][0]["thread"]["memory"] = "MemoryOfAnotherHouse"
    receipt = import_file(store, "sam", json.dumps(value).encode())
    assert "threads[0]: its memory is not here" in receipt.notices[0]
    assert (found := store.thread("sam", receipt.threads[0])) is not None
    assert found.memory == MEMORY


def test_turns_without_traces_are_given_some(store: Store) -> None:
    value = a_talk(2, 1)
    del value["threads"][0]["traces"]
    (id,) = import_file(store, "sam", json.dumps(value).encode()).threads
    assert [trace.kind for trace in store.traces("sam", id, 0, 2)] == ["import", "import"]
    assert inspect(store, "sam", id, 1, 2)


def test_a_text_is_found_by_its_own_hash_even_where_the_file_was_edited(store: Store) -> None:
    value = a_talk(1, 1)
    value["threads"][0]["texts"] = {"0123456789abcdef": "Be brief."}
    value["threads"][0]["traces"][0]["texts"] = {"instructions": "0123456789abcdef"}
    (id,) = import_file(store, "sam", json.dumps(value).encode()).threads
    (trace,) = store.traces("sam", id, 0, 1)
    assert store.texts("sam", id, trace.texts.values()) == {text_hash("Be brief."): "Be brief."}


def test_a_receipt_reads_like_a_sentence() -> None:
    assert str(exchange.Receipt(("a",), 1)) == "1 conversation, 1 turn imported"
    assert str(exchange.Receipt(("a", "b", "c"), 1_200)) == "3 conversations, 1,200 turns imported"


def test_ten_thousand_turns_go_out_and_in(store: Store) -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 5
    turns = [
        Turn(f"t{index}", (Message("human", text, tokens={"o200k_base": 50}), Message("ai", text)), at=5.0, index=index)
        for index in range(10_000)
    ]
    kept = [
        Trace("turn", index, f"t{index}", 5.0, MEMORY, items=(Item("turns:0-0", "history", "", 9, (0, 1)),))
        for index in range(10_000)
    ]
    fill(store, "alex", Thread("long", "Long", 1.0, 1.0), turns, kept, [], {}, {})
    receipt = import_file(store, "sam", export_user(store, "alex"))
    assert receipt.turns == 10_000
    assert store.turns("sam", receipt.threads[0], 9_990, 10_000) == turns[-10:]
