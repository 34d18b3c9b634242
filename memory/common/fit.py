"""What every memory does with a budget: the newest whole turns that fit, one too long for it shortened.

    >>> newest(transcript, 0, limit=100, encoding="o200k_base", why="every turn").items
    (Item(ref='turns:3-8', segment='history', why='every turn', tokens=93, turns=(3, 9)),)

Rule 2: never over the budget; a turn alone over it is cut at a token boundary and marked, not dropped, unless its
tool calls, which nothing can cut, are over it already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memory.base import Item, LeftOut, Note, Recall, Span, Turn
from memory.tokens import count_tokens, shorten
from memory.transcript import backwards


def span_ref(first: int, end: int) -> str:
    """Name the turns from `first` up to, not including, `end`."""
    return f"turns:{first}-{end - 1}"


def newest(
    transcript: Sequence[Turn], first: int, limit: int, encoding: str, why: str, over: str | None = None
) -> Recall:
    """Recall the newest whole turns from index `first` on that fit `limit` tokens.

    `why` says why the kept turns are there, `over` why others of them are not (default: the budget in tokens).
    Turns before `first` are the caller's to explain.
    """
    length = len(transcript)
    tokens, start = 0, length
    for turn in backwards(transcript, first):
        size = turn.count(encoding)
        if tokens + size > limit:
            break
        tokens, start = tokens + size, turn.index
    items: tuple[Item, ...] = ()
    left: tuple[LeftOut, ...] = ()
    if start < length:
        items = (Item(span_ref(start, length), "history", why, tokens, turns=(start, length)),)
    elif first < length and limit > 0:
        start = length - 1
        cut = shorten_turn(transcript[start], limit, encoding).count(encoding)
        if cut <= limit:
            items = (
                Item(
                    span_ref(start, length),
                    "history",
                    f"{why}; shortened to the budget of {limit} tokens",
                    cut,
                    turns=(start, length),
                    shortened=limit,
                ),
            )
        else:
            why = f"its tool calls alone are over the budget of {limit} tokens"
            left = (LeftOut((start, length), why, "budget"),)
    older = LeftOut((first, start), over or f"over the budget of {limit} tokens", "budget")
    return Recall(items, (older, *left) if first < start else left)


def shorten_turn(turn: Turn, limit: int, encoding: str) -> Turn:
    """Cut a turn's contents so that it has `limit` tokens with its tool calls; the longest messages give way first.

    No message is dropped and no tool call is cut. Where the calls alone are over the limit no cut can keep to it; then
    the contents alone have `limit` tokens, and who wants the calls as well must look at the turn's count.
    """
    sizes = [message.count_content(encoding) for message in turn.messages]
    calls = sum(message.count_calls(encoding) for message in turn.messages)
    shares = _fair_shares(sizes, limit - calls if calls <= limit else limit)
    messages = tuple(
        message if share >= size else replace(message, content=shorten(message.content, share, encoding), tokens={})
        for message, size, share in zip(turn.messages, sizes, shares, strict=True)
    )
    return replace(turn, messages=messages)


def _fair_shares(sizes: list[int], limit: int) -> list[int]:
    """Divide `limit` so that what a short message leaves goes to the longer ones."""
    shares, rest = [0] * len(sizes), limit
    for done, place in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[place] = min(sizes[place], rest // (len(sizes) - done))
        rest -= shares[place]
    return shares


def note_left_out(note: Note, turns: Span) -> LeftOut:
    """Say why a note of which nothing was sent brings nothing of its turns either."""
    if not note.text:
        return LeftOut(turns, "told of in a note that was forgotten")
    return LeftOut(turns, "over the budget", "budget")


def note_item(ref: str, text: str, why: str, limit: int, encoding: str, tokens: int) -> Item | None:
    """Recall a note's text of `tokens` tokens, cut to `limit` where it is longer; None where nothing is left of it."""
    if tokens <= limit:
        return Item(ref, "memory", why, tokens, text=text) if text else None
    cut = shorten(text, limit, encoding)
    if not cut:
        return None
    return Item(
        ref,
        "memory",
        f"{why}; shortened to the budget of {limit} tokens",
        count_tokens(cut, encoding),
        text=cut,
        shortened=limit,
    )
