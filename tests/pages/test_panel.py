"""The side panel, drawn by Streamlit's own test runner from traces that real turns left.

python -m pytest tests/pages/test_panel.py
"""

from __future__ import annotations

import pytest

from memory import threads
from memory.catalog import load
from memory.errors import StoreUnavailable
from memory.stores.inmemory import InMemoryStore
from tests.pages.panels import (
    HOSTILE,
    TALK,
    USER,
    VIEWS,
    drawn,
    go_on,
    imported,
    show,
    talk,
    xray,
)


def test_before_the_first_message_the_panel_says_what_it_will_show():
    app = show(InMemoryStore(), "")
    assert "Nothing was sent yet" in drawn(app)
    assert not app.slider


def test_the_first_line_names_the_memory_the_turn_and_what_changed():
    app = show(*talk(TALK))
    assert "**Window** at turn 5 of 5 (now): turn 4 came in, turn 2 left." in drawn(app)


def test_the_panel_follows_the_newest_turn_until_an_earlier_one_is_chosen():
    store, thread = talk(TALK[:3])
    app = show(store, thread)
    go_on(store, thread, TALK[3:4])
    app.session_state["case"] = (store, USER, thread, 4)
    assert app.run().slider[0].value == 4
    app.slider[0].set_value(2).run()
    assert "at turn 2 of 4:" in drawn(app)
    go_on(store, thread, TALK[4:])
    app.session_state["case"] = (store, USER, thread, 5)
    assert app.run().slider[0].value == 2


def test_a_visit_to_another_page_keeps_the_turn():
    app = show(*talk(TALK))
    app.slider[0].set_value(3).run()
    app.session_state["elsewhere"] = True
    assert not app.run().slider
    app.session_state["elsewhere"] = False
    assert app.run().slider[0].value == 3
    assert "at turn 3 of 5:" in drawn(app)


def test_another_thread_is_shown_at_its_own_newest_turn():
    store, thread = talk(TALK)
    app = show(store, thread)
    app.slider[0].set_value(2).run()
    other = threads.fork(store, USER, thread, 3).id
    app.session_state["case"] = (store, USER, other, 3)
    assert app.run().slider[0].value == 3


@pytest.mark.parametrize("memory", sorted(load().memories))
def test_every_memory_can_be_drawn_in_every_view(memory):
    store, thread = talk(TALK[:3], memory)
    app = show(store, thread)
    for view in VIEWS:
        app.session_state["panel_view"] = view
        assert not app.run().exception
        assert f"**{load().memories[memory].label}** at turn 3 of 3" in drawn(app)


@pytest.mark.parametrize("view", VIEWS)
def test_the_first_turn_has_nothing_to_remember(view):
    assert "at turn 1 of 1 (now): the first message" in drawn(show(*talk(TALK[:1]), view))


@pytest.mark.parametrize("view", VIEWS)
def test_hostile_texts_stay_text(view):
    store, thread = talk([HOSTILE, HOSTILE, "And now?"], "summary_buffer:max_token_limit=150")
    app = show(store, thread, view)
    assert "evil.example" not in drawn(app)
    assert all("evil.example" not in str(expander.label) for expander in app.expander)
    if view == "Memory now":
        assert any(HOSTILE in element.value for element in app.text)
    if view == "Prompt":
        assert HOSTILE in str(xray(app)["pieces"])


@pytest.mark.parametrize("view", VIEWS)
def test_an_imported_turn_says_that_no_prompt_was_sent(view):
    store = InMemoryStore()
    app = show(store, imported(store, 3), view)
    assert "This turn was imported: no prompt was sent for it." in drawn(app)


def test_a_store_that_is_away_is_one_sentence(monkeypatch):
    store, thread = talk(TALK)

    def away(*_: object) -> None:
        raise StoreUnavailable("Redis does not answer.")

    app = show(store, thread)
    monkeypatch.setattr(store, "traces", away)
    assert "Redis does not answer" in drawn(app.run())
    assert not app.exception


def test_a_memory_that_was_taken_away_is_named_as_it_was():
    store = InMemoryStore()
    thread = imported(store, 2, "MyOldMemory", "turn")
    assert "**MyOldMemory** at turn 2 of 2 (now)" in drawn(show(store, thread))
