"""LastUserInputMemory: only the last human message; the smallest memory one can write, and a template for yours.

    turn 1   human: My name is Sarah.     turn 2   human: I like books.
    turn 3   human: What do I like?       prompt: I like books. | What do I like?

A memory is one file like this in the plug-in folder: it appears in the selector, the inspector and the command line.
"""

from __future__ import annotations

from collections.abc import Sequence

from memory.base import Item, LeftOut, Memory, Recall, Services, State, Turn
from memory.common.fit import note_item

WHY = "not the last human message"


class LastUserInputMemory(Memory):
    """Sends the last human message and nothing else."""

    short = "last_input"
    label = "Last input"
    family = "custom"
    keeps = "your last message"
    forgets = "everything else, answers too"
    costs = "one message"

    @property
    def tail(self) -> int:
        return 1

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        length = len(transcript)
        if not length:
            return Recall()
        for place, message in enumerate(transcript[-1].messages):
            if message.role == "human" and message.content:
                # An Item with turns and a single-message ref sends that message alone, as history.
                fitted = note_item(
                    "",
                    message.content,
                    "the last human message",
                    budget,
                    services.encoding,
                    message.count(services.encoding),
                )
                earlier = (LeftOut((0, length - 1), WHY),) if length > 1 else ()
                if fitted is None:
                    over = LeftOut((length - 1, length), f"over the budget of {budget} tokens", "budget")
                    return Recall(left_out=(*earlier, over))
                others = (other for other in range(len(transcript[-1].messages)) if other != place)
                beside = (LeftOut((length - 1, length), WHY, message=other) for other in others)
                item = Item(
                    f"message:{length - 1}.{place}",
                    "history",
                    fitted.why,
                    fitted.tokens,
                    (length - 1, length),
                    None,
                    None,
                    fitted.shortened,
                )
                return Recall((item,), (*earlier, *beside))
        return Recall(left_out=(LeftOut((0, length), WHY),))
