"""What the memory's model is sent of turns: lines that fit it, however many a message has."""

from __future__ import annotations

import pytest

from memory.base import State, replay
from memory.catalog import load
from memory.common.summarize import lines_within
from memory.tokens import count_tokens
from tests.memory.fakes import ENCODING, FakeServices, plain, tokens_of

MANY_LINES = ["\n" * 30_000, "a\n" * 10_000, "\r\n\u2028" * 8_000, "word " * 20_000]


@pytest.mark.parametrize("text", MANY_LINES)
@pytest.mark.parametrize("limit", [1, 40, 700])
def test_names_and_indents_count(text: str, limit: int) -> None:
    assert count_tokens(lines_within(plain(0, f"Alex{text}", text), limit, ENCODING), ENCODING) <= limit


def test_a_turn_that_fits_is_not_shortened() -> None:
    turn = plain(0, "one\ntwo", "three")
    assert lines_within(turn, 100, ENCODING) == "Human: one\n    two\nAI: three"


@pytest.mark.parametrize("text", MANY_LINES)
@pytest.mark.parametrize("spec", ["summary", "entity", "kg"])
def test_what_is_asked_never_exceeds_the_models_input(spec: str, text: str) -> None:
    services = FakeServices()
    replay(load().memory(spec), [plain(0, text, text)], services, State())
    assert services.asked
    assert all(tokens_of(messages) <= services.input_limit for _, messages in services.asked)
