"""A memory's own words before the turns or after them: the same is sent, and after them more of it stays cached."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from langchain_core.messages import BaseMessage

from memory.base import Memory, Recall, State, Turn
from memory.catalog import load
from memory.money.prompt_cache import Sent, Sizes, common_tokens
from memory.prompt import assemble
from memory.services import Models
from tests.memory.fakes import ENCODING, plain

SMALL = {
    "summary_buffer": {"max_token_limit": 160, "summarize_block": 40},
    "summarization": {"trigger": 220, "keep": 8},
    "entity": {"k": 30},
    "kg": {"k": 30},
    "vector_token_buffer": {"max_token_limit": 400},
    "combined": {"memories": "window(k=5,step=5)+vector(k=2)+entity(k=0)"},
}
NAMES = ("Sam", "Mira", "Tom", "Ann", "Bob")


def talk() -> list[Turn]:
    said = [
        f"{NAMES[n % 5]} works at Acme{n} with {NAMES[(n + 2) % 5]}. What does {NAMES[n % 3]} do?" for n in range(24)
    ]
    return [replace(plain(n, text, f"I see, at Acme{n}."), at=1.7e9 + n * 60) for n, text in enumerate(said)]


def recalls(memory: Memory, turns: list[Turn]) -> list[Recall]:
    """Read and write each turn; return what was recalled for each."""
    services, state, found = Models().services(), State(), []
    for length, turn in enumerate(turns):
        found.append(memory.read(state, turns[:length], turn.human, services, 2_000))
        state = memory.write(state, turns[: length + 1], services, None)
    return found


def both(short: str) -> tuple[list[Recall], list[Recall]]:
    turns = talk()
    before, after = (
        recalls(load().make(short, {**SMALL[short], "memory_place": place}), turns) for place in ("before", "after")
    )
    return before, after


def test_every_memory_that_sends_notes_or_quotes_beside_turns_has_the_setting() -> None:
    having = {cls.short for cls in load().memories.values() if "memory_place" in cls.Settings.model_fields}
    assert having == set(SMALL)
    for short in having:
        memory = load().memory(f"{short}:memory_place=after")
        assert "memory_place" not in memory.state_settings
        assert memory.key == load().memory(short).key


@pytest.mark.parametrize("short", SMALL)
def test_the_same_is_sent_in_another_order(short: str) -> None:
    for before, after in zip(*both(short), strict=True):
        assert sorted(before.items, key=repr) == sorted(after.items, key=repr)
        assert before.left_out == after.left_out
        kinds = [item.segment for item in before.items]
        assert kinds == sorted(kinds, key=["memory", "history"].index)
        assert [item.segment for item in after.items] == sorted(kinds, key=["history", "memory"].index)


def common(short: str) -> tuple[int, int]:
    """Return the tokens of all prompts that begin as the one before: with the memory's own before and after."""
    turns = talk()
    sizes = Sizes(turns, ENCODING)
    sums = []
    for found in both(short):
        sent = [Sent(recall.items, turn.human) for recall, turn in zip(found, turns, strict=True)]
        sums.append(sum(common_tokens(one, two, sizes) for one, two in pairwise(sent)))
    return sums[0], sums[1]


@pytest.mark.parametrize("short", ["entity", "kg", "combined"])
def test_behind_turns_that_stay_more_of_a_prompt_begins_as_the_one_before(short: str) -> None:
    before, after = common(short)
    assert after > 1.5 * before


@pytest.mark.parametrize("short", ["summary_buffer", "summarization"])
def test_a_summary_that_changes_with_the_turns_is_better_before_them(short: str) -> None:
    before, after = common(short)
    assert before >= after > 0


def kinds(messages: list[BaseMessage]) -> list[str]:
    return [message.type for message in messages]


def test_a_provider_that_takes_no_late_system_message_gets_it_in_the_users_role() -> None:
    turns = talk()
    recall = recalls(load().make("summary_buffer", {**SMALL["summary_buffer"], "memory_place": "after"}), turns)[-1]
    prompt = assemble("Be brief.", recall, turns, "Who?", ENCODING)
    own, other = prompt.langchain("openai:gpt-5-mini"), prompt.langchain("anthropic:claude-opus-5")
    assert kinds(own)[:2] == kinds(other)[:2] == ["system", "human"]
    assert kinds(own)[-2:] == ["system", "human"]
    assert kinds(other)[-2:] == ["human", "human"]
    assert [message.text for message in own] == [message.text for message in other]
