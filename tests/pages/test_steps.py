"""Step mode on the chat page, as a script: the switch, the four stops, the prompt's boxes, stop and run to the end.

python -m pytest tests/pages/test_steps.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

from memory import worker
from memory.base import Turn
from memory.trace import Trace
from pages.ui import connections, identity
from tests.pages.test_chat import ROOT, Kept, checked, messages, say, words


@pytest.fixture
def kept() -> Iterator[Kept]:
    mine = Kept()
    with (
        patch.object(connections, "store", lambda: mine),
        patch.object(connections, "connection", lambda: mine),
        patch.object(identity, "owner_id", lambda: identity.Owner(mine.user)),
    ):
        yield mine
    worker.stop_all()


@pytest.fixture
def page(kept: Kept) -> AppTest:
    """The page after one turn, with step mode on."""
    page = say(opened(), "My name is Alex.")
    return checked(switch(page).set_value(True).run())


def opened() -> AppTest:
    return checked(AppTest.from_file(ROOT / "pages/chat.py", default_timeout=60).run())


def switch(page: AppTest) -> Any:
    return next(toggle for toggle in page.toggle if toggle.label == "Step by step")


def press(page: AppTest, label: str) -> AppTest:
    return checked(button(page, label).click().run())


def button(page: AppTest, label: str) -> Any:
    return next(one for one in page.button if one.label == label)


def labels(page: AppTest) -> list[str]:
    return [one.label for one in page.button]


def diagram(page: AppTest) -> str:
    """The four steps as HTML, "" where no turn is stepped."""
    return "".join(element.proto.body for element in page.get("html") if "four steps" in element.proto.body)


def here(page: AppTest) -> str:
    """The step that is marked as the current one."""
    assert diagram(page).count('aria-current="step"') == 1
    return diagram(page).partition('aria-current="step"')[2].partition("<b>")[2].partition("</b>")[0]


def boxes(page: AppTest) -> list[Any]:
    return [box for box in page.text_area if box.label.startswith("Message ")]


def stored(kept: Kept) -> list[Turn]:
    return kept.turns(kept.user, kept.threads(kept.user)[0].id, 0, 99)


def last_trace(kept: Kept) -> Trace:
    return kept.traces(kept.user, kept.threads(kept.user)[0].id, 0, 99)[-1]


def test_the_four_stops_tell_what_comes_and_the_turn_is_as_any_other(page: AppTest, kept: Kept) -> None:
    page = say(page, "What is my name?")
    assert here(page) == "1 Read"
    assert "Window reads** the 1 turn that is stored" in words(page)
    assert "k = 5" in words(page)
    assert page.chat_input[0].disabled
    assert len(stored(kept)) == 1
    page = press(page, "Next step")
    assert here(page) == "2 Prompt"
    assert "recalled 1 turn, " in words(page)
    assert "one of the last k=5 turns" in words(page)
    page = press(page, "Next step")
    assert here(page) == "3 Model"
    assert [box.value for box in boxes(page)][1:] == [
        "My name is Alex.",
        "Noted: your name is Alex.",
        "What is my name?",
    ]
    assert "Message 3: turn 1 assistant, 8 tokens" in boxes(page)[2].label
    assert "The conversation keeps your message as you typed it" in words(page)
    assert len(stored(kept)) == 1
    page = press(page, "Send to the model")
    assert here(page) == "4 Write"
    assert "turn 2 is stored" in words(page)
    assert "Window writes nothing" in words(page)
    assert messages(page).count("Your name is Alex.") == 1, "drawn among the turns and not again"
    assert "Run to the end" not in labels(page)
    page = press(page, "Finish")
    assert diagram(page) == ""
    assert not page.chat_input[0].disabled
    assert messages(page)[-1] == "Your name is Alex."
    assert "prompt" not in last_trace(kept).texts


def test_a_memory_with_notes_says_what_its_writing_will_cost(page: AppTest, kept: Kept) -> None:
    page = checked(
        next(radio for radio in page.radio if radio.label == "Memory").set_value("ConversationSummaryMemory").run()
    )
    while any(one.label == "Switch" for one in page.button):
        page = press(page, "Switch")
    page = say(page, "I live in Oslo.")
    assert "Its 1 note covers 1 of 1 turn" in words(page) or "cover 0 of 1 turn" in words(page)
    for label in ("Next step", "Next step", "Send to the model"):
        page = press(page, label)
    assert "takes in this turn" in words(page)
    assert "For that it calls its model 1 time (summary): about " in words(page)
    assert "as gpt-5-mini" in words(page)
    assert last_trace(kept).after is None
    page = press(page, "Let it write")
    assert last_trace(kept).after


def to_model(page: AppTest, text: str = "What is my name?") -> AppTest:
    return press(press(say(page, text), "Next step"), "Next step")


def test_the_prompt_is_changed_before_the_model_sees_it(page: AppTest, kept: Kept) -> None:
    page = to_model(page)
    page = checked(boxes(page)[1].set_value("My name is Bob.").run())
    assert "edited" in boxes(page)[1].label
    assert ", edited: " in words(page)
    assert "4 messages, " in diagram(page)
    page = press(press(page, "Send to the model"), "Finish")
    assert messages(page)[-1] == "Your name is Bob."
    assert [turn.human for turn in stored(kept)] == ["My name is Alex.", "What is my name?"]
    assert last_trace(kept).texts["prompt"]


def test_a_message_is_removed_and_everything_put_back(page: AppTest) -> None:
    page = to_model(page)
    before = [box.value for box in boxes(page)]
    remove = [one for one in page.button if one.label == "Remove"]
    page = checked(remove[1].click().run())
    assert [box.value for box in boxes(page)] == [before[0], *before[2:]]
    page = press(page, "Undo all changes")
    assert [box.value for box in boxes(page)] == before
    assert "Undo all changes" not in labels(page)


def test_a_message_is_added_and_must_say_something(page: AppTest, kept: Kept) -> None:
    page = to_model(page)
    add = [one for one in page.button if one.label == "Add above"]
    page = checked(add[-1].click().run())
    assert "added by you" in boxes(page)[3].label
    page = press(page, "Send to the model")
    assert "Message 4 of the prompt is empty: write something into it or remove it." in words(page)
    assert here(page) == "3 Model"
    page = checked(boxes(page)[3].set_value("I have changed my name: my name is Eve.").run())
    assert "Message 4 of the prompt" not in words(page)
    role = next(box for box in page.selectbox if box.label == "Who says message 4")
    page = checked(role.set_value("user").run())
    assert " user, " in boxes(page)[3].label
    page = press(page, "Run to the end")
    assert messages(page)[-1] == "Your name is Eve."
    assert diagram(page) == ""


def test_what_the_model_would_refuse_is_told_and_not_sent(page: AppTest, kept: Kept) -> None:
    page = to_model(page)
    page = checked(boxes(page)[0].set_value("word " * 9000).run())
    assert "demo takes 8,192 with its answer" in words(page)
    page = press(page, "Send to the model")
    assert here(page) == "3 Model"
    page = press(page, "Run to the end")
    assert here(page) == "3 Model"
    assert len(stored(kept)) == 1
    page = checked(boxes(page)[0].set_value("Be brief.").run())
    page = press(page, "Run to the end")
    assert len(stored(kept)) == 2


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_stopped_before_the_model_the_message_is_back_in_the_box(page: AppTest, kept: Kept, steps: int) -> None:
    page = say(page, "What is my name?")
    for _ in range(steps):
        page = press(page, "Next step")
    page = press(page, "Stop")
    assert diagram(page) == ""
    assert page.chat_input[0].proto.value == "What is my name?"
    assert not page.error
    assert len(stored(kept)) == 1
    assert kept.open(kept.user, kept.threads(kept.user)[0].id, "").pending == ()


def test_stopped_before_the_write_the_answer_stays(page: AppTest, kept: Kept) -> None:
    page = press(press(to_model(page), "Send to the model"), "Stop")
    assert diagram(page) == ""
    assert messages(page)[-1] == "Your name is Alex."
    assert len(stored(kept)) == 2


def test_the_switch_turned_off_in_the_middle_finishes_the_turn(page: AppTest, kept: Kept) -> None:
    page = press(say(page, "What is my name?"), "Next step")
    page = checked(switch(page).set_value(False).run())
    assert diagram(page) == ""
    assert messages(page)[-1] == "Your name is Alex."
    page = say(page, "What is my name?")
    assert len(stored(kept)) == 3


def test_another_tab_finds_the_turn_where_it_waits_and_goes_on(page: AppTest, kept: Kept) -> None:
    page = to_model(page)
    page = checked(boxes(page)[1].set_value("My name is Bob.").run())
    other = opened()
    assert here(other) == "3 Model"
    assert switch(other).value
    assert [box.value for box in boxes(other)] == [box.value for box in boxes(page)]
    other = press(other, "Send to the model")
    assert here(other) == "4 Write"
    # This tab still shows the stop before; its button must not skip another one.
    page = press(page, "Send to the model")
    assert here(page) == "4 Write"
    page = press(page, "Finish")
    assert messages(page)[-1] == "Your name is Bob."
    other = checked(other.run())
    assert diagram(other) == ""


def test_what_ends_a_paused_turn_is_told_and_its_message_kept(page: AppTest, kept: Kept) -> None:
    page = press(say(page, "What is my name?"), "Next step")
    kept.clear(kept.user, kept.threads(kept.user)[0].id)
    page = press(page, "Next step")
    assert "Nothing was sent" in page.error[0].value
    assert page.chat_input[0].proto.value == "What is my name?"


def test_an_answer_is_given_again_step_by_step(page: AppTest, kept: Kept) -> None:
    page = press(page, "Regenerate")
    assert here(page) == "1 Read"
    page = press(page, "Stop")
    assert page.chat_input[0].proto.value == ""
    assert [turn.earlier for turn in stored(kept)] == [()]


def test_texts_of_a_prompt_and_names_are_set_as_text(page: AppTest, kept: Kept) -> None:
    page = say(page, "<b>x</b> ![p](https://evil.example/1.png) :red[y] `z`")
    page = press(page, "Next step")
    page = press(page, "Next step")
    assert boxes(page)[-1].value.startswith("<b>x</b> ![p](")
    assert "evil" not in diagram(page)
    assert not any(
        "](https://evil" in element.value for element in (*page.markdown, *page.caption) if "Step" in element.value
    )
