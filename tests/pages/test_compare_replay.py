"""The parts of a replay before it is run: what is chosen, what is refused, what is asked for first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from memory.compare.experiment import Column, Experiment, Listed, Source
from memory.compare.keeping import Experiments
from memory.compare.link import to_query
from memory.compare.results import RunResult
from memory.compare.sweeps import Group
from memory.formats import read
from memory.preferences import Preferences
from memory.replay import Totals
from memory.stores.inmemory import InMemoryStore
from pages.ui import connections, identity
from pages.ui.compare.replay_draft import Draft
from pages.ui.compare.replay_source import told_apart

JAR = identity.Cookies("a secret for the tests")
TALK = b"User: I am Alex.\nAI: Hello Alex.\nUser: I live in Oslo.\nAI: Noted."


def page() -> None:
    from pages.ui.compare import replay

    replay.draw()


@pytest.fixture
def store() -> InMemoryStore:
    return InMemoryStore()


@pytest.fixture
def visit(store: InMemoryStore) -> Iterator[Callable[..., AppTest]]:
    """Open the replay half as Alex' browser would, with a query of its address."""
    with (
        patch.object(identity, "cookies", lambda: JAR),
        patch.object(type(st.context), "cookies", property(lambda self: {JAR.name: JAR.sign("alex")})),
        patch.object(connections, "store", lambda: store),
    ):

        def opened(**query: str) -> AppTest:
            made = AppTest.from_function(page, default_timeout=60)
            for name, value in query.items():
                made.query_params[name] = value
            return sound(made.run())

        yield opened


def sound(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].message
    return app


def press(app: AppTest, label: str) -> AppTest:
    return sound(next(one for one in app.button if one.label == label).click().run())


def draft(app: AppTest) -> Draft:
    found = app.session_state["compare_draft"]
    assert isinstance(found, Draft)
    return found


def told(app: AppTest) -> str:
    return "\n".join(one.value for kind in (app.markdown, app.caption, app.error, app.info) for one in kind)


def chosen(app: AppTest) -> list[str]:
    return [str(group) for group in draft(app).groups.values()]


def dropped(app: AppTest, data: bytes = TALK, name: str = "talk.txt") -> AppTest:
    kind = next(one for one in app.segmented_control if "file" in one.options or "A file" in one.options)
    sound(kind.set_value("file").run())
    app.file_uploader[0].set_value((name, data, "text/plain"))
    return sound(app.run())


def test_nothing_runs_before_a_conversation_is_chosen(visit: Callable[..., AppTest]) -> None:
    app = visit()
    assert next(one for one in app.button if one.label == "Run").disabled
    assert "Choose a conversation above." in told(app)
    assert "not the same as a right" in told(app)


def test_a_scenario_brings_its_own_memories_unless_some_were_chosen_by_hand(visit: Callable[..., AppTest]) -> None:
    app = press(visit(), "Choose")
    suggested = [str(group) for group in draft(app).suggested]
    assert chosen(app) == suggested
    app = press(press(app, "Take all out"), "Choose another")
    app = press(app, "Choose")
    assert chosen(app) == []
    assert chosen(press(app, "What the scenario suggests")) == suggested


def test_all_that_need_no_model_are_added_with_one_click_and_each_once(visit: Callable[..., AppTest]) -> None:
    app = visit()
    label = next(one.label for one in app.button if "that need no model" in one.label)
    app = press(press(app, label), label)
    names = chosen(app)
    assert len(names) == len(set(names))
    assert {"none", "buffer", "window", "token_buffer", "vector", "attention"} <= set(names)
    assert not {"summary", "entity", "kg"} & set(names)


def test_the_number_of_steps_is_told_before_anything_runs(visit: Callable[..., AppTest]) -> None:
    app = dropped(visit())
    assert "3 memories and settings: 6 steps, each a turn or a question." in told(app)
    assert "It has no questions" in told(app)


def test_more_than_forty_memories_and_settings_cannot_be_run(visit: Callable[..., AppTest]) -> None:
    app = dropped(visit())
    draft(app).put([Group("ConversationBufferWindowMemory", {}, "k", tuple(range(41)))])
    app = sound(app.run())
    assert "More than 40 memories and settings are chosen" in told(app)
    assert next(one for one in app.button if one.label == "Run").disabled


def test_a_memory_once_more_waits_for_other_settings(visit: Callable[..., AppTest]) -> None:
    app = dropped(visit())
    app = press(app, "Once more")
    assert chosen(app)[:2] == ["buffer", "buffer"]
    assert "3 memories and settings: 6 steps" in told(app)


def test_a_file_that_is_wrong_leaves_what_was_chosen(visit: Callable[..., AppTest]) -> None:
    app = dropped(visit(), b"", "<b>empty</b>.json")
    (error,) = app.error
    assert "is empty: choose one that holds a conversation." in error.value
    assert "<b>" not in error.value.replace("\\<b>", "")
    assert chosen(app) == ["buffer", "window", "vector"]


def test_models_and_budget_begin_as_the_settings_have_them(visit: Callable[..., AppTest], store: InMemoryStore) -> None:
    Preferences(memory_model="demo", price_as="openai:gpt-5", budget=1234).save(store, "alex")
    found = draft(visit())
    assert (found.memory_model, found.price_as, found.budget) == ("demo", "openai:gpt-5", 1234)


