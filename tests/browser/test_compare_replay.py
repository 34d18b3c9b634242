"""A replayed comparison in a real browser: chosen, run, kept, linked, opened in the chat.

python -m pytest tests/browser/test_compare_replay.py
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from memory.compare.keeping import Experiments
from tests.browser.foreign import Foreign
from tests.browser.person import NewContext, fits, wait_until
from tests.browser.replayer import LONG, Replayer, locomo, talk

ENVIRONMENT = {"EMBEDDINGS": "hashing"}
HOSTILE = "<script>document.title='taken'</script> ![x]({url}/p.png) $x^2$ :red[r] =HYPERLINK(\"{url}\")"


@pytest.fixture
def kim(app: Any, new_context: NewContext) -> Replayer:
    """Somebody with a browser of 1280 x 800."""
    return Replayer(app, new_context()).known()


def test_a_scenario_is_run_found_again_deleted_and_brought_back_and_a_link_restores_it_in_another_browser(
    kim: Replayer, new_context: NewContext
) -> None:
    kim.begin()
    kim.scenario()
    kim.sees(re.compile(r"\d+ steps, each a turn or a question"))
    kim.run()
    kim.done()
    (one,) = kim.kept
    assert one.status == "done"
    assert len(one.columns) > 1
    assert set(Experiments(kim.store, kim.id).results(one.id)) == {(0, place) for place in range(len(one.columns))}
    kim.sees("Evidence in the prompt is not answer accuracy")
    kim.sees("What this scenario is for")
    kim.sees(re.compile(r"What it says will happen: (\d+) of \1 claims held in this run"))
    address = kim.link()
    assert kim.id not in address
    kim.part("delete").get_by_role("button").click()
    kim.sees(re.compile("^Deleted the comparison"))
    assert kim.kept == []
    kim.press("Undo", exact=True)
    kim.sees(re.compile("^Kept comparisons: 1"))
    assert [back.id for back in kim.kept] == [one.id]
    kim.begin()
    kim.page.get_by_text("Kept comparisons: 1").click()
    kim.press(re.compile(re.escape(one.title)))
    kim.done()
    lee = Replayer(kim.server, new_context()).known()
    lee.page.goto(address)
    expect(lee.page.get_by_role("heading", name="1. Conversation")).to_be_visible()
    expect(lee.part("taken")).to_be_visible()
    assert "settings" not in lee.page.url
    lee.run()
    lee.done()
    theirs = lee.kept[0]
    assert (theirs.columns, theirs.sweeps, theirs.source, theirs.price_as) == (
        one.columns, one.sweeps, one.source, one.price_as,
    )  # fmt: skip


def test_one_setting_is_tried_over_several_values_and_a_link_to_a_file_says_which_one_to_drop(
    kim: Replayer, new_context: NewContext
) -> None:
    kim.begin()
    kim.drop("talk.txt", talk(12))
    expect(kim.part("taken")).to_be_visible()
    kim.page.get_by_role("button", name="Change").nth(1).click()
    choice = kim.page.get_by_role("combobox", name=re.compile("Try several values of"))
    choice.click()
    kim.page.get_by_role("option", name="k", exact=True).click()
    box = kim.page.get_by_role("textbox", name="Values, between commas")
    box.fill("2, 4, 1000000")
    box.press("Enter")
    kim.sees(re.compile("less than or equal to 1000"))
    box.fill("2, 4, 8")
    box.press("Enter")
    kim.sees(re.compile("k = 2, 4, 8 · 3 runs"))
    kim.sees(re.compile("^5 memories and settings"))
    kim.run()
    kim.done()
    (one,) = kim.kept
    assert [(sweep.setting, sweep.first, sweep.end) for sweep in one.sweeps] == [("k", 1, 4)]
    address = kim.link()
    lee = Replayer(kim.server, new_context()).known()
    lee.page.goto(address)
    lee.sees(re.compile("belong to the file talk.txt: drop it below"))
    lee.sees(re.compile("k = 2, 4, 8 · 3 runs"))
    lee.drop("talk.txt", talk(4))
    expect(lee.part("taken")).to_be_visible()
    lee.page.goto(f"{address[:-7]}%3Cb%3E")
    alert = lee.page.get_by_role("alert").filter(has_text="The link")
    expect(alert).to_contain_text("damaged or not whole: ask for the link again")


def test_a_file_of_several_conversations_is_run_over_those_chosen(kim: Replayer) -> None:
    kim.begin()
    kim.drop("three.json", locomo("conv-1", "conv-2", "conv-3"))
    kim.sees("three.json")
    kim.source("Some")
    box = kim.page.get_by_role("combobox", name=re.compile("^Conversations to replay"))
    for name in ("conv-1", "conv-3"):
        box.click()
        kim.page.get_by_role("option", name=re.compile(f"^{name}")).click()
        kim.settled()
    kim.page.keyboard.press("Escape")
    kim.sees(re.compile("2 conversations"))
    kim.run()
    kim.done()
    (one,) = kim.kept
    assert [listed.id for listed in one.conversations] == ["conv-1", "conv-3"]


def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(kim: Replayer) -> None:
    kim.begin()
    for name, data, said in (
        ("empty.json", b"", "is empty"),
        ("cut.json", b'{"messages": [{"role": "user", "con', "not whole JSON (line 1, column"),
        ("odd.json", b'{"a": 1}', "is no conversation that can be read here"),
        ("wrong.json", b'[{"role": "user", "content": 7}]', "[0].content"),
        ("zip.json", b"PK\x03\x04rest", "ZIP archive: unpack it"),
        ("latin.txt", b"User: caf\xe9\nAI: oui", "not text in UTF-8"),
    ):
        kim.drop(name, data)
        alert = kim.page.get_by_role("alert").filter(has_text=name)
        expect(alert).to_contain_text(said)
        assert "\n" not in alert.get_by_test_id("stMarkdownContainer").inner_text().strip()
        kim.sees("Choose a conversation above.")
        expect(kim.page.get_by_role("button", name="Run", exact=True)).to_be_disabled()


def test_a_file_of_nearly_50_mb_is_read_and_one_over_it_is_refused(kim: Replayer, tmp_path: Path) -> None:
    line = "User: " + "apple pie " * 9_000 + "\nAI: Noted.\n"
    most = 49_500_000 // len(line)
    large, larger = tmp_path / "large.txt", tmp_path / "larger.txt"
    large.write_text(line * most)
    larger.write_text(line * (most + 40))
    kim.begin()
    kim.source("A file")
    box = kim.page.get_by_test_id("stFileUploaderDropzoneInput")
    box.set_input_files(larger)
    kim.sees(re.compile("50.0MB or smaller"))
    box.set_input_files(large)
    expect(kim.part("taken")).to_contain_text(f"{most:,} turns", timeout=LONG)


def test_hostile_texts_names_and_titles_stay_what_they_are(kim: Replayer, foreign: Foreign) -> None:
    hostile = HOSTILE.format(url=foreign.url)
    asked: list[str] = []
    kim.page.on("request", lambda request: asked.append(request.url))
    kim.begin()
    kim.drop(f"{hostile.replace('/', '_')[:120]}.json", locomo(hostile, f"{hostile} 2", text=hostile))
    expect(kim.part("taken")).to_be_visible()
    kim.run()
    kim.done()
    kim.press(re.compile("^Rename"))
    box = kim.page.get_by_role("textbox", name="Title", exact=True)
    box.fill(hostile[:100])
    box.press("Enter")
    expect(kim.page.get_by_role("heading", name=re.compile("<script>"))).to_be_visible()
    wait_until(kim.page, lambda: kim.kept[0].title == hostile[:100].strip())
    assert kim.kept[0].title == hostile[:100].strip()
    kim.begin()
    kim.page.get_by_text("Kept comparisons: 1").click()
    kim.settled()
    assert "taken" not in kim.page.title()
    assert foreign.hits == []
    assert not [url for url in asked if url.startswith(foreign.url)]
    assert kim.page.locator("[data-testid=stMain] .katex").count() == 0


def test_a_conversation_of_the_chat_is_replayed_run_again_changed_opened_in_the_chat_and_gone_on_with(
    kim: Replayer,
) -> None:
    kim.talked("My name is Kim.", "I live in Oslo.", "Where do I live?", title="Oslo *talk*")
    kim.begin()
    kim.source("A chat of mine")
    kim.page.get_by_role("combobox", name=re.compile("A conversation of this browser")).click()
    kim.page.get_by_role("option", name="Oslo *talk*").click()
    kim.press("Take it")
    expect(kim.part("taken")).to_contain_text("Oslo *talk*")
    kim.run()
    kim.done()
    kim.press("Change and run again")
    expect(kim.part("taken")).to_contain_text("3 turns")
    kim.page.get_by_role("button", name="Remove").first.click()
    kim.run()
    kim.done()
    first, second = reversed(kim.kept)
    assert second.columns == first.columns[1:]
    kim.press(re.compile("^Open in the chat"))
    kim.press("Open it")
    kim.sees("I live in Oslo.")
    kim.say("I like tea.")
    kim.sees_turn(4)
    assert [turn.human for turn in kim.turns()][-1] == "I like tea."


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 800, "light"), (390, 844, "dark")])
def test_nothing_scrolls_sideways_and_axe_finds_nothing_serious(
    app: Any, new_context: NewContext, axe: Callable[[Page], list[str]], width: int, height: int, scheme: str
) -> None:
    kim = Replayer(app, new_context(width, height, scheme)).known()

    def sound() -> None:
        kim.still()
        assert fits(kim.page)
        assert axe(kim.page) == []

    kim.begin()
    sound()
    kim.scenario()
    kim.settled()
    kim.page.get_by_role("button", name="Change").nth(1).click()
    expect(kim.page.get_by_role("combobox", name=re.compile("Try several values of"))).to_be_visible()
    sound()
    kim.run()
    kim.done()
    kim.page.get_by_text("What it says will happen").click()
    expect(kim.page.get_by_test_id("stDataFrame").nth(1)).to_be_visible()
    sound()
