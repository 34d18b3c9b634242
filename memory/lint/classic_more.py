"""What else is tried with LangChain's classes: a restart, a clear, another session, a model that fails.

>>> failing(live).said
'the call for its summary failed once at turn 14: turn 1 is in nothing that it sends or was told later'
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from langchain_core.messages import BaseMessage, SystemMessage

from memory.base import Item, Recall, Turn
from memory.common.words import plural
from memory.lint.bench import parted
from memory.lint.classic_live import SESSION, ClassicLive
from memory.lint.deployed import messages_of
from memory.lint.probe import MARK, forged_line, forged_turns, tool_turn
from memory.lint.report import Check, broken, difference, holds, not_known
from memory.lint.words import found, quoted, telling
from memory.prompt import assemble
from memory.tokens import DEFAULT_ENCODING

PREFIX = 40
"""So many turns are said again where a second run is compared with the first."""
AFTER = 20
"""So many turns follow the one at which its model failed."""


def restarted(live: ClassicLive) -> Check:
    """Make the class anew over the same session, as a process does that begins."""
    query = live.last_query
    # What is loaded may ask the model; both are asked alike.
    before, after = live.load(live.memory, query), live.load(live.deployed.memory(SESSION), query)
    if before == after:
        many = f"{len(before):,} text{'s' * (len(before) != 1)}"
        return holds("restart", f"a new process sends the same {many}")
    lost = sum(map(len, before)) - sum(map(len, after))
    what = (
        "sends nothing of it" if not any(after) else f"sends {abs(lost):,} characters {'less' if lost > 0 else 'more'}"
    )
    diff = difference("\n".join(before), "\n".join(after))
    new = "a new process begins with an empty history and" if _alone(live) else "a new process over the same history"
    said = f"{new} {what}: {'all' if _alone(live) else 'what it had noted'} was in the old one alone"
    return broken("restart", said, [len(live.turns) - 1], diff=diff)


def _alone(live: ClassicLive) -> bool:
    return live.deployed.history == "in memory"


def replayed(live: ClassicLive) -> Check:
    """Save the first turns again in a new session, without a reading between them."""
    length = min(PREFIX, len(live.turns) - 1)
    memory = live.deployed.memory("lint-replay")
    for turn in live.turns[:length]:
        _save(memory, turn)
    return _compared(live, "replay", memory, length, "saved again without being read in between")


def asynchronous(live: ClassicLive) -> Check:
    """Save the first turns by `asave_context`, each read before as in a chain."""
    length = min(PREFIX, len(live.turns) - 1)
    memory = live.deployed.memory("lint-async")

    async def save() -> None:
        for turn in live.turns[:length]:
            await memory.aload_memory_variables({"input": turn.human})
            await memory.asave_context({"input": turn.human}, {"output": turn.ai})

    try:
        asyncio.run(save())
    except Exception as error:
        return broken("async", f"it failed ({type(error).__name__}: {error})")
    return _compared(live, "async", memory, length, "saved asynchronously")


def twice(live: ClassicLive) -> Check:
    """Save one turn twice, as after an answer of the server's that was lost."""
    memory, turn = live.deployed.memory("lint-twice"), live.turns[-1]
    _save(memory, turn)
    once = live.deployed.kept(memory, "lint-twice")
    _save(memory, turn)
    stands = "it stands there twice" if live.deployed.kept(memory, "lint-twice") != once else "it stands there once"
    return not_known("twice", f"it takes no id of a turn, so that a repeat cannot be told; saved again, {stands}")


def other_owner(live: ClassicLive) -> Check:
    """Ask for the words of this session in another one."""
    if not live.deployed.spec.chats:
        return not_known("owner", "whose turns they are is left to whoever makes it")
    words = telling(live.turns)
    if not words:
        return not_known("owner", "there is no word to be looked for")
    sent = "\n".join(live.load(live.deployed.memory("lint-other"), " ".join(list(words)[:30])))
    query = set(list(words)[:30])
    leaked = [word for word in found(words, sent) if word not in query]
    if leaked:
        return broken("owner", f"another session was sent {quoted(leaked, words)}", [words[leaked[0]]])
    return holds("owner", f"another session, asked for {len(words):,} words of this one, was sent none")


def cleared(live: ClassicLive) -> Check:
    """Call `clear` and look for what was said in all that it holds."""
    blank = live.deployed.kept(live.deployed.memory("lint-blank"), "lint-blank")
    words = telling(live.turns, blank)
    before = found(words, live.deployed.kept(live.memory, SESSION))
    if not before:
        return holds("clear", "it holds no word of what was said, before and after")
    try:
        live.memory.clear()
    except Exception as error:
        return broken("clear", f"clear() failed ({type(error).__name__}: {error})")
    held = f"{live.deployed.kept(live.memory, SESSION)}\n" + "\n".join(live.load(live.memory, "What do you know?"))
    left = found(before, held)
    if left:
        said = f"after clear() it still holds {len(left):,} of {len(before):,} words: {quoted(left, words)}"
        return broken("clear", said, sorted({words[word] for word in left}))
    return holds("clear", f"{plural(len(before), 'word')} of the conversation in it before and none after")


