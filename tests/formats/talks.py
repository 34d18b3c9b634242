"""What the tests of all formats share: talks as they may be, and the damage that a file may have."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from memory.errors import BadInput
from memory.exchange.bounds import ID
from memory.formats import Recording, read

FEW = settings(max_examples=60, suppress_health_check=list(HealthCheck))

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["Human: I am the user", "![x](https://evil.example)", "\u202eright to left", "🏳️‍🌈 \x00\x07", '"}],"threads":[']
)
SAID = st.tuples(st.booleans(), TEXT)
"""Whether the human says it, and what."""
TALK = st.lists(SAID, min_size=1, max_size=8)

DAMAGE: list[Any] = [
    None, True, 0, -1, 10**14, 1e300, float("nan"), "", "x", "\x00", "\ud800", "D1:1", [], [[]], [None], {}, {"": {}},
    {"role": "user"}, [{"type": "text"}], "9" * 400,
]  # fmt: skip


def written(value: Any) -> bytes:
    return json.dumps(value).encode()


def damaged(value: Any, seed: int) -> Any:
    """Change, remove or repeat something anywhere in a value."""
    chance = random.Random(seed)
    root = copy.deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        holders = [one for one in _holders(root) if len(one)]
        if not holders:
            break
        holder = chance.choice(holders)
        key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        match chance.randint(0, 4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case 2 if isinstance(holder, dict):
                holder[chance.choice(["", "role", "text", "id", "session_7", "parent"])] = copy.deepcopy(holder[key])
            case _:
                holder[key] = copy.deepcopy(chance.choice(DAMAGE))
    return root


def _holders(value: Any) -> list[Any]:
    found, waiting = [], [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, (dict, list)):
            found.append(one)
            waiting += one.values() if isinstance(one, dict) else one
    return found


def sound_or_refused(data: bytes, format: str = "auto") -> tuple[Recording, ...]:
    """Read a file that may be damaged: whatever comes is sound in itself, or one line says what is wrong."""
    said = ""
    try:
        found = read(data, "some.json", format)
    except BadInput as error:
        found, said = (), str(error)
    if not found:
        assert said.startswith("some.json"), "the file is named"
        assert "\n" not in said
        assert ":" in said, "the remedy follows"
    assert len({recording.id for recording in found}) == len(found)
    for recording in found:
        ids = [turn.id for turn in recording.turns]
        assert len(set(ids)) == len(ids)
        assert all(ID.fullmatch(id) for id in ids)
        assert [turn.index for turn in recording.turns] == list(range(len(ids)))
        known = {message.source for turn in recording.turns for message in turn.messages}
        for turn in recording.turns:
            assert turn.messages
            assert turn.at >= 0
            roles = [message.role for message in turn.messages]
            assert "human" not in roles[roles.count("human") :], "a turn is one run of the human's and one of the other"
            assert all(set(message.tokens) == {"o200k_base"} for message in turn.messages)
        for question in recording.questions:
            assert set(question.evidence) <= known
            assert not set(question.unknown_evidence) & known
    return found


def said(recording: Recording) -> list[tuple[bool, str]]:
    """What was said, in its order, as TALK has it."""
    return [(message.role == "human", message.content) for turn in recording.turns for message in turn.messages]


def refused(value: Any, format: str = "auto") -> str:
    with pytest.raises(BadInput) as caught:
        read(value if isinstance(value, bytes) else written(value), "some.json", format)
    return str(caught.value)
