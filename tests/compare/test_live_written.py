"""What is taken away of a live comparison holds what was said, what it took and who still knew the fact."""

from __future__ import annotations

import csv as sheets
import io
import json
from decimal import Decimal

from memory.compare.live_written import Told, csv, markdown, to_json
from tests.compare.test_live import BUFFER, PLANTED, WINDOW, begun, said

HOSTILE = '=HYPERLINK("https://evil.example") | <script>alert(1)</script> [a](http://x.example)'


def test_every_message_has_each_columns_answer_figures_and_what_its_prompt_knew() -> None:
    live = said(begun(BUFFER, WINDOW), *PLANTED)
    told = json.loads(to_json(Told.of(live)))
    assert [column["memory"] for column in told["columns"]] == [BUFFER.memory, WINDOW.memory]
    assert [one["text"] for one in told["messages"]] == list(PLANTED)
    asked = told["messages"][-1]
    assert asked["fact"] == {"message": 1, "text": "My name is Alex."}
    buffer, window = asked["columns"]
    assert (buffer["knew"], buffer["answer"]) == ("sent", "Your name is Alex.")
    assert (window["knew"], window["why"]) == ("missing", "outside the last k=1 turns")
    assert buffer["input_tokens"] > window["input_tokens"] > 0
    assert Decimal(buffer["cost_uncached"]) > 0
    assert told["messages"][0]["fact"] is None
    assert told["messages"][0]["columns"][0]["knew"] is None


def test_the_fact_that_was_chosen_by_hand_is_the_one_that_is_judged() -> None:
    live = said(begun(BUFFER, WINDOW), *PLANTED)
    rounds = live.read().rounds
    told = Told.of(live.ask_for(rounds[3].id, rounds[2].id)).messages[-1]
    assert (told.fact, [reply.knew for reply in told.replies]) == (3, ["sent", "sent"])
    assert Told.of(live.ask_for(rounds[3].id, "")).messages[-1].fact == 0


def test_a_sheet_has_a_row_for_each_message_and_column_and_no_formula() -> None:
    live = said(begun(BUFFER, WINDOW), HOSTILE, "What did I say?")
    rows = list(sheets.DictReader(io.StringIO(csv(Told.of(live)))))
    assert [(row["message"], row["column"]) for row in rows] == [("1", "A"), ("1", "B"), ("2", "A"), ("2", "B")]
    assert rows[0]["text"].startswith("'=HYPERLINK")
    assert all(Decimal(row["cost"]) >= 0 for row in rows)


def test_a_report_shows_words_as_they_are_and_says_that_a_demo_answered() -> None:
    report = markdown(Told.of(said(begun(BUFFER, WINDOW), HOSTILE, "My name is Alex.", "What is my name?")))
    assert "<script>" not in report
    assert "[a](" not in report
    assert "no language model" in report
    assert "It asks for message 2: “My name is Alex.”" in report
    assert "| A | in the prompt" in report
    assert "- A: Your name is Alex." in report


def test_a_column_that_was_added_later_has_no_figures_of_the_turns_before_it() -> None:
    live = said(begun(BUFFER, WINDOW), "My name is Alex.")
    live = said(live.add(BUFFER), "What is my name?")
    told = Told.of(live)
    assert [reply.turn.ai if reply.turn else None for reply in told.messages[1].replies] == ["Your name is Alex."] * 3
    assert len(told.messages) == 2
