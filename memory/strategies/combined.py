"""CombinedMemory: several memories in one prompt, under one budget. Each remembers in its way, none says a thing twice.

    memories=window(k=2)+vector(k=2)   prompt: quoted turns 3 and 9 (vector) | turns 38 and 39 (window) | query

The budget is divided evenly; what one part leaves over goes to those after it, and in a second round to those before.
A turn that an earlier part sends is not sent again by a later one, which recalls others in its place. Notes come first
in the prompt, then quoted turns, then turns word for word, so that the newest words stand next to the query; its own
`memory_place`, and not that of a part, puts the turns first.
Classic's parts know nothing of each other or of a budget.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from langchain_core.tools import BaseTool
from pydantic import Field, field_validator

from memory.base import MOST_MADE, Item, LeftOut, Memory, Note, Notes, Recall, Services, Span, State, Turn
from memory.common.division import divided, named_apart
from memory.common.draft import kept, taken
from memory.common.place import Place, placed
from memory.common.quote import headings
from memory.errors import BadInput
from memory.longterm.memory import LongTermMemory
from memory.retrieval.view import place_of
from memory.strategies.procedural import ProceduralMemory
from memory.views import Form, View

NOBODY = b"\xff"
"""No part: there are at most 8."""


class CombinedMemory(Memory):
    """Sends what several memories recall, within one budget and without doubles."""

    short = "combined"
    label = "Combined"
    family = "composed"
    keeps = "what its parts keep"
    forgets = "what all of its parts forget"
    costs = "the budget, divided between its parts; their own calls"
    stateful = True
    state_settings = ("memories",)

    class Settings(Memory.Settings):
        memories: str = Field(
            "window(k=3)+vector(k=4)",
            max_length=2000,
            description="The parts, joined by +, each with its settings: window(k=3)+summary",
        )
        max_token_limit: int = Field(
            2000, ge=20, le=1_000_000, description="At most so many tokens, all parts together"
        )
        memory_place: Place = "before"

        @field_validator("memories")
        @classmethod
        def _known(cls, text: str) -> str:
            try:
                parts_of(text)
            except BadInput as error:
                raise ValueError(str(error)) from None
            return text

    settings: Settings

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.parts = parts_of(self.settings.memories)

    @property
    def key(self) -> str:
        return f"{self.name}({'+'.join(part.key for part in self.parts)})"

    @property
    def labels(self) -> list[str]:
        """The names of its parts, of which no two are the same."""
        return named_apart([part.label for part in self.parts])

    @property
    def retrieves(self) -> bool:
        return any(part.retrieves for part in self.parts)

    @property
    def embeds(self) -> bool:
        return any(part.embeds for part in self.parts)

    @property
    def rests(self) -> bool:
        return any(part.rests for part in self.parts)

    @property
    def tail(self) -> int:
        return max(part.tail for part in self.parts)

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        limit = min(self.settings.max_token_limit, budget)
        recalls = [Recall()] * len(self.parts)
        asked: list[tuple[int, frozenset[int]] | None] = [None] * len(self.parts)
        parts = taken(state.notes, Parts)
        for again in (False, True):
            for number, part in enumerate(self.parts):
                left = limit - sum(recall.tokens for recall in recalls) + recalls[number].tokens
                share = left if again else left // (len(self.parts) - number)
                earlier = Recall(tuple(item for recall in recalls[:number] for item in recall.items))
                sent = frozenset(_turns(earlier))
                if asked[number] == (share, sent):
                    continue
                asked[number] = share, sent
                own = parts.state(state, number)
                recall = part.read(own, transcript, query, _beside(services, sent), share)
                recalls[number] = _without(recall, earlier, transcript, services.encoding)
        kept(state.notes, parts)
        labels = self.labels
        joined, owners = _joined(recalls, labels, len(transcript))
        whole = _quoted_once(joined, recalls, transcript, services.encoding, limit)
        shares = divided(whole, owners, recalls, labels, [share for share, _ in filter(None, asked)])
        return placed(replace(whole, shares=shares), self.settings.memory_place)

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        if state.covered == len(transcript) and (state.parts or not len(transcript)):
            return state
        # One that was rebuilt from notes, as a fork's is, covers what its newest part does: the others catch up.
        parts, notes = taken(state.notes, Parts), Notes(state.notes)
        made = list(state.made)
        covered: dict[str, int] = {}
        for number, part in enumerate(self.parts):
            after = part.write(parts.state(state, number), transcript, services, None)
            parts.notes[str(number)] = after.notes
            new = [_named(note, number) for note in after.made]
            made += new
            # Of very many only the last are told of.
            changed = new if len(new) < MOST_MADE else [_named(note, number) for note in after.notes.values()]
            for note in changed:
                notes[note.id] = note
            covered[str(number)] = after.covered
        kept(notes, parts)
        newest = tuple(made[-MOST_MADE:])
        return replace(state, covered=min(covered.values()), notes=notes, parts=covered, made=newest)

    def tools(self, state: State, services: Services) -> Sequence[BaseTool]:
        parts = Parts(state.notes)
        found = [
            tool for number, part in enumerate(self.parts) for tool in part.tools(parts.state(state, number), services)
        ]
        return list({tool.name: tool for tool in reversed(found)}.values())[::-1]  # of one name the first part's

    def worded(self, id: str, parts: Mapping[str, str]) -> str:
        number, _, own = id.partition(".")
        part = next((part for place, part in enumerate(self.parts) if str(place) == number), None)
        return part.worded(own, parts) if part else ""

    def view(self, state: State, recall: Recall, transcript: Sequence[Turn], query: str, services: Services) -> View:
        view = super().view(State(), recall, transcript, query, services)
        forms, notes = dict[type[Form], Form](), list[Note]()
        parts = Parts(state.notes)
        for number, part in enumerate(self.parts):
            mine = (item for item in recall.items if item.turns or item.ref.startswith(f"{number}."))
            own = Recall(tuple(_unnamed(item, number) for item in mine), recall.left_out)
            drawn = part.view(parts.state(state, number), own, transcript, query, services)
            forms |= {type(form): form for form in drawn.forms}
            notes += [_named(note, number) for note in drawn.notes]
        return replace(view, notes=tuple(notes), forms=tuple(forms.values()))


def parts_of(text: str) -> list[Memory]:
    """Build the parts that a text names, joined by "+": `window(k=3)+summary`; raises BadInput."""
    from memory.catalog import load

    found: list[Memory] = []
    for part in filter(None, (part.strip() for part in re.split(r"\+(?![^(]*\))", text))):
        match = re.fullmatch(r"(\w+)(?:\((.*)\))?", part, re.DOTALL)
        if not match:
            raise BadInput(f"{part[:60]!r} is no memory with its settings: write it as window(k=3)")
        memory = load().memory(f"{match[1]}:{match[2] or ''}")
        if isinstance(memory, CombinedMemory):
            raise BadInput("a combined memory cannot be a part of one: name its parts instead")
        found.append(memory)
    tools = [part.noun for part in found if isinstance(part, LongTermMemory) and part.formation == "active"]
    if twice := next((noun for noun in tools if tools.count(noun) > 1), None):
        raise BadInput(
            f"two parts would be called by the one tool manage_{twice}: give one of them another formation than active"
        )
    if not found:
        raise BadInput("name at least one memory: window(k=3)+vector(k=4)")
    if len(found) > 8:
        raise BadInput(f"{len(found)} parts are more than the 8 that a prompt can be divided between: take some away")
    return found


class Parts:
    """The notes of each part, under their own names."""

    def __init__(self, notes: Mapping[str, Note]) -> None:
        self.notes: dict[str, Mapping[str, Note]] = {}
        found: dict[str, Notes] = {}
        for id, note in notes.items():
            number, _, own = id.partition(".")
            found.setdefault(number, Notes())[own] = replace(note, id=own)
        self.notes |= found

    def state(self, whole: State, number: int) -> State:
        """Return the state of a part; one that was rebuilt from notes covers what the newest of them does."""
        notes = self.notes.setdefault(str(number), Notes())
        covered = whole.parts.get(str(number))
        if covered is None:
            covered = max((note.covers for note in notes.values()), default=0)
        return State(covered, notes)


def _named(note: Note, number: int) -> Note:
    return replace(note, id=f"{number}.{note.id}")


def _unnamed(item: Item, number: int) -> Item:
    return replace(item, ref=item.ref.removeprefix(f"{number}."))


def _beside(services: Services, taken: frozenset[int]) -> Services:
    """Return the same services, knowing which turns are sent already; what is recorded is recorded in one place."""
    # What `copy` does of an object of ours, in a sixth of its time: each part is read with services of its own.
    beside = object.__new__(type(services))
    beside.__dict__ |= services.__dict__ | {"taken": taken}
    return beside


def _turns(recall: Recall) -> list[int]:
    return [turn for item in recall.items if item.turns for turn in range(*item.turns)]


def _whole(items: Iterable[Item]) -> frozenset[int]:
    """Return the turns that are sent with all of their messages."""
    return frozenset(_turns(Recall(tuple(item for item in items if not item.ref.startswith("message:")))))


def _without(recall: Recall, earlier: Recall, transcript: Sequence[Turn], encoding: str) -> Recall:
    """Take out of a recall what is sent already; of a turn that is sent in part the rest is not lost."""
    if not earlier.items:
        return recall
    items: list[Item] = []
    sent, messages = _whole(earlier.items), {item.ref for item in earlier.items if item.turns}
    for item in recall.items:
        if item.ref in messages:
            continue
        if not item.turns or sent.isdisjoint(range(*item.turns)):
            items.append(item)
            continue
        for first, end in _gaps(item.turns, sent):
            tokens = sum(turn.count(encoding) for turn in transcript[first:end])
            items.append(replace(item, ref=f"turns:{first}-{end - 1}", turns=(first, end), tokens=tokens))
    return Recall(tuple(items), recall.left_out)


def _gaps(span: Span, sent: Set[int]) -> list[Span]:
    """Cut a span into the runs of turns that are not sent."""
    gaps: list[Span] = []
    for turn in range(*span):
        if turn in sent:
            continue
        if gaps and gaps[-1][1] == turn:
            gaps[-1] = (gaps[-1][0], turn + 1)
        else:
            gaps.append((turn, turn + 1))
    return gaps


def _joined(recalls: Sequence[Recall], labels: Sequence[str], length: int) -> tuple[Recall, dict[str, int]]:
    """Join what the parts recalled, and say by its ref which part an item is from.

    A turn is left out where no part sends it, for the reason of each that says one.
    """
    items: list[Item] = []
    owners: dict[str, int] = {}
    for number, (recall, label) in enumerate(zip(recalls, labels, strict=True)):
        for item in recall.items:
            ref = item.ref if item.turns else f"{number}.{item.ref}"
            # Field by field: `replace` takes five times as long, and a prompt may have a hundred.
            items.append(
                Item(
                    ref,
                    item.segment,
                    f"{label}: {item.why}",
                    item.tokens,
                    item.turns,
                    item.text,
                    item.score,
                    item.shortened,
                    item.quoted,
                    item.parts,
                    item.picture,
                )
            )
            owners[ref] = number
    items.sort(key=lambda item: ((1 if item.quoted else 2), item.turns) if item.turns else (0, (0, 0)))
    # A byte for each turn, 1 where nothing is said of it yet, and the part that said something last: bytes are looked
    # through faster than arrays where spans are short.
    free, because = bytearray(b"\1") * length, bytearray(NOBODY) * length
    whole = set[int]()
    for item in items:
        if item.turns:
            first, end = item.turns
            free[first:end] = bytes(end - first)
            if not item.ref.startswith("message:"):
                whole.update(range(first, end))
    items = [item for item in items if not (item.turns and item.ref.startswith("message:") and item.turns[0] in whole)]
    reasons = [(one, number) for number, recall in enumerate(recalls) for one in recall.left_out]
    # The best reason first: its gist is sent, it was not alike enough, it is outside of something.
    reasons.sort(key=lambda reason: 0 if reason[0].kind == "summary" else 1 if reason[0].score is not None else 2)
    left: list[LeftOut] = []
    for one, number in reasons:
        begin, _ = one.turns
        if one.message is not None:
            # Of one turn several messages may be left out, each for a reason of its own.
            gaps = [one.turns] if begin not in whole and because[begin] in (NOBODY[0], number) else []
        else:
            gaps = _free(free, one.turns)
        why = f"{labels[number]}: {one.why}"
        for first, end in gaps:
            left.append(LeftOut((first, end), why, one.kind, one.rank, one.score, one.message, one.parts))
            free[first:end], because[first:end] = bytes(end - first), bytes((number,)) * (end - first)
    # What one part left to another that took less in the end.
    left += [LeftOut(gap, "no part had room for it", "budget") for gap in _free(free, (0, length))]
    return Recall(tuple(items), tuple(left)), owners


def _free(free: bytearray, span: Span) -> list[Span]:
    """Cut out of a span the runs of turns that are marked as free."""
    gaps: list[Span] = []
    end, stop = span[0], min(span[1], len(free))
    while (first := free.find(1, end, stop)) >= 0:
        end = free.find(0, first, stop)
        if end < 0:
            end = stop
        gaps.append((first, end))
    return gaps


def _quoted_once(
    joined: Recall, recalls: Sequence[Recall], transcript: Sequence[Turn], encoding: str, limit: int
) -> Recall:
    """Count the introduction and the date lines of all quotes as they are sent: in one block."""
    notes = [item for item in joined.items if not item.quoted and not item.turns]
    quoted = [item for item in joined.items if item.quoted]
    turns = [item for item in joined.items if not item.quoted and item.turns]
    rest, left = limit - sum(item.tokens for item in (*notes, *turns)), list(joined.left_out)
    quotes = [own for recall in recalls if (own := [item for item in recall.items if item.quoted])]
    alike = len(quotes) <= 1 and [item.ref for own in quotes for item in own] == [item.ref for item in quoted]
    if alike and sum(item.tokens for item in quoted) <= rest:
        # One part's quotes stand as that part has counted them.
        return Recall((*notes, *quoted, *turns), joined.left_out)
    size: dict[str, int] = {}
    for own in quotes:
        for item, cost in zip(own, headings(own, transcript, encoding), strict=True):
            size[item.ref] = item.tokens - cost
    while True:
        # What was cut is ended as a line where another follows.
        ends = [item.shortened is not None and item is not quoted[-1] for item in quoted]
        costs = zip(quoted, headings(quoted, transcript, encoding), ends, strict=True)
        sizes = [(item, size[item.ref] + cost + end) for item, cost, end in costs]
        quoted = [item if item.tokens == tokens else replace(item, tokens=tokens) for item, tokens in sizes]
        if sum(item.tokens for item in quoted) <= rest:
            return Recall((*notes, *quoted, *turns), tuple(left))
        # Times that go to and fro, as an import may have them, need more date lines than the parts have counted.
        worst = min(quoted, key=lambda item: item.score or 0.0)
        quoted.remove(worst)
        assert worst.turns
        why = f"over the budget of {limit:,} tokens"
        left.append(LeftOut(worst.turns, why, "budget", None, worst.score, place_of(worst.ref)))


def learner(memory: Memory) -> ProceduralMemory | None:
    """Return what of a memory learns from what is said of answers: itself, a part of it, or None."""
    if isinstance(memory, CombinedMemory):
        return next(filter(None, map(learner, memory.parts)), None)
    return memory if isinstance(memory, ProceduralMemory) else None
