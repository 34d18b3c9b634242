"""Rewrite instructions by what a user said of an answer, as a tool with a field for them asks.

    >>> rewritten("Answer briefly.", ["not helpful: Give me numbers instead", "helpful"]).splitlines()
    ['Answer briefly.', 'Give numbers.']

A wish becomes an instruction of its own; one that is there already is not written twice; praise changes nothing. Of
two that contradict each other by a "not" or "never" the later one stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from memory.demo.sentences import split, text_of
from memory.demo.words import WEAK, key

_NOW = re.compile(r"(?is)\bcurrent instructions:[ \t]*\n(.*?)(?:\n\n[A-Z][a-z]+:|\Z)")
_SAID = re.compile(r"(?im)^[-*\s]*(?P<verdict>helpful|not helpful)(?:: *(?P<words>\S.*))?$")
_PROMPT = re.compile(r"(?m)^\[(?P<name>[^\]\n]+)\] *(?P<words>.*)$")
_PROMPTS = re.compile(r"(?is)\bprompts:[ \t]*\n(.*?)\n\n")
_POLITE = re.compile(
    r"(?i)^(?:please|could you|can you|would you|i(?:'d| would) (?:like|prefer)(?: you)? to|next time,?)\s+"
)
_INSTEAD = re.compile(r"(?i)[,\s]+(?:instead|please|next time|now|thanks|thank you)\b")
_WISH = re.compile(
    r"(?i)^(?:always |never |don'?t |do not )?(?:show|give|use|write|answer|explain|keep|avoid|add|make|be|include|"
    r"start|begin|end|stop|tell|say|list|name|quote|ask|prefer|speak|translate|cite|drop|skip|leave)\b"
)
_ME = re.compile(r"(?i)\b(show|give|tell|explain to|write|ask|send) (?:me|us)\b")
NAMES = ("instructions", "prompt", "system_prompt")


def field_for(schema: dict[str, Any]) -> str | None:
    """Return the field of a tool that wants instructions, None where it has none."""
    return next((name for name in NAMES if name in (schema.get("properties") or {})), None)


def rewritten(now: str, said: Iterable[str]) -> str:
    """Return the instructions with the wishes that lines of feedback hold."""
    lines = [line.strip() for line in now.splitlines() if line.strip() and line.strip().lower() != "none"]
    for wish in wishes(said):
        known = _words(wish)
        lines = [line for line in lines if not _contradicts(_words(line), known)]
        if not any(_words(line) == known for line in lines):
            lines.append(wish)
    return "\n".join(lines)


def wishes(said: Iterable[str]) -> list[str]:
    """Return what lines of feedback ask for, each as an instruction."""
    found: list[str] = []
    for line in said:
        feedback = _SAID.match(line.strip())
        words = feedback["words"] if feedback else line
        if feedback and feedback["verdict"].lower() == "helpful":
            continue
        for sentence in split(words or ""):
            plain = _INSTEAD.sub("", _POLITE.sub("", sentence.strip())).strip(" .!")
            if _WISH.match(plain):
                plain = _ME.sub(r"\1", plain)
                found.append(f"{plain[:1].upper()}{plain[1:]}.")
    return list(dict.fromkeys(found))


def concerned(listed: str, said: Iterable[str]) -> list[str]:
    """Return the names of the listed prompts that lines of feedback share a word with; else of the first, if any wish.

    >>> concerned("[tone] Be polite.\\n[code] (when of programs) Use tabs.", ["not helpful: Use spaces in programs"])
    ['code']
    """
    wish = {key(word) for line in wishes(said) for word in re.findall(r"\w+", line)} - WEAK
    prompts = {match["name"]: match for match in _PROMPT.finditer(listed)}
    found = [
        name for name, match in prompts.items() if wish & {key(word) for word in re.findall(r"\w+", match[0])} - WEAK
    ]
    return found or (list(prompts)[:1] if wish else [])


def call(tool: dict[str, Any], messages: Sequence[BaseMessage]) -> tuple[str, dict[str, Any]] | None:
    """Call a tool over instructions and feedback: with the instructions rewritten, or with what is to be changed.

    None where the prompt holds no instructions, or the tool wants nothing that can be said of them.
    """
    schema = tool.get("parameters") or {}
    text = "\n".join(text_of(message.content) for message in messages)
    lists = [name for name, spec in (schema.get("properties") or {}).items() if spec.get("type") == "array"]
    if lists and (listed := _PROMPTS.search(text)):
        said = [match[0] for match in _SAID.finditer(text[listed.end() :])]
        return tool["name"], {lists[0]: concerned(listed[1], said)}
    found = _NOW.search(text)
    texts = [name for name, spec in (schema.get("properties") or {}).items() if spec.get("type") == "string"]
    if found is None or not texts:
        return None
    said = [match[0] for match in _SAID.finditer(text[found.end(1) :])]
    if field := field_for(schema):
        return tool["name"], {field: rewritten(found[1], said)}
    asked = " ".join(wishes(said)) or "Nothing is to be changed."
    return tool["name"], dict.fromkeys(texts, asked)


def _words(line: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w']+", line.lower())) - {"a", "an", "the", "always", "please"}


def _contradicts(one: frozenset[str], other: frozenset[str]) -> bool:
    negations = {"not", "never", "don't", "avoid", "stop", "without"}
    return bool(one & negations) != bool(other & negations) and (one - negations) == (other - negations)
