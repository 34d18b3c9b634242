"""What is said in a lesson stands apart from what its learner says elsewhere, and goes when it is to go."""

from __future__ import annotations

import pytest

from memory import forgetting
from memory.errors import BadInput
from memory.lessons.lesson import Lesson
from memory.lessons.sandbox import desk, identities, identity
from memory.lessons.stage import Stage
from memory.longterm.rows import Row
from memory.preferences import Preferences
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.server.connect import Connection
from memory.store import Store, check_user
from memory.stores.redis import RedisStore
from tests.lessons.small import lesson, say
from tests.memory.fakes import conversation, everything_on, new_user
from tests.memory.fakes import say as say_in

PEOPLE = [{"id": "ann", "name": "Ann"}, {"id": "bob", "name": "Bob"}]


def talk_of_two(**more: str) -> Lesson:
    """Make a lesson in which two people leave turns, facts, a picture and a document."""
    actions = [
        say("I work at Tamsk.", picture="red-bicycle"),
        say("I live in Oslo.", person="bob"),
        {"document": "library-of-alexandria"},
    ]
    return lesson("collection", *actions, people=PEOPLE, **more)


def play(store: Store, owner: str, made: Lesson) -> Stage:
    stage = Stage(store, owner, made, retrieval=Retrieval(embedding("hashing")))
    stage.play(1).join()
    return stage


def test_the_names_of_a_lessons_people_are_made_of_owner_lesson_and_person_and_tell_none_of_them() -> None:
    owner = new_user()
    names = {identity(*of) for of in ((owner, "a", "x"), (owner, "a", "y"), (owner, "b", "x"), (new_user(), "a", "x"))}
    assert len(names) == 4
    assert identity(owner, "a", "x") in names
    for name in names:
        check_user(name)
        assert owner not in name
    with pytest.raises(BadInput):
        identity("a/b", "a", "x")


def test_a_lesson_neither_sees_nor_changes_what_the_learner_said_elsewhere(store: Store) -> None:
    talk = conversation(store, "collection", user=new_user())
    say_in(talk, "My secret word is plover.")
    before = (store.threads(talk.user), store.shelf.news(talk.user, 0, "-").rows, store.settings(talk.user))
    live = play(store, talk.user, talk_of_two()).live()
    assert (store.threads(talk.user), store.shelf.news(talk.user, 0, "-").rows, store.settings(talk.user)) == before
    assert len(store.threads(live.users["ann"])) == 1
    assert not [fact for person in live.users for fact in live.facts(person) if "plover" in fact.text]
    assert [fact.text for fact in live.facts("ann")] != [fact.text for fact in live.facts("bob")]


def test_nothing_but_the_lesson_changes_what_is_remembered_in_it(store: Store) -> None:
    live = play(store, new_user(), talk_of_two()).live()
    assert {Preferences.load(store, user).maintenance for user in live.users.values()} == {"off"}


def test_everything_of_an_owner_holds_all_lessons_and_nobody_elses(store: Store) -> None:
    retrieval, owner, other = Retrieval(embedding("hashing")), new_user(), new_user()
    first, second = (play(store, owner, talk_of_two(lesson=name)) for name in ("first", "second"))
    kept = play(store, other, talk_of_two())
    users = [user for stage in (first, second) for user in stage.live().users.values()]
    assert set(users) < set(identities(store, owner))
    receipt = forgetting.erase(store, retrieval, owner)
    assert receipt.there("conversations of lessons") == 4
    assert receipt.left == 0
    assert identities(store, owner) == []
    for user in (*users, desk(owner)):
        assert not store.threads(user)
        assert not store.shelf.news(user, 0, "-").rows
        assert not store.shelf.documents.listed(user)
        assert not store.settings(user)
    assert kept.live().length == 1
    assert kept.live().facts("ann")
    assert first.progress.played == ()


def test_no_key_of_a_lesson_stays_and_none_stays_for_good(connection: Connection) -> None:
    store, owner = RedisStore(connection, 30.0), new_user()
    before = set(everything_on(connection))
    play(store, owner, talk_of_two())
    made = [key for key in everything_on(connection) if key not in before]
    left = connection.call(lambda client: [client.ttl(key) for key in made])
    assert made
    assert all(0 < seconds <= 31 * 86_400 for seconds in left), dict(zip(made, left, strict=True))
    forgetting.erase(store, Retrieval(embedding("hashing")), owner)
    assert [key for key in everything_on(connection) if key not in before] == []


def test_people_that_a_lesson_no_longer_has_go_when_it_begins_anew(store: Store) -> None:
    owner = new_user()
    bob = play(store, owner, talk_of_two()).live().users["bob"]
    assert store.threads(bob)
    alone = play(store, owner, lesson("buffer", say("Hello."), people=PEOPLE[:1]))
    assert not store.threads(bob)
    assert alone.live().length == 1


def test_what_another_version_kept_of_lessons_is_passed_over(store: Store) -> None:
    owner = new_user()
    stage = play(store, owner, lesson("buffer", say("Hello.")))
    ((name, row),) = store.shelf.news(desk(owner), 0, "-").rows.items()
    odd = Row(row.namespace, row.key, {"step": "first", "people": ["you"]}, row.created, row.updated, ())
    store.shelf.put(desk(owner), {name: odd}, row.updated)
    assert stage.progress.played == ()
    assert stage.live().users["you"] in identities(store, owner)
    stage.play(1).join()
    assert stage.live().length == 1
