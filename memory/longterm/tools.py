"""Tools by which the model itself remembers, in mid-conversation, and what of their calls is written afterwards.

    >>> manage, search = memory_tools(store, ("facts",), "memory")
    >>> manage.invoke({"content": "The user prefers dark mode.", "action": "create"})
    'Saved.'

A call changes nothing by itself: it is checked and answered, stands in the turn with its answer, and `write` does what
it asked for. So a turn that is stopped, tried again or replayed writes each thing once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, Field, ValidationError

from memory.base import Turn
from memory.errors import ModelFailed, StoreUnavailable
from memory.longterm.base_store import UserStore
from memory.longterm.consent import CHANGES
from memory.longterm.facts import Fact
from memory.longterm.finding import found
from memory.longterm.manager import Change, partial
from memory.longterm.taking_in import facts_of

Action = Literal["create", "update", "delete"]
SAVED, CHANGED, DELETED = "Saved.", "Changed.", "Deleted."
FOUND = 8
"""How many memories a search brings."""
OPERATION = "operation"
"""What a call is to do, where its schema has fields of its own; else it is `action`, as LangMem names it."""
ID = 8
"""How many characters of a key name it for the model."""


class Manage(BaseModel):
    """Create, update or delete a memory that outlives this conversation."""

    content: str = Field("", max_length=2_000, description="the memory, as a sentence in the third person")
    action: Action = Field("create", description="create a new one, or update or delete the one with this id")
    id: str = Field("", max_length=40, description="the id of a memory that a search has shown, for update and delete")


class Search(BaseModel):
    """Search the memories of earlier conversations."""

    query: str = Field(min_length=1, max_length=1_000, description="what is looked for")


def memory_tools(
    store: UserStore, namespace: tuple[str, ...], noun: str, schema: type[BaseModel] | None = None
) -> list[BaseTool]:
    """Return `manage_NOUN` and `search_NOUN` over a namespace; what fails is said to the model, in a sentence.

    What is kept is a text, or has the fields of a schema that knows no text.
    """
    shape = _managing(schema) if schema and _has_fields(schema) else Manage

    def manage(**given: Any) -> str:
        action, id, said = _asked(given, shape is not Manage)
        try:
            facts = facts_of(store, namespace)
        except StoreUnavailable:
            return "Memories cannot be reached now: nothing was kept."
        if action != "delete" and not said:
            return "Nothing was kept: the content is empty."
        if action == "create":
            return _lacking(schema, said) if schema and shape is not Manage else SAVED
        if _named(facts, id) is None:
            return f"Nothing was changed: no memory has the id {id[:40]!r}; search for it first."
        return CHANGED if action == "update" else DELETED

    def search(query: str) -> str:
        try:
            rows = found(store, namespace, query, FOUND, "memories")
        except (StoreUnavailable, ModelFailed):
            return "Memories cannot be reached now."
        told = [{"id": fact.key[:ID], "content": fact.text, "score": _score(score)} for fact, score, _ in rows]
        return json.dumps(told, ensure_ascii=False)

    return [
        StructuredTool.from_function(
            manage, name=f"manage_{noun}", description=Manage.__doc__, args_schema=shape, metadata=CHANGES
        ),
        StructuredTool.from_function(search, name=f"search_{noun}", description=Search.__doc__, args_schema=Search),
    ]


def asked_for(
    turn: Turn, facts: Mapping[str, Fact], noun: str, schema: type[BaseModel], single: bool = False
) -> list[Change]:
    """Return what the calls of a turn asked for and were promised, in their order; `single` is there once at most."""
    answers = {message.tool_call_id: message.content for message in turn.messages if message.role == "tool"}
    changes: list[Change] = []
    kind, shaped = schema.__name__, _has_fields(schema)
    for call in _calls(turn):
        args, answer = call.get("args") or {}, answers.get(call.get("id"), "")
        if call.get("name") != f"manage_{noun}" or answer not in (SAVED, CHANGED, DELETED):
            continue
        _, id, content = _asked(args, shaped)
        # Of what there is one of only, a new one is what is known with something added.
        fact = next(iter(facts.values()), None) if single else _named(facts, id)
        if answer == SAVED and not (single and fact):
            changes.append(Change("insert", kind, content))
        elif fact:
            before = fact.content
            if answer == SAVED:
                # What is added to a list leaves what stands there.
                content = {name: _with(before.get(name), value) for name, value in content.items()}
            changes.append(
                Change("update", fact.kind, {**before, **content}, fact.key)
                if answer in (SAVED, CHANGED)
                else Change("delete", fact.kind, {}, fact.key)
            )
    return changes


def _with(before: Any, value: Any) -> Any:
    """Return two lists as one, each thing once; of anything else the new value."""
    both = isinstance(before, list | tuple) and isinstance(value, list)
    return [*before, *(one for one in value if one not in before)] if both else value


def _has_fields(schema: type[BaseModel]) -> bool:
    """Whether what is kept has fields of its own and is not one text."""
    return "content" not in schema.model_fields


def _managing(schema: type[BaseModel]) -> type[BaseModel]:
    """Make the schema of a tool by which something with the fields of another schema is kept, changed or deleted."""
    own = Manage.model_fields
    # A schema may have an action of its own, as episodes do.
    more: dict[str, Any] = {OPERATION: (Action, own["action"]), "id": (str, own["id"])}
    return partial(schema, "Manage", **more)


def _asked(args: Mapping[str, Any], shaped: bool) -> tuple[str, str, dict[str, Any]]:
    """Read a call: what it is to do, with which memory, and what that is to say."""
    name = OPERATION if shaped else "action"
    said = _filled({field: value for field, value in args.items() if field not in (name, "id")})
    return str(args.get(name) or "create"), str(args.get("id") or ""), said


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is filled of some fields."""
    plain = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    return {name: value for name, value in plain.items() if value not in (None, "", [], {})}


def _lacking(schema: type[BaseModel], said: Mapping[str, Any]) -> str:
    """Say which fields a new one lacks; that it is saved where it lacks none."""
    try:
        schema.model_validate(said)
    except ValidationError as error:
        return f"Nothing was kept: {', '.join(str(one['loc'][0]) for one in error.errors())} does not fit."
    return SAVED


def _calls(turn: Turn) -> Sequence[Mapping[str, Any]]:
    return [call for message in turn.messages if message.role == "ai" for call in message.tool_calls]


def _named(facts: Mapping[str, Fact], id: str) -> Fact | None:
    """Return the one fact that an id names; None where none or several are."""
    id = id.strip().strip("[]")
    hits = [fact for key, fact in facts.items() if key.startswith(id)] if len(id) >= ID else []
    return hits[0] if len(hits) == 1 else None


def _score(score: float | None) -> float | None:
    return None if score is None else round(score, 3)
