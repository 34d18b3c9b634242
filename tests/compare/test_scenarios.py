"""Every shipped scenario is whole, and what it claims is measured; a teacher's own stand beside them."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from memory.catalog import load as catalog
from memory.commands._given import recordings_of
from memory.compare.claims import Claim, held
from memory.compare.collect import run_of
from memory.compare.results import RunResult
from memory.compare.scenarios import Scenario, load, scenario, scenarios
from memory.errors import BadInput
from memory.replay import Replay
from memory.retrieval.embeddings import embedding
from memory.services import Models

NAMES = list(scenarios())
OWN: dict[str, Any] = {
    "scenario": "own",
    "title": "Tea",
    "about": "Somebody drinks tea. Watch the tea.",
    "suggested": ["buffer", "none"],
    "talk": [{"human": "I drink tea.", "id": "tea"}, {"ai": "Noted."}],
    "questions": [{"ask": "What do I drink?", "evidence": ["tea"], "now": "tea"}],
    "claims": [{"memory": "buffer", "question": 1, "evidence": "found"}],
}


@cache
def results(name: str) -> dict[str, RunResult]:
    """Run every memory that a scenario suggests or its claims speak of, with what needs no key and no model's file."""
    chosen = scenarios()[name]
    replay = Replay(chosen.recording, Models(), embedding("hashing"), prompts=False)
    found = {}
    for spec in dict.fromkeys((*chosen.suggested, *(spec for claim in chosen.claims for spec in claim.memories))):
        with replay.run(catalog().memory(spec)) as run:
            found[spec] = run_of(run)
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMORY_INSPECTOR_SCENARIOS", str(tmp_path))
    return tmp_path


