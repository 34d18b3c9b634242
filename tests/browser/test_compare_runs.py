"""A replay on its way in a real browser: stopped, found again after a reload and after a crash, gone on with.

python -m pytest tests/browser/test_compare_runs.py

One memory of these runs stands still for as long as the test wants (`plug_ins/held.py`), so nothing depends on how
fast a machine is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from memory.compare.keeping import Experiments
from tests.browser.person import NewContext, wait_until, woken
from tests.browser.replayer import Replayer, talk
from tests.browser.server import AppServer, running_app

PLUG_INS = Path(__file__).parent / "plug_ins"


@pytest.fixture(scope="module")
def own_app(browser: Browser) -> Iterator[AppServer]:
    """An app that may be killed, with the memory that can be held."""
    with running_app(EMBEDDINGS="hashing", MEMORY_PLUGINS=str(PLUG_INS)) as server:
        yield woken(server, browser)


@pytest.fixture
def kim(own_app: AppServer, new_context: NewContext) -> Iterator[Replayer]:
    """Somebody who compares four memories, of which the last one is held."""
    kim = Replayer(own_app, new_context()).known()
    hold(kim).touch()
    kim.begin()
    kim.drop("talk.txt", talk(6))
    expect(kim.part("taken")).to_be_visible()
    kim.press("Add a memory")
    kim.page.get_by_test_id("stPopoverBody").locator("label").filter(has_text=re.compile("^Held")).first.click()
    kim.sees(re.compile("^4 memories and settings"))
    kim.run()
    expect(kim.part("progress")).to_be_visible()
    yield kim
    hold(kim).unlink(missing_ok=True)


def hold(kim: Replayer) -> Path:
    return Path(kim.server.env["MEMORY_INSPECTOR_HOME"]) / "hold"


def finished(kim: Replayer) -> int:
    """How many runs are kept, once those are that are not held."""
    experiments = Experiments(kim.store, kim.id)
    wait_until(kim.page, lambda: len(experiments.finished(kim.kept[0].id)) >= 3)
    return len(experiments.finished(kim.kept[0].id))


def test_a_run_is_stopped_gone_on_with_and_found_running_after_a_reload(kim: Replayer) -> None:
    assert finished(kim) == 3
    kim.press("Stop", exact=True)
    expect(kim.part("interrupted")).to_contain_text("It was stopped")
    expect(kim.part("interrupted")).to_contain_text("3 of 4 runs are there")
    assert kim.kept[0].status == "stopped"
    kim.press("Go on", exact=True)
    expect(kim.part("progress")).to_be_visible()
    kim.page.reload()
    expect(kim.part("progress")).to_be_visible()
    expect(kim.part("progress")).to_contain_text(re.compile("left|not known"))
    # Another page can be used meanwhile.
    other = kim.tab()
    other.say("My name is Kim.")
    other.sees_turn(1)
    hold(kim).unlink()
    kim.done()
    assert kim.kept[0].status == "done"
    assert finished(kim) == 4


def test_after_a_crash_it_says_what_is_waited_for_then_that_it_was_interrupted_and_goes_on(kim: Replayer) -> None:
    assert finished(kim) == 3
    kim.server.restart(kill=True)
    kim.open("/compare")
    kim.page.get_by_role("radio", name="Replay").click()
    kim.sees("Kept comparisons: 1")
    kim.settled()
    shown = kim.part("elsewhere").or_(kim.part("interrupted"))
    if not shown.count():
        # By now it is known that nobody runs it, so nothing is shown at once.
        kim.page.get_by_text("Kept comparisons: 1").click()
        kim.press(re.compile("talk.txt"))
    expect(shown).to_contain_text("3 of 4 runs are there")
    expect(kim.part("interrupted")).to_contain_text("interrupted as by a restart")
    hold(kim).unlink()
    kim.press("Go on", exact=True)
    # What was there before is drawn until the run begins.
    wait_until(kim.page, lambda: kim.kept[0].status == "done")
    kim.done()
    assert finished(kim) == 4
