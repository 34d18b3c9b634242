"""Lessons are found in their folders; one that is broken is named with its place and its remedy, and stops no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memory.errors import BadInput
from memory.lessons import loading
from memory.lessons.loading import LARGEST, load, look_into, read

WHOLE = '''
lesson = "mine"
number = 40
title = "Mine"
about = "A lesson of a teacher's own."
memory = "window:k=2"

[[people]]
id = "you"
name = "You"

[[people]]
id = "bob"
name = "Bob"

[[steps]]
title = "One"
text = """Two messages, then {prompt_tokens:2} tokens of {term:history}."""
play = [{say = "My name is Alex."}, {say = "Who am I?"}, {say = "Hello", person = "bob"}]

[[steps.claims]]
says = "Turn 1 was sent."
person = "you"
turn = 2
sent = [1]

[[steps]]
title = "Two"
text = "That is all."

[steps.predict]
ask = "How many?"
choices = ["One", "Two"]
right = 2
because = "There are two."

[what_if]
setting = "k"
values = [1, 5]
ask = "And with k = 5?"
'''.lstrip()


@pytest.fixture(autouse=True)
def one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no lesson but those of the test."""
    monkeypatch.setattr(loading, "SHIPPED", tmp_path / "none")


def faults(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """Return what is wrong with the lesson after some changes."""
    text = WHOLE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file = folder / "40-mine.toml"
    file.write_text(text)
    return look_into(file)[1]


def test_a_file_that_is_dropped_into_the_folder_is_a_lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(tmp_path) == ["steps[1].text (in the step that begins in line 15): " + _bob()]
    (tmp_path / "40-mine.toml").write_text(WHOLE.replace("{prompt_tokens:2} ", ""))
    monkeypatch.setenv("MEMORY_INSPECTOR_LESSONS", str(tmp_path))
    found = load()
    assert (list(found.found), found.broken) == (["mine"], ())
    assert loading.lesson("mine").title == "Mine"
    (tmp_path / "40-mine.toml").unlink()
    assert load().found == {}


def _bob() -> str:
    # Bob spoke last: a figure of the text is of his conversation.
    return "there is 1 turn of bob by then, and no turn 2; name one of them"


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        (('memory = "window:k=2"', 'memory = "windw:k=2"'), "memory", "did you mean 'window'?"),
        (('memory = "window:k=2"', 'memory = "window:k=-1"'), "memory", "k: "),
        (('title = "One"', 'titel = "One"'), "steps[1].titel", "is not known"),
        (('title = "One"\n', ""), "steps[1].title", "is missing"),
        (("right = 2", "right = 3"), "steps[2].predict", "`right`"),
        (("right = 2", 'right = "2nd"'), "steps[2].predict.right", "correct it"),
        (("turn = 2\nsent", "turn = 9\nsent"), "steps[1].claims[1].turn", "there are 2 turns of you by then"),
        (("sent = [1]", "sent = [1, 7]"), "steps[1].claims[1].sent[2]", "no turn 7"),
        (("sent = [1]", "sent = [1]\nalone = true"), "steps[1].claims[1]", "name exactly one of"),
        (("sent = [1]", ""), "steps[1].claims[1]", "name exactly one of"),
        (("sent = [1]", 'figure = "tokens"\nis = "<"\nnumber = 3'), "steps[1].claims[1].figure", "no figure 'tokens'"),
        (('person = "you"', 'person = "eve"'), "steps[1].claims[1].person", "nobody 'eve'"),
        (('person = "bob"}', 'person = "rob"}'), "steps[1].play[3].person", "did you mean bob?"),
        (("{term:history}", "{term:histories}"), "", ""),
        (("{term:history}", "{term:kitchen}"), "steps[1].text", "no word 'kitchen'"),
        (("{prompt_tokens:2}", "{promt_tokens:2}"), "steps[1].text", "did you mean prompt_tokens?"),
        (("{prompt_tokens:2}", "{prompt_tokens:last}"), "steps[1].text", "write its number from 1 on, or now"),
        (('{say = "My name is Alex."}', "{again = true}"), "steps[1].play[1].again", "say something before"),
        (('{say = "Who am I?"}', '{say = "Who?", picture = "moon"}'), "steps[1].play[2].picture", "'moon'"),
        (('{say = "Who am I?"}', '{document = "moon"}'), "steps[1].play[2].document", "'moon'"),
        (('{say = "Who am I?"}', '{say = "Who?", lint = "buffer"}'), "steps[1].play[2]", "not say and lint"),
        (('{say = "Who am I?"}', '{use = "nothing"}'), "steps[1].play[2].use", "There is no memory"),
        (('{say = "Who am I?"}', '{lint = "classic:Memory()"}'), "steps[1].play[2].lint", "Memory"),
        (
            ('{say = "Who am I?"}', '{compare = {scenario = "movd", memories = ["buffer"]}}'),
            "steps[1].play[2].compare.scenario",
            "did you mean moved?",
        ),
        (
            ("sent = [1]", 'lint = {memory = "buffer", rule = 1, holds = true}'),
            "steps[1].claims[1].lint.memory",
            "was not checked before",
        ),
        (
            ("sent = [1]", 'compared = {memory = "buffer", question = 1, evidence = "found"}'),
            "steps[1].claims[1].compared",
            "nothing was compared before",
        ),
        (('setting = "k"', 'setting = "l"'), "what_if.values[1]", "no setting 'l'"),
        (("values = [1, 5]", "values = [1, -5]"), "what_if.values[2]", "k: "),
        (('id = "bob"', 'id = "you"'), "people[2].id", "is the id of two people"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, change: tuple[str, str], place: str, said: str) -> None:
    # Without the figure that is wrong already.
    fixed = () if "prompt_tokens" in change[0] else (("{prompt_tokens:2} ", ""),)
    found = faults(tmp_path, *fixed, change)
    if not said:
        assert found == []
        return
    assert any(fault.split(":")[0].split(" (")[0] == place and said in fault for fault in found), found


def test_a_fault_of_a_step_names_the_line_in_which_the_step_begins(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, ("{prompt_tokens:2} ", ""), ("right = 2", "right = 9"))
    assert "(in the step that begins in line 26)" in fault
    assert WHOLE.splitlines()[25] == "[[steps]]"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'lesson = "x\n', "line 1"),
        (b'text = """open', "may not be closed"),
        (b"\xff\xfe", "UTF-8 (line 1)"),
        (b"#" * (LARGEST + 1), "make two of it"),
        (b"a = " + b"[" * 5000, "nested too deeply"),
        (b"", "is missing"),
    ],
)
def test_what_is_no_lesson_at_all_is_refused_in_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "41-odd.toml"
    file.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read(file)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_lesson_is_named_and_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = WHOLE.replace("{prompt_tokens:2} ", "")
    (tmp_path / "40-mine.toml").write_text(good)
    (tmp_path / "41-twice.toml").write_text(good)
    (tmp_path / "42-broken.toml").write_text("lesson = ")
    (tmp_path / "notes.txt").write_text("no lesson")
    monkeypatch.setenv("MEMORY_INSPECTOR_LESSONS", str(tmp_path))
    found = load()
    assert list(found.found) == ["mine"]
    assert [broken.file for broken in found.broken] == ["41-twice.toml", "42-broken.toml"]
    assert "40-mine.toml too; choose another" in found.broken[0].error
    with pytest.raises(BadInput, match="did you mean mine"):
        loading.lesson("mime")


def test_a_folder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORY_INSPECTOR_LESSONS", "/no/such/folder")
    (broken,) = load().broken
    assert (broken.file, "no such folder" in broken.error) == ("/no/such/folder", True)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "40-mine.toml"
    good = WHOLE.replace("{prompt_tokens:2} ", "")
    titles = []
    for number, title in enumerate(("Mine", "Ours")):
        file.write_text(good.replace('title = "Mine"', f'title = "{title}"'))
        os.utime(file, ns=(number, number))
        titles.append(load(tmp_path).found["mine"].title)
    assert titles == ["Mine", "Ours"]
