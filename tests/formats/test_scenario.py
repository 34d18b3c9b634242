"""The scripted conversations that people write by hand."""

import copy
from typing import Any

import pytest

from memory.errors import BadInput
from memory.formats import read
from tests.formats.talks import written

FILE: dict[str, Any] = {
    "scenario": "moved",
    "title": "From Oslo to Lisbon",
    "talk": [
        {"at": "2026-03-02 18:05"},
        {"human": "I live in Oslo.", "id": "oslo"},
        {"ai": "A fine city!"},
        {"human": "It is cold."},
        {"at": "2026-04-11 09:30", "human": "I moved to Lisbon.", "id": "lisbon"},
        {"ai": "Congratulations!"},
    ],
    "questions": [
        {"ask": "Where do I live?", "evidence": ["lisbon"], "outdated": ["oslo"], "now": "Lisbon", "before": "Oslo"},
        {"ask": "Is it cold?", "evidence": ["m3"], "category": 2, "at": "2026-05-01", "answer": "It was."},
    ],
}


def test_a_date_begins_a_session_and_messages_without_an_id_are_named_by_their_number() -> None:
    (recording,) = read(written(FILE))
    assert (recording.id, recording.title) == ("moved", "From Oslo to Lisbon")
    assert [[message.source for message in turn.messages] for turn in recording.turns] == [
        ["oslo", "m2"],
        ["m3"],
        ["lisbon", "m5"],
    ]
    assert [turn.at for turn in recording.turns] == [1772474700.0, 1772474700.0, 1775899800.0]
    first, second = recording.questions
    assert (first.evidence, first.outdated, first.now, first.before) == (("lisbon",), ("oslo",), "Lisbon", "Oslo")
    assert (second.category, second.at, second.answer) == ("2", 1777593600.0, "It was.")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["talk", 1, "humen"], "x", r"talk\[1\]\.humen: is not known; did you mean human\?"),
        (["talk", 2], {"id": "x"}, r'talk\[2\]: must have one speaker; write \{"human": "…"\}'),
        (["talk", 2, "human"], "x", r"talk\[2\]: must have one speaker"),
        (["talk", 2, "ai"], "  ", r"talk\[2\]\.ai: says nothing; write what is said or take the line out"),
        (["talk", 2, "id"], "oslo", r"talk\[2\]\.id: oslo names an earlier message as well; choose another id"),
        (["talk", 0, "at"], "soon", r"talk\[0\]\.at: soon is no date; write 2026-03-02 18:05"),
        (
            ["questions", 0, "evidence", 0],
            "lisbonn",
            r"questions\[0\]\.evidence\[0\]: lisbonn names no message; did you",
        ),
        (["questions", 0, "outdated", 0], "x", r"questions\[0\]\.outdated\[0\]: x names no message; give that message"),
        (["questions", 0, "question"], "x", r"questions\[0\]\.question: is not known; "),
        (["questions", 0, "ask"], None, r"questions\[0\]\.ask: must be text"),
        (["talk"], [], "talk: holds no message; write the first as"),
    ],
)
def test_what_is_wrong_is_named_with_its_file_its_place_and_the_remedy(path: list[Any], value: Any, said: str) -> None:
    file = copy.deepcopy(FILE)
    holder: Any = file
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    with pytest.raises(BadInput, match=f"^mine.json:? {said}"):
        read(written(file), "mine.json")
