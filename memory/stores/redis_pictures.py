"""The pictures of threads in Redis: one hash beside each thread's other keys, id → bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from redis.client import Pipeline

from memory.stores.redis_calls import RedisCalls, keys_of, pictures_of, while_there


class RedisPictures(RedisCalls):
    """The part of the store that keeps pictures."""

    def put_pictures(self, user: str, thread: str, pictures: Mapping[str, bytes]) -> None:
        key = pictures_of(user, thread)

        def write(pipe: Pipeline) -> None:
            pipe.hset(key, mapping=cast("Any", dict(pictures)))
            pipe.pexpire(key, self._ttl)

        if pictures:
            self._call(lambda client: while_there(client, keys_of(user, thread)[0], write))

    def picture(self, user: str, thread: str, id: str) -> bytes | None:
        row: Any = self._call(lambda client: client.hget(pictures_of(user, thread), id))
        return cast("bytes | None", row)

    def picture_ids(self, user: str, thread: str) -> list[str]:
        rows: Any = self._call(lambda client: client.hkeys(pictures_of(user, thread)))
        return sorted(row.decode() for row in rows)

    def drop_pictures(self, user: str, thread: str, ids: Iterable[str]) -> int:
        wanted = list(ids)
        return int(self._call(lambda client: client.hdel(pictures_of(user, thread), *wanted))) if wanted else 0
