"""What it costs to rewrite the instructions by feedback on an answer, by each of the optimizers, before it happens.

    >>> found = prices(conversation, turn, 3)
    >>> [(name, one.calls) for name, one in found.items()]
    [('prompt_memory', 1), ('metaprompt', 4), ('gradient', 2)]

No model is called: what would be asked is counted, and every answer taken for half as long as it may be.
"""

from __future__ import annotations

from typing import get_args

from memory.base import Turn
from memory.common.extract import said
from memory.conversation import Conversation, Estimate
from memory.longterm.optimizer import RESERVED, Optimizer
from memory.longterm.prompt_store import GENERAL, instructions_in, prompt_of
from memory.longterm.prompts import Prompt, improve_all
from memory.services import EstimatingServices

TYPICAL = "- not helpful: a sentence or so of what it should do instead"
"""What stands for the words that are not typed yet."""


def prices(conversation: Conversation, turn: Turn, steps: int) -> dict[Optimizer, Estimate]:
    """Return by optimizer what its calls would take; `steps` are those of metaprompt. Raises StoreUnavailable."""
    found: dict[Optimizer, Estimate] = {}
    for optimizer in get_args(Optimizer):
        services = conversation.services(EstimatingServices)
        prompts = [prompt_of(fact) for fact in instructions_in(services.items)] or [Prompt(GENERAL)]
        improve_all(optimizer, steps, services, prompts, said(turn, services, RESERVED), [TYPICAL])
        found[optimizer] = Estimate.of(1, services)
    return found
