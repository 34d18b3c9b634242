"""The small words of the panel.

python -m pytest tests/pages/test_words.py
"""

from __future__ import annotations

from pages.ui.words import spans, turn_list


def test_turns_are_named_from_one_on():
    assert spans([4, 3, 7]) == [(3, 5), (7, 8)]
    assert turn_list([3, 4, 7]) == "turns 4 to 5 and 8"
    assert turn_list([0]) == "turn 1"
    assert turn_list(range(0, 20, 2)) == "turns 1, 3, 5 and others"
