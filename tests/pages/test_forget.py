"""The panel around forgotten turns and edited notes, and the receipt, drawn by Streamlit's own test runner.

python -m pytest tests/pages/test_forget.py
"""

from __future__ import annotations

from html import unescape

import pytest
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from memory import forgetting
from memory.catalog import load
from memory.forgetting import Receipt, Row
from memory.retrieval.index import Retrieval
from tests.pages.panels import HOSTILE, TALK, USER, VIEWS, drawn, go_on, show, talk


@pytest.mark.parametrize("memory", sorted(load().memories))
def test_every_view_of_every_memory_bears_a_forgotten_turn(memory: str) -> None:
    store, thread = talk(TALK[:3], memory)
    forgetting.forget_turn(store, Retrieval(), USER, thread, 1)
    go_on(store, thread, TALK[3:5], memory)
    app = show(store, thread)
    for turn in (5, 3, 2):
        app.slider[0].set_value(turn).run()
        for view in VIEWS:
            app.segmented_control(key="panel_view").set_value(view).run()
            assert not app.exception, (view, turn)
            assert TALK[1] not in drawn(app), (view, turn)


def test_a_note_has_its_buttons_and_a_forgotten_turn_has_none() -> None:
    store, thread = talk(TALK[:3], "summary")
    app = show(store, thread)
    keys = [button.key or "" for button in app.button]
    assert any(key.startswith("panel_edit_summary") for key in keys)
    assert any(key.startswith("panel_forget_") for key in keys)
    forgetting.forget_turn(store, Retrieval(), USER, thread, 1)
    app = show(store, thread)
    app.number_input(key="panel_source").set_value(2).run()
    turns = [turn.id for turn in store.turns(USER, thread, 0, 3)]
    assert f"panel_forget_{turns[1]}" not in [button.key for button in app.button]
    assert "This turn is forgotten." in drawn(app)


def receipt_page() -> None:
    import streamlit as st

    from pages.ui.receipt import draw_receipt, keep_receipt

    if "made" in st.session_state:
        keep_receipt(st.session_state.pop("made"))
    draw_receipt()


def test_a_receipt_stays_until_it_is_closed_and_draws_nothing_of_what_it_names() -> None:
    rows = (Row(HOSTILE, 2), Row("vectors", 1, None, "later, as Chroma is away", True), Row("replicas", 0, None))
    app = AppTest.from_function(receipt_page, default_timeout=60)
    app.session_state["made"] = Receipt("turn 2", rows)
    app.run()
    assert not app.exception
    assert "**Forgotten: turn 2.** 2 things removed" in app.markdown[0].value
    assert "What could not be reached is removed later." in app.markdown[0].value
    table = app.table[0].value
    assert list(table["is left"]) == ["nothing", "later: later, as Chroma is away", "not to be seen from here"]
    assert HOSTILE not in list(table["place"])
    app.run()
    assert app.table
    app.button(key="receipt_close").click().run()
    assert not app.table


def test_a_receipt_says_that_words_stand_where_they_were_kept() -> None:
    app = AppTest.from_function(receipt_page, default_timeout=60)
    app.session_state["made"] = Receipt("turn 2", (Row("notes", 2), Row("turn 4", 1, 1, "kept", kept=True)))
    app.run()
    said = app.markdown[0].value
    assert "nothing is left of what was chosen. **Words of it still stand in 1 place that you kept" in said
    assert list(app.table[0].value["is left"]) == ["nothing", "kept"]


def offer_page() -> None:
    import streamlit as st

    from memory.forgetting import Place
    from pages.ui.forget import _tick

    _tick(Place("t1/turn:1", st.session_state["titled"], "Hello."), 0)


@pytest.mark.parametrize("title", ["[go](http://evil.example)", "**b**", "`c` ![x](y)", "www.evil.example"])
def test_a_place_is_offered_by_a_title_that_appears_as_it_was_typed(title: str) -> None:
    app = AppTest.from_function(offer_page, default_timeout=60)
    app.session_state["titled"] = f"turn 2 of “{title}”"
    app.run()
    assert not app.exception
    label = app.checkbox[0].label
    assert title not in label
    drawn = MarkdownIt("js-default").renderInline(label)
    assert "<" not in drawn
    assert unescape(drawn).replace("\u2060", "") == f"Turn 2 of “{title}”"
