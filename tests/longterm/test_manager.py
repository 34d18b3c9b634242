"""The manager of memories: what new lines change in what is known, whatever the model answers.

python -m pytest tests/longterm/test_manager.py
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.tool import invalid_tool_call, tool_call
from pydantic import BaseModel, Field

from memory.base import Services
from memory.longterm.manager import Change, Memory, Remembered, create_memory_manager
from memory.services import Models

OSLO = Remembered("key-oslo", "Memory", {"content": "The user lives in Oslo."})
TEA = Remembered("key-tea", "Memory", {"content": "The user likes tea."})


class UserProfile(BaseModel):
    """Note what is known of the user."""

    name: str | None = Field(None, description="the user's name")
    home: str | None = Field(None, description="city or place where the user lives")
    age: int | None = Field(None, ge=0, le=150, description="the user's age in years")


class Saying:
    """Services whose model answers with these calls."""

    encoding = "o200k_base"
    input_limit = 8_000

    def __init__(self, *calls: tuple[str, dict[str, Any]], invalid: int = 0, text: str = "") -> None:
        self.calls, self.invalid, self.text = calls, invalid, text
        self.asked: list[Sequence[BaseMessage]] = []
        self.tools: list[list[str]] = []
        self.errors: list[str] = []

    def ask(self, messages: Any, purpose: str, max_tokens: int, tools: Any = ()) -> AIMessage:
        self.asked.append(messages)
        self.tools.append([tool.__name__ for tool in tools])
        made = [tool_call(name=name, args=args, id=f"c{place}") for place, (name, args) in enumerate(self.calls)]
        broken = [invalid_tool_call(name="Memory", args="{", id="x", error="no JSON")] * self.invalid
        return AIMessage(self.text, tool_calls=made, invalid_tool_calls=broken)

    def failed(self, error: Exception) -> None:
        self.errors.append(str(error))


def told(
    *calls: tuple[str, dict[str, Any]], known: Sequence[Remembered] = (), **more: Any
) -> tuple[list[Change], Saying]:
    services = Saying(*calls)
    return create_memory_manager(**more).changes(services, "Human: x", known), services  # type: ignore[arg-type]


def test_inserts_updates_and_deletes_come_by_short_numbers_and_leave_by_keys() -> None:
    changes, services = told(
        ("Memory", {"content": "The user has a cat."}),
        ("UpdateMemory", {"id": 1, "content": "The user lives in Lisbon."}),
        ("DeleteMemory", {"id": 2}),
        known=[OSLO, TEA],
        enable_deletes=True,
    )
    assert changes == [
        Change("insert", "Memory", {"content": "The user has a cat."}),
        Change("update", "Memory", {"content": "The user lives in Lisbon."}, "key-oslo"),
        Change("delete", "Memory", {}, "key-tea"),
    ]
    assert services.errors == []
    prompt = services.asked[0][-1].text
    assert "[1] The user lives in Oslo." in prompt
    assert "key-oslo" not in prompt


def test_a_bad_call_loses_itself_alone_and_is_told() -> None:
    services = Saying(
        ("Memory", {"content": "The user has a cat."}),
        ("UpdateMemory", {"id": 99, "content": "made up"}),
        ("UpdateMemory", {"content": "no number"}),
        ("Memory", {"content": ""}),
        ("Vanish", {}),
        invalid=1,
    )
    changes = create_memory_manager().changes(services, "Human: x", [OSLO])  # type: ignore[arg-type]
    assert changes == [Change("insert", "Memory", {"content": "The user has a cat."})]
    said = " ".join(services.errors)
    assert "4 of 6 things" in said
    assert "there is no memory [99]" in said


def test_what_is_known_already_is_not_noted_again_whatever_its_case() -> None:
    changes, services = told(
        ("Memory", {"content": "the user LIKES  tea."}),
        ("Memory", {"content": "The user has a cat."}),
        ("Memory", {"content": "The user has a cat."}),
        ("UpdateMemory", {"id": 1, "content": "The user lives in Oslo."}),
        known=[OSLO, TEA],
    )
    assert changes == [Change("insert", "Memory", {"content": "The user has a cat."})]
    assert services.errors == []


def test_of_two_changes_of_one_memory_the_first_counts() -> None:
    changes, services = told(
        ("UpdateMemory", {"id": 1, "content": "The user lives in Lisbon."}),
        ("UpdateMemory", {"id": 1, "content": "The user lives in Rome."}),
        ("DeleteMemory", {"id": 1}),
        known=[OSLO],
        enable_deletes=True,
    )
    assert [change.content for change in changes] == [{"content": "The user lives in Lisbon."}]
    assert "changed twice" in services.errors[0]


@pytest.mark.parametrize(
    ("options", "known", "expected"),
    [
        ({}, [OSLO], ["Memory", "UpdateMemory", "Nothing"]),
        ({}, [], ["Memory", "Nothing"]),
        ({"enable_updates": False}, [OSLO], ["Memory", "Nothing"]),
        ({"enable_inserts": False}, [OSLO], ["UpdateMemory", "Nothing"]),
        ({"enable_deletes": True}, [OSLO], ["Memory", "UpdateMemory", "DeleteMemory", "Nothing"]),
        ({"enable_deletes": True}, [], ["Memory", "Nothing"]),
    ],
)
def test_the_model_is_given_the_tools_for_what_it_may_do(
    options: dict[str, bool], known: list[Remembered], expected: list[str]
) -> None:
    assert told(known=known, **options)[1].tools == [expected]


def test_a_tool_that_was_not_given_changes_nothing() -> None:
    changes, services = told(("DeleteMemory", {"id": 1}), known=[OSLO])
    assert changes == []
    assert "there is no tool" in services.errors[0]


def test_the_model_is_shown_the_first_memories_as_far_as_there_is_room() -> None:
    known = [Remembered(f"k{n}", "Memory", {"content": f"Fact {n}: " + "word " * 100}) for n in range(100)]
    services = told(("UpdateMemory", {"id": 90, "content": "x"}), known=known)[1]
    prompt = services.asked[0][-1].text
    assert "[1] Fact 0" in prompt
    assert "[50]" not in prompt
    assert "there is no memory [90]" in services.errors[0]


# --- a profile --------------------------------------------------------------------------------------------------------


def test_a_profile_is_one_document_whose_fields_are_updated() -> None:
    changes, _ = told(("UserProfile", {"name": "Alex", "home": "Oslo"}), schemas=[UserProfile], profile=True)
    assert changes == [Change("insert", "UserProfile", {"name": "Alex", "home": "Oslo"})]
    document = Remembered("p", "UserProfile", changes[0].content)
    changes, _ = told(("UserProfile", {"home": "Lisbon"}), known=[document], schemas=[UserProfile], profile=True)
    assert changes == [Change("update", "UserProfile", {"name": "Alex", "home": "Lisbon"}, "p")]
    assert told(("UserProfile", {"home": "Oslo"}), known=[document], schemas=[UserProfile], profile=True)[0] == []


def test_a_profile_that_would_not_be_whole_stays_as_it_was() -> None:
    changes, services = told(("UserProfile", {"age": 900}), schemas=[UserProfile], profile=True)
    assert changes == []
    assert services.errors


def test_a_profile_that_may_only_be_updated_is_not_begun() -> None:
    changes, services = told(
        ("UserProfile", {"name": "Alex"}), schemas=[UserProfile], profile=True, enable_inserts=False
    )
    assert changes == []
    assert services.asked == []


# --- with the demo model ----------------------------------------------------------------------------------------------


def demo() -> Services:
    return Models().services("nobody")


def test_the_demo_model_notes_facts_and_changes_the_one_that_is_contradicted() -> None:
    manager = create_memory_manager()
    services = demo()
    made = manager.changes(services, "Human: I work at Acme in the ML team. My work is about NLP.", [])
    assert [change.action for change in made] == ["insert"] * len(made)
    assert "The user works in the ML team." in [change.content["content"] for change in made]
    moved = manager.changes(services, "Human: I moved to Lisbon. I like tea.", [OSLO, TEA])
    assert moved == [Change("update", "Memory", {"content": "The user moved to Lisbon."}, "key-oslo")]
    assert manager.changes(services, "Human: Thank you!", [OSLO]) == []


def test_the_demo_model_updates_a_profile() -> None:
    manager = create_memory_manager([UserProfile], profile=True)
    known = Remembered("p", "UserProfile", {"name": "Alex", "home": "Oslo"})
    (change,) = manager.changes(demo(), "Human: I moved to Lisbon.", [known])
    assert change.content == {"name": "Alex", "home": "Lisbon"}


# --- whatever the model says ------------------------------------------------------------------------------------------

ARGS = st.dictionaries(
    st.sampled_from(["id", "content", "other"]), st.integers(-2, 4) | st.text(max_size=8) | st.none(), max_size=3
)
CALLS = st.lists(st.tuples(st.sampled_from(["Memory", "UpdateMemory", "DeleteMemory", "Else"]), ARGS), max_size=6)


@given(CALLS, st.booleans(), st.booleans())
def test_no_answer_changes_what_is_not_known_or_anything_twice(
    calls: list[tuple[str, dict[str, Any]]], inserts: bool, deletes: bool
) -> None:
    known = [OSLO, TEA]
    changes, _ = told(*calls, known=known, enable_inserts=inserts, enable_deletes=deletes)
    keys = [change.key for change in changes if change.key]
    assert len(keys) == len(set(keys))
    assert {*keys} <= {one.key for one in known}
    assert inserts or all(change.action != "insert" for change in changes)
    assert deletes or all(change.action != "delete" for change in changes)
    for change in changes:
        if change.action != "delete":
            Memory.model_validate(change.content)


def test_a_manager_without_anything_to_do_or_with_two_schemas_of_one_name_is_refused() -> None:
    with pytest.raises(ValueError, match="does nothing"):
        create_memory_manager(enable_inserts=False, enable_updates=False)
    with pytest.raises(ValueError, match="names of their own"):
        create_memory_manager([Memory, Memory])
