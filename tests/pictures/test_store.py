"""Where pictures are kept: beside their thread, in every store alike, and gone with what they came with."""

from __future__ import annotations

import threading

import pytest

from memory import forgetting, reading, threads
from memory.base import Turn
from memory.conversation import Conversation
from memory.errors import BadInput, StoreUnavailable, ThreadGone
from memory.pictures.album import take_back, take_in
from memory.pictures.picture import Picture, worded
from memory.reply import Reply
from memory.server.connect import Connection
from memory.store import Pending, Store
from memory.stores.inmemory import InMemoryStore
from memory.stores.redis import RedisStore
from memory.stores.redis_calls import keys_of, pictures_of
from tests.memory.fakes import Away, conversation, everything_on, say, turns_of
from tests.pictures.drawn import beach, cat

Read = tuple[Picture, bytes]


def send(talk: Conversation, text: str, *read: Read, **more: str) -> Reply:
    """Send a message with pictures."""
    pictures = take_in(talk.store, talk.user, talk.thread, read)
    reply = talk.reply(worded(text, pictures), pictures=pictures, **more)
    list(reply)
    return reply


def kept(talk: Conversation) -> list[str]:
    return talk.store.picture_ids(talk.user, talk.thread)


def test_the_same_picture_twice_is_one_and_comes_back_as_it_was(store: Store) -> None:
    talk = conversation(store, "buffer")
    send(talk, "Ours.", beach(), beach())
    send(talk, "Again.", beach(), cat())
    assert kept(talk) == sorted([beach()[0].id, cat()[0].id])
    assert store.picture(talk.user, talk.thread, beach()[0].id) == beach()[1]
    assert [len(turn.pictures) for turn in turns_of(talk)] == [1, 2]
    assert turns_of(talk)[0].pictures[0] == beach()[0]
    assert store.picture("somebody", talk.thread, beach()[0].id) is None
    assert store.picture(talk.user, talk.thread, "nothing") is None


def test_a_turn_holds_no_bytes_and_its_words_say_that_there_was_a_picture(store: Store) -> None:
    talk = conversation(store, "buffer")
    send(talk, "Ours.", beach())
    assert turns_of(talk)[0].human == f"Ours.\n{beach()[0].told}"
    trace = say(talk, "And?").prompt
    assert trace
    assert "The picture beach.png shows mainly blue and beige." in trace.messages[0].content


def test_too_many_for_one_message_are_refused_and_none_is_kept(store: Store) -> None:
    talk = conversation(store, "buffer")
    with pytest.raises(BadInput, match="more than the 6 that one message may have"):
        send(talk, "All.", *[beach()] * 7)
    assert kept(talk) == []


def test_nothing_is_kept_in_a_thread_that_is_deleted(store: Store) -> None:
    talk = conversation(store, "buffer")
    store.delete_thread(talk.user, talk.thread)
    with pytest.raises(ThreadGone):
        store.put_pictures(talk.user, talk.thread, {"a": b"b"})


def test_a_fork_has_its_own_and_loses_none_when_they_are_forgotten_elsewhere(store: Store) -> None:
    talk = conversation(store, "multimodal")
    send(talk, "Ours.", beach())
    send(talk, "Hers.", cat())
    fork = threads.fork(store, talk.user, talk.thread, 1)
    assert store.picture_ids(talk.user, fork.id) == [beach()[0].id]
    plan = forgetting.plan_turn(store, talk.user, talk.thread, 0)
    assert plan.there["pictures that came with it"] == 1
    offered = {place.id for place in plan.places}
    assert f"{fork.id}/turn:0" in offered
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    assert receipt.there("pictures that came with it") == 1
    assert receipt.left == 0
    assert kept(talk) == [cat()[0].id]
    assert store.picture_ids(talk.user, fork.id) == [beach()[0].id]
    forgetting.forget_turn(store, talk.retrieval, talk.user, fork.id, 0)
    assert store.picture_ids(talk.user, fork.id) == []


def test_a_fork_is_found_by_the_picture_alone_where_its_name_and_words_differ(store: Store) -> None:
    talk = conversation(store, "buffer", user="u1")
    other = conversation(store, "buffer", user="u1", thread="t2")
    picture, data = beach()
    renamed = Picture(picture.id, "zzz.png", picture.mime, 1, 1, picture.size, ("red",))
    send(talk, "Ours.", (picture, data))
    send(other, "Quite otherwise.", (renamed, data))
    found = forgetting.plan_turn(store, "u1", "t1", 0).places
    assert any(place.id == "t2/turn:0" and picture.id in str(place.shared) for place in found)


