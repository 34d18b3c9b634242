"""Every lesson is played as it ships, and each statement that its text makes is measured; a lesson that errs fails.

A failing test names the claim with what was measured instead. Each lesson is played once by the demo model, and once by
a server of OpenAI's protocol that answers with other words.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import convert_to_messages

from memory.catalog import load as catalog
from memory.demo import DemoChatModel
from memory.lessons.lesson import Lesson
from memory.lessons.loading import load
from memory.lessons.stage import Stage
from memory.lessons.trial import Tried, trial, try_step
from memory.lessons.words import fill, texts_of
from memory.retrieval import minilm
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.stores.inmemory import InMemoryStore
from tests.openai_server import Answer, openai_server

LESSONS = load().found
NUMBERS = range(1, 23)
"""The lessons that ship, by their numbers."""
# The tests have a home of their own; the model is looked for in the real one.
MODEL = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx"
WORDS = (
    "well",
    "then",
    "let",
    "us",
    "see",
    "what",
    "we",
    "can",
    "make",
    "of",
    "it",
    "without",
    "any",
    "hurry",
    "at",
    "all",
)
OTHER = Models(chat="openai:gpt-5-mini", memory="openai:gpt-5-nano", key="sk-lessons")


@cache
def by_the_demo(name: str) -> tuple[Stage, tuple[Tried, ...], list[list[str]]]:
    """Play a lesson with the demo model; returns what came of each step, and its texts as they were filled then."""
    stage = Stage(InMemoryStore(), "learner", LESSONS[name], retrieval=Retrieval(embedding("hashing")))
    found, told = [], []
    for number in range(1, len(stage.lesson.steps) + 1):
        found.append(try_step(stage, number))
        told.append(texts(stage, number))
    return stage, tuple(found), told


def texts(stage: Stage, number: int) -> list[str]:
    """Return the texts of a step with the figures of how things stood at its end."""
    live = stage.live(number)
    return [fill(text, live, str).text for _, text in texts_of(stage.step(number))]


@pytest.fixture(scope="module")
def other_words() -> Iterator[None]:
    """A server whose chat model calls the tools that the demo model would call, and answers in other words.

    What a memory asks for itself is answered as by the demo model: a model that cannot do it teaches nothing.
    """
    with openai_server() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        server.speakers = {"gpt-5-mini": _in_other_words, "gpt-5-nano": _as_the_demo}
        yield


def _as_the_demo(body: dict[str, Any]) -> Answer:
    said = DemoChatModel().bind_tools(body.get("tools") or []).invoke(convert_to_messages(body["messages"]))
    calls = tuple((call["name"], call["args"]) for call in said.tool_calls)
    return Answer(text=said.text or None, tool_calls=calls) if calls else Answer(text=said.text)


def _in_other_words(body: dict[str, Any]) -> Answer:
    if calls := _as_the_demo(body).tool_calls:
        return Answer(tool_calls=calls)
    digest = hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()
    said = [WORDS[int(letter, 16)] for letter in digest[: 4 + int(digest[0], 16)]]
    return Answer(text=f"{' '.join(said).capitalize()}.")


def searches(lesson: Lesson) -> bool:
    """Whether a memory of a lesson finds by vectors."""
    used = (action.use for step in lesson.steps for action in step.play if action.use)
    return any(memory.retrieves or memory.embeds for memory in map(catalog().memory, (lesson.memory, *used)))


def wrong(found: tuple[Tried, ...], demo: bool) -> list[str]:
    """Say what a lesson states and is not so, each in a line; claims on the demo model's words only by that one."""
    lines = []
    for step in found:
        for number, (claim, verdict) in enumerate(zip(step.claims, step.verdicts, strict=True), 1):
            if not verdict.held and (demo or not claim.demo):
                what = "does not hold" if verdict.held is False else "cannot be measured"
                lines.append(f"steps[{step.number}].claims[{number}] “{claim.says}” {what}: {verdict.measured}")
        lines += step.troubles
    return lines


def test_all_lessons_ship_and_each_file_is_sound() -> None:
    assert not load().broken
    assert sorted(lesson.number for lesson in LESSONS.values()) == [*NUMBERS]


@pytest.mark.parametrize("name", LESSONS)
def test_what_a_lesson_says_is_what_happens(name: str) -> None:
    assert wrong(by_the_demo(name)[1], demo=True) == []


@pytest.mark.parametrize("name", LESSONS)
def test_a_step_that_is_shown_again_after_the_lesson_has_the_figures_that_it_had(name: str) -> None:
    stage, _, told = by_the_demo(name)
    again = [texts(stage, number) for number in range(1, len(told) + 1)]
    pairs = [pair for step in zip(told, again, strict=True) for pair in zip(*step, strict=True)]
    assert [pair for pair in pairs if pair[0] != pair[1]] == []


@pytest.mark.parametrize("name", LESSONS)
def test_it_holds_as_well_with_a_model_that_answers_in_other_words(name: str, other_words: None) -> None:
    found = tuple(trial(LESSONS[name], lambda: OTHER, Retrieval(embedding("hashing"))))
    assert wrong(found, demo=False) == []


@pytest.mark.skipif(minilm.missing(MODEL) is not None, reason="all-MiniLM-L6-v2 is not on this disk")
@pytest.mark.parametrize("name", [name for name, lesson in LESSONS.items() if searches(lesson)])
def test_what_a_lesson_says_of_a_search_is_so_with_the_embedding_model_as_well(name: str) -> None:
    found = tuple(trial(LESSONS[name], retrieval=Retrieval(embedding(str(MODEL)))))
    assert wrong(found, demo=True) == []


@pytest.mark.parametrize("name", [name for name, lesson in LESSONS.items() if lesson.what_if])
def test_the_last_message_is_answered_with_each_value_of_the_control_at_the_end(name: str) -> None:
    stage = by_the_demo(name)[0]
    assert stage.lesson.what_if
    for value in stage.lesson.what_if.values:
        stage.try_with(value).join()
        tried = stage.tried()
        assert tried
        seen = tried[1].inspect()
        assert seen
        assert (tried[0], seen.turn.status) == (value, "complete")
        assert seen.trace.settings[stage.lesson.what_if.setting] == value


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_that_says_something_goes_on_in_the_chat(name: str) -> None:
    stage = by_the_demo(name)[0]
    live = stage.live()
    if spot := live.spot():
        thread = stage.store.thread(stage.owner, stage.go_on_in_chat())
        assert thread
        assert (thread.memory, thread.settings) == (spot.memory, spot.settings)
        assert [turn.human for turn in stage.store.turns(stage.owner, thread.id, 0, 99)] == [
            turn.human for turn in live.turns()
        ]
    else:
        assert not any(action.say for step in stage.lesson.steps for action in step.play)


@pytest.mark.parametrize("name", LESSONS)
def test_every_step_that_plays_or_tells_what_came_makes_a_claim(name: str) -> None:
    lesson: Lesson = LESSONS[name]
    assert [place for place, step in enumerate(lesson.steps, 1) if step.play and not step.claims] == []
