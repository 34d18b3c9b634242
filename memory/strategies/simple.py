"""SimpleMemory: a few facts that were given beforehand. Keeps those, forgets the whole conversation, costs the facts.

    memories={"name": "Alex", "city": "Oslo"}
    turn 1   human: I moved to Rome.     prompt: "name: Alex / city: Oslo" | I moved to Rome.
    turn 2   human: Where do I live?     prompt: "name: Alex / city: Oslo" | Where do I live?

The chat never changes them. Gives what classic gives, except that it holds to a budget, sends text instead of handing
out its own dictionary, and writes a value of several lines so that none of them can pose as another fact.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from memory.base import Item, LeftOut, Memory, Recall, Services, State, Turn
from memory.common.names import one_line
from memory.tokens import count_tokens, shorten


class SimpleMemory(Memory):
    """Sends the facts that were given and no turns."""

    short = "simple"
    label = "Simple"
    family = "fixed"
    keeps = "the facts that you give it, unchanged"
    forgets = "all that is said"
    costs = "the same each turn: the facts"

    class Settings(Memory.Settings):
        memories: dict[str, str] = Field({}, max_length=100, description="The facts, each a name and a value")

    settings: Settings

    @property
    def tail(self) -> int:
        return 0

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        length = len(transcript)
        left = (LeftOut((0, length), "it sends only the facts that were given"),) if length else ()
        given = [fact_line(name, value) for name, value in self.settings.memories.items()]
        text, tokens, sent = "", 0, 0
        for line in given:
            longer = f"{text}\n{line}" if text else line
            if (size := count_tokens(longer, services.encoding)) <= budget:
                text, tokens, sent = longer, size, sent + 1
        if given and not sent:
            # Each alone is over the budget: as much of the first as fits.
            text = shorten(given[0], budget, services.encoding)
            tokens, sent = count_tokens(text, services.encoding), 1
        if not text:
            return Recall(left_out=left)
        cut = text != "\n".join(given)
        why = "the facts that were given"
        why += f"; shortened to {sent} of {len(given)} by the budget of {budget} tokens" if cut else ""
        return Recall((Item("facts:1", "memory", why, tokens, text=text, shortened=budget if cut else None),), left)


def fact_line(name: str, value: str) -> str:
    """Write a fact as one line; what a value has of further lines is indented."""
    return f"{one_line(name)}: " + "\n    ".join(value.strip().splitlines())
