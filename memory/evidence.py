"""Whether what answers a question is in a prompt: message by message, word for word, and why it is not.

    >>> check = check_evidence(recall, question, places, sizes)
    >>> check.found, check.missing
    (('D1:3',), (Missing('D4:7', 'rank 31 of top 20', 14, 0),))

A message counts where its whole text stands in a turn or message that was sent. A summary or a note says the same in
other words or does not: `overlap` measures it apart, by the share of the message's stems that stand in the notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from memory.base import Item, LeftOut, Recall, Turn
from memory.common.fit import span_ref
from memory.money.prompt_cache import Sizes
from memory.retrieval.words import terms

Place = tuple[int, int]
"""The index of a turn and a message's place in it."""
Noted = Literal["", "new", "old", "both", "neither"]
"""Which word stands in the notes that were sent: the answer's, that of what is outdated; "" where no note was sent."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A message that was not sent whole; `deep` says that its rank is not known by the recall itself."""

    message: str
    why: str
    turn: int
    place: int
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """Which evidence was in a prompt; `overlap` is from 0 to 1, None where no note was sent or nothing is asked for."""

    found: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    overlap: float | None = None

    @property
    def share(self) -> float | None:
        count = len(self.found) + len(self.missing)
        return len(self.found) / count if count else None


def places_of(turns: Iterable[Turn]) -> dict[str, list[Place]]:
    """Find messages by their ids of the import; an id that was given twice has two places."""
    places: dict[str, list[Place]] = {}
    for turn in turns:
        for place, message in enumerate(turn.messages):
            if message.source is not None:
                places.setdefault(message.source, []).append((turn.index, place))
    return places


def check_evidence(recall: Recall, wanted: Sequence[str], places: Mapping[str, list[Place]], sizes: Sizes) -> Check:
    """Look for the messages with the ids `wanted`; those that were said later than the transcript's end are missing."""
    found: list[str] = []
    missing: list[Missing] = []
    end = len(sizes.turns)
    for id in wanted:
        spots = [spot for spot in places[id] if spot[0] < end]
        if any(is_sent(recall, spot, sizes) for spot in spots):
            found.append(id)
        elif spots:
            missing.append(_missing(recall, id, spots[0]))
        else:
            turn, place = places[id][0]
            missing.append(Missing(id, f"said in turn {turn}, after the last that was replayed", turn, place))
    notes = [item.text for item in recall.items if item.turns is None and item.text]
    if not notes or not wanted:
        return Check(tuple(found), tuple(missing))
    said: frozenset[str] = frozenset().union(*map(_stems, notes))
    shares = []
    for id in wanted:
        turn, place = places[id][0]
        stems = _stems(sizes.turns[turn].messages[place].content) if turn < end else frozenset()
        shares.append(len(stems & said) / len(stems) if stems else 0.0)
    return Check(tuple(found), tuple(missing), sum(shares) / len(shares))


def noted(recall: Recall, now: str, before: str) -> Noted:
    """Say which of two words the notes and summaries hold that were sent; "" also where no word is looked for."""
    notes = "\n".join(item.text for item in recall.items if item.turns is None and item.text)
    if not notes or not (now or before):
        return ""
    new, old = _stands(now, notes), _stands(before, notes)
    return "both" if new and old else "new" if new else "old" if old else "neither"


def _stands(word: str, text: str) -> bool:
    """Say whether a word, or several, stand in a text, in whatever letter case."""
    return bool(word) and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def is_sent(recall: Recall, spot: Place, sizes: Sizes) -> bool:
    """Say whether a message's whole text stands in what was sent of its turn."""
    turn, place = spot
    text = _words(sizes.turns[turn].messages[place].content)
    for item in recall.items:
        if not _covers(item, spot):
            continue
        if not item.ref.startswith("message:"):
            item = replace(item, ref=span_ref(turn, turn + 1), turns=(turn, turn + 1))
        # A quoted line indents what follows its first line.
        if any(message.turn == turn and text in _words(message.content) for message in sizes.render(item)):
            return True
    return False


def _covers(item: Item, spot: Place) -> bool:
    turn, place = spot
    if item.turns is None or not item.turns[0] <= turn < item.turns[1]:
        return False
    return not item.ref.startswith("message:") or item.ref == f"message:{turn}.{place}"


def _missing(recall: Recall, id: str, spot: Place) -> Missing:
    turn, place = spot
    cut = next((item for item in recall.items if _covers(item, spot)), None)
    if cut is not None:
        return Missing(id, f"shortened to {cut.shortened or cut.tokens:,} tokens", turn, place)
    over = [left for left in recall.left_out if left.turns[0] <= turn < left.turns[1]]
    exact = [left for left in over if left.message == place]
    whole = [left for left in over if left.message is None]
    left: LeftOut | None = next(iter([*exact, *whole]), None)
    if left is None:
        return Missing(id, "the memory names no reason", turn, place, deep=True)
    deep = left.kind == "rule" and left.rank is None and "ranked below" in left.why
    return Missing(id, left.why, turn, place, deep)


@dataclass(slots=True)
class Means:
    """Sums over questions: `recall` is the mean share that was found, `full` the share of those found whole."""

    n: int = 0
    shares: float = 0.0
    whole: int = 0

    def add(self, share: float) -> None:
        self.n += 1
        self.shares += share
        self.whole += share == 1.0

    @property
    def recall(self) -> float | None:
        return self.shares / self.n if self.n else None

    @property
    def full(self) -> float | None:
        return self.whole / self.n if self.n else None


@dataclass(slots=True)
class Evidence:
    """What a run's questions found, all and by category; those without evidence count nowhere."""

    all: Means = field(default_factory=Means)
    by_category: dict[str, Means] = field(default_factory=dict)
    tokens_sum: int = 0
    overlaps: float = 0.0
    noted: bool = False

    def add(self, check: Check, category: int | str | None, tokens: int) -> None:
        """Count one question; `tokens` is what the memory put into its prompt."""
        if check.share is None:
            return
        self.all.add(check.share)
        self.by_category.setdefault("none" if category is None else str(category), Means()).add(check.share)
        self.tokens_sum += tokens
        self.overlaps += check.overlap or 0.0
        self.noted = self.noted or check.overlap is not None

    @property
    def tokens(self) -> float | None:
        """The mean of the tokens."""
        return self.tokens_sum / self.all.n if self.all.n else None

    @property
    def overlap(self) -> float | None:
        """The mean overlap with the notes, None where the memory never sent one."""
        return self.overlaps / self.all.n if self.noted else None


def _words(text: str) -> str:
    return " ".join(text.split())


@lru_cache(maxsize=2_000)
def _stems(text: str) -> frozenset[str]:
    return frozenset(terms(text))
