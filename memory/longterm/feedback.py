"""What a user says of an answer: a thumb and a few words, kept as a fact that rests on the turn.

    >>> give(store, Source("t1", "a1", 0), good=False, words="Show me an example instead.", at=now)
    >>> given(store, "t1")["a1"].words
    'Show me an example instead.'

It goes with its turn when that is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from langgraph.store.base import PutOp

from memory.errors import BadInput, StoreUnavailable
from memory.longterm.base_store import UserStore
from memory.longterm.facts import Fact, Source, to_value
from memory.longterm.taking_in import RACES, facts_of

NAMESPACE = ("feedback",)
KIND = "Feedback"
LONGEST = 1_000
"""Characters of the words."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """A thumb up or down on an answer; `used` says that instructions were rewritten by it."""

    source: Source
    good: bool
    words: str
    at: float
    used: bool = False

    @property
    def line(self) -> str:
        """Write it as an optimizer reads it."""
        verdict = "helpful" if self.good else "not helpful"
        words = " ".join(self.words.split())
        return f"- {verdict}: {words}" if words else f"- {verdict}"


def give(store: UserStore, source: Source, good: bool, words: str, at: float) -> None:
    """Keep feedback on an answer, in place of what was said of it before; raises BadInput for words too many."""
    if len(words) > LONGEST:
        raise BadInput(f"What you say of an answer has {len(words):,} characters and may have {LONGEST:,}: shorten it.")
    put(store, [Feedback(source, good, words.strip(), at)])


def put(store: UserStore, feedback: list[Feedback]) -> None:
    """Keep some feedback as it is."""
    for _ in range(RACES):
        seen, _rows = store.snapshot()
        if store.commit([put_of(one) for one in feedback], seen):
            return
    raise StoreUnavailable("Others kept writing: what you said of the answer was not kept; say it again.")


def put_of(feedback: Feedback) -> PutOp:
    """Return the write that keeps it."""
    source = feedback.source
    content = {"good": feedback.good, "words": feedback.words, "used": feedback.used}
    fact = Fact(_key(source), NAMESPACE, KIND, content, (source,), feedback.at)
    return PutOp(NAMESPACE, fact.key, to_value(fact), index=False)


def unused(fact: Fact) -> Fact:
    """Return kept feedback as if no instructions had been rewritten by it."""
    return replace(fact, content={**fact.content, "used": False})


def given(store: UserStore, thread: str) -> dict[str, Feedback]:
    """Return the feedback on a thread's answers by the id of the turn; raises StoreUnavailable."""
    found = {}
    for fact in facts_of(store, NAMESPACE).values():
        if fact.kind == KIND and fact.sources and fact.sources[0].thread == thread:
            content = fact.content
            found[fact.sources[0].turn] = Feedback(
                fact.sources[0],
                bool(content.get("good")),
                str(content.get("words", "")),
                fact.at,
                bool(content.get("used")),
            )
    return found


def take_back(store: UserStore, source: Source) -> None:
    """Remove what was said of an answer."""
    store.delete(NAMESPACE, _key(source))


def _key(source: Source) -> str:
    return f"{source.thread}-{source.turn}"
