"""`python -m memory lessons`: the list, and a file that is checked by being read, played and measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory.commands import main
from memory.lessons.loading import load

GOOD = """
lesson = "mine"
number = 40
title = "Mine"
about = "A lesson of a teacher's own."
memory = "window:k=1"

[[steps]]
title = "One"
text = "Two messages."
play = [{say = "My name is Alex."}, {say = "Who am I?"}]
after = "The prompt has {prompt_tokens:2} tokens."

[[steps.claims]]
says = "Turn 1 was sent."
turn = 2
sent = [1]

[[steps]]
title = "Two"
text = "That is all."
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "40-mine.toml"


def checked(capsys: pytest.CaptureFixture[str], file: Path, text: str) -> tuple[int, list[str]]:
    file.write_text(text)
    code = main(("lessons", "check", "--embeddings", "hashing", str(file)))
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, [line.removeprefix(f"{file}: ") for line in captured.out.splitlines()]


def test_all_lessons_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(("lessons",))
    told = capsys.readouterr()
    assert code == (1 if load().broken else 0)
    for one in load().found.values():
        assert any(one.title in line and one.memory in line for line in told.out.splitlines())


def test_a_good_lesson_is_played_and_all_that_it_says_holds(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    assert checked(capsys, file, GOOD) == (0, ["1 of 1 claim hold"])


def test_an_answer_that_a_text_quotes_is_no_figure(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    assert checked(capsys, file, GOOD.replace("{prompt_tokens:2} tokens", "{answer:2}")) == (0, ["1 of 1 claim hold"])


def test_a_claim_that_is_not_so_is_told_with_what_was_measured(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, lines = checked(capsys, file, GOOD.replace("sent = [1]", "sent = []"))
    assert code == 1
    assert lines[0] == "steps[1].claims[1] “Turn 1 was sent.” does not hold: sent: turn 1"
    assert lines[1] == "0 of 1 claim hold; see above"


def test_a_figure_that_nothing_measures_is_told(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, lines = checked(capsys, file, GOOD.replace("{prompt_tokens:2}", "{score_best:2}"))
    assert code == 1
    assert lines[0] == "steps[1].after: {score_best:2} is not known when the step was played"


def test_a_step_that_cannot_be_played_is_told(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, lines = checked(capsys, file, GOOD.replace('{say = "Who am I?"}', '{say = "Who am I?"}, {thumb = "up"}'))
    assert code == 1
    assert lines[0].startswith("steps[1] cannot be played: A thumb needs an answer")


def test_a_broken_lesson_is_named_with_its_place_and_not_played(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, lines = checked(capsys, file, GOOD.replace("turn = 2", "turn = 3"))
    assert code == 1
    assert lines == [
        "steps[1].claims[1].turn (in the step that begins in line 8): "
        "there are 2 turns by then, and no turn 3; name one of them"
    ]


@pytest.mark.parametrize("arguments", [("play",), ("check",)])
def test_what_is_nothing_to_do_is_refused_in_a_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(("lessons", *arguments))
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_figures_and_words_that_a_lesson_can_name_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("lessons", "--figures")) == 0
    told = capsys.readouterr().out
    assert "prompt_tokens" in told
    assert "prompt cache" in told
