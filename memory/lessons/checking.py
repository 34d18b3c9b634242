"""What is wrong with a lesson though its form is right: a memory, a turn, a person or a word that there is not.

    >>> list(faults_of(lesson))
    [(('steps', 3, 'claims', 0, 'turn'), 'there are 4 turns by then, and no turn 9; name one of them')]

Each fault is its place, counted from 0, and one clause that ends with the remedy. Everything that a lesson names is
looked up when it is loaded, so that it does not fail in front of a class.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator
from functools import partial

from memory.catalog import load as load_catalog
from memory.compare.claims import read_claim
from memory.compare.scenarios import scenarios
from memory.errors import BadInput
from memory.formats.node import Node
from memory.lessons.figures import FIGURES
from memory.lessons.lesson import Action, Claim, Figure, Lesson, Step
from memory.lessons.live import FIRST
from memory.lessons.words import PLACEHOLDER, figures_in, texts_of, unknown
from memory.lessons.work import PICTURES, SAMPLES, shipped_file

Place = tuple[str | int, ...]
Fault = tuple[Place, str]
Spot = tuple[str, str]
"""A person and a conversation of that person, by the lesson's names."""


def faults_of(lesson: Lesson) -> Iterator[Fault]:
    """Return everything that is wrong with a lesson, in the order of its file."""
    for name, specs in (("memory", [lesson.memory]), ("teaches", lesson.teaches)):
        for number, spec in enumerate(specs):
            yield from _memory(spec, (name, number) if name == "teaches" else (name,))
    ids = [person.id for person in lesson.people]
    for number, id in enumerate(ids):
        if id in ids[:number]:
            yield ("people", number, "id"), f"{id} is the id of two people; choose another"
    walk = _Walk(lesson)
    for number, step in enumerate(lesson.steps):
        yield from walk.step(step, ("steps", number))
    yield from _what_if(lesson, walk.memory)


