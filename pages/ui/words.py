"""Small words that every view of the panel shares: spans, counts, tokens, names, colours.

    >>> turns((0, 5)), turn_list((3, 4, 7)), plural(1, "turn")
    ('turns 1 to 5', 'turns 4 to 5 and 8', '1 turn')

Turns are stored counted from 0 and shown counted from 1; the difference is made here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import streamlit as st

from memory.base import Note, Span, Turn
from memory.catalog import load
from memory.common.words import plural as plural
from memory.inspection.inspect import Inspection
from memory.longterm.facts import REFS
from memory.money.prices import dollars
from memory.tokens import split_model
from memory.trace import Call, Trace
from pages.ui.security import inert_label, literal_label

STATES = {"sent": "sent", "not sent": "stored, not sent", "summary": "covered by a note"}
COMING = {"sent": "would be sent", "not sent": "stored", "summary": "covered by a note"}
"""The same before the next message is asked, when nothing was sent yet."""
COLOURS = {"instructions": "gray", "memory": "violet", "history": "blue", "query": "yellow"}
"""One colour, one source of a piece of the prompt."""
_NOTHING = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
_PART = re.compile(r"^\d+\.")
_SORTS = {"passage": "passages", "summary": "summary", "facts": "facts", "triple": "triples", "entity": "notes"}
_SORTS |= {"fact": "facts", "profile": "profile", "episode": "episodes", "picture": "pictures"}


def turns(span: Span) -> str:
    """Name a span of turns."""
    first, end = span
    return f"turn {end:,}" if end - first == 1 else f"turns {first + 1:,} to {end:,}"


def spans(indexes: Iterable[int]) -> list[Span]:
    """Join neighbouring indexes, in ascending order."""
    found: list[Span] = []
    for index in sorted(indexes):
        if found and found[-1][1] == index:
            found[-1] = (found[-1][0], index + 1)
        else:
            found.append((index, index + 1))
    return found


def turn_list(indexes: Iterable[int], most: int = 4) -> str:
    """Name turns in the order of the thread, at most so many spans of them."""
    indexes = list(indexes)
    parts = [turns(span).removeprefix("turns ").removeprefix("turn ") for span in spans(indexes)]
    if len(parts) > most:
        parts = [*parts[: most - 1], "others"]
    joined = " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
    return f"{'turn' if len(indexes) == 1 else 'turns'} {joined}"


def fetch(transcript: Sequence[Turn], indexes: Iterable[int]) -> list[Turn]:
    """Read turns, neighbours at once."""
    return [turn for first, end in spans(indexes) for turn in transcript[first:end]]


def merged_and_gone(seen: Inspection) -> tuple[list[int], list[int]]:
    """Part the turns that left the prompt: those whose gist a summary still brings, and the others."""
    gist = [left.turns for left in seen.trace.left_out if left.kind == "summary"]
    merged = [turn for turn in seen.left if any(first <= turn < end for first, end in gist)]
    return merged, sorted(set(seen.left) - set(merged))


def states(seen: Inspection) -> Mapping[str, str]:
    """Name the states that a turn can be in."""
    return COMING if seen.coming else STATES


def score(value: float) -> str:
    """Write a score: two decimals, under 0.1 three significant digits, but no more than eight decimals."""
    if abs(value) >= 0.1 or not value:
        return f"{value:.2f}"
    return f"{float(f'{value:.3g}'):.8f}".rstrip("0").rstrip(".")


def segment(name: str, traces: Iterable[Trace]) -> str:
    """Name a source of pieces: what a memory brings is called what it is, as long as it is of two sorts at most."""
    if name != "memory":
        return name
    brought = [item for trace in traces for item in trace.items if item.segment == "memory"]
    sorts = list(dict.fromkeys("quoted turns" if item.quoted else _sort(item.ref) for item in brought))
    return " and ".join(sorts) if 0 < len(sorts) <= 2 else "memory"


def _sort(ref: str) -> str:
    """Name what a note is one of, by its ref; a part of a combined memory has a number before it."""
    id = _PART.sub("", ref.partition(":")[0])
    return _SORTS.get(id.partition("-")[0], "notes")


def number(count: int, exact: bool = True) -> str:
    return f"{'' if exact else '≈ '}{count:,}"


def tokens(count: int, exact: bool = True) -> str:
    return f"{'' if exact else '≈ '}{plural(count, 'token')}"


def seconds(time: float) -> str:
    return f"{time:.1f} s" if time >= 0.95 else f"{time * 1000:.0f} ms"


def percentage(share: float) -> str:
    return f"{share:.0%}".replace("%", " %") if share >= 0.01 else "less than 1 %"


def memory_label(trace: Trace) -> str:
    """Name the memory as its selector does; a plug-in that is gone keeps its class's name."""
    return label_of(trace.memory) or "No memory"


