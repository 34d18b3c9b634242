"""A link restores settings, holds nothing else, and is refused in one sentence where it cannot be read."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.catalog import load
from memory.compare.experiment import MOST_RUNS, Column, Experiment, Source, Sweep
from memory.compare.link import LONGEST, from_query, to_query
from memory.errors import BadInput

WINDOW, VECTOR = "ConversationBufferWindowMemory", "VectorStoreRetrieverMemory"


def written(row: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(row).encode()).decode().rstrip("=")


def refused(text: str) -> str:
    """Return the sentence, which is one line that ends with a stop and says what to do."""
    with pytest.raises(BadInput) as caught:
        from_query(text)
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    assert said.startswith("The link ")
    assert len(said) < 600
    return said


def full(**changes: Any) -> Experiment:
    of: dict[str, Any] = {
        "id": "secret-id",
        "title": "My own title",
        "kind": "replay",
        "columns": (
            Column(WINDOW, {"k": 3}),
            *(Column(VECTOR, {"search": "lexical", "k": k}) for k in (2, 5, 10)),
            Column("ConversationSummaryMemory", {}, "openai:gpt-5"),
        ),
        "source": Source("scenario", "moved"),
        "sweeps": (Sweep("k", 1, 4),),
        "model": "openai:gpt-5",
        "memory_model": "openai:gpt-5-mini",
        "price_as": "openai:gpt-5",
        "embedding": "hashing",
        "budget": 4000,
        "answer": True,
    }
    return Experiment(**{**of, **changes})


def test_a_link_restores_memories_settings_sweeps_and_models() -> None:
    before = full()
    after = from_query(to_query(before))
    for name in ("kind", "columns", "sweeps", "source", "model", "memory_model", "price_as", "embedding", "budget"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.answer is True


def test_a_link_holds_no_id_no_title_and_no_name_of_a_conversation() -> None:
    text = to_query(full(source=Source("thread", "What my doctor said"), columns=(Column(WINDOW, {}, "", "thread-1"),)
                         * 2, sweeps=()))  # fmt: skip
    held = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    for private in ("secret-id", "My own title", "doctor", "thread-1"):
        assert private not in held
    assert from_query(text).source == Source("thread", "")


def test_a_link_names_the_file_that_it_was_made_for() -> None:
    source = Source("file", "Gespräche é.json")
    assert from_query(to_query(full(source=source))).source == source


def test_every_memory_of_the_catalogue_goes_through_a_link() -> None:
    columns = tuple(Column(name) for name in load().memories)
    assert from_query(to_query(full(columns=columns, sweeps=()))).columns == columns


def test_forty_columns_fit_into_a_link() -> None:
    columns = tuple(Column(VECTOR, {"k": k, "search": "lexical", "max_token_limit": 1000}) for k in range(MOST_RUNS))
    text = to_query(full(columns=columns, sweeps=(Sweep("k", 0, MOST_RUNS),)))
    assert len(text) <= LONGEST
    assert from_query(text).columns == columns


def test_settings_that_are_too_long_are_refused_with_the_remedy() -> None:
    facts = {f"fact {number}": "x" * 100 for number in range(100)}
    with pytest.raises(BadInput, match="too long for a link: compare fewer"):
        to_query(full(columns=(Column("SimpleMemory", {"memories": facts}),), sweeps=()))


@pytest.mark.parametrize("text", ["", "%%%", "ä", "e30=e30", "!!!!", "AAAA", "-_-_", "eyJ2IjoxLCJj", "bnVsbA", "W10"])
def test_what_is_no_link_is_refused(text: str) -> None:
    refused(text)


def test_an_oversized_link_is_refused_before_it_is_read() -> None:
    assert "at most 6,000 are read" in refused("A" * 50_000_000)


def test_a_link_of_a_newer_version_says_so() -> None:
    assert "newer version" in refused(written({"v": 2, "z": 1}))


def test_a_link_of_an_older_version_says_so() -> None:
    assert "no longer understood" in refused(written({"v": 0, "c": []}))


@pytest.mark.parametrize(
    "row",
    [
        {"c": [["nobody", {}]]},
        {"c": [["window", {"k": -1}]]},
        {"c": [["window", {"k": "<script>alert(1)</script>"}]]},
        {"c": [["window", {"<b>": 1}]]},
        {"c": [["window\n\n# Heading", {}]]},
        {"c": [["window", {}, "m" * 300]]},
        {"c": [["window", {}]] * 41},
        {"c": []},
        {"c": "window"},
        {"c": [["window"]]},
        {"c": [["window", {}]], "k": "live"},
        {"c": [["window", {}]], "k": "other"},
        {"c": [["window", {}]], "key": "sk-1"},
        {"c": [["window", {}]], "b": 1.5},
        {"c": [["window", {}]], "b": -1},
        {"c": [["window", {}]], "a": "yes"},
        {"c": [["window", {}]], "s": ["elsewhere", "x"]},
        {"c": [["window", {}]], "s": ["file", "a\u202eb\x00"]},
        {"c": [["window", {}]], "e": "/etc"},
        {"c": [["window", {}]], "e": "~/models"},
        {"c": [["window", {}]], "m": ""},
        {"c": [["window", {}]], "w": [["k", 0, 2]]},
        {"c": [["window", {}]], "w": [["k", -1, 1]]},
        {"c": [["window", {}]], "w": [["nothing", 0, 1]]},
        {"c": [["window", {}], ["buffer", {}]], "w": [["k", 0, 2]]},
        {"c": [["window", {}]] * 3, "w": [["k", 0, 2], ["k", 1, 3]]},
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(row: dict[str, Any]) -> None:
    refused(written({"v": 1, **row}))


def test_deep_and_endless_json_is_refused() -> None:
    refused(base64.urlsafe_b64encode(b"[" * 4000).decode())
    refused(base64.urlsafe_b64encode(b'{"v":' + b"9" * 4000 + b"}").decode())
    refused(base64.urlsafe_b64encode(b'{"v":1,"c":[["window",{"k":NaN}]]}').decode())


@settings(max_examples=200)
@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode()))
def test_nothing_but_a_sentence_comes_of_any_bytes(raw: bytes) -> None:
    for text in (raw.decode("utf-8", "replace"), base64.urlsafe_b64encode(raw).decode()):
        refused(text)
