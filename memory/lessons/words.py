"""A lesson's text with its figures and words filled in.

    >>> filled = fill("A {term:window}: {prompt_tokens:4} tokens.", live, escape=escaped)
    >>> filled.text, [term.id for term in filled.terms]
    ('A **window**: 61 tokens.', ['window'])

`{name:4}` is the figure of that name at turn 4, `{name:now}` at the newest one; "…" stands where it is not there yet.
`{term:window}` is a word of the glossary, by its id or name and printed as it is written; `{term:window|view}` prints
something else. `{answer:4}` and
`{summary:4}` quote what the model answered and what the summary says after the turn: hostile words, which `escape`
makes safe, as it does everything else that is filled in.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memory.errors import InspectorError
from memory.lessons.at import At, of
from memory.lessons.figures import FIGURES, measured, written
from memory.lessons.glossary import Term, find, glossary
from memory.lessons.lesson import Lesson, Step
from memory.lessons.live import Live

PLACEHOLDER = re.compile(r"\{([a-z_]{1,40}):([A-Za-z0-9][^{}:\n]{0,80})\}")
NOT_YET = "…"
"""What stands in the place of a figure that is not there yet."""
LONGEST = 400
"""Characters of a quotation."""
_LIST = re.compile(r"^([ \t]*\{[a-z_]{1,40}:\w{1,80}\})(?=[.)]\s)", re.M)
"""A figure at the begin of a line that ends a sentence: Markdown would number a list with it."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A text in Markdown, and the words of the glossary in it, in their order."""

    text: str
    terms: tuple[Term, ...] = ()


def fill(
    text: str,
    live: Live | None,
    escape: Callable[[str], str],
    mark: Callable[[str], str] = lambda name: f"**{name}**",
) -> Filled:
    """Fill the placeholders of a text; `escape` makes what is filled in safe, `mark` marks a word of the glossary.

    Without a live state every figure is "…".
    """
    terms: dict[str, Term] = {}

    def value(match: re.Match[str]) -> str:
        name, given = match.groups()
        if name == "term":
            word, _, form = given.partition("|")
            if term := find(word):
                terms[term.id] = term
                return mark(escape(form or (term.name if word == term.id else word)))
        return escape(_value(name, given, live))

    done = PLACEHOLDER.sub(
        lambda match: match[0] if unknown(*match.groups()) else value(match), _LIST.sub(r"\1\\", text)
    )
    return Filled(done, tuple(terms.values()))


def figures_in(text: str) -> Iterator[tuple[str, int | None]]:
    """Return the figures that a text names, each with its turn; None is the newest."""
    for name, given in PLACEHOLDER.findall(text):
        if name != "term" and not unknown(name, given):
            yield name, None if given == "now" else int(given)


def figures_of(step: Step, live: Live) -> dict[str, str]:
    """Return the figures of a step's texts as they are written now, by `name:turn`; none that is not there yet."""
    named = {pair for _, text in texts_of(step) for pair in PLACEHOLDER.findall(text)}
    found = {f"{name}:{given}": _value(name, given, live) for name, given in named if name in FIGURES}
    return {key: value for key, value in found.items() if value != NOT_YET}


def unknown(name: str, given: str) -> str:
    """Say what is wrong with a placeholder, with the remedy; empty where nothing is."""
    if name == "term":
        word, known = given.partition("|")[0], [term.name for term in glossary().values()]
        return "" if find(word) else f"there is no word {word!r} in the glossary; {_near(word, known)}"
    names = [*FIGURES, *QUOTES]
    if name not in names:
        return f"there is no figure {name!r}; {_near(name, names)}"
    if given == "now" or (given.isascii() and given.isdecimal() and int(given) > 0):
        return ""
    return f"{{{name}:{given}}} names no turn; write its number from 1 on, or now"


def texts_of(step: Step) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Return every text of a step that may hold placeholders, with its place."""
    yield ("text",), step.text
    if step.predict:
        yield ("predict", "ask"), step.predict.ask
        for number, choice in enumerate(step.predict.choices):
            yield ("predict", "choices", number), choice
        yield ("predict", "because"), step.predict.because
    yield ("after",), step.after
    if step.look:
        yield ("look", "told"), step.look.told
    for number, claim in enumerate(step.claims):
        yield ("claims", number, "says"), claim.says


def new_terms(lesson: Lesson, number: int) -> list[Term]:
    """Return the words that step `number`, counted from 1, is the first of its lesson to use: they are explained."""
    before = {term for step in lesson.steps[: number - 1] for term in _terms(step)}
    return [term for term in _terms(lesson.steps[number - 1]) if term not in before]


def _terms(step: Step) -> list[Term]:
    named = [find(given.partition("|")[0]) for given in _words(step)]
    return list(dict.fromkeys(filter(None, named)))


def _words(step: Step) -> Iterator[str]:
    for _, text in texts_of(step):
        yield from (given for name, given in PLACEHOLDER.findall(text) if name == "term")


def _value(name: str, given: str, live: Live | None) -> str:
    if live and (kept := live.figures.get(f"{name}:{given}")):
        return kept
    turn = None if given == "now" else int(given)
    at = of(live, turn) if live else None
    if live is None or at is None:
        return NOT_YET
    try:
        if name in QUOTES:
            said = " ".join((QUOTES[name](at) or NOT_YET).split())
            return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"
        value = measured(name, live, turn)
        # A turn that is on its way has no figure of its end yet.
        return NOT_YET if value is None and at.job else written(name, value)
    except InspectorError:
        return "unknown"


def _answer(at: At) -> str:
    return at.seen.turn.ai if at.seen else ""


def _summary(at: At) -> str:
    notes = (at.notes or {}).items()
    return next((note.text for id, note in notes if id.rpartition(".")[2] == "summary"), "")


QUOTES: dict[str, Callable[[At], str]] = {"answer": _answer, "summary": _summary}
"""What can be quoted besides figures: what the model answered, and the summary that holds after the turn."""


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"choose {', '.join(known)}"
