"""The pictures of a thread, between its turns and its store: taken in, copied into a fork, let go of.

>>> pictures = take_in(store, user, thread, [read_picture("beach.png", uploaded)])
>>> take_back(store, user, thread, turn_id, pictures)     # a message that was never answered takes them along
>>> store.picture_ids(user, thread)
[]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from memory.base import Turn
from memory.errors import BadInput
from memory.pictures.limits import MOST
from memory.pictures.picture import Picture

if TYPE_CHECKING:
    from memory.store import Store

_BLOCK = 500


def take_in(store: Store, user: str, thread: str, read: Sequence[tuple[Picture, bytes]]) -> tuple[Picture, ...]:
    """Keep pictures that were read, the same one once; raises BadInput where they are too many for one message."""
    if len(read) > MOST:
        raise BadInput(f"{len(read):,} pictures are more than the {MOST} that one message may have: take some away.")
    found = {picture.id: (picture, data) for picture, data in read}
    if found:
        store.put_pictures(user, thread, {id: data for id, (_, data) in found.items()})
    return tuple(picture for picture, _ in found.values())


def copy(source: Store, user: str, thread: str, target: Store, to: str, turns: Iterable[Turn]) -> None:
    """Give another thread the pictures of some turns; one that is kept no longer is not copied."""
    for id in ids_of(turns):
        if (data := source.picture(user, thread, id)) is not None:
            target.put_pictures(user, to, {id: data})


def copy_between(store: Store, user: str, threads: Iterable[str], to: str, pictures: Sequence[Picture]) -> None:
    """Give a thread pictures that it lacks, from whichever of some threads has them."""
    threads = list(threads)
    for picture in pictures:
        found = (store.picture(user, thread, picture.id) for thread in (to, *threads))
        if (data := next(filter(None, found), None)) is not None:
            store.put_pictures(user, to, {picture.id: data})


def ids_of(turns: Iterable[Turn]) -> list[str]:
    """Return the ids of the pictures of some turns, each once."""
    return list(dict.fromkeys(picture.id for turn in turns for picture in turn.pictures))


def take_back(store: Store, user: str, thread: str, turn_id: str, pictures: Sequence[Picture]) -> None:
    """Forget a message that will not be answered, with those of its pictures that nothing else in its thread has."""
    store.drop_pending(user, thread, turn_id)
    if not pictures:
        return
    opened = store.open(user, thread, "", 0)
    used = {picture.id for pending in opened.pending for picture in pending.pictures}
    for first in range(0, opened.length, _BLOCK):
        used.update(ids_of(store.turns(user, thread, first, min(first + _BLOCK, opened.length))))
    if alone := [picture.id for picture in pictures if picture.id not in used]:
        store.drop_pictures(user, thread, alone)
