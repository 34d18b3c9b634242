"""Whether what a lesson says is true: each claim is measured on the live state, none is believed.

    >>> judge(claim, live)
    Verdict(held=True, measured='sent: turns 2 and 3')

What cannot be measured is None, never true: a turn that is not there yet, a price that nobody knows, a prompt of which
a part was forgotten since. Claims look at memory and prompt and at no answer; one that is about the demo model's own
words is not judged with another model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from memory.errors import InspectorError
from memory.lessons import claims_others, claims_prompt, claims_stored
from memory.lessons.at import At, of
from memory.lessons.figures import measured, written
from memory.lessons.lesson import KINDS, Claim, Predict
from memory.lessons.live import Live
from memory.lessons.verdict import NOT_YET, Verdict

CLOSE = 0.005
"""By which share two figures that are called equal may differ."""
OTHER_MODEL = "it holds for the demo model's words, and another model speaks here"


def judge(claim: Claim, live: Live) -> Verdict:
    """Measure a claim."""
    if claim.demo and not live.demo:
        return Verdict(None, OTHER_MODEL)
    kind = next(name for name in KINDS if getattr(claim, name) is not None)
    try:
        if kind in _OF_LESSON:
            return _OF_LESSON[kind](claim, live)
        at = of(live, claim.turn, claim.person, claim.thread)
        return _OF_TURN[kind](getattr(claim, kind), claim, at) if at else NOT_YET
    except InspectorError as error:
        return Verdict(None, str(error))


def predicted(predict: Predict, live: Live, guess: float) -> Verdict:
    """Compare a guessed number with what was measured, within the share by which it may miss."""
    assert predict.number
    value = measured(predict.number.figure, live, predict.number.turn)
    if value is None:
        return NOT_YET
    right = abs(guess - float(value)) <= predict.within * abs(float(value))
    return Verdict(right, written(predict.number.figure, value))


def _figure(claim: Claim, live: Live) -> Verdict:
    """Compare a figure with a number, or with another one times a factor."""
    assert claim.figure
    where = (claim.person, claim.thread)
    value = measured(claim.figure, live, claim.turn, *where)
    other: float | None = claim.number
    said = written(claim.figure, value)
    if claim.than:
        beside = measured(claim.than.figure, live, claim.than.turn, *where)
        other = None if beside is None else float(beside) * claim.factor
        of_it = f"{claim.factor:g} times " if claim.factor != 1 else ""
        said += f" and {of_it}{written(claim.than.figure, beside)}"
    if value is None or other is None:
        return NOT_YET if of(live, claim.turn, *where) is None else Verdict(None, f"not known: {said}")
    number = float(value)
    close = abs(number - other) <= CLOSE * max(abs(number), abs(other))
    return Verdict({"<": number < other, "=": close, ">": number > other}[claim.is_ or "="], said)


_OF_LESSON: Mapping[str, Callable[[Claim, Live], Verdict]] = {
    "figure": _figure,
    "facts_have": claims_stored.facts_have,
    "facts_lack": claims_stored.facts_lack,
    "superseded_have": claims_stored.superseded_have,
    "kept_from": claims_stored.kept_from,
    "gone": claims_stored.gone,
    "lint": claims_others.lint,
    "compared": claims_others.compared,
}
_OF_TURN: Mapping[str, Callable[[Any, Claim, At], Verdict]] = {
    "sent": claims_prompt.sent,
    "includes": claims_prompt.includes,
    "stored_only": claims_prompt.stored_only,
    "alone": claims_prompt.alone,
    "prompt_has": claims_prompt.prompt_has,
    "prompt_lacks": claims_prompt.prompt_lacks,
    "best": claims_prompt.best,
    "picture_sent": claims_prompt.picture_sent,
    "called": claims_prompt.called,
    "stored_has": claims_stored.stored_has,
    "notes_have": claims_stored.notes_have,
    "notes_lack": claims_stored.notes_lack,
    "crossing": claims_others.crossing,
}
