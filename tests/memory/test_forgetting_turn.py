"""A forgotten turn is nowhere: every memory on every store, and every file of a real Redis and a real Chroma.

python -m pytest tests/memory/test_forgetting_turn.py
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memory import exchange, forgetting
from memory.base import Memory, State
from memory.conversation import Conversation
from memory.edited_prompt import EDITED, to_text
from memory.edits.events import edits, write
from memory.errors import BadInput
from memory.prompt import Prompt, PromptMessage, assemble
from memory.retrieval.opening import open_search
from memory.server.connect import Connection
from memory.store import Store
from memory.stores.redis import RedisStore
from memory.threads import fork
from memory.trace import Trace, prompt_of, text_hash
from tests.memory.fakes import FakeChat, conversation, everything_on, plain, say, traces_of, turns_of
from tests.memory.test_contract import MEMORIES, OWN_FORM

SECRET = "My code word is Zanzibar, and I live at 12 Quagga Street."
TALK = ("I like tea.", SECRET, "I have a dog named Rex.", "What do I like?", "And what else do I like?")


def quoting(messages: Any) -> str:
    """Answer with words of the last message: a memory that noted it repeats it."""
    return "told: " + " ".join(messages[-1].text.split())[:600]


def noting(messages: Any) -> str:
    """Note the word, and nothing else."""
    return "The code word is Zanzibar." if "Zanzibar" in messages[-1].text else "There is tea."


def talked(memory: Memory | str, store: Store, **more: Any) -> Conversation:
    talk = conversation(store, memory, writer=more.pop("writer", quoting), **more)
    say(talk, *TALK)
    return talk


def replayed(talk: Conversation) -> State:
    transcript, state = talk.transcript(talk.opened()), State()
    made = edits(talk.store, talk.user, talk.thread, talk.key)
    for length in range(1, len(transcript) + 1):
        state = write(talk.memory, state, transcript.head(length), talk.services(), edits=made)
    return state


@pytest.mark.parametrize("memory", MEMORIES)
def test_no_memory_says_a_forgotten_turn_again(memory: Memory, store: Store) -> None:
    talker, writer = FakeChat(answer=lambda messages: "Yes."), FakeChat(answer=quoting)
    talk = conversation(store, memory, talker, writer)
    say(talk, *TALK)
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    assert (receipt.left, receipt.owed) == (0, ())
    talker.seen.clear()
    writer.seen.clear()
    talk.catch_up()
    say(talk, "What is my code word?", "Where do I live?")
    for prompt in (*talker.prompts(), *writer.prompts()):
        assert "Zanzibar" not in prompt
        assert "Quagga" not in prompt
    turns = turns_of(talk)
    assert [turn.status for turn in turns].count("forgotten") == 1
    assert (turns[1].messages, turns[1].index, len(turns)) == ((), 1, 7)
    assert [event.kind for event in store.events(talk.user, talk.thread)].count("forget") == 1
    exported = exchange.export_user(store, talk.user)
    assert b"Zanzibar" not in exported
    assert b"Quagga" not in exported
    brought = exchange.bring_in(store, talk.user, exchange.read(exchange.export_thread(store, talk.user, talk.thread)))
    assert [turn.status for turn in store.turns(talk.user, brought.threads[0], 0, 9)] == [turn.status for turn in turns]


@pytest.mark.parametrize("memory", OWN_FORM)
def test_the_state_after_a_forgetting_is_that_of_a_replay(memory: Memory, store: Store) -> None:
    talk = talked(memory, store)
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    talk.catch_up()
    if memory.stateful and memory.short != "key_value":
        assert talk.opened().state.notes == replayed(talk).notes
    say(talk, "And now?")
    if memory.stateful and memory.short != "key_value":
        assert talk.opened().state.notes == replayed(talk).notes


@pytest.mark.parametrize("memory", OWN_FORM)
@pytest.mark.parametrize("index", [0, 4])
def test_each_prompt_of_the_rest_can_still_be_put_together(memory: Memory, index: int, memory_store: Store) -> None:
    talk = talked(memory, memory_store)
    forgetting.forget_turn(memory_store, talk.retrieval, talk.user, talk.thread, index)
    notes, texts = memory_store.everything(talk.user, talk.thread)
    for trace in traces_of(talk):
        known = {ref.rpartition("/")[2]: note for ref, note in notes.items() if ref.startswith(trace.memory_key)}
        rebuilt = prompt_of(trace, talk.transcript(talk.opened()), known, texts)
        assert TALK[index] not in [message.content for message in rebuilt.prompt.messages]
    opened = talk.opened()
    recall = talk.memory.read(opened.state, talk.transcript(opened), "What?", talk.services(), 4000)
    assemble("", recall, talk.transcript(opened), "What?", "o200k_base")


def test_no_key_of_a_server_holds_a_forgotten_turn(connection: Connection) -> None:
    store = RedisStore(connection)
    talk = talked("summary", store)
    replace(talk, memory=conversation(store, "entity").memory).catch_up()
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    rows = {key: value for key, value in everything_on(connection).items() if talk.user in key}
    assert not [key for key, value in rows.items() if b"Zanzibar" in value or b"Quagga" in value]


def test_what_repeats_it_is_offered_and_removed_where_it_is_wanted(store: Store) -> None:
    talk = conversation(store, "summary", lambda messages: "Yes.", quoting)
    say(talk, *TALK, "My code word is Zanzibar, as I said.")
    copy = fork(store, talk.user, talk.thread, 3)
    store.put_settings(talk.user, {"instructions": "Call the user Zanzibar.", "budget": 900})
    plan = forgetting.plan_turn(store, talk.user, talk.thread, 1)
    offered = {place.id: place for place in plan.places}
    note = f"{copy.id}/note:{talk.key}/summary"
    assert {f"{talk.thread}/turn:5", f"{copy.id}/turn:1", note, "setting:instructions"} == set(offered)
    assert "Zanzibar" in offered["setting:instructions"].excerpt
    assert plan.there["messages of turn 2"] == 2
    kept = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1, [f"{copy.id}/turn:1"])
    assert kept.left == 0
    assert store.turns(talk.user, copy.id, 1, 2)[0].status == "forgotten"
    assert "Zanzibar" in turns_of(talk)[5].human
    rest = forgetting.plan_turn(store, talk.user, talk.thread, 5)
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 5, [place.id for place in rest.places])
    assert store.settings(talk.user) == {"budget": 900}
    assert b"Zanzibar" not in exchange.export_user(store, talk.user)


def test_a_title_that_was_made_of_it_goes_with_it(store: Store) -> None:
    talk = talked("window", store)
    thread = store.thread(talk.user, talk.thread)
    assert thread
    store.put_thread(talk.user, replace(thread, title="I like tea."))
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    assert receipt.there("title made of it") == 1
    assert getattr(store.thread(talk.user, talk.thread), "title", "") == "New chat"


def test_answers_that_were_given_again_go_with_it(store: Store) -> None:
    talk = conversation(store, "window", ["It is Zanzibar.", "Yes."])
    reply = say(talk, "What is it?")
    assert reply.turn
    "".join(talk.reply("What is it?", replaces=reply.turn.id))
    assert turns_of(talk)[0].earlier == ("It is Zanzibar.",)
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    assert (receipt.there("earlier answers of it"), receipt.left) == (1, 0)
    assert turns_of(talk)[0].earlier == ()


def test_a_prompt_that_was_edited_later_goes_where_it_held_the_turn(store: Store) -> None:
    talk = conversation(store, "window", lambda messages: "Yes.")
    say(talk, "I like tea.", "Do I like tea?")
    held = Prompt((PromptMessage("human", "I like tea.", "history", "turn:0", 4, "", turn=0),))
    other = Prompt((PromptMessage("human", "Hello.", "query", "query", 2, ""),))
    for number, prompt in enumerate((held, other)):
        text = to_text(prompt)
        turn = replace(plain(2 + number, "And now?", "Yes."), id=f"edited{number}")
        trace = Trace("turn", 2 + number, turn.id, 1.0, texts={EDITED: text_hash(text)}, read_length=2 + number)
        store.append(talk.user, talk.thread, turn, trace, {text_hash(text): text})
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    assert receipt.there("copies of it in prompts") == 1
    assert list(store.everything(talk.user, talk.thread)[1]) == [text_hash(to_text(other))]


def test_later_edits_that_do_not_repeat_it_hold(store: Store) -> None:
    from memory.edits.note import edit

    talk = talked("summary", store)
    edit(talk, "summary", "The code word is Zanzibar.")
    say(talk, "one")
    edit(talk, "summary", "The dog is called Rex.")
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    talk.catch_up()
    assert talk.opened().state.notes["summary"].text == "The dog is called Rex."
    assert talk.opened().state == replayed(talk)
    assert (talk.opened().edits, talk.opened().state.edits) == (1, 1)


@pytest.mark.parametrize("spec", ["summary", "entity:k=1", "kg", "combined:memories=window(k=1)+summary+entity"])
def test_a_forgotten_note_is_blank_in_every_rebuilding(spec: str, store: Store) -> None:
    talk = talked(spec, store, writer=noting)
    id, note = next((id, note) for id, note in talk.opened().state.notes.items() if "Zanzibar" in note.text)
    plan = forgetting.plan_note(store, talk.user, talk.thread, talk.key, id)
    assert f"{talk.thread}/turn:1" in {place.id for place in plan.places}
    receipt = forgetting.forget_note(store, talk.retrieval, talk.user, talk.thread, talk.key, id)
    assert (receipt.there("versions of the note"), receipt.left) == (note.version, 0)
    everything = store.everything(talk.user, talk.thread)
    assert not [ref for ref, one in everything[0].items() if ref.startswith(f"{talk.key}/{id}:") and one.text]
    assert not talk.opened().state.notes[id].text
    talk.memory.read(talk.opened().state, talk.transcript(talk.opened()), "Zanzibar?", talk.services(), 4000)
    assert replayed(talk) == talk.opened().state
    say(talk, "one", "two")
    assert replayed(talk) == talk.opened().state


def test_forgetting_twice_and_what_is_not_there(store: Store) -> None:
    talk = talked("window", store)
    first = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    again = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    assert first.there("messages of turn 2") == 2
    assert (again.there("messages of turn 2"), again.left) == (0, 0)
    assert [event.kind for event in store.events(talk.user, talk.thread)] == ["forget"]
    for index in (-1, 5, 10**6):
        with pytest.raises(BadInput, match="has no turn"):
            forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, index)
    with pytest.raises(BadInput, match="no place of a plan"):
        forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0, ["nonsense"])


def test_a_prompt_that_held_it_is_priced_and_the_price_calls_no_model(store: Store) -> None:
    writer = FakeChat(answer=quoting)
    talk = conversation(store, "summary", writer=writer)
    say(talk, *TALK)
    asked = len(writer.seen)
    estimate = forgetting.price(talk, 1)
    assert len(writer.seen) == asked
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    trace = talk.catch_up()
    assert trace
    assert estimate.calls == len(trace.calls) == 3
    assert estimate.turns == 3


def test_every_file_of_the_data_folder_is_free_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from memory.server.connect import connect
    from tests.servers import end

    monkeypatch.setenv("MEMORY_INSPECTOR_HOME", str(tmp_path))
    connection = connect("", tmp_path)
    search = open_search("hashing", "")
    try:
        store = RedisStore(connection)
        talks = [
            talked(spec, store, thread=f"t{number}", retrieval=search.retrieval, user="alex")
            for number, spec in enumerate(("vector:search=dense", "summary", "key_value"))
        ]
        say(talks[2], "/remember pet = Okapi")
        assert found_in(tmp_path, b"zanzibar", b"quagga", b"okapi")
        for talk in talks:
            receipt = forgetting.forget_turn(store, search.retrieval, "alex", talk.thread, 1)
            assert (receipt.left, receipt.owed) == (0, ())  # what others still say is not looked for
        receipt = forgetting.forget_turn(store, search.retrieval, "alex", "t2", 5)
        assert (receipt.left, receipt.owed) == (0, ())
        assert receipt.there("files: redis") > 0
        assert not found_in(tmp_path, b"zanzibar", b"quagga", b"okapi")
    finally:
        search.close()
        connection.close()
        end(tmp_path)


def found_in(folder: Path, *words: bytes) -> list[tuple[str, bytes]]:
    """Look into every file, however it is written."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path.name, word) for path in files for word in words if word in path.read_bytes().lower()]
