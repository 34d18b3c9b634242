"""How several memories divided one budget: what each was offered, what it sent, and what it left out.

    >>> [(share.label, share.tokens, share.offered) for share in recall.shares]
    [('Last turns', 120, 500), ('Facts', 45, 880), ('Documents', 310, 835)]

A share is taken down when the prompt is made and stands in the turn's trace: what a part was offered depends on what
those before it took, and cannot be told from what was sent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory.base import Recall

MOST_REASONS = 4
SENDS_NONE = "and no turns"
"""How the reason of a memory ends that sends no turns at all."""
_OWN_RANK = re.compile(r"^rank [\d,]+(?: of (?:the )?top ([\d,]+))?")


@dataclass(frozen=True, slots=True)
class Share:
    """What a part of a composed memory sent: `items` pieces of `tokens` together, of at most `offered` tokens.

    `left` are its reasons for what it left out, each with the turns that it speaks of, those of most turns first.
    """

    label: str
    offered: int
    tokens: int
    items: int = 0
    left: tuple[tuple[str, int], ...] = ()


def divided(
    recall: Recall, owners: Mapping[str, int], recalls: Sequence[Recall], labels: Sequence[str], offered: Sequence[int]
) -> tuple[Share, ...]:
    """Return the share of each part; `owners` says by its ref which part an item of the whole recall is from."""
    shares = []
    for number, (label, most) in enumerate(zip(labels, offered, strict=True)):
        items = [item for item in recall.items if owners[item.ref] == number]
        spent = sum(item.tokens for item in items)
        # The date lines of quotes are counted once, in the block in which they stand: never more than was offered.
        shares.append(Share(label, max(most, spent), spent, len(items), _reasons(recalls[number])))
    return tuple(shares)


def named_apart(labels: Sequence[str]) -> list[str]:
    """Return labels of which no two are the same: the second of two is counted.

    >>> named_apart(["Window", "Facts", "Window"])
    ['Window', 'Facts', 'Window 2']
    """
    seen: Counter[str] = Counter()
    found = []
    for label in labels:
        seen[label] += 1
        found.append(label if seen[label] == 1 else f"{label} {seen[label]}")
    return found


def _reasons(recall: Recall) -> tuple[tuple[str, int], ...]:
    """Count the turns that a part left out by its reasons; the ranks of single turns are one reason."""
    turns: Counter[str] = Counter()
    for left in recall.left_out:
        if left.why.endswith(SENDS_NONE):
            continue  # it left nothing out: turns are not what it sends
        turns[_without_rank(left.why)] += left.turns[1] - left.turns[0]
    return tuple(turns.most_common(MOST_REASONS))


@lru_cache(maxsize=4096)
def _without_rank(why: str) -> str:
    return _OWN_RANK.sub(lambda rank: f"not among the best {rank[1]}" if rank[1] else "not among the best", why)
