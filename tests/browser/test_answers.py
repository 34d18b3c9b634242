"""An answer on its way and what it says, in a real browser: streamed, stopped, left, given again, and harmless.

python -m pytest tests/browser/test_answers.py
"""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.foreign import Foreign
from tests.browser.person import Person

LONG = " ".join(f"word{number}" for number in range(1, 41))
"""What the slow model repeats in eight seconds."""


# --- on its way -------------------------------------------------------------------------------------------------------


def test_an_answer_streams_and_stop_keeps_its_beginning(slow: Person) -> None:
    slow.say(" ".join([LONG] * 10))
    answer = slow.messages.nth(1)
    expect(answer).to_contain_text("word3")
    slow.press("Stop")
    slow.sees("You stopped this answer here.")
    expect(answer).to_contain_text("You said: word1")
    (turn,) = slow.turns()
    assert turn.status == "stopped"
    assert turn.ai.startswith("You said: word1")
    assert len(turn.ai.split()) < 400
    slow.page.reload()
    slow.sees("You stopped this answer here.")
    expect(slow.box).to_be_enabled()


def test_clicks_and_a_reload_in_mid_answer_lose_nothing(slow: Person) -> None:
    slow.say(LONG)
    answer = slow.messages.nth(1)
    expect(answer).to_contain_text("word2")
    slow.page.get_by_role("radio", name="Prompt", exact=True).click()
    expect(answer).to_contain_text("word10")
    slow.page.reload()
    expect(answer).to_contain_text("word10")
    slow.sees_turn(1)
    (turn,) = slow.turns()
    assert turn.status == "complete"
    assert turn.ai == f"You said: {LONG}"
    expect(answer).to_contain_text("word40")
    assert len(slow.all_messages()) == 2


def test_a_closed_tab_in_mid_answer_finds_it_whole(slow: Person) -> None:
    slow.say(LONG)
    expect(slow.messages.nth(1)).to_contain_text("word2")
    slow.page.close()
    back = slow.tab()
    back.sees_turn(1)
    expect(back.messages.nth(1)).to_contain_text(f"You said: {LONG}")
    assert [turn.status for turn in back.turns()] == ["complete"]


def test_a_message_sent_in_mid_answer_waits_for_its_end(slow: Person) -> None:
    slow.talked("Before.", model="demo")
    slow.page.reload()
    slow.sees_turn(1)
    slow.say("one two three four five six seven")
    expect(slow.messages.nth(3)).to_contain_text("two")
    if slow.box.is_enabled():
        slow.say("impatient")
    slow.sees_turn(len(slow.turns()))
    expect(slow.messages.nth(3)).to_contain_text("You said: one two three four five six seven")
    said = [turn.human for turn in slow.turns()]
    assert said[:2] == ["Before.", "one two three four five six seven"]
    if "impatient" in said:
        # It rests on the answer before it.
        assert slow.store.traces(slow.id, slow.thread().id, 2, 3)[0].read_length == 2
    else:
        expect(slow.box).to_have_value("impatient")


def test_regenerating_keeps_the_earlier_answer(alex: Person) -> None:
    alex.talked("My cat is Tom.", "What is my cat called?")
    alex.open()
    before = alex.all_messages()[-1]
    alex.press("Regenerate")
    expect(alex.page.get_by_text("1 earlier answer to this message")).to_be_visible()
    alex.sees_turn(2)
    alex.page.get_by_text("1 earlier answer to this message").click()
    expect(alex.messages.last.get_by_text(before)).to_have_count(2)
    turns = alex.turns()
    assert len(turns) == 2
    assert turns[1].earlier == (before,)


def test_editing_a_message_forks_and_leaves_the_original(alex: Person) -> None:
    original = alex.talked("My cat is Tom.", "I like tea.", "What is my cat called?", title="Cats")
    alex.open()
    alex.messages.nth(2).locator("[class*=st-key-chat_edit_]").get_by_role("button").click()
    alex.page.get_by_label("Your message").fill("I like coffee.")
    alex.press("Send as a fork")
    alex.sees("Fork at turn 2")
    alex.sees_turn(2)
    fork = alex.thread()
    assert [turn.human for turn in alex.turns(fork.id)] == ["My cat is Tom.", "I like coffee."]
    assert [turn.human for turn in alex.turns(original.id)] == [
        "My cat is Tom.",
        "I like tea.",
        "What is my cat called?",
    ]
    alex.menu().get_by_role("button", name="Cats").click()
    alex.sees_turn(3)
    alex.sees("I like tea.")
    alex.sees_not("I like coffee.")


# --- what the model wrote ---------------------------------------------------------------------------------------------


def test_what_the_model_writes_loads_nothing_and_runs_nothing(alex: Person, foreign: Foreign) -> None:
    alex.prefers(model="openai:echo").open()
    dialogs: list[str] = []
    alex.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    text = (
        f"a ![picture]({foreign.url}/1.png) b <img src={foreign.url}/2.png onerror=alert(1)> c "
        f"<script>fetch('{foreign.url}/3')</script> d [click](javascript:alert(2)) e [site](http://other.example/x)"
    )
    alex.say(text)
    alex.sees_turn(1)
    for view in ("Memory now", "Prompt", "Left out", "Cost"):
        alex.view(view)
        alex.settled()
    answer = alex.messages.nth(1)
    expect(answer).to_contain_text("<img src=")
    expect(answer).to_contain_text("[click](javascript:alert(2))")
    assert alex.page.locator("a[href^='javascript']").count() == 0
    assert alex.page.locator(f"img[src^='{foreign.url}']").count() == 0
    expect(answer.get_by_role("link", name="site")).to_have_attribute("href", "http://other.example/x")
    expect(answer).to_contain_text("(other.example)")
    assert foreign.hits == []
    assert dialogs == []


def test_code_is_drawn_as_code_that_can_be_copied(alex: Person) -> None:
    alex.prefers(model="openai:echo").open()
    alex.box.fill("see\n```python\nprint('hello')\n```")
    alex.box.press("Enter")
    alex.sees_turn(1)
    expect(alex.messages.nth(1).get_by_test_id("stCode")).to_contain_text("print('hello')")
    alex.press("Copy")
    expect(alex.page.get_by_test_id("stPopoverBody").get_by_test_id("stCode")).to_contain_text("You said: see")
