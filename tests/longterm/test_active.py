"""What the model itself keeps in mid-conversation has the fields of its memory's schema.

python -m pytest tests/longterm/test_active.py
"""

from __future__ import annotations

from typing import Any

import pytest

from memory.base import Turn
from memory.forgetting.remembered import remembered
from memory.longterm.facts import Fact
from memory.longterm.manager import Change
from memory.longterm.tools import asked_for, memory_tools
from memory.prompt import message_of
from memory.store import Store
from memory.strategies.episodic import Episode
from memory.strategies.profile import UserProfile
from tests.longterm.test_procedural import talk_of
from tests.memory.fakes import ENCODING, say, traces_of, turns_of

KNOWN = Fact("p" * 16, ("profile",), "UserProfile", {"name": "Alex", "editor": "vim"})


def called(noun: str, answer: str, **args: Any) -> Turn:
    call = {"name": f"manage_{noun}", "args": args, "id": "1"}
    said = (
        message_of("human", "Remember it.", ENCODING),
        message_of("ai", "", ENCODING, tool_calls=(call,)),
        message_of("tool", answer, ENCODING, tool_call_id="1", name=f"manage_{noun}"),
        message_of("ai", "Done.", ENCODING),
    )
    return Turn("t0", said, index=0)


def test_a_profile_is_kept_by_its_fields_and_stays_one(memory_store: Store) -> None:
    talk = talk_of(memory_store, "profile:formation=active")
    say(talk, "Remember that I prefer dark mode.", "Remember that my name is Alex.")
    calls = [call["args"] for turn in turns_of(talk) for message in turn.messages for call in message.tool_calls]
    assert calls == [{"preferred_mode": "dark mode"}, {"name": "Alex"}]
    (row,) = (item for item in talk.services().items.search(("profile",), filter={"kind": "UserProfile"}))
    assert row.value["content"] == {"preferred_mode": "dark mode", "name": "Alex"}
    assert traces_of(talk)[1].errors == ()


def test_what_the_demo_model_is_told_to_forget_is_searched_for_and_deleted(memory_store: Store) -> None:
    talk = talk_of(memory_store, "collection:formation=active,k=0")
    say(talk, "Remember that I live in Oslo.", "Remember that I like tea.", "Please forget that I live in Oslo.")
    assert [(c["name"], c["args"].get("action")) for m in turns_of(talk)[2].messages for c in m.tool_calls] == [
        ("search_memory", None),
        ("manage_memory", "delete"),
    ]
    assert turns_of(talk)[2].ai == "The tool says: Deleted."
    assert [fact.text for fact in remembered(memory_store, talk.user).values()] == ["The user likes tea."]


def test_what_the_demo_model_does_not_find_it_does_not_delete(memory_store: Store) -> None:
    talk = talk_of(memory_store, "collection:formation=active,k=0")
    say(talk, "Remember that I live in Oslo.", "Forget that I have a cat.", "Don't forget that I like tea.")
    assert turns_of(talk)[1].ai == "I find no memory of that."
    assert len(remembered(memory_store, talk.user)) == 2


def test_no_profile_is_deleted_for_one_of_its_fields(memory_store: Store) -> None:
    talk = talk_of(memory_store, "profile:formation=active")
    say(talk, "Remember that my name is Alex.", "Forget that my name is Alex.")
    assert not any(message.tool_calls for message in turns_of(talk)[1].messages)


def test_what_is_known_of_a_profile_stays_where_a_call_names_another_field() -> None:
    changes = asked_for(called("profile", "Saved.", home="Oslo"), {KNOWN.key: KNOWN}, "profile", UserProfile, True)
    assert changes == [Change("update", "UserProfile", {"name": "Alex", "editor": "vim", "home": "Oslo"}, KNOWN.key)]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"observation": "asked for trees", "action": "drew one"}, "does not fit"),
        ({"observation": " "}, "content is empty"),
        ({"observation": "a", "result": "b"}, "does not fit"),
    ],
)
def test_an_episode_that_lacks_a_field_is_refused_and_the_model_is_told(
    memory_store: Store, args: dict[str, str], told: str
) -> None:
    items = talk_of(memory_store, "episodic").services().items
    manage, _ = memory_tools(items, ("episodes",), "episode", Episode)
    assert told in manage.invoke(args)


def test_the_tools_of_a_schema_offer_its_fields(memory_store: Store) -> None:
    items = talk_of(memory_store, "profile").services().items
    manage, _ = memory_tools(items, ("profile",), "profile", UserProfile)
    assert {"preferred_mode", "editor", "id", "operation"} <= set(manage.args)
    assert "content" not in manage.args
