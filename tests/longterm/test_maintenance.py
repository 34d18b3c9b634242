"""What a maintenance pass finds to do, does and undoes.

python -m pytest tests/longterm/test_maintenance.py
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.conversation import Conversation
from memory.errors import BadInput
from memory.forgetting.remembered import remembered
from memory.longterm.base_store import UserStore, UserStores
from memory.longterm.editing import keep_for
from memory.longterm.facts import Fact, Source, Version, from_row, to_value
from memory.longterm.maintenance import CHANCES, Action, Verdict, plan
from memory.longterm.maintenance_log import MOST, accept, declined, entries, keep, logged, undo
from memory.longterm.merging import joined
from memory.longterm.recalls import Recalls, recalls
from memory.longterm.rows import Row
from memory.longterm.shelf import InMemoryShelf
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.services import Models
from memory.store import Store
from tests.memory.fakes import conversation, say

PLACE = ("facts",)


def fact(key: str, text: str, at: float = 1.0, **more: Any) -> Fact:
    return Fact(key, PLACE, "Memory", {"content": text}, (Source("t1", f"turn-{key}", int(at)),), at, **more)


def row(one: Fact) -> Row:
    return Row(one.namespace, one.key, to_value(one), one.at, one.at, ("content",))


def rows(*facts: Fact) -> list[Row]:
    return [row(one) for one in facts]


def turns(count: int, *keys: str, start: float = 10.0) -> Recalls:
    """Return as many turns that recalled these facts."""
    return Recalls(tuple((start + number, frozenset(keys)) for number in range(count)))


def talk_of(store: Store, user: str = "", thread: str = "t1", spec: str = "collection") -> Conversation:
    talk = conversation(store, spec, user=user, thread=thread)
    retrieval = Retrieval(embedding("hashing"), InMemoryVectors())
    return Conversation(store, talk.user, thread, talk.memory, Models(), retrieval=retrieval)


def texts(actions: Sequence[Action]) -> list[tuple[str, list[Any]]]:
    return [(one.kind, [step.after and step.after["content"]["content"] for step in one.steps]) for one in actions]


# --- duplicates and contradictions ------------------------------------------------------------------------------------


def test_what_is_said_in_the_same_words_becomes_one_fact_under_the_older_ones_key() -> None:
    found = plan(rows(fact("f1", "The user likes tea."), fact("f2", "the user  likes Tea", 2.0)), Recalls(), 9.0)
    assert texts(found) == [("merge", ["the user  likes Tea", None])]
    assert [step.key for step in found[0].steps] == ["f1", "f2"]


def test_of_what_says_the_same_in_other_words_the_one_that_says_more_holds() -> None:
    longer, shorter = fact("f1", "The user works at Acme in the ML team."), fact("f2", "The user works at Acme.", 2.0)
    made = joined(longer, shorter, longest=True)
    assert (made.text, made.sources) == (longer.text, longer.sources)
    assert [version.content["content"] for version in made.history] == [longer.text, shorter.text]
    assert joined(shorter, longer, longest=True) == made


def test_of_two_that_contradict_each_other_the_newer_holds_and_the_older_is_history() -> None:
    there = rows(fact("f1", "The user lives in Lisbon.", 5.0), fact("f2", "The user lives in Oslo.", 2.0))
    (found,) = plan(there, Recalls(), 9.0, [Verdict("f1", "f2", "contradiction")])
    kept = found.steps[0]
    assert (found.kind, kept.key) == ("resolve", "f2")
    assert kept.after
    assert kept.after["content"] == {"content": "The user lives in Lisbon."}
    assert kept.after["history"][0]["content"] == {"content": "The user lives in Oslo."}


def test_labels_and_kinds_keep_facts_apart() -> None:
    here, there = fact("f1", "The user likes tea."), fact("f2", "The user likes tea.")
    labelled = Fact("f3", ("acme", "facts"), "Memory", there.content)
    other = Fact("f4", PLACE, "Note", there.content)
    document = Fact("f5", ("profile",), "UserProfile", {"name": "Alex", "home": "Oslo"})
    verdicts = [Verdict("f1", "f3", "same"), Verdict("f1", "f4", "same"), Verdict("f1", "f5", "contradiction")]
    assert plan(rows(here, labelled, other, document), Recalls(), 9.0, verdicts) == []


def test_several_that_say_the_same_end_as_one_whatever_they_were_called_in_between() -> None:
    there = rows(*(fact(f"f{number}", f"The user lives in place {number}.", number) for number in range(4)))
    verdicts = [Verdict("f0", "f3", "contradiction"), Verdict("f1", "f3", "contradiction"), Verdict("f1", "f2", "same")]
    found = plan(there, Recalls(), 9.0, verdicts)
    assert [one.kind for one in found] == ["merge", "resolve", "resolve"]
    last = found[-1].steps[0].after
    assert last
    assert last["content"] == {"content": "The user lives in place 3."}
    assert set(last["merged"]) | {found[-1].steps[0].key} == {"f0", "f1", "f2", "f3"}


def test_forgetting_one_source_of_a_merged_fact_leaves_what_the_other_says() -> None:
    one, other = fact("f1", "The user likes tea.", 1.0), fact("f2", "The user likes tea.", 2.0)
    made = joined(one, other, longest=True)
    for gone, left in ((1, "turn-f2"), (2, "turn-f1")):
        kept = made.without(lambda source, gone=gone: source.index == gone)  # type: ignore[misc]
        assert kept
        assert (kept.text, [source.turn for source in kept.sources]) == ("The user likes tea.", [left])


# --- what is not recalled ---------------------------------------------------------------------------------------------


def test_what_is_not_recalled_weighs_half_as_much_and_is_proposed_to_be_forgotten_at_last() -> None:
    used, unused = fact("f1", "The user likes tea."), fact("f2", "The user owns a hat.", importance=5)
    (lowered,) = plan(rows(used, unused), turns(CHANCES, "f1"), 100.0)
    assert lowered.kind == "lower"
    assert lowered.steps[0].after
    assert (lowered.steps[0].after["importance"], lowered.steps[0].after["weighed"]) == (2, 100.0)
    faint = fact("f2", "The user owns a hat.", importance=2, weighed=100.0)
    assert plan(rows(used, faint), turns(CHANCES, "f1"), 200.0) == []
    (proposed,) = plan(rows(used, faint), turns(CHANCES, "f1", start=101.0), 200.0)
    assert (proposed.kind, proposed.steps[0].before) == ("propose", proposed.steps[0].after)


def test_what_was_recalled_once_or_had_no_chance_stays_as_it_is() -> None:
    used, other = fact("f1", "The user likes tea."), fact("f2", "The user owns a hat.")
    elsewhere = Fact("f3", ("acme", "facts"), "Memory", {"content": "Somewhere else."})
    there = rows(used, other, elsewhere)
    assert plan(there, Recalls((*turns(CHANCES, "f1").turns, (12.5, frozenset({"f2"})))), 99.0) == []
    assert plan(there, turns(CHANCES - 1, "f1"), 99.0) == []
    assert plan(rows(fact("f2", "The user owns a hat.", at=50.0), used), turns(CHANCES, "f1"), 99.0) == []


def test_recalls_are_counted_from_the_traces_of_all_conversations(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "I work at Acme.", "Where do I work?")
    say(talk_of(store, talk.user, "t2", "combined:memories=window(k=1)+collection"), "Where do I work?")
    (one,) = remembered(store, talk.user).values()
    found = recalls(store, talk.user)
    assert found.count(one.key) == 2
    assert found.last(one.key) == store.traces(talk.user, "t2", 0, 1)[0].at
    assert (found.count("nothing"), found.last("nothing")) == (0, None)


# --- any rows ---------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["The user likes tea.", "the user likes tea", "The user lives in Oslo.", "I own a hat", "!", "?"]
)
FACTS = st.lists(
    st.builds(
        lambda number, words, at, importance, old: fact(
            f"f{number}",
            words,
            at,
            importance=importance,
            history=(Version({"content": old}, (), 0.0, at),) if old else (),
        ),
        st.integers(0, 12),
        WORDS,
        st.floats(1.0, 9.0),
        st.integers(1, 10),
        st.sampled_from(["", "The user lived in Rome."]),
    ),
    max_size=10,
    unique_by=lambda one: one.key,
)
NAMES = st.integers(0, 12).map(lambda number: f"f{number}")
VERDICTS = st.lists(
    st.builds(Verdict, NAMES, NAMES, st.sampled_from(["same", "contradiction"])),
    max_size=8,
)
RECALLS = st.lists(st.tuples(st.floats(1.0, 60.0), st.frozensets(NAMES, max_size=3)), max_size=60).map(
    lambda found: Recalls(tuple(found))
)


def filled(facts: Sequence[Fact]) -> UserStore:
    """Return a store of its own with these facts."""
    shelf = InMemoryShelf()
    shelf.put("alex", {f'["facts","{one.key}"]': row(one) for one in facts}, 1.0)
    return UserStores(shelf, InMemoryVectors()).of("alex")


def values(store: UserStore) -> dict[str, tuple[Any, ...]]:
    return {one.key: (one.value, one.index) for one in store.snapshot()[1] if one.namespace == PLACE}


def done(store: UserStore, found: Recalls, verdicts: Sequence[Verdict], now: float = 70.0) -> list[Action]:
    """Do a pass."""
    seen, there = store.snapshot()
    log = entries(there)
    actions = plan(there, found, now, verdicts, declined(log))
    assert store.commit(logged(actions, log, now), seen)
    return actions


@given(FACTS, VERDICTS, RECALLS)
@settings(max_examples=150)
def test_undoing_a_pass_from_its_end_restores_every_row(
    facts: list[Fact], verdicts: list[Verdict], found: Recalls
) -> None:
    store = filled(facts)
    before = values(store)
    done(store, found, verdicts)
    for entry in entries(store.snapshot()[1]):
        if entry.state == "done":
            undo(store, entry.id, 80.0)
    assert values(store) == before


@given(FACTS, VERDICTS, RECALLS)
@settings(max_examples=150)
def test_a_second_pass_finds_nothing_to_do_nor_does_one_after_everything_was_undone(
    facts: list[Fact], verdicts: list[Verdict], found: Recalls
) -> None:
    store = filled(facts)
    done(store, found, verdicts)
    assert done(store, found, verdicts, 75.0) == []
    for entry in entries(store.snapshot()[1]):
        if entry.state == "done":
            undo(store, entry.id, 80.0)
    assert [one for one in done(store, found, verdicts, 85.0) if one.kind in ("lower", "propose")] == []


@given(FACTS, VERDICTS)
@settings(max_examples=100)
def test_no_statement_is_lost_by_merging(facts: list[Fact], verdicts: list[Verdict]) -> None:
    def said(store: UserStore) -> set[str]:
        found = (one.value for one in store.snapshot()[1] if one.namespace == PLACE)
        return {
            version["content"]["content"].casefold().strip(".")
            for value in found
            for version in (value, *value.get("history", ()))
        }

    store = filled(facts)
    before = said(store)
    done(store, Recalls(), verdicts)
    assert said(store) == before


# --- the log ----------------------------------------------------------------------------------------------------------


def test_an_undo_of_what_has_changed_since_is_refused_and_nothing_is_lost() -> None:
    store = filled([fact("f1", "The user likes tea."), fact("f2", "The user likes tea.", 2.0)])
    done(store, Recalls(), ())
    (entry,) = entries(store.snapshot()[1])
    kept = store.get(PLACE, "f1")
    assert kept
    store.put(PLACE, "f1", {**kept.value, "importance": 9})
    with pytest.raises(BadInput, match="has changed since"):
        undo(store, entry.id, 80.0)
    store.put(PLACE, "f1", kept.value)
    undo(store, entry.id, 80.0)
    assert set(values(store)) == {"f1", "f2"}
    with pytest.raises(BadInput, match="nothing to undo"):
        undo(store, entry.id, 81.0)
    assert done(store, Recalls(), ()) == []  # what was undone is not done again


def test_a_proposal_is_accepted_and_undone_or_kept_and_decided_on_once() -> None:
    faint = [fact("f1", "The user likes tea."), *(fact(f"f{n}", f"Hat number {n}.", importance=1) for n in (2, 3))]
    store = filled(faint)
    assert [one.kind for one in done(store, turns(CHANCES, "f1"), ())] == ["propose", "propose"]
    second, first = entries(store.snapshot()[1])
    assert set(values(store)) == {"f1", "f2", "f3"}
    accept(store, first.id, 80.0)
    assert set(values(store)) == {"f1", "f3"}
    keep(store, second.id, 80.0)
    for decide in (accept, keep):
        with pytest.raises(BadInput, match="no longer"):
            decide(store, second.id, 81.0)
    undo(store, first.id, 82.0)
    assert set(values(store)) == {"f1", "f2", "f3"}


def test_the_log_keeps_its_newest_entries() -> None:
    store = filled([])
    for block in range(4):
        facts = [fact(f"b{block}-{n}", f"Thing {block} {n // 2}") for n in range(400)]
        store.batch([])
        for one in facts:
            store.put(PLACE, one.key, to_value(one), index=False)
        assert len(done(store, Recalls(), (), now=100.0 * (block + 1))) == 200
    log = entries(store.snapshot()[1])
    assert len(log) == MOST
    assert {entry.at // 100 for entry in log} == {2.0, 3.0, 4.0}


def test_an_undo_leaves_how_long_an_item_is_kept_as_it_was_chosen_since() -> None:
    store = filled([fact("f1", "The user likes tea."), fact("f2", "The user owns a hat.", importance=8)])
    done(store, turns(CHANCES, "f1"), ())
    (entry,) = entries(store.snapshot()[1])
    lowered = next(found for found in map(from_row, store.snapshot()[1]) if found and found.key == "f2")
    keep_for(store, lowered, 30)
    undo(store, entry.id, 80.0)
    (again,) = (one for one in store.snapshot()[1] if one.key == "f2")
    assert (again.value["importance"], again.ttl) == (8, 30 * 24 * 60)
    assert done(store, turns(2 * CHANCES, "f1"), ()) == []  # what goes by itself is left alone
