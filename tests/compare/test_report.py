"""What is taken away of a comparison: Markdown, CSV and JSON, also where titles and words are hostile."""

from __future__ import annotations

import csv as spreadsheet
import io
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from memory.compare.experiment import Column, Experiment, Source
from memory.compare.report import csv, csv_by_turn, markdown, plain
from memory.compare.results import Results
from memory.compare.written import read, to_json
from memory.errors import BadInput
from memory.formats import Recording
from tests.compare.small import experiment, priced, run_all, talk

HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "@SUM(A1)",
        "-2",
        "<script>alert(1)</script>",
        "![x](https://evil.example/a.png)",
        "[x](javascript:alert(1))",
        "a | b\n| --- | --- |\n# head\n\n> quote",
        "`code` **bold** _it_ ~~no~~ $x$ &lt; www.evil.example https://evil.example a@evil.example",
        "\\| \\` \x00 \x1b[31m \u202e",
        "<!-- -->",
        "",
    ]
)
FEW = settings(max_examples=60)


@pytest.fixture(scope="module")
def small() -> tuple[Experiment, Results, list[Recording]]:
    of = experiment(["window:k=1", "buffer", "summary"], [talk()])
    return of, run_all(of, [talk()]), [talk()]


def hostile(
    text: str, small: tuple[Experiment, Results, list[Recording]]
) -> tuple[Experiment, Results, list[Recording]]:
    """Put a text wherever somebody else's can stand."""
    of, results, [recording] = small
    turns = tuple(
        replace(turn, messages=tuple(replace(one, content=text, name=text) for one in turn.messages))
        for turn in recording.turns
    )
    questions = tuple(replace(one, text=text, category=text) for one in recording.questions)
    listed = replace(of.conversations[0], title=text, id=text)
    columns = (Column("ConversationBufferWindowMemory", {"k": 1, "note": text}), *of.columns[1:])
    of = replace(of, title=text, source=Source("file", text), conversations=(listed,), columns=columns, model=text)
    found = dict(results)
    found[0, 2] = priced("1", failed=text or "It broke.")
    return of, found, [replace(recording, title=text, turns=turns, questions=questions)]


def test_a_report_says_what_was_compared_and_what_it_means(
    small: tuple[Experiment, Results, list[Recording]],
) -> None:
    text = markdown(*small, embedding="hashing")
    assert text.startswith("# A move\n")
    for said in (
        "Counted and priced as openai:gpt-5-mini: its tokenizer's tokens, prices as of 20",
        "Searched with: hashing",
        "Evidence in the prompt is not answer accuracy",
        "| ConversationBufferMemory | ",
        "- ConversationBufferMemory: 100.0 % for ",
        "bound: the evidence alone, 100.0 % for ",
        "**Where does Ann live?** New: “I moved to Lisbon.”. Old: “I live in Oslo.”.",
        "### ConversationBufferWindowMemory:k=1: 2 questions not found whole",
        "a2, turn 2, Ann: “I moved to Lisbon.”: outside the last k=1 turns",
    ):
        assert said in text, said
    assert "demo" not in text.replace("Memories' own calls: demo", "")


def test_an_answer_of_the_demo_model_is_labelled_as_one(small: tuple[Experiment, Results, list[Recording]]) -> None:
    of, results, recordings = small
    rows = tuple(replace(row, answer="In Rome.") for row in results[0, 0].questions)
    answered = {**results, (0, 0): replace(results[0, 0], questions=rows)}
    text = markdown(replace(of, answer=True), answered, recordings)
    assert "built-in demo model, which is no language model" in text
    assert "demo answer: “In Rome.”" in text


def test_a_report_without_words_has_none_of_the_conversation(
    small: tuple[Experiment, Results, list[Recording]],
) -> None:
    for text in (markdown(*small, words=False), to_json(*small, words=False)):
        assert "Lisbon" not in text
        assert "Where does" not in text
        assert "ConversationBufferMemory" in text


@FEW
@given(text=HOSTILE)
def test_no_text_of_anybodys_changes_how_a_report_is_drawn(
    text: str, small: tuple[Experiment, Results, list[Recording]]
) -> None:
    def shape(report: str) -> list[tuple[str, str]]:
        tokens = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"]).parse(report)
        inner = [one for token in tokens for one in token.children or ()]
        kinds = {one.type for one in inner}
        assert kinds <= {"text", "strong_open", "strong_close", "softbreak", "text_special"}, kinds
        return [(token.type, token.tag) for token in tokens if token.type != "inline"]

    usual = shape(markdown(*hostile("x", small)))
    assert shape(markdown(*hostile(text, small))) == usual


