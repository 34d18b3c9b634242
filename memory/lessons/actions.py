"""The actions of a step, each done by the way on which a person does it on the page, with the real memory and store.

    >>> scene = perform(Action(say="My name is Alex."), scene, work, "5f1c22e09a7b4d10")
    >>> scene.spots[-1].length
    1

An action that was interrupted is done again under the same turn id: however often, one turn comes of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from memory import reflection
from memory.errors import BadInput
from memory.lessons import asking, measuring, removing
from memory.lessons.lesson import Action
from memory.lessons.live import Reread
from memory.lessons.progress import Scene
from memory.lessons.work import Work, here, spoken
from memory.longterm import feedback
from memory.longterm.facts import Source
from memory.strategies.combined import learner

REFLECTED_WITHIN = 60.0
"""Seconds that another process is waited for which reflects on the same conversation."""


def perform(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Do an action and return how things stand then; what is said has the turn id.

    Raises what the store, the memory or the model raise; done again, it goes on from there.
    """
    for name, do in _DOES.items():
        if getattr(action, name) is not None:
            return do(action, scene, work, turn_id)
    raise BadInput("This step of the lesson has an action that this version of the program does not know: update it.")


def _use(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Read the conversation with another memory from now on, which takes the earlier turns in."""
    assert action.use
    memory, scene, spot = work.memory(action.use), *here(action, scene, work)
    spot = replace(spot, memory=memory.name, settings=memory.settings.model_dump(mode="json"))
    work.keep(spot)
    work.catch_up(spot)
    return spoken(scene, spot)


def _thumb(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Say of the last answer that it was good or not, by which a memory that learns rewrites its instructions."""
    scene, spot = here(action, scene, work)
    turn, memory = work.last(spot), learner(spot.open())
    if turn is None or memory is None:
        raise BadInput("A thumb needs an answer, and a memory that learns from it: use procedural in this lesson.")
    items, source = work.items(spot.person), Source(spot.id, turn.id, turn.index)
    given = feedback.given(items, spot.id).get(turn.id)
    if given is None or not given.used:
        feedback.give(items, source, action.thumb == "up", action.words or "", time.time())
        work.tell(0.0, "The memory's model rewrites the instructions")
        work.checked(replace(work.talk(spot), memory=memory).catch_up(kind="reflect"))
    return spoken(scene, spot)


def _reflect(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Have the memory reflect now on what was said, and wait for what it makes of it."""
    scene, spot = here(action, scene, work)
    talk, until = work.talk(spot), time.monotonic() + REFLECTED_WITHIN
    work.tell(0.0, "The memory reflects on the conversation")
    while talk.opened().state.covered < spot.length:
        if (trace := reflection.reflect(talk)) is not None:
            work.checked(trace)
            break
        if time.monotonic() > until:
            raise BadInput("Another tab reflects on this conversation and does not end: try again in a moment.")
        time.sleep(0.05)
    return spoken(scene, spot)


def _reread(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Read everything from the store alone, as a process does that has just started."""
    live, turns, notes = work.live(scene), 0, 0
    for spot in scene.spots:
        opened = work.store.open(work.users[spot.person], spot.id, live.talk(spot).key, 0)
        turns, notes = turns + opened.length, notes + len(opened.state.notes)
    facts = sum(len(live.facts(person)) for person in work.users)
    return replace(scene, reread=Reread(turns, notes, facts))


def _document(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Put a shipped document among the person's own."""
    assert action.document
    person = action.person or scene.person or work.lesson.people[0].id
    name, data = work.sample(action.document)
    library = work.retrieval.library(work.store.shelf, work.users[person], lambda call: None)
    added = library.add(name, data, progress=work.tell)
    work.notice(added.trouble)
    return replace(scene, person=person)


_DOES: dict[str, Callable[[Action, Scene, Work, str], Scene]] = {
    "say": asking.say,
    "go": asking.go,
    "again": asking.again,
    "use": _use,
    "thumb": _thumb,
    "reflect": _reflect,
    "forget": removing.forget,
    "reread": _reread,
    "lint": measuring.lint,
    "compare": measuring.compare,
    "document": _document,
}
