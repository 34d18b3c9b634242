"""What lessons tell of the program in words and no claim measures: its rules, its times, the rows of a receipt.

python -m pytest tests/lessons/test_told_of_the_program.py
"""

from __future__ import annotations

from pathlib import Path

from memory import reflection
from memory.catalog import load as load_catalog
from memory.knowledge.splitting import SIZE
from memory.lessons.lesson import Lesson
from memory.lessons.loading import lesson
from memory.lessons.stage import Stage
from memory.lessons.words import texts_of
from memory.lint.report import RULES
from memory.longterm.namespace import NamespaceTemplate
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.stores.inmemory import InMemoryStore

ROOT = Path(__file__).parents[2]


def told(of: Lesson) -> str:
    """Return all that a lesson says, each text on one line."""
    return "\n".join(" ".join(text.split()) for step in of.steps for _, text in texts_of(step))


def test_the_files_that_one_may_copy_are_there_and_in_the_selector() -> None:
    for file in ("memory/custom/last_input.py", "memory/custom/last_input_classic.py"):
        assert file in told(lesson("write-your-own"))
        assert (ROOT / file).exists()
    assert {"last_input", "lastinputclassicmemory"} <= {one.short for one in load_catalog().memories.values()}


def test_there_are_as_many_rules_as_the_lesson_on_the_contract_says() -> None:
    assert "twelve rules" in told(lesson("write-your-own"))
    assert {number for number, _ in RULES.values()} == {*range(1, 13)}


def test_a_conversation_is_reflected_on_after_half_a_minute() -> None:
    assert "silent for half a minute" in told(lesson("now-or-later"))
    assert reflection.REST_SECONDS == 30.0


def test_a_passage_has_the_size_that_the_lesson_on_layers_says() -> None:
    assert f"up to {SIZE} characters" in told(lesson("layers"))


def test_the_labels_of_a_namespace_are_filled_by_the_session() -> None:
    assert "{org}/{app}" in told(lesson("namespaces"))
    assert NamespaceTemplate("{org}/{app}").filled({"org": "acme", "app": "support"}) == ("acme", "support")


def test_what_is_forgotten_stood_in_each_place_that_the_lesson_names() -> None:
    of = lesson("forgetting")
    assert "copies of the prompts that were sent" in told(of)
    stage = Stage(InMemoryStore(), "learner-of-receipts", of, retrieval=Retrieval(embedding("hashing")))
    for number in (1, 2, 4):
        stage.play(number).join(60)
    (receipt,) = stage.live().receipts
    there = {row.place for row in receipt.rows if row.there}
    assert {
        "messages of turn 2",
        "facts remembered of it",
        "memory notes written after it",
        "copies of them in prompts",
    } <= there
    assert receipt.left == 0
    assert "0199" not in receipt.json()
