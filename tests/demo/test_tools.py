"""Extraction and memory tools, decided by a schema's own words; no class name here is known to the model."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from memory.demo import DemoChatModel
from memory.demo.sentences import REFUSAL

MODEL = DemoChatModel()
LINES = HumanMessage(
    "New lines:\nHuman: Hi! My name is Orlin and I live in Odrin.\nAI: Noted: your name is Orlin.\n"
    "Human: Ulla works at Brask with Tove. My preferred language is Frob. I like herons.\n  I am 34."
)
ORDER = SystemMessage("Extract what the tools ask for.")


class Link(BaseModel):
    """A relation between two things."""

    subject: str
    relation: str
    object: str


class Links(BaseModel):
    """All relations of the text."""

    found: list[Link]


class Thing(BaseModel):
    """A person, place or thing."""

    name: str
    summary: str = Field(description="what is known of it")


class Card(BaseModel):
    """What is known of the user."""

    name: str | None = None
    preferred_language: str | None = Field(None, description="the programming language the user prefers")
    home: str | None = Field(None, description="where the user lives")
    age: int | None = None
    hobbies: list[str] = Field(default_factory=list, description="things the user likes")
    shoe_size: int | None = None


class Known(BaseModel):
    """A fact about the user."""

    statement: str
    kind: Literal["preference", "fact"]


class Changed(BaseModel):
    """A fact that is known already and has changed."""

    id: int
    statement: str


class Case(BaseModel):
    """An episode to learn from."""

    observation: str
    thoughts: str
    action: str
    result: str


def calls(tools: list[Any], *sent: BaseMessage, **bound: Any) -> list[tuple[str, dict[str, Any]]]:
    said = MODEL.bind_tools(tools, **bound).invoke(list(sent))
    return [(c["name"], c["args"]) for c in said.tool_calls]


def test_relations_come_one_by_one_or_in_a_list_as_the_schema_asks() -> None:
    one_by_one = [tuple(args.values()) for _, args in calls([Link], ORDER, LINES)]
    assert ("Ulla", "works at", "Brask") in one_by_one
    assert ("Ulla", "works with", "Tove") in one_by_one
    assert ("user", "lives in", "Odrin") in one_by_one
    [(name, args)] = calls([Links], ORDER, LINES)
    assert name == "Links"
    assert [tuple(link.values()) for link in args["found"]] == one_by_one


def test_names_get_notes() -> None:
    found = {args["name"]: args["summary"] for _, args in calls([Thing], ORDER, LINES)}
    assert found["Brask"] == "Ulla works at Brask with Tove."
    assert found["Odrin"] == "The user lives in Odrin."


def test_relations_read_as_sentences_whoever_tells_them() -> None:
    told = "Human: Ulla works at Brask with Tove. They are mending Frob. My sister Wenda's hen is Mog. She bakes rolls."
    assert [tuple(args.values()) for _, args in calls([Link], ORDER, HumanMessage(told))] == [
        ("Ulla", "works at", "Brask"),
        ("Ulla", "works with", "Tove"),
        ("Ulla", "is mending", "Frob"),
        ("Tove", "is mending", "Frob"),
        ("user", "sister is", "Wenda"),
        ("Wenda", "hen is", "Mog"),
        ("Wenda", "bakes", "rolls"),
    ]
    named = "Human (Ulla): I moved to Odrin. My hen is called Mog.\nAI (Tove): I have seen Odrin. Isn't it big?"
    assert [tuple(args.values()) for _, args in calls([Link], ORDER, HumanMessage(named))] == [
        ("Ulla", "moved to", "Odrin"),
        ("Ulla", "hen is", "Mog"),
        ("Tove", "has seen", "Odrin"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ulla moved to Odrin and works at Brask.", [("Ulla", "moved to", "Odrin"), ("Ulla", "works at", "Brask")]),
        ("I moved to Odrin, and bought a van.", [("user", "moved to", "Odrin"), ("user", "bought", "van")]),
        ("Ulla lives in Odrin and doesn't work at Brask.", [("Ulla", "lives in", "Odrin")]),
        ("Ulla likes tea and rolls.", [("Ulla", "likes", "tea and rolls")]),
        ("Ulla likes cats and dogs at home.", [("Ulla", "likes", "cats and dogs"), ("Ulla", "likes at", "home")]),
        ("Ulla met Ulla.", []),
    ],
)
def test_a_second_predicate_keeps_its_subject_and_nobody_is_related_to_themselves(
    text: str, found: list[tuple[str, str, str]]
) -> None:
    assert [tuple(args.values()) for _, args in calls([Link], ORDER, HumanMessage(f"Human: {text}"))] == found


def test_a_first_word_with_a_capital_is_not_always_a_name() -> None:
    for text in (
        "Baking is fun with flour.",
        "Wow, looks great in Odrin!",
        "Seven years in Odrin.",
        "Plums are sour in May.",
    ):
        found = {args["name"] for _, args in calls([Thing], ORDER, HumanMessage(f"Human: {text}"))}
        assert found <= {"Odrin"}, text


class Note(BaseModel):
    """A note on the user, or on whom they name."""

    name: str = Field(description='a name, or "the user"')
    note: str


def test_a_note_that_is_known_goes_on_and_what_changed_is_replaced() -> None:
    known = "Known notes:\n- Ulla: Ulla lives in Odrin. Ulla bakes rolls.\n- Tove: Tove sails.\n\nNew lines:\n"
    new = "Human: Ulla moved to Tamsk. Ulla bakes rolls. I am 34 and I like herons."
    found = {args["name"]: args["note"] for _, args in calls([Note], ORDER, HumanMessage(known + new))}
    assert found == {
        "Ulla": "Ulla bakes rolls. Ulla moved to Tamsk.",
        "Tamsk": "Ulla moved to Tamsk.",
        "the user": "The user is 34. The user likes herons.",
    }


class NothingNew(BaseModel):
    """Say that there is nothing."""


def test_a_tool_for_nothing_is_called_where_no_other_is() -> None:
    assert calls([Link, NothingNew], ORDER, HumanMessage("Human: Thanks!")) == [("NothingNew", {})]
    assert [name for name, _ in calls([Link, NothingNew], ORDER, HumanMessage("Human: Ulla bakes rolls."))] == ["Link"]


def test_a_record_holds_what_was_said_and_leaves_out_the_rest() -> None:
    [(_, args)] = calls([Card], ORDER, LINES)
    assert args == {"name": "Orlin", "preferred_language": "Frob", "home": "Odrin", "age": 34, "hobbies": ["herons"]}
    assert calls([Card], ORDER, HumanMessage("Human: Hello!")) == []
    for told in (
        "My friend's name is Urvan.",
        "My boss's name is Urvan.",
        "I was called Urvan.",
        "I will move to Odrin.",
        "I moved my chair to the left",
        "I'd like to live in Odrin.",
    ):
        assert calls([Card], ORDER, HumanMessage(f"Human: {told}")) == [], told


def test_facts_are_told_in_the_third_person_with_a_kind_from_the_enum() -> None:
    found = {args["statement"]: args["kind"] for _, args in calls([Known], ORDER, LINES)}
    assert found["The user likes herons."] == "preference"
    assert found["The user lives in Odrin."] == "fact"


def test_a_changed_fact_updates_the_listed_one_and_a_known_one_is_left_alone() -> None:
    listed = SystemMessage("Update the facts. Known:\n[1] The user lives in Odrin.\n[2] The user likes tea.")
    new = HumanMessage("Human: I moved to Tamsk. I like tea. My hen is called Mog.")
    found = calls([Known, Changed], listed, new)
    assert ("Changed", {"id": 1, "statement": "The user moved to Tamsk."}) in found
    assert [args["statement"] for name, args in found if name == "Known"] == ["The user's hen is called Mog."]


def test_an_episode_is_what_was_asked_done_and_said_of_it() -> None:
    chat = HumanMessage("Human: Explain knots\nAI: A loop is a lane, because it turns.\nHuman: Now I get it!")
    [(_, args)] = calls([Case], SystemMessage("Reflect on the conversation."), chat)
    assert args["observation"] == "Explain knots"
    assert args["action"].startswith("A loop")
    assert args["result"] == "Now I get it!"


def test_a_forced_tool_is_called_even_with_nothing_to_say() -> None:
    assert calls([Known], HumanMessage("Hello"), tool_choice="any") == [("Known", {"statement": "", "kind": "fact"})]
    result = MODEL.with_structured_output(Card).invoke("My name is Orlin.")
    assert result == Card(name="Orlin")


@tool
def keep(content: str, action: Literal["create", "update"] = "create") -> str:
    """Create or update a memory for later conversations."""
    return content


@tool
def look_into(query: str) -> str:
    """Search the memories of earlier conversations."""
    return query


def test_an_order_to_remember_saves_and_a_question_about_remembering_searches() -> None:
    tools = [keep, look_into]
    saved = [("keep", {"content": "The user prefers glim mode."})]
    for order in (
        "Remember that I prefer glim mode",
        "Remember I prefer glim mode.",
        "Please remember: I prefer glim mode",
    ):
        assert calls(tools, HumanMessage(order)) == saved
    assert calls(tools, HumanMessage("Do you remember my name?")) == [
        ("look_into", {"query": "Do you remember my name?"})
    ]
    assert calls(tools, HumanMessage("Hello!")) == []
    assert calls(tools, HumanMessage("My name is Orlin."), HumanMessage("What's my name?")) == []


def test_after_a_tool_the_model_answers_from_its_result() -> None:
    model = MODEL.bind_tools([keep, look_into])
    asked = HumanMessage("What mode do I prefer?")
    call = AIMessage("", tool_calls=[{"name": "look_into", "args": {"query": "mode"}, "id": "1"}])
    found = ToolMessage(
        '[{"key": "7", "value": {"content": "The user prefers glim mode."}}]', tool_call_id="1", name="look_into"
    )
    assert model.invoke([asked, call, found]).content == "You prefer glim mode."
    assert model.invoke([asked, call, ToolMessage("[]", tool_call_id="1", name="look_into")]).content == REFUSAL
    call = AIMessage("", tool_calls=[{"name": "keep", "args": {"content": "x"}, "id": "1"}])
    order = HumanMessage("Remember that I prefer glim mode.")
    assert (
        model.invoke([order, call, ToolMessage("done", tool_call_id="1", name="keep")]).content
        == "Saved: you prefer glim mode."
    )


def test_what_is_told_of_a_picture_that_came_along_is_no_fact_about_the_user() -> None:
    lines = (
        "New lines:\nHuman: I live in Odrin.\n  The picture Fern.png shows mainly green. "
        "It is a PNG file of 900 × 600 pixels."
    )
    made = MODEL.bind_tools([Known, Links]).invoke([ORDER, HumanMessage(lines)])
    assert "Odrin" in str(made.tool_calls)
    assert "PNG" not in str(made.tool_calls)
    assert "Fern" not in str(made.tool_calls)


def test_a_list_of_a_record_is_added_to_and_what_is_denied_is_taken_out() -> None:
    def likes(known: str, said: str) -> Any:
        text = f"Known so far:\n{known}\n\nNew lines:\nHuman: {said}"
        return MODEL.bind_tools([Card]).invoke([ORDER, HumanMessage(text)]).tool_calls[0]["args"]["hobbies"]

    assert likes("{}", "I like herons and knots.") == ["herons", "knots"]
    assert likes('{"hobbies": ["herons"]}', "I like knots.") == ["herons", "knots"]
    assert likes('{"hobbies": ["herons", "knots"]}', "I don't like herons any more.") == ["knots"]
