"""Conversations are found by their words and brought in from files, in a real browser.

python -m pytest tests/browser/test_thread_search.py
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from memory.base import Turn
from memory.prompt import message_of
from memory.store import Thread
from memory.trace import Trace
from tests.browser.foreign import Foreign
from tests.browser.person import NewContext, Person, fits
from tests.browser.server import AppServer

TWO_PEOPLE = "Ann: Hello Ben, I moved to Lisbon.\nBen: Really? **When**?\nAnn: In May.\nBen: Nice.\n"


def filled(person: Person, title: str, length: int, **said: str) -> str:
    """Store a conversation of so many turns; `said` are the messages of some, as t12="..."."""
    id = uuid.uuid4().hex[:16]
    turns = [
        Turn(f"t{at}", (message_of("human", said.get(f"t{at}", f"Note {at}."), "o200k_base"),), at=1e9, index=at)
        for at in range(length)
    ]
    person.store.put_thread(person.id, Thread(id, title, 1.0, time.time()))
    person.store.extend(person.id, id, turns, [Trace("import", turn.index, turn.id, turn.at) for turn in turns])
    return id


def look_for(person: Person, words: str) -> Locator:
    """Type into the search box of the menu; returns the menu."""
    menu = person.menu()
    box = menu.get_by_role("textbox", name="Find words in all conversations")
    box.fill(words)
    box.press("Enter")
    return menu


def bring(person: Person, path: Path) -> Locator:
    """Import a file from the menu; returns the dialog."""
    person.menu().get_by_role("button", name="Import").click()
    dialog = person.page.get_by_role("dialog", name="Import a conversation")
    dialog.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(path)
    expect(dialog.get_by_test_id("stFileChipName")).to_have_text(path.name)
    dialog.get_by_role("button", name=re.compile("Import$")).click()
    return dialog


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 800, "light"), (390, 844, "dark")])
def test_words_are_found_far_back_and_lead_to_their_turn(
    app: AppServer,
    new_context: NewContext,
    axe: Callable[[Page], list[str]],
    foreign: Foreign,
    width: int,
    height: int,
    scheme: str,
) -> None:
    person = Person(app, new_context(width, height, color_scheme=scheme)).known()
    hostile = f"My sister Zoë moved to Lyon: ![x]({foreign.url}/a.png) <b>:red[so]</b> she says."
    filled(person, "Long one", 2000, t700=hostile)
    filled(person, "Short **one**", 3)
    person.open()
    menu = look_for(person, "zoe LYON")
    expect(menu.get_by_text("1 turn in 1 conversation")).to_be_visible()
    expect(menu.get_by_text("You: My sister Zoë moved to Lyon: ![x](")).to_be_visible()
    person.settled()
    assert axe(person.page) == []
    assert fits(person.page)
    menu.get_by_role("button", name="Turn 701").click()
    person.sees("Found: turn 701")
    place = person.page.locator(".st-key-chat_found_turn_place")
    expect(place).to_contain_text("My sister Zoë moved to Lyon")
    expect(place).to_be_in_viewport()
    expect(person.messages).to_have_count(50)
    expect(person.panel.get_by_role("spinbutton").last).to_have_value("701")
    assert foreign.hits == []
    person.press("Go to the newest, turn 2,000")
    person.sees("Note 1999.")
    person.sees_not("Found: turn 701")


def test_what_was_deleted_or_forgotten_is_not_found_and_several_conversations_are_counted(alex: Person) -> None:
    kept = filled(alex, "Kept", 4, t0="A blue door.", t2="Another blue door.")
    filled(alex, "Also", 2, t1="The door is blue.")
    gone = filled(alex, "Gone", 2, t0="A blue door.")
    alex.store.delete_thread(alex.id, gone)
    alex.open()
    menu = look_for(alex, "blue door")
    expect(menu.get_by_text("3 turns in 2 conversations")).to_be_visible()
    look_for(alex, '"blue door"')
    expect(menu.get_by_text("2 turns in 1 conversation")).to_be_visible()
    look_for(alex, "green")
    expect(menu.get_by_text("Nothing found in 2 conversations with 6 turns.")).to_be_visible()
    look_for(alex, "")
    expect(menu.get_by_text("1 other conversation")).to_be_visible()
    assert alex.store.open(alex.id, kept, "", 0).length == 4


def test_a_conversation_of_two_people_is_imported_gone_on_with_and_the_import_undone(
    alex: Person, tmp_path: Path
) -> None:
    path = tmp_path / "talk.txt"
    path.write_text(TWO_PEOPLE)
    alex.talked("Before.", title="Before")
    alex.open()
    bring(alex, path)
    alex.sees("1 conversation, 2 turns imported.")
    expect(alex.messages).to_have_count(4)
    for place, name in enumerate(("Ann", "Ben", "Ann", "Ben")):
        expect(alex.messages.nth(place)).to_contain_text(name)
    alex.press("Undo the import")
    alex.sees("1 imported conversation deleted again.")
    alex.sees("Before.")
    assert [thread.title for thread in alex.store.threads(alex.id)] == ["Before"]
    bring(alex, path)
    alex.sees("1 conversation, 2 turns imported.")
    alex.say("Where did I move to?")
    alex.sees_turn(3)
    alex.sees_not("2 turns imported")
    assert "Lisbon" in alex.turns()[2].ai


def test_of_several_conversations_the_first_is_opened_and_a_wrong_file_brings_nothing(
    alex: Person, tmp_path: Path
) -> None:
    alex.open()
    wrong = tmp_path / "wrong.json"
    wrong.write_text('[{"role": "user", "content": "Hello."}, {"role": "assistant", "content": 7}]')
    dialog = bring(alex, wrong)
    expect(dialog.get_by_text("In the file, at [1].content: must be text; correct it there")).to_be_visible()
    assert alex.store.threads(alex.id) == []
    alex.page.keyboard.press("Escape")
    chats = tmp_path / "conversations.json"
    chats.write_text(json.dumps([chat_of("First", "I like tea."), chat_of("Second", "I like coffee.")]))
    bring(alex, chats)
    alex.sees("2 conversations, 2 turns imported.")
    alex.sees("I like tea.")
    assert {thread.title for thread in alex.store.threads(alex.id)} == {"First", "Second"}


def chat_of(title: str, said: str) -> dict[str, object]:
    """A conversation as ChatGPT exports it."""
    parts = (("user", said), ("assistant", "So I see."))
    nodes = {
        f"n{at}": {
            "id": f"n{at}",
            "parent": f"n{at - 1}" if at else None,
            "children": [] if at else ["n1"],
            "message": {
                "id": f"m{at}",
                "author": {"role": role},
                "content": {"content_type": "text", "parts": [text]},
            },
        }
        for at, (role, text) in enumerate(parts)
    }
    return {"title": title, "create_time": 1.7e9, "mapping": nodes, "current_node": "n1"}


def test_the_price_of_taking_an_import_in_is_said_before_the_next_message(alex: Person, tmp_path: Path) -> None:
    path = tmp_path / "talk.txt"
    path.write_text(TWO_PEOPLE)
    alex.open()
    alex.choose_memory("Summary")
    alex.sees_memory("Summary")
    alex.page.keyboard.press("Escape")
    bring(alex, path)
    question = alex.page.locator(".st-key-chat_imported_question")
    expect(question).to_contain_text(
        re.compile(r"Summary has not seen 2 of these turns; .* calls its model about \d+ times?: .*\$0\.0")
    )
    alex.press("Take them in now")
    expect(question).to_have_count(0)
    (event,) = alex.store.events(alex.id, alex.thread().id)
    assert event.calls


def test_a_first_message_that_is_refused_leaves_no_conversation(alex: Person) -> None:
    alex.open()
    text = "All work and no play. " * 48_000
    alex.box.evaluate(
        "(box, text) => { Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(box, text);"
        " box.dispatchEvent(new Event('input', {bubbles: true})) }",
        text,
    )
    alex.box.press("Enter")
    alex.sees(re.compile("Shorten the message"))
    expect(alex.box).to_have_value(text)
    assert alex.store.threads(alex.id) == []