def test_a_picture_that_another_turn_has_too_stays_when_one_is_forgotten(store: Store) -> None:
    talk = conversation(store, "buffer")
    send(talk, "Ours.", beach())
    send(talk, "Again.", beach())
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    assert kept(talk) == [beach()[0].id]
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    assert kept(talk) == []


def test_a_regenerated_answer_keeps_the_pictures_of_its_message(store: Store) -> None:
    talk = conversation(store, "multimodal")
    first = send(talk, "Ours.", beach())
    assert first.turn
    send(talk, "Ours.", beach(), replaces=first.turn.id)
    assert [turn.pictures for turn in turns_of(talk)] == [(beach()[0],)]
    assert kept(talk) == [beach()[0].id]


def test_a_message_that_is_taken_back_takes_along_what_no_turn_has(store: Store) -> None:
    talk = conversation(store, "buffer")
    send(talk, "Ours.", beach())
    pictures = take_in(store, talk.user, talk.thread, [beach(), cat()])
    store.open(talk.user, talk.thread, "", 0, Pending("p1", "?", pictures=pictures))
    pending = store.open(talk.user, talk.thread, "", 0).pending
    assert pending[0].pictures == pictures
    take_back(store, talk.user, talk.thread, "p1", pictures)
    assert kept(talk) == [beach()[0].id]
    assert store.open(talk.user, talk.thread, "", 0).pending == ()


def test_a_picture_of_a_conversation_that_is_deleted_during_an_outage_is_let_go_of_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_PAUSE", 0.001)
    there = InMemoryStore()
    store = Away(there)
    talk = conversation(store, "buffer")  # type: ignore[arg-type]
    say(talk, "one")
    pictures = take_in(store, talk.user, talk.thread, [beach()])  # type: ignore[arg-type]
    store.away = True
    with pytest.raises(StoreUnavailable):
        list(talk.reply("two", turn_id="m2", pictures=pictures))
    (waits,) = (one for one in threading.enumerate() if one.name == "let-go-m2")
    there.delete_thread(talk.user, talk.thread)
    store.away = False
    waits.join(20)
    assert not waits.is_alive()


def test_clear_purge_and_erase_take_them_along_and_count_them(store: Store) -> None:
    talk = conversation(store, "multimodal")
    send(talk, "Ours.", beach())
    assert forgetting.clear(store, talk.retrieval, talk.user, talk.thread).there("pictures") == 1
    assert kept(talk) == []
    send(talk, "Ours.", beach())
    assert forgetting.forget_thread(store, talk.retrieval, talk.user, talk.thread).there("pictures") == 1
    talk = conversation(store, "multimodal")
    send(talk, "Ours.", beach())
    receipt = forgetting.erase(store, talk.retrieval, talk.user)
    assert (receipt.there("pictures"), receipt.left) == (1, 0)
    assert kept(talk) == []


def test_a_deleted_thread_comes_back_with_its_pictures(store: Store) -> None:
    talk = conversation(store, "buffer")
    send(talk, "Ours.", beach())
    store.delete_thread(talk.user, talk.thread)
    assert store.restore_thread(talk.user, talk.thread)
    assert kept(talk) == [beach()[0].id]


def test_a_temporary_thread_that_is_kept_brings_its_pictures(store: Store) -> None:
    talk = conversation(InMemoryStore(), "multimodal")
    send(talk, "Ours.", beach())
    threads.keep(talk.store, store, talk.user, talk.thread)
    assert store.picture(talk.user, talk.thread, beach()[0].id) == beach()[1]


def test_in_redis_they_live_as_long_as_their_thread(connection: Connection) -> None:
    store = RedisStore(connection, expire_days=2)
    talk = conversation(store, "buffer")
    send(talk, "Ours.", beach())
    client, key, meta = connection.client, pictures_of(talk.user, talk.thread), keys_of(talk.user, talk.thread)[0]
    client.pexpire(key, 5000)
    say(talk, "And?")
    assert abs(client.pttl(key) - client.pttl(meta)) < 5000
    store.delete_thread(talk.user, talk.thread)
    assert client.pttl(key) <= 600_000
    store.restore_thread(talk.user, talk.thread)
    assert client.pttl(key) > 86_400_000


def test_no_key_of_a_server_holds_a_forgotten_picture_its_id_or_caption(connection: Connection) -> None:
    connection.client.flushall()
    store = RedisStore(connection)
    talk = conversation(store, "multimodal")
    send(talk, "Ours.", beach())
    send(talk, "Hers.", cat())
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    left = b"\n".join(everything_on(connection).values())
    assert beach()[0].id.encode() not in left
    assert b"beach" not in left
    assert cat()[0].id.encode() in left


def test_a_turn_without_pictures_is_stored_as_before() -> None:
    turn = Turn("a", ())
    assert turn.pictures == ()
