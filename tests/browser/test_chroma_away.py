"""Chroma is away while somebody searches by meaning, and comes back, in a real browser.

python -m pytest tests/browser/test_chroma_away.py
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.person import NewContext, Person
from tests.browser.server import running_app
from tests.chroma_server import ChromaServer

AWAY = re.compile(r"Chroma .* is away: start it or correct CHROMA_URL, then try again\.")

pytestmark = pytest.mark.faults


def test_words_answer_while_chroma_is_away_and_meaning_is_back_with_it(tmp_path: Path, new_context: NewContext) -> None:
    chroma = ChromaServer(tmp_path)
    with running_app(EMBEDDINGS="hashing", CHROMA_URL=chroma.url) as server:
        alex = Person(server, new_context()).open().known()
        alex.talked("My dog is called Rex.", "I live in Lyon.", memory="vector:k=1,search=hybrid")
        alex.open()
        alex.say("What is the name of my dog?")
        alex.sees_turn(3)
        expect(alex.messages.last).to_contain_text("Rex")
        said = alex.messages.last.get_by_text(AWAY)
        expect(said).to_have_count(1)
        expect(said).to_be_in_viewport()
        alex.say("Where do I live?")
        alex.sees_turn(4)
        expect(alex.messages.last).to_contain_text("Lyon")
        expect(said).to_have_count(1)
        expect(said).to_be_in_viewport()
        chroma.start()
        try:
            alex.say("And what is my dog called?")
            alex.sees_turn(5)
            thread = alex.thread().id
            last = alex.store.traces(alex.id, thread, 4, 5)[0]
            assert last.errors == ()
            assert {name for item in last.items for name in item.parts} == {"lexical", "dense"}
            expect(alex.page.get_by_text(AWAY)).to_have_count(0)
            assert len(alex.turns()) == 5
        finally:
            chroma.kill()