@given(text=HOSTILE)
def test_what_is_escaped_reads_as_it_was(text: str) -> None:
    shown = MarkdownIt("commonmark").renderInline(f"x{plain(text)}")
    assert "<" not in shown
    assert "://" not in plain(text)


@FEW
@given(text=HOSTILE)
def test_no_cell_that_somebody_wrote_is_a_formula(
    text: str, small: tuple[Experiment, Results, list[Recording]]
) -> None:
    of, results, _ = hostile(text, small)
    for written in (csv(of, results), csv_by_turn(of, results)):
        rows = list(spreadsheet.reader(io.StringIO(written)))
        assert len({len(row) for row in rows}) == 1
        assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


def test_a_spreadsheet_has_a_row_for_each_memory_and_one_for_each_turn(
    small: tuple[Experiment, Results, list[Recording]],
) -> None:
    of, results, _ = small
    window, buffer, _ = spreadsheet.DictReader(io.StringIO(csv(of, results)))
    assert (window["memory"], window["settings"], window["recall"]) == (
        "ConversationBufferWindowMemory",
        '{"k": 1}',
        "0.25",
    )
    assert (window["recall, category 2"], buffer["recall, category 2"]) == ("0.5", "1.0")
    assert buffer["overlap"] == ""
    turns = list(spreadsheet.DictReader(io.StringIO(csv_by_turn(of, results))))
    assert [(row["number"], row["turn"]) for row in turns[:4]] == [("1", "1"), ("1", "2"), ("1", "3"), ("2", "1")]
    assert Decimal(turns[2]["cumulative_cost"]) == sum(Decimal(row["cost"]) for row in turns[:3])


def test_what_is_written_is_read_back_without_ids(small: tuple[Experiment, Results, list[Recording]]) -> None:
    of, results, recordings = small
    live = replace(of, columns=(replace(of.columns[0], thread="secret"), *of.columns[1:]))
    text = to_json(live, results, recordings)
    assert "secret" not in text
    assert read(text) == (replace(of, id=""), results)


def test_the_json_has_what_follows_from_the_figures(small: tuple[Experiment, Results, list[Recording]]) -> None:
    whole = json.loads(to_json(*small, embedding="hashing"))
    assert (whole["kind"], whole["version"]) == ("memory-comparison", 1)
    assert whole["counted"]["embedding"] == "hashing"
    assert [row["recall"] for row in whole["rows"]] == [0.25, 1.0, 0.0]
    assert whole["rows"][0]["memory"] == "ConversationBufferWindowMemory:k=1"
    assert whole["frontier"] == [0, 1]
    assert whole["bounds"]["recall"] == 1.0
    assert whole["lines"][1]["turns"] == [1, 2, 3]
    assert whole["recordings"][0]["questions"][0]["outdated"] == ["a1"]


@FEW
@given(text=HOSTILE)
def test_hostile_words_come_back_as_they_were(text: str, small: tuple[Experiment, Results, list[Recording]]) -> None:
    of, results, recordings = hostile(text.encode("utf-8", "replace").decode(), small)
    assert read(to_json(of, results, recordings)) == (replace(of, id=""), results)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "other"}, "This is no comparison"),
        ({"version": 2}, "of version 2"),
        ({"experiment": {"id": 1}}, "damaged"),
        ({"experiment": None}, "damaged"),
        ({"results": [{"recording": 7, "column": 0}]}, "damaged"),
        ({"results": "x"}, "damaged"),
        ({"results": None}, "damaged"),
    ],
)
def test_what_is_no_comparison_is_refused_in_a_sentence(
    small: tuple[Experiment, Results, list[Recording]], change: dict[str, Any], said: str
) -> None:
    whole = {**json.loads(to_json(*small)), **change}
    with pytest.raises(BadInput, match=said):
        read(json.dumps(whole))


def test_a_result_of_a_column_that_is_not_there_is_refused(
    small: tuple[Experiment, Results, list[Recording]],
) -> None:
    whole = json.loads(to_json(*small))
    whole["results"][0]["column"] = 9
    with pytest.raises(BadInput, match="its columns"):
        read(json.dumps(whole))
