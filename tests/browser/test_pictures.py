"""Pictures in the chat in a real browser: sent, seen, recalled by caption, refused in a sentence, forgotten.

python -m pytest tests/browser/test_pictures.py
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from memory.store import Thread
from tests.browser.person import NewContext, Person, fits, wait_until
from tests.browser.server import AppServer
from tests.pictures.drawn import beach, drawing

pytestmark = pytest.mark.browser

ENVIRONMENT = {"EMBEDDINGS": "hashing"}

FILES = {"beach.png": drawing(), "notes.png": b"these are words"}


def attach(person: Person, *names: str) -> None:
    box = person.page.get_by_test_id("stChatInput")
    box.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": FILES[name]} for name in names]
    )
    for name in names:
        expect(box.get_by_text(name)).to_be_visible()


def picture(place: Locator) -> Locator:
    return place.get_by_role("img", name=beach()[0].told)


def drawn(image: Locator) -> bool:
    return bool(image.evaluate("image => image.complete && image.naturalWidth > 0"))


@pytest.mark.parametrize(("size", "scheme"), [((1280, 800), "light"), ((390, 844), "dark")])
def test_a_picture_is_sent_seen_and_recalled_by_its_caption(
    app: AppServer,
    new_context: NewContext,
    axe: Callable[[Page], list[str]],
    size: tuple[int, int],
    scheme: str,
) -> None:
    alex = Person(app, new_context(*size, color_scheme=scheme)).open()
    thread = Thread("p1", "Pictures", 1.0, 1.0, "MultimodalMemory", {"k": 2})
    alex.store.put_thread(alex.id, thread)
    alex.open()
    page = alex.page

    attach(alex, "beach.png", "notes.png")
    alex.say("Here is our holiday.")
    alex.sees("“notes.png” is no picture that can be read: choose a PNG, JPEG, WebP or GIF file. Your message was not")
    expect(alex.box).to_have_value("Here is our holiday.")
    alex.sees("1 picture for your next message:")
    assert alex.turns("p1") == []

    alex.box.press("Enter")
    alex.sees("Noted: Here is your holiday.")
    alex.sees("demo is not known to take pictures: it was told in words what can be read off the file.")
    alex.sees_not("1 picture for your next message:")
    shown = picture(alex.messages.first)
    expect(shown).to_be_visible()
    wait_until(page, lambda: drawn(shown))
    assert str(shown.get_attribute("src")).startswith(("/media/", app.url))
    assert fits(page)

    alex.say("I like tea.")
    alex.sees("Noted: you like tea.")
    alex.say("What does the picture beach.png show?")
    alex.sees(re.compile(r"^The picture beach\.png shows mainly blue and beige\.$"))
    assert not axe(page)
    if size[0] < 600:
        page.get_by_test_id("stExpandSidebarButton").click()
    expect(alex.panel.get_by_text("1 picture, 1 of them sent")).to_be_visible()
    wait_until(page, lambda: drawn(picture(alex.panel).first))
    alex.panel.get_by_role("button", name="Turn 1", exact=True).click()
    expect(alex.panel.get_by_text("You: Here is our holiday.")).to_be_visible()
    expect(alex.view("Prompt").get_by_text("pictures 23")).to_be_visible()


def test_a_forgotten_picture_is_gone_from_the_page_and_the_store(app: AppServer, new_context: NewContext) -> None:
    alex = Person(app, new_context(1280, 800)).open()
    attach(alex, "beach.png")
    alex.say("Here is our holiday.")
    alex.sees("Noted: Here is your holiday.")
    user, thread = alex.id, alex.thread().id
    assert alex.store.picture_ids(user, thread) == [beach()[0].id]
    alex.page.reload()
    expect(picture(alex.messages.first)).to_be_visible()
    alex.page.locator("[class*=st-key-chat_forget_]").first.get_by_role("button").click()
    box = alex.page.get_by_role("dialog").filter(has_text="Forget a turn")
    expect(box).to_contain_text("pictures that came with it (1)")
    box.get_by_role("button", name="Forget it").click()
    wait_until(alex.page, lambda: alex.store.picture_ids(user, thread) == [])
    expect(picture(alex.page.locator("body"))).to_have_count(0)
