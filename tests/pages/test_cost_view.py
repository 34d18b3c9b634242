"""What a turn and a conversation cost, as the panel draws it.

python -m pytest tests/pages/test_cost_view.py
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from pandas import DataFrame
from streamlit.testing.v1 import AppTest

from memory.base import State
from memory.catalog import load
from memory.conversation import Conversation
from memory.forgetting import forget_turn
from memory.money.averages import averages
from memory.money.prices import dollars
from memory.money.projection import project
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import TRACE, to_json
from memory.trace import Call, Trace
from pages.ui.words import money
from tests.pages.panels import (
    TALK,
    USER,
    drawn,
    go_on,
    show,
    talk,
)


def test_the_cost_is_said_with_the_model_whose_prices_hold():
    assert "in 5 turns (as gpt-5-mini)." in drawn(show(*talk(TALK), "Cost"))


def test_an_unknown_price_is_unknown_and_never_nothing():
    app = show(*talk(TALK, models=Models(price_as="nobody:nothing")), "Cost")
    assert "Cost: **unknown** this turn, **unknown** in 5 turns (as nothing)." in drawn(app)
    assert "unknown" in set(app.dataframe[0].value["cost"])
    assert list(app.dataframe[1].value["replies"])[:2] == ["unknown", "unknown"]


def test_what_the_provider_did_not_report_is_not_nothing():
    store, thread = talk(TALK[:1])
    trace = store.traces(USER, thread, 0, 1)[0]
    store._users[USER][thread].traces[0] = to_json(
        TRACE, replace(trace, calls=(replace(trace.calls[0], measured=False),))
    )
    app = show(store, thread, "Cost")
    assert list(app.dataframe[0].value["tokens"])[1:3] == ["not reported", "not reported"]
    assert "reported no usage" in drawn(app)


def test_own_calls_and_switches_are_listed():
    store, thread = talk(TALK[:2])
    Conversation(store, USER, thread, load().memory("summary")).catch_up()
    go_on(store, thread, TALK[2:3], "summary")
    app = show(store, thread, "Cost")
    assert "own calls at this turn" in drawn(app)
    assert "**Switched to Summary** after turn 2: 2 calls" in drawn(app)


def test_a_rebuild_after_forgetting_is_no_switch_and_stands_below_the_whole_conversation():
    store, thread = talk(TALK, "summary")
    forget_turn(store, Retrieval(), USER, thread, 2)
    Conversation(store, USER, thread, load().memory("summary")).catch_up()
    said = drawn(show(store, thread, "Cost").slider(key="panel_turn").set_value(2).run())
    rebuilt = re.search(r"\*\*Rebuilt after forgetting \(Summary\)\*\* after turn 5: \d calls?", said)
    assert rebuilt
    assert "Switched to" not in said
    assert said.index("own calls at this turn") < said.index("**All 5 turns**") < rebuilt.start()
    Conversation(store, USER, thread, load().memory("summary:summarize_step=2")).catch_up()
    assert "**Switched to Summary** after turn 5" in drawn(show(store, thread, "Cost"))


def test_a_memory_that_missed_turns_caught_up_and_was_not_switched_to():
    store, thread = talk(TALK[:3], "summary")
    opened = store.open(USER, thread, load().memory("summary").key)
    store.put_state(USER, thread, load().memory("summary").key, opened.revision, State(), None)
    Conversation(store, USER, thread, load().memory("summary")).catch_up()
    said = drawn(show(store, thread, "Cost"))
    assert "**Summary caught up** after turn 3: 3 calls" in said
    assert "Switched to" not in said


def test_the_chart_names_its_turns_and_stands_above_the_whole_conversation():
    said = drawn(show(*talk(TALK), "Cost").slider(key="panel_turn").set_value(2).run())
    assert said.index("**Input tokens, turns 1–2**") < said.index("**All 5 turns**")


def test_money_is_about_where_its_tokens_are():
    sure = Call("reply", "m", 10, 1, measured=True, cost=Decimal("0.001"))
    counted = Call("reply", "m", 10, 1, cost=Decimal("0.001"))
    trace = Trace("turn", 0, "t", 1.0, exact=False)
    assert (money(sure, trace), money(counted, trace)) == ("$0.001", "≈ $0.001")
    assert money(Call("reply", "m", 10, 1), trace) == "unknown"


# --- with caching and without -----------------------------------------------------------------------------------------

LONG = tuple(f"Number {number} of what I tell: " + "there is a house by the sea. " * 30 for number in range(9))


def cost_of(app: AppTest, row: str, column: str) -> str:
    """Read a cell of the turn's table."""
    table = app.dataframe[0].value
    return str(table.loc[table.iloc[:, 0] == row, column].iloc[0])


def test_a_turn_and_the_conversation_are_shown_with_caching_and_without():
    store, thread = talk(LONG, "buffer")
    app = show(store, thread, "Cost")
    reply = store.traces(USER, thread, 8, 9)[0].reply
    assert reply.cached_tokens > 1024
    assert cost_of(app, "cached input", "tokens") == f"≈ {reply.cached_tokens:,}"
    assert cost_of(app, "in all", "cost") == dollars(reply.cost)
    assert cost_of(app, "in all", "no cache") == dollars(reply.cost_uncached)
    totals = store.totals(USER, thread)
    whole = app.dataframe[1].value
    assert list(whole["in all"])[:2] == [dollars(totals.cost), dollars(totals.cost_uncached)]
    assert "the prompt goes on where the one before ended" in drawn(app)
    assert "gpt-5-mini does so from 1,024 on, in steps of 128 (rule of 21 November 2026)" in drawn(app)
    assert "In 9 turns caching spared " in drawn(app)


