"""Instructions change by what is said of answers: by three optimizers, in versions, each with what caused it.

python -m pytest tests/longterm/test_procedural.py
"""

from __future__ import annotations

import pytest

from memory import forgetting
from memory.conversation import Conversation
from memory.errors import BadInput
from memory.forgetting.places import every_text
from memory.forgetting.remembered import remembered
from memory.longterm.facts import Fact, Source
from memory.longterm.feedback import LONGEST, give, given, take_back
from memory.longterm.rewriting import prices
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store
from memory.trace import Trace
from tests.memory.fakes import FakeChat, FakeModels, conversation, say, traces_of

WISH = "Show me a practical example instead."


def talk_of(store: Store, spec: str = "procedural", user: str = "", thread: str = "t1") -> Conversation:
    talk = conversation(store, spec, user=user, thread=thread, retrieval=Retrieval(embedding("hashing")))
    return Conversation(store, talk.user, thread, talk.memory, Models(), retrieval=talk.retrieval)


def instructions(talk: Conversation) -> Fact | None:
    return remembered(talk.store, talk.user).get("instructions")


def thumb(talk: Conversation, index: int, good: bool = False, words: str = WISH) -> Trace | None:
    turn = talk.store.turns(talk.user, talk.thread, index, index + 1)[0]
    give(talk.services().items, Source(talk.thread, turn.id, index), good, words, 100.0 + index)
    return talk.catch_up(kind="reflect")


@pytest.mark.parametrize(
    ("optimizer", "calls"), [("prompt_memory", 1), ("metaprompt", 4), ("gradient", 2)], ids=lambda value: str(value)
)
def test_a_thumb_down_with_words_changes_the_instructions_of_the_next_prompt(
    store: Store, optimizer: str, calls: int
) -> None:
    talk = talk_of(store, f"procedural:optimizer={optimizer}")
    say(talk, "Explain recursion.")
    assert instructions(talk) is None
    trace = thumb(talk, 0)
    assert trace
    assert [call.purpose for call in trace.calls] == ["instructions"] * calls
    fact = instructions(talk)
    assert fact
    assert fact.content["instructions"] == "Show a practical example."
    assert WISH.rstrip(".") in fact.content["because"]
    say(talk, "Explain sorting.")
    (item,) = traces_of(talk)[-1].items
    assert (item.ref, item.why) == ("instructions:instructions:1", "instructions v1, evolved from your feedback")


def test_what_each_optimizer_costs_is_known_before_it_is_asked(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "Explain recursion.")
    found = prices(talk, store.turns(talk.user, talk.thread, 0, 1)[0], 3)
    assert {name: one.calls for name, one in found.items()} == {"prompt_memory": 1, "metaprompt": 4, "gradient": 2}
    costs = [one.cost for one in (found["prompt_memory"], found["gradient"], found["metaprompt"]) if one.cost]
    assert costs == sorted(costs)
    assert len(set(costs)) == 3
    assert instructions(talk) is None


def test_each_version_stands_with_what_caused_it_and_can_hold_again(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "Explain recursion.", "Explain sorting.")
    thumb(talk, 0)
    thumb(talk, 1, words="Use short sentences.")
    fact = instructions(talk)
    assert fact
    assert fact.content["instructions"].splitlines() == ["Show a practical example.", "Use short sentences."]
    assert [version.content["instructions"] for version in fact.history] == ["Show a practical example."]
    assert "short sentences" in fact.content["because"]
    assert "short sentences" not in fact.history[0].content["because"]
    assert fact.restored(0, 200.0).content["instructions"] == "Show a practical example."


def test_what_was_taken_in_is_not_taken_in_again(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "Explain recursion.")
    assert thumb(talk, 0)
    assert talk.catch_up(kind="reflect") is None
    assert [one.used for one in given(talk.services().items, talk.thread).values()] == [True]


def test_a_thumb_up_changes_nothing_and_the_instructions_hold_in_other_conversations(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "Explain recursion.", "Explain sorting.")
    thumb(talk, 0)
    thumb(talk, 1, good=True, words="")
    fact = instructions(talk)
    assert fact
    assert fact.history == ()
    other = talk_of(store, user=talk.user, thread="t2")
    say(other, "Explain trees.")
    assert [item.ref for item in traces_of(other)[-1].items] == ["instructions:instructions:1"]


def test_a_model_that_fails_leaves_the_feedback_for_the_next_write(store: Store) -> None:
    talk = talk_of(store)
    answers: list[object] = [RuntimeError("tired"), "Give numbers."]
    models = FakeModels(talker=FakeChat(), writer=FakeChat(answer=answers))
    talk = Conversation(store, talk.user, talk.thread, talk.memory, models, retrieval=talk.retrieval)
    say(talk, "Explain recursion.")
    trace = thumb(talk, 0)
    assert trace
    assert trace.errors
    assert instructions(talk) is None
    assert talk.catch_up(kind="reflect")
    fact = instructions(talk)
    assert fact
    assert fact.content["instructions"] == "Give numbers."


def test_feedback_goes_with_its_turn_and_so_does_what_was_made_of_it(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "Explain recursion.", "Explain sorting.")
    thumb(talk, 0, words="Use words of Zanzibar.")
    thumb(talk, 1)
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    assert not [place for place in every_text(store, talk.user) if "words of Zanzibar" in place.text]
    assert talk.catch_up(kind="reflect")
    fact = instructions(talk)
    assert fact
    assert (fact.content["instructions"], fact.history) == ("Show a practical example.", ())


def test_instructions_that_are_forgotten_leave_no_copy_in_a_prompt(store: Store) -> None:
    talk = talk_of(store)
    say(talk, "Explain recursion.")
    thumb(talk, 0, words="Use words of Zanzibar.")
    say(talk, "Explain sorting.")
    (place,) = forgetting.plan_item(store, talk.user, "instructions").places
    receipt = forgetting.forget_item(store, talk.retrieval, talk.user, "instructions", [place.id])
    assert receipt.left == 0
    assert ("copies of them in prompts", 1, 0) in [(row.place, row.there, row.left) for row in receipt.rows]
    assert "Zanzibar" not in str(store.everything(talk.user, talk.thread))


def test_what_was_said_of_an_answer_can_be_changed_and_taken_back(store: Store) -> None:
    talk = talk_of(store)
    store_of = talk.services().items
    source = Source("t1", "a", 0)
    give(store_of, source, True, "", 1.0)
    give(store_of, source, False, "too long", 2.0)
    assert [(one.good, one.words) for one in given(store_of, "t1").values()] == [(False, "too long")]
    assert given(store_of, "t2") == {}
    take_back(store_of, source)
    assert given(store_of, "t1") == {}
    with pytest.raises(BadInput, match="shorten it"):
        give(store_of, source, True, "x" * (LONGEST + 1), 1.0)
