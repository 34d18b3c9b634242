"""The questions missed and why, contradictions, answers and what is taken away, drawn by Streamlit's own test runner.

python -m pytest tests/pages/test_compare_charts_missed.py
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from memory.base import Message, Turn
from memory.compare.experiment import Source
from memory.compare.misses import Missed, Told, contradictions, misses
from memory.compare.scenarios import scenario
from pages.ui.compare.contradictions import contradictions_table
from pages.ui.compare.marks import marks_of
from pages.ui.compare.misses import PAGE, near, nearness
from pages.ui.compare.questions import questions_table
from pages.ui.compare.takeaway import zipped
from tests.pages.compared import Case, compared, recording, show
from tests.pages.panels import drawn


@pytest.fixture(scope="module")
def case() -> Case:
    return compared("buffer", "window:k=2", "vector:k=1", "summary", answer=True)


def opened(case: Case, name: str, **state: object) -> AppTest:
    """Draw the results with one of the parts open that open when they are asked for."""
    return show(*case, **{f"compare_e1_{name}": True, **state})


def told(why: str) -> Told:
    return Told("h1", 1, 0, "Alex", "words", why)


def missed(*why: str, share: float = 0.0) -> Missed:
    return Missed(0, "talk", 0, "?", None, share, 0, (), tuple(map(told, why)), None, None)


# --- missed -----------------------------------------------------------------------------------------------------------


def test_who_is_chosen_shows_its_missed_questions_with_words_turn_speaker_and_reason(case: Case) -> None:
    app = show(*case, compare_e1_missed_column=1)
    found = misses(1, case[1], case[2])
    assert app.selectbox(key="compare_e1_missed_column").value == 1
    assert f"{len(found)} of 3 questions missed something" in drawn(app)
    for one in found:
        assert one.text in drawn(app)
        for message in one.missing:
            assert f"turn {message.turn + 1}, Alex: “{message.words}”" in drawn(app)
            assert f"not sent: {message.why}" in drawn(app)


def test_a_memory_that_missed_nothing_is_said_to_have_missed_nothing(case: Case) -> None:
    said = drawn(show(*case, compare_e1_missed_column=0))
    assert ":gray-badge[✓ nothing missed] A Buffer sent all evidence of 3 questions." in said


def test_at_first_the_one_is_shown_that_found_the_most_without_finding_everything(case: Case) -> None:
    assert show(*case).selectbox(key="compare_e1_missed_column").value == 2


def test_near_misses_come_first_and_are_named_so() -> None:
    order = [
        missed("rank 4 of top 3"),
        missed("rank 9 of top 3"),
        missed("rank 30 by likeness"),
        missed("outside the last k=3 turns", share=0.5),
        missed("outside the last k=3 turns"),
    ]
    mixed = [order[place] for place in (3, 1, 4, 0, 2)]
    assert sorted(mixed, key=nearness) == order
    assert [near(one.missing[0]) for one in order] == [True, False, False, False, False]


def test_missed_questions_are_filtered_by_category(case: Case) -> None:
    app = show(*case, compare_e1_missed_column=1)
    app.get("button_group")[0].set_value(["moved"]).run()
    assert "**Where do I live now?**" in drawn(app)
    assert "**Where does Maria work?**" not in drawn(app)


def test_many_missed_questions_are_paged() -> None:
    one = recording()
    many = replace(one, questions=tuple(replace(one.questions[0], text=f"Question {n}?") for n in range(25)))
    app = show(*compared("none", recordings=[many]))
    assert drawn(app).count("**Question ") == PAGE
    app.get("pagination")[0].set_value(3).run()
    assert drawn(app).count("**Question ") == 25 - 2 * PAGE


def test_questions_without_evidence_are_no_misses() -> None:
    one = recording()
    app = show(*compared("none", recordings=[replace(one, questions=one.questions[3:])]))
    assert "No question with evidence was asked." in drawn(app)


# --- said anew --------------------------------------------------------------------------------------------------------


def test_contradictions_say_in_words_which_of_the_two_was_sent(case: Case) -> None:
    said = drawn(show(*case))
    assert "old: turn 1, Alex: “Hello! I live in Oslo, on the east side.”" in said
    assert "new: turn 5, Alex: “Big news: I moved to Lisbon last week.”" in said
    table = contradictions_table(marks_of(case[0].columns), contradictions(case[1], case[2]))
    words = table["question 1"].tolist()
    assert words[0] == "± both"
    assert words[1] == "– neither"
    assert words[3].startswith("– neither")


# --- all questions ----------------------------------------------------------------------------------------------------


def test_all_questions_stand_with_the_right_answer_and_what_each_found_or_answered(case: Case) -> None:
    marks = marks_of(case[0].columns)
    found = questions_table(marks, case[1], case[2], answers=False)
    assert found["question"].tolist() == [one.text for one in case[2][0].questions]
    assert found["right answer"][0] == "In Lisbon."
    assert found["A Buffer"].tolist() == ["found", "found", "found", "none asked for"]
    assert found["B Window k 2"][0] == "0 of 1"
    answers = questions_table(marks, case[1], case[2], answers=True)
    assert answers["A Buffer"].tolist() == [row.answer for row in case[1][0, 0].questions]


def test_answers_of_the_demo_model_are_labelled(case: Case) -> None:
    app = opened(case, "questions")
    assert ":gray-badge[demo answers]" in drawn(app)
    assert "they say nothing of a real model's" in drawn(app)


def test_evidence_is_said_not_to_be_answer_accuracy(case: Case) -> None:
    assert "Evidence in the prompt is not answer accuracy" in drawn(show(*case))


# --- taken away -------------------------------------------------------------------------------------------------------


def test_there_is_a_download_for_each_form(case: Case) -> None:
    labels = [button.label for button in show(*case).get("download_button")]
    assert labels == ["JSON", "CSV by memory", "CSV by turn", "Report"]


def test_a_memory_leaves_as_code_with_the_conversation_as_its_test(case: Case) -> None:
    app = opened(case, "take_code")
    app.selectbox(key="compare_e1_take_code_memory").set_value(1).run()
    app.button(key="compare_e1_take_code_make").click().run()
    assert "Download 4 files" in [button.label for button in app.get("download_button")]
    found = app.session_state["compare_e1_take_code_made"][1]
    with zipfile.ZipFile(io.BytesIO(zipped(found.files))) as archive:
        assert sorted(archive.namelist()) == ["agent.py", "conversation.json", "requirements.txt", "test_agent.py"]
        assert "Lisbon" in archive.read("conversation.json").decode()


def test_only_the_forms_that_a_memory_has_are_offered(case: Case) -> None:
    app = opened(case, "take_code")
    app.selectbox(key="compare_e1_take_code_memory").set_value(2).run()
    assert len(app.radio[0].options) == 2
    assert "Not on LangChain alone" in drawn(app)


def test_a_conversation_that_no_test_can_replay_is_refused_in_a_sentence(case: Case) -> None:
    experiment, results, recordings = case
    silent = tuple(Turn(f"t{n}", (Message("human", "Hello?"),), index=n) for n in range(2))
    app = opened((experiment, results, (replace(recordings[0], turns=silent, questions=()),)), "take_code")
    app.button(key="compare_e1_take_code_make").click().run()
    assert ":red-badge[not made] moved has no turn in which both sides speak" in drawn(app)


# --- a scenario -------------------------------------------------------------------------------------------------------


def test_a_scenario_says_what_it_is_for_and_which_of_its_claims_held() -> None:
    moved = scenario("moved")
    experiment, results, recordings = compared("buffer", "window:k=2", recordings=(moved.recording,))
    case = (replace(experiment, source=Source("scenario", "moved")), results, recordings)
    app = opened(case, "claims")
    assert moved.about in drawn(app)
    (table,) = [one.value for one in app.dataframe if "it says" in one.value]
    assert len(table) == len(moved.claims)
    assert list(table.iloc[0]) == ["A Buffer", f"1. {moved.recording.questions[0].text}", "found", "found", "✓ held"]
    open_still = table[table["in this run"] == "– not in this run"]
    assert "Summary summarize_step 1" in set(open_still["memory"])
    measured = len(table) - len(open_still)
    assert f"What it says will happen: {measured} of {measured} claims held in this run" in app.expander[0].label
    assert "scenario is for" not in drawn(show(experiment, results, recordings))
