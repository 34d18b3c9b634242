"""What is said in a lesson: sent as on the chat page, in step mode up to a stop, answered again.

>>> scene = say(Action(say="What is my name?", until="model"), scene, work, "5f1c22e09a7b4d10")
>>> work.live(scene).job.before.step
'model'
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace

from memory import reflection, worker
from memory.errors import BadInput, ModelFailed
from memory.lessons.lesson import Action, Stop
from memory.lessons.live import Spot
from memory.lessons.progress import Scene
from memory.lessons.work import Work, here, spoken
from memory.pictures.album import take_in
from memory.pictures.picture import Picture, worded
from memory.worker import Job

TICK = 0.05
NO_MESSAGE = "There is no message that is paused: begin the lesson afresh."


def say(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Send a message, with a picture where the lesson has one; with `until` it is paused before that step."""
    assert action.say
    scene, spot = here(action, scene, work)
    text, shown = " ".join([action.say] * action.times), tuple[Picture, ...]()
    if action.picture:
        shown = take_in(work.store, work.users[spot.person], spot.id, [work.picture(action.picture)])
    coming = _ask(work, spot, worded(text, shown), turn_id, shown, action.until)
    return spoken(scene, replace(work.counted(spot), coming=coming))


def go(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Go on with the message that is paused, up to another step or to the end."""
    assert action.go
    scene, spot = here(action, scene, work)
    user = work.users[spot.person]
    jobs = worker.running(user, spot.id)
    waiting = work.store.open(user, spot.id, "", 0).pending
    if not jobs and not waiting and not spot.length:
        raise BadInput(NO_MESSAGE)
    coming = False
    # Without either the turn has come to its end already, as by a click on the page.
    if jobs or waiting:
        job = jobs[-1] if jobs else worker.resume(work.talk(spot), waiting[-1], stepped=True)
        coming = _follow(work, spot, job, action.go)
    return spoken(scene, replace(work.counted(spot), coming=coming))


def again(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Have the last message answered again, by the memory as it is now."""
    scene, spot = here(action, scene, work)
    last = work.last(spot)
    if last is None:
        raise BadInput("There is no message yet that could be answered again.")
    _ask(work, spot, last.human, turn_id, last.pictures, None, last.id)
    return spoken(scene, work.counted(spot))


def _ask(
    work: Work,
    spot: Spot,
    text: str,
    turn_id: str,
    shown: tuple[Picture, ...],
    until: Stop | None,
    replaces: str | None = None,
) -> bool:
    """Send a message once, however often it is tried: what was stored stays, what failed is answered again.

    Returns whether it is paused before its answer came.
    """
    opened = work.store.open(work.users[spot.person], spot.id, "", 1)
    last, talk = (opened.tail[-1] if opened.tail else None), work.talk(spot)
    for pending in opened.pending:
        if _same(pending.turn_id, turn_id):
            return _follow(work, spot, worker.resume(talk, pending, until is not None), until)
    if last and _same(last.id, turn_id):
        if last.status != "failed":
            return False
        # A stored turn's id is taken: another answer to the same message has a part of its own behind it.
        replaces, turn_id = last.id, f"{turn_id}-{uuid.uuid4().hex[:6]}"
    return _follow(work, spot, worker.start(talk, text, replaces, until is not None, turn_id, shown), until)


def _follow(work: Work, spot: Spot, job: Job, until: Stop | None) -> bool:
    """Wait for an answer to end, or to be paused before a step; says whether it is paused before its answer came."""
    work.began(job)
    if until in (None, "end"):
        job.run_on()
    while not job.done:
        before = job.before
        if job.status == "paused" and before:
            if before.step == until:
                return job.reply.turn is None
            job.next(before.step)
        job.wait(TICK)
        time.sleep(TICK / 5)
    job.join()
    # In a lesson its own step reflects, and not the clock.
    reflection.put_off(job.conversation.user, job.conversation.thread)
    if job.error:
        raise job.error
    if job.status != "complete":
        raise BadInput("The message was taken back, and nothing was sent: begin the lesson afresh to send it again.")
    last = work.last(spot)
    if last and _same(last.id, job.id) and last.status == "failed":
        raise ModelFailed(last.error or "The model gave no answer.", kind="server")
    return False


def _same(turn: str, asked: str) -> bool:
    return turn.partition("-")[0] == asked.partition("-")[0]
