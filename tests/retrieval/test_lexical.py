"""The lexical index: what it finds, and that growing one by one makes it what it is when built at once."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memory.retrieval.lexical import LexicalIndex
from memory.retrieval.units import Unit

TALK = [
    ("Ana", "Hi Ben! How was the weekend?", 0),
    ("Ben", "Quiet. I repaired the old bicycle.", 0),
    ("Ana", "The blue one with the basket?", 0),
    ("Ben", "That one. The chain was full of rust and the lamp was broken.", 0),
    ("Ana", "Good that it runs again, the spring has come and the roads are dry.", 0),
    ("Ben", "Yes, and the bus is late every day, so it pays. My neighbour wants to join.", 0),
    ("Ana", "Where did your family live before Oslo?", 0),
    ("Ben", "In Sweden, until four years ago.", 0),
    ("Ana", "I started pottery classes.", 1),
    ("Ben", "Lovely! Is it hard?", 1),
    ("Ana", "The wheel is. I went hiking on Sunday instead.", 1),
    ("Ben", "Do you still play chess with Carl?", 1),
]


def units(talk: list[tuple[str, str, int]]) -> list[Unit]:
    return [Unit(turn, None, speaker, text, 0.0, session) for turn, (speaker, text, session) in enumerate(talk)]


def best(query: str) -> str:
    return TALK[int(np.argmax(LexicalIndex(units(TALK)).scores(query)))][1]


def test_an_answer_is_found_by_the_question_before_it() -> None:
    assert best("Where did Ben's family live?") == "In Sweden, until four years ago."


def test_another_form_of_a_word_is_the_same_word() -> None:
    assert best("Who went on a hike?") == "The wheel is. I went hiking on Sunday instead."
    assert best("What does Ben repair?") == "Quiet. I repaired the old bicycle."


def test_of_two_speakers_the_one_is_preferred_whom_the_query_names() -> None:
    index = LexicalIndex(units([("Ana", "I bought a bicycle.", 0), ("Ben", "I bought a bicycle.", 1)]))
    ana, ben = index.scores("What did Ben buy?")
    assert ben > ana
    ana, ben = index.scores("What did Ana buy?")
    assert ana > ben


def test_a_role_is_nobodys_name() -> None:
    index = LexicalIndex(units([("AI", "I wrote a poem.", 0), ("Human", "I read of AI.", 1)]))
    machine, person = index.scores("What do I know of AI?")
    assert person > machine


def test_who_asks_about_themselves_is_answered_by_what_they_said() -> None:
    index = LexicalIndex(units([("AI", "A bicycle costs 300.", 0), ("Human", "The bicycle cost 200.", 1)]))
    machine, person = index.scores("What did my bicycle cost?")
    assert person > machine


def test_who_is_asked_about_a_month_or_a_day_finds_what_was_said_then() -> None:
    days = [datetime(2023, 5, day, tzinfo=UTC).timestamp() for day in (3, 9)]
    days.append(datetime(2022, 5, 3, tzinfo=UTC).timestamp())
    index = LexicalIndex(Unit(turn, None, "Ana", "I went out.", at, turn) for turn, at in enumerate(days))
    assert int(np.argmax(index.scores("What did Ana do on May 9?"))) == 1
    assert int(np.argmax(index.scores("What did Ana do in May 2022?"))) == 2
    assert int(np.argmax(index.scores("What did Ana do on 3 May, 2023?"))) == 0


def test_with_vectors_a_unit_is_found_that_shares_no_word_with_the_query() -> None:
    index = LexicalIndex(units(TALK))
    cosines = np.array([0.1] * (len(TALK) - 1) + [0.9])
    assert int(np.argmax(index.fused("xylophone", cosines))) == len(TALK) - 1
    assert LexicalIndex().fused("Where?", np.zeros(0)).tolist() == []


def test_context_is_not_taken_from_another_session() -> None:
    same = LexicalIndex(units([("Ana", "Any news of the bicycle?", 0), ("Ben", "Sold.", 0), ("Ana", "Good.", 0)]))
    other = LexicalIndex(units([("Ana", "Any news of the bicycle?", 0), ("Ben", "Sold.", 1), ("Ana", "Good.", 1)]))
    assert same.scores("bicycle")[1] > other.scores("bicycle")[1]


def test_a_query_without_a_known_word_gives_every_unit_nothing() -> None:
    index = LexicalIndex(units(TALK))
    for query in ("", "?!", "xylophone", "what is it"):
        assert index.scores(query).tolist() == [0.0] * len(TALK)


def test_an_empty_index_has_no_scores() -> None:
    assert LexicalIndex().scores("Where?").tolist() == []


WORDS = st.sampled_from(
    ["Ana", "Ben", "bicycle", "bicycles", "Oslo?", "hiking", "yesterday", "two", "the", "2021", "I", "my", "café", "🚲"]
)
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)
TALKS = st.lists(st.tuples(st.sampled_from(["Ana", "Ben", ""]), TEXTS, st.integers(0, 1)), max_size=14)


@given(TALKS, TEXTS)
def test_an_index_that_grew_and_was_asked_between_equals_one_built_at_once(
    talk: list[tuple[str, str, int]], query: str
) -> None:
    session, numbered = 0, []
    for speaker, text, step in talk:
        session += step
        numbered.append((speaker, text, session))
    grown = LexicalIndex()
    for unit in units(numbered):
        grown.add(unit)
        grown.scores(query)
    scores = grown.scores(query)
    assert len(grown) == len(scores) == len(talk)
    assert scores.tolist() == LexicalIndex(units(numbered)).scores(query).tolist()
    assert all(0.0 <= score <= 1.0 for score in scores)


def test_words_of_any_script_are_found() -> None:
    index = LexicalIndex(units([("Ana", "Café Größenwahn", 0), ("Ben", "Привет мир", 1), ("Ana", "你好", 2)]))
    for place, query in enumerate(("größenwahn", "мир", "你好")):
        assert int(np.argmax(index.scores(query))) == place
