"""The page Lessons, drawn by Streamlit's own test runner: what a browser need not be there for.

python -m pytest tests/pages/test_lessons.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from memory.lessons.loading import lesson
from memory.lessons.progress import Desk
from memory.lessons.stage import Stage
from memory.preferences import Preferences
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.stores.inmemory import InMemoryStore
from pages.ui import connections, identity

ROOT = Path(__file__).parents[2]
JAR = identity.Cookies("a secret for the tests")
MINE = """
lesson = "mine"
number = 40
title = "Mine ![t](https://evil.example/t.png)"
about = "About <b>me</b>."
memory = "window:k=1"
[[steps]]
title = "One"
text = '''Look: ![x](https://evil.example/x.png) and $x$. A {term:window}.'''
play = [{say = "I like tea."}, {say = "What do I like?"}]
after = '''{prompt_tokens:2} tokens.'''
claims = [{says = "Turn 1 was sent.", turn = 2, sent = [1]}, {says = "Nothing was sent.", turn = 2, alone = true}]
look = {view = "Prompt", turn = 2, words = ["tea"], told = "Tea stands there."}
[[steps]]
title = "Two"
text = '''The end.'''
predict = {ask = "How many tokens?", number = {figure = "prompt_tokens", turn = 2}, unit = "tokens", because = "So."}
[what_if]
setting = "k"
values = [0, 1]
ask = "What if?"
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemoryStore:
    """A store of the test's own, and a folder of lessons beside the shipped ones."""
    (tmp_path / "40-mine.toml").write_text(MINE)
    (tmp_path / "41-broken.toml").write_text(MINE.replace('"mine"', '"other"').replace("window:k=1", "windo:k=1"))
    monkeypatch.setenv("MEMORY_INSPECTOR_LESSONS", str(tmp_path))
    return InMemoryStore()


@pytest.fixture
def visit(store: InMemoryStore) -> Iterator[Callable[..., AppTest]]:
    """Open the page with an address's parameters, as the browser of a user would."""
    with (
        patch.object(identity, "cookies", lambda: JAR),
        patch.object(type(st.context), "cookies", property(lambda self: {JAR.name: JAR.sign("alex")})),
        patch.object(connections, "store", lambda: store),
        patch.object(connections, "retrieval", lambda temporary=False: Retrieval(embedding("hashing"))),
    ):

        def opened(**query: str) -> AppTest:
            page = AppTest.from_file(str(ROOT / "pages" / "lessons.py"), default_timeout=60)
            for name, value in query.items():
                page.query_params[name] = value
            return sound(page.run())

        yield opened


def sound(page: AppTest) -> AppTest:
    assert not page.exception, page.exception[0].message
    return page


def drawn(page: AppTest) -> str:
    kinds = [page.title, page.subheader, page.markdown, page.caption, page.text, page.error, page.code]
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


def labels(page: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in page.button]


def played(store: InMemoryStore) -> Stage:
    stage = Stage(store, "alex", lesson("mine"), retrieval=Retrieval(embedding("hashing")))
    stage.play(1).join()
    return stage


def test_the_list_has_every_lesson_with_how_far_one_is_and_names_a_broken_file_with_its_place(
    visit: Callable[..., AppTest], store: InMemoryStore
) -> None:
    page = visit()
    assert "Begin with 1. A model remembers nothing" in labels(page)
    assert any(label.startswith("40. Mine") for label in labels(page))
    assert "41-broken.toml" in drawn(page)
    assert "memory: There is no memory 'windo'; did you mean 'window'" in drawn(page)
    stage = played(store)
    assert "at step 1 of 2" in drawn(visit())
    stage.go_to(2)
    page = visit()
    assert "1 of " in drawn(page)
    assert "**finished**" in drawn(page)


def test_what_a_lessons_file_says_loads_nothing(visit: Callable[..., AppTest]) -> None:
    page = visit(lesson="mine")
    raw = "\n".join(str(element.value) for element in [*page.title, *page.markdown])
    assert "evil.example" in raw
    assert "![" not in raw
    assert "$x$" not in raw


def test_a_step_is_played_and_its_claims_are_judged_one_by_one(visit: Callable[..., AppTest]) -> None:
    page = visit(lesson="mine")
    assert "Send these 2 messages" in labels(page)
    sound(page.button(key=next(one.key for one in page.button if "_play" in str(one.key))).click().run())
    while "Next: Two" not in labels(page):
        sound(page.run())
    assert "holds: sent: turn 1" in drawn(page)
    assert "does not hold" in drawn(page)
    assert any("1 of 2 hold" in one.label for one in page.expander)


def test_a_number_is_predicted_and_compared_with_what_was_measured(
    visit: Callable[..., AppTest], store: InMemoryStore
) -> None:
    stage = played(store)
    tokens = stage.live().traces()[1].prompt_tokens
    page = visit(lesson="mine", step="2")
    next(one for one in page.number_input if "predict" in str(one.key)).set_value(float(tokens))
    sound(next(one for one in page.button if one.label == "Check my prediction").click().run())
    assert f"You predicted: {tokens} tokens." in drawn(page)
    assert f"**Right.** Measured: {tokens} tokens. So." in drawn(page)
    assert Desk(store, "alex").all()["mine"].answers == {2: tokens}


def test_a_link_hides_what_the_teacher_chose(visit: Callable[..., AppTest], store: InMemoryStore) -> None:
    played(store).go_to(2)
    page = visit(lesson="mine")
    shown = {"All lessons", "Start anew", "For a class"}
    assert "All lessons" in labels(page)
    assert any("Checked on the live state" in one.label for one in page.expander)
    assert any("source of Window" in one.label for one in page.expander)
    assert "**Prompt** in the panel" in drawn(page)
    hidden = visit(lesson="mine", hide="panel,settings,source,claims,overview")
    assert not shown & {"All lessons"} & set(labels(hidden))
    assert not [one.label for one in hidden.expander if "Checked" in one.label or "source" in one.label]
    assert "in the panel" not in drawn(hidden)
    assert "in the panel" in drawn(visit(lesson="mine", view="presenter"))
    assert "badge[Buffer]" in drawn(visit(lesson="mine", memory="buffer"))


def test_a_model_that_cannot_answer_is_told_in_a_sentence_and_the_step_can_be_gone_on_with(
    visit: Callable[..., AppTest], store: InMemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    Preferences().but(model="openai:gpt-5-mini").save(store, "alex")
    page = visit(lesson="mine")
    sound(page.button(key=next(one.key for one in page.button if "_play" in str(one.key))).click().run())
    while not page.error:
        sound(page.run())
    assert "OPENAI_API_KEY" in drawn(page)
    assert {"Send these 2 messages", "Go on with this step"} & set(labels(page))
    Preferences().but(model="demo").save(store, "alex")
    sound(page.button(key=next(one.key for one in page.button if "_play" in str(one.key))).click().run())
    while "Next: Two" not in labels(page):
        sound(page.run())


def test_a_link_that_is_damaged_is_told_and_the_list_is_shown(visit: Callable[..., AppTest]) -> None:
    page = visit(lesson="mine", step="9")
    assert "The link names step '9'" in drawn(page)
    assert "Begin with 1. A model remembers nothing" in labels(page)
