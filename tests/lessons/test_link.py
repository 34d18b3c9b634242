"""A link restores a lesson as it was shown, holds nothing else, and is refused in one sentence where it is damaged."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.errors import BadInput
from memory.lessons.link import CONTROLS, LONGEST, NAMES, Shown, from_query, to_query
from memory.lessons.loading import load

LESSONS = load().found


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(LESSONS)),
    st.integers(1, 2),
    st.sampled_from(["", "window:k=3", 'simple:memories={"name":"Alex","city":"Oslo"}']),
    st.sets(st.sampled_from(CONTROLS)),
    st.booleans(),
)
def test_what_is_written_is_read_again(name: str, step: int, memory: str, hidden: set[str], presenter: bool) -> None:
    shown = Shown(name, step, memory, tuple(one for one in CONTROLS if one in hidden), presenter)
    query = to_query(shown)
    assert from_query(query) == shown
    assert set(query) <= set(NAMES)
    assert all(query.values())


def test_a_link_to_a_lesson_as_it_is_needs_its_name_alone() -> None:
    assert to_query(Shown("window")) == {"lesson": "window"}
    assert from_query({"lesson": "window", "thread": "other"}) == Shown("window")
    assert from_query({"thread": "other"}) is None


def test_the_memory_of_a_link_takes_the_place_of_the_lessons_own() -> None:
    assert Shown("window").open().memory == LESSONS["window"].memory
    assert Shown("window", memory="window:k=3").open().memory == "window:k=3"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"lesson": "windw"}, "did you mean window?"),
        ({"lesson": "window", "step": "99"}, "has steps 1 to"),
        ({"lesson": "window", "step": "0"}, "has steps 1 to"),
        ({"lesson": "window", "step": "²"}, "has steps 1 to"),
        ({"lesson": "window", "step": "-1"}, "has steps 1 to"),
        ({"lesson": "window", "memory": "windw"}, "There is no memory 'windw'"),
        ({"lesson": "window", "memory": "window:k=-1"}, "k: "),
        ({"lesson": "window", "memory": "window:l=1"}, "no setting 'l'"),
        ({"lesson": "window", "memory": "w" * (LONGEST + 1)}, "is damaged"),
        ({"lesson": "window", "hide": "panel,door"}, "'door'"),
        ({"lesson": "window", "view": "cinema"}, "'cinema'"),
        ({"lesson": "a\nb\u202e"}, "There is no lesson"),
    ],
)
def test_a_damaged_link_is_refused_in_one_sentence(query: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        from_query(query)
    told = str(caught.value)
    assert told.startswith("The link ")
    assert told.endswith("ask for the link again.")
    assert said in told
    assert told.isprintable()
    assert len(told) < 600


def test_settings_that_are_too_long_make_no_link() -> None:
    with pytest.raises(BadInput, match="too long for a link"):
        to_query(Shown("window", memory=f"simple:memories={{{'x' * LONGEST}}}"))
