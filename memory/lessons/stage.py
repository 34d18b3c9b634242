"""A lesson on the stage: plays its steps in the sandbox, knows how far the owner is, and shows any step as it was.

    >>> stage = Stage(store, owner, lesson, lambda: Models(chat="demo"))
    >>> for job in stage.play(1): job.join()
    >>> stage.progress.played, stage.live().traces()[-1].prompt_tokens
    ((1,), 14)
    >>> stage.fresh().played
    ()

Everything is real: the store, `worker.Job`, the memories, the models that `make_models` returns. What is said stands
under identities of the lesson's own (`sandbox.py`) and how far it is in the store (`progress.py`); this object holds
nothing that the next one would not find.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from memory import exchange, threads, worker
from memory.conversation import Conversation
from memory.errors import BadInput
from memory.lessons import asking
from memory.lessons.actions import perform
from memory.lessons.claims import judge
from memory.lessons.lesson import Action, Lesson, Step
from memory.lessons.live import Live, Spot
from memory.lessons.playing import Playing, begin, playing
from memory.lessons.progress import Desk, Progress, Scene, edition
from memory.lessons.sandbox import BENCH, identity, remove, settle_in
from memory.lessons.verdict import Verdict
from memory.lessons.words import figures_of
from memory.lessons.work import Work, spoken
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store


class Stage:
    """A lesson as one owner goes through it; all of its methods may raise StoreUnavailable."""

    def __init__(
        self,
        store: Store,
        owner: str,
        lesson: Lesson,
        make_models: Callable[[], Models] = Models,
        retrieval: Retrieval | None = None,
    ) -> None:
        self.store, self.owner, self.lesson = store, owner, lesson
        self.make_models = make_models
        self.retrieval = retrieval or Retrieval()
        self.desk = Desk(store, owner)

    # --- where it stands

    @property
    def progress(self) -> Progress:
        """How far the owner is, read from the store."""
        return self.desk.of(self.lesson)

    @property
    def playing(self) -> Playing | None:
        """The step that is being played in this process, None where none is."""
        return playing(self.owner, self.lesson.lesson)

    def live(self, step: int | None = None, progress: Progress | None = None) -> Live:
        """Return the lesson's state as it stands, or as it stood at the end of a step (from 1).

        A step that nothing was played in stands as the one before it. `progress` is what was read of it already.
        """
        progress = progress or self.progress
        scene = progress.now if step is None else _at(progress, step)
        lints, compared = self.desk.measured(progress, scene)
        return replace(
            self._work(progress).live(scene),
            lints=lints,
            compared=compared,
            scenario=scene.scenario,
            receipts=scene.receipts,
            reread=scene.reread,
            until=None if scene == progress.now else scene.at,
            figures={} if step is None else progress.figures.get(step, {}),
        )

    def judged(self, step: int, progress: Progress | None = None) -> tuple[Verdict, ...]:
        """Return what came of a step's claims: as it was measured when the step ended, else as it is now."""
        progress = progress or self.progress
        if step in progress.verdicts:
            return progress.verdicts[step]
        live = self.live(step, progress)
        return tuple(judge(claim, live) for claim in self.step(step).claims)

    def conversation(self, person: str | None = None, thread: str | None = None) -> Conversation | None:
        """Return a conversation of the lesson as it stands; None where nobody has spoken there."""
        return self.live().conversation(person, thread)

    # --- going on

    def play(self, step: int) -> Playing:
        """Begin to play a step (from 1) in the background; one that is being played already is returned.

        Raises BadInput where steps before it are not played yet. One that was played is not played again.
        """
        if known := self.playing:
            return known
        progress = self._begun()
        self._check(step, progress)
        return begin(self.owner, self.lesson.lesson, step, lambda playing: self._play(step, progress.run, playing))

    def answer(self, step: int, value: float) -> Progress:
        """Keep a prediction: the number of the choice, from 1, or the number that was guessed; the first one counts."""
        self._check(step, self.progress, playing=False)
        return self._change(
            lambda now: now if step in now.answers else replace(now, answers={**now.answers, step: value})
        )

    def go_to(self, step: int) -> Progress:
        """Turn to a step; the last one, played, finishes the lesson."""
        self._check(step, self.progress, playing=False)
        return self._change(lambda now: self._finished(replace(now, step=step)))

    def fresh(self) -> Progress:
        """Begin anew: all that was said in the lesson is removed. That it was finished once stays known."""
        if known := self.playing:
            known.stop()
        progress = self.progress
        self._clear(progress)
        progress = Progress(
            self.lesson.lesson, edition(self.lesson), people=progress.people, finished_at=progress.finished_at
        )
        self.desk.put(progress)
        return progress

    # --- on from here

    def try_with(self, value: int | float | str) -> Playing:
        """Answer the last message again with the setting of `what_if` at this value, in a copy of the conversation.

        Raises BadInput where the lesson has no such control, or nothing was said yet.
        """
        if known := self.playing:
            return known
        what_if, progress = self.lesson.what_if, self.progress
        live = self.live(progress=progress)
        spot = live.spot()
        if what_if is None or spot is None:
            raise BadInput("There is nothing yet to try out: play the lesson first.")
        memory = self._work(progress).memory_with(spot, what_if.setting, value)
        changed = replace(spot, memory=memory.name, settings=memory.settings.model_dump(mode="json"))
        return begin(
            self.owner, self.lesson.lesson, 0, lambda playing: self._try(value, changed, progress.run, playing)
        )

    def tried(self) -> tuple[int | float | str, Live] | None:
        """Return the value that was tried last, and how things stand with it; None where none was."""
        progress = self.progress
        if progress.tried is None:
            return None
        value, spot = progress.tried
        return value, self._work(progress).live(Scene(spot.person, spot.name, (spot,)))

    def go_on_in_chat(self) -> str:
        """Copy the conversation in which somebody spoke last among the owner's own; returns the new thread's id.

        What is remembered of the lesson's people across conversations stays with them. Raises BadInput where nothing
        was said yet.
        """
        live = self.live()
        spot = live.spot()
        if spot is None:
            raise BadInput("Nothing was said in this lesson yet: play a step first, or open an empty chat.")
        data = exchange.export_thread(self.store, live.users[spot.person], spot.id)
        return exchange.bring_in(self.store, self.owner, exchange.read(data)).threads[0]

    # --- how

    def _work(self, progress: Progress) -> Work:
        users = {one.id: identity(self.owner, self.lesson.lesson, one.id) for one in self.lesson.people}
        return Work(self.store, self.retrieval, self.lesson, self.make_models(), self.desk, progress, users)

    def _begun(self) -> Progress:
        """Return how far the lesson is; where it has not begun, its people are made ready, with nothing of before."""
        progress = self.progress
        if progress.run:
            return progress
        self._clear(progress)
        people = tuple(one.id for one in self.lesson.people)
        progress = replace(progress, run=uuid.uuid4().hex[:16], people=people, begun_at=time.time())
        # Noted first, so that whatever comes to stand under these names is found when it is to go.
        self.desk.put(progress)
        for user in self._work(progress).users.values():
            settle_in(self.store, user)
        return progress

    def _clear(self, progress: Progress) -> None:
        """Remove what stands under the names of this lesson's people, those of now and those that it began with."""
        people = dict.fromkeys((*progress.people, *(one.id for one in self.lesson.people), BENCH))
        users = [identity(self.owner, self.lesson.lesson, person) for person in people]
        for spot in progress.now.spots:
            for job in worker.running(identity(self.owner, self.lesson.lesson, spot.person), spot.id):
                job.stop()
                job.join(3.0)
        remove(self.store, self.retrieval, users)

    def _check(self, step: int, progress: Progress, playing: bool = True) -> None:
        """Raise BadInput for a step that there is not, or that cannot be played yet."""
        if not 1 <= step <= len(self.lesson.steps):
            raise BadInput(f"There is no step {step:,} in this lesson: choose one from 1 to {len(self.lesson.steps)}.")
        waits = [number for number in range(1, step) if self.step(number).play and number not in progress.scenes]
        if playing and waits:
            raise BadInput(f"Step {step} goes on from step {waits[0]}: play that one first.")

    def step(self, number: int) -> Step:
        """Return a step of the lesson, counted from 1."""
        return self.lesson.steps[number - 1]

    def _change(self, change: Callable[[Progress], Progress]) -> Progress:
        return self.desk.change(self.lesson, self._begun().run, change)

    def _finished(self, progress: Progress) -> Progress:
        last = len(self.lesson.steps)
        whole = all(number in progress.scenes for number in range(1, last + 1) if self.step(number).play)
        if progress.step == last and whole and progress.finished_at is None:
            return replace(progress, finished_at=time.time())
        return progress

    def _play(self, step: int, run: str, playing: Playing) -> None:
        """Do the actions of a step that are not done yet, keeping after each how things stand."""
        actions = self.step(step).play
        progress = self.progress
        if step in progress.scenes:
            return
        for number in range(progress.done, len(actions)):
            playing.check()
            work = playing.watched(self._work(progress))
            turn_id = hashlib.sha256(f"{run}/{step}/{number}".encode()).hexdigest()[:16]
            scene = perform(actions[number], progress.now, work, turn_id)
            progress = self._change_of(run, partial(replace, now=scene, done=number + 1))

        # What a later step forgets or replaces was there when this one ended.
        ended = replace(progress, scenes={**progress.scenes, step: progress.now})
        verdicts = self.judged(step, ended)
        figures = figures_of(self.step(step), self.live(step, ended))

        def end(now: Progress) -> Progress:
            scene = replace(now.now, at=time.time())
            scenes, found = {**now.scenes, step: scene}, {**now.verdicts, step: verdicts}
            written = {**now.figures, step: figures}
            return self._finished(replace(now, done=0, now=scene, scenes=scenes, verdicts=found, figures=written))

        self._change_of(run, end)

    def _try(self, value: int | float | str, spot: Spot, run: str, playing: Playing) -> None:
        """Answer the last message again in a copy of the conversation that another memory reads."""
        work = playing.watched(self._work(self.progress))
        user, before = work.users[spot.person], work.progress.tried
        if before:
            self.store.purge(user, before[1].id)
        copy = threads.fork(self.store, user, spot.id, spot.length, retrieval=self.retrieval)
        spot = replace(spot, id=copy.id)
        self._change_of(run, lambda now: replace(now, tried=(value, spot)))
        work.keep(spot)
        work.catch_up(spot)
        asking.again(Action(again=True), spoken(Scene(), spot), work, uuid.uuid4().hex[:16])

    def _change_of(self, run: str, change: Callable[[Progress], Progress]) -> Progress:
        return self.desk.change(self.lesson, run, change)


def _at(progress: Progress, step: int) -> Scene:
    """Return how things stood at the end of a step: that of the last one up to it that was played.

    A turn that was paused then is there by its later figures, where it has come to its end since.
    """
    scene = next((progress.scenes[number] for number in reversed(progress.played) if number <= step), Scene())
    now = {spot.id: spot.length for spot in progress.now.spots}
    spots = (
        replace(spot, length=spot.length + 1, coming=False) if spot.coming and now[spot.id] > spot.length else spot
        for spot in scene.spots
    )
    return replace(scene, spots=tuple(spots))
