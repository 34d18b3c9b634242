"""CombinedMemory: what its parts share, by turns and messages that several of them would send."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage

from memory.base import Recall, State, Turn, replay
from memory.catalog import load
from memory.prompt import assemble, message_of
from memory.store import Store
from memory.stores.inmemory import InMemoryStore
from memory.threads import fork
from memory.tokens import count_tokens
from tests.memory.fakes import ENCODING, FakeServices, conversation, plain, say, turns_of

DAY = 86_400.0
APART = "summary(summarize_step=4)+entity(k=0)+window(k=2)"


def read(parts: str, turns: list[Turn], query: str, budget: int = 1000) -> Recall:
    return load().make("combined", {"memories": parts}).read(State(), turns, query, FakeServices(), budget)


def dated(*texts: str, every: float = DAY) -> list[Turn]:
    return [replace(plain(index, text, "Fine."), at=1e9 + index * every) for index, text in enumerate(texts)]


def imported(*texts: str) -> list[Turn]:
    return [
        Turn(
            f"t{index}",
            (message_of("human", text, ENCODING, source=f"D{index}:1"), message_of("ai", "Fine.", ENCODING)),
            index=index,
        )
        for index, text in enumerate(texts)
    ]


def over(recall: Recall, turns: list[Turn]) -> int:
    """Return by how many tokens the prompt is longer than a recall says; the end of a line that was cut may be none."""
    found = assemble("", recall, turns, "", ENCODING).tokens - recall.tokens
    assert found >= -sum(item.shortened is not None for item in recall.items)
    return found


@pytest.mark.parametrize("budget", [30, 45, 60, 1000])
def test_what_several_parts_quote_is_counted_as_it_is_sent_in_one_block(budget: int) -> None:
    turns = dated(*(f"I like tea number {number}, " + "and more, " * number for number in range(8)))
    recall = read("vector(k=2)+time_weighted(k=2)+attention", turns, "Which tea do I like?", budget)
    assert over(recall, turns) <= 0
    assert recall.tokens <= budget


def test_each_note_is_drawn_once_under_the_name_that_the_state_has_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_KEY_VALUE_FILE", str(tmp_path / "facts.sqlite"))
    memory = load().memory("combined:memories=window(k=1)+key_value+summary")
    said, services = [plain(0, "/remember pet = a dog", "I will.")], FakeServices(answer=lambda messages: "A gist.")
    state = memory.write(State(), said, services, None)
    recall = memory.read(state, said, "What pet have I?", services, 500)
    drawn = memory.view(state, recall, said, "What pet have I?", services).notes
    assert [(note.id, note.text) for note in drawn] == [("1.fact-1", "pet: a dog"), ("2.summary", "A gist.")]
    assert set(state.notes) == {"2.summary"}


def test_times_that_go_to_and_fro_do_not_take_the_quotes_over_the_budget() -> None:
    turns = [
        replace(turn, at=1e9 + DAY * 40 * (turn.index % 2)) for turn in dated(*(f"I like tea {n}." for n in range(12)))
    ]
    for budget in range(20, 160, 7):
        recall = read("vector(k=3)+time_weighted(k=3)+vector(k=6,search=dense)", turns, "Which tea?", budget)
        assert over(recall, turns) <= 0
        assert recall.tokens <= budget
        told = [turn for one in (*recall.items, *recall.left_out) if one.turns for turn in range(*one.turns)]
        assert sorted(told) == list(range(12))


def test_a_line_that_was_cut_is_ended_before_the_next_begins() -> None:
    turns = dated("I like tea, " + "and more, " * 60, "I like tea.", every=0)
    for budget in range(50, 90, 5):
        recall = read("vector(k=1)+attention(temperature=1.0)", turns, "Which tea do I like?", budget)
        text = assemble("", recall, turns, "", ENCODING).langchain()[0].text
        assert all(line.startswith(("Human: ", "AI: ", "Quoted", "9 Sep")) for line in text.splitlines())


def test_a_turn_of_which_a_message_was_found_is_still_sent_whole_as_one_of_the_last() -> None:
    recall = read("vector(k=1)+window(k=1)", imported("Coffee.", "Tea."), "Which tea?")
    assert [item.ref for item in recall.items] == ["turns:1-1"]
    assert {left.turns for left in recall.left_out} == {(0, 1)}


def test_a_fork_at_any_turn_holds_what_a_replay_would() -> None:
    store = InMemoryStore()
    talk = conversation(store, f"combined:memories={APART}")
    say(talk, *(f"Message {number}" for number in range(10)))
    turns = turns_of(talk)
    for length in range(11):
        copy = replace(talk, thread=fork(store, talk.user, talk.thread, length).id)
        copy.catch_up()
        assert copy.opened().state == replay(talk.memory, turns[:length], FakeServices())


def test_an_answer_given_again_takes_its_notes_along_also_where_another_part_has_not_come_so_far(store: Store) -> None:
    answers = iter(f"Answer {number}." for number in range(9))

    def talker(messages: list[BaseMessage]) -> str:
        return next(answers)

    talk = conversation(store, f"combined:memories={APART}", talker)
    say(talk, *(f"Message {number}" for number in range(6)))
    for _ in talk.reply("Message 5", replaces=turns_of(talk)[-1].id):
        pass
    assert talk.opened().state == replay(talk.memory, turns_of(talk), FakeServices())
    notes, _ = store.everything(talk.user, talk.thread)
    assert sum(note.since == 6 for note in notes.values()) == 1


def test_the_last_turn_stays_whole_beside_what_is_recalled_where_it_fits() -> None:
    turns = [*(plain(index, "tea " * 12, "coffee " * 10) for index in range(20)), plain(20, "w " * 60, "v " * 60)]
    memory = load().memory("vector_token_buffer:max_token_limit=200,k=4")
    items = memory.read(State(), turns, "tea", FakeServices(), 1000).items
    assert [(item.ref, item.shortened) for item in items][-1] == ("turns:20-20", None)
    assert any(item.quoted for item in items)


def test_a_speakers_name_joins_no_token_of_the_line_before() -> None:
    said = (message_of("human", "I like tea...", ENCODING), message_of("ai", "Fine.", ENCODING, name="//x"))
    turns = [Turn("t0", said, index=0)]
    recall = read("vector(k=1)", turns, "tea")
    prompt = assemble("", recall, turns, "", ENCODING)
    block = "".join(message.content for message in prompt.messages if message.quoted)
    assert count_tokens(block, ENCODING) == recall.tokens
