"""What the demo model does when it is told to forget something: it searches for the memory and has it deleted.

>>> what("Please forget that I live in Oslo.")
'I live in Oslo.'
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import ToolMessage

from memory.demo.facts import content
from memory.demo.schemas import Schema, properties, roles
from memory.demo.sentences import ASSISTANT, USER, clauses, text_of

_FORGET = re.compile(
    r"^\W*(?:(?:please|now|can you|could you|ok|and|so)\b[\s,]*)*(?:forget|delete|remove|erase)\b"
    r"(?:\s+(?:that|about|the fact that|what i (?:said|told you) (?:about|of)|(?:the|your) memory (?:of|that)))*"
    r"\s*[:,]?\s+(?P<what>\S.+)$",
    re.I | re.S,
)
NONE = "I find no memory of that."


def what(text: str) -> str:
    """Return what a message tells to forget, empty where it tells nothing of the kind."""
    found = _FORGET.match(text)
    return found["what"].strip() if found and _keys(found["what"]) else ""


def call(tool: Schema, wanted: str, results: Sequence[ToolMessage]) -> list[tuple[str, Schema]]:
    """Return the calls by which a tool deletes what a search has found of it; none where that is nothing."""
    action, id = _parts(tool)
    return [(tool["name"], {action: "delete", id: key}) for key in _found(wanted, results)]


def deletes(tool: Schema) -> bool:
    """Whether a tool can delete a memory that is one text; of one with fields the others would be lost as well."""
    return all(_parts(tool)) and "content" in roles(tool.get("parameters"))


def _parts(tool: Schema) -> tuple[str, str]:
    """Return the names of a tool's action and of its id, each empty where it has none."""
    known = properties(tool.get("parameters"))
    action = next((name for name, spec in known.items() if "delete" in (spec.get("enum") or ())), "")
    return action, next((name for name in ("id", "key") if name in known), "")


def _found(wanted: str, results: Sequence[ToolMessage]) -> list[str]:
    """Return the ids of the memories that tell of all that is to be forgotten."""
    sought, found = _keys(wanted), list[str]()
    for result in results:
        try:
            rows: Any = json.loads(text_of(result.content))
        except ValueError:
            continue
        for row in rows if isinstance(rows, list) else ():
            key = str(row.get("id") or row.get("key") or "") if isinstance(row, dict) else ""
            if key and sought <= _keys(json.dumps(row, ensure_ascii=False)):
                found.append(key)
    return list(dict.fromkeys(found))


def _keys(text: str) -> frozenset[str]:
    return frozenset(key for clause in clauses(text, USER, ASSISTANT) for key in content(clause.keys))
