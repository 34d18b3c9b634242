"""Somebody at the replay half of Compare, and files to drop there.

kim = Replayer(app, new_context()).known()
kim.begin()
kim.drop("talk.txt", talk(12))
kim.run()
kim.done()
kim.kept        # what the store holds
"""

from __future__ import annotations

import json
import re

from playwright.sync_api import Locator, expect

from memory.compare.experiment import Experiment
from memory.compare.keeping import Experiments
from tests.browser.person import Person

LONG = 120_000  # ms; what runs is given way by everything else


class Replayer(Person):
    """Somebody at the replay half of the page."""

    def begin(self, path: str = "/compare") -> Replayer:
        self.open(path)
        self.page.get_by_role("radio", name="Replay").click()
        expect(self.page.get_by_role("heading", name="1. Conversation")).to_be_visible()
        self.settled()
        return self

    def part(self, name: str) -> Locator:
        return self.page.locator(f".st-key-compare_{name}").first

    def source(self, name: str) -> None:
        radio = self.page.get_by_role("radio", name=name, exact=True)
        radio.click()
        expect(radio).to_be_checked()

    def drop(self, name: str, data: bytes) -> None:
        """Give a file to the box; one over 50 MB Playwright takes from disk alone."""
        self.source("A file")
        box = self.page.get_by_test_id("stFileUploaderDropzoneInput")
        box.set_input_files({"name": name, "mimeType": "application/json", "buffer": data})

    def scenario(self, place: int = 0) -> None:
        self.page.get_by_role("button", name="Choose", exact=True).nth(place).click()
        expect(self.part("taken")).to_be_visible()

    def run(self) -> None:
        self.page.get_by_role("button", name="Run", exact=True).click()
        expect(self.part("bar")).to_be_visible()

    def done(self) -> None:
        """Wait until everything is run and drawn."""
        expect(self.page.get_by_text("Input tokens by turn")).to_be_visible(timeout=LONG)
        expect(self.part("progress")).to_have_count(0, timeout=LONG)
        expect(self.part("interrupted")).to_have_count(0, timeout=LONG)
        self.settled()

    def still(self) -> None:
        """Wait until nothing fades any more: what is drawn anew is pale for a moment."""
        self.settled()
        self.page.wait_for_function(
            "() => !document.querySelector('[data-stale=true]') && document.getAnimations().every(one =>"
            " one.playState !== 'running' || one.effect.getComputedTiming().iterations === Infinity)"
        )

    def link(self) -> str:
        """Return the address that restores these settings."""
        self.press(re.compile("^Copy link"))
        return self.page.get_by_test_id("stCode").first.inner_text().strip().replace("\n", "")

    @property
    def kept(self) -> list[Experiment]:
        return Experiments(self.store, self.id).listed()


def talk(turns: int, words: str = "apples") -> bytes:
    rows = [f"User: On day {n} I bought {n} {words}.\nAI: Day {n}: {n} {words} noted." for n in range(turns)]
    return "\n".join(rows).encode()


def locomo(*names: str, text: str = "She is Mia.") -> bytes:
    """A file of one conversation for each name, in which one question is asked."""
    said = [{"speaker": "Ann" if n % 2 else "Ben", "dia_id": f"D1:{n + 1}", "text": f"{text} ({n})"} for n in range(12)]
    talk = {"speaker_a": "Ben", "speaker_b": "Ann", "session_1_date_time": "1:56 pm on 8 May, 2023", "session_1": said}
    asked = [{"question": f"Who? {text}", "answer": "Mia", "category": 1, "evidence": ["D1:2"]}]
    return json.dumps([{"sample_id": name, "conversation": talk, "qa": asked} for name in names]).encode()
