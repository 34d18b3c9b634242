"""Several memories answer one message side by side, in a real browser.

python -m pytest tests/browser/test_compare_live.py
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from memory.compare.experiment import Column, Experiment
from memory.compare.keeping import Experiments
from memory.compare.live import Live
from memory.services import Models
from tests.browser.person import NewContext, Person, fits
from tests.browser.server import AppServer

BUFFER = Column("ConversationBufferMemory")
WINDOW = Column("ConversationBufferWindowMemory", {"k": 1})
PLANTED = ("My name is Alex.", "I live in Lyon.", "I like tea.")
LONG = " ".join(f"word{number}" for number in range(1, 41))
"""What the slow model repeats in eight seconds."""
HOSTILE = "![x](https://evil.example/a.png) <img src=x onerror=alert(1)> **b**"


def compared(alex: Person, *messages: str, columns: tuple[Column, ...] = (BUFFER, WINDOW)) -> Live:
    """Hold a comparison without the page; a column's own model answers only on the page."""
    experiments = Experiments(alex.store, alex.id)
    live = Live(experiments, Experiment("", "", "live", columns), lambda name: Models())
    for text in messages:
        live, jobs = live.send(text)
        for job in jobs:
            job.join(20)
    return live


def card(alex: Person, letter: str) -> Locator:
    """A column's card; while the page is drawn anew its last picture can stand there a second time."""
    return alex.page.locator(f".st-key-compare_live_card_{letter}").first


def menu(alex: Person, letter: str) -> Locator:
    """Open a column's menu."""
    card(alex, letter).locator("[class*=st-key-compare_live_menu]").get_by_role("button").first.click()
    body = alex.page.get_by_test_id("stPopoverBody")
    expect(body).to_contain_text("Model that answers here")
    alex.settled()
    return body


def comparisons(alex: Person) -> Locator:
    alex.press("Comparisons")
    body = alex.page.get_by_test_id("stPopoverBody")
    expect(body.get_by_role("button", name="New comparison")).to_be_visible()
    return body


def test_three_columns_answer_at_once_and_show_who_still_knew_the_fact(alex: Person) -> None:
    alex.open("/compare")
    alex.press("Play a short sample")
    alex.sees("That is the difference.")
    expect(card(alex, "A")).to_contain_text("You are allergic to hazelnuts.")
    expect(card(alex, "A")).to_contain_text("in the prompt: turn 1")
    expect(card(alex, "B")).to_contain_text("not in the prompt: turn 1, outside the last k=2 turns")
    expect(card(alex, "C")).to_contain_text("in the prompt: turn 1, rank 1")
    expect(card(alex, "B")).to_contain_text("demo answer")
    alex.sees("turn 5 of 5")
    (kept,) = Experiments(alex.store, alex.id).listed()
    assert len(kept.columns) == 3
    assert all(len(alex.turns(column.thread)) == 5 for column in kept.columns)


def test_what_reached_a_prompt_unfolds_and_every_view_opens_in_a_window(alex: Person) -> None:
    compared(alex, *PLANTED, "What is my name?")
    alex.open("/compare")
    card(alex, "B").get_by_text("What reached the prompt").click()
    expect(card(alex, "B")).to_contain_text("Turns 1 to 2: outside the last k=1 turns")
    card(alex, "B").get_by_role("button", name="Look closer").click()
    window = alex.page.get_by_role("dialog")
    expect(window).to_contain_text("at turn 4 of 4")
    window.get_by_role("radio", name="Prompt", exact=True).click()
    expect(window).to_contain_text("I like tea.")


def test_another_fact_is_chosen_kept_over_a_reload_and_taken_away_with_what_was_said(alex: Person) -> None:
    compared(alex, *PLANTED, "What is my name?")
    alex.open("/compare")
    expect(card(alex, "B")).to_contain_text("not in the prompt: turn 1")
    alex.page.get_by_role("combobox", name=re.compile("The fact it asks for")).click()
    alex.page.get_by_role("option", name=re.compile("turn 3")).click()
    expect(card(alex, "B")).to_contain_text("in the prompt: turn 3")
    expect(card(alex, "B")).not_to_contain_text("not in the prompt")
    alex.page.reload()
    expect(card(alex, "B")).to_contain_text("in the prompt: turn 3")
    alex.page.get_by_text("Take away").click()
    for label, told in (
        ("JSON", '"fact": {'),
        ("CSV", "I like tea."),
        ("Report", "It asks for message 3: “I like tea.”"),
    ):
        with alex.page.expect_download() as download:
            alex.press(label, exact=True)
        assert told in Path(download.value.path()).read_text("utf-8")


