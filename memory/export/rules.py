"""The memories that can be written without this package, each as a few short functions.

    >>> rule_of(load().memory("window:k=3")).settings
    {'k': 3, 'step': 1}

`recall` chooses what of the earlier turns is sent; where a memory sums up, `remember` says what leaves. The frames of
LangGraph and LangChain stand in `alone.py`. None holds to a model's window, as ours do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from memory.base import Memory
from memory.common.names import one_line
from memory.strategies.summary import MAX_SUMMARY


@dataclass(frozen=True, slots=True)
class Rule:
    """A memory as code: its settings by name, `recall`, and `remember` where it sums up."""

    settings: Mapping[str, Any]
    recall: str
    remember: str = ""


_NONE = '''
def recall(turns):
    """Return what is sent of the earlier turns: nothing."""
    return []
'''

_BUFFER = '''
def recall(turns):
    """Return what is sent of the earlier turns: all of them."""
    return [message for turn in turns for message in turn]
'''

_WINDOW = '''
def recall(turns):
    """Return what is sent of the earlier turns: the last K, sliding every STEP."""
    first = max(0, len(turns) - K) // STEP * STEP if K else len(turns)
    return [message for turn in turns[first:] for message in turn]
'''

_TOKEN_BUFFER = '''
def recall(turns):
    """Return what is sent of the earlier turns: the newest whole ones that fit."""
    earlier = [message for turn in turns for message in turn]
    return trim_messages(
        earlier,
        max_tokens=MAX_TOKEN_LIMIT,
        token_counter=count,
        strategy="last",
        start_on="human",
    )
'''

_SIMPLE = '''
def recall(turns):
    """Return what is sent instead of the earlier turns: the facts."""
    facts = "\\n".join(f"{name}: {value}" for name, value in MEMORIES.items())
    return [SystemMessage(facts)] if facts else []
'''

_LAST_INPUT = '''
def recall(turns):
    """Return what is sent of the earlier turns: the last human message."""
    last = turns[-1] if turns else []
    return [message for message in last if message.type == "human"][:1]
'''

_SUMMARY = '''
def recall(turns, summary, first):
    """Return what is sent of the earlier turns: their summary."""
    return [SystemMessage(summary)] if summary else []
'''

_SUMMARY_STEPS = '''
def remember(model, turns, summary, first):
    """Sum up every SUMMARIZE_STEP turns; return summary and first turn not in it."""
    while len(turns) - first >= SUMMARIZE_STEP:
        end = first + SUMMARIZE_STEP
        summary, first = summarize(model, summary, turns[first:end]), end
    return summary, first
'''

_SUMMARY_BUFFER = '''
def recall(turns, summary, first):
    """Return what is sent: the summary, then the newest whole turns that fit."""
    limit = MAX_TOKEN_LIMIT - len(ENCODING.encode_ordinary(summary))
    kept = []
    for turn in reversed(turns[first:]):
        limit -= count(turn)
        if limit < 0:
            break
        kept = [*turn, *kept]
    return [SystemMessage(summary), *kept] if summary else kept
'''

_SUMMARY_BLOCKS = '''
def remember(model, turns, summary, first):
    """Move the oldest turns into the summary where both are over the limit."""
    sizes = [count(turn) for turn in turns]
    kept, end = sum(sizes[first:]), first
    if len(ENCODING.encode_ordinary(summary)) + kept <= MAX_TOKEN_LIMIT:
        return summary, first
    moved, room = 0, MAX_TOKEN_LIMIT - MAX_SUMMARY
    while end < len(turns) - 1 and (kept > room or moved < SUMMARIZE_BLOCK):
        kept, moved, end = kept - sizes[end], moved + sizes[end], end + 1
    if end == first:
        return summary, first
    return summarize(model, summary, turns[first:end]), end
'''

_SUMMARIZATION = '''
def recall(turns, summary, first):
    """Return what is sent: the summary, then all turns that are not in it."""
    kept = [message for turn in turns[first:] for message in turn]
    return [SystemMessage(summary), *kept] if summary else kept
'''

_SUMMARY_TRIGGER = '''
def remember(model, turns, summary, first):
    """Sum up all but the newest KEEP messages where the trigger is reached."""
    spent = sum(count(turn) for turn in turns[first:])
    spent += len(ENCODING.encode_ordinary(summary))
    kept, end = len(turns[-1]), len(turns) - 1
    while end > first and kept + len(turns[end - 1]) <= KEEP:
        kept, end = kept + len(turns[end - 1]), end - 1
    if spent < TRIGGER or end == first:
        return summary, first
    return summarize(model, summary, turns[first:end]), end
'''


def _facts(memory: Memory) -> Rule:
    # As ours sends them: a name on one line, a value's further lines indented.
    given: Mapping[str, str] = memory.settings.model_dump()["memories"]
    facts = {one_line(name): "\n    ".join(value.strip().splitlines()) for name, value in given.items()}
    return Rule({"memories": facts}, _SIMPLE)


def _summing(memory: Memory, recall: str, remember: str, more: Mapping[str, Any]) -> Rule:
    return Rule({**memory.settings.model_dump(), **more}, recall, remember)


def _blocks(memory: Memory) -> Rule:
    given = memory.settings.model_dump()
    room = max(1, given["max_token_limit"] // 4)
    block = given["summarize_block"] or room
    return _summing(memory, _SUMMARY_BUFFER, _SUMMARY_BLOCKS, {"summarize_block": block, "max_summary": room})


def _trigger(memory: Memory) -> Rule:
    most = max(1, memory.settings.model_dump()["trigger"] // 4)
    return _summing(memory, _SUMMARIZATION, _SUMMARY_TRIGGER, {"max_summary": most})


_RULES: dict[str, Callable[[Memory], Rule]] = {
    "NoMemory": lambda memory: Rule({}, _NONE),
    "ConversationBufferMemory": lambda memory: Rule({}, _BUFFER),
    "ConversationBufferWindowMemory": lambda memory: Rule(memory.settings.model_dump(), _WINDOW),
    "ConversationTokenBufferMemory": lambda memory: Rule(memory.settings.model_dump(), _TOKEN_BUFFER),
    "ConversationSummaryMemory": lambda memory: _summing(
        memory, _SUMMARY, _SUMMARY_STEPS, {"max_summary": MAX_SUMMARY}
    ),
    "ConversationSummaryBufferMemory": _blocks,
    "SummarizationMemory": _trigger,
    "SimpleMemory": _facts,
    "LastUserInputMemory": lambda memory: Rule({}, _LAST_INPUT),
}


def rule_of(memory: Memory) -> Rule | None:
    """Return a memory as code; None where its own search, notes or file are what it is made of."""
    make = _RULES.get(memory.name)
    return make(memory) if make else None
