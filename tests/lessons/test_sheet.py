"""A sheet prints by itself: the questions without a word of the answers, or with them and what was measured."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from memory.lessons.lesson import Lesson
from memory.lessons.loading import load
from memory.lessons.sheet import played_on, sheet
from tests.lessons.small import lesson, say, stage_of

STEPS = [
    {
        "title": "Ask <b>me</b>",
        "text": "A {term:window} **sends** `{k:2}` turns. <script>alert(1)</script> ![x](https://a.example/x.png)",
        "play": [say("I like tea."), say("What do I <i>like</i>?")],
        "after": "After: {prompt_tokens:2} tokens, and it said {answer:2}.",
        "predict": {
            "ask": "How many tokens?",
            "number": {"figure": "prompt_tokens", "turn": 2},
            "unit": "tokens",
            "because": "Because of both turns.",
        },
        "claims": [
            {"says": "Turn 1 was sent.", "turn": 2, "sent": [1]},
            {"says": "Nothing was sent.", "turn": 2, "sent": []},
        ],
    },
    {
        "title": "Choose",
        "text": "Now choose.",
        "predict": {"ask": "Which?", "choices": ["First", "Second"], "right": 2, "because": "Second it is."},
    },
]


@pytest.fixture(scope="module")
def made() -> Lesson:
    return lesson("buffer", steps=STEPS)


class _Seen(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_without_the_answers_none_of_them_stands_there(made: Lesson) -> None:
    page = sheet(made, answers=False)
    for shown in ("How many tokens?", "Your guess (tokens):", "☐ First", "☐ Second", "Name", "A window of", "Words"):
        assert (shown in page) is (shown != "A window of")
    for hidden in ("Because of both turns", "Second it is", "Turn 1 was sent", "After:", "☑"):
        assert hidden not in page


def test_with_the_answers_it_has_what_was_measured_when_the_lesson_was_played(made: Lesson) -> None:
    stage = stage_of(made)
    stage.play(1).join()
    page = sheet(made, True, played_on(stage))
    tokens = stage.live().traces()[1].prompt_tokens
    assert f"<p class=right>{tokens} tokens</p>" in page
    assert f"After: {tokens} tokens" in page
    assert "Turn 1 was sent. <small>(✓ holds)</small>" in page
    assert "Nothing was sent. <small>(✗ does not hold)</small>" in page
    assert "<li class=right>☑ Second</li>" in page


def test_what_was_not_played_says_so(made: Lesson) -> None:
    page = sheet(made, answers=True)
    assert "<p class=right>… tokens</p>" in page
    assert "(? not measured)" in page
    assert "holds" not in re.sub(r"<style>.*?</style>", "", page)


def test_nothing_in_it_runs_or_is_loaded(made: Lesson) -> None:
    stage = stage_of(made)
    stage.play(1).join()
    for page in (sheet(made, False), sheet(made, True, played_on(stage))):
        tags = _Seen(page).tags
        assert not {"script", "img", "link", "iframe", "i", "b"} & {tag for tag, _ in tags}
        assert not [name for _, attributes in tags for name in attributes if name in ("src", "style", "onclick")]
        assert "&lt;script&gt;" in page
        assert "Ask &lt;b&gt;me&lt;/b&gt;" in page


@pytest.mark.parametrize("name", load().found)
def test_every_shipped_lesson_can_be_printed(name: str) -> None:
    one = load().found[name]
    questions, answers = sheet(one, False), sheet(one, True)
    assert len(questions) < len(answers)
    for step in one.steps:
        if step.predict and step.predict.choices:
            assert "☑" in answers
    assert "☑" not in questions
    assert "{term:" not in questions + answers
