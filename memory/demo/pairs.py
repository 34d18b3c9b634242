"""Say which of the listed memories say the same, and which cannot both hold, as tools with two numbers ask.

>>> pairs([(1, "The user lives in Oslo."), (2, "The user lives in Lisbon."), (3, "The user likes tea.")])
[('contradiction', 1, 2)]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from memory.demo.facts import repeats, replaces
from memory.demo.sentences import ASSISTANT, USER, clauses, text_of

_LISTED = re.compile(r"(?m)^\[(\d+)\] (\S[^\n]*)$")
_ASKS = {"same": re.compile(r"(?i)duplicate|same"), "contradiction": re.compile(r"(?i)contradict|conflict")}
_SILENT = re.compile(r"(?i)^nothing$")


def calls(tools: Sequence[dict[str, Any]], messages: Sequence[BaseMessage]) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls that name pairs; none where no tool asks for any."""
    asked: dict[str, dict[str, Any]] = {}
    for tool in tools:
        relation = next((name for name, words in _ASKS.items() if words.search(str(tool.get("name", "")))), None)
        if relation and len(_numbers(tool)) == 2:
            asked[relation] = tool
    if not asked or not messages:
        return []
    listed = [(int(hit[1]), hit[2]) for hit in _LISTED.finditer(text_of(messages[-1].content))]
    made = list[tuple[str, dict[str, Any]]]()
    for relation, first, second in pairs(listed):
        if wanted := asked.get(relation):
            made.append((wanted["name"], dict(zip(_numbers(wanted), (first, second), strict=True))))
    silent: list[tuple[str, dict[str, Any]]] = [
        (tool["name"], {}) for tool in tools if _SILENT.match(str(tool.get("name", "")))
    ]
    return made or silent[:1]


def pairs(listed: Sequence[tuple[int, str]]) -> list[tuple[str, int, int]]:
    """Return the pairs among memories that are listed oldest first, each with the last before it of that relation."""
    said = [(number, told[0]) for number, text in listed if len(told := clauses(text, USER, ASSISTANT)) == 1]
    made = list[tuple[str, int, int]]()
    for place, (number, later) in enumerate(said):
        found: dict[str, int] = {}
        for earlier, before in reversed(said[:place]):
            if replaces(later, before):
                found.setdefault("contradiction", earlier)
            elif repeats(later, before) or repeats(before, later):
                found.setdefault("same", earlier)
        made += [(relation, earlier, number) for relation, earlier in found.items()]
    return made


def _numbers(tool: dict[str, Any]) -> list[str]:
    parameters = tool.get("parameters") or {}
    known = (parameters.get("properties") or {}).items()
    return [name for name, spec in known if isinstance(spec, dict) and spec.get("type") == "integer"]
