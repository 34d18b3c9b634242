"""The tabs Graph and Maintenance of the page Long-term memory, drawn by Streamlit's own test runner.

python -m pytest tests/pages/test_longterm_upkeep.py
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from memory import upkeep
from memory.forgetting.remembered import remembered
from memory.longterm.editing import add
from memory.longterm.facts import Fact, Source, to_value
from memory.longterm.maintenance import CHANCES
from memory.longterm.maintenance_log import entries
from memory.longterm.recalls import Recalls
from memory.preferences import Preferences
from memory.stores.redis import RedisStore
from tests.pages.panels import HOSTILE
from tests.pages.test_longterm import RETRIEVAL, connection, drawn, press, sound, store, talk, visit

__all__ = ["connection", "store", "visit"]

Visit = Callable[..., AppTest]


def on(page: AppTest, tab: str) -> AppTest:
    """Go to a tab."""
    page.session_state["longterm_tab"] = tab
    return sound(page.run())


def picture(page: AppTest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.get("echarts_chart")[0].proto.spec)["series"][0]
    return found


def items_of(store: RedisStore) -> Any:
    return RETRIEVAL.items(store.shelf, "alex", lambda call: None)


# --- the graph --------------------------------------------------------------------------------------------------------


def test_the_graph_shows_what_holds_and_what_is_superseded_as_of_a_moment(store: RedisStore, visit: Visit) -> None:
    talk(store, "collection", "I moved to Oslo.", "I like tea.", "I moved to Lisbon.")
    day = 86_400.0
    for one in remembered(store, "alex").values():
        history = tuple(replace(version, at=5.0 * day, until=20.0 * day) for version in one.history)
        aged = replace(one, at=(20.0 if history else 10.0) * day, history=history)
        items_of(store).put(one.namespace, one.key, to_value(aged), index=["content"])
    page = on(visit(), "Graph")
    assert "holds: 2 relations" in drawn(page)
    assert "superseded, dashed: 1 relation" in drawn(page)
    links = picture(page)["links"]
    assert [link["lineStyle"]["type"] for link in links].count("dashed") == 1
    assert "moved to (superseded)" in [link["label"]["formatter"] for link in links]
    slider = page.select_slider[0]
    assert list(slider.options) == [
        "6 January 1970, 00:00 UTC",
        "11 January 1970, 00:00 UTC",
        "21 January 1970, 00:00 UTC",
    ]
    page = sound(slider.set_value(5 * day).run())
    assert "holds: 1 relation" in drawn(page)
    assert [dot["name"] for dot in picture(page)["data"]] == ["You", "Oslo"]


def test_a_card_leads_to_the_turn_and_the_table_says_it_all(store: RedisStore, visit: Visit) -> None:
    talk(store, "collection", "My sister Ulla lives in Rome.")
    page = on(visit(), "Graph")
    page.selectbox[0].set_value(("node", "rome"))
    sound(page.run())
    assert "Ulla → lives in → **Rome** :green-badge[holds]" in drawn(page)
    assert any("Turn 1 of" in button.label for button in page.button)
    table = page.table[0].value
    assert list(table.columns) == ["relation", "since", "until", "read from"]
    assert set(table["relation"]) == {"You → sister is → Ulla", "Ulla → lives in → Rome"}
    assert set(table["until"]) == {"holds"}


def test_an_empty_graph_says_what_would_be_in_it_and_what_cannot_be_read(store: RedisStore, visit: Visit) -> None:
    page = on(visit(), "Graph")
    assert "Nothing is connected yet." in drawn(page)
    add(items_of(store), "Memory", {"content": "Prefers short answers."})
    page = on(visit(), "Graph")
    assert "Prefers short answers." in drawn(page)
    assert [box.label for box in page.expander] == ["1 fact in which no relation can be read"]


def test_hostile_words_stay_words_in_both_tabs(store: RedisStore, visit: Visit) -> None:
    fact = Fact("f1", ("facts",), "Memory", {"content": f"The user likes {HOSTILE}."}, (Source("t", "a", 0),), 9.0)
    items_of(store).put(fact.namespace, "f1", to_value(fact))
    items_of(store).put(fact.namespace, "f2", to_value(fact))
    items_of(store).put(("profile",), "p", {"kind": "UserProfile", "content": {HOSTILE: HOSTILE}, "at": 9.0})
    page = on(visit(), "Graph")
    assert not [one for one in page.markdown if one.allow_html]
    page = press(on(page, "Maintenance"), "Run the rules alone, at no cost")
    assert not [one for one in page.markdown if one.allow_html]
    assert "![" not in "".join(str(one.value) for one in page.markdown)


# --- maintenance ------------------------------------------------------------------------------------------------------


def test_a_pass_shows_its_price_does_it_and_every_step_can_be_undone(store: RedisStore, visit: Visit) -> None:
    for text in ("The user lives in Oslo.", "The user moved to Lisbon.", "The user likes tea.", "the user likes Tea"):
        add(items_of(store), "Memory", {"content": text})
    page = on(visit(), "Maintenance")
    assert "4 facts new to the memory's model" in drawn(page)
    assert "1 call, ≈" in drawn(page)
    assert "as gpt-5-mini" in drawn(page)
    page = press(page, "Run with the model")
    assert "2 things done or proposed" in drawn(page)
    assert "Superseded: ~~The user lives in Oslo.~~" in drawn(page)
    assert "Nothing is new since the memory's model looked last" in drawn(page)
    assert sorted(fact.text for fact in remembered(store, "alex").values()) == [
        "The user moved to Lisbon.",
        "the user likes Tea",
    ]
    page = press(press(page, "Undo"), "Undo")
    assert "Undone: all is as it was before." in drawn(page)
    assert len(remembered(store, "alex")) == 4
    assert [entry.state for entry in entries(items_of(store).snapshot()[1])] == ["undone", "undone"]


def test_what_changed_since_cannot_be_undone_and_the_page_says_so(store: RedisStore, visit: Visit) -> None:
    for _ in range(2):
        add(items_of(store), "Memory", {"content": "The user likes tea."})
    page = press(on(visit(), "Maintenance"), "Run the rules alone, at no cost")
    (kept,) = remembered(store, "alex").values()
    items_of(store).delete(kept.namespace, kept.key)
    page = press(page, "Undo")
    assert "Something of it has changed since" in drawn(page)


def test_a_proposal_is_kept_or_deleted(store: RedisStore, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("The user likes tea.", "The moon is far.", "The sun is hot."):
        add(items_of(store), "Memory", {"content": text}, importance=1)
    tea = next(fact.key for fact in remembered(store, "alex").values() if "tea" in fact.text)
    later = tuple((time.time() + 1_000 + number, frozenset({tea})) for number in range(CHANCES))
    monkeypatch.setattr(upkeep, "recalls", lambda store, user: Recalls(later))
    page = press(on(visit(), "Maintenance"), "Run the rules alone, at no cost")
    assert [one.value for one in page.subheader] == ["Might be forgotten (2)", "Log"]
    page = press(page, "Keep it")
    page = press(page, "Delete")
    assert "Deleted: the log below can undo it." in drawn(page)
    assert len(remembered(store, "alex")) == 2
    assert ":green-badge[you keep it]" in drawn(page)
    page = press(page, "Undo")
    assert len(remembered(store, "alex")) == 3
    assert [one.value for one in page.subheader] == ["Log (2)"]


def test_how_it_runs_by_itself_is_chosen_and_kept(store: RedisStore, visit: Visit) -> None:
    page = on(visit(), "Maintenance")
    assert "Nothing is remembered yet" in drawn(page)
    box = next(one for one in page.selectbox if one.label.startswith("By itself"))
    sound(box.set_value("model").run())
    assert Preferences.load(store, "alex").maintenance == "model"
