"""Lessons as somebody goes through them in a real browser: by keyboard, with a prediction, in a class, in a room.

python -m pytest tests/browser/test_lessons.py
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from memory.lessons.loading import load
from memory.lessons.progress import Desk, Progress
from tests.browser.person import NewContext, Person, fits, wait_until
from tests.browser.server import AppServer

WINDOW, FIRST = load().found["window"], load().found["stateless"]
FOCUSED = """(at => ["BUTTON", "A", "INPUT", "H3"].includes(at.tagName)
    ? `${at.type || ""} ${at.innerText || at.getAttribute("aria-label") || ""}` : at.tagName)(document.activeElement)"""
MARKED = "[...(CSS.highlights.get('lesson-words') ?? [])].map(range => range.toString())"


def step(alex: Person) -> Locator:
    return alex.page.locator(".st-key-lessons_text").first


def talk(alex: Person) -> Locator:
    return alex.page.locator(".st-key-lessons_talk").first


def at_step(alex: Person, number: int, of: int = len(WINDOW.steps)) -> None:
    expect(step(alex).get_by_role("heading", name=f"Step {number} of {of}:")).to_be_visible()
    alex.settled()


def over(alex: Person) -> None:
    """Wait until what came of the step is shown."""
    expect(alex.page.locator(".st-key-lessons_outcome")).to_be_visible()
    alex.settled()


def progress(alex: Person, lesson: str = "window") -> Progress:
    return Desk(alex.store, alex.id).all()[lesson]


def walk_to(page: Page, wanted: str, key: str = "Tab") -> None:
    """Walk with a key until the focus is on what has this name, or is of this kind."""
    for _ in range(60):
        if wanted in page.evaluate(FOCUSED):
            return
        page.keyboard.press(key)
    pytest.fail(f"{wanted} was not reached by {key}; the focus is on {page.evaluate(FOCUSED)}")


def test_a_newcomer_finds_the_first_lesson_and_finishes_it_by_keyboard_alone(alex: Person) -> None:
    alex.open()
    page, steps = alex.page, len(FIRST.steps)
    walk_to(page, "Learn it step by step")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Begin with 1.")).to_be_visible()
    alex.settled()
    walk_to(page, "Begin with 1.")
    page.keyboard.press("Enter")
    for number, one in enumerate(FIRST.steps, 1):
        at_step(alex, number, steps)
        wait_until(page, lambda: "Step" in page.evaluate(FOCUSED))  # the focus is led to what has come
        if one.predict:
            walk_to(page, "radio")
            page.keyboard.press("Space")
            alex.settled()
            walk_to(page, "Check my prediction")
        else:
            walk_to(page, "Send it")
        page.keyboard.press("Enter")
        over(alex)
        expect(step(alex)).to_contain_text(f"Checked on the live state: {len(one.claims)} of {len(one.claims)} hold")
        if number < steps:
            walk_to(page, "Next:")
            page.keyboard.press("Enter")
    expect(step(alex)).to_contain_text("You have finished this lesson.")
    walk_to(page, "All lessons", "Shift+Tab")
    page.keyboard.press("Enter")
    alex.sees("finished")
    assert progress(alex, "stateless").finished_at


def test_what_comes_is_held_back_until_one_predicts_then_marked_and_a_step_back_shows_it_as_it_was(
    alex: Person,
) -> None:
    alex.open("/lessons?lesson=window")
    alex.press("Send these 3 messages")
    over(alex)
    alex.press(re.compile("^Next:"))
    at_step(alex, 2)
    expect(alex.panel).to_contain_text("Turn 4 is hidden until you predict.")
    expect(alex.panel).to_contain_text("at turn 3 of 3")
    expect(talk(alex)).to_contain_text("Waits for your prediction.")
    assert progress(alex).now.spots[0].length == 3  # nothing is sent before that
    alex.press("Check my prediction")
    expect(step(alex)).to_contain_text("Choose one of the answers first, or skip the question.")
    predict = WINDOW.steps[1].predict
    assert predict
    step(alex).get_by_role("radio").nth((predict.right or 0) - 1).check(force=True)
    alex.settled()
    alex.press("Check my prediction")
    over(alex)
    expect(step(alex)).to_contain_text("Right.")
    expect(alex.panel).to_contain_text("at turn 4 of 4")
    wait_until(alex.page, lambda: len(alex.page.evaluate(MARKED)) >= 4)
    marked = alex.page.evaluate(MARKED)  # in the conversation and in the panel
    assert len(marked) >= 4
    assert set(marked) == {"blue"}
    alex.page.get_by_role("button", name="Page 1", exact=True).click()
    at_step(alex, 1)
    expect(alex.panel).to_contain_text("at turn 3 of 3")
    alex.page.reload()
    at_step(alex, 1)
    alex.press("Start anew")
    alex.press("Begin anew")
    alex.sees("Begun anew")
    expect(talk(alex)).to_contain_text("Waits for you to send it.")
    assert not progress(alex).run


def test_a_reload_in_the_middle_of_a_step_loses_nothing_with_a_model_that_is_not_the_demo(alex: Person) -> None:
    alex.prefers(model="openai:slow").open("/lessons?lesson=window")
    alex.press("Send these 3 messages")
    expect(talk(alex).get_by_role("button", name="Stop")).to_be_visible()
    assert 1 not in progress(alex).played
    alex.page.reload()
    at_step(alex, 1)
    over(alex)
    expect(step(alex)).to_contain_text("Checked on the live state: 2 of 2 hold")
    assert progress(alex).now.spots[0].length == 3


def test_a_setting_is_tried_in_a_copy_and_the_conversation_goes_on_in_the_chat(alex: Person) -> None:
    last = len(WINDOW.steps)
    alex.open(f"/lessons?lesson=window&step={last}")
    alex.press(f"Play steps 1 to {last - 1} now")
    play = alex.page.get_by_role("button", name="Send these 2 messages")
    expect(play).to_be_visible()
    alex.settled()
    play.click()
    over(alex)
    length = progress(alex).now.spots[0].length
    what_if = alex.page.locator(".st-key-lessons_what_if")
    what_if.get_by_text("k = 1", exact=True).click()
    expect(what_if).to_contain_text("answered with k = 1, in a copy")
    expect(talk(alex)).to_contain_text("Window, k = 1")
    expect(talk(alex)).to_contain_text("Recalled 1 turn")
    assert progress(alex).now.spots[0].length == length
    what_if.get_by_role("button", name="Back to the lesson's own").click()
    expect(talk(alex)).to_contain_text("Window, k = 4")
    alex.page.get_by_text("The source of Window, as it runs").click()
    alex.sees("memory/strategies/window.py")
    alex.sees("class ConversationBufferWindowMemory(Memory):")
    alex.press("Go on in the chat")
    alex.sees_memory("Window")
    alex.sees_turn(length)
    assert alex.thread().settings["k"] == 4


def _played(pupil: Person) -> bool:
    """Press the clicker's key once more, where nothing was played by it yet."""
    outcome = pupil.page.locator(".st-key-lessons_outcome")
    if pupil.page.get_by_role("button", name="Send these 3 messages").is_visible():
        pupil.page.keyboard.press("PageDown")
        # Pressed once more while the messages are on their way, it would lead to the next step.
        wait_until(pupil.page, outcome.is_visible, 10)
    return outcome.is_visible()


