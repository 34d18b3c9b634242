"""Each kind of claim on a lesson that was played: it is held where it is so, not where it is not, and else unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from memory.lessons.claims import OTHER_MODEL, judge, predicted
from memory.lessons.lesson import KINDS, Predict
from memory.lessons.live import Live
from memory.models import provider_of
from memory.services import Models
from memory.store import Store
from tests.lessons.small import claim, lesson, played, say, stage_of

COLOR = (
    say("My favorite color is blue."),
    say("I live in Lyon."),
    say("I have a cat called Mina."),
    say("Do you remember what my favorite color is?"),
)


@pytest.fixture(scope="module")
def window() -> Live:
    return played(lesson("window:k=2", *COLOR, instructions="Be brief, and think of green."))


def held(live: Live, **row: Any) -> bool | None:
    return judge(claim(**row), live).held


@pytest.mark.parametrize(
    ("row", "so"),
    [
        ({"sent": [2, 3]}, True),
        ({"sent": [1, 2, 3]}, False),
        ({"sent": [3]}, False),
        ({"turn": 1, "sent": []}, True),
        ({"includes": [3]}, True),
        ({"includes": [1, 3]}, False),
        ({"stored_only": [1]}, True),
        ({"stored_only": [1], "why": "last k=2"}, True),
        ({"stored_only": [1], "why": "budget"}, False),
        ({"stored_only": [2]}, False),
        ({"stored_only": [1, 2]}, False),
        ({"stored_only": [4]}, False),
        ({"turn": 1, "alone": True}, True),
        ({"alone": True}, False),
        ({"prompt_has": ["cat called Mina", "LYON"]}, True),
        ({"prompt_has": ["Mina", "blue"]}, False),
        ({"prompt_has": ["Min"]}, False),
        ({"prompt_lacks": ["blue"]}, True),
        ({"prompt_lacks": ["Min"]}, False),
        ({"stored_has": ["blue"]}, True),
        ({"turn": 2, "stored_has": ["blue"]}, False),
        ({"stored_has": ["purple"]}, False),
        ({"picture_sent": False}, True),
        ({"picture_sent": True}, False),
        ({"called": "manage_memory"}, False),
        ({"figure": "turns_sent", "is": "=", "number": 2}, True),
        ({"figure": "turns_sent", "is": ">", "number": 2}, False),
        ({"figure": "prompt_tokens", "is": ">", "than": {"figure": "prompt_tokens", "turn": 1}}, True),
        ({"figure": "prompt_tokens", "is": "<", "than": {"figure": "prompt_tokens", "turn": 1}, "factor": 99}, True),
        ({"figure": "prompt_tokens", "is": "=", "than": {"figure": "tokens_total", "turn": 1}, "turn": 1}, True),
    ],
)
def test_a_claim_about_a_prompt_is_measured_on_what_was_sent(window: Live, row: dict[str, Any], so: bool) -> None:
    verdict = judge(claim(**row), window)
    assert (verdict.held, bool(verdict.measured)) == (so, True)


def test_instructions_and_message_are_not_what_memory_put_into_the_prompt(window: Live) -> None:
    assert held(window, prompt_has=["green"]) is False
    assert held(window, prompt_lacks=["green", "remember"]) is True


@pytest.mark.parametrize(
    "row",
    [
        {"turn": 9, "sent": []},
        {"turn": 9, "alone": True},
        {"turn": 9, "prompt_lacks": ["blue"]},
        {"turn": 9, "notes_lack": ["blue"]},
        {"turn": 9, "stored_only": [1]},
        {"turn": 9, "called": "manage_memory"},
        {"turn": 9, "picture_sent": False},
        {"turn": 9, "figure": "prompt_tokens", "is": "<", "number": 9},
        {"figure": "score_best", "is": "<", "number": 9},
        {"best": 1},
        {"lint": {"memory": "window:k=2", "rule": 2, "holds": True}},
        {"compared": {"memory": "buffer", "question": 1, "evidence": "found"}},
        {"crossing": {"memories": ["buffer", "vector"], "caching": True}, "turn": 9},
        {"gone": ["blue"]},
        {"kept_from": "you", "words": ["blue"]},
        {"thread": "other", "stored_has": ["blue"]},
    ],
)
def test_what_cannot_be_measured_is_unknown_and_never_true(window: Live, row: dict[str, Any]) -> None:
    assert held(window, **row) is None


def test_every_kind_of_claim_is_unknown_before_anything_was_played() -> None:
    live = stage_of(lesson("window:k=2", *COLOR)).live()
    rows: dict[str, Any] = {
        "sent": [],
        "includes": [],
        "stored_only": [],
        "alone": True,
        "best": 1,
        "picture_sent": False,
        "called": "x",
        "kept_from": "you",
        "figure": "prompt_tokens",
        "lint": {"memory": "buffer", "rule": 1, "holds": True},
        "crossing": {"memories": ["buffer", "window"], "caching": False},
        "compared": {"memory": "buffer", "question": 1, "evidence": "found"},
    }
    more = {"kept_from": {"words": ["x"]}, "figure": {"is": "<", "number": 1}}
    found = {kind: held(live, **{kind: rows.get(kind, ["x"])}, **more.get(kind, {})) for kind in KINDS}
    assert set(found.values()) == {None}


def test_a_claim_about_the_demo_models_words_is_not_judged_with_another_model(window: Live) -> None:
    other = replace(window, models=Models(chat="openai:gpt-5-mini", memory="openai:gpt-5-mini", key="sk-x"))
    assert provider_of(other.models.chat) == "openai"
    verdict = judge(claim(demo=True, sent=[2, 3]), other)
    assert (verdict.held, verdict.measured) == (None, OTHER_MODEL)
    assert judge(claim(demo=True, sent=[2, 3]), window).held is True


def test_what_a_memory_noted_is_measured_after_the_turn() -> None:
    live = played(lesson("summary", say("My sister Lena is a pilot."), say("She lives in Porto.")))
    assert held(live, turn=1, notes_have=["Lena"])
    assert held(live, turn=1, notes_lack=["Porto"])
    assert held(live, notes_have=["Porto"])
    assert held(live, notes_lack=["Porto"]) is False
    assert held(live, turn=2, prompt_has=["Lena"])
    assert held(live, turn=2, sent=[])
    assert held(live, stored_only=[1])


def test_after_a_switch_the_notes_are_those_of_the_memory_that_reads_now() -> None:
    live = played(lesson("buffer", say("My sister Lena is a pilot."), {"use": "summary"}))
    assert held(live, notes_have=["Lena"])


def test_what_is_remembered_of_a_person_is_told_from_what_holds_no_longer() -> None:
    live = played(
        lesson("profile", say("I live in Oslo."), {"reflect": True}, say("I moved to Lisbon."), {"reflect": True})
    )
    assert held(live, facts_have=["Lisbon"])
    assert held(live, facts_lack=["Oslo"])
    assert held(live, superseded_have=["Oslo"])
    assert held(live, facts_have=["Oslo"]) is False
    assert held(live, superseded_have=["Lisbon"]) is False


TWO = [{"id": "alice", "name": "Alice"}, {"id": "bob", "name": "Bob"}]


def test_words_are_kept_from_somebody_only_where_another_has_them(store: Store) -> None:
    talk = (say("I learn LangChain.", person="alice"), say("I learn Python.", person="bob"))
    live = played(lesson("buffer", *talk, people=TWO), store)
    assert held(live, kept_from="bob", words=["LangChain"]) is True
    assert held(live, kept_from="alice", words=["LangChain"]) is None
    assert held(live, kept_from="bob", words=["Haskell"]) is None
    both = played(
        lesson("buffer", *talk, say("Alice learns LangChain.", person="bob"), people=TWO, lesson="both"), store
    )
    assert held(both, kept_from="bob", words=["LangChain"]) is False


def test_words_are_gone_only_when_they_were_said_and_forgotten_and_stand_nowhere(store: Store) -> None:
    said = (say("My number is 555 0199."), say("I like tea."))
    before = played(lesson("summary", *said), store)
    assert held(before, gone=["555 0199"]) is None
    after = played(lesson("summary", *said, {"forget": {"turn": 1}}, lesson="after"), store)
    assert held(after, gone=["555 0199"]) is True
    assert held(after, gone=["tea"]) is False
    assert held(after, gone=["coffee"]) is None


def test_the_turn_that_a_search_ranked_first_is_named_whether_it_was_sent_or_not() -> None:
    talk = [
        say("The Great Library stood in Alexandria."),
        say("I like tea."),
        say("Where did the Great Library stand?"),
    ]
    live = played(lesson("vector:k=1", *talk))
    assert held(live, best=1) is True
    assert held(live, best=2) is False


def test_the_turn_from_which_a_memory_costs_more_is_that_of_the_projection(window: Live) -> None:
    of = {"memories": ["buffer", "window:k=2"]}
    uncached = judge(claim(crossing={**of, "caching": False, "turns": [2, 40]}), window)
    assert uncached.held is True
    assert "from turn" in uncached.measured
    assert held(window, crossing={**of, "caching": False, "turns": [499, 500]}) is False
    assert held(window, crossing={**of, "caching": False}) is False
    assert held(window, crossing={"memories": ["window:k=2", "buffer"], "caching": False}) is True


def test_a_comparison_is_measured_by_its_scenarios_own_claims() -> None:
    live = played(lesson("buffer", {"compare": {"scenario": "moved", "memories": ["buffer", "window:k=1"]}}))
    assert held(live, compared={"memory": "buffer", "question": 1, "evidence": "found"}) is True
    assert held(live, compared={"memory": "window:k=1", "question": 1, "evidence": "found"}) is False
    assert held(live, compared={"memory": "summary", "question": 1, "evidence": "found"}) is None


def test_a_turn_that_is_stopped_before_the_model_is_measured_as_far_as_it_came() -> None:
    stage = stage_of(lesson("window:k=2", COLOR[0], say("What is it?", until="model")))
    stage.play(1).join()
    live = stage.live()
    assert held(live, turn=2, sent=[1]) is True
    assert held(live, turn=2, prompt_has=["blue"]) is True
    assert held(live, turn=2, figure="history_tokens", **{"is": ">", "number": 0}) is True
    assert held(live, turn=2, figure="output_tokens", **{"is": ">", "number": 0}) is None
    assert held(live, turn=2, notes_lack=["blue"]) is None
    stage.fresh()


def test_what_came_of_a_claim_stays_as_it_was_when_its_step_ended() -> None:
    said = {"says": "It is stored.", "turn": 1, "stored_has": ["555 0199"]}
    steps = [
        {"title": "Say", "text": "", "play": [say("My number is 555 0199."), say("I like tea.")], "claims": [said]},
        {"title": "Forget", "text": "", "play": [{"forget": {"turn": 1}}]},
    ]
    stage = stage_of(lesson("buffer", steps=steps))
    for number in (1, 2):
        stage.play(number).join()
    assert [verdict.held for verdict in stage.judged(1)] == [True]
    assert judge(stage.step(1).claims[0], stage.live()).held is False


def test_a_guessed_number_is_right_within_its_share(window: Live) -> None:
    asked = Predict.model_validate(
        {"ask": "How many?", "number": {"figure": "prompt_tokens"}, "within": 0.1, "because": "So it is."}
    )
    tokens = float(predicted(asked, window, 0).measured)
    assert predicted(asked, window, tokens * 1.05).held is True
    assert predicted(asked, window, tokens * 1.2).held is False
    assert predicted(asked, stage_of(lesson("buffer")).live(), tokens).held is None


def test_a_rule_that_was_checked_is_kept_or_broken_and_one_that_was_not_is_unknown() -> None:
    live = played(lesson("window:k=1", *COLOR[:2], {"lint": "window:k=1"}))
    reports = live.lints["window:k=1"]
    kept = next(check.rule for report in reports for check in report.checks if check.verdict == "holds")
    unknown = {check.rule for report in reports for check in report.checks} ^ set(range(1, 13))
    row = {"memory": "window:k=1", "rule": kept}
    assert held(live, lint={**row, "holds": True}) is True
    assert held(live, lint={**row, "holds": False}) is False
    assert all(held(live, lint={**row, "rule": rule, "holds": True}) is None for rule in unknown)


def test_a_tool_that_the_model_called_is_named() -> None:
    live = played(lesson("collection:formation=active", say("Remember that I prefer dark mode.")))
    assert held(live, called="manage_memory") is True
    assert held(live, called="search_memory") is False
