"""The words of the lessons, each in one or two short sentences.

>>> glossary()["window"].means
'A memory that sends only the last k turns. Earlier ones stay stored.'

They stand in `glossary.toml`; a lesson's text names one as `{term:window}`, by its id or its name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Term:
    """A word: its `id` in lessons, its `name` on the page, and what it means."""

    id: str
    name: str
    means: str


@lru_cache(maxsize=1)
def glossary() -> Mapping[str, Term]:
    """Return all words by their ids, in the order of their names."""
    rows = tomllib.loads(Path(__file__).with_name("glossary.toml").read_text())
    terms = [Term(id, row["name"], row["means"]) for id, row in rows.items()]
    return {term.id: term for term in sorted(terms, key=lambda term: term.name.casefold())}


def find(word: str) -> Term | None:
    """Return a word by its id or its name, in the singular or the plural; None where it is not explained."""
    terms = glossary().values()
    names = {name: term for term in terms for name in (term.name.casefold(), term.id.replace("-", " "), term.id)}
    word = " ".join(word.casefold().split())
    forms = (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y")
    return next((names[form] for form in forms if form in names), None)
