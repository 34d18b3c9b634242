"""A scenario's claims stand beside the run: held, not held, or of a memory that is not in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memory.compare.claimed import claimed, differs, scenario_of
from memory.compare.experiment import Experiment, Source
from memory.compare.keeping import packed, unpacked
from memory.compare.report import markdown
from memory.compare.results import Results
from memory.compare.scenarios import scenario
from memory.formats.recording import Recording
from tests.compare.small import experiment, run_all


@pytest.fixture(scope="module")
def ran() -> tuple[Experiment, Results, list[Recording]]:
    recordings = [unpacked(packed(scenario("early-fact").recording))]
    one = experiment(["buffer", "window:k=5", "window:k=2"], recordings)
    return replace(one, source=Source("scenario", "early-fact")), run_all(one, recordings), recordings


def test_claims_of_memories_in_the_run_are_measured_and_the_others_are_left_open(
    ran: tuple[Experiment, Results, list[Recording]],
) -> None:
    one, results, recordings = ran
    found = scenario_of(one, recordings)
    assert found
    said = {str(row.claim): row.verdict and (row.verdict.held, row.column) for row in claimed(found, one, results)}
    assert len(said) == len(found.claims)
    assert said["Question 1, buffer: found"] == (True, 0)
    assert said["Question 1, window:k=5: missing"] == (True, 1)
    assert said["window:k=5: tokens of all prompts 0.5 to 0.7 times that of buffer"] == (True, 1)
    assert said["Question 1, summary: missing"] is None
    assert {row.verdict for row in claimed(found, one, {}) if row.verdict} == set()


def test_a_claim_that_does_not_hold_here_says_what_was_measured(
    ran: tuple[Experiment, Results, list[Recording]],
) -> None:
    one, results, recordings = ran
    swapped: Results = {(0, 0): results[0, 2], (0, 1): results[0, 1]}
    found = scenario_of(one, recordings)
    assert found
    first = claimed(found, one, swapped)[0]
    assert first.verdict
    assert (first.verdict.held, first.verdict.measured) == (False, "missing")


def test_claims_are_not_held_against_another_conversation(ran: tuple[Experiment, Results, list[Recording]]) -> None:
    one, _, recordings = ran
    other = scenario("moved").recording
    assert scenario_of(one, [other]) is None
    assert scenario_of(one, [replace(recordings[0], turns=recordings[0].turns[1:])]) is None
    assert scenario_of(replace(one, source=Source("scenario", "gone")), recordings) is None
    assert scenario_of(replace(one, source=Source("file", "early-fact")), recordings) is None


def test_settings_that_can_change_what_is_measured_are_named(ran: tuple[Experiment, Results, list[Recording]]) -> None:
    one = ran[0]
    assert differs(one) == []
    other = replace(one, memory_model="openai:gpt-5-nano", price_as="openai:gpt-4o", budget=2000)
    assert differs(other) == [
        "own calls by openai:gpt-5-nano",
        "prices of openai:gpt-4o",
        "a budget of 2,000 tokens",
    ]


def test_a_report_says_of_each_claim_that_was_measured_whether_it_held(
    ran: tuple[Experiment, Results, list[Recording]],
) -> None:
    one, results, recordings = ran
    said = markdown(one, {(0, 0): results[0, 2], (0, 1): results[0, 1]}, recordings)
    assert "## What the scenario says will happen" in said
    assert "| Question 1, buffer: found | missing | did not hold |" in said
    assert "| Question 1, window:k=5: missing | missing | held |" in said
    assert "summary" not in said
    assert "a claim may fail for that alone" not in said
    assert "a claim may fail for that alone" in markdown(replace(one, budget=2000), results, recordings)
    assert "scenario says" not in markdown(one, results, [scenario("moved").recording])
