"""The one record of a turn; every screen reads it and nothing else.

A trace holds references, versions and a hash of the prompt, and no turn's text: so it stays small (spans, not a
row a turn) and forgetting a turn reaches it. `prompt_of` rebuilds the exact prompt from it.

    >>> trace.items[0].ref, trace.left_out[0].why, trace.calls[0].input_tokens
    ('turns:4-7', 'outside the last k=4 turns', 243)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from memory.base import Item, Note, Recall, Segment, State, Turn
from memory.common.division import Share
from memory.edited_prompt import EDITED, from_text, to_text
from memory.pictures.sight import said_with
from memory.prompt import Counts, Prompt, assemble
from memory.stores.ranked_items import Items
from memory.stores.ranked_runs import LeftOuts
from memory.tokens import shorten, well_formed

Step = Literal["read", "prompt", "model", "write"]
"""The four steps of a turn, in their order."""
Kind = Literal["turn", "import", "switch", "edit", "forget", "reflect"]


@dataclass(frozen=True, slots=True)
class Call:
    """One model call: its purpose ("reply", "summary", …), tokens, cost and time.

    `input_tokens` includes `cached_tokens` and `cache_write_tokens`. `measured` says that the figures are the
    provider's own; until then they are our counts. `estimate` is our count of the input, without the provider's
    overhead. `cost` is in dollars at `priced_as`'s rates, `cost_uncached` what it would have been with nothing cached;
    None where unknown. Times are in seconds. A `reused` call was not made: its answer was known from an earlier one,
    whose cost was `saved` this time.
    """

    purpose: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    measured: bool = False
    estimate: int = 0
    cost: Decimal | None = None
    priced_as: str = ""
    seconds: float = 0.0
    first_token: float | None = None
    error: str | None = None
    reused: bool = False
    saved: Decimal | None = None
    cost_uncached: Decimal | None = None

    @property
    def cache_measured(self) -> bool:
        """Whether the cached tokens are a provider's own count; a built-in model's, which has no cache, never are."""
        return self.measured and self.model == self.priced_as


@dataclass(frozen=True, slots=True)
class StateRef:
    """A state by reference: how far it reached, and the refs of the notes that it had and the one before had not.

    The notes valid then are those since `covered` or earlier: `Store.state_at` finds them.
    """

    covered: int = 0
    wrote: tuple[str, ...] = ()

    @classmethod
    def of(cls, state: State, before: State | None = None) -> StateRef:
        known = before.notes if before else state.notes
        return cls(state.reach, tuple(note.ref for id, note in state.notes.items() if known.get(id) != note))


@dataclass(frozen=True, slots=True)
class Trace:
    """What happened in one turn: read, prompt, model, write.

    `read_length` is how many turns the thread had when it was read, which is less than `turn` where another tab
    wrote in between. `texts` names by hash what was sent and stands neither in a turn nor in a note: the
    instructions under "instructions", a plug-in's text under its item's ref, and under "prompt" the messages of one
    that was edited before it was sent (see `memory/edited_prompt.py`). `after` is None until `write` ran.
    `prefix` is how many tokens the prompt has in common, from the beginning, with the last one that reached a model;
    `broken` is the item of the first message that differs, "" where none does (see `memory/money/prefix.py`).
    `shares` say how a composed memory divided its budget.
    `pictures` are those that were sent with the query, by id, with the tokens of each, None where nobody knows them.
    `counts` are of the prompt's messages; a trace that was stored without them has none.
    """

    kind: Kind
    turn: int
    turn_id: str
    at: float
    memory: str = ""
    memory_key: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    priced_as: str = ""
    encoding: str = "o200k_base"
    exact: bool = True
    context_window: int | None = None
    budget: int = 0
    read_length: int = 0
    items: Items = ()
    left_out: LeftOuts = ()
    segments: Mapping[Segment, int] = field(default_factory=dict)
    prompt_hash: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    before: StateRef | None = None
    after: StateRef | None = None
    errors: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    prefix: int = 0
    broken: str = ""
    pictures: Mapping[str, int | None] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)

    @property
    def prompt_tokens(self) -> int:
        return sum(self.segments.values())

    @property
    def reply(self) -> Call | None:
        return next((call for call in self.calls if call.purpose == "reply"), None)

    @property
    def own_calls(self) -> tuple[Call, ...]:
        """The calls that the memory itself made."""
        return tuple(call for call in self.calls if call.purpose != "reply")


def silent(trace: Trace) -> Trace:
    """Return a trace whose errors tell nothing: what was forgotten since may be quoted in them."""
    told = "an error, whose words were forgotten"
    calls = tuple(replace(call, error=told) if call.error else call for call in trace.calls)
    return replace(trace, calls=calls, errors=(told,) * bool(trace.errors))


def text_hash(text: str) -> str:
    """Name a text by its content."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def reference(
    recall: Recall, state: State, instructions: str
) -> tuple[tuple[Item, ...], dict[str, str], dict[str, str]]:
    """Strip the texts from a recall's items; return the items, ref → hash, and hash → text for what no note holds."""
    held = {note.ref for note in state.notes.values()}
    hashes: dict[str, str] = {}
    texts: dict[str, str] = {}

    def keep(name: str, text: str) -> None:
        text = well_formed(text)
        hashes[name] = text_hash(text)
        texts[hashes[name]] = text

    if instructions:
        keep("instructions", instructions)
    for item in recall.items:
        if item.text is not None and item.ref not in held:
            keep(item.ref, item.text)
    return tuple(replace(item, text=None) if item.text is not None else item for item in recall.items), hashes, texts


