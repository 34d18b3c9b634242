"""Every number that a lesson can name, and how it is measured on the live state; none is ever typed.

    >>> measured("prompt_tokens", live, turn=4)
    Decimal('61')
    >>> written("cost_total", measured("cost_total", live, turn=4))
    '$0.00012'

A figure is of one turn (default: the newest). It is None where the turn is not there yet or nobody knows the number,
as the cost of a model without a price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from memory.lessons.at import At, of
from memory.lessons.crossing import crossing_turn
from memory.lessons.live import Live
from memory.money.growth import UnknownGrowth
from memory.money.prices import dollars
from memory.money.totals import Totals, additions
from memory.trace import Call

Number = int | float | Decimal | None


@dataclass(frozen=True, slots=True)
class Measure:
    """How a figure is measured at a turn, in which `unit`, and what it is, for whoever writes a lesson."""

    of: Callable[[At], Number]
    unit: str
    about: str


def measured(
    name: str, live: Live, turn: int | None = None, person: str | None = None, thread: str | None = None
) -> Decimal | None:
    """Measure a figure by its name; None where it is not known (yet)."""
    at = of(live, turn, person, thread)
    value = FIGURES[name].of(at) if at else None
    return None if value is None else Decimal(str(value))


def written(name: str, value: Decimal | None) -> str:
    """Write a figure for a reader, without its unit; dollars alone bring their sign."""
    unit = FIGURES[name].unit
    if value is None:
        return "unknown"
    if unit == "dollars":
        return dollars(value)
    if unit == "turn" and not value:
        return "never"
    if unit in ("score", "seconds"):
        return f"{value:.2f}"
    return f"{int(value):,}" if value == int(value) else f"{value:,.2f}"


# --- the prompt -------------------------------------------------------------------------------------------------------


def _segment(name: str) -> Callable[[At], Number]:
    return lambda at: {str(key): size for key, size in at.segments.items()}.get(name)


def _prompt(at: At) -> Number:
    return sum(at.segments.values()) if at.segments else None


def _notes_sent(at: At) -> Number:
    return None if at.items is None else sum(item.tokens for item in at.items if item.turns is None)


def _unsent(at: At) -> Number:
    return None if at.items is None else len([one for one in at.earlier if one.index + 1 not in at.sent])


def _recalled(at: At) -> Number:
    found = [item for item in at.items or () if item.score is not None or item.turns is None]
    return None if at.items is None else len(found)


def _missed(at: At) -> Number:
    return None if at.items is None else sum(left.rank is not None for left in at.left_out)


def _scores(at: At) -> list[float]:
    """Return the scores of what was found, best first, sent or not."""
    scores = [*(item.score for item in at.items or ()), *(left.score for left in at.left_out)]
    return sorted((score for score in scores if score is not None), reverse=True)


def _best(at: At) -> Number:
    return next(iter(_scores(at)), None)


def _second(at: At) -> Number:
    scores = _scores(at)
    return scores[1] if len(scores) > 1 else None


def _least(at: At) -> Number:
    return min((item.score for item in at.items or () if item.score is not None), default=None)


def _pictures(at: At) -> Number:
    return sum(len(one.pictures) for one in at.prompt.messages) if at.prompt else None


def _picture_tokens(at: At) -> Number:
    return sum(one.picture_tokens for one in at.prompt.messages) if at.prompt else None


def _part(number: int, offered: bool = False) -> Callable[[At], Number]:
    def share(at: At) -> Number:
        shares = at.trace.shares if at.trace else ()
        if number >= len(shares):
            return None
        return shares[number].offered if offered else shares[number].tokens

    return share


# --- calls and money --------------------------------------------------------------------------------------------------


def _calls(at: At) -> list[Call] | None:
    return list(at.trace.calls) if at.trace else None


def _so_far(at: At) -> list[Call] | None:
    """Return the calls of all turns up to this one, and of what happened between them."""
    if at.seen is None:
        return None
    events = at.live.store.events(at.seen.user, at.seen.thread)
    return [call for one in (*at.traces, *events) if one in at.traces or one.turn <= at.turn for call in one.calls]


def _spent(calls: Callable[[At], list[Call] | None], take: Callable[[Totals], Number]) -> Callable[[At], Number]:
    def spent(at: At) -> Number:
        made = calls(at)
        return None if made is None else take(Totals.of(additions(made)))

    return spent


def _reply(take: Callable[[Call], Number]) -> Callable[[At], Number]:
    return lambda at: take(at.trace.reply) if at.trace and at.trace.reply else None


def _own_seconds(at: At) -> Number:
    return sum(call.seconds for call in at.trace.own_calls) if at.trace else None


def _prompts(at: At) -> Number:
    return sum(trace.prompt_tokens for trace in at.traces) if at.trace else None


def _largest(at: At) -> Number:
    return max(trace.prompt_tokens for trace in at.traces) if at.trace else None


def _own(totals: Totals) -> int:
    return totals.own.input_tokens + totals.own.output_tokens


# --- what is stored ---------------------------------------------------------------------------------------------------


def _stored(at: At) -> Number:
    return len(at.earlier) + 1 if at.trace else len(at.earlier)


def _notes(at: At) -> Number:
    return None if at.notes is None else len(at.notes)


def _facts(at: At) -> Number:
    return len(at.live.facts(at.spot.person))


def _superseded(at: At) -> Number:
    return sum(len(fact.history) for fact in at.live.facts(at.spot.person))


def _versions(at: At) -> Number:
    return max((len(fact.history) + 1 for fact in at.live.facts(at.spot.person)), default=None)


def _crossing(caching: bool) -> Callable[[At], Number]:
    def turn(at: At) -> Number:
        taught = at.live.lesson.teaches
        try:
            return crossing_turn(at, taught[0], taught[1], caching) if len(taught) > 1 else None
        except UnknownGrowth:
            return None

    return turn


FIGURES: Mapping[str, Measure] = {
    "prompt_tokens": Measure(_prompt, "tokens", "of the prompt of the turn"),
    "instructions_tokens": Measure(_segment("instructions"), "tokens", "of it that are the instructions"),
    "memory_tokens": Measure(_segment("memory"), "tokens", "of it that are notes, facts, passages and quoted turns"),
    "history_tokens": Measure(_segment("history"), "tokens", "of it that are earlier turns as messages"),
    "query_tokens": Measure(_segment("query"), "tokens", "of it that are the message itself"),
    "notes_tokens": Measure(_notes_sent, "tokens", "of it that are notes, facts and passages"),
    "picture_tokens": Measure(_picture_tokens, "tokens", "of it that are pictures"),
    "pictures_sent": Measure(_pictures, "pictures", "in the prompt"),
    "turns_sent": Measure(lambda at: None if at.items is None else len(at.sent), "turns", "sent word for word"),
    "turns_left": Measure(_unsent, "turns", "stored before the turn and not sent word for word"),
    "turns_stored": Measure(_stored, "turns", "stored when the turn is over"),
    "recalled": Measure(_recalled, "things", "that were sent because a search or a memory chose them, not as a tail"),
    "near_misses": Measure(_missed, "things", "that a search ranked and the memory did not send"),
    "score_best": Measure(_best, "score", "of the best that a search found"),
    "score_second": Measure(_second, "score", "of the second best"),
    "score_least": Measure(_least, "score", "of the worst that was sent"),
    "budget": Measure(lambda at: at.trace.budget if at.trace else None, "tokens", "that the memory could send at most"),
    "first_part_tokens": Measure(_part(0), "tokens", "that the first part of a combined memory sent"),
    "second_part_tokens": Measure(_part(1), "tokens", "that the second part sent"),
    "third_part_tokens": Measure(_part(2), "tokens", "that the third part sent"),
    "first_part_offered": Measure(_part(0, True), "tokens", "that the first part of a combined memory could send"),
    "second_part_offered": Measure(_part(1, True), "tokens", "that the second part could send"),
    "third_part_offered": Measure(_part(2, True), "tokens", "that the third part could send"),
    "input_tokens": Measure(_reply(lambda call: call.input_tokens), "tokens", "that the reply's call read"),
    "output_tokens": Measure(_reply(lambda call: call.output_tokens), "tokens", "that the reply's call wrote"),
    "cached_tokens": Measure(_reply(lambda call: call.cached_tokens), "tokens", "of them that a prompt cache held"),
    "prefix_tokens": Measure(
        lambda at: at.trace.prefix if at.trace else None, "tokens", "that the prompt begins with like the one before"
    ),
    "reply_seconds": Measure(_reply(lambda call: call.seconds), "seconds", "that the reply's call took"),
    "own_seconds": Measure(_own_seconds, "seconds", "that the memory's own calls took in the turn"),
    "own_calls": Measure(_spent(_calls, lambda sums: sums.own.calls), "calls", "that the memory made in the turn"),
    "own_tokens": Measure(_spent(_calls, _own), "tokens", "that these calls read and wrote"),
    "cost": Measure(_spent(_calls, lambda sums: sums.cost), "dollars", "for the turn, own calls included"),
    "own_cost": Measure(_spent(_calls, lambda sums: sums.own.cost), "dollars", "of it for the memory's own calls"),
    "tokens_total": Measure(_prompts, "tokens", "of all prompts up to the turn"),
    "largest_prompt": Measure(_largest, "tokens", "of the largest prompt up to the turn"),
    "own_calls_total": Measure(_spent(_so_far, lambda sums: sums.own.calls), "calls", "of the memory up to the turn"),
    "own_tokens_total": Measure(_spent(_so_far, _own), "tokens", "that these calls read and wrote"),
    "cost_total": Measure(_spent(_so_far, lambda sums: sums.cost), "dollars", "up to the turn, own calls included"),
    "cost_uncached_total": Measure(
        _spent(_so_far, lambda sums: sums.cost_uncached), "dollars", "that it would be without a prompt cache"
    ),
    "notes": Measure(_notes, "notes", "that hold after the turn"),
    "facts": Measure(_facts, "facts", "remembered of the person now"),
    "superseded": Measure(_superseded, "versions", "of these facts that hold no longer"),
    "versions": Measure(_versions, "versions", "of the fact that has most of them"),
    "crossing_cached": Measure(
        _crossing(True), "turn", "from which on the first memory of `teaches` costs more than the second, with a cache"
    ),
    "crossing_uncached": Measure(
        _crossing(False), "turn", "from which on the first memory of `teaches` costs more than the second, without one"
    ),
}
