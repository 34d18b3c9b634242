"""Where in the prompt a memory's own words stand: before the turns that are sent word for word, or after them.

    before   instructions | notes on Sam | turns 1 to 38 | query    about Mira: all but the instructions is sent anew
    after    instructions | turns 1 to 38 | notes on Sam | query    about Mira: instructions and turns stay in the cache

A provider's cache holds how a prompt begins. Notes that change with each query leave nothing in it of the turns behind
them; after the turns they cost themselves alone. That helps where notes change more often than the first of the turns
does: notes on what is asked beside many turns, or quotes beside a window with a step. It does not where both change
together, as a summary does with the turns that go into it, nor where the first turn is another one each time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from memory.base import Recall

Place = Annotated[
    Literal["before", "after"],
    Field(description="Its notes and quotes stand before the turns, or after them, where the turns stay cached"),
]
"""The setting `memory_place` of every memory that sends notes or quotes beside turns; no state depends on it."""


def placed(recall: Recall, place: Literal["before", "after"]) -> Recall:
    """Put notes and quotes before the turns or after them; both keep their own order."""
    own = tuple(item for item in recall.items if item.segment == "memory")
    turns = tuple(item for item in recall.items if item.segment != "memory")
    return replace(recall, items=(*own, *turns) if place == "before" else (*turns, *own))
