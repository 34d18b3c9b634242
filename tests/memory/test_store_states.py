"""What stores keep of memories: the state of any earlier time, and what can be made again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.base import Note, State, rewind
from memory.store import Store, Thread
from memory.trace import Trace
from tests.memory.fakes import new_user, plain


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(st.sets(st.sampled_from(["a", "b", "c"]), max_size=2), min_size=1, max_size=12))
def test_a_state_of_an_earlier_time_is_rebuilt_from_the_versions_of_its_notes(
    store: Store, written: list[set[str]]
) -> None:
    user, versions, state = new_user(), list[Note](), State()
    store.put_thread(user, Thread("t1"))
    for since, ids in enumerate(written, 1):
        turn = plain(since - 1, "one", "Yes.")
        store.append(user, "t1", turn, Trace("turn", since - 1, turn.id, 1.0), {})
        for id in ids:
            state = state.with_note(id, f"{id} at {since}", (0, since), since)
            versions.append(state.notes[id])
        state = replace(state, covered=since)
    assert store.put_state(user, "t1", "m", "", state)
    assert store.state_keys(user, "t1") == ["m"]
    for earlier in range(len(written)):
        assert store.state_at(user, "t1", "m", earlier) == rewind(versions, earlier)
    assert store.state_at(user, "t1", "m", len(written)) == state
    assert store.state_at(user, "t1", "nobody's", 3) == State()


def test_the_newest_events_are_read_without_the_others(store: Store) -> None:
    user, count = new_user(), 47
    store.put_thread(user, Thread("t1"))
    turns = [plain(index, "one", "Yes.") for index in range(count)]
    traces = [Trace("turn", index, turn.id, 1.0) for index, turn in enumerate(turns)]
    store.extend(user, "t1", turns, traces, [Trace("switch", index, f"e{index}", 1.0) for index in range(1, count + 1)])
    every = [event.turn for event in store.events(user, "t1")]
    assert every == list(range(1, count + 1))
    for first in (0, 1, 2, 20, 27, 28, 46, 47, 48):
        assert [event.turn for event in store.events(user, "t1", first)] == [turn for turn in every if turn >= first]


def test_what_can_be_made_again_goes_with_any_thread_that_is_cleared_deleted_or_erased(store: Store) -> None:
    user = new_user()
    store.put_thread(user, Thread("t1"))
    for thread, remove in (
        ("t1", lambda: store.clear(user, "t1")),
        ("t2", lambda: store.delete_thread(user, "t2")),
        ("t3", lambda: store.erase(user)),
    ):
        store.put_thread(user, Thread(thread))
        store.put_cached(user, "key", b"gist", thread, "")
        assert store.cached(user, "key") == b"gist"
        assert store.cached(user, "other") is store.cached(new_user(), "key") is None
        remove()
        assert store.cached(user, "key") is None


def test_a_cache_that_is_full_begins_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("inmemory", "redis"):
        monkeypatch.setattr(f"memory.stores.{module}.MOST_CACHED", 3)
    user = new_user()
    store.put_thread(user, Thread("t1"))
    for number in range(4):
        store.put_cached(user, str(number), b"x", "t1", "")
    assert [store.cached(user, str(number)) for number in range(4)] == [None, None, None, b"x"]