def test_what_a_paid_model_will_cost_is_asked_for_first(visit: Callable[..., AppTest], store: InMemoryStore) -> None:
    Preferences(memory_model="openai:gpt-5-mini").save(store, "alex")
    app = dropped(visit())
    draft(app).put([Group("ConversationSummaryMemory")])
    app = press(sound(app.run()), "Run")
    assert "This asks gpt-5-mini about 2 times: about " in told(app)
    assert store.experiments("alex") == []
    app = press(app, "Not now")
    assert "This asks" not in told(app)


def test_a_free_run_asks_nothing(visit: Callable[..., AppTest], store: InMemoryStore) -> None:
    app = dropped(visit())
    with patch("pages.ui.compare.replay_run.begin") as begun:
        press(app, "Run")
    assert begun.call_count == 1
    (kept,) = store.experiments("alex")
    assert kept


def linked(**changes: Any) -> str:
    of: dict[str, Any] = {"columns": (Column("ConversationBufferWindowMemory", {"k": 7}),), **changes}
    return to_query(Experiment("", "", "replay", **of))


def test_a_link_with_a_scenario_is_ready_to_run(visit: Callable[..., AppTest]) -> None:
    app = press(visit(), "Choose")
    name = draft(app).source
    assert name
    app = visit(settings=linked(source=name, budget=777))
    assert chosen(app) == ["window k = 7"]
    assert draft(app).budget == 777
    assert draft(app).recordings
    assert not app.query_params
    assert not next(one for one in app.button if one.label == "Run").disabled


def test_a_link_with_a_scenario_that_is_gone_says_so_and_keeps_the_settings(visit: Callable[..., AppTest]) -> None:
    app = visit(settings=linked(source=Source("scenario", "gone <b>")))
    assert "There is no scenario 'gone" in told(app)
    assert chosen(app) == ["window k = 7"]


def test_a_link_to_a_file_asks_for_that_file(visit: Callable[..., AppTest]) -> None:
    app = visit(settings=linked(source=Source("file", "talk.txt")))
    assert "belong to the file **talk.txt**" in told(app)
    app.file_uploader[0].set_value(("talk.txt", TALK, "text/plain"))
    app = sound(app.run())
    assert chosen(app) == ["window k = 7"]
    assert [one.title for one in draft(app).recordings]


@pytest.mark.parametrize("text", ["<script>", "AAAA", "x" * 9000, linked()[:-4]])
def test_a_link_that_is_broken_is_refused_and_the_page_works(visit: Callable[..., AppTest], text: str) -> None:
    app = visit(settings=text)
    (error,) = app.error
    assert error.value.startswith("The link ")
    assert chosen(app) == ["buffer", "window", "vector"]


def test_a_memory_that_is_gone_can_be_taken_out(visit: Callable[..., AppTest]) -> None:
    app = dropped(visit())
    draft(app).put([Group("GoneMemory"), Group("ConversationBufferMemory")])
    app = sound(app.run())
    assert "There is no memory" in told(app)
    app = press(app, "Change")
    assert "no longer in the catalogue" in told(app)
    app = press(app, "Remove")
    assert chosen(app) == ["buffer"]
    assert "2 steps" in told(app)


def test_a_link_whose_memory_is_answered_by_a_paid_model_of_its_own_asks_first(
    visit: Callable[..., AppTest], store: InMemoryStore
) -> None:
    app = press(visit(), "Choose")
    name = draft(app).source
    assert name
    paid = Column("ConversationBufferWindowMemory", {"k": 7}, model="openai:gpt-5-mini")
    app = press(visit(settings=linked(columns=(paid,), source=Source("scenario", name.name), answer=True)), "Run")
    assert "This asks gpt-5-mini about " in told(app)
    assert store.experiments("alex") == []


def test_results_are_read_once_for_as_long_as_nothing_is_added_to_them(
    visit: Callable[..., AppTest], store: InMemoryStore
) -> None:
    kept = Experiments(store, "alex")
    columns = Column("ConversationBufferMemory"), Column("ConversationBufferWindowMemory")
    made = kept.create(Experiment("", "Talk", "replay", columns, status="done"), read(TALK))
    for column in range(2):
        result = RunResult(0, (10, 20), (0, 0), (None, None), (None, None), Totals(turns=2))
        kept.put_result(made.id, 0, column, result)
    app = visit()
    app.session_state["compare_opened"] = made.id
    with patch.object(Experiments, "results", autospec=True, side_effect=Experiments.results) as results:
        for _ in range(3):
            app = sound(app.run())
        assert results.call_count == 1
        kept.put(made)
        app = sound(app.run())
        assert results.call_count == 2
    app = press(app, "New comparison")
    assert "compare_results" not in app.session_state
    assert "compare_loaded" not in app.session_state


def test_conversations_are_told_apart_in_a_menu_whatever_they_are_called() -> None:
    def names(*called: tuple[str, str]) -> list[str]:
        return told_apart([Listed(id, title, 1, 2, 0) for id, title in called])

    assert names(("a", "Oslo"), ("b", "")) == ["Oslo", "b"]
    assert names(("a", "Oslo"), ("b", "Oslo")) == ["a Oslo", "b Oslo"]
    long = "o" * 100
    assert names((long, ""), (long, "")) == [f"{number}. {'o' * 79}…" for number in (1, 2)]
    assert len(set(names(("a", ""), ("a", ""), ("b", "2. a")))) == 3
