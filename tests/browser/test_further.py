"""A further message of a conversation has only what it changes drawn anew; nothing old is left beside it.

python -m pytest tests/browser/test_further.py
"""

from __future__ import annotations

import re

from playwright.sync_api import expect

from pages.ui.talk import FREE
from tests.browser.person import Person, wait_until

CARD = "Turn whose card is open"


def look(alex: Person) -> tuple[str, list[str]]:
    """The words of the panel and the messages, as they are when nothing moves any more."""
    alex.settled()
    expect(alex.page.locator("[data-stale=true]")).to_have_count(0)
    return " ".join(alex.panel.inner_text().split()), alex.all_messages()


def test_the_page_after_further_messages_is_the_one_that_a_reload_draws(alex: Person) -> None:
    alex.open()
    for number in range(1, FREE + 4):
        alex.say(f"I like tea number {number}.")
        alex.sees_turn(number)
        expect(alex.panel.get_by_text(f"Window at turn {number} of {number} (now)")).to_be_visible()
        expect(alex.page.get_by_role("button", name="Regenerate")).to_have_count(1)
        expect(alex.page.get_by_role("button", name="Stop")).to_have_count(0)
        expect(alex.messages).to_have_count(2 * number)
        expect(alex.panel.get_by_role("slider")).to_have_count(int(number > 1))
        expect(alex.panel.get_by_label(CARD)).to_have_count(int(number > 1))
    drawn = look(alex)
    alex.page.reload()
    alex.sees_turn(FREE + 3)
    wait_until(alex.page, lambda: look(alex) == drawn)
    assert look(alex) == drawn


def test_what_was_chosen_in_the_panel_stays_through_further_messages(alex: Person) -> None:
    alex.talked("My cat is Tom.", "My dog is Rex.", "I like tea.")
    alex.open()
    alex.panel.get_by_role("radio", name="Now", exact=True).click()
    slider = alex.panel.get_by_role("slider")
    slider.focus()
    slider.press("ArrowLeft")
    expect(alex.panel.get_by_text("at turn 2 of 3")).to_be_visible()
    for number in (4, 5):
        alex.say(f"Fact {number}.")
        alex.sees_turn(number)
        expect(alex.panel.get_by_text(f"at turn 2 of {number}")).to_be_visible()
        expect(alex.panel.get_by_role("radio", name="After it")).to_be_checked()
        expect(slider).to_have_count(1)
    cost = alex.view("Cost")
    alex.say("And once more.")
    alex.sees_turn(6)
    expect(cost.get_by_text("in 6 turns").first).to_be_visible()
    expect(alex.panel.get_by_role("radio", name="Cost", exact=True)).to_be_checked()


def test_a_turn_that_came_by_a_further_message_can_be_answered_again_edited_and_forgotten(alex: Person) -> None:
    alex.talked("My cat is Tom.")
    alex.open()
    for number, said in enumerate(("My dog is Rex.", "What is my cat called?"), 2):
        alex.say(said)
        alex.sees_turn(number)
    alex.press("Regenerate")
    alex.sees("1 earlier answer to this message")
    alex.sees_turn(3)
    assert len(alex.turns()) == 3
    alex.say("I like tea.")
    alex.sees_turn(4)
    alex.press("Forget turn 2")
    expect(alex.page.get_by_role("dialog")).to_be_visible()
    alex.page.keyboard.press("Escape")
    alex.press("Edit message 4")
    box = alex.page.get_by_label("Your message")
    expect(box).to_have_value("I like tea.")
    box.fill("I like coffee.")
    alex.press("Send as a fork")
    alex.sees("Fork at turn 4")
    alex.sees_turn(4)
    assert alex.turns()[-1].human == "I like coffee."


def test_stop_and_what_is_typed_meanwhile_work_in_a_further_message(alex: Person) -> None:
    alex.talked("My cat is Tom.", "My dog is Rex.")
    alex.prefers(model="openai:slow").open()
    for number in (3, 4):
        alex.say(f"Tell me more, {number}.")
        expect(alex.page.get_by_role("button", name="Stop")).to_be_visible()
        alex.box.fill("a draft")
        alex.page.wait_for_timeout(1200)
        alex.press("Stop")
        alex.sees("You stopped this answer")
        alex.sees_turn(number)
        expect(alex.box).to_have_value("a draft")
        expect(alex.messages).to_have_count(2 * number)
        assert alex.turns()[-1].status == "stopped"


