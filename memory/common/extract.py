"""One model call that fills schemas: what a turn tells, as objects; and what the memories made of them share.

    >>> extract(services, [SystemMessage("Note whom the lines name."), HumanMessage(lines)], "entities", 400, [Entity])
    [Entity(name='Sam', note='Sam works at Acme.')]

A call that is malformed loses itself alone: the others of the same answer are kept, and the loss is told in the trace.
Whether there is anything to keep is the model's to say, by `Nothing`: an answer in prose is no extraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, ValidationError

from memory.base import LeftOut, Note, Recall, Services, Span, State, Turn
from memory.common.fit import newest
from memory.common.summarize import lines_within
from memory.errors import InspectorError
from memory.views import Graph, View, blocks_and_notes

MOST_OBJECTS = 20
"""How many objects of one answer are kept; a model that repeats itself fills no store."""
MOST_SOURCES = 100
"""How many source turns a note keeps, the newest; its span names them all."""


class Nothing(BaseModel):
    """Say that the new lines hold nothing to keep."""


def extract(
    services: Services,
    messages: Sequence[BaseMessage],
    purpose: str,
    max_tokens: int,
    schemas: Sequence[type[BaseModel]],
) -> list[BaseModel]:
    """Ask the memory's model for objects of these schemas; what cannot be used is reported and left out.

    `max_tokens` is how long its answer is expected to be at most. Raises ModelFailed where there was no answer.
    """
    tools: list[type[BaseModel]] = [*schemas, Nothing]
    answer = services.ask(messages, purpose, max_tokens, tools)
    by_name = {tool.__name__: tool for tool in tools}
    objects: list[BaseModel] = []
    faults = [f"{call['name'] or 'a call'} was no JSON" for call in answer.invalid_tool_calls]
    for call in answer.tool_calls:
        schema = by_name.get(call["name"])
        try:
            if schema is None:
                faults.append(f"there is no tool {call['name'][:40]!r}")
            elif len(objects) < MOST_OBJECTS:
                objects.append(schema.model_validate(call["args"]))
            else:
                faults.append(f"it was beyond the {MOST_OBJECTS} that are kept")
        except ValidationError as error:
            first = error.errors()[0]
            faults.append(f"{call['name']}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
    asked = len(answer.tool_calls) + len(answer.invalid_tool_calls)
    if faults:
        told = "; ".join(dict.fromkeys(faults[:3]))
        services.failed(
            InspectorError(f"{len(faults)} of {asked} things that the memory's model noted were lost: {told}.")
        )
    elif not asked and answer.text.strip():
        services.failed(
            InspectorError("The memory's model answered in prose instead of noting anything: nothing was taken in.")
        )
    return [one for one in objects if not isinstance(one, Nothing)]


def said(turn: Turn, services: Services, reserved: int) -> str:
    """Write a turn as lines for the memory's model, shortened where it does not fit beside `reserved` tokens."""
    return lines_within(turn, max(1, services.input_limit - reserved), services.encoding)


def sources_of(note: Note) -> tuple[int, ...]:
    """Return the indexes of the turns that a note came from."""
    return tuple(note.data.get("turns", ()))


def with_source(earlier: Note | None, index: int) -> tuple[list[int], Span]:
    """Add a turn to those that a note came from; return the newest of them and the span of all."""
    turns = sorted({*(sources_of(earlier) if earlier else ()), index})
    return turns[-MOST_SOURCES:], (min(turns[0], earlier.turns[0]) if earlier else index, index + 1)


def beside_notes(sent: Sequence[Note], transcript: Sequence[Turn], k: int, limit: int, encoding: str) -> Recall:
    """Recall the last `k` turns beside notes that are sent; turns before them that a note tells of have their gist."""
    first = max(0, len(transcript) - k)
    recent = newest(transcript, first, limit, encoding, f"one of the last k={k} turns")
    told = sorted({turn for note in sent for turn in sources_of(note) if turn < first})
    # No name: a trace holds no word that was said.
    gone, gist = f"outside the last k={k} turns", "told of in the notes that are sent"
    left: list[LeftOut] = []
    end = 0
    for turn in told:
        if end < turn:
            left.append(LeftOut((end, turn), gone))
        if left and left[-1].kind == "summary" and end == turn:
            left[-1] = replace(left[-1], turns=(left[-1].turns[0], turn + 1))
        else:
            left.append(LeftOut((turn, turn + 1), gist, "summary"))
        end = turn + 1
    if end < first:
        left.append(LeftOut((end, first), gone))
    return Recall(recent.items, (*left, *recent.left_out))


def drawn(state: State, recall: Recall, length: int, graph: Graph) -> View:
    """Draw a graph beside the strip of turns, and the cards of those notes alone that were sent or are new."""
    sent = {item.ref for item in recall.items}
    view = blocks_and_notes(state, recall, length)
    cards = [note for note in view.notes if note.text and (note.ref in sent or note.since == state.covered)]
    return replace(view, notes=tuple(cards), forms=(graph,))
