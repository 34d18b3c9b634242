"""Claims about one prompt: which turns and which words were sent, which were not, and why.

    >>> stored_only([1], claim, of(live, 4))
    Verdict(held=True, measured='turn 1: stored, not sent (outside the last k=2 turns)')

The prompt is the one that was sent, byte for byte: where it cannot be put together again nothing is said of its words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from memory.common.words import plural
from memory.lessons.at import At
from memory.lessons.lesson import Claim
from memory.lessons.verdict import NOT_YET, Verdict, all_there, holds_part, none_there, turns

_RANK = re.compile(r"\brank ([\d,]+)")
NO_PROMPT = Verdict(None, "the prompt is not there yet, or cannot be put together any more since a part was forgotten")


def sent(wanted: Sequence[int], claim: Claim, at: At) -> Verdict:
    """Exactly these turns, word for word."""
    if at.items is None:
        return NOT_YET
    return Verdict(at.sent == set(wanted), f"sent: {turns(at.sent)}")


def includes(wanted: Sequence[int], claim: Claim, at: At) -> Verdict:
    """These turns among others."""
    if at.items is None:
        return NOT_YET
    return Verdict(at.sent >= set(wanted), f"sent: {turns(at.sent)}")


def stored_only(wanted: Sequence[int], claim: Claim, at: At) -> Verdict:
    """These turns are stored and were not sent, nor any part of them; `why` stands in the reason of each."""
    if at.items is None:
        return NOT_YET
    stored = {turn.index + 1 for turn in at.earlier}
    touched = {turn + 1 for item in at.items if item.turns for turn in range(*item.turns)}
    said, held = [], True
    for turn in wanted:
        why = at.reasons(turn)
        what = "not stored" if turn not in stored else "sent" if turn in touched else "stored, not sent"
        told = f" ({'; '.join(why)})" if why and turn not in touched else ""
        said.append(f"turn {turn:,}: {what}{told}")
        reasoned = claim.why is None or any(holds_part(one, claim.why) for one in why)
        held = held and turn in stored - touched and reasoned
    return Verdict(held and bool(wanted), "; ".join(said) or "no turn is named")


def alone(wanted: object, claim: Claim, at: At) -> Verdict:
    """Nothing but instructions and message."""
    if at.prompt is None:
        return NO_PROMPT
    brought = sum(message.tokens for message in at.brought)
    told = f"{plural(len(at.brought), 'piece')} of {plural(brought, 'token')} from memory"
    return Verdict(not at.brought, told if at.brought else "nothing from memory")


def prompt_has(wanted: Sequence[str], claim: Claim, at: At) -> Verdict:
    """Words in what memory put into it."""
    if at.prompt is None:
        return NO_PROMPT
    return all_there(wanted, [message.content for message in at.brought], "that memory put into the prompt")


def prompt_lacks(wanted: Sequence[str], claim: Claim, at: At) -> Verdict:
    """None of these words in what memory put into it."""
    if at.prompt is None:
        return NO_PROMPT
    return none_there(wanted, [message.content for message in at.brought], "that memory put into the prompt")


def best(wanted: int, claim: Claim, at: At) -> Verdict:
    """The turn that was ranked first, whether it was sent or not."""
    found: list[tuple[float, float, int]] = []
    for one in at.items or ():
        if one.turns and one.score is not None:
            rank = _RANK.search(one.why)
            found.append((float(rank[1].replace(",", "")) if rank else float("inf"), -one.score, one.turns[0] + 1))
    for left in at.left_out:
        if left.score is not None:
            found.append((left.rank or float("inf"), -left.score, left.turns[0] + 1))
    if not found:
        return Verdict(None, "nothing was ranked")
    _, score, turn = min(found)
    return Verdict(turn == wanted, f"ranked first: turn {turn:,}, score {-score:.2f}")


def picture_sent(wanted: bool, claim: Claim, at: At) -> Verdict:
    """Whether a picture itself was sent, be it with the message or from memory."""
    if at.prompt is None:
        return NO_PROMPT
    own = sum(len(message.pictures) for message in at.prompt.messages if message.segment == "query")
    recalled = sum(len(message.pictures) for message in at.brought)
    said = f"{plural(own, 'picture')} with the message, {plural(recalled, 'picture')} from memory"
    return Verdict((own + recalled > 0) == wanted, said)


def called(wanted: str, claim: Claim, at: At) -> Verdict:
    """The model called this tool while it answered."""
    if at.seen is None:
        return NOT_YET
    names = [str(call.get("name")) for message in at.seen.turn.messages for call in message.tool_calls]
    return Verdict(wanted in names, f"called: {', '.join(names) or 'no tool'}")
