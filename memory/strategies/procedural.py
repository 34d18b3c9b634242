"""ProceduralMemory: instructions that change by what you say of answers. Keeps how to behave, forgets what was said.

    turn 1   human: Explain recursion.   ai: Recursion is …      thumbs down: "Show me an example instead"
    turn 2   human: Explain sorting.     prompt: "Show an example." | query

Every version stands with the feedback that caused it, and any of them can be made to hold again. There may be several
instructions, each under its name: feedback then changes those that it concerns. Costs calls of the
memory's model only where an answer was given a thumb: one by prompt_memory, 1 + max_reflection_steps by metaprompt, two
by gradient. Source: LangMem's concept of procedural memory and its prompt optimizers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from pydantic import Field

from memory.base import Item, LeftOut, Memory, Recall, Services, State, Turn
from memory.common.extract import said
from memory.common.fit import note_item
from memory.errors import BadInput, ModelFailed, StoreUnavailable
from memory.longterm.feedback import Feedback, given, put_of
from memory.longterm.optimizer import RESERVED, Optimizer
from memory.longterm.prompt_store import GENERAL, changed, instructions_in, prompt_of
from memory.longterm.prompts import Prompt, improve_all
from memory.longterm.taking_in import RACES
from memory.tokens import count_tokens
from memory.transcript import thread_of

NO_TURNS = "it sends how to behave, and no turns"


class ProceduralMemory(Memory):
    """Sends the instructions as they have evolved from feedback."""

    short = "procedural"
    label = "Procedures"
    family = "long-term"
    place = 4
    scope = "user"
    stateful = True
    keeps = "how to behave, by what you say of answers"
    forgets = "all that is said"
    costs = "calls of its own for an answer with a thumb"

    class Settings(Memory.Settings):
        optimizer: Optimizer = Field("prompt_memory", description="How instructions are rewritten")
        max_reflection_steps: int = Field(3, ge=1, le=5, description="Steps of thought before metaprompt rewrites")

    settings: Any

    @property
    def tail(self) -> int:
        return 0

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        left = (LeftOut((0, len(transcript)), NO_TURNS),) if len(transcript) else ()
        try:
            facts = instructions_in(services.items)
        except StoreUnavailable as error:
            services.failed(error)
            facts = []
        items: list[Item] = []
        for fact in facts:
            text, rest = prompt_of(fact).text, budget - sum(item.tokens for item in items)
            why = f"instructions v{len(fact.history) + 1}, evolved from your feedback"
            size = count_tokens(text, services.encoding)
            item: Item | None = note_item(fact.ref, text, why, rest, services.encoding, size) if text else None
            items += [item] if item else []
        return Recall(tuple(items), left)

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        done = replace(state, covered=len(transcript)) if state.covered != len(transcript) else state
        thread = thread_of(transcript)
        try:
            for _ in range(RACES):
                seen, _rows = services.items.snapshot()
                new = [one for one in given(services.items, thread).values() if not one.used]
                if not new or services.estimates or self._rewrite(new, seen, transcript, services):
                    return done
        except (ModelFailed, StoreUnavailable) as error:
            services.failed(error)
            return state
        return done

    def _rewrite(self, feedback: Sequence[Feedback], seen: int, transcript: Sequence[Turn], services: Services) -> bool:
        """Take feedback into the instructions; False where others wrote meanwhile."""
        feedback = sorted((one for one in feedback if one.source.index < len(transcript)), key=lambda one: one.at)
        facts = instructions_in(services.items)
        prompts = [prompt_of(fact) for fact in facts] or [Prompt(GENERAL)]
        lines = "\n".join(said(transcript[one.source.index], services, RESERVED) for one in feedback)
        told = [one.line for one in feedback]
        settings = self.settings
        try:
            made = improve_all(settings.optimizer, settings.max_reflection_steps, services, prompts, lines, told)
        except BadInput as error:
            services.failed(error)
            return True
        puts = [put_of(replace(one, used=True)) for one in feedback]
        at, sources = max(one.at for one in feedback), tuple(one.source for one in feedback)
        for fact, now, then in zip_longest(facts, prompts, made):
            if now.text != then.text:
                puts.append(changed(fact, then, "\n".join(told), at, sources))
        return services.items.commit(puts, seen)
