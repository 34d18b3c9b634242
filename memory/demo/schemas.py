"""Read a tool's schema: its properties, the words of their names, and the shape that these make.

>>> shape({"properties": {"subject": {}, "relation": {}, "object": {}}})
'triple'
"""

from __future__ import annotations

import re
from typing import Any

from memory.demo import words as w
from memory.demo.sentences import USER

Schema = dict[str, Any]
# What a property's name must end with to play a role, and the roles that make a shape.
_ROLES = {
    "subject": r"subject|source|head|from",
    "predicate": r"predicate|relation|relationship|edge|verb",
    "object": r"object|target|tail|to",
    "observation": r"observation|situation|context",
    "thoughts": r"thoughts?|thinking|reasoning|reflection",
    "action": r"action",
    "result": r"result|outcome",
    "name": r"name|entity|title",
    "note": r"notes?|summary|description|details?|info|information|about",
    "content": r"content|facts?|memory|text|statement|sentence|body",
}
_SHAPES = (
    ("triple", {"subject", "predicate", "object"}),
    ("episode", {"observation", "action"}),
    ("entity", {"name", "note"}),
    ("fact", {"content"}),
)


def as_dict(value: Any) -> Schema:
    """Return a value that should be a schema, empty if it is none."""
    return value if isinstance(value, dict) else {}


def stems(*texts: Any) -> set[str]:
    """Return the content keys of names and descriptions; snake_case and CamelCase are cut."""
    text = " ".join(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", str(t or "")) for t in texts)
    return {w.key(t) for t in re.findall(r"[^\W_]+", text)} - w.WEAK - {USER}


def properties(schema: Any, root: Schema | None = None) -> dict[str, Schema]:
    """Return an object schema's properties, with their references resolved."""
    found = as_dict(as_dict(schema).get("properties"))
    return {name: resolved_schema(as_dict(spec), root or as_dict(schema)) for name, spec in found.items()}


def resolved_schema(schema: Schema, root: Schema) -> Schema:
    """Follow a reference and step into the first alternative that is not null."""
    for _ in range(8):
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if isinstance(schema.get("$ref"), str):
            defined = as_dict(root.get("$defs") or root.get("definitions"))
            inner = as_dict(defined.get(schema["$ref"].rsplit("/", 1)[-1]))
        elif isinstance(options, list):
            inner = next((o for o in options if isinstance(o, dict) and o.get("type") != "null"), {})
        else:
            break
        schema = {**{k: v for k, v in schema.items() if k not in ("$ref", "anyOf", "oneOf", "allOf")}, **inner}
    return schema


def roles(schema: Any) -> dict[str, str]:
    """Map each role that a property's name speaks of to that property."""
    found: dict[str, str] = {}
    for prop in properties(schema):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", prop).lower()
        role = next(
            (r for r, pattern in _ROLES.items() if r not in found and re.search(rf"\b(?:{pattern})$", words)), ""
        )
        if role:
            found[role] = prop
    return found


def shape(schema: Any) -> str:
    """Name the shape of an object schema: what its properties' names make of it."""
    return next((name for name, needs in _SHAPES if needs <= roles(schema).keys()), "record")