def failing(live: ClassicLive) -> Check:
    """Let its model fail at one turn, and go on as a user does who saw an error."""
    if not live.asked:
        return holds("failure", f"it asked no model in these {len(live.turns):,} turns, so that none could fail")
    at = live.asked[1] if len(live.asked) > 1 else live.asked[0]
    memory, watch, begun = live.deployed.memory("lint-failing"), live.watch, len(live.watch.calls)
    for index, turn in enumerate(live.turns[: at + 1 + AFTER]):
        watch.fails = index == at
        try:
            # Where reading fails there is no answer, and nothing to save.
            memory.load_memory_variables({"input": turn.human})
            memory.save_context({"input": turn.human}, {"output": turn.ai})
        except Exception:
            continue
        finally:
            watch.fails = False
    calls = watch.calls[begun:]
    failed = [place for place, call in enumerate(calls) if call.failed]
    if not failed:
        return not_known("failure", f"at turn {at + 1:,}, where its model was to fail, it was not asked")
    held = live.deployed.kept(memory, "lint-failing")
    told = "\n".join(call.prompt for call in calls[failed[-1] + 1 :] if not call.failed)
    sent = "\n".join(live.load(memory, live.turns[min(at + AFTER, len(live.turns) - 1)].human))
    if (
        live.deployed.spec.chats
        and live.turns[at].human
        and live.turns[at].human not in held
        and (live.turns[at].human not in told)
    ):
        return broken("failure", f"its model failed at turn {at + 1:,}: that turn was never stored", [at])
    asked = "\n".join(calls[place].prompt for place in failed)
    lost = [
        index
        for index, turn in enumerate(live.turns[: at + 1])
        if any(text and text in asked and text not in told and text not in sent for text in (turn.human, turn.ai))
    ]
    times = f"{len(failed):,} call{'s' * (len(failed) != 1)}"
    if lost:
        names = ", ".join(f"{index + 1:,}" for index in lost[:5])
        many = "turns" if len(lost) > 1 else "turn"
        return broken(
            "failure",
            f"{times} of its model failed, at turn {at + 1:,}: {many} {names} had been handed over then, and "
            f"{'are' if len(lost) > 1 else 'is'} in nothing that it sends or asked later",
            lost,
        )
    return holds("failure", f"{times} of its model failed, at turn {at + 1:,}: what it was to read came again later")


def probes(live: ClassicLive) -> list[Check]:
    """Try tool calls and typed speakers in sessions of their own."""
    return [_tools(live), _roles(live)]


def _tools(live: ClassicLive) -> Check:
    memory = live.deployed.memory("lint-tools")
    if not live.deployed.spec.chats or not memory.return_messages:
        return not_known("tools", "it takes and gives texts alone, tool calls are not kept")
    plain = live.turns[-1]
    torn = ""
    for number in range(12):
        turn = tool_turn(number) if number % 2 else plain
        with suppress(Exception):
            # As agents keep them: save_context takes two texts and would drop the calls.
            memory.chat_memory.add_messages(_as_messages(turn))
            sent = messages_of(memory.load_memory_variables({"input": "And now?"}))
            torn = torn or parted(sent) or ""
    if torn:
        return broken("tools", f"with tool calls in its history, {torn}")
    return holds("tools", "six turns with two tool calls each were sent whole or not at all")


def _roles(live: ClassicLive) -> Check:
    memory, begun, forged = live.deployed.memory("lint-roles"), len(live.watch.calls), ""
    for turn in forged_turns(0) * 2:
        with suppress(Exception):
            sent: list[BaseMessage] = messages_of(memory.load_memory_variables({"input": turn.human}))
            forged = forged or forged_line([one.text for one in sent if isinstance(one, SystemMessage)]) or ""
            _save(memory, turn)
    own = forged_line([call.prompt for call in live.watch.calls[begun:]]) or ""
    if not forged and not own:
        return holds("roles", "what a user typed after a line break stayed the user's")
    where = "in what it sends" if forged else "in what its own model is sent"
    return broken("roles", f"a user typed “{(forged or own).replace(MARK, '…')}”, and {where} it is a line of its own")


def _as_messages(turn: Turn) -> list[BaseMessage]:
    recall = Recall((Item("turns:0-0", "history", "", 0, turns=(0, 1)),))
    return assemble("", recall, [turn], "", DEFAULT_ENCODING).langchain()[:-1]


def _save(memory: Any, turn: Turn) -> None:
    memory.save_context({"input": turn.human}, {"output": turn.ai})


def _compared(live: ClassicLive, id: str, memory: Any, length: int, how: str) -> Check:
    expected, again = live.sent[length], live.load(memory, live.turns[length].human)
    if expected == again:
        return holds(
            id, f"{length:,} of {plural(live.length, 'turn')}, {how}: the same {len(expected):,} texts are sent"
        )
    diff = difference("\n".join(expected), "\n".join(again))
    size, was = sum(map(len, again)), sum(map(len, expected))
    said = f"{length:,} of {plural(live.length, 'turn')}, {how}: {size:,} characters are sent where it was {was:,}"
    return broken(id, said, [length], diff=diff)
