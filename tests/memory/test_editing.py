"""What a person wrote into a note is sent, and holds through every switch, rebuilding, fork and answer given again.

python -m pytest tests/memory/test_editing.py
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from memory import exchange
from memory.base import State
from memory.conversation import Conversation
from memory.edits.events import LONGEST, edits, write
from memory.edits.note import edit
from memory.errors import BadInput
from memory.forgetting import forget_note
from memory.store import Store
from memory.threads import fork
from tests.memory.fakes import FakeChat, conversation, new_user, say, trace_of, turns_of

WROTE = "Alex lives in Oslo and has a cat."
SPECS = ["summary", "summary:summarize_step=3", "entity:k=1", "kg:k=0", "combined:memories=window(k=1)+summary"]
every_memory_with_notes = pytest.mark.parametrize("spec", SPECS)


def first_note(talk: Conversation) -> str:
    return next(iter(talk.opened().state.notes))


def replayed(talk: Conversation) -> State:
    """Return the state that a rebuilding from nothing gives."""
    transcript = talk.transcript(talk.opened())
    made = edits(talk.store, talk.user, talk.thread, talk.key)
    state = State()
    for length in range(1, len(transcript) + 1):
        state = write(talk.memory, state, transcript.head(length), talk.services(), edits=made)
    return state


@every_memory_with_notes
def test_a_note_that_was_edited_is_sent_and_its_earlier_versions_stay(spec: str, store: Store) -> None:
    talk = conversation(store, spec)
    say(talk, "one", "two", "three")
    id = first_note(talk)
    before = talk.opened().state.notes[id]
    event = edit(talk, id, WROTE)
    note = talk.opened().state.notes[id]
    assert (note.text, note.version, note.edited is not None) == (WROTE, before.version + 1, True)
    assert event.after
    assert event.after.wrote == (note.ref,)
    assert [one.kind for one in store.events(talk.user, talk.thread)] == ["edit"]
    assert store.notes(talk.user, talk.thread, [f"{talk.key}/{before.ref}"])[f"{talk.key}/{before.ref}"] == before
    assert store.state_at(talk.user, talk.thread, talk.key, 2).notes.get(id, before).text != WROTE


@pytest.mark.parametrize("spec", ["summary", "combined:memories=window(k=1)+summary"])
def test_the_next_prompt_holds_what_was_written(spec: str, store: Store) -> None:
    talker = FakeChat()
    talk = conversation(store, spec, talker)
    say(talk, "one", "two")
    edit(talk, first_note(talk), WROTE)
    trace = trace_of(say(talk, "three"))
    assert WROTE in talker.prompts()[-1]
    assert trace.before
    assert store.state_at(talk.user, talk.thread, talk.key, trace.before.covered).edits in (0, 1)


@every_memory_with_notes
def test_a_rebuilding_makes_the_edits_again_in_their_order(spec: str, store: Store) -> None:
    talk = conversation(store, spec)
    say(talk, "one", "two", "three")
    edit(talk, first_note(talk), "something else")
    edit(talk, first_note(talk), WROTE)
    say(talk, "four")
    edit(talk, first_note(talk), "Alex has moved.")
    say(talk, "five", "six")
    live = talk.opened().state
    assert live.edits == 3
    assert replayed(talk) == live


@every_memory_with_notes
def test_an_edit_holds_in_a_fork_and_in_an_import(spec: str, store: Store) -> None:
    talk = conversation(store, spec)
    say(talk, "one", "two", "three")
    edit(talk, first_note(talk), WROTE)
    copy = replace(talk, thread=fork(store, talk.user, talk.thread, 3).id)
    user = new_user()
    brought = exchange.bring_in(store, user, exchange.read(exchange.export_thread(store, talk.user, talk.thread)))
    imported = replace(talk, user=user, thread=brought.threads[0])
    say(talk, "four")
    for other in (copy, imported):
        say(other, "four")
        assert other.opened().state.edits == other.opened().edits == 1
        assert other.opened().state.notes == talk.opened().state.notes


@every_memory_with_notes
def test_a_note_that_was_forgotten_is_forgotten_in_a_fork_from_before_that_as_well(spec: str, store: Store) -> None:
    talk = conversation(store, spec)
    say(talk, "one", "two", "three")
    id = first_note(talk)
    said = talk.opened().state.notes[id].text
    say(talk, "four")
    forget_note(store, talk.retrieval, talk.user, talk.thread, talk.key, id)
    say(talk, "five")
    copy = replace(talk, thread=fork(store, talk.user, talk.thread, 3).id)
    opened = copy.opened()
    assert opened.state.edits == opened.edits == 1
    for notes in (opened.state.notes, replayed(copy).notes):
        assert notes[id].text == ""
        assert said not in [note.text for note in notes.values()]
    assert said not in [note.text for note in store.everything(talk.user, copy.thread)[0].values()]
    say(copy, "six")
    assert copy.opened().state.edits == 1


def test_a_fork_leaves_behind_what_was_sent_after_it(store: Store) -> None:
    talk = conversation(store, "summary", instructions="Be brief.")
    say(talk, "one", "two")
    edit(talk, first_note(talk), "Alex keeps an okapi.")
    say(talk, "three")
    copy = fork(store, talk.user, talk.thread, 1)
    assert list(store.everything(talk.user, copy.id)[1].values()) == ["Be brief."]


@every_memory_with_notes
def test_an_edit_after_an_answer_that_is_given_again_is_made_again(spec: str, store: Store) -> None:
    talk = conversation(store, spec)
    reply = say(talk, "one", "two", "three")
    id = first_note(talk)
    edit(talk, id, WROTE)
    assert reply.turn
    "".join(talk.reply("three", replaces=reply.turn.id))
    assert talk.opened().state.notes[id].text == WROTE
    say(talk, "four", "five")
    assert replayed(talk) == talk.opened().state


def test_a_triple_is_edited_in_its_parts(store: Store) -> None:
    talk = conversation(store, "kg")
    say(talk, "one")
    id = first_note(talk)
    parts = {"subject": "Sam", "predicate": "works at", "object": "Acme,\nOslo"}
    edit(talk, id, parts=parts)
    note = talk.opened().state.notes[id]
    assert note.text == "Sam works at Acme, Oslo."
    assert {name: note.data[name] for name in parts} == {**parts, "object": "Acme, Oslo"}
    assert note.data["turns"] == [0]


def test_an_edit_is_undone_by_an_edit_back(store: Store) -> None:
    talk = conversation(store, "summary")
    say(talk, "one")
    before = talk.opened().state.notes["summary"].text
    edit(talk, "summary", WROTE)
    edit(talk, "summary", before)
    assert talk.opened().state.notes["summary"].text == before


@pytest.mark.parametrize(
    ("id", "more", "says"),
    [
        ("nobody", {"text": "x"}, "no such note"),
        ("summary", {"text": "  "}, "Nothing is left"),
        ("summary", {"text": "x" * (LONGEST + 1)}, "shorten it"),
        ("summary", {"text": "x", "version": 7}, "has rewritten"),
    ],
)
def test_what_cannot_be_edited_says_why_and_changes_nothing(id: str, more: dict[str, Any], says: str) -> None:
    from memory.stores.inmemory import InMemoryStore

    talk = conversation(InMemoryStore(), "summary")
    say(talk, "one")
    before = talk.opened().state
    with pytest.raises(BadInput, match=says):
        edit(talk, id, **more)
    assert talk.opened().state == before


def test_who_writes_meanwhile_loses_nothing_to_an_edit(store: Store) -> None:
    talk = conversation(store, "summary")
    say(talk, "one")
    note = talk.opened().state.notes["summary"]
    say(talk, "two")
    with pytest.raises(BadInput, match="has rewritten"):
        edit(talk, "summary", WROTE, version=note.version)
    edit(talk, "summary", WROTE)
    assert len(turns_of(talk)) == 2
    assert talk.opened().state.covered == 2