class _Walk:
    """Goes through the steps as they are played and counts the turns of each conversation."""

    def __init__(self, lesson: Lesson) -> None:
        self.people = [person.id for person in lesson.people]
        self.memory = lesson.memory
        self.turns: dict[Spot, int] = {}
        self.last = dict.fromkeys(self.people, FIRST)
        self.person = self.people[0]
        self.linted: set[str] = set()
        self.scenario = ""
        self.compared: set[str] = set()

    def spot(self, person: str | None, thread: str | None) -> Spot:
        of = person or self.person
        return of, thread or self.last.get(of, FIRST)

    def step(self, step: Step, place: Place) -> Iterator[Fault]:
        for number, action in enumerate(step.play):
            yield from self._action(action, (*place, "play", number))
        for where, text in texts_of(step):
            yield from self._text(text, (*place, *where))
        if step.predict and step.predict.number:
            yield from self._figure(step.predict.number, None, None, (*place, "predict", "number"))
        if step.look:
            yield from self._turn(step.look.turn, None, None, (*place, "look", "turn"))
        for number, claim in enumerate(step.claims):
            yield from self._claim(claim, (*place, "claims", number))

    def _action(self, action: Action, place: Place) -> Iterator[Fault]:
        yield from self._known(action.person, (*place, "person"))
        spot = self.spot(action.person, action.thread)
        if spot[0] in self.last:
            self.person, self.last[spot[0]] = spot
        if action.say is not None:
            self.turns[spot] = self.turns.get(spot, 0) + 1
        for name in ("again", "thumb"):
            if getattr(action, name) and not self.turns.get(spot):
                yield (*place, name), "there is no turn yet; say something before"
        if action.use:
            yield from _memory(action.use, (*place, "use"))
            self.memory = action.use
        if action.lint:
            yield from _linted(action.lint, (*place, "lint"))
            self.linted.add(action.lint)
        for name, folder in (("picture", PICTURES), ("document", SAMPLES)):
            if wanted := getattr(action, name):
                yield from _tried(partial(shipped_file, folder, wanted), (*place, name))
        if action.forget:
            yield from self._turn(action.forget.turn, action.person, action.thread, (*place, "forget", "turn"))
            if (action.forget.turn is None) == (action.forget.words is None):
                yield (*place, "forget"), "name either a turn or words, not both"
        if action.compare:
            for number, spec in enumerate(action.compare.memories):
                yield from _memory(spec, (*place, "compare", "memories", number))
            if action.compare.scenario not in scenarios():
                said = f"there is no scenario {action.compare.scenario!r}"
                yield (*place, "compare", "scenario"), f"{said}; {_choose(action.compare.scenario, scenarios())}"
            self.scenario, self.compared = action.compare.scenario, set(action.compare.memories)

    def _claim(self, claim: Claim, place: Place) -> Iterator[Fault]:
        yield from self._known(claim.person, (*place, "person"))
        yield from self._known(claim.kept_from, (*place, "kept_from"))
        for name in ("turn", "best"):
            yield from self._turn(getattr(claim, name), claim.person, claim.thread, (*place, name))
        for name in ("sent", "includes", "stored_only"):
            for number, turn in enumerate(getattr(claim, name) or ()):
                yield from self._turn(turn, claim.person, claim.thread, (*place, name, number))
        if claim.why and claim.stored_only is None:
            yield (*place, "why"), "says why turns of `stored_only` were not sent; name them"
        if claim.figure is not None:
            yield from _named(claim.figure, (*place, "figure"))
        if claim.than:
            yield from self._figure(claim.than, claim.person, claim.thread, (*place, "than"))
        if claim.lint and claim.lint.memory not in self.linted:
            said = f"{claim.lint.memory} was not checked before"
            yield (*place, "lint", "memory"), f"{said}; play {{lint = …}} with the same words, in this step or earlier"
        if claim.crossing:
            for number, spec in enumerate(claim.crossing.memories):
                yield from _memory(spec, (*place, "crossing", "memories", number))
        if claim.compared is not None:
            yield from self._compared(claim, (*place, "compared"))

    def _compared(self, claim: Claim, place: Place) -> Iterator[Fault]:
        if self.scenario not in scenarios():
            yield place, "nothing was compared before; play {compare = …} in this step or earlier"
            return
        asked = len(scenarios()[self.scenario].recording.questions)
        try:
            read = read_claim(Node(claim.compared), asked, Node.text)
        except BadInput as error:
            yield place, str(error)
            return
        for spec in read.memories:
            if spec not in self.compared:
                yield place, f"{spec} was not compared; choose {', '.join(sorted(self.compared))}"

    def _text(self, text: str, place: Place) -> Iterator[Fault]:
        for name, given in PLACEHOLDER.findall(text):
            if said := unknown(name, given):
                yield place, said
        for _, turn in figures_in(text):
            yield from self._turn(turn, None, None, place)

    def _figure(self, figure: Figure, person: str | None, thread: str | None, place: Place) -> Iterator[Fault]:
        yield from _named(figure.figure, (*place, "figure"))
        yield from self._turn(figure.turn, person, thread, (*place, "turn"))

    def _turn(self, turn: int | None, person: str | None, thread: str | None, place: Place) -> Iterator[Fault]:
        spot = self.spot(person, thread)
        there = self.turns.get(spot, 0)
        if turn is not None and turn > there:
            whose = f" in {spot[1]}" if thread or spot[1] != FIRST else ""
            of = f" of {spot[0]}" if len(self.people) > 1 else ""
            count = f"there is {there} turn" if there == 1 else f"there are {there} turns"
            yield place, f"{count}{of}{whose} by then, and no turn {turn}; name one of them"

    def _known(self, person: str | None, place: Place) -> Iterator[Fault]:
        if person is not None and person not in self.people:
            yield place, f"there is nobody {person!r} in this lesson; {_choose(person, self.people)}"


def _what_if(lesson: Lesson, spec: str) -> Iterator[Fault]:
    """Check the control to try: a setting of the memory that the lesson ends with."""
    if not lesson.what_if:
        return
    catalog = load_catalog()
    try:
        name, settings = catalog.read(spec)
    except BadInput:
        return
    for number, value in enumerate(lesson.what_if.values):
        more = {**settings, lesson.what_if.setting: value}
        yield from _tried(partial(catalog.make, name, more), ("what_if", "values", number))


def _named(figure: str, place: Place) -> Iterator[Fault]:
    if figure not in FIGURES:
        yield place, f"there is no figure {figure!r}; {_choose(figure, FIGURES)}"


def _memory(spec: str, place: Place) -> Iterator[Fault]:
    yield from _tried(lambda: load_catalog().memory(spec), place)


def _linted(spec: str, place: Place) -> Iterator[Fault]:
    from memory.lint import check_settings, classic_spec

    if spec.startswith("classic:"):
        yield from _tried(lambda: check_settings(classic_spec(spec)), place)
    else:
        yield from _memory(spec, place)


def _tried(attempt: Callable[[], object], place: Place) -> Iterator[Fault]:
    try:
        attempt()
    except BadInput as error:
        yield place, str(error)


def _choose(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name[:100], known, 1)
    return f"did you mean {near[0]}?" if near else f"choose {', '.join(known) or 'none: there is none yet'}"
