"""What forgetting takes and what it leaves: texts that several prompts share, notes that were forgotten before, edits.

python -m pytest tests/memory/test_forgetting_edits.py
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from memory import exchange, forgetting
from memory.agents.message_memory import Owner
from memory.agents.stored_memory import StoredMemory
from memory.catalog import load
from memory.edited_prompt import EDITED, to_text
from memory.edits.note import edit
from memory.errors import BadInput
from memory.forgetting import Receipt, Row
from memory.prompt import Prompt, PromptMessage
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store, Thread
from memory.trace import Trace, prompt_of, text_hash
from tests.memory.fakes import conversation, new_user, plain, say, traces_of, turns_of


def test_a_text_that_earlier_prompts_were_sent_stays(store: Store) -> None:
    talk = conversation(store, 'simple:memories={"name": "Alex"}', lambda messages: "Yes.")
    say(talk, "I live in Lyon.", "Where is the pineapple?")
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    rebuilt = prompt_of(traces_of(talk)[0], turns_of(talk), {}, store.everything(talk.user, talk.thread)[1])
    assert rebuilt.exact
    assert rebuilt.prompt.messages[0].content == "name: Alex"


def test_a_turn_that_says_what_a_note_is_called_brings_no_forgotten_note_back(store: Store) -> None:
    talk = conversation(store, "summary", lambda messages: "Yes.", lambda messages: messages[-1].text[-300:])
    say(talk, "I like Quagga tea.", "Write a summary of this text and its data by turns.", "I have a dog.")
    forgetting.forget_note(store, talk.retrieval, talk.user, talk.thread, talk.key, "summary")
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    talk.catch_up()
    assert talk.opened().edits == 1
    assert not talk.opened().state.notes["summary"].text


def test_an_edit_that_a_memory_has_not_made_again_yet_outlives_the_forgetting_of_another_note(store: Store) -> None:
    talk = replace(conversation(store, "entity"), models=Models("demo"))
    say(talk, "My sister Karla works at Acme.", "My friend Bob likes tea.", "Where is the pineapple?")
    notes = talk.opened().state.notes
    karla = next(id for id, note in notes.items() if "Bob" not in note.text)
    bob = next(id for id, note in notes.items() if note.text == "The user's friend Bob likes tea.")
    edit(talk, bob, "Bob drinks only coffee.")
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 2)
    assert (talk.opened().state.edits, talk.opened().edits) == (0, 1)
    forgetting.forget_note(store, talk.retrieval, talk.user, talk.thread, talk.key, karla)
    talk.catch_up()
    state = talk.opened().state
    assert (state.notes[bob].text, state.notes[karla].text, state.edits) == ("Bob drinks only coffee.", "", 2)


def test_settings_that_repeat_a_turn_are_taken_along_where_it_is_wanted(store: Store) -> None:
    talk = conversation(store, "simple", lambda messages: "Yes.")
    thread = store.thread(talk.user, talk.thread)
    assert thread
    settings = {"memories": {"home": "Zanzibar", "pet": "a dog"}}
    store.put_thread(talk.user, replace(thread, settings=settings))
    say(talk, "My home is Zanzibar.")
    place = f"{talk.thread}/settings"
    assert place in [one.id for one in forgetting.plan_turn(store, talk.user, talk.thread, 0).places]
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0, [place])
    assert getattr(store.thread(talk.user, talk.thread), "settings", {}) == {"memories": {"pet": "a dog"}}
    assert receipt.there("a memory's settings") == 1


def test_an_agent_over_a_store_makes_the_edits_of_its_notes_again(store: Store) -> None:
    memory = StoredMemory(load().memory("summary"), Models("demo"), store=store)
    owner, messages = Owner(new_user(), "t1"), list[BaseMessage]()

    def ask(query: str) -> list[str]:
        messages.append(HumanMessage(query, id=f"m{len(messages)}"))
        sent = memory.prompt(messages, owner=owner)
        messages.append(AIMessage("ok", id=f"m{len(messages)}"))
        memory.write(messages, owner=owner)
        return [str(message.text) for message in sent]

    for query in ("My name is Alex.", "Where is the pineapple?", "I like tea."):
        ask(query)
    forgetting.forget_note(store, Retrieval(), owner.user, owner.thread, memory.key, "summary")
    forgetting.forget_turn(store, Retrieval(), owner.user, owner.thread, 1)
    ask("Hello.")
    opened = store.open(owner.user, owner.thread, memory.key)
    assert (opened.state.edits, opened.edits) == (1, 1)
    assert "tea" not in " ".join(ask("And now?"))


def test_a_forgotten_turn_is_not_answered_again_from_a_tab_that_still_shows_it(store: Store) -> None:
    talk = conversation(store, "buffer", lambda messages: "Yes.")
    turn = say(talk, "I like tea.", "I live in Zanzibar.").turn
    assert turn
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    with pytest.raises(BadInput, match="forgotten"):
        "".join(talk.reply(turn.human, replaces=turn.id))
    assert [one.status for one in turns_of(talk)] == ["complete", "forgotten"]
    assert not talk.opened().pending


def test_what_was_cleared_does_not_come_back_from_an_agents_own_messages(store: Store) -> None:
    memory, owner = StoredMemory(load().memory("buffer"), Models("demo"), store=store), Owner(new_user(), "t1")
    messages: list[BaseMessage] = []
    for query in ("I live in Zanzibar.", "Hello.", "Who am I?", "And where?"):
        if query == "Who am I?":
            store.clear(owner.user, owner.thread)
        messages.append(HumanMessage(query, id=f"m{len(messages)}"))
        sent = memory.prompt(messages, owner=owner)
        messages.append(AIMessage("ok", id=f"m{len(messages)}"))
        memory.write(messages, owner=owner)
    assert [message.text for message in sent] == ["Who am I?", "ok", "And where?"]
    assert [turn.human for turn in store.turns(owner.user, owner.thread, 0, 9)] == ["Who am I?", "And where?"]


def test_a_receipt_names_the_places_that_were_not_chosen_and_never_says_that_nothing_is_left(store: Store) -> None:
    talk = conversation(store, "summary", lambda messages: "Yes.")
    said = ("I like tea.", "My secret is Vorpalnix.", "Sam works at Acme.", "I told you Vorpalnix twice.")
    say(talk, *said)
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    (row,) = [row for row in receipt.rows if row.kept]
    assert (row.place, row.left, row.said) == ("turn 4", 1, "kept, as you did not choose it")
    assert (receipt.left, receipt.kept) == (0, 1)
    assert "nothing left of what was chosen; words of it still stand in 1 place that you kept (turn 4)" in str(receipt)
    assert '"kept": 1' in receipt.json()
    assert "Vorpalnix" not in receipt.json()
    rest = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 3)
    assert (rest.kept, "nothing left" in str(rest), "still stand" in str(rest)) == (0, True, False)


FACTS = '{"home": "Grünzibar", "pet": "a dog"}'


@pytest.mark.parametrize(
    "spec", [f"simple:memories={FACTS}", f"combined:memories=window(k=1)+simple(memories={FACTS})"]
)
def test_facts_that_settings_gave_go_from_every_record_of_a_turn_and_every_prompt(spec: str, store: Store) -> None:
    talk = conversation(store, spec, lambda messages: "Yes.")
    thread = store.thread(talk.user, talk.thread)
    assert thread
    settings = talk.memory.settings.model_dump(mode="json")
    store.put_thread(talk.user, replace(thread, settings=settings))
    say(talk, "I like tea.", "I live in Grünzibar.", "Hello.")
    place = f"{talk.thread}/settings"
    plan = forgetting.plan_turn(store, talk.user, talk.thread, 1)
    assert place in [one.id for one in plan.places]
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1, [place])
    assert (receipt.there("records of turns with these settings"), receipt.left, receipt.kept) == (3, 0, 0)
    assert all("Grünzibar" not in str(trace) for trace in (*traces_of(talk), *store.events(talk.user, talk.thread)))
    exported = exchange.export_user(store, talk.user).decode()
    assert "nzibar" not in exported
    assert "a dog" in str(store.thread(talk.user, talk.thread))
    exchange.bring_in(store, talk.user, exchange.read(exchange.export_thread(store, talk.user, talk.thread)))


def test_settings_of_earlier_turns_are_offered_and_named_where_they_are_kept(store: Store) -> None:
    talk = conversation(store, f"simple:memories={FACTS}", lambda messages: "Yes.")
    say(talk, "I like tea.", "I live in Grünzibar.")
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    assert [row.place for row in receipt.rows if row.kept] == ["the memory's settings"]


@pytest.mark.parametrize("forgets", ["title", "settings"])
def test_a_conversation_that_goes_meanwhile_does_not_come_back(
    forgets: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = conversation(store, "window", lambda messages: "Yes.")
    say(talk, "I live in Zanzibar.")
    settings = {"memories": {"home": "Zanzibar"}}
    store.put_thread(talk.user, Thread("t2", "Zanzibar", 1.0, 1.0, "SimpleMemory", settings))
    find = store.thread

    def purged(user: str, thread: str) -> Thread | None:
        found = find(user, thread)
        if thread == "t2":
            store.purge(user, thread)
        return found

    monkeypatch.setattr(store, "thread", purged)
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0, [f"t2/{forgets}"])
    assert find(talk.user, "t2") is None


def test_an_edit_that_repeats_a_turn_is_quoted_before_and_named_on_the_receipt(store: Store) -> None:
    talk = conversation(store, "summary", lambda messages: "Yes.")
    say(talk, "I like tea.", "I fly to Lisbon.", "Hello.")
    edit(talk, "summary", "Likes tea; is off to Lisbon soon.")
    (gone,) = forgetting.plan_turn(store, talk.user, talk.thread, 1).edits
    assert (gone.why, gone.excerpt) == ("Your edit of Summary v4 repeats “lisbon”", "Likes tea; is off to Lisbon soon.")
    assert not forgetting.plan_turn(store, talk.user, talk.thread, 2).edits
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    (row,) = [row for row in receipt.rows if row.place.startswith("your edit")]
    assert (row.place, row.there, row.left) == ("your edit of Summary v4", 1, 0)


def test_the_figures_count_what_was_removed_and_nothing_twice(store: Store) -> None:
    talk = conversation(store, "vector:search=dense", lambda messages: "Yes.")
    say(talk, "I like coffee.", "I live in Zanzibar.", "Hello.", "As I said, Zanzibar.")
    assert forgetting.price(talk, 1).calls == 0
    wanted = [f"{talk.thread}/turn:3"]
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1, wanted)
    assert receipt.what == "turn 2 and turn 4"
    things = [row for row in receipt.rows if "files" not in row.place]
    assert receipt.removed == sum(row.there for row in things)
    assert str(receipt).startswith(f"turn 2 and turn 4: {receipt.removed} things removed")
    again = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 1)
    assert str(again) == "turn 2: 0 things removed, nothing left."
    assert "no longer known" in again.unseen[0].said


def test_what_is_owed_or_kept_or_is_a_line_in_a_file_is_no_thing_that_was_removed() -> None:
    rows = (Row("notes", 2), Row("vectors", 1, None, owed=True), Row("turn 4", 1, 1, kept=True), Row("files: redis", 9))
    assert Receipt("turn 2", rows).removed == 2
    assert str(Receipt("turn 2", rows[:1])) == "turn 2: 2 things removed, nothing left."


def test_a_prompt_that_was_edited_and_an_error_lose_a_note_that_they_quote(store: Store) -> None:
    talk = conversation(store, "summary", lambda messages: "Yes.", lambda messages: "Alex keeps an okapi in Oslo.")
    say(talk, "I have one.", "Do I?")
    held = Prompt((PromptMessage("system", "As noted: Alex keeps an okapi in Oslo.", "memory", "summary:1", 9, ""),))
    other = Prompt((PromptMessage("human", "Hello.", "query", "query", 2, ""),))
    for number, prompt in enumerate((held, other)):
        text = to_text(prompt)
        turn = replace(plain(2 + number, "And now?", "Yes."), id=f"edited{number}")
        told = ("The model refused “an okapi in Oslo”.", "The model was away.")[number]
        trace = Trace("turn", 2 + number, turn.id, 1.0, texts={EDITED: text_hash(text)}, errors=(told,))
        store.append(talk.user, talk.thread, turn, trace, {text_hash(text): text})
    talk.catch_up()
    receipt = forgetting.forget_note(store, talk.retrieval, talk.user, talk.thread, talk.key, "summary")
    assert (receipt.there("copies of it in prompts"), receipt.left) == (1, 0)
    texts = store.everything(talk.user, talk.thread)[1]
    assert "okapi" not in repr((texts, traces_of(talk)))
    assert text_hash(to_text(other)) in texts
    assert traces_of(talk)[3].errors == ("The model was away.",)
