"""Counts as every table and sentence of the package writes them."""

from __future__ import annotations

import pytest

from memory.common.words import plural


@pytest.mark.parametrize(("count", "said"), [(0, "0 turns"), (1, "1 turn"), (2, "2 turns"), (2000, "2,000 turns")])
def test_a_count_has_its_noun_and_its_thousands(count: int, said: str) -> None:
    assert plural(count, "turn") == said
