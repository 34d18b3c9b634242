"""The x-ray of the prompt and what was left out, in a real browser: by pointer, by keyboard and on a phone.

python -m pytest tests/browser/test_prompt.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from memory.base import Turn
from memory.catalog import load
from memory.conversation import Conversation
from memory.prompt import message_of
from memory.trace import Trace
from tests.browser.foreign import Foreign
from tests.browser.person import NewContext, Person, fits, wait_until
from tests.browser.server import AppServer
from tests.memory.fakes import ENCODING

TALK = (
    "I was born in Oslo in 1987.",
    "Sam works at Acme with Mira.",
    "I have three days in Paris.",
    "I like tea.",
    "Where was I born?",
)
SUMMARY, VECTOR = "summary_buffer:max_token_limit=60", "vector:k=2"


@pytest.fixture
def reader(app: AppServer, new_context: NewContext) -> Person:
    """Somebody whose browser lets a page write to the clipboard."""
    context = new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.url)
    return Person(app, context).known()


def prompt_of(person: Person, memory: str, *talk: str, instructions: str = "") -> Locator:
    """Hold a talk, and look at the prompt of its last turn."""
    person.talked(*(talk or TALK), memory=memory, instructions=instructions)
    person.open()
    person.sees_turn(len(talk or TALK))
    return person.view("Prompt").locator("li.piece")


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def focused(page: Page) -> str:
    """What has the focus, also inside of the component: its class and its text."""
    walk = "let at = document.activeElement; while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;"
    return str(page.evaluate(f"() => {{ {walk} return at.className + ' | ' + at.innerText }}"))


# --- where a piece came from ------------------------------------------------------------------------------------------


def test_hovering_a_piece_says_why_and_choosing_it_where_it_came_from(reader: Person) -> None:
    summary = prompt_of(reader, SUMMARY).filter(has_text="Summary v")
    expect(summary.locator(".why")).to_be_hidden()
    summary.locator(".text").hover()
    expect(summary.locator(".why")).to_contain_text("Summary of turns 1 to")
    summary.locator(".head").click()
    expect(summary.locator(".about")).to_contain_text(re.compile(r"Version \d, .*written after turn \d"))
    expect(summary.locator(".about")).to_contain_text("It tells of turns 1 to")
    expect(summary.locator(".why")).to_be_hidden()
    summary.locator(".head").click()
    expect(summary.locator(".about")).to_have_count(0)


def test_a_click_on_the_source_of_a_turn_opens_that_turn(reader: Person) -> None:
    pieces = prompt_of(reader, "window:k=3")
    pieces.filter(has_text="History: turn 3").locator(".head").click()
    reader.page.get_by_role("button", name="Turn 3 in Memory now").click()
    expect(reader.panel.get_by_role("radio", name="Memory now")).to_be_checked()
    card = reader.page.locator(".st-key-panel_source_card")
    expect(card).to_contain_text("I have three days in Paris.")
    expect(card).to_be_focused()
    expect(card).to_be_in_viewport()


def test_the_keyboard_alone_chooses_a_line_of_the_quotes_and_goes_to_its_turn(reader: Person) -> None:
    page = reader.page
    line = prompt_of(reader, VECTOR).locator(".line").filter(has_text="Human: I was born in Oslo")
    line.focus()
    expect(line.locator(".why")).to_be_visible()
    page.keyboard.press("Escape")
    expect(line.locator(".why")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(line).to_have_attribute("aria-expanded", "true")
    about = page.locator(".about")
    expect(about).to_contain_text(re.compile(r"Rank \d, score \d"))
    expect(about).to_contain_text("Overlaps with the answer: Oslo, 1987.")
    page.keyboard.press("Tab")
    assert focused(page) == "lead | Turn 1"
    page.keyboard.press("Enter")
    expect(reader.page.locator(".st-key-panel_source_card")).to_be_focused()
    expect(reader.page.get_by_role("spinbutton", name="Turn whose card is open")).to_have_value("1")


def test_escape_closes_what_was_chosen_and_keeps_the_place(reader: Person) -> None:
    piece = prompt_of(reader, "window:k=3").first
    piece.locator(".head").focus()
    reader.page.keyboard.press("Enter")
    expect(piece.locator(".about")).to_be_visible()
    reader.page.keyboard.press("Escape")
    expect(piece.locator(".about")).to_have_count(0)
    assert focused(reader.page).startswith("head | ")


def test_a_summary_and_a_triple_lead_to_where_they_are_shown(reader: Person) -> None:
    pieces = prompt_of(reader, SUMMARY)
    pieces.filter(has_text="Summary v").locator(".head").click()
    reader.page.get_by_role("button", name=re.compile(r"^Summary v\d in Memory now")).click()
    expect(reader.page.locator(".st-key-panel_note_card")).to_be_focused()
    expect(reader.page.locator(".st-key-panel_note_card")).to_contain_text("Summary v")
    pieces = prompt_of(reader, "kg", "Sam works at Acme.", "I like tea.", "Where does Sam work?")
    pieces.filter(has_text="Triple: Sam works at Acme").locator(".head").click()
    reader.page.get_by_role("button", name="Triple: Sam works at Acme in Memory now").click()
    card = reader.page.locator(".st-key-panel_form_0_card")
    expect(card).to_be_focused()
    expect(card).to_contain_text("Sam → works at → Acme")


def test_the_instructions_lead_to_the_settings(reader: Person) -> None:
    pieces = prompt_of(reader, "window", "Hello.", instructions="Be brief.")
    pieces.filter(has_text="Instructions").locator(".head").click()
    reader.page.get_by_role("button", name="The instructions, in Settings").click()
    expect(reader.page).to_have_url(re.compile("/settings"))


def test_what_was_retrieved_and_not_sent_stands_below_and_leads_to_its_turn(reader: Person) -> None:
    prompt_of(reader, "vector:k=1", *TALK[:3], "My sister was born in Bergen.", "Where was I born?")
    expect(reader.panel).to_contain_text(re.compile(r"\d retrieved, \d of them .*near miss.* · 1 sent · 1 overlaps"))
    missed = reader.page.locator("section.missed")
    expect(missed).to_contain_text("rank 2 of top 1")
    missed.get_by_role("button").first.click()
    expect(reader.page.locator(".st-key-panel_source_card")).to_be_focused()


# --- the exact text ---------------------------------------------------------------------------------------------------


def test_one_piece_can_be_copied_as_it_was_sent(reader: Person) -> None:
    pieces = prompt_of(reader, "window:k=3")
    pieces.last.locator(".head").click()
    reader.page.get_by_role("button", name="Copy your message").click()
    expect(reader.page.get_by_text("Copied", exact=True).first).to_be_visible()
    assert clipboard(reader.page) == "Where was I born?"
    pieces.filter(has_text="History: turn 4").locator(".head").click()
    reader.page.get_by_role("button", name="Copy history: turn 4").click()
    wait_until(reader.page, lambda: clipboard(reader.page).startswith("user: I like tea.\n\nassistant: "))
    assert clipboard(reader.page).startswith("user: I like tea.\n\nassistant: ")


def test_the_whole_prompt_can_be_copied_as_messages_and_as_text(reader: Person) -> None:
    prompt_of(reader, VECTOR)
    reader.panel.get_by_text("The exact text, to copy").click()
    reader.settled()
    code = reader.panel.get_by_test_id("stCode")
    code.hover()
    code.get_by_role("button").first.click()
    wait_until(reader.page, lambda: clipboard(reader.page).startswith("["))
    sent = json.loads(clipboard(reader.page))
    # What is quoted is one message, as it was sent.
    assert [message["role"] for message in sent] == ["system", "user"]
    assert sent[0]["content"].startswith("Quoted from earlier in this conversation:\n")
    reader.panel.get_by_role("radio", name="Text", exact=True).click()
    expect(code).to_contain_text("user: Where was I born?")
    reader.panel.get_by_role("radio", name="With sources", exact=True).click()
    expect(code).to_contain_text('"source": "Turn 1"')


def test_a_long_message_is_shown_whole_on_demand(reader: Person) -> None:
    words = " ".join(f"word{number}" for number in range(1200))
    piece = prompt_of(reader, "window", f"Start {words} end.", "And now?").filter(has_text="History: turn 1")
    piece.locator(".head").click()
    expect(piece.get_by_role("button", name="Copy history: turn 1")).to_have_count(0)
    while (more := piece.locator(".whole")).count():
        before = more.count()
        more.first.click()
        expect(more).to_have_count(before - 1)
    assert focused(reader.page).startswith("head | ")
    piece.get_by_role("button", name="Copy history: turn 1").click()
    wait_until(reader.page, lambda: "word1199 end." in clipboard(reader.page))
    assert f"Start {words} end." in clipboard(reader.page)


def test_any_turn_of_a_long_prompt_can_be_looked_at_and_the_whole_copied(
    reader: Person, axe: Callable[[Page], list[str]]
) -> None:
    thread = reader.talked(memory="buffer")
    # A line that is long and has few tokens: 300 of them fit the demo model.
    said = [(message_of("human", f"Fact {number}. {'=' * 400}", ENCODING),) for number in range(1, 301)]
    turns = [Turn(f"t{index}", messages, at=1.0, index=index) for index, messages in enumerate(said)]
    reader.store.extend(reader.id, thread.id, turns, [Trace("import", one.index, one.id, one.at) for one in turns])
    for _ in Conversation(reader.store, reader.id, thread.id, load().memory("buffer")).reply("What is fact 7?"):
        pass
    reader.open()
    reader.sees_turn(301)
    page, pieces = reader.page, reader.view("Prompt").locator("li.piece")
    expect(pieces).to_have_count(40)
    expect(pieces.filter(has_text="History: turn 150")).to_have_count(0)
    page.get_by_role("spinbutton", name="Go to turn").fill("150")
    page.keyboard.press("Enter")
    expect(page.locator("li.piece.open")).to_contain_text("History: turn 150")
    assert focused(page).startswith("head | History: turn 150")
    expect(page.get_by_role("button", name="Turn 150 in Memory now")).to_be_visible()
    page.get_by_role("button", name="… 102 more turns").click()
    expect(pieces.filter(has_text="History: turn 200")).to_have_count(1)
    assert axe(page) == []
    reader.panel.get_by_text("The exact text, to copy").click()
    reader.press("Read the whole prompt")
    expect(reader.panel).to_contain_text("it is what was sent")
    reader.press(re.compile(r"^Copy [\d,]+ characters$"))
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    sent = json.loads(clipboard(page))
    assert [len(sent), sent[149]["content"][:9], sent[-1]["content"]] == [301, "Fact 150.", "What is fact 7?"]


def test_what_shares_words_with_the_answer_is_underlined(reader: Person) -> None:
    pieces = prompt_of(reader, "buffer")
    marks = pieces.filter(has_text="History: turn 1").locator("mark")
    expect(marks.first).to_be_visible()
    assert set(marks.all_inner_texts()) == {"Oslo", "1987"}
    expect(pieces.filter(has_text="History: turn 4").locator("mark")).to_have_count(0)


def test_hostile_texts_are_text(reader: Person, foreign: Foreign) -> None:
    picture = f'<img src="{foreign.url}/a.png" onerror="document.title=1">'
    hostile = f"{picture}<script>document.title=2</script> ![x]({foreign.url}/b.png) </div>"
    pieces = prompt_of(reader, "vector:k=3", f"My name is {hostile}", hostile, f"What is my name? {hostile}")
    expect(pieces.first).to_contain_text("<script>document.title=2</script>")
    for line in pieces.locator(".line").all():
        line.click()
    reader.view("Left out")
    reader.settled()
    reader.view("Prompt")
    reader.panel.get_by_text("The exact text, to copy").click()
    reader.settled()
    assert reader.page.title() not in ("1", "2")
    assert reader.panel.locator("li img, li script").count() == 0
    assert foreign.hits == []


# --- the prefix -------------------------------------------------------------------------------------------------------


def test_the_reusable_prefix_is_shaded_up_to_where_it_breaks(reader: Person) -> None:
    pieces = prompt_of(reader, "window:k=2", *TALK, instructions="Answer briefly, and in whole sentences.")
    expect(pieces.first).to_have_class(re.compile("cached"))
    expect(pieces.last).not_to_have_class(re.compile("cached"))
    expect(reader.panel.locator(".break")).to_have_count(1)
    expect(reader.panel.locator(".break")).to_contain_text("prefix breaks")
    expect(reader.panel.locator(".break")).to_contain_text("turn 2 slid out of the prompt")
    expect(reader.panel).to_contain_text("that the prompt before began with as well")


# --- left out ---------------------------------------------------------------------------------------------------------


def test_a_turn_that_was_left_out_shows_what_survives_of_it(reader: Person) -> None:
    prompt_of(reader, SUMMARY)
    reader.view("Left out")
    reader.settled()
    table = reader.panel.get_by_test_id("stDataFrame").locator("canvas").first
    box = table.bounding_box()
    assert box
    reader.page.mouse.click(box["x"] + 18, box["y"] + 48)
    expect(reader.panel).to_contain_text(re.compile(r"\d of \d words survive in Summary v\d"))
    expect(reader.panel).to_contain_text("What would have brought turn")


# --- for everybody ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [SUMMARY, VECTOR, "kg"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chosen_piece_is_accessible(
    app: AppServer, new_context: NewContext, axe: Callable[[Page], list[str]], scheme: str, memory: str
) -> None:
    person = Person(app, new_context(color_scheme=scheme)).known()
    pieces = prompt_of(person, memory)
    pieces.first.locator(".head").click()
    if (line := pieces.locator(".line").nth(2)).count():
        line.click()
    assert axe(person.page) == []
    assert fits(person.page)


@pytest.mark.parametrize("memory", [SUMMARY, VECTOR])
def test_on_a_phone_a_piece_is_chosen_by_a_tap(
    app: AppServer, new_context: NewContext, axe: Callable[[Page], list[str]], memory: str
) -> None:
    person = Person(app, new_context(390, 844, has_touch=True)).known()
    person.talked(*TALK, memory=memory)
    person.open()
    person.sees_turn(5)
    person.page.get_by_test_id("stExpandSidebarButton").click()
    pieces = person.view("Prompt").locator("li.piece")
    pieces.first.locator(".head").tap()
    expect(pieces.first.locator(".about")).to_be_visible()
    assert axe(person.page) == []
    assert fits(person.page)