def label_of(memory: str) -> str:
    cls = load().memories.get(memory)
    return cls.label if cls else memory


def caveat(trace: Trace) -> str | None:
    cls = load().memories.get(trace.memory)
    return cls.caveat if cls else None


def note_name(ref: str, notes: Mapping[str, Note] = MappingProxyType({})) -> str:
    """Name a version of a note by its ref: `summary:3` is "Summary v3".

    Whom an entity's note is on, and what a triple says, is found in `notes`, by id.
    """
    id, _, version = ref.partition(":")
    data, of = notes[id].data if id in notes else {}, f" v{version}" if version else ""
    kind, _, rest = _PART.sub("", id).partition("-")
    if kind == "passage":
        return f"Passage {rest.rpartition('-')[2] or version.rpartition(':')[2]}"
    if kind in ("fact", *REFS.values()) and (":" in version or "-" in rest):
        # Remembered across conversations: the beginning of a hash tells it from others, and in a search finds it.
        key, _, number = rest.rpartition("-") if "-" in rest else version.partition(":")
        which = f" {key[:4]}" if re.fullmatch(r"[0-9a-f]{8,}", key) else ""
        if kind == "fact" and not which:
            kind = key
        # There is one profile.
        return f"{kind.capitalize()}{'' if kind == 'profile' else which} v{number}"
    if kind == "fact" and not rest:
        return f"Fact {version}"
    if kind == "recalled" and rest.isdecimal():
        return f"Recalls of {turns((int(rest), int(rest) + 1))}"
    if kind == "picture" and re.fullmatch(r"\d+-\d+", rest):
        turn, _, number = rest.partition("-")
        edited = of if version != "1" else ""
        return f"Picture {'' if number == '1' else f'{number} '}of turn {int(turn):,}{edited}"
    if kind == "entity":
        return f"Note on {data['name']}{of}" if "name" in data else f"Entity{of}"
    if kind == "triple":
        parts = " ".join(str(data.get(name, "")) for name in ("subject", "predicate", "object"))
        return f"Triple: {parts}" if "subject" in data else f"Triple{of}"
    if kind == "facts":
        return "Facts"
    # What names a thing by a hash tells a reader nothing.
    named = f"{kind} {rest}" if rest and not re.fullmatch(r"[0-9a-f]{8,}", rest) else kind
    return f"{named.replace('_', ' ').strip().capitalize()}{of}"


def is_recall(id: str) -> bool:
    """Whether a note only says which turns a turn recalled, and nothing that was said."""
    return _PART.sub("", id).startswith("recalled-")


def place(turn: int, message: int | None = None) -> str:
    """Name a turn, or a message of one: "turn 12, message 2"."""
    return turns((turn, turn + 1)) + ("" if message is None else f", message {message + 1}")


def model_name(model: str) -> str:
    return split_model(model)[1] or model


def priced_as(call: Call) -> str:
    """Say whose prices hold where the model has none of its own, as in "as gpt-5-mini"."""
    return f"as {model_name(call.priced_as)}" if call.priced_as and call.priced_as != call.model else ""


def measured(call: Call, trace: Trace) -> bool:
    """Whether the call's figures hold exactly: the provider's own, or counted with the model's own tokenizer."""
    return call.measured or trace.exact


def money(call: Call, trace: Trace) -> str:
    """Write a call's cost; "≈" where its tokens are."""
    return dollars(call.cost) if call.cost is None or measured(call, trace) else f"≈ {dollars(call.cost)}"


def escaped(text: str) -> str:
    """Make a text of anybody's safe inside our Markdown; money, too, since "$" begins a formula there."""
    return inert_label(text)


def literal(text: str) -> str:
    """Make a name of anybody's appear as it was typed inside our Markdown, also where it holds emphasis."""
    return literal_label(text)


def unseen(name: str) -> str:
    """Write a label that is heard and not seen, for a button that shows its icon alone; `name` is words of ours.

    Without it a screen reader would say the icon's own name: "ink_eraser icon".
    """
    return f"![{name}]({_NOTHING})"


def badge(colour: str, text: str) -> str:
    """Write a badge in Markdown; its text ends at a bracket."""
    return f":{colour}-badge[{literal(text)}]"


def colour(name: str, part: str = "Color") -> str:
    """Name a colour of the theme for a chart: the browser takes the one that fits, also right after a switch.

    Charts drawn as SVG hand a colour on as it is written, so CSS may choose.
    """
    light, dark = (st.get_option(f"theme.{theme}.{name}{part}") for theme in ("light", "dark"))
    return f"light-dark({light or name},{dark or light or name})"


def ink() -> str:
    return colour("text")
