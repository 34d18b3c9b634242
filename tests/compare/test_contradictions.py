"""The same contradiction given to every memory: which of the two statements it sends afterwards."""

from pathlib import Path

import pytest

from memory.base import Item, Recall
from memory.catalog import load
from memory.compare.collect import run_of
from memory.compare.misses import Contradiction, contradictions
from memory.compare.results import Results
from memory.compare.scenarios import scenario
from memory.evidence import noted
from memory.replay import Replay
from memory.retrieval.embeddings import embedding
from memory.services import Models

MEASURED = {
    "none": ("neither", ""),
    "buffer": ("both", ""),
    "window:k=5": ("new", ""),
    "window:k=2": ("neither", ""),
    "token_buffer:max_token_limit=250": ("new", ""),
    "summary": ("neither", "new"),
    "summary_buffer:max_token_limit=300": ("new", "old"),
    "summarization:trigger=300,keep=6": ("new", "old"),
    'simple:memories={"city":"Oslo"}': ("neither", "old"),
    "entity": ("neither", "new"),
    "kg": ("neither", "both"),
    "vector:k=2,search=lexical": ("old", ""),
    "vector_token_buffer:max_token_limit=300,k=2,search=lexical": ("both", ""),
    "time_weighted:search=lexical": ("new", ""),
    "attention:max_token_limit=200,search=lexical": ("both", ""),
    "combined:memories=window(k=2)+vector(k=2,search=lexical)": ("old", ""),
    "key_value": ("neither", ""),
    "last_input": ("neither", ""),
}
"""After "I live in Oslo" and "I moved to Lisbon": what each sends of the two word for word, and what its notes hold."""


def given_to(specs: list[str], name: str) -> list[Contradiction]:
    recording = scenario(name).recording
    replay = Replay(recording, Models(), embedding("hashing"), prompts=False)
    results: Results = {}
    for column, spec in enumerate(specs):
        with replay.run(load().memory(spec)) as run:
            results[0, column] = run_of(run)
    return contradictions(results, [recording])


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORY_KEY_VALUE_FILE", str(tmp_path / "facts.sqlite"))


def test_each_memory_sends_of_a_contradiction_what_is_its_way() -> None:
    first, _ = given_to(list(MEASURED), "moved")
    assert [told.words[:14] for told in (*first.old, *first.new)] == ["Hello! I live ", "I moved to Lis"]
    assert dict(zip(MEASURED, zip(first.sent.values(), first.noted.values(), strict=True), strict=True)) == MEASURED


def test_every_memory_of_the_catalogue_has_a_verdict() -> None:
    memories = [cls.short for cls in load().memories.values()]
    for one in given_to(memories, "corrected-twice"):
        assert len(one.sent) == len(one.noted) == len(memories)
        assert len(one.old) == 2, "it was corrected twice"


def test_a_search_by_words_sends_what_repeats_the_question_and_not_what_holds() -> None:
    for name in ("moved", "corrected-twice", "fresh-or-alike", "saved-by-name"):
        for one in given_to(["vector:k=4,search=lexical"], name):
            assert one.sent == {0: "old"}


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("The user moved to LISBON.", "new"),
        ("The user lives in Oslo, and moved to Lisbon.", "both"),
        ("Osloer Fjord, Lisbonne", "neither"),
        ("city: Oslo", "old"),
    ],
)
def test_a_note_holds_a_word_as_a_whole_in_whatever_case(note: str, said: str) -> None:
    recall = Recall((Item("summary:1", "memory", "a summary", 5, text=note),))
    assert noted(recall, "Lisbon", "Oslo") == said


def test_without_a_note_or_a_word_nothing_is_said() -> None:
    quoted = Recall((Item("turns:0-0", "history", "a turn", 5, turns=(0, 1)),))
    assert noted(quoted, "Lisbon", "Oslo") == ""
    assert noted(Recall((Item("summary:1", "memory", "", 5, text="In Oslo."),)), "", "") == ""