def test_one_stop_ends_every_column_and_keeps_what_was_said(alex: Person) -> None:
    slow = "openai:slow"
    compared(alex, "one", columns=(Column(BUFFER.memory, model=slow), Column(WINDOW.memory, {"k": 1}, slow)))
    alex.open("/compare")
    alex.say(LONG)
    for letter in "AB":
        expect(card(alex, letter)).to_contain_text("word2")
    alex.press("Stop")
    for letter in "AB":
        expect(card(alex, letter)).to_contain_text("You stopped this answer here.")
    expect(alex.box).to_be_enabled()
    (kept,) = Experiments(alex.store, alex.id).listed()
    assert [alex.turns(column.thread)[-1].status for column in kept.columns] == ["stopped"] * 2


def test_a_column_whose_model_refuses_says_why_while_the_other_goes_on_and_is_asked_again(alex: Person) -> None:
    live = compared(alex, "one", columns=(BUFFER, Column(WINDOW.memory, {"k": 1}, "openai:refuse")))
    alex.open("/compare")
    alex.say("My name is Alex.")
    expect(card(alex, "A")).to_contain_text("your name is Alex", ignore_case=True)
    expect(card(alex, "B")).to_contain_text("refused this prompt because of its content")
    expect(alex.box).to_be_enabled()
    body = menu(alex, "B")
    body.get_by_role("combobox", name=re.compile("Model that answers here")).click()
    alex.page.get_by_role("option", name=re.compile("as in Settings")).click()
    expect(card(alex, "B")).not_to_contain_text("k 1, refuse")
    alex.page.keyboard.press("Escape")
    card(alex, "B").get_by_role("button", name="Try again").click()
    expect(card(alex, "B")).to_contain_text("your name is Alex", ignore_case=True)
    turns = alex.turns(live.columns[1].thread)
    assert [turn.status for turn in turns] == ["complete", "complete"]


def test_a_reload_in_mid_answer_loses_nothing(alex: Person) -> None:
    slow = "openai:slow"
    live = compared(alex, "one", columns=(Column(BUFFER.memory, model=slow), Column(WINDOW.memory, {"k": 1}, slow)))
    alex.open("/compare")
    alex.say(LONG)
    expect(card(alex, "B")).to_contain_text("word3")
    alex.page.reload()
    expect(card(alex, "A")).to_contain_text("word12")
    expect(card(alex, "A")).to_contain_text("word40")
    expect(card(alex, "B")).to_contain_text("word40")
    expect(alex.box).to_be_enabled()
    for column in live.columns:
        assert alex.turns(column.thread)[-1].ai == f"You said: {LONG}"


def test_a_comparison_is_deleted_with_its_conversations_and_brought_back(alex: Person) -> None:
    compared(alex, *PLANTED)
    alex.open("/compare")
    expect(card(alex, "A")).to_contain_text("tea")
    comparisons(alex).get_by_role("button", name="Delete").click()
    alex.sees("Deleted “My name is Alex.” with its conversations.")
    assert alex.store.threads(alex.id) == []
    alex.press("Undo")
    expect(card(alex, "A")).to_contain_text("tea")
    assert len(alex.store.threads(alex.id)) == 2


def test_columns_are_added_in_mid_conversation_removed_and_brought_back(alex: Person) -> None:
    compared(alex, *PLANTED)
    alex.open("/compare")
    alex.press("Add a memory")
    body = alex.page.get_by_test_id("stPopoverBody")
    body.locator("label").filter(has_text=re.compile("^None")).first.click()
    expect(card(alex, "C")).to_be_visible()
    alex.say("What is my name?")
    expect(card(alex, "A")).to_contain_text("Your name is Alex.")
    expect(card(alex, "C")).to_contain_text("not in the prompt: turn 1")
    menu(alex, "B").get_by_role("button", name="Remove").click()
    expect(card(alex, "C")).to_have_count(0)
    alex.press("Undo")
    expect(card(alex, "C")).to_be_visible()
    expect(card(alex, "B")).to_contain_text("outside the last k=1 turns")


