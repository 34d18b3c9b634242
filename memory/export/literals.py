"""Values as Python code, in the form that ruff leaves as it is.

>>> constants({"k": 3, "memories": {"name": "Alex"}})
'K = 3\nMEMORIES = {\n    "name": "Alex",\n}'
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from memory.base import Memory

WIDTH = 88
"""How long a line of the code is at most: ruff's own default."""


def literal(value: Any) -> str:
    """Write a setting's value: a number, a text, a mapping of these, True, False or None."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        rows = "".join(f"    {literal(key)}: {literal(one)},\n" for key, one in value.items())
        return f"{{\n{rows}}}" if rows else "{}"
    return repr(value)


TAKEN = ("MODEL", "MEMORY_MODEL", "INSTRUCTIONS", "EMBEDDINGS", "START", "ENCODING", "SUMMARY_PROMPT")
"""Names in capitals that the files have for something else than a setting."""


def constant(setting: str) -> str:
    """Name the constant of a setting; one that a plug-in calls as the file calls something else gets SETTING_ before.

    >>> constant("k"), constant("model")
    ('K', 'SETTING_MODEL')
    """
    name = setting.upper()
    return f"SETTING_{name}" if name in TAKEN or name.startswith("SETTING_") else name


def constants(settings: Mapping[str, Any]) -> str:
    """Write settings as named constants, one a line."""
    return "\n".join(f"{constant(name)} = {literal(value)}" for name, value in settings.items())


def keeps(memory: Memory) -> str:
    """Say what a memory keeps, in lines of a docstring; a plug-in's words cannot end it."""
    said = memory.keeps.replace("\\", "/").replace('"', "'")
    return fill(f"It keeps {' '.join(said.split())}.", WIDTH)


def _text(text: str) -> str:
    # What cannot be printed is escaped, and so is a lone surrogate, which no file can hold.
    body = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text.replace("\\", "\\\\")
    )
    if text.count('"') > text.count("'"):
        return "'" + body.replace("'", "\\'") + "'"
    return '"' + body.replace('"', '\\"') + '"'