def test_what_broke_the_prefix_is_said_and_leads_to_the_prompt():
    app = show(*talk(LONG, "window:k=3"), "Cost")
    assert "turn 5 slid out of the prompt" in drawn(app)
    app.button(key="panel_prefix_end").click().run()
    assert app.session_state["panel_view"] == "Prompt"
    assert "summary v4 was rewritten" in drawn(show(*talk(TALK, "summary"), "Cost"))


def test_the_first_prompt_has_nothing_before_it():
    assert "No prompt was sent before this one" in drawn(show(*talk(TALK[:1]), "Cost"))


def test_an_unknown_rule_estimates_nothing_and_says_so():
    app = show(*talk(LONG[:3], "buffer", Models(price_as="openai:gpt-4")), "Cost")
    assert "No rule of prompt caching is known for gpt-4: nothing is estimated." in drawn(app)
    assert cost_of(app, "cached input", "tokens") == "0"


def test_a_pause_longer_than_the_cache_lives_is_said():
    store, thread = talk(LONG[:3], "buffer")
    rows = store._users[USER][thread].traces
    first = store.traces(USER, thread, 1, 2)[0]
    rows[1] = to_json(TRACE, replace(first, at=first.at - 1200))
    assert "The cache had expired: the turn before was 20 minutes ago, and it lives 5 minutes." in drawn(
        show(store, thread, "Cost")
    )


def test_a_provider_that_counts_its_cache_is_believed():
    store, thread = talk(LONG, "buffer")
    trace = store.traces(USER, thread, 8, 9)[0]
    told = replace(trace.calls[0], model="openai:gpt-5-mini", cached_tokens=1280)
    store._users[USER][thread].traces[8] = to_json(TRACE, replace(trace, calls=(told,)))
    app = show(store, thread, "Cost")
    assert "The provider read 1,280 tokens from its cache; its rule made" in drawn(app)
    assert cost_of(app, "cached input", "tokens") == "1,280"


def test_remedies_are_shown_where_the_memory_has_them():
    app = show(*talk(LONG, "window:k=5"), "Cost")
    assert "the last 8 turns would have cost" in drawn(app)
    tables = [frame.value for frame in app.dataframe]
    assert any("step = 5" in set(table.iloc[:, 0]) for table in tables)
    assert "would have cost" not in drawn(show(*talk(LONG[:3], "buffer"), "Cost"))


# --- projection -------------------------------------------------------------------------------------------------------


def projection(app: AppTest) -> DataFrame:
    """Return the table of the projection."""
    return app.dataframe[-1].value


def test_a_projection_names_the_crossing_and_each_memory():
    app = show(*talk(LONG, "buffer"), "Cost")
    assert list(projection(app).iloc[:, 0]) == ["Buffer", "Window k = 5", "Summary"]
    assert projection(app).columns[0] == "at turn 150"
    assert re.search(r"Buffer costs more than Window k = 5 from \*\*turn \d+\*\* on", drawn(app))


def test_the_projections_figures_are_those_of_the_command_line():
    store, thread = talk(LONG, "buffer")
    app = show(store, thread, "Cost")
    app.slider(key="panel_projection_turns").set_value(300).run()
    of = averages(store.traces(USER, thread, 0, 9))
    expected = project(load().memory("buffer"), of, 300, "openai:gpt-5-mini")
    row = projection(app).iloc[0]
    assert row["cost"] == dollars(expected.costs[-1])
    assert row["no cache"] == dollars(expected.costs_uncached[-1])
    assert row["prompt"] == f"{expected.prompts[-1]:,}"


def test_the_knobs_of_a_projection_change_it():
    app = show(*talk(LONG, "buffer"), "Cost")
    full = projection(app)["cost"].iloc[0]
    app.slider(key="panel_projection_hit").set_value(0).run()
    assert projection(app)["cost"].iloc[0] == projection(app)["no cache"].iloc[0] != full
    app.slider(key="panel_projection_hit").set_value(100).run()
    app.selectbox(key="panel_projection_model").set_value("openai:gpt-5-nano").run()
    assert projection(app)["cost"].iloc[0] != full
    app.segmented_control(key="panel_projection_counted").set_value("caching ignored").run()
    assert not app.exception


def test_what_cannot_be_projected_is_said():
    app = show(*talk(LONG[:2], "buffer"), "Cost")
    app.pills(key="panel_projection_others_ConversationBufferMemory").set_value(["KeyValueMemory"]).run()
    assert "Key value is not drawn: nothing is known of how Key value grows" in drawn(app)
    app.selectbox(key="panel_projection_model").set_value("openai:gpt-5-nano").run()
    assert not app.exception
    unpriced = drawn(show(*talk(LONG[:2], "buffer", Models(price_as="nobody:nothing")), "Cost"))
    assert re.search("The price of .*nothing is not known", unpriced)


def test_assumptions_stand_below_the_table():
    app = show(*talk(LONG[:3], "vector:k=2"), "Cost")
    assert "assumed that as many turns are recalled as it may, others each time." in drawn(app)
