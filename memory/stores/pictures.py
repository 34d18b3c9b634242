"""How a store keeps the bytes of pictures: beside their thread, by the hash of what is in them.

    >>> store.put_pictures(user, thread, {picture.id: data})
    >>> store.picture(user, thread, picture.id) == data
    True

They go where their thread goes: they expire with it, are restored with it, and end with it. The same picture twice in
a thread is one; a fork has its own, so that what is forgotten in one conversation is not missing in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol


class PictureStore(Protocol):
    """The part of a store that keeps pictures; may raise StoreUnavailable."""

    def put_pictures(self, user: str, thread: str, pictures: Mapping[str, bytes]) -> None:
        """Keep pictures by id; raises ThreadGone where the thread is deleted."""

    def picture(self, user: str, thread: str, id: str) -> bytes | None:
        """Return the bytes of a picture, None where it is not (or no longer) kept."""

    def picture_ids(self, user: str, thread: str) -> list[str]:
        """Return the ids of the pictures that are kept of a thread."""

    def drop_pictures(self, user: str, thread: str, ids: Iterable[str]) -> int:
        """Remove pictures; returns how many of them there were."""
