""" "Memory now": what was held when a turn was asked and after it.

python -m pytest tests/pages/test_memory_now.py
"""

from __future__ import annotations

from memory.stores.inmemory import InMemoryStore
from tests.pages.panels import (
    TALK,
    drawn,
    go_on,
    imported,
    show,
    strip,
    talk,
)


def test_the_strip_shows_each_turn_and_its_counts():
    app = show(*talk(TALK))
    assert [block["label"]["formatter"] for block in strip(app)] == ["1", "2", "3", "4"]
    assert ":blue-badge[sent: 2 turns" in drawn(app)
    assert ":gray-badge[stored, not sent: 2 turns" in drawn(app)


def test_a_number_opens_a_turn_without_a_pointer():
    app = show(*talk(TALK))
    app.number_input[0].set_value(1).run()
    assert any("My name is Alex." in element.value for element in app.text)
    assert [block["label"]["fontWeight"] for block in strip(app)] == ["bold", "normal", "normal", "normal"]


def test_a_long_thread_has_a_short_strip():
    store = InMemoryStore()
    thread = imported(store, 3000)
    go_on(store, thread, ["What is fact 7?"])
    app = show(store, thread)
    assert len(strip(app)) < 40
    assert strip(app)[0]["label"]["formatter"] == "1–2,976 stored, not sent"
    assert "stored, not sent: 2,998 turns]" in drawn(app)


def test_a_summary_is_shown_with_what_it_covers_and_what_the_memory_wrote():
    app = show(*talk(TALK, "summary"))
    assert "**Summary v4** :violet-badge[covers turns 1 to 4]" in drawn(app)
    assert "**Summary v5** :violet-badge[covers turns 1 to 5]" in drawn(app)
    assert "Own call (summary)" in drawn(app)


def test_what_a_turn_left_in_long_term_memory_is_shown_as_written_after_it():
    store, thread = talk(["I work at Acme.", "I work at Globex now."], "collection")
    shown = show(store, thread, "Memory now")
    assert "remembered of you" in drawn(shown)


def test_a_fact_that_came_into_the_prompt_is_a_change():
    store, thread = talk(["I work at Acme.", "Where do I work?", "Where do I work?"], "collection")
    shown = drawn(show(store, thread, "Memory now"))
    assert "Nothing: the same memory" in shown
    store, thread = talk(["I work at Acme.", "Where do I work?"], "collection")
    shown = drawn(show(store, thread, "Memory now"))
    assert "came in: Fact" in shown
    assert "Nothing: the same memory" not in shown