def test_a_class_opens_what_the_teacher_chose_and_a_clicker_leads_through_it(alex: Person) -> None:
    alex.open("/lessons?lesson=window")
    alex.press("For a class")
    body = alex.page.get_by_test_id("stPopoverBody")
    body.get_by_text("the memory's source").click()
    body.get_by_text("Open in the presenter view").click()
    link = body.get_by_test_id("stCode")
    expect(link).to_contain_text("/lessons?lesson=window&hide=source&view=presenter")
    with alex.page.expect_download() as sheet:
        body.get_by_role("button", name="Questions and answers").click()
    assert WINDOW.title in sheet.value.path().read_text()
    pupil = Person(alex.server, alex.context)
    pupil.open("/lessons?lesson=window&hide=source&view=presenter")
    at_step(pupil, 1)
    pupil.sees_not("All lessons")
    pupil.sees_not("The source of Window")
    expect(pupil.page.locator("html")).to_have_css("font-size", "21px")
    wait_until(pupil.page, lambda: _played(pupil))  # a key that comes before the page listens is lost
    over(pupil)
    pupil.page.keyboard.press("ArrowRight")
    at_step(pupil, 2)
    pupil.page.keyboard.press("PageDown")
    over(pupil)
    pupil.page.keyboard.press("PageUp")
    at_step(pupil, 1)
    pupil.open("/lessons?lesson=window&step=99")
    pupil.sees("The link names step '99'")
    expect(pupil.page.get_by_role("button", name="1. A model remembers nothing", exact=False).first).to_be_visible()


def test_several_people_have_browsers_of_their_own(alex: Person) -> None:
    alex.open("/lessons?lesson=many-people")
    alex.press("Skip")
    over(alex)
    bob, alice = (talk(alex).get_by_role("radio", name=f"{name}'s browser") for name in ("Bob", "Alice"))
    expect(bob).to_be_checked()
    expect(talk(alex)).to_contain_text("Python")
    expect(talk(alex)).not_to_contain_text("LangChain")
    alice.check(force=True)
    expect(talk(alex)).to_contain_text("LangChain")
    expect(talk(alex)).not_to_contain_text("Python")


@pytest.mark.parametrize("look", [("light", 1280, 800), ("dark", 390, 844)], ids=["wide", "phone"])
def test_a_lesson_is_accessible_and_fits(
    app: AppServer, new_context: NewContext, axe: Callable[[Page], list[str]], look: tuple[str, int, int]
) -> None:
    scheme, width, height = look
    person = Person(app, new_context(width, height, scheme)).known()
    found, fitted = {}, []

    def judge(name: str) -> None:
        person.settled()
        found[name] = axe(person.page)
        fitted.append(fits(person.page))

    person.open("/lessons")
    judge("list")
    person.open("/lessons?lesson=window&step=2")
    person.press("Play step 1 now")
    expect(person.page.get_by_role("button", name="Check my prediction")).to_be_visible()
    judge("question")
    person.press("Skip", exact=True)
    over(person)
    person.page.get_by_text(re.compile("^Checked on the live state")).click()
    person.page.get_by_text("The source of Window, as it runs").click()
    person.sees("class ConversationBufferWindowMemory(Memory):")
    judge("over")
    person.press("For a class")
    judge("class")
    assert not any(found.values()), found
    assert all(fitted)
