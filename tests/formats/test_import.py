"""Any file into a store: which format it is, what is kept of our own, what is said of the rest."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.base import Message, Turn
from memory.errors import BadInput
from memory.exchange import export_user
from memory.formats import FORMATS, import_file, read, read_files, to_package
from memory.formats.dates import seconds
from memory.formats.reading import format_of
from memory.formats.source import look
from memory.preferences import Preferences
from memory.store import Thread
from memory.stores.inmemory import InMemoryStore
from memory.threads import fill
from memory.trace import Trace
from tests.formats import (
    test_beam,
    test_chatgpt,
    test_langchain,
    test_locomo,
    test_longmemeval,
    test_openai,
    test_scenario,
    test_text,
)
from tests.formats.talks import DAMAGE, FEW, damaged, refused, sound_or_refused, written


def own() -> bytes:
    store = InMemoryStore()
    turns = [Turn("t0", (Message("human", "I am Alex."), Message("ai", "Hello.")), at=5.0, index=0)]
    traces = [Trace("turn", 0, "t0", 5.0, Thread("x").memory, budget=900)]
    fill(store, "alex", Thread("talk", "Alex", 1.0, 2.0), turns, traces, [], {}, {})
    Preferences(budget=900).save(store, "alex")
    return export_user(store, "alex")


FILES: dict[str, bytes] = {
    "inspector": own(),
    "scenario": written(test_scenario.FILE),
    "chatgpt": written(test_chatgpt.FILE),
    "longmemeval": written(test_longmemeval.FILE),
    "locomo": written(test_locomo.FILE),
    "beam": written({"chat": test_beam.CHAT, "probing_questions": test_beam.QUESTIONS}),
    "langchain": written(test_langchain.FILE),
    "openai": written(test_openai.FILE),
    "text": test_text.FILE.encode(),
}


def test_every_format_is_known_by_what_is_in_a_file() -> None:
    assert {name: format_of(look(data)) for name, data in FILES.items()} == {name: name for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_can_be_forced_and_refuses_the_files_of_others_in_one_line(name: str) -> None:
    for other, data in FILES.items():
        found = sound_or_refused(data, name) if other != "inspector" else ()
        assert not found or other == name or {name, other} <= {"openai", "langchain", "longmemeval", "locomo", "beam"}
    assert read(FILES[name], format=name) == read(FILES[name]) or name == "inspector"


def test_a_format_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="did you mean locomo"):
        read(b"User: a", "some.txt", "LoCoMo2")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_comes_into_a_store_and_can_be_exported_from_there(name: str) -> None:
    store = InMemoryStore()
    receipt = import_file(store, "sam", FILES[name])
    assert len(receipt.threads) == len(read(FILES[name]))
    (thread,) = store.threads("sam")
    assert thread.title
    turns = store.turns("sam", thread.id, 0, 99)
    assert [turn.messages for turn in turns] == [turn.messages for turn in read(FILES[name])[0].turns]
    if name != "inspector":
        assert {trace.kind for trace in store.traces("sam", thread.id, 0, 99)} == {"import"}
        assert time.time() - thread.updated < 60, "it is as recent as its import"
    (again,) = read(export_user(store, "sam"))
    assert [turn.messages for turn in again.turns] == [turn.messages for turn in turns]


def test_traces_and_settings_of_our_own_export_are_kept() -> None:
    store = InMemoryStore()
    assert import_file(store, "sam", FILES["inspector"]).settings
    (thread,) = store.threads("sam")
    assert store.traces("sam", thread.id, 0, 1)[0].budget == 900
    (recording,) = read(FILES["inspector"])
    assert recording.content
    assert to_package([recording]).threads == (recording.content,)


def test_what_comes_from_elsewhere_is_read_with_the_memory_chosen_last() -> None:
    store = InMemoryStore()
    Preferences(memory="ConversationSummaryMemory").save(store, "sam")
    (id,) = import_file(store, "sam", FILES["text"]).threads
    thread = store.thread("sam", id)
    assert thread
    assert thread.memory == "ConversationSummaryMemory"


def test_an_import_tells_how_far_it_is_and_one_that_is_stopped_leaves_nothing() -> None:
    store, told = InMemoryStore(), list[float]()
    import_file(store, "sam", FILES["locomo"], progress=told.append)
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert told == sorted(told)

    def stop(share: float) -> None:
        if share:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(store, "alex", FILES["locomo"], progress=stop)
    assert store.threads("alex") == []


def test_a_column_of_a_comparison_comes_in_as_a_conversation_of_its_own() -> None:
    store = InMemoryStore()
    store.put_thread("alex", Thread("column", "A column", 1.0, 1.0, experiment="e1"))
    (id,) = import_file(store, "sam", export_user(store, "alex")).threads
    thread = store.thread("sam", id)
    assert thread
    assert thread.experiment == ""


def test_what_a_thread_cannot_hold_is_said_with_the_name_of_its_conversation() -> None:
    two = read(written([test_locomo.FILE[0], test_locomo.FILE[0] | {"sample_id": "conv-2", "qa": []}]))
    assert to_package(two).notices[-1] == "Ann and Ben: 3 questions left out: a replay asks them."


@FEW
@given(
    st.recursive(st.sampled_from(DAMAGE), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner))
)
def test_no_json_raises_anything_but_bad_input(value: Any) -> None:
    for name in ("auto", *FORMATS):
        if name == "inspector":
            with pytest.raises(BadInput):
                read(written(value), "some.json", name)
        else:
            sound_or_refused(written(value), name)


@FEW
@given(seed=st.integers(0, 10**9), name=st.sampled_from(sorted(set(FORMATS) - {"text", "inspector"})))
def test_what_is_damaged_comes_in_whole_or_not_at_all(seed: int, name: str) -> None:
    store = InMemoryStore()
    try:
        receipt = import_file(store, "sam", written(damaged(json.loads(FILES[name]), seed)))
    except BadInput:
        assert not store.threads("sam")
    else:
        assert {thread.id for thread in store.threads("sam")} == set(receipt.threads)
        read(export_user(store, "sam"))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'{"messages": [' + b"[" * 100_000, "some.json is nested more than 60 levels deep"),
        (b'[{"role": "user", "content": ' + b"9" * 100_000 + b"}]", "some.json: [0].content: must be a number up to"),
        (b'[{"role": "user", "content": "a"}', "some.json is not whole JSON (line 1, column 34)"),
        (b'{"role": "user", "content": "a"}\n' + b"[" * 100_000, "some.json is nested more than 60 levels deep"),
        (b'{"role": "user", "content": "a"}\n[1e999]', "some.json: line 2[0]: must be a number up to"),
        (b'{"a": 1}', "some.json is no conversation that can be read here"),
    ],
)
def test_a_hostile_file_is_refused_in_one_line(data: bytes, sentence: str) -> None:
    assert refused(data).startswith(sentence)


def test_half_characters_are_replaced_and_the_name_of_a_file_is_one_line() -> None:
    (recording,) = read(b'[{"role": "user", "content": "a\\ud800b"}]')
    assert recording.turns[0].human == "a?b"
    with pytest.raises(BadInput, match=r"^a b is empty"):
        read(b"", "a\nb")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file or directory: give a file that can be read"):
        read_files(tmp_path / "lost.json")
    with pytest.raises(BadInput, match="is a directory"):
        read_files(tmp_path)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1:56 pm on 8 May, 2023", 1683554160.0),
        ("12:00 am on 1 January, 1970", 0.0),
        ("2023/05/20 (Sat) 02:21", 1684549260.0),
        ("March-15-2024", 1710460800.0),
        ("2024-03-15T01:00:00+01:00", 1710460800.0),
        ("13:00 pm on 8 May, 2023", None),
        ("31 February, 2024", None),
        ("8 Mayday, 99999", None),
        ("0001-01-01", None),
        ("yesterday", None),
    ],
)
def test_dates_are_read_in_utc_or_not_at_all(text: str, at: float | None) -> None:
    assert seconds(text) == at
