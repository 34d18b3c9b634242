"""Several instructions on the page Long-term memory: written, refused in a sentence, kept as they were typed.

python -m pytest tests/pages/test_longterm_prompts.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from memory.longterm.base_store import UserStore
from memory.longterm.prompt_store import instructions_in, keep_prompt, prompt_of
from memory.longterm.prompts import Prompt
from memory.stores.redis import RedisStore
from tests.pages.panels import HOSTILE
from tests.pages.test_longterm import RETRIEVAL, connection, drawn, sound, store, visit

__all__ = ["connection", "store", "visit"]  # fixtures


def items(kept: RedisStore) -> UserStore:
    return RETRIEVAL.items(kept.shelf, "alex", lambda call: None)


def opened(page: AppTest) -> AppTest:
    page.session_state["longterm_tab"] = "Instructions"
    return sound(page.run())


def named(elements: Any, label: str) -> Any:
    return next(element for element in elements if element.label == label)


def test_instructions_are_written_under_names_and_shown_as_they_are(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    page = opened(visit())
    assert "There are none yet" in drawn(page)
    named(page.text_area, "Instructions, one a line").set_value("Be brief.")
    sound(named(page.button, "Save").click().run())
    sound(named(page.selectbox, "Which").set_value("A new name").run())
    named(page.text_input, "Name").set_value("code")
    named(page.text_area, "Instructions, one a line").set_value(HOSTILE)
    named(page.text_input, "What feedback concerns them (optional)").set_value("of programs")
    named(page.multiselect, "They rest on (optional)").set_value(["general"])
    page = sound(named(page.button, "Save").click().run())
    assert [prompt_of(fact) for fact in instructions_in(items(store))] == [
        Prompt("general", "Be brief."),
        Prompt("code", HOSTILE, "of programs", ("general",)),
    ]
    assert HOSTILE in [text.value for text in page.text]


def test_what_cannot_be_kept_is_said_in_a_sentence_and_nothing_is_lost(
    visit: Callable[..., AppTest], store: RedisStore
) -> None:
    keep_prompt(items(store), Prompt("tone", "Be polite."))
    page = opened(visit())
    sound(named(page.selectbox, "Which").set_value("A new name").run())
    named(page.text_input, "Name").set_value("a/b")
    named(page.text_area, "Instructions, one a line").set_value("Be quick.")
    page = sound(named(page.button, "Save").click().run())
    assert "no slash" in page.error[0].value
    assert named(page.text_area, "Instructions, one a line").value == "Be quick."
    assert [prompt_of(fact).name for fact in instructions_in(items(store))] == ["tone"]
