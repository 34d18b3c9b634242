"""Rule 12 by counting: what a turn takes at the end of a conversation, beside what it took at its beginning.

>>> judge([Work("turns read beyond those sent", amounts=[0, 0, 1, 0, …])])
Check(id='growth', verdict='holds', said='turns read beyond those sent: 0 a turn in the first tenth, 1 in the last')

Time is not looked at: a busy machine would decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from memory.lint.report import Check, broken, holds, not_known

FEWEST = 40
"""Turns from which on growth is told from chance."""
_FAR, _ON = 3.0, 1.35
"""Work grows where the last tenth takes so many times what the first did, and so many times what the middle did.

Where each turn takes one unit more, the middle has half of the end; where the work levels off, all of it.
"""
_SMALL = 8.0
"""So much more in a turn is no growth yet: a block that is fetched at once."""


@dataclass(slots=True)
class Work:
    """What is counted under a name: an amount for each turn, and `fair`, the sum that is no growth however it falls.

    A memory that begins to summarise in the middle takes more at the end than at the beginning, and yet it may have
    read everything but a few times.
    """

    name: str
    amounts: list[float] = field(default_factory=list)
    fair: float = 0.0


def fair_calls(said: int, calls: int) -> float:
    """Return the tokens that calls may have read: all that was said several times, and instructions each time."""
    return 8.0 * said + 600.0 * calls


def judge(work: Sequence[Work], stopped: str = "") -> Check:
    """Compare the last tenth with the first and the middle; `stopped` says why a run was ended before its end."""
    length = min((len(one.amounts) for one in work), default=0)
    if length < FEWEST and not stopped:
        return not_known("growth", f"a conversation of {length} turns is too short to tell: {FEWEST} are needed")
    tenth = max(1, length // 10)
    told, grew = [], []
    for one in work:
        amounts = one.amounts
        first, last = _mean(amounts[:tenth]), _mean(amounts[length - tenth : length])
        middle = _mean(amounts[(length - tenth) // 2 : (length + tenth) // 2])
        said = f"{one.name}: {first:,.0f} a turn in the first tenth, {last:,.0f} in the last"
        far = last > _FAR * first and last > _ON * middle and last - middle > _SMALL
        if far and sum(amounts) > one.fair:
            grew.append(said)
        elif first or last:
            told.append(said)
    if grew:
        also = f"; {stopped}" if stopped else ""
        return broken("growth", "; ".join(grew) + also, [length - 1])
    return holds("growth", "; ".join(told) or "it reads and asks nothing beyond what it sends")


def _mean(amounts: Sequence[float]) -> float:
    return sum(amounts) / max(1, len(amounts))
