"""Small lessons made for a test, and one that is played.

>>> live = played(lesson("window:k=1", say("My name is Alex."), say("Who am I?")))
>>> live.length
2
"""

from __future__ import annotations

from typing import Any

from memory.lessons.lesson import Claim, Lesson
from memory.lessons.live import Live
from memory.lessons.stage import Stage
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store
from memory.stores.inmemory import InMemoryStore


def say(text: str, **more: Any) -> dict[str, Any]:
    return {"say": text, **more}


def lesson(memory: str, *actions: dict[str, Any], **more: Any) -> Lesson:
    """Make a lesson whose first step plays all the actions and whose second plays nothing."""
    steps = [{"title": "Play", "text": "", "play": list(actions)}, {"title": "End", "text": ""}]
    row = {"lesson": "small", "number": 90, "title": "Small", "about": "A lesson for a test.", "memory": memory}
    return Lesson.model_validate({**row, "steps": steps, **more})


def stage_of(made: Lesson, store: Store | None = None, models: Models | None = None) -> Stage:
    searched = Retrieval(embedding("hashing"))
    return Stage(store or InMemoryStore(), "owner-1", made, lambda: models or Models(), searched)


def played(made: Lesson, store: Store | None = None, models: Models | None = None) -> Live:
    """Play all steps and return how things stand then."""
    stage = stage_of(made, store, models)
    for number, step in enumerate(made.steps, 1):
        if step.play:
            stage.play(number).join()
    return stage.live()


def claim(**row: Any) -> Claim:
    return Claim.model_validate({"says": "It is so.", **row})
