"""The panel in time: the player, any two turns compared, the memory after a turn, and right after a switch.

python -m pytest tests/pages/test_time.py
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from memory.catalog import load
from memory.conversation import Conversation
from memory.edits.note import edit
from memory.forgetting import forget_turn
from memory.retrieval.index import Retrieval
from memory.stores.inmemory import InMemoryStore
from pages.ui import player
from pages.ui.changes import MOST, SAME, SHOWN, pieces
from pages.ui.memory_now import NOTES, Current
from tests.pages.panels import DEMO, HOSTILE, TALK, USER, drawn, go_on, imported, show, strip, talk

SUMMARY = "summary_buffer:max_token_limit=60"


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def shown(app: AppTest) -> list[list[list[str]]]:
    """Return the differences that were given to our component."""
    found = [json.loads(one.proto.json) for one in app.get("bidi_component")]
    return [one["pieces"] for one in found if "pieces" in one and one["pieces"] and isinstance(one["pieces"][0], list)]


def moment(app: AppTest, words: str) -> AppTest:
    chosen = next(group for group in app.button_group if group.label == "Moment of the turn")
    return chosen.set_value(words).run()


# --- the player -------------------------------------------------------------------------------------------------------


def test_back_and_next_go_turn_by_turn_and_end_at_the_ends():
    app = show(*talk(TALK))
    assert next(button for button in app.button if button.label == "Next").disabled
    assert "at turn 4 of 5:" in drawn(press(app, "Back"))
    assert "at turn 5 of 5 (now)" in drawn(press(app, "Next"))
    app.slider[0].set_value(1).run()
    assert next(button for button in app.button if button.label == "Back").disabled


def test_the_turn_s_message_says_which_turn_is_looked_at():
    app = show(*talk([HOSTILE + " long" * 50, "Short."]))
    assert "Short." in drawn(app)
    assert " …" in drawn(press(app, "Back"))
    assert "<img" not in drawn(app).replace("\\<", "")


def test_play_begins_at_the_first_turn_and_stops_at_the_last():
    app = press(show(*talk(TALK[:3])), "Play")
    assert "at turn 1 of 3:" in drawn(app)
    state = app.session_state
    assert [button.label for button in app.button if button.label in ("Play", "Pause")] == ["Pause"]
    for turn in (1, 2):
        tick(app, turn)
    assert "at turn 3 of 3 (now)" in drawn(app)
    assert [button.label for button in app.button if button.label in ("Play", "Pause")] == ["Play"]
    assert not state["panel_playing"]


def tick(app: AppTest, turn: int) -> None:
    """Let the time of a turn be over, as the browser tells it."""
    kept = {"panel_ticker": SimpleNamespace(tick=turn)}
    kept |= {name: app.session_state[name] for name in ("panel_playing", "panel_turn_kept")}
    with patch.object(st, "session_state", kept):
        player.tick()
    app.session_state["panel_turn_kept"] = kept["panel_turn_kept"]
    app.run()


def test_a_time_that_was_another_turn_s_moves_nothing():
    app = press(show(*talk(TALK)), "Play")
    tick(app, 4)
    assert "at turn 1 of 5:" in drawn(app)
    tick(press(app, "Pause"), 1)
    assert "at turn 1 of 5:" in drawn(app)


@pytest.mark.parametrize("move", ["slider", "Next", "Back"])
def test_whoever_moves_the_slider_stops_the_play(move):
    app = press(show(*talk(TALK), panel_turn_kept=2, panel_known=("", 5)), "Play")
    tick(app, 1)
    if move == "slider":
        app.slider[0].set_value(4).run()
    else:
        press(app, move)
    assert not app.session_state["panel_playing"]


def test_play_asks_no_model(monkeypatch):
    store, thread = talk(TALK, "summary")
    monkeypatch.setattr("memory.services.ModelServices.ask", None)
    app = press(show(store, thread), "Play")
    for turn in range(1, 5):
        tick(app, turn)
        assert not app.exception


# --- what changed -----------------------------------------------------------------------------------------------------


def test_a_summary_that_was_rewritten_is_shown_with_what_was_added_and_removed():
    app = show(*talk(TALK, "summary"))
    assert "**Summary v4** :gray-badge[rewritten]" in drawn(app)
    assert "In the same words as before." in drawn(app)
    changed, written = shown(app.slider[0].set_value(4).run())
    assert any(how == "+" and "tea" in text for how, text in changed)
    assert any(how == "+" and "dog" in text for how, text in written)
    assert any(how == "=" and "Alex" in text for how, text in written)


def test_any_two_turns_are_compared():
    app = show(*talk(TALK))
    assert ":blue-badge[came in: turn 4] :gray-badge[left: turn 2]" in drawn(app)
    against = next(one for one in app.number_input if one.label == "Turn to compare with")
    assert against.value == 4
    app = against.set_value(2).run()
    assert ":blue-badge[came in: turns 3 to 4] :gray-badge[left: turn 1]" in drawn(app)
    app.slider[0].set_value(1).run()
    assert "What turn 2 has changed since this one." in drawn(app)
    app.slider[0].set_value(2).run()
    assert "Choose another turn" in drawn(app)


def test_the_turn_before_is_compared_with_again_after_it_was_chosen():
    app = show(*talk(TALK))
    for chosen in (2, 4):
        next(one for one in app.number_input if one.label == "Turn to compare with").set_value(chosen).run()
    app.slider[0].set_value(3).run()
    assert next(one for one in app.number_input if one.label == "Turn to compare with").value == 2


def test_a_memory_settings_and_instructions_that_were_changed_are_named():
    store, thread = talk(TALK[:2])
    go_on(store, thread, TALK[2:3], "window:k=1")
    assert "Setting k: ~~2~~ → **1**" in drawn(show(store, thread))
    memory = load().memory("summary")
    conversation = Conversation(store, USER, thread, memory, DEMO, instructions="Be kind and brief.")
    "".join(conversation.reply(TALK[3]))
    app = show(store, thread)
    assert "Memory: ~~Window~~ → **Summary**" in drawn(app)
    assert "switched from Window" in drawn(app)
    assert "**Instructions**" in drawn(app)
    assert ["+", "kind and "] in shown(app)[0] or ["+", " kind and"] in shown(app)[0]


def test_nothing_that_changed_is_said():
    assert "Nothing: the same memory" in drawn(show(*talk(TALK[:3], "none")))


def test_hostile_texts_of_a_difference_reach_the_page_as_text_alone():
    app = show(*talk(["My name is Alex.", HOSTILE, "I like tea."], "summary"))
    assert "evil.example" not in drawn(app)
    assert "evil.example" in str(shown(app))


def test_of_very_long_texts_what_is_the_same_is_cut_and_the_rest_is_bounded():
    same = "word " * SAME
    cut = pieces(f"{same}old", f"{same}new")
    assert [how for how, _ in cut] == ["=", "…", "=", "-", "+"]
    assert sum(len(text) for _, text in pieces("", "x y " * 50_000)) < 25_000


def test_of_very_many_notes_the_first_are_drawn_and_the_others_on_demand():
    store, thread = talk(TALK, "entity")
    trace = store.traces(USER, thread, 4, 5)[0]
    state = store.state_at(USER, thread, trace.memory_key, 5)
    for number in range(MOST + 20):
        state = state.with_note(f"entity-{number}", f"Thing {number} is here.", (4, 5), 5, {"name": f"Thing {number}"})
    revision = store.open(USER, thread, trace.memory_key, 0).revision
    assert store.put_state(USER, thread, trace.memory_key, revision, replace(state, covered=5))
    go_on(store, thread, ["And now?"], "entity")
    app = show(store, thread)
    assert len(shown(app)) <= 2 * SHOWN
    assert any(expander.label == f"{MOST + 20 - SHOWN} more" for expander in app.expander)


# --- before and after -------------------------------------------------------------------------------------------------


def test_the_state_before_a_turn_and_after_it_are_both_reached():
    app = show(*talk(TALK, "summary"))
    app.slider[0].set_value(3).run()
    assert "**Summary v2** :violet-badge[covers turns 1 to 2]" in drawn(app)
    app = moment(app, "after")
    assert "**Summary v3** :violet-badge[covers turns 1 to 3]" in drawn(app)
    assert "**Summary v2** :violet-badge" not in drawn(app)
    assert "Would be sent with the next message. Rewritten after turn 3." in drawn(app)
    assert len(strip(app)) == 3


def test_what_is_held_now_is_named_as_what_would_be_sent():
    app = moment(show(*talk(TALK)), "after")
    assert ":blue-badge[would be sent: 2 turns" in drawn(app)
    assert ":gray-badge[stored: 3 turns" in drawn(app)


def test_very_many_notes_of_a_memory_do_not_fill_the_page():
    store, thread = talk(TALK, "summary")
    trace = store.traces(USER, thread, 4, 5)[0]
    state = store.state_at(USER, thread, trace.memory_key, 5)
    for number in range(50):
        state = state.with_note(f"extra-{number}", f"Note {number}.", (0, 1), 5)
    revision = store.open(USER, thread, trace.memory_key, 0).revision
    assert store.put_state(USER, thread, trace.memory_key, revision, state)
    app = moment(show(store, thread), "after")
    assert drawn(app).count("**Extra ") == NOTES - 1
    assert any(expander.label == f"{51 - NOTES} more" for expander in app.expander)


# --- edits and forgettings --------------------------------------------------------------------------------------------


def test_an_edit_is_shown_as_what_happened_since_and_then_between_the_turns():
    store, thread = talk(TALK, "summary")
    edit(Conversation(store, USER, thread, load().memory("summary")), "summary", "The user is Alex, of Lyon.")
    app = moment(show(store, thread), "after")
    assert "**Since then**" in drawn(app)
    assert "You edited Summary v6 after turn 5." in drawn(app)
    assert "Edited by you after turn 5." in drawn(app)
    assert ["+", "The user is Alex, of Lyon."] in shown(app)[0] or len(shown(app)[0]) > 1
    go_on(store, thread, ["And now?"], "summary")
    app = moment(show(store, thread), "asked")
    assert "You edited Summary v6 after turn 5." in drawn(app)
    assert "**Summary v6** :gray-badge[edited by you]" in drawn(app)


def test_the_title_of_an_edited_note_shows_what_was_typed_and_draws_no_emphasis():
    store, thread = talk(["Sam likes tea.", "Hello."], "kg")
    editor = Conversation(store, USER, thread, load().memory("kg"))
    [(id, note)] = [(id, note) for id, note in editor.opened().state.notes.items() if note.data]
    said = {name: note.data[name] for name in ("subject", "predicate")}
    edit(editor, id, parts={**said, "object": "**broccoli** and [x](https://evil.example)"})
    app = moment(show(store, thread), "after")
    since = drawn(app).partition("**Since then**")[2]
    assert r"\*\*broccoli\*\*" in since
    assert not re.search(r"(?<!\\)\*\*broccoli|(?<!\\)\[x", since)


def test_what_was_forgotten_between_two_turns_is_named_and_not_repeated():
    store, thread = talk(TALK, "window:k=2")
    forget_turn(store, Retrieval(), USER, thread, 1)
    app = moment(show(store, thread), "after")
    assert "Forgotten after turn 5: turn 2." in drawn(app)
    go_on(store, thread, ["And now?"])
    app = moment(show(store, thread), "asked")
    assert "Forgotten after turn 5: turn 2." in drawn(app)
    app.slider[0].set_value(2).run()
    assert not app.exception
    assert "Lyon" not in drawn(app)


# --- after a switch ---------------------------------------------------------------------------------------------------


def switched(store: InMemoryStore, thread: str, spec: str) -> AppTest:
    """Draw the panel after the thread was switched to another memory."""
    memory = load().memory(spec)
    conversation = Conversation(store, USER, thread, memory)
    conversation.catch_up()
    app = show(store, thread)
    current = Current(memory.name, conversation.key, memory.settings.model_dump(mode="json"))
    app.session_state["case"] = (*app.session_state["case"], None, current)
    app.run()
    assert not app.exception
    return app


def test_right_after_a_switch_the_new_memory_is_shown_with_what_it_holds_now():
    store, thread = talk(TALK)
    app = switched(store, thread, "summary")
    assert "Switched to **Summary**: your next message is the first that it reads." in drawn(app)
    assert "**Summary v5** :violet-badge[covers turns 1 to 5]" in drawn(app)
    assert "**Window** at turn 5 of 5 (now)" in drawn(app)
    app = moment(app, "asked")
    assert "**Summary v5**" not in drawn(app)
    go_on(store, thread, ["And now?"], "summary")
    app.session_state["case"] = (store, USER, thread, 6, None, app.session_state["case"][-1])
    assert "Switched to" not in drawn(app.run())
    assert "**Summary** at turn 6 of 6 (now)" in drawn(app)


def test_a_changed_setting_is_named_until_a_message_was_read_with_it():
    store, thread = talk(TALK)
    app = switched(store, thread, "window:k=4")
    assert "Changed to **k = 4**: your next message is the first with that." in drawn(app)
    assert ":blue-badge[would be sent: 4 turns" in drawn(app)
    app.slider[0].set_value(2).run()
    assert "Changed to" not in drawn(app)


def test_a_memory_that_has_not_taken_everything_in_says_so():
    store, thread = talk(TALK)
    memory = load().memory("summary")
    app = show(store, thread)
    key = Conversation(store, USER, thread, memory).key
    current = Current(memory.name, key, memory.settings.model_dump(mode="json"))
    app.session_state["case"] = (*app.session_state["case"], None, current)
    assert "It has taken in 0 of 5 turns; the others follow with the next message." in drawn(app.run())


def test_an_imported_conversation_shows_what_its_memory_holds_now():
    store = InMemoryStore()
    thread = imported(store, 3)
    app = switched(store, thread, "window:k=2")
    assert ":blue-badge[would be sent: 2 turns" in drawn(app)


def test_turns_that_were_recalled_are_named_in_a_line():
    app = show(*talk(TALK, "time_weighted"))
    assert "Recalled, and so fresh again: turns 1 to 4." in drawn(app)
    assert shown(app) == []
