"""The instructions as they are kept: those that hold for everything, and others under names of their own.

    >>> keep_prompt(store, Prompt("code", "Use tabs.", when="of programs", after=("general",)))
    >>> [(prompt.name, prompt.text) for prompt in map(prompt_of, instructions_in(store))]
    [('general', 'Be brief.'), ('code', 'Use tabs.')]

Each is a fact of its own, with its versions and the feedback that caused each.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from langgraph.store.base import PutOp
from pydantic import ValidationError

from memory.errors import BadInput, StoreUnavailable
from memory.longterm.base_store import UserStore
from memory.longterm.facts import Fact, to_value
from memory.longterm.namespace import checked_label
from memory.longterm.optimizer import Instructions
from memory.longterm.prompts import Prompt, in_order
from memory.longterm.taking_in import RACES, facts_of

NAMESPACE = ("instructions",)
KIND = "Instructions"
GENERAL = "general"
"""The name of those that have none."""
_KEY = "instructions"
LONGEST_WHEN = 300
"""Characters of what says when a prompt is concerned."""


def instructions_in(store: UserStore) -> list[Fact]:
    """Return all instructions, those that hold for everything first, then by name; raises StoreUnavailable."""
    found = [fact for fact in facts_of(store, NAMESPACE).values() if fact.kind == KIND]
    return sorted(found, key=lambda fact: (fact.key != _KEY, str(fact.content.get("name", ""))))


def prompt_of(fact: Fact) -> Prompt:
    """Read a fact as a prompt."""
    content = fact.content
    after = content.get("after")
    return Prompt(
        GENERAL if fact.key == _KEY else str(content.get("name") or fact.key),
        str(content.get("instructions", "")),
        str(content.get("when", "")),
        tuple(map(str, after)) if isinstance(after, list | tuple) else (),
    )


def rewritten(fact: Fact | None, prompt: Prompt, because: str, at: float) -> Fact:
    """Return the fact that holds a prompt, what it said before in its history."""
    content = _content(prompt, because)
    if fact is not None:
        return fact.replaced(content, None, at)
    return Fact(key_of(prompt.name), NAMESPACE, KIND, content, at=at)


def put_of(fact: Fact) -> PutOp:
    """Return the write that keeps it; instructions are searched by no likeness."""
    return PutOp(NAMESPACE, fact.key, to_value(fact), index=False)


def key_of(name: str) -> str:
    """Name the fact of a prompt."""
    return _KEY if name == GENERAL else hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def keep_prompt(store: UserStore, prompt: Prompt) -> Fact:
    """Keep a prompt in place of the one of its name; raises BadInput for what is none, and StoreUnavailable."""
    name = checked_label(prompt.name)
    if not name:
        raise BadInput("The prompt has no name: give it one, such as tone.")
    if len(prompt.when) > LONGEST_WHEN:
        raise BadInput(f"When it is concerned is said in {LONGEST_WHEN} characters at most: shorten it.")
    try:
        text = Instructions(instructions=prompt.text).instructions
    except ValidationError:
        raise BadInput("The instructions are empty or too long: write 1 to 8,000 characters.") from None
    wanted = Prompt(name, text, prompt.when.strip(), prompt.after)
    for _ in range(RACES):
        seen, _rows = store.snapshot()
        there = instructions_in(store)
        others = [one for one in map(prompt_of, there) if one.name != name]
        in_order([*others, wanted])
        before = next((fact for fact in there if fact.key == key_of(name)), None)
        if before and prompt_of(before) == wanted:
            return before
        made = rewritten(before, wanted, "", time.time())
        if store.commit([put_of(made)], seen):
            return made
    raise StoreUnavailable("Others kept writing, and nothing was changed: try again in a moment.")


def changed(fact: Fact | None, prompt: Prompt, because: str, at: float, sources: tuple[Any, ...]) -> PutOp:
    """Return the write of instructions that feedback on these turns has rewritten."""
    return put_of(replace(rewritten(fact, prompt, because, at), sources=sources))


def _content(prompt: Prompt, because: str) -> Mapping[str, Any]:
    named = {} if prompt.name == GENERAL else {"name": prompt.name}
    more = {"when": prompt.when, "after": list(prompt.after), "because": because}
    return {"instructions": prompt.text, **named, **{name: value for name, value in more.items() if value}}
