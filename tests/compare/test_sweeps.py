"""Memories are chosen in groups: one with its settings, or with one setting over several values."""

from __future__ import annotations

import pytest

from memory.compare.experiment import MOST_RUNS, Experiment, Sweep
from memory.compare.sweeps import Group, groups_of, laid_out, listed, read_values, span
from memory.errors import BadInput

WINDOW, VECTOR, ATTENTION = "ConversationBufferWindowMemory", "VectorStoreRetrieverMemory", "AttentionMemory"


def swept(memory: str, setting: str, text: str, **settings: object) -> Group:
    return read_values(Group(memory, settings, setting), listed(text))


def test_a_range_is_told_as_its_values() -> None:
    assert str(swept(VECTOR, "k", "2, 5, 10, 20")) == "vector k = 2, 5, 10, 20"
    assert str(Group(VECTOR, {"k": 3, "search": "lexical"})) == "vector k = 3; search = lexical"
    assert str(Group(WINDOW)) == "window"


def test_values_are_read_as_the_memory_reads_them_each_once() -> None:
    assert swept(VECTOR, "k", " 2; 5,, 5 , 10").values == (2, 5, 10)
    assert swept(ATTENTION, "temperature", "0.1, 0.10, 1").values == (0.1, 1.0)
    assert swept(VECTOR, "search", "automatic, lexical").values == (None, "lexical")
    assert swept(VECTOR, "score_threshold", "automatic, 0.5").values == (None, 0.5)


@pytest.mark.parametrize("text", ["-1", "2, many", "1.5", "1e9", "<b>2</b>"])
def test_a_value_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="ConversationBufferWindowMemory: k: "):
        swept(WINDOW, "k", text)


def test_a_span_counts_in_decimals() -> None:
    assert span("0.1", "0.5", "0.1") == ["0.1", "0.2", "0.3", "0.4", "0.5"]
    assert span("2", "21", "6") == ["2", "8", "14", "20"]
    assert span("100", "100", "5") == ["100"]


@pytest.mark.parametrize(
    "row",
    [
        *[("5", "2", "1"), ("1", "2", "0"), ("a", "2", "1"), ("NaN", "2", "1"), ("1", "inf", "1"), ("0", "1", "inf")],
        *[("0", "1e999999", "1"), ("0", "1e999999", "1e-999999"), ("1e999", "1e999", "1"), ("0", "1", "1e-999")],
    ],
)
def test_a_span_that_goes_nowhere_is_refused(row: tuple[str, str, str]) -> None:
    with pytest.raises(BadInput, match="by a step above 0"):
        span(*row)


def test_a_span_of_more_values_than_are_run_is_refused() -> None:
    with pytest.raises(BadInput, match="at most 40 are run"):
        span("0", "1000000000", "1")


def test_a_group_over_several_values_becomes_a_sweep() -> None:
    columns, sweeps = laid_out([Group(WINDOW, {"k": 7}), swept(VECTOR, "k", "2, 4", search="lexical")])
    assert [column.spec for column in columns] == [
        f"{WINDOW}:k=7",
        f"{VECTOR}:search=lexical,k=2",
        f"{VECTOR}:search=lexical,k=4",
    ]
    assert sweeps == (Sweep("k", 1, 3),)


def test_the_same_memory_with_the_same_settings_is_run_once() -> None:
    columns, sweeps = laid_out([Group(WINDOW, {"k": 5}), Group(WINDOW), swept(WINDOW, "k", "5, 6")])
    assert [column.open().settings.model_dump()["k"] for column in columns] == [5, 6]
    assert sweeps == ()


def test_more_than_forty_runs_are_refused_with_the_remedy() -> None:
    most = swept(WINDOW, "k", ",".join(map(str, range(MOST_RUNS))))
    assert len(laid_out([most])[0]) == MOST_RUNS
    with pytest.raises(BadInput, match="take one out"):
        laid_out([most, Group(VECTOR)])


def test_an_experiment_is_taken_apart_into_the_groups_it_was_made_of() -> None:
    groups = [Group(WINDOW, {"k": 7}), swept(VECTOR, "k", "2, 4", search="lexical"), Group("ConversationBufferMemory")]
    columns, sweeps = laid_out(groups)
    assert groups_of(Experiment("e", "", "replay", columns, sweeps=sweeps)) == groups