def put(folder: Path, name: str, **changed: Any) -> None:
    (folder / name).write_text(json.dumps(OWN | changed), encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_scenario_claims_is_what_a_replay_measures(name: str) -> None:
    verdicts = {str(claim): held(claim, results(name)) for claim in scenarios()[name].claims}
    assert {claim: verdict.measured for claim, verdict in verdicts.items() if not verdict.held} == {}


@pytest.mark.parametrize("name", NAMES)
def test_every_memory_that_is_suggested_runs_to_the_end_and_they_differ(name: str) -> None:
    runs = [results(name)[spec] for spec in scenarios()[name].suggested]
    assert not [run for run in runs if run.failed or run.errors]
    assert len({(run.totals.prompt_tokens, run.totals.own_calls) for run in runs}) > 1


@pytest.mark.parametrize("name", NAMES)
def test_of_every_question_one_memory_has_the_answer_and_another_has_not(name: str) -> None:
    claims = scenarios()[name].claims
    for number in range(1, len(scenarios()[name].recording.questions) + 1):
        said = [claim.says for claim in claims if claim.question == number]
        assert {"found", "new"} & {*said}
        assert {"missing", "part", "neither", "old"} & {*said}


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_is_a_natural_talk_with_questions_that_its_messages_answer(name: str) -> None:
    chosen = scenarios()[name]
    turns = chosen.recording.turns
    assert (name == "short-chat" and len(turns) == 3) or 10 <= len(turns) <= 40
    assert all(turn.human and turn.ai and turn.at for turn in turns)
    said = {message.source: message.content for turn in turns for message in turn.messages}
    assert len({*said.values()}) == len(said), "nothing is said twice"
    assert len(re.findall(r"[.?!](?= |$)", chosen.about)) == 2, "two sentences"
    for question in chosen.recording.questions:
        assert question.evidence
        assert any(question.now in said[id] for id in question.evidence if question.now) or name == "two-annas"
        assert all(question.before in said[id] for id in question.outdated[-1:])
    for spec in chosen.suggested:
        catalog().memory(spec)


def test_no_shipped_scenario_is_broken_and_each_is_there_once() -> None:
    assert load().broken == ()
    assert len(NAMES) == len({chosen.title for chosen in scenarios().values()}) >= 14


def test_a_claim_that_does_not_hold_says_what_was_measured() -> None:
    verdict = held(Claim("window:k=5", "evidence", 1, "found"), results("early-fact"))
    assert (verdict.held, verdict.measured) == (False, "missing")
    verdict = held(Claim("summary", "calls", least=1, most=2), results("early-fact"))
    assert (verdict.held, verdict.measured) == (False, "14")
    claim = Claim("window:k=2", "cost", least=1, most=99, crosses="buffer")
    assert held(claim, results("cheap-prefix")).measured == "not known", "it is not the dearer in the end"
    failed = {"buffer": RunResult(failed="The model is away.")}
    assert held(Claim("buffer", "calls"), failed).measured == "The model is away."


def test_a_claim_reads_as_a_sentence() -> None:
    said = {str(claim) for name in ("moved", "cheap-prefix") for claim in scenarios()[name].claims}
    assert "Question 1, kg: its notes hold both" in said
    assert "buffer: cost with caching is more than that of window:k=2 from turn 15 on" in said
    assert "buffer: cost without caching 1.6 to 1.8 times that of window:k=3" in said


def test_a_teachers_own_scenario_stands_behind_the_shipped_ones_and_is_read_again_when_it_changes(folder: Path) -> None:
    put(folder, "own.json")
    assert list(scenarios()) == [*NAMES, "own"]
    own = scenario("own")
    assert isinstance(own, Scenario)
    assert own.recording.questions[0].now == "tea"
    put(folder, "own.json", title="Green tea")
    assert scenario("own").title == "Green tea"
    (folder / "own.json").unlink()
    assert list(scenarios()) == NAMES


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scenario": "moved"}, "scenario: moved is taken; choose another name"),
        ({"scenario": "../x"}, "scenario: is no name; write up to 100 letters, digits and hyphens"),
        ({"suggested": ["buffer"]}, "suggested: has 1; name 2 to 6 memories"),
        ({"suggested": ["buffer", "windw"]}, "suggested[1]: There is no memory 'windw'; did you mean 'window'?"),
        ({"abuot": ""}, "abuot: is not known; did you mean about?"),
        ({"title": 7}, "title: must be text; "),
        (
            {"questions": [{"ask": "Tea?", "evidence": ["te"]}]},
            "questions[0].evidence[0]: te names no message; did you",
        ),
        (
            {"claims": [{"memory": "buffer", "question": 2, "evidence": "found"}]},
            "claims[0].question: must be the number",
        ),
        (
            {"claims": [{"memory": "buffer", "question": 1, "evidence": "yes"}]},
            "claims[0].evidence: 'yes' cannot be mea",
        ),
        ({"claims": [{"memory": "buffer", "question": 1}]}, "claims[0]: must say one thing; give one of evidence, why"),
        ({"claims": [{"memory": "buffer", "calls": 3}]}, "claims[0].calls: must be a list"),
        ({"claims": [{"memory": "buffer", "calls": [3]}]}, "claims[0].calls: must be two numbers; write [from, to]"),
        ({"claims": [{"memory": "buffer", "calls": [1, 2], "question": 1}]}, "claims[0].question: take it out, since"),
        ({"claims": [{"memory": "buffer", "calls": [1, 2], "crosses": "none"}]}, "claims[0]: compares in a way that"),
    ],
)
def test_a_broken_file_is_named_with_its_place_and_the_remedy_and_stops_nothing(
    folder: Path, changed: dict[str, Any], said: str
) -> None:
    put(folder, "a.json", **changed)
    put(folder, "b.json")
    assert list(scenarios()) == [*NAMES, "own"]
    (broken,) = load().broken
    assert broken.file == "a.json"
    assert broken.error.startswith(said)
    assert "\n" not in broken.error


def test_what_is_no_scenario_at_all_is_named_as_well(folder: Path) -> None:
    (folder / "a.json").write_text("{", encoding="utf-8")
    (folder / "b.json").mkdir()
    (folder / "c.json").symlink_to(folder / "gone")
    (folder / "d.json").write_text('[{"role": "user", "content": "Hi"}]', encoding="utf-8")
    (folder / "e.txt").write_text("left alone", encoding="utf-8")
    assert [one.file for one in load().broken] == ["a.json", "b.json", "c.json", "d.json"]
    assert list(scenarios()) == NAMES


def test_a_folder_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEMORY_INSPECTOR_SCENARIOS", str(tmp_path / "gone"))
    assert [one.error[:23] for one in load().broken] == ["there is no such folder"]
    assert list(scenarios()) == NAMES


def test_the_command_line_takes_a_scenario_by_its_name() -> None:
    assert recordings_of("scenario:moved", "auto", None) == (scenario("moved").recording,)
    with pytest.raises(BadInput, match=r"no scenario 'movd'; did you mean moved\? There are early-fact, moved, "):
        recordings_of("scenario:movd", "auto", None)
