"""What is chosen of a ranking: by count, by tokens, with neighbours, under dates; and why the rest is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from memory.base import Recall, Turn
from memory.prompt import assemble, message_of
from memory.retrieval.index import Retrieval
from memory.retrieval.ranking import Ranking
from memory.retrieval.select import NEAR, NOTHING_ALIKE, choose
from memory.tokens import count_tokens
from tests.memory.fakes import ANY_TURNS, ENCODING, plain

MAY, JUNE = 1_683_504_000.0, 1_686_268_800.0  # 8 May and 9 June 2023
SAID = ["I sing in a choir.", "We sang in the choir on Sunday.", "My car is red.", "The choir was in Rome.", "Bye."]
TURNS = [replace(plain(index, human, "I see."), at=MAY if index < 2 else JUNE) for index, human in enumerate(SAID)]


def ranked(turns: list[Turn], query: str) -> Ranking:
    return Retrieval().rank(turns, query, ENCODING, None, lambda call: None)


def chosen(query: str = "What about the choir?", limit: int = 1000, **more: Any) -> Recall:
    return choose(ranked(TURNS, query), TURNS, ENCODING, limit, **more)


def sent(recall: Recall) -> list[int]:
    return [item.turns[0] for item in recall.items if item.turns]


def test_the_best_k_stand_oldest_first_under_one_line_for_each_date() -> None:
    recall = chosen(k=3)
    assert sent(recall) == [0, 1, 3]
    prompt = assemble("", recall, TURNS, "?", ENCODING)
    assert prompt.langchain()[0].text == (
        "Quoted from earlier in this conversation:\n"
        "8 May 2023:\nHuman: I sing in a choir.\nAI: I see.\nHuman: We sang in the choir on Sunday.\nAI: I see.\n"
        "9 June 2023:\nHuman: The choir was in Rome.\nAI: I see."
    )
    assert prompt.segments()["memory"] == recall.tokens


def test_what_is_not_sent_says_its_rank_and_score() -> None:
    recall = chosen(k=1)
    left = {one.turns[0]: one for one in recall.left_out}
    assert sorted([*left, *sent(recall)]) == [0, 1, 2, 3, 4]
    ranks = sorted(one.rank for one in left.values() if one.rank)
    assert ranks == [2, 3, 4, 5]
    assert any(one.why == "rank 2 of top 1" for one in left.values())
    assert all(one.score is not None for one in left.values())


def test_a_limit_is_filled_in_the_order_of_the_ranks_passing_over_what_no_longer_fits() -> None:
    long = replace(plain(5, "choir choir choir " * 40, "I see."), at=JUNE)
    turns = [*TURNS, long]
    recall = choose(ranked(turns, "What about the choir?"), turns, ENCODING, 60)
    assert recall.items
    assert recall.tokens <= 60
    assert 5 not in sent(recall)
    assert any("over the budget" in one.why for one in recall.left_out if one.turns[0] == 5)


def test_a_threshold_keeps_out_what_is_hardly_alike_and_says_so() -> None:
    recall = chosen(k=5, threshold=0.99)
    assert recall.items == ()
    assert any("under the threshold of 0.99" in one.why for one in recall.left_out)


def test_neighbours_of_what_was_found_come_along() -> None:
    assert sent(chosen("Who has a red car?", k=1)) == [2]
    assert sent(chosen("Who has a red car?", k=1, neighbours=1)) == [1, 2, 3]


def test_turns_that_another_sends_and_those_after_a_point_are_not_looked_at() -> None:
    assert {0, 3} <= set(sent(chosen(k=3, taken={1}))) <= {0, 2, 3, 4}
    recall = chosen(k=5, until=2)
    assert max(sent(recall)) < 2
    assert all(one.turns[1] <= 2 for one in recall.left_out)


def test_what_has_no_word_in_common_is_not_sent_to_fill_a_limit() -> None:
    recall = chosen("zebra quagga")
    assert recall.items == ()
    assert {one.why for one in recall.left_out} == {NOTHING_ALIKE}


def test_the_best_alone_over_the_limit_is_shortened_and_marked() -> None:
    turns = [replace(plain(0, "The choir sang. " * 60, "I see."), at=MAY)]
    recall = choose(ranked(turns, "choir"), turns, ENCODING, 60, k=4)
    (item,) = recall.items
    assert item.shortened
    assert "shortened" in item.why
    assert recall.tokens <= 60
    prompt = assemble("", recall, turns, "?", ENCODING)
    assert prompt.segments()["memory"] <= 60
    assert "The choir sang." in prompt.langchain()[0].text


def test_messages_with_ids_of_their_own_are_found_one_by_one() -> None:
    messages = (
        message_of("human", "I sing in a choir.", ENCODING, name="Ana", source="D1:1"),
        message_of("ai", "I mend bicycles.", ENCODING, name="Ben", source="D1:2"),
    )
    turns = [Turn("t0", messages, at=MAY, index=0)]
    recall = choose(ranked(turns, "Who mends bicycles?"), turns, ENCODING, 1000, k=1)
    assert [item.ref for item in recall.items] == ["message:0.1"]
    assert [(one.turns, one.message) for one in recall.left_out] == [((0, 1), 0)]
    text = assemble("", recall, turns, "?", ENCODING).langchain()[0].text
    assert text.endswith("Ben: I mend bicycles.")
    assert "choir" not in text


def test_only_the_nearest_are_named_one_by_one() -> None:
    turns = [replace(plain(index, f"The choir sang song {index}.", "Yes."), at=MAY) for index in range(200)]
    recall = choose(ranked(turns, "choir"), turns, ENCODING, 100_000, k=2)
    named = [one for one in recall.left_out if one.rank is not None]
    assert len(named) == NEAR
    assert len(recall.left_out) < NEAR + 60
    covered = sorted(turn for one in (*recall.left_out, *recall.items) for turn in range(*(one.turns or (0, 0))))
    assert covered == list(range(200))


@settings(max_examples=60)
@given(
    turns=ANY_TURNS,
    times=st.lists(st.floats(0, 2e9), min_size=14, max_size=14),
    limit=st.integers(0, 200),
    k=st.none() | st.integers(0, 5),
    neighbours=st.integers(0, 2),
)
def test_whatever_the_turns_and_their_times_the_quotes_keep_to_the_limit(
    turns: list[Turn], times: list[float], limit: int, k: int | None, neighbours: int
) -> None:
    turns = [replace(turn, at=at) for turn, at in zip(turns, times, strict=False)]
    recall = choose(ranked(turns, "My name is Alex word 我"), turns, ENCODING, limit, k, neighbours=neighbours)
    prompt = assemble("", recall, turns, "?", ENCODING)
    assert prompt.segments()["memory"] == recall.tokens <= limit
    whole = "".join(message.content for message in prompt.messages if message.quoted)
    assert count_tokens(whole, ENCODING) <= prompt.segments()["memory"]


def test_every_message_of_a_turn_that_is_sent_in_part_has_its_reason() -> None:
    def talk(index: int) -> Turn:
        human = message_of("human", f"The choir sang song {index}.", ENCODING, name="Ana", source=f"{index}:1")
        ai = message_of("ai", "Yes.", ENCODING, name="Ben", source=f"{index}:2")
        return Turn(f"t{index}", (human, ai), at=MAY, index=index)

    turns = [talk(index) for index in range(100)]
    recall = choose(ranked(turns, "choir"), turns, ENCODING, 100_000, k=3)
    for item in recall.items:
        assert item.turns
        (other,) = [one for one in recall.left_out if one.turns == item.turns]
        assert {int(item.ref[-1]), other.message} == {0, 1}
        assert other.why


def test_a_rank_is_one_among_those_that_are_looked_at() -> None:
    recall = chosen(k=1, until=4, taken={1})
    assert sent(recall) == [0]
    assert recall.items[0].why.startswith("rank 1, ")
    ranks = {left.turns[0]: (left.rank, left.why) for left in recall.left_out}
    assert ranks[3] == (2, "rank 2 of top 1")
