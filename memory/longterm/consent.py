"""Whether a user asked for what a model wants to keep, change or delete: a document may have told it to.

    >>> unasked({"action": "create", "content": "The user's password is 1234."}, "Summarise the file.")
    "Nothing was kept, as the user did not say this: tell them what you would keep, and ask."
    >>> unasked({"action": "create", "content": "The user prefers dark mode."}, "I like dark mode.")
    ''

A tool whose `metadata` says that it changes what is remembered runs only where the message that is being answered says
what is to be kept, asks for it, or is a short answer to a question of the model's. So what a passage, an earlier turn
or a tool's result says to the model changes nothing by itself. The check is on words and proves nothing; it errs
towards asking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from langchain_core.tools import BaseTool

from memory.retrieval.words import terms

CHANGES = {"changes": "what is remembered"}
"""The metadata of a tool that is asked about."""
SHARED = 0.5
"""The share of the words to be kept that the message must have."""
SHORT = 6
"""Words of an answer to a question of the model's."""
# In the languages that a class is most likely held in; whoever writes in another one is asked.
_ASKS = re.compile(
    r"\b(?:remember|memori[sz]e|don't forget|keep (?:in mind|that|this)|note (?:that|this|down)|make a note"
    r"|save (?:this|that|it|my)|forget|delete|remove|erase|no longer|not any ?more"
    r"|merk|erinner|vergiss|lösch|speicher|notier|recuerd|olvid|guard|borr|souvien|retien|oubli|enregistr|ricord"
    r"|dimentic|lembr|esque[cç]|onthoud|vergeet|запомн|забуд)|记住|忘记|删除|覚え|忘れ|기억|잊어",
    re.IGNORECASE,
)
_THEIRS = frozenset(["user's", "users", "user", "their", "they", "them", "prefer", "like", "name"])
"""Words by which a memory speaks of its user."""


def unasked(args: Mapping[str, Any], said: str, before: str = "") -> str:
    """Return what the model is told where `said` does not ask for a call with these arguments, "" where it does.

    `before` is the model's answer before the message.
    """
    if _ASKS.search(said) or (before.rstrip().endswith(("?", "？")) and len(said.split()) <= SHORT):
        return ""
    action = str(args.get("operation") or args.get("action") or "create")
    if action == "delete":
        return "Nothing was deleted, as the user did not ask for it: ask them."
    kept = [value for name, value in args.items() if name not in ("action", "operation", "id")]
    words = {word for value in kept for word in terms(str(value))} - _generic()
    known = set(terms(said))
    if words and len(words & known) >= SHARED * len(words):
        return ""
    return "Nothing was kept, as the user did not say this: tell them what you would keep, and ask."


def asks(tool: BaseTool) -> bool:
    """Whether a tool changes what is remembered."""
    return bool((tool.metadata or {}).get("changes"))


def _generic() -> set[str]:
    return {term for word in _THEIRS for term in terms(word)}
