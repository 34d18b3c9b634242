"""LastUserInputMemory by hand: one message of one turn, and why the others are not sent."""

from __future__ import annotations

from memory.base import State
from memory.catalog import load
from tests.memory.fakes import FakeServices, plain, with_tools


def test_every_other_message_of_the_last_turn_has_its_reason() -> None:
    turns = [plain(0, "Hello.", "Hi."), with_tools(1, "Look it up.", "Done.", ["found"])]
    recall = load().memory("last_input").read(State(), turns, "?", FakeServices(), 1000)
    assert [item.ref for item in recall.items] == ["message:1.0"]
    assert [(left.turns, left.message) for left in recall.left_out] == [
        ((0, 1), None),
        ((1, 2), 1),
        ((1, 2), 2),
        ((1, 2), 3),
    ]
    assert {left.why for left in recall.left_out} == {"not the last human message"}