def with_prompt(trace: Trace, texts: Mapping[str, str], prompt: Prompt, edited: bool) -> tuple[Trace, dict[str, str]]:
    """Return a trace and the texts to store with it for what is sent: an edited prompt, or again that recalled."""
    names = {name: hash for name, hash in trace.texts.items() if name != EDITED}
    kept = {hash: texts[hash] for hash in names.values() if hash in texts}
    if edited:
        text = to_text(prompt)
        names[EDITED] = text_hash(text)
        kept[names[EDITED]] = text
    sums, counts = prompt.segments(), prompt.counts
    return replace(trace, segments=sums, prompt_hash=prompt.hash(), texts=names, counts=counts), kept


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A prompt put together again from a trace; `exact` says that its hash is that of what was sent.

    `edited` says that somebody changed what the memory recalled before it was sent.
    """

    prompt: Prompt
    recall: Recall
    exact: bool
    edited: bool = False


def prompt_of(trace: Trace, transcript: Sequence[Turn], notes: Mapping[str, Note], texts: Mapping[str, str]) -> Rebuilt:
    """Rebuild the prompt of a turn from its trace, the transcript, the notes by ref and the texts by hash."""

    def text(item: Item) -> str:
        if item.ref in trace.texts:
            return texts.get(trace.texts[item.ref], "")
        full = notes[item.ref].text if item.ref in notes else ""
        return full if item.shortened is None else shorten(full, item.shortened, trace.encoding)

    items = tuple(replace(item, text=text(item)) if item.turns is None else item for item in trace.items)
    recall = Recall(items, trace.left_out)
    asked = transcript[trace.turn] if trace.turn < len(transcript) else None
    instructions = texts.get(trace.texts.get("instructions", ""), "")
    why = said_with(asked.pictures, trace.pictures, trace.model) if asked else ""
    query = asked.human if asked else ""
    prompt = from_text(texts.get(trace.texts[EDITED], ""), trace.encoding) if EDITED in trace.texts else None
    if prompt is None:
        prompt = assemble(instructions, recall, transcript, query, trace.encoding, trace.pictures, why)
    return Rebuilt(prompt, recall, prompt.hash() == trace.prompt_hash, EDITED in trace.texts)
