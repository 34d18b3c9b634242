"""What figures do not tell of themselves: what reading a file left out, whose answers and whose prices are in them.

>>> list(notices(recordings, 1, Models(), unpriced=False))
['1 turn had no recorded answer: demo answered.']
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from memory.common.words import plural
from memory.formats.recording import MAX_NOTICES, clipped
from memory.money.prompt_cache import cache_rule

if TYPE_CHECKING:
    from memory.formats import Recording
    from memory.services import Models


def notices(recordings: Sequence[Recording], answered: int, models: Models, unpriced: bool) -> Iterator[str]:
    """Say it a line each; `answered` turns had no recorded answer, and `unpriced` is where a cost is not known."""
    several = len(recordings) > 1
    told = [(recording.id, notice) for recording in recordings for notice in recording.notices]
    for id, notice in told[:MAX_NOTICES]:
        yield clipped(f"{id}: {notice}" if several else notice, 500)
    if more := len(told[MAX_NOTICES:]):
        yield f"Not shown: {plural(more, 'notice')} more; choose a conversation with --conversation."
    if unknown := sum(len(one.unknown_evidence) for recording in recordings for one in recording.questions):
        name, count = ("names", "counts") if unknown == 1 else ("name", "count")
        yield f"{plural(unknown, 'id')} of evidence {name} no message of the file and {count} nowhere."
    if answered:
        yield f"{plural(answered, 'turn')} had no recorded answer: {models.chat} answered."
    if unpriced:
        yield f"The price of {models.price_as} or of a memory's own calls is not known: the cost is null."
    if cache_rule(models.price_as) is None:
        yield f"No rule of prompt caching is known for {models.price_as}: nothing is counted as cached."