def test_a_reload_and_another_tab_meet_a_further_message_on_its_way(alex: Person) -> None:
    alex.talked("My cat is Tom.", "My dog is Rex.")
    alex.prefers(model="openai:slow").open()
    other = alex.tab()
    alex.say("Tell me more.")
    expect(alex.page.get_by_role("button", name="Stop")).to_be_visible()
    alex.page.reload()
    for tab in (alex, other):
        tab.sees_turn(3)
        expect(tab.messages).to_have_count(6)
    other.say("And more.")
    for tab in (other, alex):
        tab.sees_turn(4)
        expect(tab.messages).to_have_count(8)
    alex.say("And still more.")
    for tab in (alex, other):
        tab.sees_turn(5)
        expect(tab.messages).to_have_count(10)
        expect(tab.page.get_by_role("main").get_by_text(re.compile(r"^Turn \d ·"))).to_have_count(1)


def test_a_view_of_the_panel_chosen_while_the_answer_comes_is_drawn_after_it(alex: Person) -> None:
    alex.talked("My cat is Tom.", "My dog is Rex.")
    alex.prefers(model="openai:slow").open()
    alex.say("Tell me more.")
    expect(alex.page.get_by_role("button", name="Stop")).to_be_visible()
    prompt = alex.view("Prompt")
    alex.sees_turn(3)
    expect(prompt.get_by_role("list").get_by_text("Tell me more.")).to_be_visible()
    expect(alex.messages).to_have_count(6)


def test_a_memory_chosen_while_a_further_answer_comes_reads_the_next_message(alex: Person) -> None:
    alex.talked("My cat is Tom.", "My dog is Rex.")
    alex.prefers(model="openai:slow").open()
    alex.say("Tell me more.")
    expect(alex.page.get_by_role("button", name="Stop")).to_be_visible()
    alex.choose_memory("Buffer")
    alex.sees_turn(3)
    alex.sees_memory("Buffer")
    alex.page.keyboard.press("Escape")
    alex.say("And more.")
    alex.sees_turn(4)
    expect(alex.messages).to_have_count(8)
    memories = [trace.memory for trace in alex.store.traces(alex.id, alex.thread().id, 2, 4)]
    assert memories == ["ConversationBufferWindowMemory", "ConversationBufferMemory"]


def test_what_is_asked_of_earlier_turns_while_a_further_answer_comes_doubles_nothing(alex: Person) -> None:
    alex.talked("My cat is Tom.", "My dog is Rex.")
    alex.prefers(model="openai:slow").open()
    alex.say("Tell me more.")
    expect(alex.page.get_by_role("button", name="Stop")).to_be_visible()
    alex.press("Regenerate")
    alex.say("Said too early.")
    alex.sees_turn(3)
    expect(alex.box).to_have_value("Said too early.")
    alex.settled()
    expect(alex.messages).to_have_count(6)
    assert [turn.human for turn in alex.turns()] == ["My cat is Tom.", "My dog is Rex.", "Tell me more."]
    assert all(not turn.earlier for turn in alex.turns())


def test_an_answer_asked_for_again_is_given_with_what_another_tab_has_chosen_since(alex: Person) -> None:
    alex.talked("My cat is Tom.")
    alex.open()
    alex.say("My dog is Rex.")
    alex.sees_turn(2)
    other = alex.tab()
    other.choose_memory("Buffer")
    other.sees_memory("Buffer")
    alex.press("Regenerate")
    alex.sees("1 earlier answer to this message")
    alex.sees_turn(2)
    alex.sees_memory("Buffer")
    (trace,) = alex.store.traces(alex.id, alex.thread().id, 1, 2)
    assert trace.memory == "ConversationBufferMemory"


def test_earlier_turns_are_drawn_on_demand_after_a_further_message(alex: Person) -> None:
    alex.talked(*(f"Fact {number}." for number in range(28)))
    alex.open()
    alex.say("Fact 28.")
    alex.sees_turn(29)
    alex.press("Show turns 1 to 3")
    expect(alex.messages).to_have_count(58)
