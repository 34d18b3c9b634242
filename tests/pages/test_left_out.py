"""What did not reach the prompt, with the rule that kept it out and what would bring it back.

python -m pytest tests/pages/test_left_out.py
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from memory.catalog import load
from memory.inspection.inspect import Remedy, bring_back
from memory.store import TURN, to_json
from memory.stores.inmemory import InMemoryStore
from tests.pages.panels import (
    TALK,
    USER,
    drawn,
    go_on,
    imported,
    seen,
    show,
    talk,
)


def test_what_was_left_out_is_listed_newest_first_with_its_rule():
    app = show(*talk(TALK), "Left out")
    assert "**2 of 4 earlier turns did not reach the prompt**" in drawn(app)
    table = app.dataframe[0].value
    assert list(table["turn"]) == ["2", "1"]
    assert set(table["why"]) == {"outside the last k=2 turns"}
    assert list(table["began"]) == ["I live in Lyon.", "My name is Alex."]


def test_nothing_left_out_is_said():
    assert "**Nothing was left out**: all 4 earlier turns" in drawn(show(*talk(TALK, "buffer"), "Left out"))


def test_ten_thousand_turns_are_paged_and_one_of_them_is_found_by_its_number():
    store = InMemoryStore()
    thread = imported(store, 3000)
    go_on(store, thread, ["What is fact 7?"])
    app = show(store, thread, "Left out")
    table = app.dataframe[0].value
    assert list(table["turn"])[::49] == ["2,998", "2,949"]
    assert list(table["missed by"])[:2] == ["1 turn", "2 turns"]
    app.pagination[0].set_value(60).run()
    assert list(app.dataframe[0].value["turn"])[-1] == "1"
    assert len(app.dataframe[0].value) == 48
    field = next(field for field in app.number_input if field.label == "One turn")
    field.set_value(7).run()
    assert list(app.dataframe[0].value["turn"]) == ["7"]
    assert "It missed the prompt by 2,992 turns." in drawn(app)
    assert any("Fact 6." in text.value for text in app.text)


def test_a_page_reads_its_own_turns_and_no_others(monkeypatch):
    store = InMemoryStore()
    thread = imported(store, 3000)
    go_on(store, thread, ["What is fact 7?"])
    read, turns = [], store.turns

    def counted(user, of, first, end):
        read.append(end - first)
        return turns(user, of, first, end)

    monkeypatch.setattr(store, "turns", counted)
    show(store, thread, "Left out")
    assert sum(read) < 200


BORN = ("I was born in Oslo.", "I like tea.", "My sister was born in Bergen.", "We saw a film.", "Where was I born?")


def test_near_misses_come_first_with_what_they_missed_by():
    app = show(*talk(BORN, "vector:k=1"), "Left out")
    table = app.dataframe[0].value
    assert (table["turn"].iloc[0], table["rank"].iloc[0], table["why"].iloc[0]) == ("3", 2, "rank 2 of top 1")
    assert float(table["missed by"].iloc[0]) > 0


def test_what_was_left_out_can_be_filtered_by_its_rule():
    app = show(*talk(("Sam works at Acme.", "Hello.", "It rains.", "Where does Sam work?"), "kg:k=1"), "Left out")
    assert len(app.dataframe[0].value) == 2
    [groups] = app.pills
    assert groups.options == ["in a note 1", "by the rule 1"]
    groups.set_value("in a note").run()
    assert list(app.dataframe[0].value["turn"]) == ["1"]


def test_over_a_budget_the_missing_tokens_are_said():
    store, thread = talk(TALK, "token_buffer:max_token_limit=30")
    table = show(store, thread, "Left out").dataframe[0].value
    trace, turns = seen(store, thread).trace, seen(store, thread).transcript
    over = 30 - sum(item.tokens for item in trace.items)
    first = trace.left_out[0].turns[1] - 1
    assert table["missed by"].iloc[0] == f"{turns[first].count(trace.encoding) - over} tokens"
    assert table["why"].iloc[0] == "over the budget of 30 tokens"


def test_a_reason_that_many_turns_have_is_a_line_above_the_table_and_no_column():
    app = show(*talk(TALK), "Left out")
    assert "Turns 1 to 2: outside the last k=2 turns." in drawn(app)
    assert "why" not in app.dataframe[0].proto.column_order
    ranked = show(*talk(BORN, "vector:k=1"), "Left out")
    assert ": not among the best 1." in drawn(ranked)
    assert list(ranked.dataframe[0].proto.column_order)[:3] == ["turn", "rank", "missed by"]


def test_of_a_turn_in_a_summary_the_surviving_words_are_counted():
    app = show(*talk(TALK, "summary"), "Left out")
    table = app.dataframe[0].value
    assert "words kept" in table
    assert all(" of " in kept for kept in table["words kept"])
    field = show(*talk(TALK, "summary"), "Memory now", panel_source_chosen=1)
    assert "survive** in Summary v4" in drawn(field)


def test_a_forgotten_turn_is_shown_as_forgotten():
    store, thread = talk(TALK)
    kept = store._users[USER][thread].turns
    turn = replace(store.turns(USER, thread, 0, 1)[0], messages=(), status="forgotten")
    kept[0] = to_json(TURN, turn)
    app = show(store, thread, "Left out")
    assert list(app.dataframe[0].value["began"]) == ["I live in Lyon.", "forgotten"]
    assert list(app.dataframe[0].value["tokens"])[1] == 0


def test_the_memory_itself_says_what_would_have_brought_a_turn_back():
    found = seen(*talk(TALK))
    assert Remedy("k", 4, 26) in bring_back(found, 0)
    assert Remedy("k", 3, 13) in bring_back(found, 1)
    assert all(remedy.tokens > 0 for remedy in bring_back(found, 0))
    assert bring_back(seen(*talk(TALK, "none")), 0) == []


def test_a_value_up_to_the_setting_s_own_bound_is_found():
    store = InMemoryStore()
    thread = imported(store, 900)
    go_on(store, thread, ["What is fact 7?"])
    found = {remedy.setting: remedy.value for remedy in bring_back(seen(store, thread), 199)}
    assert found["k"] == 701


CLASSIC = '''
from langchain_classic.base_memory import BaseMemory

class LastFewMemory(BaseMemory):
    """Keeps a few."""
    few: int = 3
    said: list = []
    @property
    def memory_variables(self): return ["history"]
    def load_memory_variables(self, inputs): return {"history": " ".join(self.said[-self.few:])}
    def save_context(self, inputs, outputs): self.said.append(inputs["input"])
    def clear(self): self.said.clear()
'''

OPEN = '''
from memory.base import LeftOut, Memory, Recall

class NeverMemory(Memory):
    """Sends nothing, whatever its number."""
    short, label, keeps, forgets, costs = "never", "Never", "nothing", "all", "nothing"
    class Settings(Memory.Settings):
        number: int = 3
    asked = 0
    def read(self, state, transcript, query, services, budget):
        type(self).asked += 1
        return Recall(left_out=(LeftOut((0, len(transcript)), "never"),) if len(transcript) else ())
'''


@pytest.mark.parametrize(("code", "spec"), [(CLASSIC, "lastfewmemory"), (OPEN, "never")])
def test_a_setting_without_a_bound_is_asked_about_a_few_times(tmp_path, monkeypatch, code, spec):
    (tmp_path / "mine.py").write_text(code)
    monkeypatch.setenv("MEMORY_PLUGINS", str(tmp_path))
    found = seen(*talk(TALK, spec))
    cls = load().find(spec)
    before = getattr(cls, "asked", 0)
    assert bring_back(found, 0) == []
    assert getattr(cls, "asked", 0) - before <= 24
