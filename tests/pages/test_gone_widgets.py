"""A visit forgets the widgets that its page no longer has, and what they would have called.

python -m pytest tests/pages/test_gone_widgets.py
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from unittest.mock import patch
from weakref import WeakSet

import pytest
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import WStates
from streamlit.testing.v1 import AppTest

from pages.ui import gone_widgets


class Answer:
    """What a button of one turn stops."""

    def stop(self) -> None:
        """Be called by the button."""


ANSWERS = WeakSet[Answer]()


def page() -> None:
    import streamlit as st

    from tests.pages.test_gone_widgets import ANSWERS, Answer

    pressed = st.session_state.setdefault("pressed", [])
    turn = st.session_state.get("turn", 0) + 1
    st.session_state.turn = turn
    answer = Answer()
    ANSWERS.add(answer)
    st.button("Stop", key=f"stop_{turn}", on_click=answer.stop)
    st.slider("Turn", 0, turn, key=f"turn_{turn}")

    @st.fragment
    def part() -> None:
        st.button("In a part of the page", key="part", on_click=pressed.append, args=("part",))

    part()
    st.text_input("Name", key="name")


def known(seen: AppTest) -> int:
    """Count the widgets of which something is known."""
    return len(seen.session_state._state._state._new_widget_state.widget_metadata)


@pytest.fixture(autouse=True)
def freeing() -> Iterator[None]:
    with patch.object(WStates, "remove_stale_widgets", WStates.remove_stale_widgets):
        gone_widgets.free()
        gone_widgets.free()  # a second time changes nothing
        ANSWERS.clear()
        yield


def test_what_a_button_would_have_called_is_freed_with_the_button() -> None:
    seen = AppTest.from_function(page).run()
    for _ in range(5):
        seen.run()
    gc.collect()
    assert len(ANSWERS) == 1


def test_of_every_kind_that_each_turn_draws_anew_only_what_is_drawn_is_known() -> None:
    seen = AppTest.from_function(page).run()
    before = known(seen)
    for _ in range(5):
        seen.run()
    assert known(seen) == before == 4


def test_the_widgets_of_the_page_keep_their_values() -> None:
    seen = AppTest.from_function(page).run()
    seen.text_input(key="name").set_value("Alex").run()
    seen.button(key="part").click().run()
    assert seen.text_input(key="name").value == "Alex"
    assert seen.session_state["pressed"] == ["part"]
    assert not seen.exception


@pytest.mark.parametrize(("drawn", "left"), [(["part"], ["other", "text"]), (None, ["text"])])
def test_where_parts_are_drawn_the_buttons_of_the_others_are_kept(drawn: list[str] | None, left: list[str]) -> None:
    states = WStates()
    for name, kind in (("part", "trigger_value"), ("other", "trigger_value"), ("text", "string_value")):
        states.set_widget_metadata(WidgetMetadata(name, str, str, kind, fragment_id=name))
    states.remove_stale_widgets(frozenset(), drawn)
    assert list(states.widget_metadata) == left