def test_a_setting_is_changed_in_mid_conversation(alex: Person) -> None:
    live = compared(alex, *PLANTED)
    alex.open("/compare")
    body = menu(alex, "B")
    number = body.get_by_role("spinbutton", name="k")
    expect(number).to_have_value("1")
    number.fill("7")
    number.press("Enter")
    expect(card(alex, "B")).to_contain_text("k 7")
    alex.page.keyboard.press("Escape")
    alex.say("What is my name?")
    expect(card(alex, "B")).to_contain_text("Your name is Alex.")
    thread = alex.store.thread(alex.id, live.columns[1].thread)
    assert thread
    assert thread.settings["k"] == 7


def test_a_memory_that_must_read_the_conversation_says_beforehand_what_that_costs(alex: Person) -> None:
    live = compared(alex, *PLANTED)
    alex.open("/compare")
    alex.press("Add a memory")
    body = alex.page.get_by_test_id("stPopoverBody")
    body.locator("label").filter(has_text=re.compile("^Summary")).first.click()
    alex.sees(re.compile("has not seen 3 turns of this conversation. Taking them in calls its model about 3 times"))
    alex.press("Add it")
    expect(card(alex, "C")).to_contain_text("Summary")
    kept = Experiments(alex.store, alex.id).get(live.experiment.id)
    assert kept
    assert alex.store.heads(alex.id, kept.columns[2].thread)


def test_a_column_opens_in_the_chat_as_a_fork_and_none_stands_in_the_chats_menu(alex: Person) -> None:
    live = compared(alex, *PLANTED)
    alex.open()
    alex.sees("See what a chatbot remembers")
    alex.open("/compare")
    menu(alex, "A").get_by_role("button", name="Open in the chat").click()
    alex.sees_turn(3)
    alex.sees("Fork at turn 4")
    assert len(alex.turns(live.columns[0].thread)) == 3
    assert [thread.experiment for thread in alex.store.threads(alex.id)].count("") == 1


def test_an_earlier_turn_is_looked_at_again(alex: Person) -> None:
    compared(alex, *PLANTED, "What is my name?")
    alex.open("/compare")
    alex.page.get_by_text("Other turns").click()
    alex.page.locator("[class*=st-key-compare_live_look]").nth(1).get_by_role("button").click()
    alex.sees("turn 2 of 4")
    expect(card(alex, "A")).to_contain_text("Lyon")
    alex.press("Back to the newest")
    alex.sees("turn 4 of 4")


def test_hostile_words_are_only_words(alex: Person) -> None:
    compared(alex, HOSTILE, "What did I say?", columns=(BUFFER, Column("ConversationSummaryMemory")))
    alex.open("/compare")
    card(alex, "A").get_by_text("What reached the prompt").click()
    alex.page.get_by_text("Other turns").click()
    comparisons(alex)
    assert alex.page.locator("img[src*=evil], [onerror]").count() == 0


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_a_screen_reader_finds_nothing_serious(
    app: AppServer, new_context: NewContext, axe: Callable[[Page], list[str]], width: int, height: int, scheme: str
) -> None:
    alex = Person(app, new_context(width, height, scheme)).known()
    compared(alex, *PLANTED, "What is my name?", columns=(BUFFER, WINDOW, Column("ConversationSummaryMemory")))
    alex.open("/compare")
    expect(card(alex, "B")).to_contain_text("not in the prompt: turn 1")
    card(alex, "B").get_by_text("What reached the prompt").click()
    expect(card(alex, "B")).to_contain_text("outside the last")
    alex.page.get_by_text("Other turns").click()
    alex.settled()
    assert fits(alex.page)
    assert axe(alex.page) == []
    menu(alex, "B")
    alex.settled()
    assert axe(alex.page) == []
