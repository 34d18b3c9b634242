"""The sizes of an average turn, of which a projection is made: typed, or those of a conversation.

>>> averages(traces)
Averages(system=24, user=9, assistant=31, summary=58, …, of='the average of 12 turns of this conversation')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from memory.strategies.entity import MAX_NOTE
from memory.trace import Call, Trace

MADE_BY = {"triples": "ConversationKGMemory", "entities": "ConversationEntityMemory"}
"""Which memory asks for this, also where it is a part of another; its calls do not follow from sizes."""


@dataclass(frozen=True, slots=True)
class Averages:
    """Tokens of an average turn: what a projection is made from.

    `template` is what a call for a summary is sent besides the old summary and the turns (0: what this project's own
    is), `note` what a memory of facts sends of them with a message. By a memory's name, `notes` are the tokens of notes
    that it did send, `own` the input and output of its own calls in a turn, as far as known. `of` says where the
    figures come from.
    """

    system: int = 300
    user: int = 80
    assistant: int = 200
    summary: int = 250
    template: int = 0
    note: int = MAX_NOTE
    notes: Mapping[str, int] = field(default_factory=dict)
    own: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    of: str = "typed"

    @property
    def turn(self) -> int:
        return self.user + self.assistant


def averages(traces: Sequence[Trace], events: Sequence[Trace] = ()) -> Averages | None:
    """Take the averages of a conversation from its traces; None where none of them had an answer.

    `events` are what happened between its turns: a memory's calls when it was switched to are its own as well.
    """
    turns = [trace for trace in traces if trace.kind == "turn" and trace.reply and trace.reply.error is None]
    if not turns:
        return None
    replies = [trace.reply.output_tokens for trace in turns if trace.reply]
    summaries = [item.tokens for trace in turns for item in trace.items if _is_summary(item.ref)]
    notes: dict[str, int] = {}
    for name in {trace.memory for trace in turns}:
        of = [trace for trace in turns if trace.memory == name]
        notes[name] = _mean([sum(item.tokens for item in trace.items if not item.turns) for trace in of])
    return Averages(
        _mean([trace.segments.get("instructions", 0) for trace in turns]),
        max(1, _mean([trace.segments.get("query", 0) for trace in turns])),
        max(1, _mean(replies)),
        _mean(summaries) if summaries else Averages().summary,
        notes=notes,
        own=_own([*turns, *(event for event in events if event.kind in ("switch", "reflect"))]),
        of=f"the average of {len(turns):,} {'turn' if len(turns) == 1 else 'turns'} of this conversation",
    )


def _own(traces: Sequence[Trace]) -> dict[str, tuple[int, int]]:
    """Take the own calls of an average turn by the memory that makes them, be it alone or a part of another."""
    asked: dict[str, list[Call]] = {}
    within: dict[str, set[str]] = {}
    for trace in traces:
        for call in trace.own_calls if trace.kind == "turn" else trace.calls:
            if call.purpose != "embedding" and not call.error:
                for name in {trace.memory, MADE_BY.get(call.purpose, trace.memory)}:
                    asked.setdefault(name, []).append(call)
                    within.setdefault(name, set()).add(trace.memory)
    own: dict[str, tuple[int, int]] = {}
    for name, calls in asked.items():
        length = sum(_taken_in(trace) for trace in traces if trace.memory in within[name])
        if length and (spent := [call for call in calls if not call.reused]):
            # What was answered from the cache would have been a call like the others.
            times = len(calls) / length
            sizes = (_mean([call.input_tokens for call in spent]), _mean([call.output_tokens for call in spent]))
            own[name] = (round(times * sizes[0]), round(times * sizes[1]))
    return own


def _taken_in(trace: Trace) -> int:
    """Count the turns of which a trace's own calls are: one, or at a switch those that the memory caught up with."""
    if trace.kind == "turn":
        return 1
    return max(0, (trace.after.covered if trace.after else 0) - (trace.before.covered if trace.before else 0))


def _mean(values: Sequence[int]) -> int:
    return round(sum(values) / len(values)) if values else 0


def _is_summary(ref: str) -> bool:
    return ref.rpartition(":")[0].rpartition(".")[2] == "summary"
