"""Token counts against outside truths: OpenAI's published examples and tiktoken's own algorithm."""

from __future__ import annotations

import doctest
import time
from functools import cache
from itertools import pairwise

import pytest
import tiktoken
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memory import tokens
from memory.tokens import Encoding, count_tokens, encode, encoding_for, shorten, split_model, well_formed

ENCODINGS = ["o200k_base", "cl100k_base"]
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@cache
def tiktoken_with(name: str) -> tiktoken.Encoding:
    """tiktoken's code over the vocabulary that is shipped here: its own would be downloaded."""
    shipped = tokens._tokenizer(name)
    return tiktoken.Encoding(
        name, pat_str=shipped._pat_str, mergeable_ranks=shipped._mergeable_ranks, special_tokens=shipped._special_tokens
    )


# Text in which tokens are made and broken: letters, marks, runs of white space, digits, contractions, emoji.
TEXT = st.text(
    st.one_of(
        st.sampled_from([*list("aeitAB'sS.,!?()/_-09 \t\n\r\xa0\u3000、。あ漢é́\u200dß"), "😀", FAMILY[0]]),
        st.characters(codec="utf-8"),
    ),
    max_size=300,
)


@pytest.mark.parametrize(
    ("text", "cl100k", "o200k"),
    [
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 9, 8),
        ("tiktoken is great!", 6, 6),
        ("", 0, 0),
    ],
)
def test_counts_are_those_that_openai_publishes(text: str, cl100k: int, o200k: int) -> None:
    assert (count_tokens(text, "cl100k_base"), count_tokens(text, "o200k_base")) == (cl100k, o200k)


def test_ids_are_those_that_openai_publishes() -> None:
    assert encode("tiktoken is great!", "cl100k_base") == [83, 1609, 5963, 374, 2294, 0]


@pytest.mark.parametrize("name", ENCODINGS)
@given(text=TEXT)
@settings(max_examples=60)
def test_ids_are_tiktokens(name: str, text: str) -> None:
    assert encode(text, name) == tiktoken_with(name).encode_ordinary(text)


@pytest.mark.parametrize("name", ENCODINGS)
@given(text=TEXT)
@example(text="it's  a\n\ntest.\r\n/x 's, 12 345.6")
@settings(max_examples=60)
def test_a_text_counted_in_pieces_counts_as_in_one(name: str, text: str) -> None:
    assert [token for piece in boundary_pieces(text) for token in encode(piece, name)] == encode(text, name)


def boundary_pieces(text: str) -> list[str]:
    """Split at every boundary there is, which is harder than what a long text meets."""
    cuts = [0, *(match.start() for match in tokens._BOUNDARY.finditer(text) if match.start()), len(text)]
    return [text[a:b] for a, b in pairwise(cuts)]


def test_the_examples_in_the_text_hold() -> None:
    assert doctest.testmod(tokens).failed == 0


def test_special_tokens_are_plain_text() -> None:
    assert count_tokens("<|endoftext|>") > 1
    assert encode("<|endoftext|>") == tiktoken_with("o200k_base").encode_ordinary("<|endoftext|>")


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\ud83d\ude00", "x" * 60_000 + "\ud800"])
def test_lone_surrogates_are_counted_as_question_marks(text: str) -> None:
    assert count_tokens(text) == count_tokens(well_formed(text)) > 0
    assert len(well_formed(text)) == len(text)
    assert shorten(text, 1_000_000) == text


def test_an_emoji_of_several_tokens_is_kept_whole_or_left_out() -> None:
    assert count_tokens(FAMILY) > 3
    for limit in range(count_tokens(FAMILY)):
        assert FAMILY.startswith(shorten(FAMILY, limit))
        shorten(FAMILY, limit).encode()


@pytest.mark.parametrize(
    "text",
    [
        "a" * 2**20,
        " " * 2**20,
        "\n" * 2**20,
        " \n" * 2**19,
        "A1" * 2**19,
        "漢字" * 2**19,
        FAMILY * 2**18,
        "hello world, " * 80_660,
    ],
    ids=["a", "spaces", "newlines", "blank lines", "letters and digits", "characters", "emoji", "words"],
)
def test_a_megabyte_is_counted_and_shortened_in_bounded_time(text: str) -> None:
    count_tokens("warm")
    begin = time.thread_time()
    total = count_tokens(text)
    middle = time.thread_time()
    kept = shorten(text, total // 2)
    small = time.thread_time()
    assert count_tokens(shorten(text, 100)) <= 100
    end = time.thread_time()
    assert total > 1_000
    assert text.startswith(kept)
    assert total // 2 - 8 <= count_tokens(kept) <= total // 2
    assert middle - begin < 4
    assert small - middle < 6
    assert end - small < 1, "shortening takes time for what is kept, not for what is cut off"


@pytest.mark.parametrize("unit", ["hello world, ", "A quick brown fox.\n", "漢字、仮名。"])
def test_a_long_ordinary_text_is_counted_exactly(unit: str) -> None:
    text = unit * (150_000 // len(unit))
    assert encode(text) == tiktoken_with("o200k_base").encode_ordinary(text)


@pytest.mark.parametrize("name", ENCODINGS)
@given(text=TEXT, limit=st.integers(-2, 120))
@settings(max_examples=120)
def test_shortened_text_is_a_prefix_within_the_limit_and_close_to_it(name: str, text: str, limit: int) -> None:
    short, total = shorten(text, limit, name), count_tokens(text, name)
    assert text.startswith(short)
    assert count_tokens(short, name) <= max(limit, 0)
    if limit >= total:
        assert short == text
    else:
        assert count_tokens(short, name) >= limit - 6


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("demo", Encoding("o200k_base", True)),
        ("gpt-5-mini", Encoding("o200k_base", True)),
        ("openai:gpt-5.2", Encoding("o200k_base", True)),
        ("openai:gpt-4o-mini", Encoding("o200k_base", True)),
        ("gpt-4.1-nano", Encoding("o200k_base", True)),
        ("gpt-4", Encoding("cl100k_base", True)),
        ("gpt-4-turbo", Encoding("cl100k_base", True)),
        ("openai:ft:gpt-4o-mini:us::7", Encoding("o200k_base", True)),
        ("ft:gpt-3.5-turbo:us::7", Encoding("cl100k_base", True)),
        ("azure_openai:gpt-35-turbo", Encoding("cl100k_base", True)),
        ("text-embedding-3-small", Encoding("cl100k_base", True)),
        ("gpt-6-luna", Encoding("o200k_base", False)),
        ("anthropic:claude-opus-5", Encoding("o200k_base", False)),
        ("openai:qwen3:8b", Encoding("o200k_base", False)),
        ("llama3", Encoding("o200k_base", False)),
    ],
)
def test_a_models_encoding_is_exact_only_where_its_vocabulary_is_published(model: str, expected: Encoding) -> None:
    assert encoding_for(model) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("demo", ("demo", "demo")),
        (" gpt-5-mini ", ("openai", "gpt-5-mini")),
        ("openai:ft:gpt-4o:us::7", ("openai", "ft:gpt-4o:us::7")),
        ("ft:gpt-4o:us::7", ("openai", "ft:gpt-4o:us::7")),
        ("google-genai:gemini-3.5-flash", ("google_genai", "gemini-3.5-flash")),
        ("claude-opus-5", ("", "claude-opus-5")),
    ],
)
def test_a_model_name_is_split_at_its_first_colon(model: str, expected: tuple[str, str]) -> None:
    assert split_model(model) == expected
