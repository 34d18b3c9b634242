"""The page Long-term memory, drawn by Streamlit's own test runner over a real store.

python -m pytest tests/pages/test_longterm.py
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from memory import threads
from memory.catalog import load
from memory.conversation import Conversation
from memory.errors import StoreUnavailable
from memory.forgetting.remembered import remembered
from memory.longterm.editing import add, edit
from memory.longterm.facts import Fact, Source
from memory.longterm.feedback import give, given
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.server.connect import Connection, connect
from memory.services import Models
from memory.stores.redis import RedisStore
from pages.ui import connections, identity
from tests.pages.panels import HOSTILE
from tests.servers import end

ROOT = Path(__file__).parents[2]
JAR = identity.Cookies("a secret for the tests")
RETRIEVAL = Retrieval(embedding("hashing"))


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    home = Path(tempfile.mkdtemp(prefix="mi-"))
    made = connect("", home)
    try:
        yield made
    finally:
        made.close()
        end(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def store(connection: Connection) -> Iterator[RedisStore]:
    kept = RedisStore(connection)
    for user in ("alex", "sam"):
        kept.erase(user)
        kept.shelf.erase(user)
    connections.connection.clear()
    connections.store.clear()
    with patch.object(connections, "connect", lambda: connection):
        yield kept
    connections.connection.clear()
    connections.store.clear()


@pytest.fixture
def visit(store: RedisStore) -> Iterator[Callable[..., AppTest]]:
    """Open the page as the browser of a user would."""
    who = ["alex"]
    with (
        patch.object(identity, "cookies", lambda: JAR),
        patch.object(type(st.context), "cookies", property(lambda self: {JAR.name: JAR.sign(who[0])})),
        patch.object(connections, "retrieval", lambda temporary=False: RETRIEVAL),
    ):

        def opened(user: str = "alex") -> AppTest:
            who[0] = user
            page = AppTest.from_file(str(ROOT / "pages" / "longterm.py"), default_timeout=60)
            return sound(page.run())

        yield opened


def sound(page: AppTest) -> AppTest:
    assert not page.exception, page.exception[0].message
    return page


def drawn(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.text, *page.error, *page.success, *page.info]
    return "\n".join(str(element.value) for element in shown).replace("\\", "")


def press(page: AppTest, label: str, number: int = 0) -> AppTest:
    found = [one for one in page.button if one.label == label]
    return sound(found[number].click().run())


def talk(store: RedisStore, spec: str, *said: str, user: str = "alex", title: str = "Work talk") -> Conversation:
    memory = load().memory(spec)
    thread = threads.new(store, user, memory, title)
    made = Conversation(store, user, thread.id, memory, Models(), retrieval=RETRIEVAL)
    for query in said:
        "".join(made.reply(query))
    return made


def facts(store: RedisStore, user: str = "alex") -> list[Fact]:
    return list(remembered(store, user).values())


def test_an_empty_store_teaches_how_something_comes_into_it(visit: Callable[..., AppTest]) -> None:
    page = visit()
    assert "Nothing is remembered of you yet." in drawn(page)
    assert "I work at Acme" in drawn(page)


def test_namespaces_are_a_tree_with_counts_and_what_is_internal_is_not_shown(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    talk(store, "collection", "I like tea.", "I work at Acme.")
    talk(store, "collection:namespace=acme/support", "I like coffee.")
    page = visit()
    named = [one.replace("&emsp;", " ").replace("\\", "") for one in page.radio[0].options]
    assert named == ["Everything (3)", "acme (1)", " support (1)", "  Facts (1)", "Facts (2)"]
    sound(page.radio[0].set_value(("acme", "support")).run())
    assert "The user likes coffee." in drawn(page)
    assert "The user likes tea." not in drawn(page)


def test_a_search_ranks_with_scores_and_filters_and_keys_find_items(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    talk(store, "collection", "I like tea.", "I work at Acme.")
    made = add(RETRIEVAL.items(store.shelf, "alex", lambda call: None), "Memory", {"content": "I own a boat."}, (), 9)
    page = visit()
    sound(page.text_input(key="longterm_query").set_value("Which company do I work at, Acme?").run())
    texts = [text.value for text in page.text]
    assert texts[0] == "The user works at Acme."
    assert "score 0." in drawn(page)
    sound(page.text_input(key="longterm_query").set_value("").run())
    sound(page.number_input(key="longterm_importance").set_value(8).run())
    assert [text.value for text in page.text] == ["I own a boat."]
    sound(page.number_input(key="longterm_importance").set_value(1).run())
    sound(page.text_input(key="longterm_key").set_value(made.key[:6]).run())
    assert [text.value for text in page.text] == ["I own a boat."]
    sound(page.text_input(key="longterm_key").set_value("[x](y)").run())
    assert "No item here has the key" in drawn(page)


def test_a_contradiction_shows_which_statement_holds_and_can_be_turned_round(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    talk(store, "collection", "I moved to Oslo.", "I moved to Lisbon.")
    page = visit()
    said = drawn(page)
    assert "~~The user moved to Oslo.~~" in said
    assert "Superseded by: The user moved to Lisbon." in said
    assert "version 2, which holds" in said
    assert {"Turn 1 of “Work talk”", "Turn 2 of “Work talk”"} <= {button.label for button in page.button}
    press(page, "Say this again")
    assert "Version 1 holds again." in drawn(page)
    (fact,) = facts(store)
    assert (fact.text, fact.sources[0].index) == ("The user moved to Oslo.", 0)


def test_items_are_listed_by_the_conversation_that_they_came_from(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    talk(store, "collection", "I like tea.", title="Tea talk")
    talk(store, "collection", "I work at Acme.", title="Work talk")
    add(RETRIEVAL.items(store.shelf, "alex", lambda call: None), "Memory", {"content": "I own a boat."})
    page = visit()
    box = page.selectbox(key="longterm_thread")
    assert sorted(box.options) == ["All conversations", "Tea talk", "Work talk", "Written by hand"]
    sound(box.select("Tea talk").run())
    assert [text.value for text in page.text] == ["The user likes tea."]
    sound(page.selectbox(key="longterm_thread").select("Written by hand").run())
    assert [text.value for text in page.text] == ["I own a boat."]


def test_an_item_is_edited_and_refused_in_a_sentence(visit: Callable[..., AppTest], store: RedisStore) -> None:
    talk(store, "collection", "I like tea.")
    page = press(visit(), "Edit")
    box = page.text_area[0]
    assert box.value == "The user likes tea."
    box.set_value("x" * 2_001)
    press(page, "Save")
    assert "may have 2,000" in drawn(page)
    assert len(page.text_area[0].value) == 2_001
    page.text_area[0].set_value("I like coffee.")
    press(page, "Save")
    (fact,) = facts(store)
    assert (fact.text, fact.history[0].content["content"]) == ("I like coffee.", "The user likes tea.")
    assert "Written by hand." in drawn(page)


def test_an_edit_of_what_changed_meanwhile_is_refused_and_the_words_stay(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    talk(store, "collection", "I like tea.")
    page = press(visit(), "Edit")
    items = RETRIEVAL.items(store.shelf, "alex", lambda call: None)
    edit(items, facts(store)[0], {"content": "I like juice."})
    page.text_area[0].set_value("I like coffee.")
    press(page, "Save")
    assert "has changed since you looked at it" in drawn(page)
    assert page.text_area[0].value == "I like coffee."
    assert facts(store)[0].text == "I like juice."


def test_what_is_deleted_is_taken_back_one_after_the_other(visit: Callable[..., AppTest], store: RedisStore) -> None:
    talk(store, "collection", "I like tea.", "I work at Acme.")
    before = {fact.key: fact for fact in facts(store)}
    page = press(press(visit(), "Delete"), "Delete")
    assert facts(store) == []
    press(press(page, "Undo"), "Undo")
    assert {fact.key: fact for fact in facts(store)} == before
    assert not [one for one in page.button if one.label == "Undo"]


def test_something_is_added_by_hand(visit: Callable[..., AppTest], store: RedisStore) -> None:
    page = press(visit(), "Add")
    page.text_area[0].set_value("I own a boat.")
    next(one for one in page.text_input if one.label.startswith("Labels")).set_value("acme/support")
    press(page, "Add it")
    (fact,) = facts(store)
    assert (fact.namespace, fact.text) == (("acme", "support", "facts"), "I own a boat.")


def test_the_profile_is_a_form_whose_words_stay_where_it_changes_meanwhile(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    made = talk(store, "profile", "My name is Alex and I prefer dark mode.")
    page = visit()
    name = next(one for one in page.text_input if one.label == "Name")
    assert name.value == "Alex"
    "".join(made.reply("I live in Lyon."))
    next(one for one in page.text_input if one.label == "Name").set_value("Sasha")
    press(page, "Save the profile")
    assert "has changed since you opened this form" in drawn(page)
    assert next(one for one in page.text_input if one.label == "Name").value == "Sasha"
    press(page, "Show what it says now")
    assert next(one for one in page.text_input if one.label == "Home").value == "Lyon"
    next(one for one in page.text_input if one.label == "Name").set_value("Sasha")
    press(page, "Save the profile")
    (fact,) = facts(store)
    assert (fact.content["name"], fact.content["home"]) == ("Sasha", "Lyon")


def test_episodes_have_their_parts_and_instructions_the_feedback_that_caused_them(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    items = RETRIEVAL.items(store.shelf, "alex", lambda call: None)
    add(items, "Episode", {"observation": "Explain knots.", "action": "A loop is a lane.", "result": "Now I see!"})
    how = talk(store, "procedural", "Explain recursion.")
    turn = store.turns("alex", how.thread, 0, 1)[0]
    give(how.services().items, Source(how.thread, turn.id, 0), False, "Show me a practical example instead.", 100.0)
    how.catch_up(kind="reflect")
    assert given(how.services().items, how.thread)[turn.id].used
    said = drawn(visit())
    for part in ("**Situation**", "**Action**", "**Result**", "Show a practical example.", "not helpful"):
        assert part in said
    assert "The feedback that caused it: not helpful: Show me a practical example instead" in said


def test_hostile_contents_are_drawn_as_they_were_typed(visit: Callable[..., AppTest], store: RedisStore) -> None:
    items = RETRIEVAL.items(store.shelf, "alex", lambda call: None)
    fact = add(items, "Memory", {"content": HOSTILE}, ("<b>x :red[y]",))
    edit(items, fact, {"content": f"{HOSTILE} again"})
    items.put(("of another program",), HOSTILE, {HOSTILE: HOSTILE})
    talk(store, "collection", "I like tea.", title=HOSTILE)
    page = visit()
    marked = "\n".join(str(element.value) for element in (*page.markdown, *page.caption))
    labels = "\n".join([*(button.label for button in page.button), *page.radio[0].options])
    for part in (r"!\[x", "<img", ":red-badge", r":red\["):
        assert not re.search(rf"(?<!\\){part}", marked)
        assert not re.search(rf"(?<!\\){part}", labels)


def test_nothing_of_another_browser_is_shown(visit: Callable[..., AppTest], store: RedisStore) -> None:
    talk(store, "collection", "I own a zebra.", "I like tea.", user="sam")
    page = visit("alex")
    assert "zebra" not in drawn(page)
    assert "Nothing is remembered of you yet." in drawn(page)


def test_a_store_that_is_away_is_said_in_a_sentence(visit: Callable[..., AppTest], store: RedisStore) -> None:
    page = visit()
    with patch.object(RedisStore, "settings", side_effect=StoreUnavailable("Redis is away.")):
        sound(page.run())
    assert "Redis is away." in drawn(page)
