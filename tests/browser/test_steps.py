"""Step mode in a real browser: through the four stops by pointer and keyboard, left and found again, on a phone.

python -m pytest tests/browser/test_steps.py
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from memory.inspection.inspect import inspect
from tests.browser.person import NewContext, Person, fits, wait_until
from tests.browser.server import AppServer
from tests.openai_server import Server

TALK = ("My name is Alex.", "I live in Oslo.", "My cat is called Tom.")


def card(person: Person) -> Locator:
    return person.page.locator(".st-key-chat_step")


def at(person: Person, step: str) -> None:
    """Wait until the turn is stopped before a step and the page is drawn."""
    expect(card(person).locator("[aria-current=step]")).to_contain_text(f"{step} next")
    person.settled()


def switch(person: Person) -> Locator:
    return person.page.get_by_role("switch", name="Step by step")


def stepping(person: Person) -> Person:
    """Open a conversation of some turns with step mode on."""
    person.talked(*TALK)
    person.open()
    person.page.get_by_text("Step by step", exact=True).click()
    expect(switch(person)).to_be_checked()
    person.settled()
    return person


def to_model(person: Person, text: str = "What is my cat called?") -> None:
    person.say(text)
    at(person, "Read")
    person.press("Next step")
    at(person, "Prompt")
    person.press("Next step")
    at(person, "Model")


def box(person: Person, number: int) -> Locator:
    return card(person).get_by_role("textbox", name=re.compile(rf"^Message {number}: "))


def test_a_turn_is_gone_through_by_pointer_and_each_stop_tells_what_it_does(alex: Person) -> None:
    stepping(alex)
    alex.say("What is my cat called?")
    at(alex, "Read")
    alex.sees("Next, Window reads")
    expect(alex.box).to_be_disabled()
    alex.press("Next step")
    at(alex, "Prompt")
    alex.sees("It has recalled 3 turns")
    alex.press("Next step")
    at(alex, "Model")
    expect(box(alex, 8)).to_have_value("What is my cat called?")
    assert len(alex.turns()) == 3
    alex.press("Send to the model")
    at(alex, "Write")
    alex.sees("turn 4 is stored")
    assert alex.turns()[-1].ai == "Your cat is called Tom."
    alex.press("Finish")
    expect(card(alex)).to_have_count(0)
    alex.sees_turn(4)
    expect(alex.box).to_be_enabled()
    assert len(alex.all_messages()) == 8


def test_a_turn_is_gone_through_by_keyboard_alone(alex: Person) -> None:
    alex.talked(*TALK)
    alex.open()
    switch(alex).focus()
    alex.page.keyboard.press("Space")
    expect(switch(alex)).to_be_checked()
    alex.settled()
    alex.box.focus()
    alex.page.keyboard.type("What is my cat called?")
    alex.page.keyboard.press("Enter")
    at(alex, "Read")
    button = card(alex).get_by_role("button", name="Next step")
    button.focus()
    for step in ("Prompt", "Model", "Write"):
        alex.page.keyboard.press("Enter")
        at(alex, step)
        expect(card(alex).locator("button:focus")).to_have_text(
            re.compile({"Prompt": "Next step", "Model": "Send to the model", "Write": "Finish"}[step])
        )
    alex.page.keyboard.press("Enter")
    alex.sees_turn(4)
    expect(card(alex)).to_have_count(0)


def test_the_prompt_is_edited_left_by_a_reload_and_sent_as_it_was_edited(alex: Person, model: Server) -> None:
    alex.prefers(model="openai:echo")
    stepping(alex)
    to_model(alex)
    box(alex, 8).fill("What is my dog called?")
    box(alex, 2).click()  # what is typed counts as soon as the box is left
    alex.sees(", edited")
    card(alex).get_by_role("button", name="Remove").nth(1).click()
    expect(box(alex, 8)).to_have_count(0)
    alex.page.reload()
    at(alex, "Model")
    expect(switch(alex)).to_be_checked()
    expect(box(alex, 7)).to_have_value("What is my dog called?")
    asked = len(model.requests)
    box(alex, 1).fill("Answer in one word.")
    alex.press("Send to the model")  # the box is left by this very click
    at(alex, "Write")
    (request,) = model.requests[asked:]
    sent = [(message["role"], message["content"]) for message in request.body["messages"]]
    assert sent[0] == ("system", "Answer in one word.")
    assert sent[-1] == ("user", "What is my dog called?")
    assert len(sent) == 7
    alex.press("Finish")
    alex.sees_turn(4)
    assert alex.turns()[-1].human == "What is my cat called?"
    seen = inspect(alex.store, alex.id, alex.thread().id, 3, 4)
    assert seen
    assert (seen.rebuilt.edited, seen.rebuilt.exact) == (True, True)
    assert [message.content for message in seen.rebuilt.prompt.messages] == [content for _, content in sent]
    expect(alex.view("Prompt").get_by_text("Edited in step mode")).to_be_visible()


def test_a_second_tab_finds_the_paused_turn_and_both_stay_together(alex: Person) -> None:
    stepping(alex)
    alex.say("What is my cat called?")
    at(alex, "Read")
    other = alex.tab()
    at(other, "Read")
    other.press("Next step")
    at(other, "Prompt")
    at(alex, "Prompt")
    alex.press("Run to the end")
    alex.sees_turn(4)
    other.sees_turn(4)
    expect(card(other)).to_have_count(0)
    assert len(alex.turns()) == 4


def test_stopped_before_the_model_the_message_is_back_in_the_box(alex: Person) -> None:
    stepping(alex)
    to_model(alex, "What is my cat called?")
    alex.press("Stop")
    expect(alex.box).to_have_value("What is my cat called?")
    expect(card(alex)).to_have_count(0)
    assert len(alex.turns()) == 3
    switch(alex).focus()
    alex.page.keyboard.press("Space")
    expect(switch(alex)).not_to_be_checked()
    alex.settled()
    alex.box.press("Enter")
    alex.sees_turn(4)


def test_step_mode_turned_off_in_the_middle_lets_the_turn_end(alex: Person) -> None:
    stepping(alex)
    to_model(alex)
    alex.page.get_by_text("Step by step", exact=True).click()
    alex.sees_turn(4)
    expect(card(alex)).to_have_count(0)


def test_a_closed_page_leaves_the_turn_where_it_was(alex: Person) -> None:
    stepping(alex)
    to_model(alex)
    alex.page.close()
    back = alex.tab()
    at(back, "Model")
    back.press("Run to the end")
    back.sees_turn(4)


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
def test_a_server_that_ends_keeps_the_message_to_be_sent_again(
    own_app: AppServer, new_context: NewContext, kill: bool
) -> None:
    alex = Person(own_app, new_context()).open()
    alex.say("My cat is called Tom.")
    alex.sees_turn(1)
    alex.page.get_by_text("Step by step", exact=True).click()
    alex.settled()
    to_model(alex)
    own_app.restart(kill=kill)
    alex.page.reload()
    again = alex.page.get_by_role("button", name="Send again")
    expect(again).to_be_visible()
    alex.sees("paused before the model and left there")
    again.click()
    alex.sees_turn(2)
    assert [turn.human for turn in alex.turns()] == ["My cat is called Tom.", "What is my cat called?"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["desk", "phone"])
def test_each_stop_fits_and_can_be_read_by_everyone(
    app: AppServer, new_context: NewContext, axe: Callable[[Page], list[str]], theme: str, size: tuple[int, int]
) -> None:
    alex = stepping(Person(app, new_context(*size, theme)).known())
    alex.say("What is my cat called?")
    for step, button in (("Read", "Next step"), ("Prompt", "Next step"), ("Model", "Send to the model"), ("Write", "")):
        at(alex, step)
        assert fits(alex.page), step
        assert axe(alex.page) == [], step
        if button:
            alex.press(button)
    alex.press("Stop")
    wait_until(alex.page, lambda: card(alex).count() == 0)
    alex.sees_turn(4)
