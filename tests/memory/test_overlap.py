"""Words of content, what of them an answer shares with what was sent, and what of them survives in a summary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.base import Note
from memory.inspection.content import content
from memory.inspection.overlap import marked, overlaps
from memory.inspection.survival import survival, tell_of, turn_survival
from tests.memory.fakes import plain

ASKED = "Where was I born?"


def words(text: str) -> list[str]:
    return [word.text for word in content(text)]


# --- words of content -------------------------------------------------------------------------------------------------


def test_names_numbers_and_rarer_words_are_content_and_grammar_is_not():
    assert words("I was born in Oslo in 1987. Tell me more, please!") == ["born", "Oslo", "1987"]
    assert [word.kind for word in content("We visit Bob in 3 cities.")] == ["word", "name", "number", "word"]


def test_a_capital_makes_a_name_only_inside_a_sentence():
    assert [word.kind for word in content("Versailles is distant. Is Versailles cheap?")] == [
        "word",
        "word",
        "name",
        "word",
    ]
    assert words("May I come? We come in May. Will Ann? I know Will.") == ["May", "Ann", "Will"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ich wurde 1987 in Oslo geboren und habe eine Katze.", ["1987", "Oslo", "geboren", "Katze"]),
        ("Je suis née à Oslo et j'ai une tante.", ["née", "Oslo", "tante"]),
        ("Nací en Oslo, pero vivo en Málaga.", ["Nací", "Oslo", "vivo", "Málaga"]),
        ("मुझे दिल्ली पसंद है", ["मुझे", "दिल्ली", "पसंद"]),
        ("我喜欢猫。", ["我喜", "喜欢", "欢猫"]),
        ("กรุงเทพ", ["กรุง", "รุงเ", "ุงเท", "งเทพ"]),
    ],
)
def test_other_languages_have_content_too(text, found):
    assert words(text) == found


def test_the_same_word_in_another_form_has_the_same_key():
    one, two = ([word.key for word in content(text)] for text in ("Hiking cost 1,200 crowns", "hikes COSTS 1200 crown"))
    assert one == two


@given(st.text(max_size=200))
def test_each_word_stands_where_it_says(text):
    for word in content(text):
        assert text[word.start : word.end] == word.text


# --- overlap ----------------------------------------------------------------------------------------------------------


def test_what_a_piece_shares_with_the_answer_is_named_as_the_answer_writes_it():
    pieces = ["I was BORN in oslo in 1987.", "I like tea."]
    assert overlaps(pieces, "You were born in Oslo in 1987.", ASKED) == [("Oslo", "1987"), ()]


def test_words_of_the_question_tell_nothing():
    assert overlaps(["Sam works at Acme."], "Sam works at Acme.", "Does Sam work at Acme?") == [()]


def test_a_digit_alone_tells_nothing_and_beside_a_word_counts():
    assert overlaps(["I have 3 cats.", "At 3 we met."], "Those are 3 cats.") == [("3", "cats"), ()]


def test_what_stands_in_most_of_many_pieces_tells_none_from_the_others_unless_it_is_a_name():
    pieces = [
        f"A visit to the garden, and Bob, {plant}." for plant in ("roses", "lilies", "ferns", "moss", "ivy", "oak")
    ]
    found = overlaps(pieces, "A garden with roses, says Bob.")
    assert found[0] == ("Bob", "roses")
    assert found[1:] == [("Bob",)] * 5


def test_writing_without_spaces_overlaps_in_whole_stretches():
    assert overlaps(["我住在奥斯陆，喜欢猫。"], "你住在奥斯陆。", "我住在哪里？") == [("在奥斯陆",)]


def test_no_answer_overlaps_with_nothing():
    assert overlaps(["I was born in Oslo."], "") == [()]
    assert overlaps([], "Oslo.") == []


@given(st.lists(st.text(max_size=60), max_size=8), st.text(max_size=60), st.text(max_size=30))
def test_it_is_the_same_every_time_and_every_shared_word_stands_in_the_answer(pieces, answer, query):
    found = overlaps(pieces, answer, query)
    assert found == overlaps(pieces, answer, query)
    assert len(found) == len(pieces)
    for piece, shared in zip(pieces, found, strict=True):
        assert all(word in answer for word in shared)
        assert bool(marked(piece, shared)) == bool(shared)


@given(st.text(max_size=100), st.lists(st.text(max_size=20), max_size=4))
def test_marks_are_in_order_and_do_not_touch(text, shared):
    ends = [end for span in marked(text, shared) for end in span]
    assert ends == sorted(ends)
    assert all(0 <= end <= len(text) for end in ends)


# --- survival ---------------------------------------------------------------------------------------------------------


def test_words_that_a_summary_has_survive_and_the_others_are_lost():
    found = survival("I was born in Oslo in 1987 and have a cat. Oslo!", "The user was born in Oslo.")
    assert (found.kept, found.lost) == (("born", "Oslo"), ("1987", "cat"))


def test_a_synonym_is_counted_as_lost():
    assert survival("I own a bicycle.", "The user has a bike.").kept == ()


@given(st.text(max_size=120))
def test_all_survive_in_the_words_themselves_and_none_in_nothing(said):
    assert survival(said, said).lost == ()
    assert survival(said, "").kept == ()


def test_a_turn_is_compared_with_all_that_tells_of_it():
    notes = [Note("a", 1, "Oslo is cold.", (0, 1), 1), Note("b", 1, "The user was born in 1987.", (0, 1), 1)]
    assert turn_survival(plain(0, "I was born in Oslo in 1987.", "Noted."), notes).lost == ()


def test_a_note_tells_of_the_turns_that_it_names_else_of_its_span():
    span = Note("summary", 1, "gist", (0, 4), 4)
    named = Note("entity-1", 1, "Sam", (0, 4), 4, {"turns": [0, 3]})
    gone = Note("entity-2", 2, "", (0, 4), 4)
    assert tell_of([span, named, gone], 3) == [span, named]
    assert tell_of([span, named, gone], 1) == [span]
