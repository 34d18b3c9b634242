"""Cutting texts into passages.

python -m pytest tests/knowledge/test_splitting.py
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.errors import BadInput
from memory.knowledge.splitting import check, split

WORDS = st.lists(
    st.sampled_from(
        [
            "gate",
            "\n\n## Gates\n\n",
            "opens.",
            "nine\n",
            "\n\n",
            "  ",
            "\n\n\n",
            "日本語。",
            "x" * 90,
            "east,",
            "why?",
            "\t",
            "é",
        ]
    ),
    max_size=200,
)
TEXTS = st.one_of(WORDS.map(" ".join), WORDS.map("".join), st.text(max_size=600))
SIZES = st.integers(20, 200)


@settings(max_examples=300)
@given(text=TEXTS, size=SIZES, overlap=st.integers(0, 100))
def test_nothing_is_lost_sizes_are_kept_and_the_overlap_is_as_said(text: str, size: int, overlap: int) -> None:
    overlap = min(overlap, size // 2)
    spans = split(text, size, overlap)
    assert bool(spans) == bool(text)
    assert all(0 < end - start <= size for start, end in spans)
    if spans:
        assert spans[0][0] == 0
        assert spans[-1][1] == len(text)
    for before, after in pairwise(spans):
        assert 0 <= before[1] - after[0] <= overlap  # no gap, and no more in common than was said
        assert before[0] < after[0]
        assert before[1] < after[1]
    rebuilt = "".join(
        text[max(start, before) : end] for (start, end), before in zip(spans, [0, *(e for _, e in spans)], strict=False)
    )
    assert rebuilt == text


@settings(max_examples=100)
@given(text=TEXTS, size=SIZES)
def test_without_an_overlap_the_passages_are_the_text(text: str, size: int) -> None:
    assert "".join(text[start:end] for start, end in split(text, size, 0)) == text


def test_a_text_is_cut_at_the_widest_seam_that_there_is() -> None:
    text = "One two three. Four five six.\n\nSeven eight nine. Ten eleven twelve."
    assert [text[start:end] for start, end in split(text, 40, 0)] == [
        "One two three. Four five six.\n\n",
        "Seven eight nine. Ten eleven twelve.",
    ]
    assert [text[start:end] for start, end in split(text, 20, 0)] == [
        "One two three. ",
        "Four five six.\n\n",
        "Seven eight nine. ",
        "Ten eleven twelve.",
    ]


def test_a_heading_stands_with_what_it_is_over() -> None:
    text = "# Gates\n\n" + "The east gate. " * 5 + "\n\n## Walls\n\n### High\n\n" + "The wall is high. " * 5
    pieces = [text[start:end] for start, end in split(text, 125, 0)]
    assert len(pieces) == 2
    assert pieces[1].startswith("## Walls\n\n### High\n\nThe wall")


def test_an_overlap_begins_with_a_sentence_or_a_word() -> None:
    text = "Alpha beta gamma. Delta epsilon. " * 6
    spans = split(text, 70, 20)
    shared = [text[after[0] : before[1]] for before, after in pairwise(spans)]
    assert len(spans) > 2
    assert set(shared) <= {"Alpha beta gamma. ", "Delta epsilon. "}


@pytest.mark.parametrize(("size", "overlap"), [(50, 0), (9_000, 0), (800, 401), (800, -1)])
def test_sizes_that_cannot_be_meant_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(BadInput, match="choose"):
        check(size, overlap)
