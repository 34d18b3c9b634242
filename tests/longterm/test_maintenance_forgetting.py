"""What the maintenance of what is remembered could put back is forgotten with the rest.

python -m pytest tests/longterm/test_maintenance_forgetting.py
"""

from __future__ import annotations

import time

import pytest

from memory import forgetting
from memory.errors import BadInput
from memory.forgetting.places import every_text
from memory.forgetting.remembered import remembered
from memory.longterm.editing import add, edit
from memory.longterm.maintenance_log import entries, undo
from memory.longterm.recalls import Recalls
from memory.store import Store
from tests.longterm.test_maintenance import PLACE, done, talk_of
from tests.memory.fakes import new_user, say


def test_what_is_forgotten_goes_from_the_log_and_cannot_be_undone(store: Store) -> None:
    talk = talk_of(store)
    other = talk_of(store, talk.user, "t2")
    say(talk, "I like tea.", "My sister Ulla lives in Zanzibar.")
    items = talk.services().items
    by_hand = add(items, "Memory", {"content": "The user's sister Ulla lives in Zanzibar!"})
    say(other, "Where does my sister live?")
    done(items, Recalls(), (), now=time.time())
    (entry,) = entries(items.snapshot()[1])
    assert entry.keys > {by_hand.key}
    plan_ = forgetting.plan_turn(store, talk.user, "t1", 1)
    assert plan_.there["log of the maintenance"] == 1
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, "t1", 1, [place.id for place in plan_.places])
    assert (receipt.there("log of the maintenance"), receipt.left) == (1, 0)
    assert entries(items.snapshot()[1]) == []
    with pytest.raises(BadInput, match="in the log no longer"):
        undo(items, entry.id, time.time())


def test_the_log_of_what_is_gone_is_searched_for_words_and_goes_with_its_turn(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "My sister Ulla lives in Zanzibar.")
    items = talk.services().items
    (formed,) = remembered(store, talk.user).values()
    again = add(items, "Memory", formed.content)
    done(items, Recalls(), (), now=time.time())
    items.delete(PLACE, formed.key)
    assert again.key not in remembered(store, talk.user)
    assert [place.id.partition(":")[0] for place in every_text(store, talk.user) if "Zanzibar" in place.text] == [
        "t1/turn",
        "log",
    ]
    forgetting.forget_turn(store, talk.retrieval, talk.user, "t1", 0)
    assert entries(items.snapshot()[1]) == []
    assert not [place for place in every_text(store, talk.user) if "Zanzibar" in place.text]


def test_an_entry_that_repeats_words_can_be_chosen_to_go_by_itself(store: Store) -> None:
    talk = talk_of(store)
    items = talk.services().items
    for _ in range(2):
        one = add(items, "Memory", {"content": "My sister Ulla lives in Zanzibar."})
    done(items, Recalls(), (), now=time.time())
    kept = next(iter(remembered(store, talk.user).values()))
    edit(items, kept, {"content": "The user likes tea."})
    assert one.key != kept.key
    (entry,) = entries(items.snapshot()[1])
    receipt = forgetting.forget_item(store, talk.retrieval, talk.user, kept.key)
    assert receipt.there("log of the maintenance") == 1
    assert entry.id not in {found.id for found in entries(items.snapshot()[1])}


def test_nothing_of_another_user_is_ever_looked_at(store: Store) -> None:
    mine, theirs = talk_of(store), talk_of(store, new_user())
    for talk in (mine, theirs):
        add(talk.services().items, "Memory", {"content": "The user likes tea."})
    assert done(mine.services().items, Recalls(), ()) == []
