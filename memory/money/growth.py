"""How a memory's prompt grows, turn by turn, where every turn is an average one: arithmetic, no model, no texts.

    >>> shapes = growth(load().memory("window:k=2"), Averages(), room=100_000)
    >>> [(shape.first, shape.end) for shape in islice(shapes, 4)]      # of turns 0, 1, 2 and 3: which turns are sent
    [(0, 0), (0, 1), (0, 2), (1, 3)]

The newest turns and summaries follow from sizes alone, and follow the memories' own rules to the turn. What a search
finds or a model notes does not: `assumption` says in words what is taken for it, and it is never too little on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from typing import Any

from memory.base import Memory, Message, State, Turn
from memory.catalog import load
from memory.common.summarize import summarize
from memory.errors import BadInput
from memory.money.averages import Averages
from memory.services import EstimatingServices, Models
from memory.strategies.combined import CombinedMemory
from memory.strategies.summary import MAX_SUMMARY


class UnknownGrowth(BadInput):
    """Nothing is known of a memory from which its growth could be projected."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A prompt by its parts: the turns from `first` up to, not including, `end`, and tokens of everything else.

    `notes` in their `version` and what is `recalled`, other words each time, stand before the turns, or `after` them.
    `own` is what the memory asks for itself after the turn: tokens in and out.
    """

    first: int
    end: int
    notes: int = 0
    version: int = 0
    recalled: int = 0
    after: bool = False
    own: tuple[int, int] = (0, 0)

    def tokens(self, of: Averages) -> int:
        """Count the prompt of an average turn."""
        return of.system + self.notes + self.recalled + (self.end - self.first) * of.turn + of.user


def common(before: Shape, now: Shape, of: Averages) -> int:
    """Count the tokens with which two prompts begin alike, the second a turn after the first."""
    shared = of.system
    if before.after != now.after:
        return shared
    if not now.after or before.end == before.first:
        if (before.notes, before.version) != (now.notes, now.version):
            return shared
        shared += now.notes
        if before.recalled or now.recalled:
            return shared
    if before.first != now.first:
        return shared
    shared += (before.end - before.first) * of.turn
    # Behind the turns stood the memory's own words, or the message that is the beginning of the turn that came in.
    return shared if now.after and (before.notes or before.recalled) else shared + of.user


def growth(memory: Memory, of: Averages, room: int) -> Iterator[Shape]:
    """Yield the prompts of turns 0, 1, 2, …; `room` is how many tokens the model's window has for what is recalled.

    Raises UnknownGrowth for a memory of which nothing is known that a projection could be made from.
    """
    if memory.name in _EXACT:
        shapes = _EXACT[memory.name](memory, of)
    elif isinstance(memory, CombinedMemory):
        shapes = _combined(memory, of, room)
    elif memory.name in _ASSUMED:
        shapes = _ASSUMED[memory.name][0](memory, of)
    else:
        shapes = _constant(memory, of)
    return (_within(shape, of, room) for shape in shapes)


def assumption(memory: Memory, of: Averages) -> str:
    """Say what is assumed of a memory whose growth does not follow from sizes; "" where it does."""
    if memory.name in _EXACT:
        return ""
    if isinstance(memory, CombinedMemory):
        parts = [f"{part.label}: {said}" for part in memory.parts if (said := assumption(part, of))]
        return "; ".join(["no two parts send the same turn", *parts])
    if memory.name in _ASSUMED:
        said = _ASSUMED[memory.name][1].format(**memory.settings.model_dump(), note=of.notes.get(memory.name, of.note))
        if memory.name in _NOTED and memory.name not in of.own:
            said += "; the answer to its own call is half as long as allowed"
        return said
    if memory.family == "fixed":
        return ""
    return "what it sends stays as long as on average here, other words each time"


# --- what follows from sizes ------------------------------------------------------------------------------------------


def _buffer(memory: Memory, of: Averages) -> Iterator[Shape]:
    return (Shape(0, n) for n in count())


def _none(memory: Memory, of: Averages) -> Iterator[Shape]:
    return (Shape(n, n) for n in count())


def _window(memory: Any, of: Averages) -> Iterator[Shape]:
    k, step = memory.settings.k, memory.settings.step
    return (Shape(max(0, n - k) // step * step if k else n, n) for n in count())


def _token_buffer(memory: Any, of: Averages) -> Iterator[Shape]:
    return (_newest(0, n, memory.settings.max_token_limit, of) for n in count())


def _summary(memory: Any, of: Averages) -> Iterator[Shape]:
    step, size = memory.settings.summarize_step, min(of.summary, MAX_SUMMARY)
    for n in count():
        version = n // step
        own = (0, 0)
        if (n + 1) % step == 0:
            own = _asked(of, size if version else 0, step, size)
        yield Shape(n, n, size if version else 0, version, own=own)


def _summary_buffer(memory: Any, of: Averages) -> Iterator[Shape]:
    limit = memory.settings.max_token_limit
    room, block = max(1, limit // 4), memory.settings.summarize_block or max(1, limit // 4)
    size, first, version = min(of.summary, room), 0, 0
    for n in count():
        note = size if version else 0
        shape = _newest(first, n, limit - note, of)
        kept, moved, end = (n + 1 - first) * of.turn, 0, first
        if note + kept > limit:
            while end < n and (kept > limit - room or moved < block):
                kept, moved, end = kept - of.turn, moved + of.turn, end + 1
        own = _asked(of, note, end - first, size)
        yield replace(shape, notes=note, version=version, after=_after(memory), own=own)
        if end > first:
            first, version = end, version + 1


def _summarization(memory: Any, of: Averages) -> Iterator[Shape]:
    trigger, keep = memory.settings.trigger, memory.settings.keep
    size, first, version = min(of.summary, max(1, trigger // 4)), 0, 0
    for n in count():
        note, own, end = size if version else 0, (0, 0), first
        if note + (n + 1 - first) * of.turn >= trigger:
            # Turns of two messages each, the newest among them in any case.
            end = max(first, n + 1 - max(1, keep // 2))
            own = _asked(of, note, end - first, size)
        yield Shape(first, n, note, version, after=_after(memory), own=own)
        if end > first:
            first, version = end, version + 1


def _newest(first: int, n: int, limit: int, of: Averages) -> Shape:
    """Send the newest whole turns that fit; one alone that does not fit is cut, and another each time."""
    fit = max(0, limit) // of.turn
    if fit == 0 and n > first:
        return Shape(n, n, recalled=max(0, limit))
    return Shape(max(first, n - fit), n)


def _after(memory: Any) -> bool:
    return getattr(memory.settings, "memory_place", "before") == "after"


def _asked(of: Averages, summary: int, turns: int, size: int) -> tuple[int, int]:
    """Count a call that merges turns into a summary; none where there are no turns."""
    if not turns:
        return 0, 0
    template, each = (of.template, 0) if of.template else summary_template()
    return template + summary + turns * (of.turn + each), size


@lru_cache(maxsize=1)
def summary_template() -> tuple[int, int]:
    """Count what a call for a summary is sent besides the old summary and the words of its turns: once, and a turn."""
    sizes = []
    for turns in (1, 2):
        services = Models().services(kind=EstimatingServices)
        said = Turn("t", (Message("human", " word"), Message("ai", " word")))
        summarize(services, " word", [said] * turns, MAX_SUMMARY)
        sizes.append(services.calls[0].input_tokens)
    each = sizes[1] - sizes[0] - 2
    return sizes[0] - each - 3, each


# --- what must be assumed ---------------------------------------------------------------------------------------------


def _vector(memory: Any, of: Averages) -> Iterator[Shape]:
    settings = memory.settings
    each = 1 + 2 * getattr(settings, "neighbours", 0)
    limit = getattr(settings, "max_token_limit", None)
    most = settings.k * each if limit is None else limit // of.turn
    return (Shape(n, n, recalled=min(n, most) * of.turn) for n in count())


def _attention(memory: Any, of: Averages) -> Iterator[Shape]:
    most = memory.settings.max_token_limit // of.turn
    return (Shape(n, n, recalled=min(n, most) * of.turn) for n in count())


def _vector_token_buffer(memory: Any, of: Averages) -> Iterator[Shape]:
    limit, k = memory.settings.max_token_limit, memory.settings.k
    for n in count():
        if n * of.turn <= limit or not k:
            yield _newest(0, n, limit, of)
            continue
        older = min(k, limit // 2 // of.turn) * of.turn
        yield replace(_newest(0, n, limit - older, of), recalled=older, after=_after(memory))


def _noted(memory: Any, of: Averages) -> Iterator[Shape]:
    k, notes = memory.settings.k, of.notes.get(memory.name, of.note)
    own = of.own.get(memory.name) or _own_call(memory.name, of.user, of.assistant)
    after = _after(memory)
    return (Shape(max(0, n - k) if k else n, n, recalled=notes if n else 0, after=after, own=own) for n in count())


def _last_input(memory: Memory, of: Averages) -> Iterator[Shape]:
    return (Shape(n, n, recalled=of.user if n else 0) for n in count())


def _combined(memory: CombinedMemory, of: Averages, room: int) -> Iterator[Shape]:
    parts, limit = [growth(part, of, room) for part in memory.parts], memory.settings.max_token_limit

    def joined(n: int) -> Shape:
        shapes = [next(part) for part in parts]
        notes = min(limit, sum(one.notes for one in shapes))
        recalled = min(limit - notes, sum(one.recalled for one in shapes))
        first = min((one.first for one in shapes if one.end > one.first), default=n)
        first = max(first, n - (limit - notes - recalled) // of.turn)
        own = sum(one.own[0] for one in shapes), sum(one.own[1] for one in shapes)
        return Shape(first, n, notes, sum(one.version for one in shapes), recalled, _after(memory), own)

    return map(joined, count())


def _constant(memory: Memory, of: Averages) -> Iterator[Shape]:
    if memory.family == "fixed":
        facts = memory.read(State(), [], "", Models().services(kind=EstimatingServices), 1_000_000).tokens
        return (Shape(n, n, facts, 1) for n in count())
    if memory.name not in of.notes:
        raise UnknownGrowth(
            f"nothing is known of how {memory.label} grows; let it answer a few turns, and its own averages are taken"
        )
    notes, own = of.notes[memory.name], of.own.get(memory.name, (0, 0))
    return (Shape(n, n, recalled=notes, own=own) for n in count())


@lru_cache(maxsize=100)
def _own_call(name: str, user: int, assistant: int) -> tuple[int, int]:
    """Count the call that a memory makes after a turn as the price of a switch does: nothing is called."""
    services = Models().services(kind=EstimatingServices)
    said = (Message("human", " word" * user), Message("ai", " word" * assistant))
    load().make(name, {}).write(State(), [Turn("t", said, index=0)], services, None)
    return sum(call.input_tokens for call in services.calls), sum(call.output_tokens for call in services.calls)


def _within(shape: Shape, of: Averages, room: int) -> Shape:
    """Keep to the model's window, as every memory does: the oldest turns stay out."""
    over = shape.notes + shape.recalled + (shape.end - shape.first) * of.turn - room
    if over <= 0:
        return shape
    turns = min(shape.end - shape.first, -(-over // of.turn))
    return replace(shape, first=shape.first + turns)


Grow = Callable[[Any, Averages], Iterator[Shape]]
_EXACT: dict[str, Grow] = {
    "NoMemory": _none,
    "ConversationBufferMemory": _buffer,
    "ConversationBufferWindowMemory": _window,
    "ConversationTokenBufferMemory": _token_buffer,
    "ConversationSummaryMemory": _summary,
    "ConversationSummaryBufferMemory": _summary_buffer,
    "SummarizationMemory": _summarization,
}
_ASSUMED: dict[str, tuple[Grow, str]] = {
    "VectorStoreRetrieverMemory": (_vector, "as many turns are recalled as it may, others each time"),
    "TimeWeightedMemory": (_vector, "as many turns are recalled as it may, others each time"),
    "AttentionMemory": (_attention, "its {max_token_limit:,} tokens are filled with other turns each time"),
    "ConversationVectorStoreTokenBufferMemory": (
        _vector_token_buffer,
        "from its limit on as many older turns are recalled as it may, others each time",
    ),
    "ConversationEntityMemory": (_noted, "notes of {note:,} tokens with each message, others each time"),
    "ConversationKGMemory": (_noted, "triples of {note:,} tokens with each message, others each time"),
    "LastUserInputMemory": (_last_input, "the last message is as long as the average one"),
}
_NOTED = ("ConversationEntityMemory", "ConversationKGMemory")
